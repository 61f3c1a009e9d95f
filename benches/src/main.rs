//! Compares wasmrun with other WebAssembly interpreters, in one process, interleaved, with checked results.
//!
//! `compute` runs kernels and programs, `startup` measures how long a module takes until it could run. What an engine is, is
//! said once in `engines/`; neither benchmark knows which engines there are. See README.md for how to read the
//! figures.

mod args;
mod boundary;
mod clock;
mod compute;
mod engines;
mod external;
mod fetch;
mod generated;
mod kernels;
mod machine;
mod memory;
mod native;
mod plot;
mod preview1;
mod programs;
mod report;
mod startup;
mod stats;
mod table;
mod throws;
mod toolchain;
mod wasi;
mod workload;

use std::process::ExitCode;

use args::Command;

/// Any failure: of an engine, of a check, of the machine. A benchmark that fails prints no figures.
type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let done = args::parse().and_then(|command| match command {
        Command::Compute(options) => compute::run(&options),
        Command::Startup(options) => startup::run(&options),
        Command::StartupOnce(options) => startup::run_once(&options),
        Command::Boundary(options) => boundary::run(&options),
        Command::Throws(options) => throws::run(&options),
        Command::Memory(options) => memory::run(&options),
        Command::MemoryOnce(options) => memory::run_once(&options),
        Command::Wasi(options) => preview1::run(&options),
        Command::WasiOnce(options) => preview1::run_once(&options),
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
    println!("workloads:");
    for (name, class, about) in workload::known() {
        println!("  {name:<12} {:<6} {about}", class.name());
    }
    println!("modules for startup:");
    for (name, about) in fetch::MODULES {
        println!("  {name:<12} {about}");
    }
}
