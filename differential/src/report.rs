//! Tries seeds in this process, prints what differs and writes the modules.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use differential::case::{Call, Case};
use differential::compare::{self, Verdict, compare};
use differential::shrink::shrink;
use differential::value::Value;

use crate::args::Args;

/// A worker's line to its supervisor: a seed is begun, with what the ones before added up to.
pub const BEGIN: &str = "begin";
pub const DONE: &str = "done";

/// What has been tried.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub seeds: u64,
    pub calls: u64,
    pub returned: u64,
    pub cut_short: u64,
    pub skipped: u64,
    pub wasmi_differs: u64,
    pub differences: u64,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.seeds += other.seeds;
        self.calls += other.calls;
        self.returned += other.returned;
        self.cut_short += other.cut_short;
        self.skipped += other.skipped;
        self.wasmi_differs += other.wasmi_differs;
        self.differences += other.differences;
    }

    /// As words of a line.
    pub fn to_line(self) -> String {
        let Tally {
            seeds,
            calls,
            returned,
            cut_short,
            skipped,
            wasmi_differs,
            differences,
        } = self;
        format!("{seeds} {calls} {returned} {cut_short} {skipped} {wasmi_differs} {differences}")
    }

    pub fn from_words<'w>(words: impl Iterator<Item = &'w str>) -> Option<Tally> {
        let numbers: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
        let [seeds, calls, returned, cut_short, skipped, wasmi_differs, differences] = numbers[..] else {
            return None;
        };
        Some(Tally {
            seeds,
            calls,
            returned,
            cut_short,
            skipped,
            wasmi_differs,
            differences,
        })
    }
}

/// Tries the seeds one after the other. Standard output tells the supervisor how far it is: if the process dies, the
/// seed that was begun last is to blame.
pub fn work(args: &Args) {
    let mut out = std::io::stdout();
    let mut tally = Tally::default();
    for seed in args.seeds.clone() {
        say(&mut out, &format!("{BEGIN} {seed} {}", tally.to_line()));
        tally.add(try_seed(args, seed));
        if tally.differences > 0 && !args.keep_going {
            break;
        }
    }
    say(&mut out, &format!("{DONE} {}", tally.to_line()));
}

