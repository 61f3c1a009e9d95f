//! `boundary`: what it costs to cross between host and guest, and to make an instance of a module that is loaded.
//!
//! Typed functions and closures on both sides, as an embedder writes them who cares about speed. wasmrun and wasmi only:
//! the code is against their APIs. Both run in one process, interleaved, the one that begins changing every round; every
//! result is checked.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use crate::args::BoundaryOptions;
use crate::stats::{geometric_mean, median, spread_percent};
use crate::table::Table;
use crate::{Result, engines, fetch, machine};

/// One thing that is measured: so many times under one engine.
struct Case {
    name: &'static str,
    about: &'static str,
    /// Operations per round.
    count: u32,
    wasmrun: Box<dyn FnMut(u32) -> Result<()>>,
    wasmi: Box<dyn FnMut(u32) -> Result<()>>,
}

/// `[wasmrun, wasmi][round]`, in nanoseconds per operation.
type Times = [Vec<f64>; 2];

pub fn run(options: &BoundaryOptions) -> Result<()> {
    let mut cases = calls()?;
    cases.extend(instances(&options.cache)?);
    let mut times: Vec<Times> = cases.iter().map(|_| Default::default()).collect();
    for round in 0..options.rounds {
        for (case, times) in cases.iter_mut().zip(&mut times) {
            for turn in 0..2 {
                let engine = (turn + round) % 2;
                let work = [&mut case.wasmrun, &mut case.wasmi][engine].as_mut();
                let start = Instant::now();
                work(case.count)?;
                times[engine].push(start.elapsed().as_secs_f64() * 1e9 / f64::from(case.count));
            }
        }
    }
    let engines: Vec<_> = engines::all()
        .into_iter()
        .filter(|engine| ["wasmrun", "wasmi"].contains(&engine.name()))
        .collect();
    if options.json {
        let cases = cases.iter().zip(&times).map(|(case, times)| {
            json!({
                "case": case.name,
                "ns": { "wasmrun": times[0], "wasmi": times[1] },
                "ratio": ratio(times),
            })
        });
        let all = json!({
            "benchmark": "boundary",
            "machine": machine::json(&engines),
            "rounds": options.rounds,
            "cases": cases.collect::<Vec<Value>>(),
        });
        println!("{all:#}");
        return Ok(());
    }
    let mut table = Table::default();
    table.row(["", "wasmrun ns", "±%", "wasmi ns", "±%", "wasmrun/wasmi"]);
    for (case, times) in cases.iter().zip(&times) {
        let [ours, theirs] = times;
        let of = |times: &Vec<f64>| format!("{:.1}", median(times.iter().copied()));
        let spread = |times: &Vec<f64>| format!("{:.0}", spread_percent(times));
        let cells = [of(ours), spread(ours), of(theirs), spread(theirs)];
        let ratio = format!("{:.2}", ratio(times));
        table.row([case.name.to_string()].into_iter().chain(cells).chain([ratio]));
    }
    print!("{table}");
    println!(
        "geometric mean wasmrun/wasmi: {:.2}",
        geometric_mean(times.iter().map(ratio))
    );
    println!();
    for case in &cases {
        println!("{}: {}", case.name, case.about);
    }
    println!(
        "Wall time per operation, medians of {} rounds. All results checked.",
        options.rounds
    );
    println!("{}", machine::line(&engines));
    Ok(())
}

fn ratio([ours, theirs]: &Times) -> f64 {
    median(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs))
}

fn check(found: i32, expected: i32) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(format!("the result is {found}, {expected} is right").into())
}

// ---- calls -------------------------------------------------------------------------------------------------------

