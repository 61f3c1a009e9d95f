//! Random calls of WASI: `cargo run --release -- [--first SEED] [--count SEEDS]`.
//!
//! Each seed is a guest in a world of its own that makes some hundred calls. The same seed makes the same calls, so that
//! what is found can be looked at again, and be put into `regressions.txt`, which `cargo test --test wasi` replays.

#[path = "../../wasi-tests/calls.rs"]
mod calls;
mod harness;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut numbers = [("--first", 0), ("--count", 1000)];
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().and_then(|value| value.parse().ok());
        match (numbers.iter_mut().find(|(name, _)| *name == arg), value) {
            (Some((_, number)), Some(value)) => *number = value,
            _ => {
                eprintln!("usage: wasmrun-fuzz [--first SEED] [--count SEEDS]");
                return ExitCode::from(2);
            }
        }
    }
    let [(_, first), (_, count)] = numbers;
    let (files, mut calls) = (harness::open_files(), 0);
    for seed in first..first + count {
        match harness::run(seed) {
            Ok(made) => calls += made,
            Err(found) => {
                eprintln!("seed {seed}: {found}");
                return ExitCode::FAILURE;
            }
        }
        if harness::open_files() != files {
            eprintln!(
                "seed {seed}: {files:?} descriptors before, {:?} after",
                harness::open_files()
            );
            return ExitCode::FAILURE;
        }
    }
    println!("{count} seeds from {first} on, {calls} calls, nothing found");
    ExitCode::SUCCESS
}
