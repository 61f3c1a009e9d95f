//! Shared memories by themselves, and instances on threads over one.

use std::time::{Duration, Instant};

use super::*;
use crate::engine::{Config, Features, Linker, Memory, Module, Outcome, PauseReason, Store, Trap, Val};

#[test]
fn threads_see_one_memory_that_grows_and_does_not_move() {
    let engine = Engine::default();
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 40)).unwrap();
    let base = memory.base();
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let memory = memory.clone();
            scope.spawn(move || {
                for round in 0..9u32 {
                    memory.grow(1).unwrap();
                    let at = thread * 4096 + round * 7;
                    memory.write(at, &[thread as u8 + 1; 7]).unwrap();
                    let mut read = [0; 7];
                    memory.read(at, &mut read).unwrap();
                    assert_eq!(read, [thread as u8 + 1; 7]);
                }
            });
        }
    });
    assert_eq!((memory.pages(), memory.base()), (37, base));
    assert_eq!(memory.grow(4), Err(GrowError::Maximum));
    assert!(memory.write(37 * 65_536u32 - 1, b"ab").is_err());
    memory.fill(37 * 65_536u32 - 3, 3u32, 9).unwrap();
    let mut end = [0; 4];
    memory.read(37 * 65_536u32 - 4, &mut end).unwrap();
    assert_eq!(end, [0, 9, 9, 9]);
}

#[test]
fn its_limit_is_the_engines_and_it_needs_a_maximum() {
    let engine = Engine::new(Config::new().max_memory(2 * 65_536));
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 40)).unwrap();
    assert_eq!(memory.grow(1), Ok(1));
    assert_eq!(memory.grow(1), Err(GrowError::Limit));
    assert!(SharedMemory::new(&engine, MemoryType::shared(3, 40)).is_err());
    assert!(SharedMemory::new(&engine, MemoryType::new(1, Some(1))).is_err());
    let unbounded = MemoryType {
        maximum: None,
        ..MemoryType::shared(1, 1)
    };
    assert!(SharedMemory::new(&engine, unbounded).is_err());
}

fn engine() -> Engine {
    Engine::new(Config::new().features(Features::default().threads(true)))
}

