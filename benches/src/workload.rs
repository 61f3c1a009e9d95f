//! What is measured: a kernel or a program, its class, and how one run of it is checked.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::clock::{Spent, measure};
use crate::engines::{Engine, Module, Translated};
use crate::kernels::{Case, KERNELS, Kernel};
use crate::native;
use crate::programs::{PROGRAMS, Program};
use crate::toolchain::Toolchain;
use crate::wasi::Wasi;

/// Means are taken per class first: a class with many workloads is not worth more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// One feature of an engine at a time.
    Micro,
    /// Small programs of our own that do something useful.
    Bench,
    /// Vectors of 128 bits.
    Simd,
    /// Programs people use.
    Real,
}

impl Class {
    pub const ALL: [Class; 4] = [Class::Micro, Class::Bench, Class::Simd, Class::Real];

    pub fn name(self) -> &'static str {
        match self {
            Class::Micro => "micro",
            Class::Bench => "bench",
            Class::Simd => "simd",
            Class::Real => "real",
        }
    }
}

pub struct Workload {
    pub name: &'static str,
    pub class: Class,
    wasm: Cow<'static, [u8]>,
    task: Task,
    /// Its native build, if it is compared and there is one.
    pub native: Option<PathBuf>,
}

enum Task {
    /// Call the export `run`.
    Kernel { argument: i32, checksum: i64 },
    /// Call the export `_start` as a program with WASI.
    Program {
        args: Vec<String>,
        stdin: &'static str,
        stdout: String,
    },
}

/// A workload's name, class and description, before anything is fetched or built.
pub fn known() -> impl Iterator<Item = (&'static str, Class, &'static str)> {
    let kernels = KERNELS.iter().map(|kernel| (kernel.name, kernel.class, kernel.about));
    kernels.chain(
        PROGRAMS
            .iter()
            .map(|program| (program.name, Class::Real, program.about)),
    )
}

pub struct Prepared {
    pub ready: Vec<Workload>,
    /// The names of those that could not be fetched or built, with the reason.
    pub missing: Vec<(&'static str, String)>,
}

/// The workloads that `wanted` accepts.
pub fn prepare(wanted: impl Fn(&str, Class) -> bool, quick: bool, with_native: bool, cache: &Path) -> Result<Prepared> {
    let toolchain = Toolchain::new(cache)?;
    let (mut ready, mut missing) = (Vec::new(), Vec::new());
    for kernel in KERNELS.iter().filter(|kernel| wanted(kernel.name, kernel.class)) {
        let native = if with_native {
            Some(toolchain.native_kernel(kernel.name)?)
        } else {
            None
        };
        ready.push(of_kernel(kernel, quick, native));
    }
    for program in PROGRAMS.iter().filter(|program| wanted(program.name, Class::Real)) {
        match of_program(program, quick, with_native, &toolchain) {
            Ok(workload) => ready.push(workload),
            Err(error) => {
                eprintln!("{} cannot be measured: {error}", program.name);
                missing.push((program.name, error.to_string()));
            }
        }
    }
    Ok(Prepared { ready, missing })
}

fn of_kernel(kernel: &Kernel, quick: bool, native: Option<PathBuf>) -> Workload {
    let Case { argument, checksum } = if quick { kernel.quick } else { kernel.full };
    Workload {
        name: kernel.name,
        class: kernel.class,
        wasm: kernel.wasm.into(),
        task: Task::Kernel { argument, checksum },
        native,
    }
}

fn of_program(program: &'static Program, quick: bool, with_native: bool, toolchain: &Toolchain) -> Result<Workload> {
    let times = if quick { 1 } else { program.times };
    let args = program.arguments.iter().map(ToString::to_string);
    Ok(Workload {
        name: program.name,
        class: Class::Real,
        wasm: program.wasm(toolchain)?.into(),
        task: Task::Program {
            args: args.chain([times.to_string()]).collect(),
            stdin: program.script,
            stdout: program.expected.repeat(times as usize),
        },
        native: match &program.recipe {
            Some(recipe) if with_native => Some(toolchain.native(program.name, recipe)?),
            _ => None,
        },
    })
}

impl Workload {
    /// One measurement, from bytes to result: load, instantiate, run. The result is checked.
    pub fn run_under(&self, engine: &dyn Engine) -> Result<Spent> {
        Ok(self.run(engine, self.wasm.to_vec())?.0)
    }

    /// The same, leaving no copy of the bytes behind; what was translated, if the engine tells.
    pub fn run_once(mut self, engine: &dyn Engine) -> Result<Option<Translated>> {
        let wasm = std::mem::take(&mut self.wasm).into_owned();
        Ok(self.run(engine, wasm)?.1)
    }

    fn run(&self, engine: &dyn Engine, wasm: Vec<u8>) -> Result<(Spent, Option<Translated>)> {
        match &self.task {
            Task::Kernel { argument, checksum } => {
                let (ran, spent) = measure(|| {
                    let mut instance = load(engine, wasm)?.instantiate()?;
                    Ok::<_, Box<dyn std::error::Error>>((instance.run(*argument)?, instance.translated()))
                });
                match ran? {
                    (sum, translated) if sum == *checksum => Ok((spent, translated)),
                    (sum, _) => Err(format!("run({argument}) is {sum}, natively it is {checksum}").into()),
                }
            }
            Task::Program { args, stdin, stdout } => {
                let args: Vec<String> = [self.name.to_string()]
                    .into_iter()
                    .chain(args.iter().cloned())
                    .collect();
                let wasi = Wasi::new(&args, stdin);
                let (ran, spent) = measure(|| {
                    let mut instance = load(engine, wasm)?.link(Some(&wasi))?;
                    Ok::<_, Box<dyn std::error::Error>>((instance.start(), instance.translated()))
                });
                let (ended, translated) = ran?;
                // An engine reports an exit as the error that the import failed with.
                match (wasi.exit_code(), ended) {
                    (Some(0), _) | (None, Ok(())) => {}
                    (Some(code), _) => return Err(format!("exited with {code}: {}", wasi.stderr()).into()),
                    (None, Err(error)) => return Err(format!("{error} {}", wasi.stderr()).into()),
                }
                check_output(&wasi.stdout(), stdout)?;
                Ok((spent, translated))
            }
        }
    }

    /// One measurement of the native build, in a process of its own.
    pub fn run_native(&self, build: &Path) -> Result<Spent> {
        let (args, stdin, expected) = match &self.task {
            Task::Kernel { argument, checksum } => (vec![argument.to_string()], "", format!("{checksum}\n")),
            Task::Program { args, stdin, stdout } => (args.clone(), *stdin, stdout.clone()),
        };
        let (output, spent) = native::run(build, &args, stdin)?;
        check_output(&output, &expected)?;
        Ok(spent)
    }
}

/// Loads, and gives the bytes back unless the engine keeps them, as an embedder would.
fn load(engine: &dyn Engine, mut wasm: Vec<u8>) -> Result<Box<dyn Module>> {
    engine.load(&mut wasm)
}

fn check_output(printed: &[u8], expected: &str) -> Result<()> {
    if printed == expected.as_bytes() {
        return Ok(());
    }
    let printed = String::from_utf8_lossy(printed);
    let wrong = printed.lines().zip(expected.lines()).find(|(is, should)| is != should);
    Err(match wrong {
        Some((is, should)) => format!("printed `{is}`, expected `{should}`").into(),
        None => format!("printed {} bytes, expected {}", printed.len(), expected.len()).into(),
    })
}
