//! `wasmrun exec`: loads a module, gives it what the command line grants, runs it.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::time::Instant;

use wasmrun::{Config, Engine, Error, Executor, Features, Linker, Module, Store, Val, WasiEnv, WasiThreads};

use super::args::{ExecArgs, ExitPolicy};
use super::environment::{argv0, environment};
use super::exit::Ending;
use super::timeout::{self, Timer};
use super::{hint, invoke, report, stats, threads, world};

/// Why the guest did not end by itself.
enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// The host could not do it.
    Host(String),
    /// The engine refused the module or ended the run.
    Engine(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Engine(error)
    }
}

/// Runs the command and says on stderr what went wrong, if anything did.
pub fn run(args: &ExecArgs) -> Ending {
    let mut words = args.file_and_args.iter().cloned();
    let file = words.next().expect("clap: at least one value");
    let mut rest: Vec<OsString> = words.collect();
    if rest.first().is_some_and(|word| word == "--") {
        rest.remove(0);
    }
    let mut env = None;
    let ending = match load_and_run(args, &file, &rest, &mut env) {
        Ok(()) => Ending::Done,
        Err(Failure::Usage(message)) => {
            report::error(&message);
            Ending::Usage
        }
        Err(Failure::Host(message)) => {
            report::error(&message);
            Ending::Failure
        }
        Err(Failure::Engine(error)) => ended(args, &file, &error),
    };
    if let Some(env) = env {
        afterwards(args, &rest, &env, ending);
    }
    ending
}

/// Says what the guest could not, once it has ended.
fn afterwards(args: &ExecArgs, rest: &[OsString], env: &WasiEnv, ending: Ending) {
    if env.output_truncated() {
        let limit = args.max_output.unwrap_or_default();
        report::print(&format!(
            "note: the program's output was cut after {limit} bytes: see --max-output"
        ));
    }
    let failed = matches!(ending, Ending::Guest(1..) | Ending::Trap);
    if failed && let Some(hint) = hint::ungranted(env, &args.files.directories(), rest) {
        report::print(&hint);
    }
}

/// Tells the user about an error of the engine, and what it means for the exit status.
fn ended(args: &ExecArgs, file: &OsStr, error: &Error) -> Ending {
    if let Some(code) = Executor::is_proc_exit(error) {
        return Ending::Guest(code as u32);
    }
    match error {
        Error::Trap(trap) => {
            report::trap(trap, &label(file));
            Ending::Trap
        }
        Error::Signal(signal) => {
            report::error(&format!(
                "{}: the program ended itself with signal {signal}",
                label(file)
            ));
            Ending::Signal(signal.number())
        }
        Error::Exception(exception) => {
            report::exception(exception, &label(file));
            Ending::Trap
        }
        Error::OutOfFuel => {
            let fuel = args.fuel.unwrap_or(0);
            report::error(&format!("out of fuel: the program used up the {fuel} units of --fuel"));
            Ending::Trap
        }
        Error::Interrupted => {
            report::error(&timeout::message(args.timeout.unwrap_or_default()));
            Ending::Timeout
        }
        Error::Link(link) => {
            report::link(link, &label(file));
            if args.world.proc_exit == Some(ExitPolicy::Deny) {
                report::note(
                    "--proc-exit deny: `proc_exit` is not provided, and programs that could call it are not run",
                );
            }
            Ending::Failure
        }
        Error::Limit(limit) => {
            report::limit(limit, &label(file));
            Ending::Failure
        }
        other => {
            report::error(&other.to_string());
            Ending::Failure
        }
    }
}

/// What messages call the module.
fn label(file: &OsStr) -> String {
    if file == "-" {
        return "<stdin>".to_owned();
    }
    let base_name = std::path::Path::new(file).file_name().unwrap_or(file);
    base_name.to_string_lossy().into_owned()
}

