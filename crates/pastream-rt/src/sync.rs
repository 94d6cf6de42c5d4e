//! The atomics, which loom replaces in its models.

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

/// Expands to a constructor that is `const` wherever the atomics' own are: everywhere but in loom's models.
macro_rules! const_new {
    ($(#[$doc:meta])* $visible:vis fn $name:ident() -> Self $body:block) => {
        $(#[$doc])*
        #[cfg(not(loom))]
        $visible const fn $name() -> Self $body

        $(#[$doc])*
        #[cfg(loom)]
        $visible fn $name() -> Self $body
    };
}
pub(crate) use const_new;
