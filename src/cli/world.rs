//! The options of `args::world` → the environment and the engine.

use std::sync::{Arc, Mutex};

use wasmrun::wasi::{Access, Family, FixedClock, HostClock, ProcExit, Profile};
use wasmrun::{Config, WasiEnvBuilder};

use super::args::{ExecArgs, ExitPolicy, WorldArgs};
use super::report;
use super::units::ClockSource;

/// Sets what the engine has to know.
pub fn configure(args: &WorldArgs, config: Config) -> Config {
    config.canonical_nans(args.deterministic.is_some())
}

/// Sets what the environment has to know. `file` is what the user calls the program.
pub fn furnish(args: &WorldArgs, file: &str, mut env: WasiEnvBuilder) -> WasiEnvBuilder {
    if let Some(seed) = args.deterministic {
        env = env.deterministic(seed);
    }
    // What the profile says of clocks and exits comes first: the options that follow may say otherwise.
    if let Some(profile) = args.profile {
        env = env.profile(profile);
    }
    match args.clock {
        None => {}
        Some(ClockSource::Host) => env = env.clock(HostClock),
        Some(ClockSource::Fixed(realtime)) => env = env.clock(FixedClock::new(realtime)),
    }
    if let Some(resolution) = args.clock_resolution {
        env = env.clock_resolution(resolution);
    }
    if let Some(seed) = args.random_seed {
        env = env.random_seed(seed);
    }
    if let Some(policy) = args.proc_exit {
        env = env.proc_exit(match policy {
            ExitPolicy::Allow => ProcExit::Allow,
            ExitPolicy::Trap => ProcExit::Trap,
            ExitPolicy::Deny => ProcExit::Deny,
        });
    }
    let option = match (args.random_seed, args.deterministic) {
        (Some(_), _) => Some("--random-seed"),
        (None, Some(_)) => Some("--deterministic"),
        (None, None) => None,
    };
    if let Some(option) = option {
        report::warning(&format!(
            "{option}: the program's random numbers can be predicted; let it make no keys with them"
        ));
    }
    let (file, told) = (file.to_owned(), Arc::new(Mutex::new(Vec::new())));
    env.on_ignored_signal(move |signal| {
        let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Once of each kind: a program may do nothing else.
        if !told.contains(&signal) {
            told.push(signal);
            report::warning(&format!("{file}: signal {signal} ignored"));
        }
    })
}

/// What a profile has no use for is a mistake on the command line. `words` are the program's arguments.
///
/// # Errors
/// The option, in words.
pub fn check(args: &ExecArgs, words: usize) -> Result<(), String> {
    let profile = args.world.profile.unwrap_or_default();
    let given = [
        (Family::Arguments, words > 0 && args.invoke.is_none(), "arguments"),
        (
            Family::Environment,
            args.inherit_env || !args.env.is_empty(),
            "variables",
        ),
        (Family::Files, !args.files.directories().is_empty(), "files"),
        (Family::Sockets, !args.listen.is_empty(), "sockets"),
    ];
    for (family, given, what) in given {
        if given && profile.access(family) != Access::Full {
            return Err(format!(
                "the profile `{profile}` gives programs no {what}: {}",
                advice(profile, what)
            ));
        }
    }
    if args.stdin.is_some() && !profile.stdin() {
        return Err(format!(
            "the profile `{profile}` gives programs no input: {}",
            advice(profile, "input")
        ));
    }
    Ok(())
}

fn advice(profile: Profile, what: &str) -> &'static str {
    match (profile, what) {
        (Profile::Cell, "arguments") => "a cell takes grants, not arguments",
        _ => "`wasmrun profiles` prints what each gives",
    }
}
