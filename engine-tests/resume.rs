//! Runs that pause and go on: `cargo test --test resume`.
//!
//! A run pauses because a host call suspends it, because its fuel is used up, or because another thread asks for it.
//! Whatever it was doing, resuming it must give what it would have given without the pause; dropping it must leave the
//! instance usable.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use wasmrun::{
    Caller, Config, Engine, Error, Func, Halt, Instance, InterruptHandle, LinearMemory, Linker, Memory, MemoryType,
    Module, Outcome, Pause, PauseReason, Store, Suspend, Trap, Val,
};

const FAST: bool = !cfg!(debug_assertions);

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

/// A store with one instance of the module; `define` adds what it imports.
fn instantiate(engine: &Engine, text: &str, define: impl FnOnce(&mut Linker)) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let mut linker = Linker::new(engine);
    define(&mut linker);
    let instance = linker.instantiate_in(&mut store, &module(engine, text)).unwrap();
    (store, instance)
}

fn paused(outcome: Outcome) -> Pause {
    match outcome {
        Outcome::Paused(pause) => pause,
        Outcome::Returned(values) => panic!("returned {values:?} instead of pausing"),
    }
}

fn returned(outcome: Outcome) -> Vec<Val> {
    match outcome {
        Outcome::Returned(values) => values,
        Outcome::Paused(pause) => panic!("paused instead of returning: {:?}", pause.reason()),
    }
}

fn i64_of(values: &[Val]) -> i64 {
    match values {
        [Val::I64(value)] => *value,
        other => panic!("{other:?} is not one i64"),
    }
}

fn i32_of(values: &[Val]) -> i32 {
    match values {
        [Val::I32(value)] => *value,
        other => panic!("{other:?} is not one i32"),
    }
}

fn payload(pause: &Pause) -> i32 {
    match pause.reason() {
        PauseReason::Suspended(suspend) => *suspend.payload::<i32>().unwrap(),
        other => panic!("{other:?} instead of suspended"),
    }
}

fn is_interrupted(pause: &Pause) -> bool {
    matches!(pause.reason(), PauseReason::Interrupted)
}

// ---- suspended by host calls --------------------------------------------------------------------------------------

/// Calls `ask` from the bottom of a recursion, in loops, with values of every type alive in locals and on the operand
/// stack, directly, indirectly and as a tail call.
const ASKING: &str = r#"(module
  (type $unary (func (param i32) (result i32)))
  (import "host" "ask" (func $ask (type $unary)))
  (import "host" "both" (func $both (param i64 f32) (result f32 i64)))
  (table funcref (elem $ask $tail))
  (memory 1)
  (global $g (mut i32) (i32.const 5))
  (func $tail (type $unary) (return_call $ask (i32.add (local.get 0) (i32.const 1))))
  (func $tail_indirect (type $unary) (return_call_indirect (type $unary) (local.get 0) (i32.const 0)))
  (func $deep (param $depth i32) (param $x f64) (result i64)
    (local $i i32) (local $sum i64) (local $y f64) (local $z f32)
    (local.set $y (f64.mul (local.get $x) (f64.const 1.5)))
    (local.set $z (f32.const 0.25))
    (loop $again
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.extend_i32_s
        (i32.add
          (i32.mul (local.get $i) (i32.const 1000))
          (call $ask (i32.xor (local.get $i) (local.get $depth)))))))
      (local.set $sum (i64.xor (local.get $sum) (i64.extend_i32_s
        (call_indirect (type $unary) (local.get $i) (i32.and (local.get $i) (i32.const 1))))))
      (local.set $sum (i64.sub (local.get $sum) (i64.extend_i32_s (call $tail_indirect (global.get $g)))))
      (call $both (local.get $sum) (local.get $z))
      (local.set $sum)
      (local.set $z)
      (local.set $y (f64.add (local.get $y) (f64.promote_f32 (local.get $z))))
      (global.set $g (i32.add (global.get $g) (i32.const 3)))
      (i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (local.get $sum)))
      (br_if $again (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
    (if (local.get $depth)
      (then (local.set $sum (i64.add (local.get $sum)
        (call $deep (i32.sub (local.get $depth) (i32.const 1)) (local.get $y))))))
    (i64.add (i64.add (local.get $sum) (i64.load (i32.const 8))) (i64.trunc_sat_f64_s (local.get $y))))
  (func (export "run") (param i32) (result i64) (call $deep (local.get 0) (f64.const 2.5))))"#;

fn answer(question: i32) -> i32 {
    question.wrapping_mul(7) ^ 0x55
}

fn both(a: i64, b: f32) -> (f32, i64) {
    (b * 1.25 + 1.0, a.rotate_left(3))
}

/// What `ASKING` returns when nothing pauses.
fn undisturbed(depth: i32) -> i64 {
    let (mut store, instance) = instantiate(&Engine::default(), ASKING, |linker| {
        linker
            .func("host", "ask", |_: &mut LinearMemory, question: i32| answer(question))
            .unwrap();
        linker
            .func("host", "both", |_: &mut LinearMemory, a: i64, b: f32| both(a, b))
            .unwrap();
    });
    instance
        .typed_func::<i32, i64>(&mut store, "run")
        .unwrap()
        .call(&mut store, depth)
        .unwrap()
}

#[test]
fn every_host_call_of_a_nested_program_is_answered_later() {
    for config in [Config::new(), Config::new().fuel(u64::MAX)] {
        let (mut store, instance) = instantiate(&Engine::new(config), ASKING, |linker| {
            linker
                .func(
                    "host",
                    "ask",
                    |_: &mut LinearMemory, question: i32| -> Result<i32, Halt> { Err(Suspend::new(question).into()) },
                )
                .unwrap();
            linker
                .func(
                    "host",
                    "both",
                    |_: &mut LinearMemory, a: i64, b: f32| -> Result<(f32, i64), Halt> {
                        Err(Suspend::new((a, b)).into())
                    },
                )
                .unwrap();
        });
        let run = instance.func(&mut store, "run").unwrap();
        let mut outcome = run.call_resumable(&mut store, &[Val::I32(20)]).unwrap();
        let mut pauses = 0;
        let result = loop {
            let pause = match outcome {
                Outcome::Returned(values) => break i64_of(&values),
                Outcome::Paused(pause) => pause,
            };
            pauses += 1;
            let PauseReason::Suspended(suspend) = pause.reason() else {
                panic!("{pause:?}")
            };
            let results = match suspend.payload::<(i64, f32)>() {
                Some(&(a, b)) => {
                    let (x, y) = both(a, b);
                    vec![Val::F32(x), Val::I64(y)]
                }
                None => vec![Val::I32(answer(payload(&pause)))],
            };
            outcome = pause.resume_with(&mut store, &results).unwrap();
        };
        assert_eq!(result, undisturbed(20));
        assert_eq!(pauses, 21 * 4 * 4);
    }
}

