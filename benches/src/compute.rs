//! `compute`: every workload under every engine.
//!
//! One measurement is the whole way from bytes to result: load, instantiate, run. The workloads are long enough that
//! the first two do not show much, and a fresh instance each time averages over where allocations happen to lie. Rounds
//! are the outer loop, so that whatever else the machine does falls on all engines alike, and the contender that begins
//! moves on by one each round.

use std::fs;

use serde_json::{Map, Value, json};

use crate::args::ComputeOptions;
use crate::clock::Spent;
use crate::stats::{geometric_mean, median};
use crate::workload::{self, Class, Prepared, Workload};
use crate::{Result, machine, plot, report};

/// All that was measured. Contenders are the engines, and after them the native builds if they are compared.
pub struct Measured {
    pub contenders: Vec<&'static str>,
    /// Index into `contenders`.
    pub subject: usize,
    pub workloads: Vec<(&'static str, Class)>,
    /// `[workload][contender][round]`; empty where a contender cannot run a workload.
    pub spent: Vec<Vec<Vec<Spent>>>,
    pub rounds: usize,
    /// Workloads that could not be built, with the reason.
    pub missing: Vec<(&'static str, String)>,
    /// The machine and the versions, in a line.
    pub machine: String,
}

pub fn run(options: &ComputeOptions) -> Result<()> {
    let wanted = |name: &str, class: Class| match &options.workloads {
        Some(names) => names.iter().any(|wish| wish == name),
        None => options.classes.contains(&class),
    };
    let Prepared { ready, missing } = workload::prepare(wanted, options.quick, options.native, &options.cache)?;
    if ready.is_empty() {
        return Err("nothing can be measured".into());
    }
    let measured = measure(options, &ready, missing)?;
    let json = to_json(&measured, options);
    if let Some(file) = &options.svg {
        fs::write(file, plot::relative(&measured, options.baseline.as_deref())?)?;
    }
    if options.json {
        println!("{json:#}");
    } else {
        report::print(&measured);
    }
    Ok(())
}

fn measure(options: &ComputeOptions, workloads: &[Workload], missing: Vec<(&'static str, String)>) -> Result<Measured> {
    let mut contenders: Vec<&'static str> = options.engines.iter().map(|engine| engine.name()).collect();
    if options.native {
        contenders.push("native");
    }
    let mut spent = vec![vec![Vec::new(); contenders.len()]; workloads.len()];
    for round in 0..options.rounds {
        for (w, workload) in workloads.iter().enumerate() {
            for turn in 0..contenders.len() {
                let c = (turn + round) % contenders.len();
                let once = match (options.engines.get(c), &workload.native) {
                    (Some(engine), _) if !engine.fails_on(workload.name, workload.class) => {
                        workload.run_under(engine.as_ref())
                    }
                    (None, Some(build)) => workload.run_native(build),
                    _ => continue,
                };
                let once = once.map_err(|error| format!("{} under {}: {error}", workload.name, contenders[c]))?;
                spent[w][c].push(once);
            }
        }
        eprintln!("round {} of {} done", round + 1, options.rounds);
    }
    Ok(Measured {
        contenders,
        subject: options.subject,
        workloads: workloads
            .iter()
            .map(|workload| (workload.name, workload.class))
            .collect(),
        spent,
        rounds: options.rounds,
        missing,
        machine: machine::line(&options.engines),
    })
}

pub type Clock = fn(&Spent) -> f64;

pub fn cpu(spent: &Spent) -> f64 {
    spent.cpu_ms
}

pub fn wall(spent: &Spent) -> f64 {
    spent.wall_ms
}

impl Measured {
    pub fn peers(&self) -> impl Iterator<Item = usize> {
        (0..self.contenders.len()).filter(|&c| c != self.subject)
    }

    /// The classes of which something was measured.
    pub fn classes(&self) -> impl Iterator<Item = Class> {
        let measured = |class: &Class| self.workloads.iter().any(|(_, of)| of == class);
        Class::ALL.into_iter().filter(measured)
    }

    /// The ratio of contender `c` to contender `peer` on a workload: the median of each round's ratio. Rounds are
    /// neighbours in time, so a slow minute cancels. None where either did not run.
    pub fn ratio(&self, workload: usize, c: usize, peer: usize, clock: Clock) -> Option<f64> {
        let (spent, peers) = (&self.spent[workload][c], &self.spent[workload][peer]);
        let ratios = spent.iter().zip(peers).map(|(s, p)| clock(s) / clock(p));
        Some(median(ratios)).filter(|ratio| !ratio.is_nan())
    }

    /// The geometric mean of the ratios over the workloads of a class, or over all.
    pub fn mean_ratio(&self, class: Option<Class>, c: usize, peer: usize, clock: Clock) -> Option<f64> {
        let of_class = |w: &usize| class.is_none_or(|class| self.workloads[*w].1 == class);
        let ratios = (0..self.workloads.len())
            .filter(of_class)
            .filter_map(|w| self.ratio(w, c, peer, clock));
        Some(geometric_mean(ratios)).filter(|mean| !mean.is_nan())
    }

    /// The workload on which the subject does worst against a peer.
    pub fn worst(&self, peer: usize) -> Option<(&'static str, f64)> {
        (0..self.workloads.len())
            .filter_map(|w| Some((self.workloads[w].0, self.ratio(w, self.subject, peer, cpu)?)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

fn to_json(measured: &Measured, options: &ComputeOptions) -> Value {
    let name = |c: usize| measured.contenders[c].to_string();
    let summary = |rounds: &[Spent], clock: Clock| {
        let times: Vec<f64> = rounds.iter().map(clock).collect();
        json!({ "median": median(times.iter().copied()), "rounds": times })
    };
    let against = |of: &dyn Fn(usize, Clock) -> Option<f64>| -> Map<String, Value> {
        let ratios = |peer| json!({ "cpu": of(peer, cpu), "wall": of(peer, wall) });
        measured.peers().map(|peer| (name(peer), ratios(peer))).collect()
    };
    let workloads: Vec<Value> = (0..measured.workloads.len())
        .map(|w| {
            let (workload, class) = measured.workloads[w];
            let ran = |c: &usize| !measured.spent[w][*c].is_empty();
            let times: Map<String, Value> = (0..measured.contenders.len())
                .filter(ran)
                .map(|c| {
                    let rounds = &measured.spent[w][c];
                    (
                        name(c),
                        json!({ "cpu_ms": summary(rounds, cpu), "wall_ms": summary(rounds, wall) }),
                    )
                })
                .collect();
            let ratios = against(&|peer, clock| measured.ratio(w, measured.subject, peer, clock));
            json!({ "workload": workload, "class": class.name(), "times": times, "ratios": ratios })
        })
        .collect();
    let mean = |class| {
        Value::Object(against(&|peer, clock| {
            measured.mean_ratio(class, measured.subject, peer, clock)
        }))
    };
    let mut means: Map<String, Value> = measured
        .classes()
        .map(|class| (class.name().to_string(), mean(Some(class))))
        .collect();
    means.insert("all".into(), mean(None));
    json!({
        "benchmark": "compute",
        "machine": machine::json(&options.engines),
        "subject": name(measured.subject),
        "rounds": measured.rounds,
        "quick": options.quick,
        "workloads": workloads,
        "geometric_means": means,
        "missing": measured.missing.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
    })
}
