//! The Node-API binding of pastream: converts and forwards, decides nothing.
