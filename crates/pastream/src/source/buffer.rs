//! Samples in memory.

use std::{marker::PhantomData, ops::Deref, sync::Arc};

use bytemuck::Pod;

/// Bytes, seen as samples. What is left over at the end is left out, as a whole where the bytes don't lie as the
/// samples must; an `Arc`'s do.
pub(crate) struct Samples<S> {
    bytes: Arc<[u8]>,
    sample: PhantomData<fn() -> S>,
}

impl<S: Pod> Samples<S> {
    pub(crate) fn new(bytes: Arc<[u8]>) -> Self {
        Self { bytes, sample: PhantomData }
    }
}

impl<S: Pod> Deref for Samples<S> {
    type Target = [S];

    fn deref(&self) -> &[S] {
        bytemuck::try_cast_slice(&self.bytes).unwrap_or_default()
    }
}