/// A suspended call that is resumed without results is made again, and finds what it left in its state.
#[test]
fn a_call_made_again_finds_its_state_and_the_next_call_does_not() {
    let (mut store, instance) = instantiate(&Engine::default(), ASKING, |linker| {
        linker
            .func_with(
                "host",
                "ask",
                |caller: &mut Caller<'_>, question: i32| -> Result<i32, Halt> {
                    let state = caller.call_state();
                    match state.as_mut().and_then(|state| state.downcast_mut::<(i32, u32)>()) {
                        None => {
                            assert!(state.is_none(), "another call's state");
                            *state = Some(Box::new((question, 1u32)));
                            Err(Suspend::new(question).into())
                        }
                        Some((asked, 2)) => {
                            assert_eq!(*asked, question);
                            Ok(answer(question))
                        }
                        Some((_, times)) => {
                            *times += 1;
                            Err(Suspend::new(question).into())
                        }
                    }
                },
            )
            .unwrap();
        linker
            .func_with("host", "both", |caller: &mut Caller<'_>, a: i64, b: f32| {
                assert!(caller.call_state().is_none());
                both(a, b)
            })
            .unwrap();
    });
    let run = instance.func(&mut store, "run").unwrap();
    let mut outcome = run.call_resumable(&mut store, &[Val::I32(3)]).unwrap();
    let mut pauses = 0;
    let result = loop {
        match outcome {
            Outcome::Returned(values) => break i64_of(&values),
            Outcome::Paused(pause) => outcome = pause.resume(&mut store).unwrap(),
        }
        pauses += 1;
    };
    assert_eq!(result, undisturbed(3));
    assert_eq!(pauses, 2 * 4 * 4 * 3);
}

#[test]
fn a_host_function_called_by_the_host_suspends_too() {
    let mut store = Store::new(&Engine::default(), ());
    let ask = Func::wrap(
        &mut store,
        |caller: &mut Caller<'_>, a: i32, b: i64| -> Result<i64, Halt> {
            match caller.call_state() {
                Some(_) => Ok(a as i64 + b),
                state => {
                    *state = Some(Box::new(()));
                    Err(Suspend::new(a).into())
                }
            }
        },
    );
    let args = [Val::I32(3), Val::I64(4)];
    let pause = paused(ask.call_resumable(&mut store, &args).unwrap());
    assert_eq!(payload(&pause), 3);
    assert_eq!(i64_of(&returned(pause.resume(&mut store).unwrap())), 7);
    let pause = paused(ask.call_resumable(&mut store, &args).unwrap());
    assert_eq!(
        i64_of(&returned(pause.resume_with(&mut store, &[Val::I64(9)]).unwrap())),
        9
    );
    assert!(matches!(ask.call(&mut store, &args), Err(Error::Suspended)));
}

#[test]
fn suspended_in_a_function_of_another_instance() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker
        .func(
            "host",
            "ask",
            |_: &mut LinearMemory, question: i32| -> Result<i32, Halt> { Err(Suspend::new(question).into()) },
        )
        .unwrap();
    // Globals and memories differ, so code that runs for the wrong instance is noticed.
    let inner = module(
        &engine,
        r#"(module (import "host" "ask" (func $ask (param i32) (result i32))) (memory 1) (data (i32.const 0) "\07")
          (global $g (mut i32) (i32.const 30))
          (func (export "plain") (param i32) (result i32)
            (i32.add (i32.add (call $ask (local.get 0)) (global.get $g)) (i32.load8_u (i32.const 0))))
          (func (export "tail") (param i32) (result i32) (return_call $ask (local.get 0))))"#,
    );
    let inner = linker.instantiate_in(&mut store, &inner).unwrap();
    linker.instance(&mut store, "inner", inner).unwrap();
    let outer = module(
        &engine,
        r#"(module (import "inner" "plain" (func $plain (param i32) (result i32)))
          (import "inner" "tail" (func $tail (param i32) (result i32)))
          (memory 1) (data (i32.const 0) "\64") (global $g (mut i32) (i32.const 1000))
          (func (export "plain") (param i32) (result i32)
            (i32.add (i32.add (call $plain (local.get 0)) (global.get $g)) (i32.load8_u (i32.const 0))))
          (func (export "tail") (param i32) (result i32)
            (i32.add (call $two (local.get 0)) (i32.load8_u (i32.const 0))))
          (func $two (param i32) (result i32) (return_call $tail (local.get 0))))"#,
    );
    let outer = linker.instantiate_in(&mut store, &outer).unwrap();
    for (name, expected) in [("plain", 5 + 30 + 7 + 1000 + 100), ("tail", 5 + 100)] {
        let func = outer.func(&mut store, name).unwrap();
        let pause = paused(func.call_resumable(&mut store, &[Val::I32(42)]).unwrap());
        assert_eq!(payload(&pause), 42);
        assert_eq!(
            i32_of(&returned(pause.resume_with(&mut store, &[Val::I32(5)]).unwrap())),
            expected,
            "{name}"
        );
    }
}

/// Each run has a stack of its own, so several can be paused in one store and resumed in any order.
#[test]
fn several_paused_runs_in_one_store() {
    let (mut store, instance) = instantiate(&Engine::default(), COUNTING, |linker| {
        linker
            .func(
                "host",
                "ask",
                |_: &mut LinearMemory, question: i32| -> Result<i32, Halt> { Err(Suspend::new(question).into()) },
            )
            .unwrap();
    });
    let run = instance.func(&mut store, "run").unwrap();
    let mut runs: Vec<Pause> = (0..10)
        .map(|start| paused(run.call_resumable(&mut store, &[Val::I32(start * 100)]).unwrap()))
        .collect();
    for round in 0..5 {
        // Another order each time.
        runs.rotate_left(3);
        runs = runs
            .into_iter()
            .map(|pause| {
                assert_eq!(payload(&pause) % 100, round);
                let next = Val::I32(payload(&pause) + 1);
                paused(pause.resume_with(&mut store, &[next]).unwrap())
            })
            .collect();
    }
    let mut ends: Vec<i32> = runs
        .into_iter()
        .map(|pause| i32_of(&returned(pause.resume_with(&mut store, &[Val::I32(-1)]).unwrap())))
        .collect();
    ends.sort();
    assert_eq!(ends, (0..10).map(|start| start * 100 + 5).collect::<Vec<_>>());
}

