//! `throws`: what an exception costs, and a `try` that nothing is thrown in.
//!
//! Only engines that take the module are shown: most interpreters refuse exceptions.

use std::time::Instant;

use serde_json::{Value, json};

use crate::args::ThrowsOptions;
use crate::engines::Instance;
use crate::stats::{median, spread_percent};
use crate::table::Table;
use crate::{Result, machine};

struct Case {
    name: &'static str,
    about: &'static str,
    /// What `run` does in a loop that adds up the numbers from its argument down to 1.
    body: &'static str,
    /// Iterations per round.
    count: i32,
}

const CASES: &[Case] = &[
    Case {
        name: "no try",
        about: "a call, for comparison",
        body: "(block $h (result i32) (call $maybe (local.get $n)) (local.get $n))",
        count: 2_000_000,
    },
    Case {
        name: "try",
        about: "the same call in a `try_table`, in which nothing is thrown",
        body: "(block $h (result i32) (try_table (catch $t $h) (call $maybe (local.get $n))) (local.get $n))",
        count: 2_000_000,
    },
    Case {
        name: "throw",
        about: "thrown by a function, caught by its caller by the tag",
        body: "(block $h (result i32) (try_table (catch $t $h) (call $deep (i32.const 0) (local.get $n))) (unreachable))",
        count: 200_000,
    },
    Case {
        name: "throw, 10 deep",
        about: "through ten functions that catch nothing",
        body: "(block $h (result i32) (try_table (catch $t $h) (call $deep (i32.const 10) (local.get $n))) (unreachable))",
        count: 100_000,
    },
    Case {
        name: "reference",
        about: "caught by reference and thrown again, as destructors do",
        body: "(block $h (result i32)
            (try_table (catch $t $h)
              (block $r (result exnref)
                (try_table (catch_all_ref $r) (call $deep (i32.const 0) (local.get $n)))
                (unreachable))
              (throw_ref))
            (unreachable))",
        count: 100_000,
    },
];

fn module(body: &str) -> Result<Vec<u8>> {
    Ok(wat::parse_str(format!(
        "(module
            (tag $t (param i32))
            (func $maybe (param i32) (if (i32.eqz (local.get 0)) (then (throw $t (local.get 0)))))
            (func $deep (param $depth i32) (param i32)
              (if (i32.eqz (local.get $depth)) (then (throw $t (local.get 1))))
              (call $deep (i32.sub (local.get $depth) (i32.const 1)) (local.get 1)))
            (func (export \"run\") (param $n i32) (result i64) (local $sum i64)
              (loop $next
                (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u {body})))
                (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
              (local.get $sum)))"
    ))?)
}

pub fn run(options: &ThrowsOptions) -> Result<()> {
    let mut engines = Vec::new();
    let mut instances: Vec<Vec<Box<dyn Instance>>> = Vec::new();
    for engine in &options.engines {
        let instance = |case: &Case| engine.load(&mut module(case.body)?)?.instantiate();
        match CASES.iter().map(instance).collect() {
            Ok(all) => {
                engines.push(engine.name());
                instances.push(all);
            }
            Err(refused) => eprintln!("{}: {refused}", engine.name()),
        }
    }
    // By case and engine: nanoseconds per iteration, by round.
    let mut times = vec![vec![Vec::new(); engines.len()]; CASES.len()];
    for round in 0..options.rounds {
        for (at, case) in CASES.iter().enumerate() {
            for turn in 0..engines.len() {
                let engine = (turn + round) % engines.len();
                let begun = Instant::now();
                let sum = instances[engine][at].run(case.count)?;
                let spent = begun.elapsed();
                let n = i64::from(case.count);
                if sum != n * (n + 1) / 2 {
                    return Err(format!("{} under {}: the sum is {sum}", case.name, engines[engine]).into());
                }
                times[at][engine].push(spent.as_secs_f64() * 1e9 / f64::from(case.count));
            }
        }
    }
    if options.json {
        let cases = CASES.iter().zip(&times).map(|(case, times)| {
            let ns: serde_json::Map<String, Value> = engines
                .iter()
                .zip(times)
                .map(|(name, ns)| (name.to_string(), json!(ns)))
                .collect();
            json!({ "case": case.name, "ns": ns })
        });
        let all = json!({
            "benchmark": "throws",
            "machine": machine::json(&options.engines),
            "rounds": options.rounds,
            "cases": cases.collect::<Vec<Value>>(),
        });
        println!("{all:#}");
        return Ok(());
    }
    let mut table = Table::default();
    let titles = engines.iter().flat_map(|name| [format!("{name} ns"), "±%".to_owned()]);
    table.row([String::new()].into_iter().chain(titles));
    for (case, times) in CASES.iter().zip(&times) {
        let cells = times.iter().flat_map(|ns| {
            let middle = median(ns.iter().copied());
            [format!("{middle:.1}"), format!("{:.0}", spread_percent(ns))]
        });
        table.row([case.name.to_owned()].into_iter().chain(cells));
    }
    print!("{table}");
    println!();
    for case in CASES {
        println!("{}: {}", case.name, case.about);
    }
    println!(
        "Wall time per iteration, medians of {} rounds. All results checked.",
        options.rounds
    );
    println!("{}", machine::line(&options.engines));
    Ok(())
}
