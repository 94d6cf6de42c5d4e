//! The ring between the realtime callback and everybody else.