/// Asks with what it was told last, until told -1; returns what it asked last.
const COUNTING: &str = r#"(module
  (import "host" "ask" (func $ask (param i32) (result i32)))
  (func (export "run") (param $at i32) (result i32) (local $told i32)
    (loop $again
      (if (i32.ge_s (local.tee $told (call $ask (local.get $at))) (i32.const 0))
        (then (local.set $at (local.get $told)) (br $again))))
    (local.get $at)))"#;

#[test]
fn a_store_and_its_paused_run_move_to_another_thread() {
    let (mut store, instance) = instantiate(&Engine::default(), COUNTING, |linker| {
        linker
            .func(
                "host",
                "ask",
                |_: &mut LinearMemory, question: i32| -> Result<i32, Halt> { Err(Suspend::new(question).into()) },
            )
            .unwrap();
    });
    let run = instance.func(&mut store, "run").unwrap();
    let pause = paused(run.call_resumable(&mut store, &[Val::I32(1)]).unwrap());
    let (mut store, pause) = thread::spawn(move || {
        let pause = paused(pause.resume_with(&mut store, &[Val::I32(2)]).unwrap());
        (store, pause)
    })
    .join()
    .unwrap();
    assert_eq!(payload(&pause), 2);
    assert_eq!(
        i32_of(&returned(pause.resume_with(&mut store, &[Val::I32(-1)]).unwrap())),
        2
    );
}

#[test]
fn what_changes_during_a_pause_is_seen_after_it() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(4))).unwrap();
    linker.define(&store, "host", "memory", memory).unwrap();
    linker
        .func("host", "wait", |_: &mut LinearMemory| -> Result<(), Halt> {
            Err(Suspend::new(0i32).into())
        })
        .unwrap();
    let module = module(
        &engine,
        r#"(module (import "host" "wait" (func $wait)) (import "host" "memory" (memory 1))
          (func (export "run") (result i32)
            (i32.store (i32.const 16) (i32.const 3))
            (call $wait)
            (i32.add (i32.load (i32.const 16)) (i32.add (memory.size) (i32.load (i32.const 196600))))))"#,
    );
    let instance = linker.instantiate_in(&mut store, &module).unwrap();
    let run = instance.func(&mut store, "run").unwrap();
    let pause = paused(run.call_resumable(&mut store, &[]).unwrap());
    memory.grow(&mut store, 2).unwrap();
    let bytes = memory.data_mut(&mut store).unwrap();
    assert_eq!(bytes.read_u32(16u32).unwrap(), 3);
    bytes.write_u32(16u32, 100).unwrap();
    bytes.write_u32(196600u32, 1000).unwrap();
    let outcome = pause.resume_with(&mut store, &[]).unwrap();
    assert_eq!(i32_of(&returned(outcome)), 1103);
}

#[test]
fn wrong_results_and_wrong_stores_are_refused() {
    let define = |linker: &mut Linker| {
        linker
            .func(
                "host",
                "ask",
                |_: &mut LinearMemory, question: i32| -> Result<i32, Halt> { Err(Suspend::new(question).into()) },
            )
            .unwrap();
    };
    let engine = Engine::default();
    let (mut store, instance) = instantiate(&engine, COUNTING, define);
    let (mut other, _) = instantiate(&engine, COUNTING, define);
    let run = instance.func(&mut store, "run").unwrap();
    let mut pause = || paused(run.call_resumable(&mut store, &[Val::I32(1)]).unwrap());
    let (first, second, third) = (pause(), pause(), pause());
    assert!(matches!(
        first.resume_with(&mut store, &[Val::I64(1)]),
        Err(Error::Type(_))
    ));
    assert!(matches!(second.resume_with(&mut store, &[]), Err(Error::Type(_))));
    assert!(matches!(
        third.resume_with(&mut other, &[Val::I32(1)]),
        Err(Error::Type(_))
    ));
    store.interrupt_handle().interrupt();
    let pause = paused(run.call_resumable(&mut store, &[Val::I32(1)]).unwrap());
    assert!(matches!(
        pause.resume_with(&mut store, &[Val::I32(1)]),
        Err(Error::Type(_))
    ));
    let pause = paused(run.call_resumable(&mut store, &[Val::I32(8)]).unwrap());
    assert_eq!(
        i32_of(&returned(pause.resume_with(&mut store, &[Val::I32(-1)]).unwrap())),
        8
    );
}

// ---- fuel ---------------------------------------------------------------------------------------------------------

/// A bit of everything, small enough to be run once per unit of fuel.
const MIXED: &str = r#"(module
  (type $binary (func (param i64 i64) (result i64)))
  (import "host" "add" (func $host_add (type $binary)))
  (memory 4) (data $d "abcdefgh")
  (table $t 8 funcref) (elem $e func $add $tail)
  (global $g (mut i64) (i64.const 1)) (global $sp (mut i32) (i32.const 3000))
  (func $add (type $binary) (i64.add (local.get 0) (local.get 1)))
  (func $tail (type $binary) (return_call $host_add (local.get 1) (local.get 0)))
  (func $two (param f64) (result f64 i32) (f64.sqrt (local.get 0)) (i32.const 7))
  (func (export "run") (result i64) (local $i i32) (local $s i64) (local $f f64) (local $h f32)
    (local $j i32) (local $k i32) (local $m i32)
    (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))
    (memory.init $d (i32.const 100) (i32.const 0) (i32.const 8))
    (local.set $f (f64.const 100))
    (loop $top
      (local.set $s (call_indirect $t (type $binary) (local.get $s) (i64.const 11)
        (i32.and (local.get $i) (i32.const 1))))
      (block $c (block $b (block $a
        (br_table $a $b $c (i32.rem_u (local.get $i) (i32.const 3))))
        (local.set $s (i64.mul (local.get $s) (i64.const 3))) (br $c))
        (local.set $s (i64.xor (local.get $s) (i64.load8_u offset=100 (local.get $i)))))
      (call $two (local.get $f))
      (local.set $i (i32.sub (i32.add (local.get $i)) (i32.const 6)))
      (local.set $f (f64.add (f64.const 5)))
      (local.set $h (f32.demote_f64 (local.get $f)))
      (block $out (loop $count
        (br_if $out (i32.eq (i32.load8_u offset=100 (local.get $j)) (i32.const 0)))
        (global.set $sp (local.tee $k (i32.sub (global.get $sp) (i32.const 16))))
        (i32.store offset=200 (i32.add (i32.shl (local.get $j) (i32.const 2)) (local.get $k)) (local.get $j))
        (global.set $sp (i32.add (local.get $k) (i32.const 16)))
        (local.set $k (local.get $j)) (local.set $m (i32.const 5))
        (local.set $k (i32.add (local.get $k) (i32.const 3))) (local.set $m (i32.add (local.get $m) (i32.const 1)))
        (local.set $s (i64.add (local.get $s) (i64.extend_i32_u (i32.mul (local.get $k) (local.get $m)))))
        (local.set $j (i32.add (local.get $j) (i32.const 1))) (br $count)))
      (local.set $j (i32.const 0))
      (memory.fill (i32.const 1000) (local.get $i) (i32.const 100000))
      (memory.copy (i32.const 1001) (i32.const 1000) (i32.const 100000))
      (memory.copy (i32.const 999) (i32.const 1000) (i32.const 100000))
      (table.fill $t (i32.const 2) (ref.func $add) (i32.const 4))
      (global.set $g (i64.add (global.get $g) (i64.load (i32.const 1000))))
      (br_if $top (i32.lt_u (local.get $i) (i32.const 6))))
    (i64.add (i64.add (local.get $s) (global.get $g))
      (i64.add (i64.trunc_sat_f64_s (local.get $f)) (i64.trunc_sat_f32_s (local.get $h))))))"#;

