//! A loop from what is played to what is recorded, within one block.

/// A device whose capture depends on what this very block plays.
pub trait Wire {
    /// Takes what the block plays and gives what it records: frames × channels of each side, interleaved.
    ///
    /// Realtime-safe.
    fn turn(&mut self, output: &[u8]) -> &[u8];
}
