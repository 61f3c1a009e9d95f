//! `compute`: every kernel under every engine.
//!
//! One measurement is the whole way from bytes to result: load, instantiate, call. The kernels are long enough that
//! the first two do not show, and a fresh instance each time averages over where allocations happen to lie. Rounds are
//! the outer loop, so that whatever else the machine does falls on all engines alike, and the engine that begins
//! moves on by one each round.

use serde_json::{Map, Value, json};

use crate::args::ComputeOptions;
use crate::clock::{Spent, measure};
use crate::engines::Engine;
use crate::kernels::{Case, Kernel};
use crate::stats::{geometric_mean, median, spread_percent};
use crate::table::Table;
use crate::{Result, machine};

/// `[kernel][engine][round]`
type Measurements = Vec<Vec<Vec<Spent>>>;

pub fn run(options: &ComputeOptions) -> Result<()> {
    let mut spent: Measurements = vec![vec![Vec::new(); options.engines.len()]; options.kernels.len()];
    for round in 0..options.rounds {
        for (k, kernel) in options.kernels.iter().enumerate() {
            for turn in 0..options.engines.len() {
                let e = (turn + round) % options.engines.len();
                spent[k][e].push(measure_once(options.engines[e].as_ref(), kernel, options.quick)?);
            }
        }
        eprintln!("round {} of {} done", round + 1, options.rounds);
    }
    if options.json {
        println!("{:#}", to_json(options, &spent));
    } else {
        print_table(options, &spent);
    }
    Ok(())
}

fn measure_once(engine: &dyn Engine, kernel: &Kernel, quick: bool) -> Result<Spent> {
    let Case { argument, checksum } = if quick { &kernel.quick } else { &kernel.full };
    let (sum, spent) = measure(|| engine.load(&mut kernel.wasm.to_vec())?.instantiate()?.run(*argument));
    let sum = sum.map_err(|error| format!("{} under {}: {error}", kernel.name, engine.name()))?;
    if sum != *checksum {
        let (kernel, engine) = (kernel.name, engine.name());
        return Err(format!("{kernel}({argument}) is {sum} under {engine}, natively it is {checksum}").into());
    }
    Ok(spent)
}

/// Median of the ratios of each round: rounds are neighbours in time, so a slow minute cancels.
fn ratio(subject: &[Spent], peer: &[Spent], clock: impl Fn(&Spent) -> f64) -> f64 {
    median(subject.iter().zip(peer).map(|(s, p)| clock(s) / clock(p)))
}

fn cpu(spent: &Spent) -> f64 {
    spent.cpu_ms
}

fn wall(spent: &Spent) -> f64 {
    spent.wall_ms
}

fn peers(options: &ComputeOptions) -> impl Iterator<Item = usize> {
    (0..options.engines.len()).filter(|&e| e != options.subject)
}

fn print_table(options: &ComputeOptions, spent: &Measurements) {
    let subject = options.engines[options.subject].name();
    let mut table = Table::default();
    let mut head = vec![String::new()];
    for engine in &options.engines {
        head.extend([format!("{} ms", engine.name()), "±%".into()]);
    }
    head.extend(peers(options).map(|peer| format!("{subject}/{}", options.engines[peer].name())));
    table.row(head);
    for (kernel, engines) in options.kernels.iter().zip(spent) {
        let mut row = vec![kernel.name.to_string()];
        for rounds in engines {
            let times: Vec<f64> = rounds.iter().map(cpu).collect();
            row.extend([
                format!("{:.1}", median(times.iter().copied())),
                format!("{:.0}", spread_percent(&times)),
            ]);
        }
        row.extend(peers(options).map(|peer| format!("{:.2}", ratio(&engines[options.subject], &engines[peer], cpu))));
        table.row(row);
    }
    for (name, clock) in [("geometric mean", cpu as fn(&Spent) -> f64), ("  by wall time", wall)] {
        let mut row = vec![name.to_string()];
        row.extend(options.engines.iter().flat_map(|_| [String::new(), String::new()]));
        row.extend(peers(options).map(|peer| format!("{:.3}", mean_ratio(options, spent, peer, clock))));
        table.row(row);
    }
    print!("{table}");
    println!();
    println!(
        "CPU time, medians of {} rounds; ±%: from the fastest to the slowest round, relative to the median;",
        { options.rounds }
    );
    println!("ratios: medians of the rounds' ratios, below 1 means that {subject} is faster. All results checked.");
    println!("{}", machine::line(&options.engines));
}

fn mean_ratio(options: &ComputeOptions, spent: &Measurements, peer: usize, clock: fn(&Spent) -> f64) -> f64 {
    geometric_mean(
        spent
            .iter()
            .map(|engines| ratio(&engines[options.subject], &engines[peer], clock)),
    )
}

fn to_json(options: &ComputeOptions, spent: &Measurements) -> Value {
    let name = |e: usize| options.engines[e].name().to_string();
    let summary = |rounds: &[Spent], clock: fn(&Spent) -> f64| {
        let times: Vec<f64> = rounds.iter().map(clock).collect();
        json!({ "median": median(times.iter().copied()), "rounds": times })
    };
    let kernels: Vec<Value> = options
        .kernels
        .iter()
        .zip(spent)
        .map(|(kernel, engines)| {
            let times: Map<String, Value> = engines
                .iter()
                .enumerate()
                .map(|(e, rounds)| {
                    (
                        name(e),
                        json!({ "cpu_ms": summary(rounds, cpu), "wall_ms": summary(rounds, wall) }),
                    )
                })
                .collect();
            let ratios: Map<String, Value> = peers(options)
                .map(|peer| {
                    let of = |clock| ratio(&engines[options.subject], &engines[peer], clock);
                    (
                        name(peer),
                        json!({ "cpu": of(cpu as fn(&Spent) -> f64), "wall": of(wall) }),
                    )
                })
                .collect();
            json!({ "kernel": kernel.name, "times": times, "ratios": ratios })
        })
        .collect();
    let means: Map<String, Value> = peers(options)
        .map(|peer| {
            let of = |clock| mean_ratio(options, spent, peer, clock);
            (name(peer), json!({ "cpu": of(cpu), "wall": of(wall) }))
        })
        .collect();
    json!({
        "benchmark": "compute",
        "machine": machine::json(&options.engines),
        "subject": name(options.subject),
        "rounds": options.rounds,
        "quick": options.quick,
        "kernels": kernels,
        "geometric_means": means,
    })
}
