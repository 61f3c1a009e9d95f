//! `wasmrun-differential`: see README.md.

mod args;
mod report;
mod supervise;

use std::process::ExitCode;

use args::{Args, HELP};

fn main() -> ExitCode {
    let args = match Args::parse() {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let agreed = match (args.worker, args.single) {
        (true, _) => {
            report::work(&args);
            true
        }
        (_, true) => report::single(&args),
        _ => supervise::run(&args),
    };
    if agreed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