fn metered(fuel: u64) -> (Store<()>, Func) {
    let config = Config::new().fuel(fuel).max_memory(4 << 16);
    let (mut store, instance) = instantiate(&Engine::new(config), MIXED, |linker| {
        linker
            .func("host", "add", |_: &mut LinearMemory, a: i64, b: i64| a.wrapping_add(b))
            .unwrap();
    });
    let run = instance.func(&mut store, "run").unwrap();
    (store, run)
}

#[test]
fn out_of_fuel_at_every_instruction() {
    let plenty = 10_000_000;
    let (mut store, run) = metered(plenty);
    let expected = i64_of(&run.call(&mut store, &[]).unwrap());
    let cost = plenty - store.fuel().unwrap();
    // Bulk operations are charged by length, as much as the memory takes; the rest is some hundred instructions a round.
    assert!(
        cost > 6 * 3 * 100_000 / 8 && cost < 6 * (3 * 100_000 / 8 + 600),
        "{cost}"
    );

    // One unit at a time: every place where a run can stop, in one run.
    let (mut store, run) = metered(0);
    let mut outcome = run.call_resumable(&mut store, &[]).unwrap();
    let mut pauses = 0;
    let result = loop {
        match outcome {
            Outcome::Returned(values) => break i64_of(&values),
            Outcome::Paused(pause) => {
                assert!(matches!(pause.reason(), PauseReason::OutOfFuel), "{pause:?}");
                pauses += 1;
                store.set_fuel(store.fuel().unwrap() + 1);
                outcome = pause.resume(&mut store).unwrap();
            }
        }
    };
    assert_eq!(result, expected);
    assert_eq!(pauses, cost, "a unit less would not have been enough");
    assert_eq!(store.fuel(), Some(0));

    // Each amount of fuel, then plenty: the stop is at another place each time. Not within bulk operations.
    let step = if FAST { 97 } else { 4001 };
    for fuel in (0..cost).step_by(step) {
        let (mut store, run) = metered(fuel);
        let pause = paused(run.call_resumable(&mut store, &[]).unwrap());
        store.set_fuel(plenty);
        assert_eq!(
            i64_of(&returned(pause.resume(&mut store).unwrap())),
            expected,
            "after {fuel}"
        );
    }
    // Without a pause there is an error, and the instance goes on.
    let (mut store, run) = metered(cost - 1);
    assert!(matches!(run.call(&mut store, &[]), Err(Error::OutOfFuel)));
    store.set_fuel(plenty);
    run.call(&mut store, &[]).unwrap();
}

#[test]
fn bulk_operations_pause_in_the_middle_and_go_on() {
    let text = r#"(module
      (memory (export "memory") 16) (memory $other 16)
      (data $d "DATA")
      (table $t (export "t") 100000 funcref) (table $u 100000 funcref) (elem declare func $f) (func $f)
      (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
      (func (export "copy_other") (param i32 i32 i32)
        (memory.copy $other 0 (i32.const 0) (i32.const 0) (i32.const 1048576))
        (memory.copy 0 $other (local.get 0) (local.get 1) (local.get 2)))
      (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
      (func (export "table") (param i32 i32 i32)
        (table.fill $t (i32.const 10) (ref.func $f) (i32.const 90000))
        (table.copy $u $t (i32.const 5) (i32.const 0) (i32.const 95000))
        (table.fill $t (i32.const 0) (ref.null func) (i32.const 100000))
        (table.copy $t $u (local.get 0) (local.get 1) (local.get 2))))"#;
    let engine = Engine::new(Config::new().fuel(0));
    let (mut store, instance) = instantiate(&engine, text, |_| {});
    let memory = instance.memory(&mut store, "memory").unwrap();
    let table = instance.table(&mut store, "t").unwrap();
    let mut model: Vec<u8> = (0..1u32 << 20)
        .map(|i| (i.wrapping_mul(2654435761) >> 24) as u8)
        .collect();
    memory.data_mut(&mut store).unwrap().write(0u32, &model).unwrap();
    for (name, args) in [
        ("copy", [1000, 0, 1_000_000]),
        ("copy", [0, 500, 1_000_000]),
        ("copy_other", [3, 100, 900_000]),
        ("fill", [100_000, 0x1ff, 800_000]),
        ("copy", [7, 7, 0]),
        ("table", [0, 3, 99_000]),
    ] {
        let func = instance.func(&mut store, name).unwrap();
        store.set_fuel(0);
        let mut outcome = func.call_resumable(&mut store, &args.map(Val::I32)).unwrap();
        let mut pauses = 0;
        while let Outcome::Paused(pause) = outcome {
            pauses += 1;
            // Less than one operation costs, more than one piece of it.
            store.set_fuel(store.fuel().unwrap() + 20_000);
            outcome = pause.resume(&mut store).unwrap();
        }
        let [a, b, c] = args.map(|arg| arg as usize);
        match name {
            "fill" => model[a..a + c].fill(b as u8),
            "table" => {
                for (at, is_null) in [(0, true), (11, true), (12, false), (90_011, false), (90_012, true)] {
                    let Val::FuncRef(element) = table.get(&store, at).unwrap() else {
                        panic!("a funcref")
                    };
                    assert_eq!(element.is_none(), is_null, "element {at}");
                }
            }
            _ => model.copy_within(b..b + c, a),
        }
        assert!(pauses >= if c > 0 { 4 } else { 1 }, "{name}: {pauses} pauses");
        assert!(memory.data(&store).unwrap().data() == model, "{name} {args:?}");
    }
}

#[test]
fn a_bulk_operation_out_of_bounds_writes_nothing_however_it_pauses() {
    let text = r#"(module (memory (export "memory") 4)
      (func (export "fill") (memory.fill (i32.const 1) (i32.const 1) (i32.const 262144)))
      (func (export "size") (result i32) (memory.size)))"#;
    let (mut store, instance) = instantiate(&Engine::new(Config::new().fuel(100)), text, |_| {});
    let fill = instance.func(&mut store, "fill").unwrap();
    let error = fill.call(&mut store, &[]).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
    let memory = instance.memory(&mut store, "memory").unwrap();
    assert!(memory.data(&store).unwrap().data().iter().all(|&byte| byte == 0));
    let size = instance.typed_func::<(), i32>(&mut store, "size").unwrap();
    assert_eq!(size.call(&mut store, ()).unwrap(), 4);
}

