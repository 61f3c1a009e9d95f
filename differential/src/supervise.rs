//! Spreads seeds over processes of this program: one that crashes or hangs takes only its seed with it, and it is
//! known which.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::report::{BEGIN, DONE, Tally, write_seed};

/// Seeds of one process.
const CHUNK: u64 = 200;
/// A seed that takes longer hangs. Debug builds are slow.
const PATIENCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 300 } else { 60 });

/// Tries all seeds. Returns whether everything agreed.
pub fn run(args: &Args) -> bool {
    let start = Instant::now();
    let next = AtomicU64::new(args.seeds.start);
    let stop = AtomicBool::new(false);
    let total = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..args.jobs {
            scope.spawn(|| {
                loop {
                    let late = args.time.is_some_and(|time| start.elapsed() >= time);
                    let first = next.fetch_add(CHUNK, Ordering::Relaxed);
                    if late || first >= args.seeds.end || stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let tally = chunk(args, first, args.seeds.end.min(first + CHUNK));
                    stop.fetch_or(tally.differences > 0 && !args.keep_going, Ordering::Relaxed);
                    total.lock().expect("no panic while it is held").add(tally);
                }
            });
        }
    });
    let total = total.into_inner().expect("the threads have ended");
    println!(
        "{} seeds, {} calls of which {} returned, {} cases cut short by stacks, {} skipped because they take too long, \
         in {} wasmi differs from the reference, {} differences, {:.0} s",
        total.seeds,
        total.calls,
        total.returned,
        total.cut_short,
        total.skipped,
        total.wasmi_differs,
        total.differences,
        start.elapsed().as_secs_f64()
    );
    total.differences == 0
}

/// Tries the seeds from `first` to `end` in processes of their own: after a crash another one goes on.
fn chunk(args: &Args, mut first: u64, end: u64) -> Tally {
    let mut total = Tally::default();
    while first < end {
        let worker = Worker::run(args, first, end);
        total.add(worker.tally);
        match worker.died_at {
            None => break,
            Some((seed, how)) => {
                eprintln!("seed {seed}: {how}");
                write_seed(args, seed);
                total.add(Tally {
                    seeds: 1,
                    differences: 1,
                    ..Tally::default()
                });
                if !args.keep_going {
                    break;
                }
                first = seed + 1;
            }
        }
    }
    total
}

/// What became of a process.
struct Worker {
    tally: Tally,
    died_at: Option<(u64, String)>,
}

impl Worker {
    fn run(args: &Args, first: u64, end: u64) -> Worker {
        let mut child = spawn(args, first, end).expect("this program can be started again");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .for_each(|line| drop(sender.send(line)));
        });
        let mut worker = Worker {
            tally: Tally::default(),
            died_at: None,
        };
        let mut seed = first;
        let how = loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    let mut words = line.split(' ');
                    let word = words.next();
                    if word == Some(BEGIN) {
                        seed = words.next().and_then(|word| word.parse().ok()).unwrap_or(seed);
                    }
                    worker.tally = Tally::from_words(words).unwrap_or(worker.tally);
                    if word == Some(DONE) {
                        break None;
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    break Some(format!("nothing happened for {} s", PATIENCE.as_secs()));
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    break Some("the process died".to_owned());
                }
            }
        };
        // It has ended, or has to.
        let _ = child.kill();
        let status = child.wait().expect("it was started");
        reader.join().expect("the reader does not panic");
        worker.died_at = how.map(|how| (seed, format!("{how} ({status})")));
        worker
    }
}

fn spawn(args: &Args, first: u64, end: u64) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([
        "--worker",
        "--first",
        &first.to_string(),
        "--count",
        &(end - first).to_string(),
    ]);
    command.arg("--out").arg(&args.out);
    if let Some(kind) = args.kind {
        command.args(["--kind", &format!("{kind:?}").to_lowercase()]);
    }
    if let Some(setup) = &args.setup {
        command.args(["--setup", setup]);
    }
    if args.keep_going {
        command.arg("--keep-going");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()
}
