//! What a stream plays.