fn say(out: &mut impl Write, line: &str) {
    // Whoever listened is gone; so should this process.
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

fn try_seed(args: &Args, seed: u64) -> Tally {
    let attempt = catch_unwind(AssertUnwindSafe(|| {
        let case = Case::new(seed, args.kind)?;
        let verdict = compare(&case, args.setup.as_deref());
        Ok::<_, String>((case, verdict))
    }));
    let mut tally = Tally {
        seeds: 1,
        ..Tally::default()
    };
    match attempt {
        Ok(Ok((case, verdict))) => {
            tally.calls = verdict.calls as u64;
            tally.returned = verdict.returned as u64;
            tally.cut_short = verdict.cut_short as u64;
            tally.skipped = verdict.skipped as u64;
            tally.wasmi_differs = verdict.wasmi_differs as u64;
            if verdict.difference.is_some() {
                tally.differences = 1;
                tell(args, &case, &verdict);
            }
        }
        Ok(Err(error)) => {
            tally.differences = 1;
            eprintln!("seed {seed}: no case: {error}");
        }
        Err(_) => {
            tally.differences = 1;
            eprintln!("seed {seed}: panicked, see above");
            write_seed(args, seed);
        }
    }
    tally
}

fn tell(args: &Args, case: &Case, verdict: &Verdict) {
    if let Some(difference) = &verdict.difference {
        eprintln!("seed {} ({:?}):\n{difference}", case.seed, case.kind);
    }
    write(args, case);
}

/// Writes the modules of a seed whose run did not come back.
pub fn write_seed(args: &Args, seed: u64) {
    match catch_unwind(|| Case::new(seed, args.kind)) {
        Ok(Ok(case)) => write(args, &case),
        _ => eprintln!("  the generator fails"),
    }
}

fn write(args: &Args, case: &Case) {
    if let Err(error) = write_calls(args, case) {
        eprintln!("  the calls cannot be written: {error}");
    }
    let units = case.units.iter().map(|unit| (unit.name.clone(), &unit.wasm));
    let padded = case
        .padded
        .iter()
        .flatten()
        .map(|unit| (format!("{}-padded", unit.name), &unit.wasm));
    for (name, wasm) in units.chain(padded) {
        let path = args.out.join(format!("seed-{}-{name}.wasm", case.seed));
        let text = wasmprinter::print_bytes(wasm).unwrap_or_else(|error| format!(";; {error}"));
        let written = std::fs::write(&path, wasm).and_then(|()| std::fs::write(path.with_extension("wat"), text));
        match written {
            Ok(()) => eprintln!("  module         {}", path.display()),
            Err(error) => eprintln!("  {} cannot be written: {error}", path.display()),
        }
    }
}

/// Writes the calls of a case as a program of calls for another engine: see `third.mjs`.
fn write_calls(args: &Args, case: &Case) -> std::io::Result<()> {
    let call = |call: &Call| {
        let arg = |arg: &Value| match *arg {
            Value::I32(v) => format!("[\"i32\", {}]", v as i32),
            Value::I64(v) => format!("[\"i64\", \"{}\"]", v as i64),
            Value::F32(v) => format!("[\"f32\", \"{v}\"]"),
            Value::F64(v) => format!("[\"f64\", \"{v}\"]"),
            Value::Func { .. } => "[\"funcref\"]".to_owned(),
            Value::Extern(None) => "[\"externref\", null]".to_owned(),
            Value::Extern(Some(v)) => format!("[\"externref\", {v}]"),
        };
        let arguments: Vec<String> = call.args.iter().map(arg).collect();
        format!("[{}, {:?}, [{}]]", call.unit, call.func, arguments.join(", "))
    };
    let calls: Vec<String> = case.calls.iter().map(call).collect();
    let units: Vec<String> = case.units.iter().map(|unit| format!("{:?}", unit.name)).collect();
    let text = format!(
        "{{\"units\": [{}], \"calls\": [\n{}\n]}}\n",
        units.join(", "),
        calls.join(",\n")
    );
    std::fs::write(args.out.join(format!("seed-{}.json", case.seed)), text)
}

/// Tries one seed, or a module from elsewhere, and says what it is. Returns whether all agreed.
pub fn single(args: &Args) -> bool {
    let seed = args.seeds.start;
    let case = match &args.module {
        None => Case::new(seed, args.kind),
        Some(path) => wat::parse_file(path)
            .map_err(|error| error.to_string())
            .and_then(Case::from_module),
    };
    let case = match case {
        Ok(case) => case,
        Err(error) => {
            eprintln!("no case: {error}");
            return false;
        }
    };
    let bytes: usize = case.units.iter().map(|unit| unit.wasm.len()).sum();
    println!(
        "{:?}: {} modules of {bytes} bytes, {} calls",
        case.kind,
        case.units.len(),
        case.calls.len()
    );
    if args.dump {
        write(args, &case);
        for (name, history) in compare::histories(&case) {
            println!("{name}:");
            history
                .refused
                .iter()
                .for_each(|ending| println!("  refused: {ending:?}"));
            for (at, (ending, state)) in history.steps.iter().enumerate() {
                println!("  {at} {ending:?} {:x?}", state.host_calls);
            }
        }
    }
    let verdict = compare(&case, args.setup.as_deref());
    if verdict.skipped {
        println!("skipped: it takes too long");
    }
    println!(
        "calls compared: {}, of which {} returned",
        verdict.calls, verdict.returned
    );
    let Some(difference) = &verdict.difference else {
        return true;
    };
    let shrunk = || shrink(seed, case.kind, &difference.setup);
    match (args.shrink && args.module.is_none()).then(shrunk).flatten() {
        Some(smaller) => tell(args, &smaller, &compare(&smaller, Some(&difference.setup))),
        None => tell(args, &case, &verdict),
    }
    false
}
