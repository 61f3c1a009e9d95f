//! `wasi`: programs that do much with the host, under wasmrun's and wasmtime's own WASI, each time in a fresh process.
//!
//! Measured is `_start` alone, wall time and CPU time: what the engine does before is `startup`'s business. The engines
//! take turns, and who begins changes every round. What a task left behind is looked at before its time counts.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::args::{WasiOnceOptions, WasiOptions};
use crate::clock::Spent;
use crate::stats::median;
use crate::table::Table;
use crate::{Result, machine};

const GUEST: &[u8] = include_bytes!("../wasi/io.wasm");
/// The line that the guest writes.
const LINE_BYTES: u64 = 66;

/// One thing that is measured.
struct Task {
    name: &'static str,
    about: &'static str,
    /// Bytes to copy, lines to write, entries to read; in a full run and in a quick one.
    counts: [u64; 2],
    /// What of wasmtime's time it may take; none if the task is only measured when it is asked for by name.
    limit: Option<f64>,
}

#[rustfmt::skip]
const TASKS: [Task; 5] = [
    Task { name: "copy", about: "1 GiB by reads and writes of 64 KiB", counts: [1 << 30, 16 << 20], limit: Some(1.2) },
    Task { name: "lines-file", about: "100,000 lines to a file, a write each", counts: [100_000, 1000], limit: Some(1.2) },
    Task { name: "lines-pipe", about: "100,000 lines to a pipe, a write each", counts: [100_000, 1000], limit: Some(1.2) },
    Task { name: "readdir", about: "100,000 entries of a directory, 1 MiB of them at a time", counts: [100_000, 1000], limit: Some(1.5) },
    // wasmtime takes minutes: it reads the whole directory again for each of the C library's 4 KiB.
    Task { name: "readdir-libc", about: "100,000 entries of a directory through the C library", counts: [100_000, 1000], limit: None },
];

pub fn run(options: &WasiOptions) -> Result<()> {
    let dir = options.cache.join(if options.quick { "wasi-quick" } else { "wasi" });
    let wanted = |task: &&Task| match &options.tasks {
        Some(names) => names.iter().any(|name| name == task.name),
        None => task.limit.is_some(),
    };
    let tasks: Vec<&Task> = TASKS.iter().filter(wanted).collect();
    for task in &tasks {
        prepare(&dir, task, options.quick)?;
    }
    let mut times: Vec<Vec<Vec<Spent>>> = tasks
        .iter()
        .map(|_| options.engines.iter().map(|_| Vec::new()).collect())
        .collect();
    for round in 0..options.rounds {
        for (task, times) in tasks.iter().zip(&mut times) {
            for turn in 0..options.engines.len() {
                let engine = (turn + round) % options.engines.len();
                let spent = in_child(options.engines[engine].name(), task, &dir, options.quick)?;
                times[engine].push(spent);
            }
        }
        eprintln!("round {} of {} done", round + 1, options.rounds);
    }
    if options.json {
        let tasks = tasks.iter().zip(&times).map(|(task, times)| {
            let engines = options.engines.iter().zip(times).map(|(engine, times)| {
                let wall: Vec<f64> = times.iter().map(|spent| spent.wall_ms).collect();
                let cpu: Vec<f64> = times.iter().map(|spent| spent.cpu_ms).collect();
                (engine.name().to_string(), json!({ "wall_ms": wall, "cpu_ms": cpu }))
            });
            json!({ "task": task.name, "engines": engines.collect::<serde_json::Map<_, _>>() })
        });
        let all = json!({ "benchmark": "wasi", "machine": machine::json(&options.engines), "tasks": tasks.collect::<Vec<_>>() });
        println!("{all:#}");
    } else {
        print_table(options, &tasks, &times);
    }
    Ok(())
}