/// An instance of `text` in a store of its own, over `memory`, whose import is `"e" "m"`.
fn instance(engine: &Engine, memory: &SharedMemory, text: &str) -> (Store<()>, crate::engine::Instance) {
    let module = Module::new(engine, wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(engine, ());
    let handle = Memory::from_shared(&mut store, memory).unwrap();
    let mut linker = Linker::new(engine);
    linker.define(&store, "e", "m", handle).unwrap();
    let instance = linker.instantiate_in(&mut store, &module).unwrap();
    (store, instance)
}

const COUNTER: &str = "(module (import \"e\" \"m\" (memory 1 4 shared))
    (func (export \"count\") (param $n i32)
        (loop $next
            (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
            ;; A lock around a plain counter.
            (block $locked (loop $try
                (br_if $locked (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 8) (i32.const 0) (i32.const 1))))
                (drop (memory.atomic.wait32 (i32.const 8) (i32.const 1) (i64.const -1)))
                (br $try)))
            (i64.store offset=13 (i32.const 0) (i64.add (i64.load offset=13 (i32.const 0)) (i64.const 3)))
            (i32.atomic.store (i32.const 8) (i32.const 0))
            (drop (memory.atomic.notify (i32.const 8) (i32.const 1)))
            (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export \"wait\") (param i64) (result i32)
        (memory.atomic.wait32 (i32.const 64) (i32.const 0) (local.get 0)))
    (func (export \"grow\") (result i32) (memory.grow (i32.const 1)))
    (func (export \"peek\") (param i32) (result i32) (i32.load8_u (local.get 0))))";

#[test]
fn instances_on_threads_count_together_and_lock_each_other_out() {
    let engine = engine();
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 4)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (mut store, instance) = instance(&engine, &memory, COUNTER);
            scope.spawn(move || {
                let count = instance.typed_func::<i32, ()>(&mut store, "count").unwrap();
                count.call(&mut store, 2_000).unwrap();
            });
        }
    });
    let (mut sum, mut plain) = ([0; 4], [0; 8]);
    memory.read(0u32, &mut sum).unwrap();
    memory.read(13u32, &mut plain).unwrap();
    assert_eq!((u32::from_le_bytes(sum), u64::from_le_bytes(plain)), (8_000, 24_000));
}

#[test]
fn what_one_store_grows_the_other_reaches() {
    let engine = engine();
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 2)).unwrap();
    let (mut one, first) = instance(&engine, &memory, COUNTER);
    let (mut other, second) = instance(&engine, &memory, COUNTER);
    let peek = second.typed_func::<i32, i32>(&mut other, "peek").unwrap();
    let error = peek.call(&mut other, 65_536).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
    let grow = first.typed_func::<(), i32>(&mut one, "grow").unwrap();
    assert_eq!(grow.call(&mut one, ()).unwrap(), 1);
    memory.write(65_536u32, &[7]).unwrap();
    assert_eq!(peek.call(&mut other, 65_536).unwrap(), 7);
    assert_eq!(grow.call(&mut one, ()).unwrap(), -1);
    // The store is gone before the memory.
    drop(one);
    assert_eq!(peek.call(&mut other, 65_536).unwrap(), 7);
}

#[test]
fn a_wait_is_interrupted_and_goes_on_with_what_is_left_of_its_time() {
    let engine = engine();
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 1)).unwrap();
    let (mut store, instance) = instance(&engine, &memory, COUNTER);
    let handle = store.interrupt_handle();
    let requester = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        handle.interrupt();
    });
    let wait = instance.func(&mut store, "wait").unwrap();
    let begun = Instant::now();
    let outcome = wait.call_resumable(&mut store, &[Val::I64(100_000_000)]).unwrap();
    requester.join().unwrap();
    let Outcome::Paused(pause) = outcome else {
        panic!("it waits")
    };
    assert!(matches!(pause.reason(), PauseReason::Interrupted));
    let Outcome::Returned(values) = pause.resume(&mut store).unwrap() else {
        panic!("the time is over")
    };
    assert_eq!(values[0].i32(), Some(2));
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_millis(100) && took < Duration::from_millis(1_000),
        "{took:?}"
    );
    // Forever, until it is notified by the host's side of another store's guest.
    let waker = std::thread::spawn({
        let memory = memory.clone();
        move || {
            while memory.parking().notify(64, 1) == 0 {
                std::thread::yield_now();
            }
        }
    });
    assert_eq!(wait.call(&mut store, &[Val::I64(-1)]).unwrap()[0].i32(), Some(0));
    waker.join().unwrap();
}

#[test]
fn hosts_get_no_slices_of_a_shared_memory() {
    let engine = engine();
    let memory = SharedMemory::new(&engine, MemoryType::shared(1, 1)).unwrap();
    let mut store = Store::new(&engine, ());
    let handle = Memory::from_shared(&mut store, &memory).unwrap();
    assert!(
        handle
            .shared(&store)
            .unwrap()
            .is_some_and(|shared| shared.same(&memory))
    );
    let error = handle.data_mut(&mut store).unwrap_err();
    assert!(error.to_string().contains("shared between threads"), "{error}");
    let module = "(module (import \"e\" \"m\" (memory 1 1 shared)) (import \"e\" \"f\" (func $f (result i32)))
        (import \"e\" \"g\" (func $g (result i32)))
        (func (export \"f\") (result i32) (i32.add (i32.mul (i32.const 10) (call $f)) (call $g))))";
    let module = Module::new(&engine, wat::parse_str(module).unwrap()).unwrap();
    let mut linker = Linker::new(&engine);
    linker.define(&store, "e", "m", handle).unwrap();
    linker
        .func("e", "f", |memory: &mut crate::LinearMemory| memory.size() as u32)
        .unwrap();
    linker
        .func_with("e", "g", |caller: &mut crate::Caller<'_>| {
            assert!(caller.memory().is_none());
            caller.shared_memory().map_or(0, |memory| memory.pages() as u32)
        })
        .unwrap();
    let instance = linker.instantiate_in(&mut store, &module).unwrap();
    let f = instance.typed_func::<(), i32>(&mut store, "f").unwrap();
    assert_eq!(
        f.call(&mut store, ()).unwrap(),
        1,
        "closures over `LinearMemory` see an empty one"
    );
}