// ---- interrupted by another thread --------------------------------------------------------------------------------

/// Interrupts again and again until dropped.
struct Pest {
    stop: std::sync::Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Pest {
    fn new(handle: InterruptHandle, every: Duration) -> Pest {
        let stop = std::sync::Arc::new(AtomicBool::new(false));
        let until = stop.clone();
        let thread = thread::spawn(move || {
            while !until.load(SeqCst) {
                thread::sleep(every);
                handle.interrupt();
            }
        });
        Pest {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Pest {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn endless_code_of_every_kind_is_stopped() {
    let text = r#"(module
      (type $none (func))
      (table funcref (elem $tail_indirect $leaf))
      (memory 1)
      (func $leaf)
      (func (export "loop") (loop $l (br $l)))
      (func (export "br_if") (local i32)
        (loop $l (br_if $l (i32.add (local.tee 0 (i32.add (local.get 0) (i32.const 2))) (i32.const 1)))))
      (func (export "compare") (loop $l (br_if $l (i64.lt_s (i64.const 1) (i64.const 2)))))
      (func (export "float") (local f64) (loop $l (br_if $l (f64.ge (local.get 0) (f64.const 0)))))
      (func (export "br_table") (local i32)
        (loop $a (loop $b (loop $c
          (local.set 0 (i32.add (local.get 0) (i32.const 1)))
          (br_table $a $b $c (i32.rem_u (local.get 0) (i32.const 3)))))))
      (func (export "addition") (local i32)
        (loop $l (local.set 0 (i32.add (local.get 0) (i32.const 3))) (br $l)))
      (func (export "copy") (param i64 i64) (loop $l (local.set 0 (local.get 1)) (br $l)))
      (func (export "constant") (local i32) (loop $l (local.set 0 (i32.const 3)) (br $l)))
      (func (export "load") (loop $l (br_if $l (i32.eq (i32.load8_u (i32.const 0)) (i32.const 0)))
        (br_if $l (i32.ne (i32.load8_u (i32.const 0)) (i32.const 0)))))
      (func (export "pointer") (param i32 i32) (loop $l (br_if $l (i32.ne (i32.load (local.get 0)) (i32.const 77)))))
      (func (export "mask") (param i32 i32) (loop $l (br_if $l (i32.eq (i32.and (local.get 0) (i32.const 64)) (i32.const 0)))))
      (func (export "wide") (param i64 i64) (loop $l (br_if $l (i64.lt_u (local.get 0) (i64.const 0x123456789)))))
      (func (export "br_table_sum") (param i32 i32)
        (loop $a (loop $b (br_table $a $b $a (i32.add (local.get 0) (i32.const -1))))))
      (func $tail (export "tail") (return_call $tail))
      (func $tail_indirect (export "tail_indirect") (return_call_indirect (type $none) (i32.const 0)))
      (func $down (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
          (else (i32.const 0))))
      (func (export "recursion") (loop $l (drop (call $down (i32.const 5000))) (br $l)))
      (func (export "calls") (loop $l (call $leaf) (call_indirect (type $none) (i32.const 1)) (br $l)))
      (func (export "bulk") (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l)))
      (func (export "fine") (result i32) (call $down (i32.const 40))))"#;
    for config in [Config::new(), Config::new().fuel(u64::MAX)] {
        let (mut store, instance) = instantiate(&Engine::new(config), text, |_| {});
        let fine = instance.typed_func::<(), i32>(&mut store, "fine").unwrap();
        for name in [
            "loop",
            "br_if",
            "compare",
            "float",
            "br_table",
            "addition",
            "copy",
            "constant",
            "load",
            "pointer",
            "mask",
            "wide",
            "br_table_sum",
            "tail",
            "tail_indirect",
            "recursion",
            "calls",
            "bulk",
        ] {
            let func = instance.func(&mut store, name).unwrap();
            let pest = Pest::new(store.interrupt_handle(), Duration::from_millis(2));
            let args = func
                .ty(&store)
                .unwrap()
                .params()
                .iter()
                .map(|&ty| Val::default_for(ty))
                .collect::<Vec<_>>();
            let mut pause = paused(func.call_resumable(&mut store, &args).unwrap());
            for _ in 0..5 {
                assert!(is_interrupted(&pause), "{name}: {pause:?}");
                pause = paused(pause.resume(&mut store).unwrap());
            }
            drop(pest);
            drop(pause);
            // The last request may not have been reported yet.
            store.interrupt_handle().interrupt();
            assert!(
                matches!(func.call(&mut store, &args), Err(Error::Interrupted)),
                "{name}"
            );
            assert_eq!(fine.call(&mut store, ()).unwrap(), 40, "after {name}");
        }
    }
}

/// Calls do what their callee's first instruction says. A request that comes just before is seen there, also where the
/// callee is not translated yet.
#[test]
fn a_request_before_a_call_stops_at_the_entry_of_the_callee() {
    let text = r#"(module
      (import "host" "ask" (func $ask))
      (type $f (func (param i32) (result i32)))
      (table funcref (elem $small $big))
      (func $small (type $f) (i32.mul (local.get 0) (i32.const 3)))
      (func $big (type $f) (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i32 f64)
        (local.set 13 (i32.add (local.get 13) (local.get 0)))
        (i32.add (i32.mul (local.get 13) (i32.const 5)) (i32.wrap_i64 (i64.add (local.get 1) (local.get 12)))))
      (func $tail (type $f) (local i64 i64 i64) (return_call $big (i32.add (local.get 0) (i32.const 1))))
      (func (export "run") (param i32) (result i32)
        (call $ask) (call $small (local.get 0))
        (call $ask) (call $big (local.get 0)) (i32.add)
        (call $ask) (call $tail (local.get 0)) (i32.add)
        (call $ask) (call_indirect (type $f) (local.get 0) (i32.const 0)) (i32.add)
        (call $ask) (call_indirect (type $f) (local.get 0) (i32.const 1)) (i32.add)))"#;
    for config in [
        Config::new(),
        Config::new().eager_translation(true),
        Config::new().fuel(u64::MAX),
    ] {
        let handle = std::sync::Arc::new(OnceLock::<InterruptHandle>::new());
        let known = handle.clone();
        let (mut store, instance) = instantiate(&Engine::new(config), text, |linker| {
            let ask = move |_: &mut LinearMemory| known.get().unwrap().interrupt();
            linker.func("host", "ask", ask).unwrap();
        });
        assert!(handle.set(store.interrupt_handle()).is_ok());
        let run = instance.func(&mut store, "run").unwrap();
        // The second time everything is translated.
        for argument in [7, 1000] {
            let mut outcome = run.call_resumable(&mut store, &[Val::I32(argument)]).unwrap();
            let mut pauses = 0;
            while let Outcome::Paused(pause) = outcome {
                assert!(is_interrupted(&pause), "{pause:?}");
                pauses += 1;
                outcome = pause.resume(&mut store).unwrap();
            }
            assert_eq!(i32_of(&returned(outcome)), argument * (3 + 5 + 5 + 3 + 5) + 5);
            assert!(pauses >= 5, "{pauses}");
        }
    }
}

/// Frames that do not fit are not made, however many locals their functions have, and the store goes on.
#[test]
fn the_stack_is_exhausted_in_calls_of_functions_with_many_locals() {
    for locals in [0, 1, 2, 7, 8, 9, 100, 5000] {
        let text = format!(
            r#"(module
              (type $f (func (param i32) (result i32)))
              (table funcref (elem $indirect))
              (global $depth (export "depth") (mut i32) (i32.const 0))
              (func $direct (export "direct") (type $f) (local{0})
                (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
                (if (result i32) (local.get 0)
                  (then (i32.add (call $direct (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
                  (else (i32.const 0))))
              (func $indirect (export "indirect") (type $f) (local{0})
                (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
                (if (result i32) (local.get 0)
                  (then (i32.add (call_indirect (type $f) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))
                    (i32.const 1)))
                  (else (i32.const 0)))))"#,
            " i64".repeat(locals)
        );
        let limit = 1 << 20;
        let (mut store, instance) = instantiate(&Engine::new(Config::new().max_stack(limit)), &text, |_| {});
        let depth = instance.global(&mut store, "depth").unwrap();
        for name in ["direct", "indirect", "direct"] {
            depth.set(&mut store, Val::I32(0)).unwrap();
            let func = instance.func(&mut store, name).unwrap();
            let error = func.call(&mut store, &[Val::I32(-1)]).unwrap_err();
            assert_eq!(
                error.trap(),
                Some(Trap::CallStackExhausted),
                "{name} with {locals} locals"
            );
            let reached = i32_of(&[depth.get(&store).unwrap()]) as usize;
            let frame = 8 * (locals + 1);
            assert!(reached * frame <= limit, "{name} with {locals} locals: {reached} calls");
            assert!(
                reached * (frame + 200) > limit / 2,
                "{name} with {locals} locals: {reached} calls"
            );
            assert_eq!(i32_of(&func.call(&mut store, &[Val::I32(20)]).unwrap()), 20);
        }
    }
}

#[test]
fn a_request_between_two_calls_is_not_lost() {
    let text = "(module (func (export \"one\") (result i32) (i32.const 1)))";
    let (mut store, instance) = instantiate(&Engine::default(), text, |_| {});
    let one = instance.func(&mut store, "one").unwrap();
    assert_eq!(i32_of(&one.call(&mut store, &[]).unwrap()), 1);
    let handle = store.interrupt_handle();
    handle.interrupt();
    handle.interrupt();
    let pause = paused(one.call_resumable(&mut store, &[]).unwrap());
    assert!(is_interrupted(&pause));
    // Reported once, however often it was asked; and one that comes during the pause counts for what comes next.
    assert_eq!(i32_of(&one.call(&mut store, &[]).unwrap()), 1);
    assert_eq!(i32_of(&returned(pause.resume(&mut store).unwrap())), 1);
    handle.interrupt();
    assert!(matches!(one.call(&mut store, &[]), Err(Error::Interrupted)));
    assert_eq!(i32_of(&one.call(&mut store, &[]).unwrap()), 1);
    drop(store);
    handle.interrupt();
}

#[test]
fn a_disturbed_program_computes_the_same() {
    let rounds = if FAST { 3_000_000 } else { 20_000 };
    let text = format!(
        r#"(module (memory 1)
          (func $f (param i64 f64) (result i64 f64)
            (i64.add (i64.mul (local.get 0) (i64.const 6364136223846793005)) (i64.const 1442695040888963407))
            (f64.sqrt (f64.add (local.get 1) (f64.convert_i64_u (i64.shr_u (local.get 0) (i64.const 33))))))
          (func (export "run") (result i64) (local $i i32) (local $r i64) (local $f f64)
            (loop $l
              (call $f (local.get $r) (local.get $f)) (local.set $f) (local.set $r)
              (i64.store (i32.and (local.get $i) (i32.const 0xfff0))
                (i64.xor (i64.load (i32.and (i32.wrap_i64 (local.get $r)) (i32.const 0xfff0)))
                  (i64.reinterpret_f64 (local.get $f))))
              (br_if $l (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {rounds}))))
            (local.set $i (i32.const 0))
            (loop $l
              (local.set $r (i64.add (i64.rotl (local.get $r) (i64.const 1)) (i64.load (local.get $i))))
              (br_if $l (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 16))) (i32.const 65536))))
            (local.get $r)))"#
    );
    let engine = Engine::default();
    let run_once = |every: Option<Duration>| {
        let (mut store, instance) = instantiate(&engine, &text, |_| {});
        let run = instance.func(&mut store, "run").unwrap();
        let _pest = every.map(|every| Pest::new(store.interrupt_handle(), every));
        let mut outcome = run.call_resumable(&mut store, &[]).unwrap();
        let mut pauses = 0;
        loop {
            match outcome {
                Outcome::Returned(values) => return (i64_of(&values), pauses),
                Outcome::Paused(pause) => outcome = pause.resume(&mut store).unwrap(),
            }
            pauses += 1;
        }
    };
    let (expected, 0) = run_once(None) else {
        panic!("nobody interrupts")
    };
    let (disturbed, pauses) = run_once(Some(Duration::from_micros(50)));
    assert_eq!(disturbed, expected);
    assert!(pauses > 3, "{pauses} pauses");
}

/// 1 GiB takes long enough to be interrupted many times on the way.
#[test]
fn a_long_fill_is_interrupted_in_the_middle() {
    const LEN: u64 = 1 << 30;
    let text = r#"(module (memory (export "memory") 16384)
      (func (export "fill") (param i32) (result i32)
        (memory.fill (i32.const 0) (local.get 0) (i32.const 0x40000000))
        (i32.load8_u (i32.const 0x3fffffff))))"#;
    let (mut store, instance) = instantiate(&Engine::default(), text, |_| {});
    let fill = instance.func(&mut store, "fill").unwrap();
    let memory = instance.memory(&mut store, "memory").unwrap();
    let mut in_the_middle = 0;
    let mut value = 0;
    // On a loaded machine the other thread may come too late, so there are several tries.
    for _ in 0..20 {
        value += 1;
        let pest = Pest::new(store.interrupt_handle(), Duration::from_millis(5));
        let mut outcome = fill.call_resumable(&mut store, &[Val::I32(value)]).unwrap();
        let mut filled = 0;
        while let Outcome::Paused(pause) = outcome {
            assert!(is_interrupted(&pause));
            let bytes = memory.data(&store).unwrap().data();
            let now = bytes.partition_point(|&byte| byte == value as u8) as u64;
            assert!(now >= filled, "what was filled stays filled");
            filled = now;
            in_the_middle += (filled > 0 && filled < LEN) as u32;
            outcome = pause.resume(&mut store).unwrap();
        }
        drop(pest);
        assert_eq!(i32_of(&returned(outcome)), value);
        let bytes = memory.data(&store).unwrap().data();
        assert!(
            bytes
                .chunks(1 << 16)
                .all(|chunk| chunk.iter().all(|&byte| byte == value as u8))
        );
        if in_the_middle > 2 {
            return;
        }
    }
    panic!("interrupted {in_the_middle} times in the middle of 20 fills");
}

