//! `memory`: how much memory a program takes under each engine, each time in a fresh process.
//!
//! The figure is the peak of anonymous memory: the largest resident size the process ever had, less its pages of files
//! (the benchmark's own executable). The module's bytes count until the engine has loaded it, and from then on only if
//! the engine keeps them; the guest's own memory counts as far as it is touched, which is the same under all.

use std::env;
use std::fs;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::args::{MemoryOnceOptions, MemoryOptions};
use crate::engines::Translated;
use crate::stats::{geometric_mean, median};
use crate::table::Table;
use crate::workload::{self, Class, Prepared, Workload};
use crate::{Result, machine};

/// One measurement, as the child reports it to its parent.
struct Sample {
    peak_mb: f64,
    translated: Option<Translated>,
}

/// `[workload][engine][round]`; empty where an engine cannot run a workload.
type Samples = Vec<Vec<Vec<Sample>>>;

pub fn run(options: &MemoryOptions) -> Result<()> {
    // One small kernel stands for what an engine takes before any program.
    let wanted = |name: &str, class: Class| match &options.workloads {
        Some(names) => names.iter().any(|wish| wish == name),
        None => class == Class::Real || name == "fib",
    };
    let Prepared { ready, missing } = workload::prepare(wanted, true, false, &options.cache)?;
    let mut samples: Samples = Vec::new();
    for workload in &ready {
        let mut engines = Vec::new();
        for engine in &options.engines {
            let able = !engine.fails_on(workload.name, workload.class);
            let rounds = if able { options.rounds } else { 0 };
            let rounds: Result<Vec<Sample>> = (0..rounds)
                .map(|_| in_child(options, engine.name(), workload.name))
                .collect();
            engines.push(rounds?);
        }
        samples.push(engines);
        eprintln!("{} done", workload.name);
    }
    if options.json {
        println!("{:#}", to_json(options, &ready, &samples));
    } else {
        print_tables(options, &ready, &samples);
        for (name, reason) in &missing {
            println!("NOT MEASURED: {name}: {}", reason.lines().next().unwrap_or_default());
        }
    }
    Ok(())
}

fn in_child(options: &MemoryOptions, engine: &str, workload: &str) -> Result<Sample> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["memory-once", "--engines", engine, "--workloads", workload, "--cache"]);
    let output = command.arg(&options.cache).output()?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{workload} under {engine}: {}", stderr.trim()).into());
    }
    let sample: Value = serde_json::from_slice(&output.stdout)?;
    let bytes = |name: &str| sample[name].as_u64();
    Ok(Sample {
        peak_mb: sample["peak_mb"].as_f64().ok_or("the system does not tell")?,
        translated: bytes("code_bytes")
            .zip(bytes("body_bytes"))
            .map(|(code_bytes, body_bytes)| Translated { code_bytes, body_bytes }),
    })
}

/// The child: one measurement, printed as JSON.
pub fn run_once(options: &MemoryOnceOptions) -> Result<()> {
    let wanted = |name: &str, _| name == options.workload;
    let mut ready = workload::prepare(wanted, true, false, &options.cache)?.ready;
    let workload = ready.pop().ok_or("no such workload")?;
    let translated = workload.run_once(options.engine.as_ref())?;
    println!(
        "{}",
        json!({
            "peak_mb": peak_anonymous_mb(),
            "code_bytes": translated.as_ref().map(|translated| translated.code_bytes),
            "body_bytes": translated.as_ref().map(|translated| translated.body_bytes),
        })
    );
    Ok(())
}

/// Linux has no high-water mark of anonymous memory alone. Pages of files are hardly ever given back, so what there is
/// of them now there was at the peak.
fn peak_anonymous_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib = |name: &str| -> Option<f64> {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    Some((kib("VmHWM:")? - kib("RssFile:")?) / 1024.0)
}

fn peak(rounds: &[Sample]) -> f64 {
    median(rounds.iter().map(|sample| sample.peak_mb))
}

fn peers(options: &MemoryOptions) -> impl Iterator<Item = usize> {
    (0..options.engines.len()).filter(|&e| e != options.subject)
}

fn ratio(options: &MemoryOptions, engines: &[Vec<Sample>], peer: usize) -> Option<f64> {
    Some(peak(&engines[options.subject]) / peak(&engines[peer])).filter(|ratio| !ratio.is_nan())
}

fn print_tables(options: &MemoryOptions, workloads: &[Workload], samples: &Samples) {
    let subject = options.engines[options.subject].name();
    let dash = |value: Option<f64>, decimals: usize| value.map_or("-".into(), |value| format!("{value:.decimals$}"));
    let mut table = Table::default();
    let mut head = vec![String::new()];
    head.extend(options.engines.iter().map(|engine| format!("{} MB", engine.name())));
    head.extend(peers(options).map(|peer| format!("{subject}/{}", options.engines[peer].name())));
    table.row(head);
    for (workload, engines) in workloads.iter().zip(samples) {
        let mut row = vec![workload.name.to_string()];
        row.extend(
            engines
                .iter()
                .map(|rounds| dash(Some(peak(rounds)).filter(|mb| !mb.is_nan()), 1)),
        );
        row.extend(peers(options).map(|peer| dash(ratio(options, engines, peer), 2)));
        table.row(row);
    }
    let mut row = vec!["geometric mean".to_string()];
    row.extend(options.engines.iter().map(|_| String::new()));
    row.extend(peers(options).map(|peer| {
        let ratios = samples.iter().filter_map(|engines| ratio(options, engines, peer));
        format!("{:.2}", geometric_mean(ratios))
    }));
    table.row(row);
    print!("{table}");
    println!();
    print_translated(options, workloads, samples);
    println!(
        "Peak of anonymous memory (VmHWM - RssFile), medians of {} processes each; below 1 means that {subject} takes less.",
        options.rounds
    );
    println!("{}", machine::line(&options.engines));
}

/// The internal code of the engines that tell.
fn print_translated(options: &MemoryOptions, workloads: &[Workload], samples: &Samples) {
    for (e, engine) in options.engines.iter().enumerate() {
        for (workload, engines) in workloads.iter().zip(samples) {
            let Some(translated) = engines[e].first().and_then(|sample| sample.translated.as_ref()) else {
                continue;
            };
            let Translated { code_bytes, body_bytes } = *translated;
            println!(
                "{} {}: {code_bytes} bytes of internal code for {body_bytes} bytes of function bodies, {:.2} each",
                engine.name(),
                workload.name,
                code_bytes as f64 / body_bytes as f64
            );
        }
    }
    println!();
}

fn to_json(options: &MemoryOptions, workloads: &[Workload], samples: &Samples) -> Value {
    let rows: Vec<Value> = workloads
        .iter()
        .zip(samples)
        .map(|(workload, engines)| {
            let peaks: Map<String, Value> = options
                .engines
                .iter()
                .zip(engines)
                .map(|(engine, rounds)| (engine.name().to_string(), json!(peak(rounds))))
                .collect();
            json!({ "workload": workload.name, "peak_mb": peaks })
        })
        .collect();
    json!({
        "benchmark": "memory",
        "machine": machine::json(&options.engines),
        "subject": options.engines[options.subject].name(),
        "rounds": options.rounds,
        "workloads": rows,
    })
}
