//! Which devices there are, and which one a name means.
