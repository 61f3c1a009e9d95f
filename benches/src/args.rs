//! What was typed on the command line.

use std::path::PathBuf;

use lexopt::prelude::*;

use crate::engines::{self, Engine};
use crate::workload::{self, Class};
use crate::{Result, fetch, preview1};

pub const HELP: &str = "\
wasmrun-bench [compute]       run the workloads under every engine
wasmrun-bench startup         load and instantiate modules, each time in a fresh process
wasmrun-bench boundary        calls between host and guest, instances of loaded modules: wasmrun and wasmi
wasmrun-bench throws          exceptions, thrown and not, under engines that have them
wasmrun-bench wasi            files, pipes and directories under the engine's own WASI, each time in a fresh process
wasmrun-bench memory          peak memory of programs, each time in a fresh process
wasmrun-bench list            the engines, workloads and modules there are

  --engines A,B        only these engines (default: all; startup: wasmrun and wasmi); there are also wasmrun-lazy and
                       wasmi-lazy, which validate each function on its first call
  --subject A          the engine whose time stands above the line of every ratio (default: the first)
  --rounds N           how often each measurement is taken (default: compute and wasi 7, startup 15, memory 3)
  --json               print JSON in place of the table
  --cache DIR          where what is fetched or built is kept (default: .cache beside the benchmark's manifest)
compute, memory:
  --workloads A,B      only these workloads, of whatever class (memory: default fib and all of real)
compute:
  --class A,B          only these classes: micro, bench, real, all (default: all)
  --native             also the same sources compiled natively
  --svg FILE           draw the times relative to one engine
  --baseline A         which (default: wasmi)
  --quick              little work each: checks the results, says nothing about speed
wasi:
  --tasks A,B          only these: copy, lines-file, lines-pipe, readdir, or readdir-libc, which takes wasmtime minutes
  --quick              little work each
startup:
  --modules A,B        only these modules
  --file PATH          measure this module too; may be repeated
";

pub enum Command {
    Compute(ComputeOptions),
    Startup(StartupOptions),
    StartupOnce(StartupOnceOptions),
    Boundary(BoundaryOptions),
    Throws(ThrowsOptions),
    Memory(MemoryOptions),
    MemoryOnce(MemoryOnceOptions),
    Wasi(WasiOptions),
    WasiOnce(WasiOnceOptions),
    List,
    Help,
}

pub struct ComputeOptions {
    pub engines: Vec<Box<dyn Engine>>,
    /// Index into `engines`.
    pub subject: usize,
    pub classes: Vec<Class>,
    /// By name; they count whatever `classes` says.
    pub workloads: Option<Vec<String>>,
    pub native: bool,
    pub svg: Option<PathBuf>,
    /// The contender that the plot is relative to.
    pub baseline: Option<String>,
    pub cache: PathBuf,
    pub rounds: usize,
    pub quick: bool,
    pub json: bool,
}

pub struct StartupOptions {
    pub engines: Vec<Box<dyn Engine>>,
    /// Index into `engines`.
    pub subject: usize,
    pub modules: Vec<String>,
    pub files: Vec<PathBuf>,
    pub cache: PathBuf,
    pub rounds: usize,
    pub json: bool,
}

/// How `startup` calls itself: one measurement of one engine on one file.
pub struct StartupOnceOptions {
    pub engine: Box<dyn Engine>,
    pub file: PathBuf,
    /// Also call `_start`.
    pub start: bool,
    /// With WASI, as the program of this name that is asked for its version.
    pub program: Option<String>,
}

pub struct BoundaryOptions {
    pub cache: PathBuf,
    pub rounds: usize,
    pub json: bool,
}

pub struct ThrowsOptions {
    pub engines: Vec<Box<dyn Engine>>,
    pub rounds: usize,
    pub json: bool,
}

pub struct MemoryOptions {
    pub engines: Vec<Box<dyn Engine>>,
    /// Index into `engines`.
    pub subject: usize,
    pub workloads: Option<Vec<String>>,
    pub cache: PathBuf,
    pub rounds: usize,
    pub json: bool,
}

/// How `memory` calls itself: one run of one workload.
pub struct MemoryOnceOptions {
    pub engine: Box<dyn Engine>,
    pub workload: String,
    pub cache: PathBuf,
}

pub struct WasiOptions {
    /// The first is the subject.
    pub engines: Vec<Box<dyn Engine>>,
    pub tasks: Option<Vec<String>>,
    pub cache: PathBuf,
    pub rounds: usize,
    pub quick: bool,
    pub json: bool,
}

/// How `wasi` calls itself: one task under one engine.
pub struct WasiOnceOptions {
    pub engine: Box<dyn Engine>,
    pub task: String,
    pub count: u64,
    /// What the guest gets as `/`.
    pub dir: PathBuf,
}

pub fn parse() -> Result<Command> {
    let mut engines: Option<Vec<String>> = None;
    let mut classes: Option<Vec<String>> = None;
    let mut workloads: Option<Vec<String>> = None;
    let mut modules: Option<Vec<String>> = None;
    let mut tasks: Option<Vec<String>> = None;
    let mut count: Option<u64> = None;
    let mut subject: Option<String> = None;
    let mut baseline: Option<String> = None;
    let mut svg: Option<PathBuf> = None;
    let mut rounds: Option<usize> = None;
    let mut cache = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.cache"));
    let (mut quick, mut json, mut start, mut native) = (false, false, false, false);
    let mut files = Vec::new();
    let mut command: Option<String> = None;
    let mut program: Option<String> = None;

    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("engines") => engines = Some(names(parser.value()?)?),
            Long("class") => classes = Some(names(parser.value()?)?),
            Long("workloads") => workloads = Some(names(parser.value()?)?),
            Long("modules") => modules = Some(names(parser.value()?)?),
            Long("tasks") => tasks = Some(names(parser.value()?)?),
            Long("count") => count = Some(parser.value()?.parse()?),
            Long("native") => native = true,
            Long("svg") => svg = Some(parser.value()?.into()),
            Long("baseline") => baseline = Some(parser.value()?.string()?),
            Long("subject") => subject = Some(parser.value()?.string()?),
            Long("rounds") => rounds = Some(parser.value()?.parse()?),
            Long("cache") => cache = parser.value()?.into(),
            Long("file") => files.push(PathBuf::from(parser.value()?)),
            Long("quick") => quick = true,
            Long("json") => json = true,
            Long("start") => start = true,
            Long("program") => program = Some(parser.value()?.string()?),
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(word) if command.is_none() => command = Some(word.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if rounds == Some(0) {
        return Err("--rounds 0 measures nothing".into());
    }
    match command.as_deref().unwrap_or("compute") {
        "compute" => {
            let engines = chosen_engines(engines, |_| true)?;
            Ok(Command::Compute(ComputeOptions {
                subject: subject_of(&engines, subject)?,
                engines,
                classes: chosen_classes(classes)?,
                workloads: chosen_workloads(workloads)?,
                native,
                svg,
                baseline,
                cache,
                rounds: rounds.unwrap_or(7),
                quick,
                json,
            }))
        }
        "startup" => {
            let engines = chosen_engines(engines, |name| name == "wasmrun" || name == "wasmi")?;
            let known = fetch::MODULES.iter().map(|(name, _)| *name);
            let modules = match modules {
                None if files.is_empty() => known.map(String::from).collect(),
                None => Vec::new(),
                Some(names) => {
                    for name in &names {
                        check_known(name, "module", known.clone())?;
                    }
                    names
                }
            };
            Ok(Command::Startup(StartupOptions {
                subject: subject_of(&engines, subject)?,
                engines,
                modules,
                files,
                cache,
                rounds: rounds.unwrap_or(15),
                json,
            }))
        }
        "startup-once" => {
            let mut engines = chosen_engines(engines, |_| true)?;
            Ok(Command::StartupOnce(StartupOnceOptions {
                engine: engines.remove(0),
                file: files.pop().ok_or("startup-once needs --file")?,
                start,
                program,
            }))
        }
        "boundary" => Ok(Command::Boundary(BoundaryOptions {
            cache,
            rounds: rounds.unwrap_or(15),
            json,
        })),
        "throws" => Ok(Command::Throws(ThrowsOptions {
            engines: chosen_engines(engines, |_| true)?,
            rounds: rounds.unwrap_or(15),
            json,
        })),
        "memory" => {
            let engines = chosen_engines(engines, |_| true)?;
            Ok(Command::Memory(MemoryOptions {
                subject: subject_of(&engines, subject)?,
                engines,
                workloads: chosen_workloads(workloads)?,
                cache,
                rounds: rounds.unwrap_or(3),
                json,
            }))
        }
        "memory-once" => Ok(Command::MemoryOnce(MemoryOnceOptions {
            engine: chosen_engines(engines, |_| true)?.remove(0),
            workload: workloads
                .into_iter()
                .flatten()
                .next()
                .ok_or("memory-once needs --workloads")?,
            cache,
        })),
        "wasi" => {
            for name in tasks.iter().flatten() {
                check_known(name, "task", preview1::names())?;
            }
            Ok(Command::Wasi(WasiOptions {
                // wasmtime's compiler, for what the engines do themselves must not count.
                engines: chosen_engines(engines, |name| name == "wasmrun" || name == "cranelift")?,
                tasks,
                cache,
                rounds: rounds.unwrap_or(7),
                quick,
                json,
            }))
        }
        "wasi-once" => Ok(Command::WasiOnce(WasiOnceOptions {
            engine: chosen_engines(engines, |_| true)?.remove(0),
            task: tasks.into_iter().flatten().next().ok_or("wasi-once needs --tasks")?,
            count: count.ok_or("wasi-once needs --count")?,
            dir: cache,
        })),
        "list" => Ok(Command::List),
        "help" => Ok(Command::Help),
        other => Err(
            format!("no command `{other}`; there are compute, startup, boundary, throws, memory, wasi, list").into(),
        ),
    }
}

fn names(value: std::ffi::OsString) -> Result<Vec<String>> {
    Ok(value.string()?.split(',').map(String::from).collect())
}

fn check_known<'a>(name: &str, kind: &str, known: impl Iterator<Item = &'a str>) -> Result<()> {
    let known: Vec<&str> = known.collect();
    if known.contains(&name) {
        return Ok(());
    }
    Err(format!("no {kind} `{name}`; there are {}", known.join(", ")).into())
}

/// The engines asked for, in the order asked for; without a wish, those that `by_default` accepts.
fn chosen_engines(wish: Option<Vec<String>>, by_default: impl Fn(&str) -> bool) -> Result<Vec<Box<dyn Engine>>> {
    let Some(names) = wish else {
        return Ok(engines::all()
            .into_iter()
            .filter(|engine| by_default(engine.name()))
            .collect());
    };
    let known = || engines::all().into_iter().chain(engines::lazy());
    let mut chosen = Vec::new();
    for name in &names {
        check_known(name, "engine", known().map(|engine| engine.name()))?;
        chosen.extend(known().filter(|engine| engine.name() == name));
    }
    Ok(chosen)
}

fn chosen_classes(wish: Option<Vec<String>>) -> Result<Vec<Class>> {
    let Some(names) = wish else {
        return Ok(Class::ALL.to_vec());
    };
    for name in &names {
        check_known(
            name,
            "class",
            Class::ALL.iter().map(|class| class.name()).chain(["all"]),
        )?;
    }
    let chosen = |class: &Class| names.iter().any(|name| name == "all" || name == class.name());
    Ok(Class::ALL.into_iter().filter(chosen).collect())
}

fn chosen_workloads(wish: Option<Vec<String>>) -> Result<Option<Vec<String>>> {
    for name in wish.iter().flatten() {
        check_known(name, "workload", workload::known().map(|(name, _, _)| name))?;
    }
    Ok(wish)
}

fn subject_of(engines: &[Box<dyn Engine>], wish: Option<String>) -> Result<usize> {
    let Some(name) = wish else { return Ok(0) };
    check_known(&name, "engine", engines.iter().map(|engine| engine.name()))?;
    Ok(engines.iter().position(|engine| engine.name() == name).unwrap_or(0))
}
