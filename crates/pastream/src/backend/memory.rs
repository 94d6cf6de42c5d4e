use std::hint::black_box;

/// `length` times `value`, every page of it written, so that the audio thread is not the first to touch one.
pub(crate) fn filled<T: Clone>(length: usize, value: T) -> Vec<T> {
    let mut values = vec![value.clone(); length];
    // Unseen by the optimizer, which could leave zeros to pages that are not there yet.
    black_box(values.as_mut_slice()).fill(value);
    values
}