fn print_table(options: &WasiOptions, tasks: &[&Task], times: &[Vec<Vec<Spent>>]) {
    let subject = &options.engines[0];
    let mut table = Table::default();
    let mut head = vec![String::new()];
    for engine in &options.engines {
        head.extend([format!("{} ms", engine.name()), "CPU ms".into()]);
    }
    for peer in &options.engines[1..] {
        head.extend([
            format!("{}/{}", subject.name(), peer.name()),
            "CPU".into(),
            "limit".into(),
        ]);
    }
    table.row(head);
    for (task, times) in tasks.iter().zip(times) {
        let mut row = vec![task.name.to_string()];
        for times in times {
            let of = |part: fn(&Spent) -> f64| format!("{:.1}", median(times.iter().map(part)));
            row.extend([of(|spent| spent.wall_ms), of(|spent| spent.cpu_ms)]);
        }
        for peer in &times[1..] {
            let ratio = |part: fn(&Spent) -> f64| {
                let rounds = times[0]
                    .iter()
                    .zip(peer)
                    .map(|(ours, theirs)| part(ours) / part(theirs));
                format!("{:.2}", median(rounds))
            };
            row.extend([
                ratio(|spent| spent.wall_ms),
                ratio(|spent| spent.cpu_ms),
                task.limit.map_or("-".into(), |limit| format!("{limit:.1}")),
            ]);
        }
        table.row(row);
    }
    print!("{table}");
    println!();
    for task in tasks {
        println!("{}: {}", task.name, task.about);
    }
    println!(
        "Wall time of the guest, and CPU time of its process meanwhile; medians of {} rounds, ratios round by round.",
        options.rounds
    );
    println!("{}", machine::line(&options.engines));
}

/// Makes what a task reads, unless an earlier run did.
fn prepare(dir: &Path, task: &Task, quick: bool) -> Result<()> {
    fs::create_dir_all(dir)?;
    let count = task.counts[usize::from(quick)];
    let (source, many) = (dir.join("source"), dir.join("many"));
    if task.name == "copy" && fs::metadata(&source).map_or(0, |known| known.len()) != count {
        let block: Vec<u8> = (0..1 << 20)
            .map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let mut file = File::create(&source)?;
        for _ in 0..count >> 20 {
            file.write_all(&block)?;
        }
    }
    if task.name.starts_with("readdir") && !many.join(name_of_entry(count - 1)).exists() {
        fs::create_dir_all(&many)?;
        for entry in 0..count {
            File::create(many.join(name_of_entry(entry)))?;
        }
    }
    Ok(())
}

fn name_of_entry(number: u64) -> String {
    format!("entry-{number:06}.txt")
}

fn in_child(engine: &str, task: &Task, dir: &Path, quick: bool) -> Result<Spent> {
    let count = task.counts[usize::from(quick)];
    let copy = dir.join("copy");
    let mut command = Command::new(env::current_exe()?);
    command.args(["wasi-once", "--engines", engine, "--tasks", task.name]);
    command.arg("--count").arg(count.to_string()).arg("--cache").arg(dir);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let written = io::copy(&mut child.stdout.take().ok_or("piped")?, &mut io::sink())?;
    let output = child.wait_with_output()?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    let failed = |why: &str| format!("{} under {engine}: {why}: {}", task.name, report.trim());
    if !output.status.success() {
        return Err(failed("it failed").into());
    }
    let done = match task.name {
        "copy" => same(&dir.join("source"), &copy)?,
        "lines-file" => fs::metadata(dir.join("lines"))?.len() == count * LINE_BYTES,
        "lines-pipe" => written == count * LINE_BYTES,
        // The guest counts.
        _ => true,
    };
    if !done {
        return Err(failed("the result is wrong").into());
    }
    let _ = fs::remove_file(copy);
    let spent: Value = serde_json::from_str(report.trim())?;
    let part = |name: &str| spent[name].as_f64().ok_or("a report without its figures");
    Ok(Spent {
        wall_ms: part("wall_ms")?,
        cpu_ms: part("cpu_ms")?,
    })
}

/// Whether two files have the same bytes.
fn same(left: &Path, right: &Path) -> Result<bool> {
    let (mut left, mut right) = (File::open(left)?, File::open(right)?);
    if left.metadata()?.len() != right.metadata()?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let count = left.read(&mut a)?;
        right.read_exact(&mut b[..count])?;
        if a[..count] != b[..count] {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
    }
}

/// The child: one task under one engine. Its time goes to stderr, because stdout is the guest's.
pub fn run_once(options: &WasiOnceOptions) -> Result<()> {
    let count = options.count.to_string();
    let spent = options
        .engine
        .program(GUEST, &["io", &options.task, &count], &options.dir)?;
    eprintln!("{}", json!({ "wall_ms": spent.wall_ms, "cpu_ms": spent.cpu_ms }));
    Ok(())
}

/// The names of all tasks.
pub fn names() -> impl Iterator<Item = &'static str> {
    TASKS.iter().map(|task| task.name)
}