/// Leaves the guest's environment in `given`, to be looked at when the run is over, however it ended.
fn load_and_run(args: &ExecArgs, file: &OsStr, rest: &[OsString], given: &mut Option<WasiEnv>) -> Result<(), Failure> {
    let engine = Engine::new(config(args));
    let module = load(&engine, file)?;
    // Everything on the command line is looked at before the guest runs its first instruction.
    let call = match &args.invoke {
        Some(name) => {
            let ty = invoke::find(&module, name).map_err(Failure::Usage)?;
            let arguments = invoke::arguments(name, &ty, rest).map_err(Failure::Usage)?;
            Some((name.as_str(), arguments))
        }
        None => None,
    };
    world::check(args, rest.len()).map_err(Failure::Usage)?;
    let mut words = vec![argv0(args, file)];
    if args.invoke.is_none() {
        words.extend_from_slice(rest);
    }
    let env = given.insert(environment(args, &label(file), words).map_err(Failure::Host)?);
    let mut linker = Linker::new(&engine);
    linker
        .wasi(env)
        .map_err(|error| Failure::Host(super::environment::message(&error)))?;
    let threads = match args.threads {
        Some(max) => Some(threads::link(&mut linker, &module, max)?),
        None => None,
    };
    if args.allow_unknown_imports {
        linker.stub_unknown_imports(&module)?;
    }
    call_guest(args, &linker, &module, call, threads.as_ref())
}

fn config(args: &ExecArgs) -> Config {
    let mut config = world::configure(&args.world, Config::new()).lazy_validation(args.lazy_validation);
    if let Some(fuel) = args.fuel {
        config = config.fuel(fuel);
    }
    if args.threads.is_some() {
        config = config.features(Features::default().threads(true));
    }
    if let Some(bytes) = args.max_gc_heap {
        config = config.max_gc_heap(bytes);
    }
    if let Some(bytes) = args.max_memory {
        config = config.max_memory(bytes);
    }
    if let Some(bytes) = args.max_stack {
        config = config.max_stack(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
    config
}

fn load(engine: &Engine, file: &OsStr) -> Result<Module, Failure> {
    if file != "-" {
        return Ok(Module::from_file(engine, file)?);
    }
    let mut bytes = Vec::new();
    if let Err(error) = std::io::stdin().lock().read_to_end(&mut bytes) {
        return Err(Failure::Host(format!("cannot read the module from stdin: {error}")));
    }
    Module::new(engine, bytes).map_err(|error| match error {
        Error::Decode(mut refusal) => {
            refusal.name = Some(label(file));
            Error::Decode(refusal).into()
        }
        other => other.into(),
    })
}

/// Instantiates the module and calls the function, or runs it as a program.
fn call_guest(
    args: &ExecArgs,
    linker: &Linker,
    module: &Module,
    call: Option<(&str, Vec<Val>)>,
    threads: Option<&WasiThreads>,
) -> Result<(), Failure> {
    let mut store = Store::new(module.engine(), ());
    // From here on guest code runs: a start function can spin as well as any other.
    let _timer = match args.timeout {
        None => None,
        Some(limit) => Some(
            Timer::start(limit, store.interrupt_handle())
                .map_err(|error| Failure::Host(format!("cannot start a thread for --timeout: {error}")))?,
        ),
    };
    if let Some(threads) = threads {
        threads.main(store.interrupt_handle());
    }
    let instance = linker.instantiate_in(&mut store, module)?;
    let mut executor = Executor::new(store, instance);
    let begun = Instant::now();
    let outcome = match call {
        Some((name, arguments)) => match executor.invoke(name, &arguments) {
            Ok(results) => print_results(&results),
            Err(error) => Err(error.into()),
        },
        None => executor.run().map_err(|error| match error {
            Error::Export(_) => Failure::Usage(format!(
                "there is no `_start`: the module is a library; choose a function with --invoke\n{}",
                invoke::functions(module)
            )),
            other => other.into(),
        }),
    };
    // Another thread may have ended the program; then the main one was only asked to stop.
    let outcome = match threads.and_then(WasiThreads::finish) {
        Some(error) => Err(error.into()),
        None => outcome,
    };
    if args.stats {
        stats::print(module, executor.store(), begun.elapsed());
    }
    outcome
}

fn print_results(results: &[Val]) -> Result<(), Failure> {
    let lines: String = results.iter().map(|value| invoke::show(value) + "\n").collect();
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| Failure::Host(format!("cannot write the results: {error}")))
}
