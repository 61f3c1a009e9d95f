//! `wasmrun profiles` and `wasmrun wasi --list`: facts about WASI, without running anything.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::{Value, json};
use wasmrun::wasi::{Access, FUNCTIONS, Family, Function, ProcExit, Profile};

use super::args::{ProfilesArgs, WasiArgs};
use super::exit::Ending;
use super::report;

/// Prints what each profile allows, on stdout.
pub fn run(args: &ProfilesArgs) -> Ending {
    print(if args.json { profiles_as_json() } else { profiles() })
}

/// Prints the functions, on stdout.
pub fn list(args: &WasiArgs) -> Ending {
    let profile = args.profile.unwrap_or_default();
    let states = FUNCTIONS
        .iter()
        .map(|function| (function.name, state(function, profile)));
    if args.json {
        let entries = states.map(|(name, state)| json!({ "name": name, "state": state }));
        return print(format!("{:#}\n", Value::Array(entries.collect())));
    }
    let mut text = String::new();
    for (name, state) in states {
        let _ = writeln!(text, "{name:<23} {state}");
    }
    print(text)
}

/// How far a function is there, or what it answers instead.
fn state(function: &Function, profile: Profile) -> String {
    if function.name == "proc_exit" && profile.proc_exit() != ProcExit::Allow {
        return proc_exit(profile).to_owned();
    }
    match Family::of(function.name).map(|family| profile.access(family)) {
        Some(Access::Empty) => "empty".to_owned(),
        Some(Access::Denied(errno)) => format!("denied ({errno})"),
        _ => function.state.to_string(),
    }
}

fn proc_exit(profile: Profile) -> &'static str {
    match profile.proc_exit() {
        ProcExit::Allow => "allow",
        ProcExit::Trap => "trap",
        ProcExit::Deny => "deny",
    }
}

fn profiles() -> String {
    let mut text = String::new();
    let mut row = |name: &str, cell: &dyn Fn(Profile) -> String| {
        let cells = Profile::ALL.map(|profile| format!("{:<13}", cell(profile))).concat();
        let _ = writeln!(text, "{name:<17}{}", cells.trim_end());
    };
    row("", &|profile| profile.to_string());
    for family in Family::all() {
        row(family.name(), &|profile| match profile.access(family) {
            Access::Denied(errno) => errno.to_owned(),
            access => access.to_string(),
        });
    }
    row("stdin", &|profile| {
        if profile.stdin() { "yes" } else { "empty" }.to_owned()
    });
    row("clock resolution", &|profile| {
        format!("{:?}", profile.clock_resolution())
    });
    row("proc_exit", &|profile| proc_exit(profile).to_owned());
    text.push_str(
        "\nyes: as far as it was granted; empty: succeeds, and there is nothing; else the error it answers\n",
    );
    for family in Family::all() {
        let _ = write!(text, "\n{}:", family.name());
        let mut width = 1000;
        for function in family.functions() {
            if width + function.len() >= 76 {
                text.push_str("\n   ");
                width = 4;
            }
            let _ = write!(text, " {function}");
            width += 1 + function.len();
        }
    }
    text.push('\n');
    text
}

fn profiles_as_json() -> String {
    let profiles = Profile::ALL.map(|profile| {
        let families =
            Family::all().map(|family| (family.name().to_owned(), json!(profile.access(family).to_string())));
        json!({
            "name": profile.name(),
            "families": Value::Object(families.collect()),
            "stdin": profile.stdin(),
            "clock_resolution_ns": u64::try_from(profile.clock_resolution().as_nanos()).unwrap_or(u64::MAX),
            "proc_exit": proc_exit(profile),
        })
    });
    let families = Family::all().map(|family| (family.name().to_owned(), json!(family.functions())));
    let all = json!({ "profiles": profiles, "functions": Value::Object(families.collect()) });
    format!("{all:#}\n")
}

fn print(text: String) -> Ending {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => Ending::Done,
        Err(error) => {
            report::error(&format!("cannot write the table: {error}"));
            Ending::Failure
        }
    }
}
