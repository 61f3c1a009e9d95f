//! `startup`: how long until a module could run its first instruction.
//!
//! Every measurement is a fresh process (this program calls itself), so that no engine finds memory warmed by
//! another, and no allocator or thread pool started. The child reads the file first, then measures from bytes to
//! instance; starting a process costs the same for all and is left out. Wall and CPU time can differ, because an
//! engine may validate on several threads: CPU time is that of the whole process.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::args::{StartupOnceOptions, StartupOptions};
use crate::clock::{Spent, measure};
use crate::stats::{geometric_mean, median, spread_percent};
use crate::table::Table;
use crate::wasi::Wasi;
use crate::{Result, fetch, machine};

/// A module to start.
struct Started {
    name: String,
    file: PathBuf,
    /// Whether it is also run: without WASI most would run into stubs.
    start: bool,
    /// The program it is, when it is asked for its version: then it gets a WASI, and is run until it ends.
    program: Option<&'static str>,
}

/// One measurement, as the child reports it to its parent.
struct Sample {
    load: Spent,
    instantiate: Spent,
    start: Spent,
    /// Largest resident size of the process so far; 0 where the system does not tell.
    peak_mb: f64,
}

impl Sample {
    fn total(&self) -> Spent {
        self.load + self.instantiate + self.start
    }

    fn to_json(&self) -> Value {
        let spent = |s: Spent| json!({ "wall_ms": s.wall_ms, "cpu_ms": s.cpu_ms });
        json!({
            "load": spent(self.load),
            "instantiate": spent(self.instantiate),
            "start": spent(self.start),
            "peak_mb": self.peak_mb,
        })
    }

    fn from_json(json: &Value) -> Self {
        let spent = |phase: &str| Spent {
            wall_ms: json[phase]["wall_ms"].as_f64().unwrap_or(f64::NAN),
            cpu_ms: json[phase]["cpu_ms"].as_f64().unwrap_or(f64::NAN),
        };
        Sample {
            load: spent("load"),
            instantiate: spent("instantiate"),
            start: spent("start"),
            peak_mb: json["peak_mb"].as_f64().unwrap_or(0.0),
        }
    }
}

/// `[module][engine][round]`
type Samples = Vec<Vec<Vec<Sample>>>;

pub fn run(options: &StartupOptions) -> Result<()> {
    let mut modules = Vec::new();
    for name in &options.modules {
        let file = fetch::module(name, &options.cache)?;
        let program = match name.as_str() {
            "cpython" => Some("python"),
            "esbuild" => Some("esbuild"),
            _ => None,
        };
        modules.push(Started {
            name: name.clone(),
            file: file.clone(),
            start: name == "empty" || name == "generated",
            program: None,
        });
        if program.is_some() {
            modules.push(Started {
                name: format!("{name} --version"),
                file,
                start: true,
                program,
            });
        }
    }
    for file in &options.files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        modules.push(Started {
            name,
            file: file.clone(),
            start: false,
            program: None,
        });
    }
    let mut samples: Samples = modules
        .iter()
        .map(|_| options.engines.iter().map(|_| Vec::new()).collect())
        .collect();
    for round in 0..options.rounds {
        for (m, module) in modules.iter().enumerate() {
            for turn in 0..options.engines.len() {
                let e = (turn + round) % options.engines.len();
                samples[m][e].push(in_child(options.engines[e].name(), module)?);
            }
        }
        eprintln!("round {} of {} done", round + 1, options.rounds);
    }
    if options.json {
        println!("{:#}", to_json(options, &modules, &samples));
    } else {
        print_table(options, &modules, &samples);
    }
    Ok(())
}

fn in_child(engine: &str, module: &Started) -> Result<Sample> {
    let mut command = Command::new(env::current_exe()?);
    command
        .args(["startup-once", "--engines", engine, "--file"])
        .arg(&module.file);
    if module.start {
        command.arg("--start");
    }
    if let Some(program) = module.program {
        command.args(["--program", program]);
    }
    let output = command.output()?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} under {engine}: {}", module.name, stderr.trim()).into());
    }
    Ok(Sample::from_json(&serde_json::from_slice(&output.stdout)?))
}

/// The child: one measurement, printed as JSON.
pub fn run_once(options: &StartupOnceOptions) -> Result<()> {
    let mut wasm = fs::read(&options.file)?;
    let (module, load) = measure(|| options.engine.load(&mut wasm));
    let module = module?;
    let wasi = options
        .program
        .as_ref()
        .map(|name| Wasi::new(&[name.clone(), "--version".to_string()], ""));
    let (instance, instantiate) = measure(|| module.link(wasi.as_ref()));
    let mut instance = instance?;
    let (started, start) = measure(|| if options.start { instance.start() } else { Ok(()) });
    match &wasi {
        // Engines report an exit as an error, each in its way.
        Some(wasi) if wasi.exit_code() == Some(0) && !wasi.stdout().is_empty() => {}
        Some(wasi) if wasi.exit_code().is_some() => {
            return Err(format!("it exits with {:?}: {}", wasi.exit_code(), wasi.stderr()).into());
        }
        _ => started?,
    }
    let sample = Sample {
        load,
        instantiate,
        start,
        peak_mb: peak_mb(),
    };
    println!("{}", sample.to_json());
    Ok(())
}

