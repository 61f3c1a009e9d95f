//! The table that `compute` prints.

use crate::compute::{Clock, Measured, cpu, wall};
use crate::stats::{median, spread_percent};
use crate::table::Table;

pub fn print(measured: &Measured) {
    let subject = measured.contenders[measured.subject];
    let mut table = Table::default();
    table.row(head(measured));
    for class in measured.classes() {
        for (w, _) in measured
            .workloads
            .iter()
            .enumerate()
            .filter(|(_, (_, of))| *of == class)
        {
            table.row(workload_row(measured, w));
        }
        let mean = |peer| measured.mean_ratio(Some(class), measured.subject, peer, cpu);
        table.row(mean_row(
            measured,
            &format!("  {}: geometric mean", class.name()),
            &mean,
        ));
    }
    for (name, clock) in [("all: geometric mean", cpu as Clock), ("  by wall time", wall)] {
        let mean = |peer| measured.mean_ratio(None, measured.subject, peer, clock);
        table.row(mean_row(measured, name, &mean));
    }
    print!("{table}");
    println!();
    for peer in measured.peers() {
        if let Some((name, ratio)) = measured.worst(peer) {
            println!("worst against {}: {name}, {ratio:.2}", measured.contenders[peer]);
        }
    }
    for (name, reason) in &measured.missing {
        let reason = reason.lines().next().unwrap_or_default();
        println!("NOT MEASURED: {name}: {reason}");
    }
    println!();
    println!(
        "CPU time, medians of {} rounds; ±%: from the fastest to the slowest round, relative to the median;",
        measured.rounds
    );
    println!("ratios: medians of the rounds' ratios, below 1 means that {subject} is faster. All results checked.");
    println!("{}", measured.machine);
}

fn head(measured: &Measured) -> Vec<String> {
    let subject = measured.contenders[measured.subject];
    let mut head = vec![String::new()];
    for contender in &measured.contenders {
        head.extend([format!("{contender} ms"), "±%".into()]);
    }
    head.extend(
        measured
            .peers()
            .map(|peer| format!("{subject}/{}", measured.contenders[peer])),
    );
    head
}

fn workload_row(measured: &Measured, w: usize) -> Vec<String> {
    let mut row = vec![measured.workloads[w].0.to_string()];
    for rounds in &measured.spent[w] {
        let times: Vec<f64> = rounds.iter().map(cpu).collect();
        row.extend(if times.is_empty() {
            ["-".into(), String::new()]
        } else {
            [
                format!("{:.1}", median(times.iter().copied())),
                format!("{:.0}", spread_percent(&times)),
            ]
        });
    }
    let ratio = |peer| measured.ratio(w, measured.subject, peer, cpu);
    row.extend(measured.peers().map(|peer| number(ratio(peer), 2)));
    row
}

fn mean_row(measured: &Measured, name: &str, mean: &dyn Fn(usize) -> Option<f64>) -> Vec<String> {
    let mut row = vec![name.to_string()];
    row.extend(measured.contenders.iter().flat_map(|_| [String::new(), String::new()]));
    row.extend(measured.peers().map(|peer| number(mean(peer), 3)));
    row
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.decimals$}"))
}
