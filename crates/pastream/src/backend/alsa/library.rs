//! libasound, loaded when it is first asked for: what alsa-sys declares is defined here and passed on to it.

use std::{
    ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong, c_ushort, c_void},
    marker::PhantomData,
    ptr,
    sync::OnceLock,
};

use alsa_sys::{
    __va_list_tag, snd_local_error_handler_t, snd_pcm_access_t, snd_pcm_format_t, snd_pcm_hw_params_t,
    snd_pcm_info_t, snd_pcm_state_t, snd_pcm_stream_t, snd_pcm_sw_params_t, snd_pcm_t,
};

const NAME: &CStr = c"libasound.so.2";

/// Once filled it stays so, and the library stays loaded: no function of it goes away under a thread.
static LIBRARY: OnceLock<Result<Symbols, String>> = OnceLock::new();

/// Loads libasound, at the first call, with all its functions that are used here.
///
/// Not realtime-safe: loads a library.
///
/// # Errors
/// A sentence that says why it can't be used.
pub(super) fn load() -> Result<(), String> {
    LIBRARY.get_or_init(|| open(NAME).and_then(Symbols::of)).as_ref().map(drop).map_err(Clone::clone)
}

fn open(name: &CStr) -> Result<ptr::NonNull<c_void>, String> {
    let shown = name.to_string_lossy();
    // SAFETY: the name ends in a zero; what the library runs when it is loaded is its own affair. Its plugins look for
    // its functions among the global ones.
    let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    ptr::NonNull::new(library).ok_or_else(|| {
        let reason = reason();
        let problem = if reason.is_empty() || reason.contains("No such file") {
            format!("{shown} is not installed")
        } else {
            format!("{shown} can't be loaded ({reason})")
        };
        format!(
            "{problem}: install the package libasound2 (libasound2t64 on newer Debian and Ubuntu, alsa-lib elsewhere)"
        )
    })
}

/// What the last call of the loader on this thread complained about.
fn reason() -> String {
    // SAFETY: takes nothing; what it answers is valid until the next call on this thread.
    let reason = unsafe { libc::dlerror() };
    if reason.is_null() {
        return String::new();
    }
    // SAFETY: not null, ends in a zero, and no call of the loader comes in between.
    unsafe { CStr::from_ptr(reason) }.to_string_lossy().into_owned()
}

/// What is answered while there is no library.
trait Absent {
    fn absent() -> Self;
}

impl Absent for () {
    fn absent() {}
}

// A long is one of the two.
impl Absent for i32 {
    fn absent() -> Self {
        -libc::ENOSYS
    }
}

impl Absent for i64 {
    fn absent() -> Self {
        -Self::from(libc::ENOSYS)
    }
}

impl Absent for u32 {
    fn absent() -> Self {
        0
    }
}

impl<T> Absent for *mut T {
    fn absent() -> Self {
        ptr::null_mut()
    }
}

impl Absent for snd_local_error_handler_t {
    fn absent() -> Self {
        None
    }
}

/// Defines each function as one that calls the library's.
macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of the library.
        struct Symbols {
            $($name: unsafe extern "C" fn($($type),*) $(-> $result)?,)*
        }

        impl Symbols {
            /// Looks all of them up.
            fn of(library: ptr::NonNull<c_void>) -> Result<Self, String> {
                Ok(Self {
                    $($name: {
                        let name = concat!(stringify!($name), "\0");
                        // SAFETY: the handle is of a library that is never closed, the name ends in a zero.
                        let address = unsafe { libc::dlsym(library.as_ptr(), name.as_ptr().cast()) };
                        if address.is_null() {
                            return Err(format!(
                                "{} is too old, it lacks {}: update it",
                                NAME.to_string_lossy(),
                                stringify!($name)
                            ));
                        }
                        // SAFETY: the function of this name has this type: alsa-sys, which is made from the library's
                        // header, gives it the same below.
                        unsafe {
                            std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($type),*) $(-> $result)?>(
                                address,
                            )
                        }
                    },)*
                })
            }
        }

        $(
            const _: unsafe extern "C" fn($($type),*) $(-> $result)? = alsa_sys::$name;

            // SAFETY: of all that is linked into this program, alsa-sys alone knows the name, and means this.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($arg: $type),*) $(-> $result)? {
                match LIBRARY.get() {
                    // SAFETY: the caller keeps what the library's header asks for.
                    Some(Ok(symbols)) => unsafe { (symbols.$name)($($arg),*) },
                    _ => Absent::absent(),
                }
            }
        )*
    };
}