/// A host call that waits is woken by the request, and made again when the run goes on.
#[test]
fn a_host_call_that_waits_is_woken() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let text = r#"(module (import "host" "wait" (func $wait (param i32) (result i32)))
      (func (export "run") (result i32) (i32.add (call $wait (i32.const 20)) (i32.const 1))))"#;
    // Asked only once the host call is there: before, the run would stop at its first instruction.
    let (waits, waiting) = mpsc::channel();
    let (mut store, instance) = instantiate(&Engine::default(), text, move |linker| {
        linker
            .func_with(
                "host",
                "wait",
                move |caller: &mut Caller<'_>, n: i32| -> Result<i32, Halt> {
                    CALLS.fetch_add(1, SeqCst);
                    if let Some(state) = caller.call_state() {
                        return Ok(n + *state.downcast_ref::<i32>().unwrap());
                    }
                    waits.send(()).unwrap();
                    let (sender, receiver) = mpsc::channel();
                    let guard = caller.interrupt().on_request(move || sender.send(()).unwrap_or(()));
                    receiver.recv_timeout(Duration::from_secs(60)).unwrap();
                    drop(guard);
                    *caller.call_state() = Some(Box::new(100i32));
                    Err(Halt::Interrupted)
                },
            )
            .unwrap();
    });
    let run = instance.func(&mut store, "run").unwrap();
    let handle = store.interrupt_handle();
    let start = Instant::now();
    let thread = thread::spawn(move || {
        waiting.recv().unwrap();
        handle.interrupt();
    });
    let pause = paused(run.call_resumable(&mut store, &[]).unwrap());
    assert!(is_interrupted(&pause));
    assert!(start.elapsed() < Duration::from_secs(30));
    thread.join().unwrap();
    assert_eq!(i32_of(&returned(pause.resume(&mut store).unwrap())), 121);
    assert_eq!(CALLS.load(SeqCst), 2);
}

