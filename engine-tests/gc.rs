//! The collector: what is garbage goes, what is not stays, whatever a run is doing when there is a collection.
//!
//! `cargo test --test gc`. Most programs run twice: as they are, and with a collection at every allocation.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use wasmrun::{
    AnyRef, Caller, Config, Engine, Executor, Func, Halt, HeapType, Instance, Linker, Module, Outcome, Store, Suspend,
    Trap, Val,
};

/// Types and functions the programs have in common: binary trees that know their depth.
const TREES: &str = "
    (type $tree (struct (field (mut (ref null $tree))) (field (mut (ref null $tree))) (field i32)))
    (func $grow (export \"grow\") (param $depth i32) (result (ref $tree))
        (if (result (ref $tree)) (local.get $depth)
            (then (struct.new $tree (call $grow (i32.sub (local.get $depth) (i32.const 1)))
                (call $grow (i32.sub (local.get $depth) (i32.const 1))) (local.get $depth)))
            (else (struct.new_default $tree))))
    ;; The number of its nodes; a depth that is not the one expected makes it wrong.
    (func $count (export \"count\") (param $tree (ref null $tree)) (param $depth i32) (result i32)
        (if (ref.is_null (local.get $tree)) (then (return (i32.const 0))))
        (if (i32.ne (struct.get $tree 2 (local.get $tree)) (local.get $depth)) (then (return (i32.const -1000000))))
        (i32.add (i32.const 1) (i32.add
            (call $count (struct.get $tree 0 (local.get $tree)) (i32.sub (local.get $depth) (i32.const 1)))
            (call $count (struct.get $tree 1 (local.get $tree)) (i32.sub (local.get $depth) (i32.const 1))))))
    (func $waste (export \"waste\") (param $trees i32)
        (loop $again (drop (call $grow (i32.const 4)))
            (br_if $again (local.tee $trees (i32.sub (local.get $trees) (i32.const 1))))))";

fn configs() -> [Config; 2] {
    [Config::new(), Config::new().gc_stress(true)]
}

fn module(engine: &Engine, body: &str) -> Module {
    let text = format!("(module {TREES} {body})");
    Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

fn executor(config: Config, body: &str) -> Executor {
    let engine = Engine::new(config);
    let module = module(&engine, body);
    Linker::new(&engine).instantiate(&module).unwrap()
}

fn instance(config: Config, linker: impl FnOnce(&mut Linker<()>), body: &str) -> (Store<()>, Instance) {
    let engine = Engine::new(config);
    let module = module(&engine, body);
    let mut store = Store::new(&engine, ());
    let mut imports = Linker::new(&engine);
    linker(&mut imports);
    let instance = imports.instantiate_in(&mut store, &module).unwrap();
    (store, instance)
}

#[test]
fn ten_gigabytes_pass_through_64_megabytes() {
    // Rings of a thousand nodes, each with a kilobyte: cyclic garbage.
    let body = "
        (type $bytes (array (mut i8)))
        (type $node (struct (field (mut (ref null $node))) (field (ref $bytes))))
        (func (export \"run\") (param $rings i32) (result i64)
            (local $first (ref null $node)) (local $last (ref null $node)) (local $n i32) (local $sum i64)
            (loop $ring
                (local.set $n (i32.const 1000))
                (local.set $first (local.tee $last (struct.new $node (ref.null $node)
                    (array.new $bytes (i32.const 1) (i32.const 1000)))))
                (loop $next
                    (local.set $last (struct.new $node (local.get $last)
                        (array.new $bytes (i32.and (local.get $n) (i32.const 127)) (i32.const 1000))))
                    (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (struct.set $node 0 (local.get $first) (local.get $last))
                (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u
                    (array.get_u $bytes (struct.get $node 1 (local.get $last)) (i32.const 999)))))
                (br_if $ring (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get $sum))";
    // A ring is a megabyte and a bit.
    let rings = if cfg!(debug_assertions) { 300 } else { 10_000 };
    let mut store = {
        let engine = Engine::new(Config::new().max_gc_heap(64 << 20));
        Store::new(&engine, ())
    };
    let module = module(store.engine(), body);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let begun = Instant::now();
    let run = instance.typed_func::<i32, i64>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, rings).unwrap(), i64::from(rings));
    let took = begun.elapsed();
    assert!(store.gc_heap_bytes() <= 64 << 20, "{}", store.gc_heap_bytes());
    assert!(store.gc_collections() >= 3, "{}", store.gc_collections());
    assert!(took.as_secs() < 120, "{took:?}");
}

#[test]
fn trees_in_frames_survive() {
    for (config, depth) in configs().into_iter().zip([15, 6]) {
        let body = "(func (export \"run\") (param i32) (result i32) (local $kept (ref null $tree))
            (local.set $kept (call $grow (local.get 0)))
            (call $waste (i32.const 20))
            (i32.add (call $count (local.get $kept) (local.get 0))
                (call $count (block (result (ref $tree)) (call $grow (local.get 0)) (call $waste (i32.const 3)))
                    (local.get 0))))";
        let mut app = executor(config, body);
        let run = app.func::<i32, i32>("run").unwrap().call(depth);
        assert_eq!(run.unwrap(), 2 * ((2 << depth) - 1));
    }
}

#[test]
fn globals_tables_segments_and_payloads_are_roots() {
    let body = "
        (global $g (mut (ref null $tree)) (ref.null $tree))
        (global $c (ref $tree) (struct.new $tree (ref.null $tree) (ref.null $tree) (i32.const 0)))
        (table $t 2 (ref null $tree))
        (elem $e (ref $tree) (struct.new $tree (ref.null $tree) (ref.null $tree) (i32.const 0)) (global.get $c))
        (type $row (array (mut (ref null $tree))))
        (tag $tag (param i32 (ref $tree)))
        (func $throws (param i32) (throw $tag (i32.const 7) (call $grow (local.get 0))))
        (func (export \"run\") (param i32) (result i32) (local $row (ref null $row)) (local $exn exnref) (local $sum i32)
            (global.set $g (call $grow (local.get 0)))
            (table.set $t (i32.const 1) (call $grow (local.get 0)))
            (local.set $row (array.new_elem $row $e (i32.const 0) (i32.const 2)))
            (block $caught (result i32 (ref $tree) exnref)
                (try_table (catch_ref $tag $caught) (call $throws (local.get 0)))
                unreachable)
            (local.set $exn) drop drop
            (call $waste (i32.const 10))
            (local.set $sum (i32.add (call $count (global.get $g) (local.get 0))
                (call $count (table.get $t (i32.const 1)) (local.get 0))))
            ;; The segment's objects are the same ones each time.
            (local.set $sum (i32.add (local.get $sum) (ref.eq (array.get $row (local.get $row) (i32.const 0))
                (array.get $row (array.new_elem $row $e (i32.const 0) (i32.const 1)) (i32.const 0)))))
            (local.set $sum (i32.add (local.get $sum) (ref.eq (array.get $row (local.get $row) (i32.const 1)) (global.get $c))))
            (block $again (result i32 (ref $tree))
                (try_table (catch $tag $again) (throw_ref (local.get $exn)))
                unreachable)
            (i32.add (call $count (local.get 0)))
            (i32.add (local.get $sum)))";
    for (config, depth) in configs().into_iter().zip([10, 5]) {
        let mut app = executor(config, body);
        let nodes = (2 << depth) - 1;
        let run = app.func::<i32, i32>("run").unwrap().call(depth);
        assert_eq!(run.unwrap(), 3 * nodes + 2 + 7);
    }
}

#[test]
fn a_run_may_pause_anywhere_and_its_objects_stay() {
    // A loop that allocates, with operands on the stack across it; little fuel at a time, a collection at each pause, and
    // another run in the same store that leaves garbage.
    let body = "(func (export \"run\") (param i32) (result i32) (local $n i32) (local $sum i32)
            (call $grow (local.get 0))
            (local.get 0)
            (loop $again (param (ref $tree) i32) (result (ref $tree) i32)
                (local.set $sum (i32.add (local.get $sum) (call $count (call $grow (local.get 0)) (local.get 0))))
                (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5))))
            (call $count)
            (i32.add (local.get $sum)))";
    for config in configs() {
        let (mut store, instance) = instance(config.metering(true), |_| (), body);
        let run = instance.func(&mut store, "run").unwrap();
        let waste = instance.func(&mut store, "waste").unwrap();
        let mut pauses = 0;
        store.set_fuel(29);
        let mut outcome = run.call_resumable(&mut store, &[Val::I32(4)]).unwrap();
        let results = loop {
            match outcome {
                Outcome::Returned(results) => break results,
                Outcome::Paused(pause) => {
                    pauses += 1;
                    store.gc();
                    store.set_fuel(10_000);
                    waste.call(&mut store, &[Val::I32(1)]).unwrap();
                    store.set_fuel(29);
                    outcome = pause.resume(&mut store).unwrap();
                }
            }
        };
        assert_eq!(results[0].i32(), Some(6 * 31));
        assert!(pauses > 100, "{pauses}");
    }
}

#[test]
fn a_dropped_pause_lets_its_objects_go() {
    let body = "(type $bytes (array i8)) (import \"\" \"wait\" (func $wait))
        (func (export \"run\") (array.new_default $bytes (i32.const 10000000)) (call $wait) drop)";
    let body = body.replace("(import \"\" \"wait\" (func $wait))", "");
    let text = format!("(module (import \"\" \"wait\" (func $wait)) {TREES} {body})");
    let engine = Engine::default();
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let mut linker = Linker::new(&engine);
    linker
        .func_with("", "wait", |_: &mut Caller<'_, ()>| -> Result<(), Halt> {
            Err(Suspend::new(1).into())
        })
        .unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_in(&mut store, &module).unwrap();
    let run = instance.func(&mut store, "run").unwrap();
    let Outcome::Paused(pause) = run.call_resumable(&mut store, &[]).unwrap() else {
        panic!("it waits")
    };
    store.gc();
    assert!(store.gc_heap_bytes() > 10_000_000);
    drop(pause);
    store.gc();
    assert!(store.gc_heap_bytes() < 10_000_000);
}

#[test]
fn frames_around_a_host_call_are_seen() {
    // The guest holds a tree, the host calls the guest again, which makes garbage, and holds one of its own.
    let body = "(func (export \"run\") (param i32) (result i32) (local $kept (ref null $tree))
            (local.set $kept (call $grow (local.get 0)))
            (call $grow (local.get 0))
            (call $host (i32.sub (local.get 0) (i32.const 1)) (call $grow (local.get 0)))
            (local.set 0 (i32.add (local.get 0) (i32.const 0)))
            drop
            (i32.add (call $count (local.get 0)) (call $count (local.get $kept) (local.get 0))))";
    for config in configs() {
        let engine = Engine::new(config);
        let text =
            format!("(module (import \"\" \"host\" (func $host (param i32 anyref) (result i32))) {TREES} {body})");
        let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let mut linker = Linker::new(&engine);
        let host = |caller: &mut Caller<'_, ()>, depth: i32, tree: Option<AnyRef>| -> Result<i32, wasmrun::Error> {
            let get = |caller: &mut Caller<'_, ()>, name| caller.get_export(name).and_then(|export| export.into_func());
            let waste: Func = get(caller, "waste").unwrap();
            waste.call(caller, &[Val::I32(5)])?;
            if depth > 0 {
                let run: Func = get(caller, "run").unwrap();
                run.call(caller, &[Val::I32(depth)])?;
            }
            let count: Func = get(caller, "count").unwrap();
            let nodes = count.call(caller, &[Val::AnyRef(tree), Val::I32(depth + 1)])?;
            assert_eq!(nodes[0].i32(), Some((2 << (depth + 1)) - 1));
            Ok(0)
        };
        linker.func_with("", "host", host).unwrap();
        let mut app = linker.instantiate(&module).unwrap();
        let run = app.func::<i32, i32>("run").unwrap().call(5);
        assert_eq!(run.unwrap(), 2 * 63);
    }
}

#[test]
fn other_instances_frames_and_tail_calls_are_seen() {
    let library = "(func (export \"pass\") (param (ref $tree)) (result (ref $tree)) (local $own (ref null $tree))
            (local.set $own (call $grow (i32.const 3)))
            (call $waste (i32.const 4))
            (if (i32.ne (call $count (local.get $own) (i32.const 3)) (i32.const 15)) (then unreachable))
            (return_call $identity (local.get 0)))
        (func $identity (param (ref $tree)) (result (ref $tree)) (call $waste (i32.const 1)) (local.get 0))";
    let program = "(func (export \"run\") (result i32)
            (call $grow (i32.const 4))
            (call $pass (call $grow (i32.const 4)))
            (i32.add (call $count (i32.const 4)))
            (call $swap))
        (func $swap (param (ref $tree) i32) (result i32)
            (i32.add (local.get 1) (call $count (local.get 0) (i32.const 4))))";
    let program = program.replace(
        "(i32.add (call $count (i32.const 4)))\n            (call $swap))",
        "(call $count (i32.const 4))\n            (call $swap))",
    );
    for config in configs() {
        let engine = Engine::new(config);
        let library = module(&engine, library);
        let text = format!(
            "(module (rec {}) (import \"lib\" \"pass\" (func $pass (param (ref $tree)) (result (ref $tree)))) {} {program})",
            "(type $tree (struct (field (mut (ref null $tree))) (field (mut (ref null $tree))) (field i32)))",
            TREES.replacen(
                "(type $tree (struct (field (mut (ref null $tree))) (field (mut (ref null $tree))) (field i32)))",
                "",
                1
            ),
        );
        let program = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let library = linker.instantiate_in(&mut store, &library).unwrap();
        linker.instance(&mut store, "lib", library).unwrap();
        let program = linker.instantiate_in(&mut store, &program).unwrap();
        let run = program.typed_func::<(), i32>(&mut store, "run").unwrap();
        assert_eq!(run.call(&mut store, ()).unwrap(), 62);
    }
}

