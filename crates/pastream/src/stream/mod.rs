//! A stream: its settings, its handle, and the conductor that runs it.