// ---- ends ---------------------------------------------------------------------------------------------------------

/// Suspends, traps, exits or fails at a chosen depth.
const ENDING: &str = r#"(module
  (import "host" "end" (func $end (param i32)))
  (global $entered (export "entered") (mut i32) (i32.const 0))
  (memory (export "memory") 1)
  (func $down (export "down") (param $depth i32) (param $how i32) (result i32)
    (global.set $entered (i32.add (global.get $entered) (i32.const 1)))
    (if (result i32) (local.get $depth)
      (then (i32.add (call $down (i32.sub (local.get $depth) (i32.const 1)) (local.get $how)) (i32.const 1)))
      (else
        (if (i32.eq (local.get $how) (i32.const 1)) (then (unreachable)))
        (if (i32.eq (local.get $how) (i32.const 2)) (then (drop (i32.load (i32.const 65533)))))
        (if (i32.eq (local.get $how) (i32.const 3)) (then (drop (i32.div_u (local.get $how) (i32.const 0)))))
        (if (i32.gt_u (local.get $how) (i32.const 3)) (then (call $end (local.get $how))))
        (i32.const 0)))))"#;

fn ending() -> (Store<()>, Instance) {
    instantiate(&Engine::default(), ENDING, |linker| {
        linker
            .func("host", "end", |_: &mut LinearMemory, how: i32| -> Result<(), Halt> {
                Err(match how {
                    4 => Error::Exit(3).into(),
                    5 => Trap::IntegerOverflow.into(),
                    6 => std::io::Error::other("no luck").into(),
                    _ => Suspend::new(how).into(),
                })
            })
            .unwrap();
    })
}

