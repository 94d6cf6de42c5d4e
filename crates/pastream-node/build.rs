//! Says how a Node-API addon is linked.

fn main() {
    napi_build::setup();
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // Audio threads may outlive the environment that loaded the addon; its code must not go from under them.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        // The functions of libasound that are defined here are called here, even where the program has libasound of its own
        // (Electron has): found by name, that would give those of its oldest interface.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-Bsymbolic");
    }
}