forward! {
    snd_device_name_free_hint(hints: *mut *mut c_void) -> c_int;
    snd_device_name_get_hint(hint: *const c_void, id: *const c_char) -> *mut c_char;
    snd_device_name_hint(card: c_int, iface: *const c_char, hints: *mut *mut *mut c_void) -> c_int;
    snd_lib_error_set_local(handler: snd_local_error_handler_t) -> snd_local_error_handler_t;
    snd_pcm_avail_update(pcm: *mut snd_pcm_t) -> c_long;
    snd_pcm_bytes_to_frames(pcm: *mut snd_pcm_t, bytes: isize) -> c_long;
    snd_pcm_close(pcm: *mut snd_pcm_t) -> c_int;
    snd_pcm_delay(pcm: *mut snd_pcm_t, delay: *mut c_long) -> c_int;
    snd_pcm_drain(pcm: *mut snd_pcm_t) -> c_int;
    snd_pcm_drop(pcm: *mut snd_pcm_t) -> c_int;
    snd_pcm_hw_params(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t) -> c_int;
    snd_pcm_hw_params_any(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t) -> c_int;
    snd_pcm_hw_params_current(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t) -> c_int;
    snd_pcm_hw_params_free(params: *mut snd_pcm_hw_params_t);
    snd_pcm_hw_params_get_buffer_size(params: *const snd_pcm_hw_params_t, value: *mut c_ulong) -> c_int;
    snd_pcm_hw_params_get_channels_max(params: *const snd_pcm_hw_params_t, value: *mut c_uint) -> c_int;
    snd_pcm_hw_params_get_channels_min(params: *const snd_pcm_hw_params_t, value: *mut c_uint) -> c_int;
    snd_pcm_hw_params_get_period_size(params: *const snd_pcm_hw_params_t, value: *mut c_ulong, dir: *mut c_int) -> c_int;
    snd_pcm_hw_params_get_rate_max(params: *const snd_pcm_hw_params_t, value: *mut c_uint, dir: *mut c_int) -> c_int;
    snd_pcm_hw_params_get_rate_min(params: *const snd_pcm_hw_params_t, value: *mut c_uint, dir: *mut c_int) -> c_int;
    snd_pcm_hw_params_malloc(params: *mut *mut snd_pcm_hw_params_t) -> c_int;
    snd_pcm_hw_params_set_access(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t, value: snd_pcm_access_t) -> c_int;
    snd_pcm_hw_params_set_buffer_size_near(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t, value: *mut c_ulong) -> c_int;
    snd_pcm_hw_params_set_channels(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t, value: c_uint) -> c_int;
    snd_pcm_hw_params_set_format(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t, value: snd_pcm_format_t) -> c_int;
    snd_pcm_hw_params_set_period_size(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t, value: c_ulong, dir: c_int) -> c_int;
    snd_pcm_hw_params_set_period_size_near(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t, value: *mut c_ulong, dir: *mut c_int) -> c_int;
    snd_pcm_hw_params_set_rate(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t, value: c_uint, dir: c_int) -> c_int;
    snd_pcm_hw_params_set_rate_resample(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t, value: c_uint) -> c_int;
    snd_pcm_hw_params_test_channels(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t, value: c_uint) -> c_int;
    snd_pcm_hw_params_test_format(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t, value: snd_pcm_format_t) -> c_int;
    snd_pcm_hw_params_test_rate(pcm: *mut snd_pcm_t, params: *mut snd_pcm_hw_params_t, value: c_uint, dir: c_int) -> c_int;
    snd_pcm_info(pcm: *mut snd_pcm_t, info: *mut snd_pcm_info_t) -> c_int;
    snd_pcm_info_free(info: *mut snd_pcm_info_t);
    snd_pcm_info_get_card(info: *const snd_pcm_info_t) -> c_int;
    snd_pcm_info_malloc(info: *mut *mut snd_pcm_info_t) -> c_int;
    snd_pcm_open(pcm: *mut *mut snd_pcm_t, name: *const c_char, stream: snd_pcm_stream_t, mode: c_int) -> c_int;
    snd_pcm_poll_descriptors(pcm: *mut snd_pcm_t, fds: *mut libc::pollfd, space: c_uint) -> c_int;
    snd_pcm_poll_descriptors_count(pcm: *mut snd_pcm_t) -> c_int;
    snd_pcm_poll_descriptors_revents(pcm: *mut snd_pcm_t, fds: *mut libc::pollfd, count: c_uint, revents: *mut c_ushort) -> c_int;
    snd_pcm_prepare(pcm: *mut snd_pcm_t) -> c_int;
    snd_pcm_readi(pcm: *mut snd_pcm_t, buffer: *mut c_void, frames: c_ulong) -> c_long;
    snd_pcm_resume(pcm: *mut snd_pcm_t) -> c_int;
    snd_pcm_start(pcm: *mut snd_pcm_t) -> c_int;
    snd_pcm_state(pcm: *mut snd_pcm_t) -> snd_pcm_state_t;
    snd_pcm_sw_params(pcm: *mut snd_pcm_t, params: *mut snd_pcm_sw_params_t) -> c_int;
    snd_pcm_sw_params_current(pcm: *mut snd_pcm_t, params: *mut snd_pcm_sw_params_t) -> c_int;
    snd_pcm_sw_params_free(params: *mut snd_pcm_sw_params_t);
    snd_pcm_sw_params_malloc(params: *mut *mut snd_pcm_sw_params_t) -> c_int;
    snd_pcm_sw_params_set_avail_min(pcm: *mut snd_pcm_t, params: *mut snd_pcm_sw_params_t, value: c_ulong) -> c_int;
    snd_pcm_sw_params_set_start_threshold(pcm: *mut snd_pcm_t, params: *mut snd_pcm_sw_params_t, value: c_ulong) -> c_int;
    snd_pcm_writei(pcm: *mut snd_pcm_t, buffer: *const c_void, frames: c_ulong) -> c_long;
}

