//! Exceptions between guests and the host: `cargo test --test exceptions`.
//!
//! What guests do among themselves stands in scripts: spec-tests/ours/legacy-exceptions and the suite's own.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wasmrun::{
    Caller, Config, Engine, Error, Exception, ExnRef, Func, Halt, Instance, LinearMemory, Linker, Module,
    Optimizations, Outcome, Pause, PauseReason, Store, StoreLimits, Suspend, Tag, TagType, Trap, Val, ValType,
};

const FAST: bool = !cfg!(debug_assertions);

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

/// A store with one instance of the module; `define` adds what it imports.
fn instantiate(config: Config, text: &str, define: impl FnOnce(&mut Store<()>, &mut Linker)) -> (Store<()>, Instance) {
    let engine = Engine::new(config);
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    define(&mut store, &mut linker);
    let instance = linker.instantiate_in(&mut store, &module(&engine, text)).unwrap();
    (store, instance)
}

fn call(store: &mut Store<()>, instance: Instance, name: &str, args: &[Val]) -> Result<Vec<Val>, Error> {
    instance.func(store, name).unwrap().call(store, args)
}

fn i32_of(values: &[Val]) -> i32 {
    match values {
        [Val::I32(value)] => *value,
        other => panic!("{other:?} is not one i32"),
    }
}

fn exception(result: Result<Vec<Val>, Error>) -> Exception {
    match result {
        Err(Error::Exception(exception)) => *exception,
        other => panic!("{other:?} is not an exception"),
    }
}

fn paused(outcome: Outcome) -> Pause {
    match outcome {
        Outcome::Paused(pause) => pause,
        Outcome::Returned(values) => panic!("returned {values:?} instead of pausing"),
    }
}

/// What the translator may do, from nothing to everything.
fn optimizations() -> [Config; 2] {
    [Config::new(), Config::new().optimizations(Optimizations::NONE)]
}

