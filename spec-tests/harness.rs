//! A test harness for tests that are found at run time, with libtest's arguments and libtest's output.
//!
//! `#[test]` would need the names of some 200 scripts in the source, to be changed whenever the suite is.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

type Body = Box<dyn Fn() -> Result<(), String> + Send + Sync>;

/// A test.
pub struct Test {
    name: String,
    body: Body,
}

impl Test {
    /// A test that fails with a message.
    pub fn new(name: String, body: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Test {
        Test {
            name,
            body: Box::new(body),
        }
    }
}

/// How it went.
pub struct Outcome {
    /// No test failed.
    pub held: bool,
    /// No test was filtered out.
    pub all_ran: bool,
}

/// What was asked for on the command line.
#[derive(Default)]
struct Options {
    filters: Vec<String>,
    skip: Vec<String>,
    exact: bool,
    list: bool,
    quiet: bool,
    /// Only tests marked as ignored are wanted, and there are none.
    only_ignored: bool,
    threads: Option<usize>,
}

impl Options {
    fn parse() -> Options {
        let mut options = Options::default();
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let (flag, mut value) = match arg.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
                _ => (arg, None),
            };
            let mut value = || value.take().or_else(|| args.next()).unwrap_or_default();
            match flag.as_str() {
                "--skip" => options.skip.push(value()),
                "--test-threads" => options.threads = value().parse().ok(),
                "--color" | "--format" | "--logfile" | "-Z" => drop(value()),
                "--exact" => options.exact = true,
                "--list" => options.list = true,
                "--quiet" | "-q" => options.quiet = true,
                "--ignored" => options.only_ignored = true,
                // Output is never captured, and none of the others changes what is run.
                flag if flag.starts_with('-') => {}
                _ => options.filters.push(flag),
            }
        }
        options
    }

    fn wants(&self, name: &str) -> bool {
        let matches = |pattern: &String| {
            if self.exact {
                name == pattern
            } else {
                name.contains(pattern.as_str())
            }
        };
        !self.only_ignored
            && (self.filters.is_empty() || self.filters.iter().any(matches))
            && !self.skip.iter().any(matches)
    }
}

/// Runs the tests that the command line asks for, in threads with stacks of the ordinary size.
pub fn run(tests: Vec<Test>) -> Outcome {
    let options = Options::parse();
    let total = tests.len();
    let tests: Vec<Test> = tests.into_iter().filter(|test| options.wants(&test.name)).collect();
    let filtered_out = total - tests.len();
    if options.list {
        tests.iter().for_each(|test| println!("{}: test", test.name));
        println!("\n{} tests, 0 benchmarks", tests.len());
        return Outcome {
            held: true,
            all_ran: false,
        };
    }
    let start = Instant::now();
    println!(
        "\nrunning {} test{}",
        tests.len(),
        if tests.len() == 1 { "" } else { "s" }
    );
    let failures = run_all(&tests, &options);
    if options.quiet {
        println!();
    }
    if !failures.is_empty() {
        println!("\nfailures:\n");
        for (name, message) in &failures {
            println!("---- {name} ----\n{message}\n");
        }
        println!("failures:");
        failures.iter().for_each(|(name, _)| println!("    {name}"));
    }
    println!(
        "\ntest result: {}. {} passed; {} failed; 0 ignored; 0 measured; {filtered_out} filtered out; \
         finished in {:.2}s\n",
        if failures.is_empty() { "ok" } else { "FAILED" },
        tests.len() - failures.len(),
        failures.len(),
        start.elapsed().as_secs_f64()
    );
    Outcome {
        held: failures.is_empty(),
        all_ran: filtered_out == 0,
    }
}

/// Runs tests side by side and gives back the failed ones, in the order of the list.
fn run_all<'t>(tests: &'t [Test], options: &Options) -> Vec<(&'t str, String)> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = options.threads.unwrap_or(processors).clamp(1, tests.len().max(1));
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let mut failures: Vec<(usize, String)> = Vec::new();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(test) = tests.get(index) else { return };
                    let result = catch_unwind(AssertUnwindSafe(&test.body)).unwrap_or(Err("panicked".to_owned()));
                    let _ = sender.send((index, result));
                }
            });
        }
        drop(sender);
        for (index, result) in receiver {
            let word = if result.is_ok() { "ok" } else { "FAILED" };
            if options.quiet {
                print!("{}", if result.is_ok() { "." } else { "F" });
            } else {
                println!("test {} ... {word}", tests[index].name);
            }
            let _ = std::io::stdout().flush();
            if let Err(message) = result {
                failures.push((index, message));
            }
        }
    });
    failures.sort();
    failures
        .into_iter()
        .map(|(index, message)| (tests[index].name.as_str(), message))
        .collect()
}
