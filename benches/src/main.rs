//! Compares wasmrun with other WebAssembly interpreters, in one process, interleaved, with checked results.
//!
//! `compute` runs the kernels, `startup` measures how long a module takes until it could run. What an engine is, is
//! said once in `engines/`; neither benchmark knows which engines there are. See README.md for how to read the
//! figures.

mod args;
mod boundary;
mod clock;
mod compute;
mod engines;
mod fetch;
mod kernels;
mod machine;
mod startup;
mod stats;
mod table;

use std::process::ExitCode;

use args::Command;

/// Any failure: of an engine, of a check, of the machine. A benchmark that fails prints no figures.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let done = args::parse().and_then(|command| match command {
        Command::Compute(options) => compute::run(&options),
        Command::Startup(options) => startup::run(&options),
        Command::StartupOnce(options) => startup::run_once(&options),
        Command::Boundary(options) => boundary::run(&options),
        Command::List => {
            list();
            Ok(())
        }
        Command::Help => {
            print!("{}", args::HELP);
            Ok(())
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    println!("engines:");
    for engine in engines::all() {
        println!("  {:<12} {}", engine.name(), engine.version());
    }
    println!("kernels:");
    for kernel in kernels::KERNELS {
        println!("  {:<12} {}", kernel.name, kernel.about);
    }
    println!("modules for startup:");
    for (name, about) in fetch::MODULES {
        println!("  {name:<12} {about}");
    }
}
