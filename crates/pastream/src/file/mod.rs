//! Audio files, one module a container.
