//! The `wasmrun` program. Everything it does is in `cli`, over the crate's public API.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
