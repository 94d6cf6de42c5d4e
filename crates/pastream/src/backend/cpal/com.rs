use std::sync::Once;

use windows::Win32::System::Com::CoIncrementMTAUsage;

/// Keeps COM for as long as the process lives.
///
/// cpal gives it up with each thread that used it, but keeps an object of it in a static: after the last such thread its
/// code would be unloaded from under that.
pub(super) fn keep() {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| {
        // SAFETY: takes nothing, and what it answers is never given back. Where it fails all is as it was.
        let _ = unsafe { CoIncrementMTAUsage() };
    });
}
