//! Runs the built binary.
