//! A loop from output to input inside one callback.

/// What a device puts between its output and its input where one callback serves both.
pub trait Wire {
    /// Takes the output of a block as it was rendered and answers the input of the same block: frames ×
    /// recording channels, interleaved, as many frames as the block has.
    ///
    /// Realtime-safe.
    fn turn(&mut self, output: &[u8]) -> &[u8];
}