#[test]
fn the_instance_is_usable_after_every_end() {
    let (mut store, instance) = ending();
    let down = instance.func(&mut store, "down").unwrap();
    for round in 0..3 {
        for how in 1..=7 {
            let result = down.call(&mut store, &[Val::I32(1000), Val::I32(how)]);
            match (how, result.unwrap_err()) {
                (1, error) => assert_eq!(error.trap(), Some(Trap::Unreachable)),
                (2, error) => assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds)),
                (3, error) => assert_eq!(error.trap(), Some(Trap::IntegerDivideByZero)),
                (4, error) => assert!(matches!(error, Error::Exit(3)), "{error}"),
                (5, error) => assert_eq!(error.trap(), Some(Trap::IntegerOverflow)),
                (6, error) => assert!(matches!(error, Error::Host(_)), "{error}"),
                (_, error) => assert!(matches!(error, Error::Suspended), "{error}"),
            }
            let depth = round * 100 + how;
            assert_eq!(
                i32_of(&down.call(&mut store, &[Val::I32(depth), Val::I32(0)]).unwrap()),
                depth
            );
        }
    }
    let entered = instance.global(&mut store, "entered").unwrap();
    let calls: i32 = (0..3)
        .flat_map(|round| (1..=7).map(move |how| 1001 + round * 100 + how + 1))
        .sum();
    assert_eq!(i32_of(&[entered.get(&store).unwrap()]), calls);
}

#[test]
fn a_dropped_pause_leaves_the_instance_usable() {
    let (mut store, instance) = ending();
    let down = instance.func(&mut store, "down").unwrap();
    let pauses: Vec<Pause> = (0..5)
        .map(|_| paused(down.call_resumable(&mut store, &[Val::I32(100), Val::I32(7)]).unwrap()))
        .collect();
    for pause in pauses {
        drop(pause);
        assert_eq!(
            i32_of(&down.call(&mut store, &[Val::I32(50), Val::I32(0)]).unwrap()),
            50
        );
    }
    // A pause may outlive its store, as long as it is only dropped.
    let pause = paused(down.call_resumable(&mut store, &[Val::I32(100), Val::I32(7)]).unwrap());
    drop(store);
    drop(pause);
}

// ---- runs inside host calls ---------------------------------------------------------------------------------------

/// A host frame is native and cannot be put aside: what would pause a run inside a host call is an error there.
#[test]
fn a_run_inside_a_host_call_cannot_pause() {
    let text = r#"(module
      (import "host" "nest" (func $nest (param i32) (result i32)))
      (import "host" "suspend" (func $suspend))
      (func (export "endless") (loop $l (br $l)))
      (func (export "suspending") (call $suspend))
      (func (export "run") (param i32) (result i32) (i32.add (call $nest (local.get 0)) (i32.const 1))))"#;
    let (mut store, instance) = instantiate(&Engine::new(Config::new().fuel(1_000_000_000)), text, |linker| {
        linker
            .func_with(
                "host",
                "nest",
                |caller: &mut Caller<'_>, what: i32| -> Result<i32, Halt> {
                    let name = if what == 1 { "suspending" } else { "endless" };
                    let func = caller.get_export(name).and_then(|export| export.into_func()).unwrap();
                    let error = caller.call(func, &[]).unwrap_err();
                    match (what, error) {
                        (1, Error::Suspended) => Ok(10),
                        (2, Error::Interrupted) => Ok(20),
                        // Passed on: the run pauses where the host call stands, and makes it again.
                        (3, Error::Interrupted) => Err(Halt::Interrupted),
                        (4, Error::OutOfFuel) => Ok(40),
                        (_, error) => Err(error.into()),
                    }
                },
            )
            .unwrap();
        linker
            .func("host", "suspend", |_: &mut LinearMemory| -> Result<(), Halt> {
                Err(Suspend::new(0i32).into())
            })
            .unwrap();
    });
    let run = instance.func(&mut store, "run").unwrap();
    assert_eq!(i32_of(&run.call(&mut store, &[Val::I32(1)]).unwrap()), 11);
    let pest = Pest::new(store.interrupt_handle(), Duration::from_millis(5));
    // The request may also come just before or after the host call, and is the outer run's then.
    let mut outcome = run.call_resumable(&mut store, &[Val::I32(2)]).unwrap();
    while let Outcome::Paused(pause) = outcome {
        assert!(is_interrupted(&pause));
        outcome = pause.resume(&mut store).unwrap();
    }
    assert_eq!(i32_of(&returned(outcome)), 21);
    let mut pause = paused(run.call_resumable(&mut store, &[Val::I32(3)]).unwrap());
    for _ in 0..3 {
        assert!(is_interrupted(&pause));
        pause = paused(pause.resume(&mut store).unwrap());
    }
    drop((pest, pause));
    store.set_fuel(1000);
    let result = run.call(&mut store, &[Val::I32(4)]);
    // The last request may still be there.
    let result = if matches!(result, Err(Error::Interrupted)) {
        run.call(&mut store, &[Val::I32(4)])
    } else {
        result
    };
    assert_eq!(store.fuel().map(|fuel| fuel < 100), Some(true));
    assert!(matches!(result, Err(Error::OutOfFuel)) || i32_of(&result.unwrap()) == 41);
}

/// A host function may resume a paused run of its store.
#[test]
fn a_host_call_resumes_another_run() {
    let engine = Engine::default();
    let mut store: Store<Option<Pause>> = Store::new(&engine, None);
    let mut linker = Linker::<Option<Pause>>::with_data(&engine);
    linker
        .func_with(
            "host",
            "ask",
            |_: &mut Caller<'_, Option<Pause>>, question: i32| -> Result<i32, Halt> {
                Err(Suspend::new(question).into())
            },
        )
        .unwrap();
    linker
        .func_with(
            "host",
            "resume",
            |caller: &mut Caller<'_, Option<Pause>>, told: i32| -> Result<i32, Halt> {
                let pause = caller.data_mut().take().unwrap();
                let outcome = pause.resume_with(caller, &[Val::I32(told)])?;
                Ok(i32_of(&returned(outcome)))
            },
        )
        .unwrap();
    let module = module(
        &engine,
        r#"(module
          (import "host" "ask" (func $ask (param i32) (result i32)))
          (import "host" "resume" (func $resume (param i32) (result i32)))
          (func $down (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
              (else (call $ask (i32.const 1)))))
          (func (export "asking") (result i32) (i32.mul (call $down (i32.const 100)) (i32.const 2)))
          (func (export "resuming") (param i32) (result i32)
            (i32.add (local.get 0) (call $resume (local.get 0)))))"#,
    );
    let instance = linker.instantiate_in(&mut store, &module).unwrap();
    let asking = instance.func(&mut store, "asking").unwrap();
    let resuming = instance.func(&mut store, "resuming").unwrap();
    let pause = paused(asking.call_resumable(&mut store, &[]).unwrap());
    *store.data_mut() = Some(pause);
    let result = resuming.call(&mut store, &[Val::I32(7)]).unwrap();
    assert_eq!(i32_of(&result), 7 + (7 + 100) * 2);
}
