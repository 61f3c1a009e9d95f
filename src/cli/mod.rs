//! The command line, over the library's public API.

/// Runs the program.
pub fn main() -> std::process::ExitCode {
    todo!()
}