/// `add` for calls from the host; `loop_host` calls the host so many times and adds up what it returns.
const CALLS: &str = "\
(module
  (import \"host\" \"add\" (func $host_add (param i32 i32) (result i32)))
  (import \"host\" \"tick\" (func $host_tick))
  (memory (export \"memory\") 1)
  (func (export \"nothing\"))
  (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export \"add4\") (param i64 f64 i32 f32) (result f64)
    (f64.add (local.get 1) (f64.convert_i32_s (local.get 2))))
  (func (export \"loop_add\") (param $n i32) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum (call $host_add (local.get $sum) (i32.const 3)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export \"loop_tick\") (param $n i32) (result i32)
    (loop $next
      (call $host_tick)
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.const 0)))";

fn calls() -> Result<Vec<Case>> {
    Ok(vec![
        Case {
            name: "call add",
            about: "a typed call of a function (i32, i32) -> i32 from the host",
            count: 200_000,
            wasmrun: {
                let (mut store, instance) = ours()?;
                let add = instance.typed_func::<(i32, i32), i32>(&mut store, "add")?;
                Box::new(move |count| {
                    let mut sum = 0;
                    for _ in 0..count {
                        sum = add.call(&mut store, (black_box(sum), 3))?;
                    }
                    check(sum, 3 * count as i32)
                })
            },
            wasmi: {
                let (mut store, instance) = theirs()?;
                let add = instance.get_typed_func::<(i32, i32), i32>(&store, "add")?;
                Box::new(move |count| {
                    let mut sum = 0;
                    for _ in 0..count {
                        sum = add.call(&mut store, (black_box(sum), 3))?;
                    }
                    check(sum, 3 * count as i32)
                })
            },
        },
        Case {
            name: "call add4",
            about: "the same of a function (i64, f64, i32, f32) -> f64",
            count: 200_000,
            wasmrun: {
                let (mut store, instance) = ours()?;
                let add = instance.typed_func::<(i64, f64, i32, f32), f64>(&mut store, "add4")?;
                Box::new(move |count| {
                    let mut sum = 0.0;
                    for _ in 0..count {
                        sum = add.call(&mut store, (1, black_box(sum), 3, 2.0))?;
                    }
                    check(sum as i32, 3 * count as i32)
                })
            },
            wasmi: {
                let (mut store, instance) = theirs()?;
                let add = instance.get_typed_func::<(i64, f64, i32, f32), f64>(&store, "add4")?;
                Box::new(move |count| {
                    let mut sum = 0.0;
                    for _ in 0..count {
                        sum = add.call(&mut store, (1, black_box(sum), 3, 2.0))?;
                    }
                    check(sum as i32, 3 * count as i32)
                })
            },
        },
        Case {
            name: "call nothing",
            about: "the same of a function () -> ()",
            count: 200_000,
            wasmrun: {
                let (mut store, instance) = ours()?;
                let nothing = instance.typed_func::<(), ()>(&mut store, "nothing")?;
                Box::new(move |count| {
                    for _ in 0..count {
                        nothing.call(&mut store, ())?;
                    }
                    Ok(())
                })
            },
            wasmi: {
                let (mut store, instance) = theirs()?;
                let nothing = instance.get_typed_func::<(), ()>(&store, "nothing")?;
                Box::new(move |count| {
                    for _ in 0..count {
                        nothing.call(&mut store, ())?;
                    }
                    Ok(())
                })
            },
        },
        host_call(
            "host add",
            "a guest calls a closure (i32, i32) -> i32 of the host",
            "loop_add",
            3,
        )?,
        host_call(
            "host tick",
            "a guest calls a closure of the host that changes the embedder's data",
            "loop_tick",
            0,
        )?,
    ])
}

fn host_call(name: &'static str, about: &'static str, export: &str, each: i32) -> Result<Case> {
    let (mut our_store, instance) = ours()?;
    let our_loop = instance.typed_func::<i32, i32>(&mut our_store, export)?;
    let (mut their_store, instance) = theirs()?;
    let their_loop = instance.get_typed_func::<i32, i32>(&their_store, export)?;
    Ok(Case {
        name,
        about,
        count: 500_000,
        wasmrun: Box::new(move |count| {
            let sum = our_loop.call(&mut our_store, count as i32)?;
            check(sum, each * count as i32)?;
            let ticks = std::mem::take(our_store.data_mut());
            check(ticks as i32, if each == 0 { count as i32 } else { 0 })
        }),
        wasmi: Box::new(move |count| {
            let sum = their_loop.call(&mut their_store, count as i32)?;
            check(sum, each * count as i32)?;
            let ticks = std::mem::take(their_store.data_mut());
            check(ticks as i32, if each == 0 { count as i32 } else { 0 })
        }),
    })
}

fn ours() -> Result<(wasmrun::Store<u64>, wasmrun::Instance)> {
    let engine = wasmrun::Engine::default();
    let module = wasmrun::Module::new(&engine, text(CALLS)?)?;
    let mut linker = wasmrun::Linker::<u64>::with_data(&engine);
    linker.func("host", "add", |_: &mut wasmrun::LinearMemory, a: i32, b: i32| {
        a.wrapping_add(b)
    })?;
    linker.func_with("host", "tick", |caller: &mut wasmrun::Caller<'_, u64>| {
        *caller.data_mut() += 1
    })?;
    let mut store = wasmrun::Store::new(&engine, 0);
    let instance = linker.instantiate_in(&mut store, &module)?;
    Ok((store, instance))
}

fn theirs() -> Result<(wasmi::Store<u64>, wasmi::Instance)> {
    let engine = wasmi::Engine::default();
    let module = wasmi::Module::new(&engine, text(CALLS)?)?;
    let mut linker = wasmi::Linker::<u64>::new(&engine);
    linker.func_wrap("host", "add", |a: i32, b: i32| a.wrapping_add(b))?;
    linker.func_wrap("host", "tick", |mut caller: wasmi::Caller<'_, u64>| {
        *caller.data_mut() += 1
    })?;
    let mut store = wasmi::Store::new(&engine, 0);
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    Ok((store, instance))
}

fn text(text: &str) -> Result<Vec<u8>> {
    Ok(wat::parse_str(text)?)
}

// ---- instances ---------------------------------------------------------------------------------------------------

/// Data of the generated module, in bytes, and the segments it stands in.
const DATA_BYTES: usize = 1 << 20;
const DATA_SEGMENTS: usize = 16;
/// Elements of its table.
const ELEMENTS: usize = 2000;

/// A module whose instances begin with 1 MiB of data in memory and a full table.
fn data_module() -> String {
    let mut text =
        format!("(module (memory (export \"memory\") 32) (table {ELEMENTS} funcref) (func $f) (elem (i32.const 0)");
    text += &" $f".repeat(ELEMENTS);
    text += ")";
    let each = DATA_BYTES / DATA_SEGMENTS;
    for segment in 0..DATA_SEGMENTS {
        let byte = char::from(b'a' + segment as u8);
        text += &format!(
            "(data (i32.const {}) \"{}\")",
            segment * each,
            byte.to_string().repeat(each)
        );
    }
    text + ")"
}

fn instances(cache: &Path) -> Result<Vec<Case>> {
    let boolector = std::fs::read(fetch::module("boolector", cache)?)?;
    Ok(vec![
        instance_again(
            "instance, 1 MiB data",
            "another store and instance of a loaded module with 1 MiB of data, looked at, and dropped",
            text(&data_module())?,
            Some((DATA_BYTES as u32 - 1, b'a' + DATA_SEGMENTS as u8 - 1)),
        )?,
        instance_again(
            "instance, boolector",
            "the same of boolector (1.3 MB), with stubs for its imports",
            boolector,
            None,
        )?,
    ])
}

/// `byte`: an address with what is to be found there.
fn instance_again(name: &'static str, about: &'static str, wasm: Vec<u8>, byte: Option<(u32, u8)>) -> Result<Case> {
    let (at, expected) = byte.unwrap_or_default();
    Ok(Case {
        name,
        about,
        count: 50,
        wasmrun: {
            let engine = wasmrun::Engine::default();
            let module = wasmrun::Module::from_vec(&engine, wasm.clone())?;
            let mut linker = wasmrun::Linker::<()>::new(&engine);
            linker.stub_unknown_imports(&module)?;
            Box::new(move |count| {
                for _ in 0..count {
                    let mut store = wasmrun::Store::new(&engine, ());
                    let instance = linker.instantiate_in(&mut store, &module)?;
                    let memory = instance.memory(&mut store, "memory")?;
                    let found = memory.data(&store)?.read_u8(at)?;
                    check(
                        found.into(),
                        if byte.is_some() { expected.into() } else { found.into() },
                    )?;
                }
                Ok(())
            })
        },
        wasmi: {
            let engine = wasmi::Engine::default();
            let module = wasmi::Module::new(&engine, &wasm[..])?;
            let mut linker = wasmi::Linker::<()>::new(&engine);
            for import in module.imports() {
                if let wasmi::ExternType::Func(ty) = import.ty() {
                    let stub = |_: wasmi::Caller<'_, ()>, _: &[wasmi::Val], _: &mut [wasmi::Val]| {
                        Err(wasmi::Error::new("an import was called"))
                    };
                    linker.func_new(import.module(), import.name(), ty.clone(), stub)?;
                }
            }
            Box::new(move |count| {
                for _ in 0..count {
                    let mut store = wasmi::Store::new(&engine, ());
                    let instance = linker.instantiate_and_start(&mut store, &module)?;
                    let memory = instance.get_memory(&store, "memory").ok_or("no memory")?;
                    let found = memory.data(&store)[at as usize];
                    check(
                        found.into(),
                        if byte.is_some() { expected.into() } else { found.into() },
                    )?;
                }
                Ok(())
            })
        },
    })
}
