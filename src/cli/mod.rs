//! The `wasmrun` program, over the library's public API.
//!
//! `args` is what can be typed; `exec`, `wast`, `listing` do it, one file per command; `report` says on stderr what went wrong;
//! `exit` turns the way a command ended into the exit status. Nothing here uses `println!` or `eprintln!`: they panic
//! when nobody reads the other end any more.

mod args;
mod demangle;
mod environment;
mod exec;
mod exit;
mod features;
mod hint;
mod invoke;
mod listing;
mod profiles;
mod report;
mod script;
mod stats;
mod threads;
mod timeout;
mod units;
mod version;
mod wast;
mod world;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use exit::Ending;

/// Runs the program.
pub fn main() -> ExitCode {
    let typed = with_command(std::env::args_os().collect());
    let ending = match parse(typed) {
        Ok(cli) => match cli.command {
            Command::Exec(args) => exec::run(&args),
            Command::Wast(args) => wast::run(&args),
            Command::Listing(args) => listing::run(&args),
            Command::Profiles(args) => profiles::run(&args),
            Command::Wasi(args) => profiles::list(&args),
        },
        Err(message) => {
            // Help and version are messages too; only they go to stdout.
            let _ = message.print();
            if message.use_stderr() {
                Ending::Usage
            } else {
                Ending::Done
            }
        }
    };
    ending.into()
}

fn parse(typed: Vec<OsString>) -> Result<Cli, clap::Error> {
    let cli = Cli::try_parse_from(&typed)?;
    // The guest's arguments may begin with a hyphen, and clap extends that to FILE: an option we do not have ends up there.
    // A parser without that licence tells it from a file after `--`, and knows what was probably meant.
    if let Command::Exec(args) = &cli.command
        && args.file_and_args[0] != "-"
        && args.file_and_args[0].as_encoded_bytes().starts_with(b"-")
    {
        let strict = |exec: clap::Command| exec.mut_arg("file_and_args", |arg| arg.allow_hyphen_values(false));
        Cli::command()
            .mut_subcommand("exec", strict)
            .try_get_matches_from(typed)?;
    }
    Ok(cli)
}

/// Puts the command into the bare form: `wasmrun app.wasm` is `wasmrun exec app.wasm`.
///
/// Done before clap sees it, because clap would go on looking for a command among the guest's arguments.
fn with_command(mut args: Vec<OsString>) -> Vec<OsString> {
    let Some(first) = args.get(1) else {
        return args;
    };
    let is_ours = |word: &str| {
        ["-h", "--help", "-V", "--version"].contains(&word)
            || Cli::command()
                .get_subcommands()
                .any(|command| command.get_name() == word)
    };
    if !first.to_str().is_some_and(is_ours) {
        args.insert(1, "exec".into());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exec_args(words: &[&str]) -> args::ExecArgs {
        let words = with_command(words.iter().map(OsString::from).collect());
        match parse(words).expect("the words are in order").command {
            Command::Exec(args) => *args,
            other => panic!("`exec` expected, {other:?} found"),
        }
    }

    #[test]
    fn clap_finds_no_fault_in_the_arguments() {
        Cli::command().debug_assert();
    }

    #[test]
    fn everything_after_the_file_is_the_guests() {
        for words in [
            &[
                "wasmrun", "--fuel", "5", "a.wasm", "--fuel", "6", "exec", "-h", "--", "--dir",
            ][..],
            &[
                "wasmrun", "exec", "--fuel=5", "a.wasm", "--fuel", "6", "exec", "-h", "--", "--dir",
            ],
        ] {
            let args = exec_args(words);
            assert_eq!(args.fuel, Some(5));
            assert!(args.files.dir.is_empty());
            assert_eq!(
                args.file_and_args,
                ["a.wasm", "--fuel", "6", "exec", "-h", "--", "--dir"]
            );
        }
        assert_eq!(
            exec_args(&["wasmrun", "a.wasm", "--", "x"]).file_and_args,
            ["a.wasm", "--", "x"]
        );
        assert_eq!(exec_args(&["wasmrun", "-", "x"]).file_and_args, ["-", "x"]);
        assert_eq!(
            exec_args(&["wasmrun", "--", "a.wasm", "-x"]).file_and_args,
            ["a.wasm", "-x"]
        );
    }

    #[test]
    fn an_option_we_do_not_have_is_not_taken_for_the_file() {
        for words in [
            &["wasmrun", "--fule", "5", "a.wasm"][..],
            &["wasmrun", "exec", "--fuel=5", "-v", "a.wasm", "-x"],
        ] {
            let words = with_command(words.iter().map(OsString::from).collect());
            let error = parse(words).expect_err("no such option");
            assert_eq!(error.kind(), clap::error::ErrorKind::UnknownArgument);
        }
        assert_eq!(
            exec_args(&["wasmrun", "--", "-a.wasm", "-x"]).file_and_args,
            ["-a.wasm", "-x"]
        );
    }

    #[test]
    fn cargo_can_use_it_as_a_runner() {
        let args = exec_args(&[
            "wasmrun",
            "exec",
            "--dir=.",
            "t-0a1b.wasm",
            "--nocapture",
            "--test-threads=1",
            "dir",
        ]);
        assert_eq!(args.files.dir.len(), 1);
        assert_eq!(args.file_and_args[1..], ["--nocapture", "--test-threads=1", "dir"]);
    }
}
