//! Rings in memory that JavaScript allocated.

use std::{ptr::NonNull, sync::Arc, time::Duration};

use napi::{
    bindgen_prelude::{Function, Uint8Array},
    threadsafe_function::ThreadsafeFunctionCallMode,
};
use napi_derive::napi;
use pastream::{
    Error, ErrorKind,
    ring::{ListenerId, Ring},
};

use crate::error::{Result, failed, thrown};

/// JavaScript's hold on the memory of a ring.
struct Hold(#[expect(dead_code, reason = "kept for its drop")] Uint8Array);

// SAFETY: the array is only kept, and dropped; napi hands the drop to the thread that the array is of.
unsafe impl Send for Hold {}
// SAFETY: nothing of it is ever read.
unsafe impl Sync for Hold {}

fn attach(memory: Uint8Array) -> pastream::Result<Arc<Ring>> {
    let (data, length) = (memory.as_ptr().cast_mut(), memory.len());
    let data =
        NonNull::new(data).ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "the ring has no memory"))?;
    // SAFETY: JavaScript allocated the memory as a SharedArrayBuffer, which neither moves nor ends while `Hold` keeps
    // the array; on both sides it is used as a ring of this layout only.
    unsafe { Ring::attach(data, length, Box::new(Hold(memory))) }
}

/// One thread's hold on a ring in JavaScript's memory.
#[napi]
pub struct BindingRing {
    ring: Arc<Ring>,
    listener: ListenerId,
}

#[napi]
impl BindingRing {
    /// Attaches the memory of a ring. `wake` is called when a wait of JavaScript's may be over.
    ///
    /// # Errors
    /// `InvalidArgument` where the memory is no ring.
    #[napi(constructor)]
    pub fn new(memory: Uint8Array, wake: Function<'_, (), ()>) -> Result<Self> {
        let ring = attach(memory).map_err(|error| thrown(&error))?;
        let call = wake
            .build_threadsafe_function::<()>()
            .callee_handled::<false>()
            .weak::<true>()
            .max_queue_size::<1>()
            .build()
            .map_err(|error| failed(&error))?;
        let listener = ring.listen(Box::new(move || {
            call.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }));
        Ok(Self { ring, listener })
    }

    pub(crate) fn share(&self) -> Arc<Ring> {
        Arc::clone(&self.ring)
    }

    /// Wakes everybody who waits for what was written or read.
    #[napi]
    pub fn notify(&self) {
        self.ring.notify();
    }

    /// Blocks until `frames` can be read, nothing more will come, or the time is over.
    #[napi]
    pub fn wait_readable(&self, frames: u32, milliseconds: u32) {
        self.ring.wait_readable(frames as usize, Some(Duration::from_millis(milliseconds.into())), &|| false);
    }

    /// Blocks until there is room for `frames`, nobody will read, or the time is over.
    #[napi]
    pub fn wait_writable(&self, frames: u32, milliseconds: u32) {
        self.ring.wait_writable(frames as usize, Some(Duration::from_millis(milliseconds.into())), &|| false);
    }
}

impl Drop for BindingRing {
    fn drop(&mut self) {
        self.ring.unlisten(self.listener);
    }
}