#[test]
fn an_exception_nobody_catches_is_an_error_with_its_tag_values_and_place() {
    let text = "(module $app (tag $oops (export \"oops\") (param i32 f64))
        (func $inner (param i32) (throw $oops (local.get 0) (f64.const 2.5)))
        (func $outer (export \"run\") (param i32) (call $inner (local.get 0))))";
    let (mut store, instance) = instantiate(Config::new(), text, |_, _| {});
    let error = call(&mut store, instance, "run", &[Val::I32(7)]).unwrap_err();
    let message = error.to_string();
    assert!(
        message
            .starts_with("uncaught exception: tag `oops` with i32.const 7, f64.const 2.5\n  in func 0 `inner`, byte"),
        "{message}"
    );
    assert!(message.contains("\n  called from func 1 `outer`, byte"), "{message}");
    let exception = exception(Err(error));
    assert_eq!(exception.tag(), instance.tag(&mut store, "oops").unwrap());
    assert_eq!(exception.tag_name(), Some("oops"));
    assert!(matches!(exception.values(), [Val::I32(7), Val::F64(2.5)]));
    assert_eq!((exception.frames().len(), exception.omitted()), (2, 0));
    assert_eq!(i32_of(&[Val::I32(1)]), 1, "and the store is usable");
    assert!(call(&mut store, instance, "run", &[Val::I32(8)]).is_err());
}

/// A guest that catches what the host throws, by tag and by reference, in both forms.
const CATCHES: &str = "(module
    (tag $t (import \"host\" \"t\") (param i32))
    (tag $other (param i32))
    (func $throw (import \"host\" \"throw\") (param i32))
    (func $tail (param i32) (return_call $throw (local.get 0)))
    (func (export \"final\") (param i32) (result i32)
      (block $h (result i32)
        (try_table (catch $other $h) (catch $t $h) (call $throw (local.get 0)))
        (i32.const -1)))
    (func (export \"reference\") (param i32) (result i32)
      (block $h (result i32)
        (try_table (catch $t $h)
          (block $r (result exnref)
            (try_table (catch_all_ref $r) (call $throw (local.get 0)))
            (return (i32.const -1)))
          (throw_ref))
        (unreachable)))
    (func (export \"tail\") (param i32) (result i32)
      try (result i32)
        (call $tail (local.get 0))
        (i32.const -1)
      catch $t
        (i32.add (i32.const 1000))
      end)
    (func (export \"uncaught\") (param i32) (call $throw (local.get 0))))";

/// Throws odd numbers with the tag that is defined as `t`.
fn throwing(store: &mut Store<()>, linker: &mut Linker) {
    let tag = Tag::new(store, TagType::new([ValType::I32]));
    linker.define(store, "host", "t", tag).unwrap();
    let throw = move |caller: &mut Caller<'_, ()>, number: i32| -> Result<(), Halt> {
        if number % 2 == 1 {
            return Err(Exception::new(caller, tag, &[Val::I32(number)])?.into());
        }
        Ok(())
    };
    linker.func_with("host", "throw", throw).unwrap();
}

#[test]
fn a_guest_catches_what_the_host_throws() {
    for config in optimizations() {
        let (mut store, instance) = instantiate(config, CATCHES, throwing);
        for (name, plus) in [("final", 0), ("reference", 0), ("tail", 1000)] {
            for (number, expected) in [(4, -1), (5, 5 + plus)] {
                let results = call(&mut store, instance, name, &[Val::I32(number)]).unwrap();
                assert_eq!(i32_of(&results), expected, "{name} {number}");
            }
        }
        let exception = exception(call(&mut store, instance, "uncaught", &[Val::I32(3)]));
        assert!(matches!(exception.values(), [Val::I32(3)]));
        assert_eq!(exception.tag_name(), None);
        assert_eq!(exception.frames().len(), 1, "the guest's function that called the host");
    }
}

#[test]
fn values_that_do_not_fit_the_tag_and_foreign_tags_are_refused() {
    let engine = Engine::default();
    let (mut store, mut other) = (Store::new(&engine, ()), Store::new(&engine, ()));
    let tag = Tag::new(&mut store, TagType::new([ValType::I32, ValType::EXNREF]));
    let null = Val::ExnRef(None);
    let refuse = |store: &mut Store<()>, values: &[Val], message: &str| {
        assert_eq!(Exception::new(store, tag, values).unwrap_err().to_string(), message);
    };
    refuse(
        &mut store,
        &[Val::I32(1)],
        "1 values given, (tag (param i32 exnref)) has 2",
    );
    refuse(
        &mut store,
        &[Val::I64(1), null.clone()],
        "value 1 is i64, i32 is wanted",
    );
    refuse(
        &mut other,
        &[Val::I32(1), null.clone()],
        "the tag belongs to another store: handles are valid in the store that made them",
    );
    let inner = Tag::new(&mut other, TagType::new([]));
    let foreign = ExnRef::new(&mut other, inner, &[]).unwrap();
    refuse(
        &mut store,
        &[Val::I32(1), foreign.into()],
        "the exception belongs to another store: handles are valid in the store that made them",
    );
    Exception::new(&mut store, tag, &[Val::I32(1), null]).unwrap();

    // An exception of another store, thrown by a host function.
    let escaped = Mutex::new(Some(Exception::new(&mut other, inner, &[]).unwrap()));
    let throw = Func::wrap(&mut store, move |_: &mut Caller<'_, ()>| -> Result<(), Halt> {
        Err(escaped.lock().unwrap().take().expect("called once").into())
    });
    let text = "(module (import \"e\" \"f\" (func $f)) (func (export \"run\") try (call $f) catch_all end))";
    let instance = Instance::new(&mut store, &module(&engine, text), &[throw.into()]).unwrap();
    let error = call(&mut store, instance, "run", &[]).unwrap_err();
    assert!(matches!(error, Error::Type(_)), "{error}");
}

#[test]
fn an_exception_passes_through_the_host_and_goes_on_where_it_returns_it() {
    // `run` catches what `thrower` throws, with the host between: both in one instance, at every depth.
    let text = "(module
        (import \"host\" \"call\" (func $call (param i32)))
        (tag $t (export \"t\") (param i32))
        (func (export \"thrower\") (param i32)
          (if (i32.eqz (local.get 0)) (then (throw $t (i32.const 99))))
          try (call $call (i32.sub (local.get 0) (i32.const 1))) catch_all (rethrow 0) end)
        (func (export \"run\") (param i32) (result i32)
          try (result i32) (call $call (local.get 0)) (i32.const 0) catch $t end))";
    let seen = Arc::new(Mutex::new(0));
    let counter = seen.clone();
    let (mut store, instance) = instantiate(Config::new(), text, move |_, linker| {
        let through = move |caller: &mut Caller<'_, ()>, depth: i32| -> Result<(), Halt> {
            let thrower = caller.get_export("thrower").unwrap().into_func().unwrap();
            match thrower.call(caller, &[Val::I32(depth)]) {
                Err(Error::Exception(exception)) => {
                    assert!(matches!(exception.values(), [Val::I32(99)]));
                    assert!(!exception.frames().is_empty());
                    *counter.lock().unwrap() += 1;
                    Err(Error::Exception(exception).into())
                }
                other => panic!("{other:?}"),
            }
        };
        linker.func_with("host", "call", through).unwrap();
    });
    for depth in [0, 1, 20] {
        *seen.lock().unwrap() = 0;
        let results = call(&mut store, instance, "run", &[Val::I32(depth)]).unwrap();
        assert_eq!(i32_of(&results), 99);
        assert_eq!(*seen.lock().unwrap(), depth + 1);
    }
    let exception = exception(call(&mut store, instance, "thrower", &[Val::I32(3)]));
    assert_eq!(exception.tag(), instance.tag(&mut store, "t").unwrap());
}

#[test]
fn the_host_may_keep_what_it_caught_or_end_it() {
    let text = "(module
        (import \"host\" \"shield\" (func $shield (result i32)))
        (tag $t (param i32))
        (func (export \"throws\") (result i32) (throw $t (i32.const 5)))
        (func (export \"run\") (result i32)
          try (result i32) (i32.add (call $shield) (i32.const 1)) catch_all (i32.const -1) end))";
    let (mut store, instance) = instantiate(Config::new(), text, |_, linker| {
        let shield = |caller: &mut Caller<'_, ()>| -> Result<i32, Halt> {
            let throws = caller.get_export("throws").unwrap().into_func().unwrap();
            match throws.call(caller, &[]) {
                Err(Error::Exception(exception)) => Ok(exception.values()[0].i32().unwrap() * 10),
                other => panic!("{other:?}"),
            }
        };
        linker.func_with("host", "shield", shield).unwrap();
    });
    assert_eq!(i32_of(&call(&mut store, instance, "run", &[]).unwrap()), 51);
}

#[test]
fn references_to_exceptions_are_values_of_the_host_too() {
    let text = "(module
        (tag $t (export \"t\") (param i32 i64))
        (global $kept (export \"kept\") (mut exnref) (ref.null exn))
        (table (export \"table\") 2 exnref)
        (func (export \"catch\") (param i32) (result exnref)
          (local exnref)
          (block $h (result i32 i64 exnref)
            (try_table (catch_ref $t $h) (throw $t (local.get 0) (i64.const 4)))
            (unreachable))
          (local.tee 1)
          (global.set $kept)
          (drop)
          (drop)
          (table.set (i32.const 1) (local.get 1))
          (local.get 1))
        (func (export \"throw\") (param exnref) (result i32)
          (block $h (result i32 i64)
            (try_table (catch $t $h) (throw_ref (local.get 0)))
            (unreachable))
          (drop))
        (func (export \"is_null\") (param exnref) (result i32) (ref.is_null (local.get 0))))";
    for config in optimizations() {
        let (mut store, instance) = instantiate(config, text, |_, _| {});
        let tag = instance.tag(&mut store, "t").unwrap();
        let results = call(&mut store, instance, "catch", &[Val::I32(3)]).unwrap();
        let [Val::ExnRef(Some(caught))] = &results[..] else {
            panic!("{results:?}")
        };
        assert_eq!(caught.tag(&store).unwrap(), tag);
        assert!(matches!(caught.values(&store).unwrap()[..], [Val::I32(3), Val::I64(4)]));
        for value in [
            instance.global(&mut store, "kept").unwrap().get(&store).unwrap(),
            instance.table(&mut store, "table").unwrap().get(&store, 1).unwrap(),
            ExnRef::new(&mut store, tag, &[Val::I32(3), Val::I64(9)])
                .unwrap()
                .into(),
        ] {
            assert_eq!(i32_of(&call(&mut store, instance, "throw", &[value]).unwrap()), 3);
        }
        let null = instance.table(&mut store, "table").unwrap().get(&store, 0).unwrap();
        assert!(matches!(null, Val::ExnRef(None)));
        assert_eq!(
            i32_of(&call(&mut store, instance, "is_null", std::slice::from_ref(&null)).unwrap()),
            1
        );
        let error = call(&mut store, instance, "throw", &[null]).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::NullException));
        let typed = instance.typed_func::<i32, Option<ExnRef>>(&mut store, "catch").unwrap();
        let caught = typed.call(&mut store, 8).unwrap().unwrap();
        assert!(matches!(caught.values(&store).unwrap()[0], Val::I32(8)));
        assert!(caught.tag(&Store::new(store.engine(), ())).is_err());
    }
}

// ---- keeping and forgetting -----------------------------------------------------------------------------------------

/// Throws and catches by reference, again and again; some references stay in globals, tables, other exceptions, locals.
const KEEPS: &str = "(module
    (tag $t (param i32))
    (tag $chain (param exnref i32))
    (table $table 8 exnref)
    (global $head (mut exnref) (ref.null exn))
    (func $make (param i32) (result exnref)
      (block $h (result i32 exnref)
        (try_table (catch_ref $t $h) (throw $t (local.get 0)))
        (unreachable))
      (return))
    (func $link (param exnref i32) (result exnref)
      (block $h (result exnref)
        (try_table (catch_all_ref $h) (throw $chain (local.get 0) (local.get 1)))
        (unreachable)))
    (func $value (param exnref) (result i32)
      (block $h (result i32)
        (try_table (catch $t $h) (throw_ref (local.get 0)))
        (unreachable)))
    (func (export \"forget\") (param $n i32) (result i32) (local $sum i32)
      (loop $next
        (local.set $sum (i32.add (local.get $sum) (call $value (call $make (local.get $n)))))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $sum))
    ;; A list of the numbers from n to 1 in exceptions, summed up at the end.
    (func (export \"list\") (param $n i32) (result i32) (local $sum i32) (local $at exnref)
      (loop $next
        (global.set $head (call $link (global.get $head) (local.get $n)))
        (drop (call $make (i32.const 0)))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.set $at (global.get $head))
      (loop $next
        (block $h (result exnref i32)
          (try_table (catch $chain $h) (throw_ref (local.get $at)))
          (unreachable))
        (local.set $sum (i32.add (local.get $sum)))
        (local.set $at)
        (br_if $next (i32.eqz (ref.is_null (local.get $at)))))
      (global.set $head (ref.null exn))
      (local.get $sum))
    ;; In a table, in locals of frames below, and on the operand stack.
    (func (export \"hold\") (param $n i32) (param $mine exnref) (result i32) (local $i i32)
      (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
      (local.set $mine (call $make (local.get $n)))
      (table.set $table (i32.and (local.get $n) (i32.const 7)) (call $make (i32.mul (local.get $n) (i32.const 3))))
      (call $make (i32.mul (local.get $n) (i32.const 5)))
      (local.set $i (i32.const 100))
      (loop $next
        (drop (call $make (i32.const 1)))
        (br_if $next (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (if (i32.ne
            (call $value (table.get $table (i32.and (local.get $n) (i32.const 7))))
            (i32.mul (local.get $n) (i32.const 3)))
        (then (unreachable)))
      (local.set $i (call $hold (i32.sub (local.get $n) (i32.const 1))  (ref.null exn)))
      (if (i32.ne (call $value) (i32.mul (local.get $n) (i32.const 5))) (then (unreachable)))
      (if (i32.ne (call $value (local.get $mine)) (local.get $n)) (then (unreachable)))
      (i32.add (local.get $i) (local.get $n)))
    (func $hold (param i32 exnref) (result i32) (local $i i32)
      (return_call $hold2 (local.get 0) (local.get 1)))
    (func $hold2 (param i32 exnref) (result i32)
      (call_indirect $funcs (param i32 exnref) (result i32) (local.get 0) (local.get 1) (i32.const 0)))
    (table $funcs funcref (elem $held))
    (func $held (param $n i32) (param $mine exnref) (result i32)
      (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
      (local.set $mine (call $make (local.get $n)))
      (drop (call $make (i32.const 2)))
      (i32.add
        (call $hold (i32.sub (local.get $n) (i32.const 1)) (local.get $mine))
        (call $value (local.get $mine)))))";

#[test]
fn exceptions_are_kept_while_something_refers_to_them_and_freed_then() {
    let (n, list, deep, bytes) = if FAST {
        (3_000_000, 5000, 300, 2 << 20)
    } else {
        (10_000, 1000, 60, 512 << 10)
    };
    for config in optimizations() {
        // Far less than they would take together.
        let limits = StoreLimits {
            exceptions: bytes,
            ..StoreLimits::default()
        };
        let (mut store, instance) = instantiate(config.limits(limits), KEEPS, |_, _| {});
        let mut run = |name, args: &[Val]| call(&mut store, instance, name, args);
        let sum = |n: i32| (1..=n).fold(0i32, i32::wrapping_add);
        assert_eq!(i32_of(&run("forget", &[Val::I32(n)]).unwrap()), sum(n));
        assert_eq!(i32_of(&run("list", &[Val::I32(list)]).unwrap()), sum(list));
        for _ in 0..if FAST { 10 } else { 2 } {
            let results = run("hold", &[Val::I32(deep), Val::ExnRef(None)]).unwrap();
            assert_eq!(i32_of(&results), sum(deep));
        }
        let error = run("list", &[Val::I32(1_000_000)]).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::OutOfMemory));
    }
}

#[test]
fn references_of_the_host_and_of_paused_runs_are_kept() {
    let text = "(module
        (import \"host\" \"ask\" (func $ask (result i32)))
        (tag $t (export \"t\") (param i32))
        (func $make (param i32) (result exnref)
          (block $h (result exnref)
            (try_table (catch_all_ref $h) (throw $t (local.get 0)))
            (unreachable)))
        (func (export \"make\") (param i32) (result exnref) (call $make (local.get 0)))
        (func (export \"waits\") (param i32) (result i32) (local exnref)
          (local.set 1 (call $make (local.get 0)))
          (block $h (result i32)
            (try_table (catch $t $h)
              (drop (call $ask))
              (throw_ref (local.get 1)))
            (unreachable)))
        (func (export \"many\") (param i32)
          (loop $next
            (drop (call $make (i32.const -1)))
            (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))";
    let (mut store, instance) = instantiate(Config::new(), text, |_, linker| {
        let ask = |_: &mut LinearMemory| -> Result<i32, Halt> { Err(Suspend::new(()).into()) };
        linker.func("host", "ask", ask).unwrap();
    });
    let waits = instance.func(&mut store, "waits").unwrap();
    let mut pauses = Vec::new();
    let mut held = Vec::new();
    for number in 0..20 {
        pauses.push(paused(waits.call_resumable(&mut store, &[Val::I32(number)]).unwrap()));
        held.extend(call(&mut store, instance, "make", &[Val::I32(number + 100)]).unwrap());
        call(&mut store, instance, "many", &[Val::I32(3000)]).unwrap();
    }
    drop(pauses.pop());
    for (number, pause) in (0..).zip(pauses) {
        call(&mut store, instance, "many", &[Val::I32(3000)]).unwrap();
        let Outcome::Returned(results) = pause.resume_with(&mut store, &[Val::I32(0)]).unwrap() else {
            panic!("paused again")
        };
        assert_eq!(i32_of(&results), number);
    }
    for (number, value) in (100..).zip(held) {
        let Val::ExnRef(Some(exception)) = value else {
            panic!("{value:?}")
        };
        assert_eq!(i32_of(&exception.values(&store).unwrap()), number);
    }
}

// ---- stopping -------------------------------------------------------------------------------------------------------

#[test]
fn a_run_suspended_in_a_try_throws_when_it_goes_on() {
    let text = "(module
        (import \"host\" \"ask\" (func $ask (param i32) (result i32)))
        (tag $t (import \"host\" \"t\") (param i32))
        (func $twice (param i32) (result i32)
          (i32.add (call $ask (local.get 0)) (call $ask (i32.add (local.get 0) (i32.const 1)))))
        (func (export \"run\") (param i32) (result i32) (local $caught i32) (local $x f64)
          (local.set $x (f64.const 0.5))
          (block $out
            (block $h (result i32)
              (try_table (catch $t $h)
                (local.set $x (f64.add (local.get $x) (f64.const 1)))
                (local.set 0 (call $twice (local.get 0)))
                (local.set $x (f64.add (local.get $x) (f64.const 10))))
              (br $out))
            (local.set $caught))
          (i32.add
            (i32.add (local.get 0) (i32.mul (local.get $caught) (i32.const 1000)))
            (i32.trunc_f64_s (f64.mul (local.get $x) (f64.const 2))))))";
    // The first time it is asked it suspends; made again, it throws 7 for 11 and answers otherwise.
    let (mut store, instance) = instantiate(Config::new(), text, |store, linker| {
        let tag = Tag::new(store, TagType::new([ValType::I32]));
        linker.define(store, "host", "t", tag).unwrap();
        let ask = move |caller: &mut Caller<'_, ()>, question: i32| -> Result<i32, Halt> {
            if caller.call_state().is_none() {
                *caller.call_state() = Some(Box::new(()));
                return Err(Suspend::new(question).into());
            }
            if question == 11 {
                return Err(Exception::new(caller, tag, &[Val::I32(7)])?.into());
            }
            Ok(question * 2)
        };
        linker.func_with("host", "ask", ask).unwrap();
    });
    let run = instance.func(&mut store, "run").unwrap();
    for (argument, asked, expected) in [(10, 2, 7013), (11, 1, 7014), (20, 2, 40 + 42 + 23)] {
        let mut outcome = run.call_resumable(&mut store, &[Val::I32(argument)]).unwrap();
        let mut times = 0;
        let results = loop {
            match outcome {
                Outcome::Returned(results) => break results,
                Outcome::Paused(pause) => {
                    times += 1;
                    outcome = pause.resume(&mut store).unwrap();
                }
            }
        };
        assert_eq!((times, i32_of(&results)), (asked, expected), "{argument}");
    }
}

#[test]
fn loops_that_only_exceptions_close_can_be_stopped() {
    let text = "(module
        (import \"host\" \"throw\" (func $throw))
        (tag $t)
        (func (export \"catch\") (loop $l (try_table (catch_all $l) (throw $t))))
        (func (export \"reference\") (local exnref)
          (block $h (result exnref) (try_table (catch_all_ref $h) (throw $t)) (unreachable))
          (local.set 0)
          (loop $l (try_table (catch_all $l) (throw_ref (local.get 0)))))
        (func (export \"host\") (loop $l (try_table (catch_all $l) (call $throw) (unreachable)))))";
    let (mut store, instance) = instantiate(Config::new(), text, |store, linker| {
        let tag = Tag::new(store, TagType::new([]));
        let throw =
            move |caller: &mut Caller<'_, ()>| -> Result<(), Halt> { Err(Exception::new(caller, tag, &[])?.into()) };
        linker.func_with("host", "throw", throw).unwrap();
    });
    for name in ["catch", "reference", "host"] {
        let run = instance.func(&mut store, name).unwrap();
        let handle = store.interrupt_handle();
        let mut outcome = std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(20));
                handle.interrupt();
            });
            run.call_resumable(&mut store, &[]).unwrap()
        });
        // It goes on as if nothing had been, and stops again.
        for _ in 0..3 {
            let pause = paused(outcome);
            assert!(matches!(pause.reason(), PauseReason::Interrupted));
            store.interrupt_handle().interrupt();
            outcome = pause.resume(&mut store).unwrap();
        }
    }
}

#[test]
fn fuel_is_counted_over_throws_and_a_run_out_of_it_goes_on() {
    let text = "(module
        (tag $t (param i32))
        (func $f (param i32) (result i32)
          (if (i32.rem_u (local.get 0) (i32.const 3)) (then (throw $t (local.get 0))))
          (i32.const 1))
        (func (export \"run\") (param i32) (result i32) (local $sum i32)
          (loop $next
            try
              (local.set $sum (i32.add (local.get $sum) (call $f (local.get 0))))
            catch $t
              (local.set $sum (i32.add (local.get $sum)))
              try (throw $t (i32.const 5)) catch_all try (rethrow 1) catch $t (drop) end end
            end
            (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
          (local.get $sum)))";
    let expected: i32 = (1..=20).map(|n| if n % 3 != 0 { n } else { 1 }).sum();
    let whole = 100_000;
    let (mut store, instance) = instantiate(Config::new().fuel(whole), text, |_, _| {});
    assert_eq!(
        i32_of(&call(&mut store, instance, "run", &[Val::I32(20)]).unwrap()),
        expected
    );
    let used = whole - store.fuel().unwrap();
    assert!(used > 20 * 10, "{used}");
    let run = instance.func(&mut store, "run").unwrap();
    for at_once in [1, 2, 3, 7, 50] {
        store.set_fuel(0);
        let mut outcome = run.call_resumable(&mut store, &[Val::I32(20)]).unwrap();
        let mut given = 0;
        let results = loop {
            match outcome {
                Outcome::Returned(results) => break results,
                Outcome::Paused(pause) => {
                    given += at_once;
                    store.set_fuel(store.fuel().unwrap() + at_once);
                    outcome = pause.resume(&mut store).unwrap();
                }
            }
        };
        assert_eq!(i32_of(&results), expected);
        assert_eq!(given - store.fuel().unwrap(), used, "{at_once} at once");
    }
}

// ---- size -----------------------------------------------------------------------------------------------------------

#[test]
fn unwinding_takes_time_in_proportion_to_the_frames() {
    // Every frame has a `try`, none of which fits; one in all has the last word.
    let text = "(module
        (tag $t (param i32)) (tag $other)
        (func $deep (param i32) (result i32)
          (if (i32.eqz (local.get 0)) (then (throw $t (i32.const 4))))
          (block $h
            (return (i32.add (i32.const 1)
              (try_table (result i32) (catch $other $h) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
          (unreachable))
        (func (export \"run\") (param i32) (result i32)
          (block $h (result i32)
            (try_table (result i32) (catch $t $h) (call $deep (local.get 0))))))";
    let (mut store, instance) = instantiate(Config::new().max_stack(64 << 20), text, |_, _| {});
    let mut time = |depth: i32| {
        let rounds = (0..3).map(|_| {
            let begun = Instant::now();
            let results = call(&mut store, instance, "run", &[Val::I32(depth)]).unwrap();
            assert_eq!(i32_of(&results), 4);
            begun.elapsed()
        });
        rounds.min().unwrap()
    };
    time(100_000);
    let (short, long) = (time(20_000), time(200_000));
    assert!(long < short * 40, "{short:?} for 20,000 frames, {long:?} for 200,000");

    // Through nothing but a trace, nobody catches it.
    let text = "(module (tag $t) (func $f (export \"run\") (param i32)
        (if (i32.eqz (local.get 0)) (then (throw $t))) (call $f (i32.sub (local.get 0) (i32.const 1)))))";
    let (mut store, instance) = instantiate(Config::new(), text, |_, _| {});
    let exception = exception(call(&mut store, instance, "run", &[Val::I32(100_000)]));
    assert_eq!(exception.frames().len() + exception.omitted(), 100_001);
}

#[test]
fn functions_with_thousands_of_tries_and_of_locals() {
    // The outer `try`s delegate to each other; each third inner one catches.
    let mut body = String::new();
    for at in 0..2000 {
        body.push_str(&format!(
            "try (throw $t (i32.const {at})) catch $t (local.set $sum (i32.add (local.get $sum))) end "
        ));
    }
    let mut nested = String::from("(throw $t (i32.const 1)) ");
    for at in 0..2000 {
        let clause = if at == 1999 { "catch_all" } else { "catch $other" };
        nested = format!("try {nested} {clause} (local.set $sum (i32.add (local.get $sum) (i32.const {at}))) end ");
    }
    // More slots than 16 bits can name: locals, and operands below the `try`s.
    let (locals, operands) = ("(local i64) ".repeat(49_000), "(i64.const 1) ".repeat(20_000));
    let drops = "drop ".repeat(20_000);
    let text = format!(
        "(module (tag $t (param i32)) (tag $other)
            (func (export \"small\") (result i32) (local $sum i32) {body} {nested} (local.get $sum))
            (func (export \"far\") (result i32) (local $sum i32) {locals} (local $a f64)
              {operands} {body} {drops} (local.get $sum))
            (func (export \"uncaught\") {locals} (local $sum i32) (local $a f64)
              {operands}
              try (local.set $a (f64.const 4)) (throw $t (i32.const 50))
              catch $t drop try (throw $other) catch_all (rethrow 0) end
              catch_all (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
              end {drops}))"
    );
    // What a `catch` throws is not for its own `try`.
    for config in optimizations() {
        let (mut store, instance) = instantiate(config, &text, |_, _| {});
        let results = call(&mut store, instance, "small", &[]).unwrap();
        assert_eq!(i32_of(&results), (0..2000).sum::<i32>() + 1999);
        let results = call(&mut store, instance, "far", &[]).unwrap();
        assert_eq!(i32_of(&results), (0..2000).sum::<i32>());
        let exception = exception(call(&mut store, instance, "uncaught", &[]));
        assert_eq!(exception.tag_name(), Some("other"));
    }
}

#[test]
fn the_listing_shows_what_catches() {
    let text = "(module (tag $t (param i32)) (func $f) (func (param i32) (result i32)
        try (result i32)
          try (call $f) delegate 1
          (call $f)
          (block $h (result i32 exnref) (try_table (catch_ref $t $h) (catch_all 0) (call $f)) (i32.const 1) (ref.null exn))
          (drop)
        catch $t
        catch_all
          (rethrow 0)
        end))";
    let text = text.replace("(catch_all 0)", "");
    let module = module(&Engine::default(), &text);
    let listing = module.listing(1).unwrap().to_string();
    let table: Vec<&str> = listing
        .lines()
        .filter(|line| line.starts_with("try") && line.contains("words"))
        .collect();
    assert_eq!(table.len(), 3, "{listing}");
    assert!(table[1].ends_with("delegates to the caller"), "{listing}");
    for part in [
        "catch tag 0 into s",
        "catch all, reference into s",
        ", reference into s",
        "throw_ref s",
    ] {
        assert!(listing.contains(part), "{part}: {listing}");
    }
    assert!(
        module
            .listing(0)
            .unwrap()
            .lines
            .iter()
            .all(|line| !line.text.contains("try"))
    );
}
