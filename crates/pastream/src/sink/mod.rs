//! Where a stream records to.