#[test]
fn what_the_embedder_holds_stays_and_goes_with_it() {
    let body = "(type $bytes (array (mut i8)))
        (func (export \"make\") (result anyref) (array.new $bytes (i32.const 7) (i32.const 5000000)))
        (func (export \"last\") (param anyref) (result i32)
            (array.get_u $bytes (ref.cast (ref $bytes) (local.get 0)) (i32.const 4999999)))
        (func (export \"i31\") (param i32) (result anyref) (ref.i31 (local.get 0)))";
    let (mut store, instance) = instance(Config::new(), |_| (), body);
    let make = instance.typed_func::<(), Option<AnyRef>>(&mut store, "make").unwrap();
    let last = instance.typed_func::<Option<AnyRef>, i32>(&mut store, "last").unwrap();
    let held = make.call(&mut store, ()).unwrap().unwrap();
    let other = make.call(&mut store, ()).unwrap().unwrap();
    assert!(held.is_a(&store, HeapType::Array).unwrap() && !held.is_a(&store, HeapType::Struct).unwrap());
    assert!(!held.same(&other) && held.same(&held.clone()));
    drop(other);
    store.gc();
    let bytes = store.gc_heap_bytes();
    assert!((5_000_000..10_000_000).contains(&bytes), "{bytes}");
    assert_eq!(last.call(&mut store, Some(held.clone())).unwrap(), 7);
    // A reference of another kind is refused before the guest sees it, by the cast.
    let i31 = instance.typed_func::<i32, Option<AnyRef>>(&mut store, "i31").unwrap();
    let number = i31.call(&mut store, -5).unwrap();
    assert_eq!(number.as_ref().and_then(AnyRef::i31), Some(-5));
    let error = last.call(&mut store, number).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::CastFailure));
    drop(held);
    store.gc();
    assert!(store.gc_heap_bytes() < 5_000_000);
}

#[test]
fn a_reference_of_another_store_or_type_is_refused() {
    let body = "(func (export \"any\") (param anyref))";
    let engine = Engine::default();
    let module = module(&engine, body);
    let linker = Linker::new(&engine);
    let (mut a, mut b) = (Store::new(&engine, ()), Store::new(&engine, ()));
    let in_a = linker.instantiate_in(&mut a, &module).unwrap();
    let in_b = linker.instantiate_in(&mut b, &module).unwrap();
    let grow = in_a.func(&mut a, "grow").unwrap();
    let tree = grow.call(&mut a, &[Val::I32(1)]).unwrap().remove(0);
    let any = in_b.func(&mut b, "any").unwrap();
    assert!(matches!(
        any.call(&mut b, std::slice::from_ref(&tree)),
        Err(wasmrun::Error::Type(_))
    ));
    let count = in_a.func(&mut a, "count").unwrap();
    assert_eq!(count.call(&mut a, &[tree, Val::I32(1)]).unwrap()[0].i32(), Some(3));
    let wrong = [Val::AnyRef(Some(AnyRef::from_i31(1))), Val::I32(1)];
    assert!(matches!(count.call(&mut a, &wrong), Err(wasmrun::Error::Type(_))));
}

#[test]
fn a_full_heap_is_a_trap_and_the_instance_goes_on() {
    let body = "(global $g (mut (ref null $tree)) (ref.null $tree))
        (func (export \"fill\") (loop $again
            (global.set $g (struct.new $tree (global.get $g) (ref.null $tree) (i32.const 0))) (br $again)))
        (func (export \"clear\") (global.set $g (ref.null $tree)))";
    let (mut store, instance) = instance(Config::new().max_gc_heap(4 << 20), |_| (), body);
    for _ in 0..3 {
        let fill = instance.typed_func::<(), ()>(&mut store, "fill").unwrap();
        let error = fill.call(&mut store, ()).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::GcHeapExhausted));
        assert!(store.gc_heap_bytes() <= 4 << 20);
        let clear = instance.typed_func::<(), ()>(&mut store, "clear").unwrap();
        clear.call(&mut store, ()).unwrap();
        let waste = instance.typed_func::<i32, ()>(&mut store, "waste").unwrap();
        waste.call(&mut store, 10_000).unwrap();
    }
}

#[test]
fn collections_see_a_run_that_is_interrupted_in_a_loop() {
    let body = "(func (export \"run\") (param i32) (result i32) (local $kept (ref null $tree)) (local $n i32)
            (local.set $kept (call $grow (local.get 0)))
            (call $grow (local.get 0))
            (loop $again (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3000000))))
            (i32.add (call $count (local.get 0)) (call $count (local.get $kept) (local.get 0))))";
    let body = body.replace(
        "(i32.add (call $count (local.get 0)) (call $count (local.get $kept) (local.get 0))))",
        "(call $count (local.get 0)) (i32.add (call $count (local.get $kept) (local.get 0))))",
    );
    let (mut store, instance) = instance(Config::new(), |_| (), &body);
    let run = instance.func(&mut store, "run").unwrap();
    let handle = store.interrupt_handle();
    let stop = Arc::new(Mutex::new(false));
    let asking = {
        let stop = stop.clone();
        std::thread::spawn(move || {
            while !*stop.lock().unwrap() {
                handle.interrupt();
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        })
    };
    let mut outcome = run.call_resumable(&mut store, &[Val::I32(6)]).unwrap();
    let results = loop {
        match outcome {
            Outcome::Returned(results) => break results,
            Outcome::Paused(pause) => {
                store.gc();
                outcome = pause.resume(&mut store).unwrap();
            }
        }
    };
    *stop.lock().unwrap() = true;
    asking.join().unwrap();
    assert_eq!(results[0].i32(), Some(2 * 127));
}
