//! Calls between host and guest, in both directions, and how they end.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use crate::engine::*;

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

fn executor<T: Default + Send + 'static>(linker: &Linker<T>, text: &str) -> Executor<T> {
    linker.instantiate(&module(&Engine::default(), text)).unwrap()
}

#[test]
fn numbers_go_in_and_come_out_as_they_are() {
    let mut app = executor(
        &Linker::<()>::default(),
        "(module (func (export \"swap\") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
            local.get 3 local.get 2 local.get 1 local.get 0))",
    );
    type Swapped = (f64, f32, i64, i32);
    let mut swap = app.func::<(i32, i64, f32, f64), Swapped>("swap").unwrap();
    assert_eq!(
        swap.call((-1, i64::MIN, -0.5, 1e300)).unwrap(),
        (1e300, -0.5, i64::MIN, -1)
    );
    let (_, nan, ..) = swap.call((0, 0, f32::from_bits(0x7fa0_1234), 0.0)).unwrap();
    assert_eq!(nan.to_bits(), 0x7fa0_1234);
    let results = app
        .invoke("swap", &[Val::I32(1), Val::I64(2), Val::F32(3.0), Val::F64(4.0)])
        .unwrap();
    assert_eq!(
        results.iter().map(Val::to_string).collect::<Vec<_>>().join(" "),
        "f64.const 4 f32.const 3 i64.const 2 i32.const 1"
    );
    assert_eq!(
        app.execute_with_args(0, vec![1.into(), 2i64.into(), 3f32.into(), 4f64.into()])
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn what_does_not_fit_a_function_is_refused() {
    let mut app = executor(
        &Linker::<()>::default(),
        "(module (func (export \"f\") (param i32)) (memory (export \"m\") 1) (func (export \"g\")))",
    );
    let text = |result: Result<Vec<Val>, Error>| result.unwrap_err().to_string();
    assert_eq!(
        text(app.invoke("f", &[])),
        "0 arguments given, (func (param i32)) has 1"
    );
    assert_eq!(
        text(app.invoke("f", &[Val::I64(1)])),
        "argument 1 is i64, i32 is wanted"
    );
    assert_eq!(
        text(app.invoke("h", &[])),
        "no export `h`: the module exports the functions `f`, `g`"
    );
    assert_eq!(
        text(app.invoke("m", &[])),
        "export `m` is (memory 1), not a function: the module exports the functions `f`, `g`"
    );
    assert_eq!(
        app.func::<(), i32>("f").unwrap_err().to_string(),
        "the function has type (func (param i32)), not (func (result i32))"
    );
    assert!(matches!(app.execute_with_args(2, vec![]), Err(Error::Type(_))));
    assert!(matches!(app.execute_with_args(-1, vec![]), Err(Error::Type(_))));
}

#[test]
fn closures_of_any_arity_and_kind_of_result_are_host_functions() {
    let mut linker = Linker::<()>::default();
    linker
        .func("e", "none", |_: &mut LinearMemory| {})
        .unwrap()
        .func("e", "fallible", |_: &mut LinearMemory, a: i32| -> Result<i32, Trap> {
            if a == 0 {
                Err(Trap::IntegerDivideByZero)
            } else {
                Ok(100 / a)
            }
        })
        .unwrap()
        .func("e", "pair", |_: &mut LinearMemory, a: u64, b: f32| (b, a))
        .unwrap()
        .func(
            "e",
            "sum",
            |_: &mut LinearMemory,
             a: i32,
             b: i32,
             c: i32,
             d: i32,
             e: i32,
             f: i32,
             g: i32,
             h: i32,
             i: i32,
             j: i32,
             k: i32,
             l: i32,
             m: i32,
             n: i32,
             o: i32,
             p: i32| {
                [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
                    .iter()
                    .zip(1..)
                    .map(|(x, by)| x * by)
                    .sum::<i32>()
            },
        )
        .unwrap()
        .func_raw(
            "e",
            "raw",
            FuncType::new([ValType::I32], [ValType::I64, ValType::F64]),
            |_, args, results| {
                results[0] = Val::I64(i64::from(args[0].i32().unwrap()) * 2);
                Ok(())
            },
        )
        .unwrap();
    let mut app = executor(
        &linker,
        "(module (import \"e\" \"none\" (func $none)) (import \"e\" \"fallible\" (func $fallible (param i32) (result i32)))
            (import \"e\" \"pair\" (func $pair (param i64 f32) (result f32 i64)))
            (import \"e\" \"sum\" (func $sum (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
                (result i32)))
            (import \"e\" \"raw\" (func $raw (param i32) (result i64 f64)))
            (func (export \"fallible\") (param i32) (result i32) call $none (call $fallible (local.get 0)))
            (func (export \"pair\") (result f32 i64) (call $pair (i64.const 7) (f32.const 1.5)))
            (func (export \"sum\") (result i32) (call $sum
                (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 3)))
            (func (export \"raw\") (result i64 f64) (call $raw (i32.const 21))))",
    );
    assert_eq!(app.func::<i32, i32>("fallible").unwrap().call(7).unwrap(), 14);
    let error = app.func::<i32, i32>("fallible").unwrap().call(0).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::IntegerDivideByZero));
    assert_eq!(app.func::<(), (f32, u64)>("pair").unwrap().call(()).unwrap(), (1.5, 7));
    assert_eq!(app.func::<(), i32>("sum").unwrap().call(()).unwrap(), 1 + 10 + 48);
    assert_eq!(app.func::<(), (i64, f64)>("raw").unwrap().call(()).unwrap(), (42, 0.0));
}

#[test]
fn a_host_function_sees_the_memory_of_its_caller_or_an_empty_one() {
    let mut linker = Linker::<()>::default();
    linker
        .func(
            "e",
            "upper",
            |memory: &mut LinearMemory, at: u32, len: u32| -> Result<u32, Error> {
                memory.slice_mut(at, len)?.make_ascii_uppercase();
                Ok(memory.pages() as u32)
            },
        )
        .unwrap()
        .func("e", "grow", |memory: &mut LinearMemory| memory.grow(1).is_ok() as u32)
        .unwrap();
    let body = "(import \"e\" \"upper\" (func $upper (param i32 i32) (result i32)))
        (import \"e\" \"grow\" (func $grow (result i32)))
        (func (export \"run\") (param i32) (result i32) (call $upper (local.get 0) (i32.const 3)))
        (func (export \"grow\") (result i32) (call $grow))";
    let mut app = executor(
        &linker,
        &format!(
            "(module {body} (memory 1) (data (i32.const 5) \"abcd\")
        (func (export \"size\") (result i32) memory.size))"
        ),
    );
    assert_eq!(app.func::<u32, u32>("run").unwrap().call(5).unwrap(), 1);
    assert_eq!(app.memory().unwrap().read_str(5u32, 4u32).unwrap(), "ABCd");
    let error = app.func::<u32, u32>("run").unwrap().call(65534).unwrap_err();
    assert_eq!(
        error.to_string(),
        "out of bounds memory access: 3 bytes at address 0xfffe; the memory has 0x10000 bytes"
    );
    assert_eq!(app.func::<(), u32>("grow").unwrap().call(()).unwrap(), 1);
    assert_eq!(app.func::<(), u32>("size").unwrap().call(()).unwrap(), 2);

    let mut without = executor(&linker, &format!("(module {body})"));
    assert!(matches!(
        without.func::<u32, u32>("run").unwrap().call(0),
        Err(Error::Memory(_))
    ));
    assert_eq!(without.func::<(), u32>("grow").unwrap().call(()).unwrap(), 0);
    assert!(without.memory().is_none());
}

#[test]
fn a_host_function_calls_back_into_the_guest_that_called_it() {
    let mut linker = Linker::<u32>::default();
    linker
        .func_with(
            "e",
            "twice",
            |caller: &mut Caller<'_, u32>, value: i32| -> Result<i32, Error> {
                *caller.data_mut() += 1;
                let func = caller.get_export("down").and_then(Extern::into_func).expect("exported");
                let down = func.typed::<i32, i32>(caller)?;
                Ok(down.call(caller, value)? * 2)
            },
        )
        .unwrap();
    let mut app = executor(
        &linker,
        "(module (import \"e\" \"twice\" (func $twice (param i32) (result i32))) (global $g (mut i32) (i32.const 0))
            (func (export \"down\") (param i32) (result i32) (local i64)
                (global.set $g (i32.add (global.get $g) (i32.const 1)))
                (local.set 1 (i64.const 77))
                (if (result i32) (local.get 0)
                    (then (i32.add (call $twice (i32.sub (local.get 0) (i32.const 1)))
                        (i32.wrap_i64 (i64.sub (local.get 1) (i64.const 77)))))
                    (else (i32.const 1))))
            (func (export \"count\") (result i32) (global.get $g)))",
    );
    assert_eq!(app.func::<i32, i32>("down").unwrap().call(10).unwrap(), 1024);
    assert_eq!(*app.store().data(), 10);
    assert_eq!(app.func::<(), i32>("count").unwrap().call(()).unwrap(), 11);
    // Each level takes native stack, so their number is limited, and passing the limit harms nothing.
    let error = app.func::<i32, i32>("down").unwrap().call(100_000).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::CallStackExhausted));
    assert_eq!(app.func::<i32, i32>("down").unwrap().call(3).unwrap(), 8);
}

#[test]
fn errors_of_hosts_and_exits_pass_through_guests_unchanged() {
    #[derive(Debug, thiserror::Error)]
    #[error("the database is gone")]
    struct Gone;

    let mut linker = Linker::<()>::default();
    linker
        .func("e", "fail", |_: &mut LinearMemory| -> Result<(), Error> {
            Err(Error::host(Gone))
        })
        .unwrap()
        .func("e", "exit", |_: &mut LinearMemory, code: u32| -> Result<(), Error> {
            Err(Error::Exit(code))
        })
        .unwrap()
        .func_with("e", "wrapped", |caller: &mut Caller<'_, ()>| -> Result<(), Error> {
            let exit = caller.get_export("exit").and_then(Extern::into_func).expect("exported");
            exit.call(caller, &[Val::I32(9)]).map(drop).map_err(Error::host)
        })
        .unwrap();
    let mut app = executor(
        &linker,
        "(module (import \"e\" \"fail\" (func $fail)) (import \"e\" \"exit\" (func $exit (param i32)))
            (import \"e\" \"wrapped\" (func $wrapped))
            (func (export \"fail\") call $fail) (func (export \"exit\") (param i32) (call $exit (local.get 0)))
            (func (export \"wrapped\") call $wrapped) (func (export \"_start\") (call $exit (i32.const 0)) unreachable)
            (func (export \"fine\") (result i32) i32.const 5))",
    );
    let error = app.invoke("fail", &[]).unwrap_err();
    assert_eq!(error.to_string(), "a host function failed: the database is gone");
    assert!(
        std::error::Error::source(&error)
            .unwrap()
            .downcast_ref::<Gone>()
            .is_some()
    );
    let error = app.invoke("exit", &[Val::I32(3)]).unwrap_err();
    assert!(matches!(error, Error::Exit(3)));
    let error = app.invoke("wrapped", &[]).unwrap_err();
    assert!(matches!(error, Error::Host(_)));
    assert_eq!(Executor::is_proc_exit(&error), Some(9));
    app.run().expect("exit code 0 is a success");
    assert_eq!(app.func::<(), i32>("fine").unwrap().call(()).unwrap(), 5);
}

#[test]
fn a_trap_names_the_functions_that_were_running_across_instances() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let library = module(
        &engine,
        "(module $library (func $divide (export \"divide\") (param i32) (result i32)
        (i32.div_u (i32.const 1) (local.get 0))))",
    );
    let library = linker.instantiate_in(&mut store, &library).unwrap();
    linker.instance(&mut store, "library", library).unwrap();
    let app = module(&engine, "(module $app (import \"library\" \"divide\" (func $divide (param i32) (result i32)))
        (func $inner (result i32) (call $divide (i32.const 0))) (func $outer (export \"run\") (result i32) call $inner))");
    let app = linker.instantiate_in(&mut store, &app).unwrap();
    let error = app.func(&mut store, "run").unwrap().call(&mut store, &[]).unwrap_err();
    let Error::Trap(report) = error else { panic!("{error}") };
    let frames: Vec<_> = report
        .frames
        .iter()
        .map(|f| (f.module.as_deref(), f.name.as_deref()))
        .collect();
    assert_eq!(
        frames,
        [
            (Some("library"), Some("divide")),
            (Some("app"), Some("inner")),
            (Some("app"), Some("outer"))
        ]
    );
    assert!(report.frames.iter().all(|frame| frame.offset.is_some()));
}

#[test]
fn a_trap_in_a_start_function_leaves_what_it_wrote() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    let mut linker = Linker::new(&engine);
    linker.define(&store, "e", "m", memory).unwrap();
    let traps = module(
        &engine,
        "(module (import \"e\" \"m\" (memory 1)) (start $f)
        (func $f (i32.store8 (i32.const 3) (i32.const 7)) unreachable))",
    );
    let error = linker.instantiate_in(&mut store, &traps).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::Unreachable));
    assert_eq!(memory.data(&store).unwrap().read_u8(3u32).unwrap(), 7);
}

#[test]
fn tables_and_references_go_between_instances_and_the_host() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 0u32);
    let host = Func::wrap(&mut store, |caller: &mut Caller<'_, u32>, by: u32| {
        *caller.data_mut() += by;
        *caller.data()
    });
    let table = Table::new(
        &mut store,
        TableType::new(ValType::FUNCREF, 3, None),
        Val::FuncRef(None),
    )
    .unwrap();
    let mut linker = Linker::with_data(&engine);
    linker.define(&store, "e", "t", table).unwrap();
    let owner = module(
        &engine,
        "(module (import \"e\" \"t\" (table 3 funcref)) (global $g (mut i32) (i32.const 40))
        (func $add (param i32) (result i32) (global.set $g (i32.add (global.get $g) (local.get 0))) (global.get $g))
        (elem (i32.const 1) $add))",
    );
    linker.instantiate_in(&mut store, &owner).unwrap();
    let user = module(
        &engine,
        "(module (import \"e\" \"t\" (table $t 3 funcref)) (type $f (func (param i32) (result i32)))
        (func (export \"call\") (param i32 i32) (result i32) (call_indirect $t (type $f) (local.get 1) (local.get 0)))
        (func (export \"get\") (param i32) (result funcref) (table.get $t (local.get 0)))
        (func (export \"same\") (param externref) (result externref) (local.get 0)))",
    );
    let user = linker.instantiate_in(&mut store, &user).unwrap();
    table.set(&mut store, 0, host.into()).unwrap();
    let call = user.typed_func::<(u32, u32), u32>(&mut store, "call").unwrap();
    assert_eq!(call.call(&mut store, (0, 5)).unwrap(), 5);
    assert_eq!(call.call(&mut store, (1, 2)).unwrap(), 42);
    assert_eq!(call.call(&mut store, (1, 2)).unwrap(), 44);
    let error = call.call(&mut store, (2, 2)).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::UninitializedElement));
    assert_eq!(
        call.call(&mut store, (3, 2)).unwrap_err().trap(),
        Some(Trap::UndefinedElement)
    );
    let get = user.typed_func::<u32, Option<Func>>(&mut store, "get").unwrap();
    assert_eq!(get.call(&mut store, 0).unwrap(), Some(host));
    assert_eq!(get.call(&mut store, 2).unwrap(), None);
    let add = get.call(&mut store, 1).unwrap().unwrap();
    assert_eq!(add.typed::<u32, u32>(&store).unwrap().call(&mut store, 1).unwrap(), 45);

    let value = ExternRef::new("a host's own".to_string());
    let same = user
        .typed_func::<Option<ExternRef>, Option<ExternRef>>(&mut store, "same")
        .unwrap();
    assert!(
        same.call(&mut store, Some(value.clone()))
            .unwrap()
            .unwrap()
            .same(&value)
    );
    assert!(same.call(&mut store, None).unwrap().is_none());

    let mut other = Store::new(&engine, 0u32);
    assert!(matches!(add.call(&mut other, &[Val::I32(1)]), Err(Error::Type(_))));
    assert!(matches!(host.ty(&other), Err(Error::Type(_))));
    assert!(matches!(
        table.set(&mut other, 0, Val::FuncRef(None)),
        Err(Error::Type(_))
    ));
}

#[test]
fn a_host_call_suspends_and_is_resumed_with_values_or_made_again() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let mut linker = Linker::<()>::default();
    linker
        .func_with(
            "e",
            "wait",
            move |caller: &mut Caller<'_, ()>, key: u32| -> Result<u32, Halt> {
                counted.fetch_add(1, Relaxed);
                if let Some(tries) = caller
                    .call_state()
                    .as_mut()
                    .and_then(|state| state.downcast_mut::<u32>())
                {
                    *tries += 1;
                    if *tries == 2 {
                        return Ok(1000);
                    }
                } else {
                    *caller.call_state() = Some(Box::new(0u32));
                }
                Err(Suspend::new(format!("key {key}")).into())
            },
        )
        .unwrap();
    let mut app = executor(
        &linker,
        "(module (import \"e\" \"wait\" (func $wait (param i32) (result i32)))
            (func $nested (param i32) (result i32) (i32.add (call $wait (local.get 0)) (local.get 0)))
            (func (export \"run\") (param i32) (result i32) (local $sum i32)
                (loop $again
                    (local.set $sum (i32.add (local.get $sum) (call $nested (local.get 0))))
                    (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get $sum)))",
    );
    let instance = app.instance();
    let run = instance.func(app.store_mut(), "run").unwrap();
    let store = app.store_mut();
    let mut outcome = run.call_resumable(store, &[Val::I32(3)]).unwrap();
    for key in [3u32, 2, 1] {
        let Outcome::Paused(pause) = outcome else {
            panic!("not paused at {key}")
        };
        let PauseReason::Suspended(suspend) = pause.reason() else {
            panic!("{pause:?}")
        };
        assert_eq!(suspend.payload::<String>(), Some(&format!("key {key}")));
        outcome = match key {
            // Made again twice: the call's state survives.
            2 => match pause.resume(store).unwrap() {
                Outcome::Paused(pause) => pause.resume(store).unwrap(),
                Outcome::Returned(_) => panic!("it suspends once more"),
            },
            key => pause.resume_with(store, &[Val::I32(key as i32 * 10)]).unwrap(),
        };
    }
    let Outcome::Returned(results) = outcome else {
        panic!("it is done")
    };
    assert_eq!(results[0].i32(), Some((30 + 3) + (1000 + 2) + (10 + 1)));
    assert_eq!(calls.load(Relaxed), 5);

    // A pause can be dropped, resumed wrongly, or left while something else runs.
    let Outcome::Paused(first) = run.call_resumable(store, &[Val::I32(1)]).unwrap() else {
        panic!()
    };
    let Outcome::Paused(second) = run.call_resumable(store, &[Val::I32(2)]).unwrap() else {
        panic!()
    };
    assert!(matches!(run.call(store, &[Val::I32(1)]), Err(Error::Suspended)));
    drop(second);
    let mut other = Store::new(store.engine(), ());
    let Outcome::Returned(results) = first.resume_with(store, &[Val::I32(4)]).unwrap() else {
        panic!()
    };
    assert_eq!(results[0].i32(), Some(5));
    let Outcome::Paused(pause) = run.call_resumable(store, &[Val::I32(1)]).unwrap() else {
        panic!()
    };
    assert!(matches!(pause.resume(&mut other), Err(Error::Type(_))));
    let Outcome::Paused(pause) = run.call_resumable(store, &[Val::I32(1)]).unwrap() else {
        panic!()
    };
    assert!(matches!(
        pause.resume_with(store, &[Val::F32(0.0)]),
        Err(Error::Type(_))
    ));
}

#[test]
fn a_run_out_of_fuel_or_interrupted_goes_on_where_it_stood() {
    let engine = Engine::new(Config::new().fuel(1000));
    let mut store = Store::new(&engine, ());
    let count = module(
        &engine,
        "(module (func (export \"count\") (param i32) (result i32) (local $n i32)
        (loop $again
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (local.get 0))))
        (local.get $n)))",
    );
    let instance = Instance::new(&mut store, &count, &[]).unwrap();
    let count = instance.func(&mut store, "count").unwrap();
    assert!(matches!(
        count.call(&mut store, &[Val::I32(100_000)]),
        Err(Error::OutOfFuel)
    ));
    store.set_fuel(1000);
    let mut outcome = count.call_resumable(&mut store, &[Val::I32(10_000)]).unwrap();
    let mut pauses = 0;
    let results = loop {
        match outcome {
            Outcome::Returned(results) => break results,
            Outcome::Paused(pause) => {
                assert!(matches!(pause.reason(), PauseReason::OutOfFuel));
                pauses += 1;
                store.set_fuel(1000);
                outcome = pause.resume(&mut store).unwrap();
            }
        }
    };
    assert_eq!(results[0].i32(), Some(10_000));
    assert!((10..200).contains(&pauses), "{pauses}");

    store.set_fuel(u64::MAX);
    store.interrupt_handle().interrupt();
    let Outcome::Paused(pause) = count.call_resumable(&mut store, &[Val::I32(10)]).unwrap() else {
        panic!()
    };
    assert!(matches!(pause.reason(), PauseReason::Interrupted));
    let Outcome::Returned(results) = pause.resume(&mut store).unwrap() else {
        panic!()
    };
    assert_eq!(results[0].i32(), Some(10));
}

#[test]
fn another_thread_stops_a_run_that_never_ends() {
    let mut app = executor(
        &Linker::<()>::default(),
        "(module (func (export \"spin\") (loop br 0)))",
    );
    let handle = app.interrupt_handle();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        handle.interrupt();
    });
    assert!(matches!(app.invoke("spin", &[]), Err(Error::Interrupted)));
    stopper.join().unwrap();
}

#[test]
fn endless_recursion_ends_in_a_trap_whose_report_is_short() {
    let mut app = executor(
        &Linker::<()>::default(),
        "(module (func $f (export \"f\") call $f) (func (export \"ok\")))",
    );
    let error = app.invoke("f", &[]).unwrap_err();
    let Error::Trap(report) = &error else { panic!("{error}") };
    assert_eq!(report.trap, Trap::CallStackExhausted);
    assert_eq!(report.frames.len(), TrapReport::MAX_FRAMES);
    assert!(report.omitted > 1000);
    app.invoke("ok", &[]).unwrap();
}

#[test]
fn a_reactor_is_initialised_once_and_first() {
    let text = "(module (global $n (mut i32) (i32.const 0))
        (func (export \"_initialize\") (global.set $n (i32.add (global.get $n) (i32.const 1))))
        (func (export \"n\") (result i32) (global.get $n)))";
    let mut app = executor(&Linker::<()>::default(), text);
    assert_eq!(app.func::<(), i32>("n").unwrap().call(()).unwrap(), 1);
    app.run().unwrap();
    assert_eq!(app.func::<(), i32>("n").unwrap().call(()).unwrap(), 1);
    let mut app = executor(&Linker::<()>::default(), text);
    app.invoke("_initialize", &[]).unwrap();
    assert_eq!(app.execute_with_args(1usize, vec![]).unwrap()[0].i32(), Some(1));
}

#[test]
fn main_is_run_where_there_is_no_start_and_its_result_is_the_exit_code() {
    let linker = Linker::<()>::default();
    for (text, code) in [
        (
            "(func (export \"main\") (param i32 i32) (result i32) (i32.const 3))",
            Some(3),
        ),
        ("(func (export \"main\") (result i32) (i32.const 0))", None),
        (
            "(func (export \"main\") (result i32) (i32.const 9)) (func (export \"_start\"))",
            None,
        ),
    ] {
        let result = executor(&linker, &format!("(module {text})")).run();
        let exit = result.err().and_then(|error| Executor::is_proc_exit(&error));
        assert_eq!(exit, code, "{text}");
    }
    let error = executor(&linker, "(module (func (export \"add\")))").run().unwrap_err();
    assert_eq!(
        error.to_string(),
        "no export `_start`: the module exports the functions `add`"
    );
    let error = executor(&linker, "(module (func (export \"_start\") (param i32)))")
        .run()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the export `_start` has type (func (param i32)), not (func)"
    );
}

#[test]
fn a_host_function_that_panics_ends_its_run_and_nothing_else() {
    let mut linker = Linker::<()>::default();
    linker
        .func_with(
            "e",
            "h",
            |caller: &mut Caller<'_, ()>, depth: u32| -> Result<u32, Error> {
                assert!(depth != 3, "asked to panic");
                let run = caller.get_export("run").and_then(Extern::into_func).expect("exported");
                let run = run.typed::<u32, u32>(caller)?;
                if depth == 0 {
                    Ok(1)
                } else {
                    Ok(run.call(caller, depth - 1)? + 1)
                }
            },
        )
        .unwrap();
    let mut app = executor(
        &linker,
        "(module (import \"e\" \"h\" (func $h (param i32) (result i32)))
            (func (export \"run\") (param i32) (result i32) (call $h (local.get 0))))",
    );
    for _ in 0..3 {
        let call = std::panic::AssertUnwindSafe(|| app.func::<u32, u32>("run").unwrap().call(7));
        assert!(std::panic::catch_unwind(call).is_err());
        assert_eq!(app.func::<u32, u32>("run").unwrap().call(2).unwrap(), 3);
    }
}

#[test]
fn a_run_resumed_inside_a_host_call_leaves_the_outer_runs_limit_as_it_was() {
    let mut linker = Linker::<Option<Pause>>::default();
    linker
        .func("e", "wait", |_: &mut LinearMemory| -> Result<(), Halt> {
            Err(Suspend::new(()).into())
        })
        .unwrap()
        .func_with(
            "e",
            "resume",
            |caller: &mut Caller<'_, Option<Pause>>| -> Result<i32, Error> {
                let pause = caller.data_mut().take().expect("a paused run");
                match pause.resume_with(caller, &[])? {
                    Outcome::Returned(results) => Ok(results[0].i32().expect("an i32")),
                    Outcome::Paused(_) => unreachable!("inside a host call nothing pauses"),
                }
            },
        )
        .unwrap();
    let mut app = executor(
        &linker,
        "(module (import \"e\" \"wait\" (func $wait)) (import \"e\" \"resume\" (func $resume (result i32)))
            (func (export \"waits\") (result i32) call $wait (i32.const 42))
            (func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
            (func (export \"resumes\") (result i32) call $resume)
            (func (export \"overflows\") (result i32) (call $deep (call $resume))))",
    );
    for (name, result) in [("resumes", Some(42)), ("overflows", None), ("resumes", Some(42))] {
        let instance = app.instance();
        let waits = instance.func(app.store_mut(), "waits").unwrap();
        let Outcome::Paused(pause) = waits.call_resumable(app.store_mut(), &[]).unwrap() else {
            panic!()
        };
        *app.store_mut().data_mut() = Some(pause);
        match app.invoke(name, &[]) {
            Ok(results) => assert_eq!(results[0].i32(), result),
            Err(error) => assert_eq!((error.trap(), result), (Some(Trap::CallStackExhausted), None)),
        }
    }
}

#[test]
fn an_observer_is_told_of_each_run_once_and_of_those_inside_it_not() {
    #[derive(Default)]
    struct Seen(Mutex<String>);
    impl RunObserver for Seen {
        fn entered(&self) {
            self.0.lock().unwrap().push('<');
        }
        fn left(&self) {
            self.0.lock().unwrap().push('>');
        }
    }
    let (seen, late) = (Arc::new(Seen::default()), Arc::new(Seen::default()));
    let mut linker = Linker::<()>::default();
    linker.observe_runs(seen.clone()).observe_runs(seen.clone());
    linker
        .func("e", "wait", |_: &mut LinearMemory| -> Result<(), Halt> {
            Err(Suspend::new(()).into())
        })
        .unwrap();
    let observer = late.clone();
    linker
        .func_with("e", "again", move |caller: &mut Caller<'_>| -> Result<(), Error> {
            caller.observe_runs(observer.clone());
            let nothing = caller.get_export("nothing").and_then(Extern::into_func).unwrap();
            caller.call(nothing, &[]).map(|_| ())
        })
        .unwrap();
    let mut app = executor(
        &linker,
        "(module (import \"e\" \"wait\" (func $wait)) (import \"e\" \"again\" (func $again))
            (func (export \"nothing\")) (func (export \"traps\") unreachable)
            (func (export \"waits\") call $wait) (func (export \"calls\") call $again))",
    );
    app.invoke("nothing", &[]).unwrap();
    app.invoke("traps", &[]).unwrap_err();
    assert_eq!(*seen.0.lock().unwrap(), "<><>");
    let instance = app.instance();
    let waits = instance.func(app.store_mut(), "waits").unwrap();
    let Outcome::Paused(pause) = waits.call_resumable(app.store_mut(), &[]).unwrap() else {
        panic!()
    };
    assert_eq!(*seen.0.lock().unwrap(), "<><><>");
    pause.resume_with(app.store_mut(), &[]).unwrap();
    app.invoke("calls", &[]).unwrap();
    app.invoke("calls", &[]).unwrap();
    assert_eq!(*seen.0.lock().unwrap(), "<><><><><><>");
    // It was told at once that the run had begun.
    assert_eq!(*late.0.lock().unwrap(), "<><>");
}

const _: () = {
    const fn sent_to_threads<T: Send>() {}
    sent_to_threads::<Pause>();
    sent_to_threads::<Executor>();
    sent_to_threads::<Error>();
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<InterruptHandle>();
    shared_between_threads::<Linker>();
    shared_between_threads::<Func>();
    shared_between_threads::<Val>();
};