/// While it lives, nothing that libasound says on this thread gets to stderr.
pub(super) struct Quiet {
    before: snd_local_error_handler_t,
    /// It belongs to its thread.
    _thread: PhantomData<*const ()>,
}

impl Quiet {
    /// Not realtime-safe: once a thread.
    pub(super) fn new() -> Self {
        // SAFETY: the handler takes what the library gives it, and lives as long as the program.
        let before = unsafe { alsa_sys::snd_lib_error_set_local(Some(say_nothing)) };
        Self { before, _thread: PhantomData }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // SAFETY: what was there before may be there again.
        unsafe { alsa_sys::snd_lib_error_set_local(self.before) };
    }
}

extern "C" fn say_nothing(
    _file: *const c_char,
    _line: c_int,
    _function: *const c_char,
    _error: c_int,
    _format: *const c_char,
    _arguments: *mut __va_list_tag,
) {
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_named_with_its_package() {
        let reason = open(c"libasound-that-nobody-has.so.2").unwrap_err();
        assert!(reason.starts_with("libasound-that-nobody-has.so.2 is not installed: install"), "{reason}");
        assert!(reason.contains("libasound2t64"), "{reason}");
    }

    #[test]
    fn a_library_that_is_another_is_told_from_one_that_is_missing() {
        let Ok(library) = open(c"libc.so.6") else { return };
        let reason = Symbols::of(library).err().unwrap();
        assert!(reason.contains("lacks snd_device_name_free_hint"), "{reason}");
    }
}