fn peak_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?
            .trim()
            .strip_suffix("kB")?
            .trim()
            .parse()
            .ok()
    });
    kib.map_or(0.0, |kib: f64| kib / 1024.0)
}

fn total_wall(sample: &Sample) -> f64 {
    sample.total().wall_ms
}

fn total_cpu(sample: &Sample) -> f64 {
    sample.total().cpu_ms
}

fn ratio(subject: &[Sample], peer: &[Sample], clock: fn(&Sample) -> f64) -> f64 {
    median(subject.iter().zip(peer).map(|(s, p)| clock(s) / clock(p)))
}

fn print_table(options: &StartupOptions, modules: &[Started], samples: &Samples) {
    let subject = options.engines[options.subject].name();
    let mut table = Table::default();
    table.row(
        [
            "",
            "engine",
            "wall ms",
            "±%",
            "CPU ms",
            "±%",
            "load",
            "instantiate",
            "start",
            "peak MB",
        ]
        .map(String::from)
        .into_iter()
        .chain([format!("{subject}/it, wall"), "CPU".into()]),
    );
    for (module, engines) in modules.iter().zip(samples) {
        for (e, engine) in options.engines.iter().enumerate() {
            let of = |pick: fn(&Sample) -> f64| median(engines[e].iter().map(pick));
            let spread = |pick: fn(&Sample) -> f64| {
                let all: Vec<f64> = engines[e].iter().map(pick).collect();
                format!("{:.0}", spread_percent(&all))
            };
            let mut row = vec![
                module.name.clone(),
                engine.name().to_string(),
                format!("{:.3}", of(total_wall)),
                spread(total_wall),
                format!("{:.3}", of(total_cpu)),
                spread(total_cpu),
                format!("{:.3}", of(|s| s.load.wall_ms)),
                format!("{:.3}", of(|s| s.instantiate.wall_ms)),
                format!("{:.3}", of(|s| s.start.wall_ms)),
                format!("{:.1}", of(|s| s.peak_mb)),
            ];
            if e != options.subject {
                let of = |clock| format!("{:.2}", ratio(&engines[options.subject], &engines[e], clock));
                row.extend([of(total_wall), of(total_cpu)]);
            }
            table.row(row);
        }
    }
    print!("{table}");
    for (e, peer) in options
        .engines
        .iter()
        .enumerate()
        .filter(|(e, _)| *e != options.subject)
    {
        let mean = |clock| geometric_mean(samples.iter().map(|m| ratio(&m[options.subject], &m[e], clock)));
        let (wall, cpu) = (mean(total_wall), mean(total_cpu));
        println!("geometric mean {subject}/{}: wall {wall:.2}, CPU {cpu:.2}", peer.name());
    }
    println!();
    println!(
        "Medians of {} rounds, each measurement in a fresh process; load, instantiate and start are wall",
        { options.rounds }
    );
    println!(
        "times; ±%: from the fastest to the slowest, relative to the median; peak: resident, with the file's bytes."
    );
    println!("{}", machine::line(&options.engines));
}

fn to_json(options: &StartupOptions, modules: &[Started], samples: &Samples) -> Value {
    let rows: Vec<Value> = modules
        .iter()
        .zip(samples)
        .map(|(module, engines)| {
            let mut times = Map::new();
            for (engine, rounds) in options.engines.iter().zip(engines) {
                let of = |pick: fn(&Sample) -> f64| median(rounds.iter().map(pick));
                let (wall, cpu) = (of(total_wall), of(total_cpu));
                let rounds: Vec<Value> = rounds.iter().map(Sample::to_json).collect();
                times.insert(
                    engine.name().to_string(),
                    json!({ "wall_ms": wall, "cpu_ms": cpu, "rounds": rounds }),
                );
            }
            let mut ratios = Map::new();
            for (e, peer) in options
                .engines
                .iter()
                .enumerate()
                .filter(|(e, _)| *e != options.subject)
            {
                let of = |clock| ratio(&engines[options.subject], &engines[e], clock);
                ratios.insert(
                    peer.name().to_string(),
                    json!({ "wall": of(total_wall), "cpu": of(total_cpu) }),
                );
            }
            json!({ "module": module.name, "times": times, "ratios": ratios })
        })
        .collect();
    json!({
        "benchmark": "startup",
        "machine": machine::json(&options.engines),
        "subject": options.engines[options.subject].name(),
        "rounds": options.rounds,
        "modules": rows,
    })
}
