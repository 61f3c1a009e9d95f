//! Time as programs see it: processor time that is theirs, clocks of the embedder's.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wasmrun::wasi::{Clock, FixedClock, Profile};
use wasmrun::{
    Engine, Error, Executor, Halt, LinearMemory, Linker, Module, Outcome, Store, Suspend, Val, WasiEnv, WasiEnvBuilder,
};

/// `now` reads a clock; `spin` goes around a loop; `sleep` waits on the monotonic clock; `work` spins, pauses, spins.
const GUEST: &str = r#"(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "e" "pause" (func $pause))
  (memory (export "memory") 1)
  (func $now (export "now") (param $clock i32) (result i64)
    (if (call $time (local.get $clock) (i64.const 0) (i32.const 0)) (then unreachable))
    (i64.load (i32.const 0)))
  (func (export "sleep") (param $nanoseconds i64)
    (i32.store8 (i32.const 72) (i32.const 0))
    (i32.store (i32.const 80) (i32.const 1))
    (i64.store (i32.const 88) (local.get $nanoseconds))
    (i64.store (i32.const 96) (i64.const 0))
    (i32.store16 (i32.const 104) (i32.const 0))
    (if (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 192)) (then unreachable)))
  (func $spin (export "spin") (param $rounds i32)
    (loop $again
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))
  (func (export "work") (param $rounds i32) (result i64)
    (call $spin (local.get $rounds))
    (call $pause)
    (call $spin (local.get $rounds))
    (call $now (i32.const 2))))"#;

fn linker(engine: &Engine, env: &WasiEnv) -> Linker {
    let mut linker = Linker::new(engine);
    linker.wasi(env).unwrap();
    let pause = |_: &mut LinearMemory| -> Result<(), Halt> { Err(Suspend::new(()).into()) };
    linker.func("e", "pause", pause).unwrap();
    linker
}

fn program(env: WasiEnvBuilder) -> Executor {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST).unwrap();
    linker(&engine, &env.build()).instantiate(&module).unwrap()
}

fn now(app: &mut Executor, clock: i32) -> u64 {
    match app.invoke("now", &[Val::I32(clock)]).unwrap()[..] {
        [Val::I64(time)] => time as u64,
        ref other => panic!("{other:?}"),
    }
}

fn milliseconds(nanoseconds: u64) -> u64 {
    nanoseconds / 1_000_000
}

/// Uses up processor time that is not the guest's.
fn busy(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::black_box(begun);
    }
}

#[test]
fn processor_time_is_what_the_program_executes_and_not_what_it_sleeps() {
    let mut app = program(WasiEnv::builder());
    for clock in [2, 3] {
        let before = now(&mut app, clock);
        app.invoke("sleep", &[Val::I64(200_000_000)]).unwrap();
        let slept = now(&mut app, clock) - before;
        assert!(milliseconds(slept) < 20, "{slept} ns");
        app.invoke("spin", &[Val::I32(1_000_000)]).unwrap();
        let spun = now(&mut app, clock) - before;
        assert!(spun > slept + 1_000_000, "{spun} ns");
    }
    // Between its runs the thread is the embedder's.
    let before = now(&mut app, 2);
    busy(Duration::from_millis(100));
    assert!(milliseconds(now(&mut app, 2) - before) < 50);
}

#[test]
fn what_others_do_while_a_program_is_parked_is_not_its_processor_time() {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST).unwrap();
    let env = WasiEnv::builder().measure_cpu_time().build();
    let linker = linker(&engine, &env);
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_in(&mut store, &module).unwrap();
    busy(Duration::from_millis(200));
    let work = instance.func(&mut store, "work").unwrap();
    let Outcome::Paused(pause) = work.call_resumable(&mut store, &[Val::I32(1_000_000)]).unwrap() else {
        panic!("it pauses")
    };
    busy(Duration::from_millis(200));
    // It goes on on another thread, which has done things before.
    let resumed = std::thread::spawn(move || {
        busy(Duration::from_millis(200));
        pause.resume_with(&mut store, &[]).unwrap()
    });
    let Outcome::Returned(results) = resumed.join().unwrap() else {
        panic!("it returns")
    };
    let time = results[0].i64().unwrap() as u64;
    // Both rounds count; none of the 600 ms of others does. Rounds of a debug build take 100 ms or so.
    assert!(milliseconds(time) > 1, "{time} ns");
    let mut app = program(WasiEnv::builder());
    let before = now(&mut app, 2);
    app.invoke("spin", &[Val::I32(2_000_000)]).unwrap();
    let alone = now(&mut app, 2) - before;
    assert!(time < 3 * alone + 100_000_000, "{time} ns, {alone} ns alone");
}

#[test]
fn programs_that_run_beside_each_other_have_each_its_own_processor_time() {
    let times: Vec<u64> = std::thread::scope(|scope| {
        let run = |rounds| {
            move || {
                let mut app = program(WasiEnv::builder());
                app.invoke("spin", &[Val::I32(rounds)]).unwrap();
                now(&mut app, 2)
            }
        };
        let threads = [scope.spawn(run(3_000_000)), scope.spawn(run(1))];
        threads.map(|thread| thread.join().unwrap()).to_vec()
    });
    assert!(times[0] > 2 * times[1], "{times:?}");
}

/// A clock that the test moves.
struct Manual(Arc<AtomicU64>, Arc<Mutex<Vec<u64>>>);

impl Clock for Manual {
    fn realtime(&mut self) -> u64 {
        self.monotonic() + 1_000_000_000_000
    }
    fn monotonic(&mut self) -> u64 {
        self.0.load(Relaxed)
    }
    fn cpu_time(&mut self) -> Option<u64> {
        Some(42)
    }
    fn wait(&mut self, nanoseconds: u64) -> Duration {
        self.1.lock().unwrap().push(nanoseconds);
        self.0.fetch_add(nanoseconds, Relaxed);
        Duration::ZERO
    }
}

#[test]
fn an_embedders_clock_is_the_programs() {
    let (time, waits) = (Arc::new(AtomicU64::new(500)), Arc::default());
    let mut app = program(WasiEnv::builder().clock(Manual(time.clone(), Arc::clone(&waits))));
    assert_eq!(now(&mut app, 0), 1_000_000_000_500);
    assert_eq!(now(&mut app, 1), 1, "counted from the first look");
    time.store(1500, Relaxed);
    assert_eq!([1, 2, 3].map(|clock| now(&mut app, clock)), [1001, 42, 42]);
    let begun = Instant::now();
    app.invoke("sleep", &[Val::I64(60_000_000_000)]).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(*waits.lock().unwrap(), [60_000_000_000]);
    assert_eq!(now(&mut app, 1), 60_000_001_001);
}

#[test]
fn a_programs_time_can_be_coarse_or_fixed() {
    let coarse = WasiEnv::builder()
        .profile(Profile::Browser)
        .clock_resolution(Duration::from_secs(3600));
    let mut app = program(coarse);
    assert_eq!(now(&mut app, 0) % 3_600_000_000_000, 0);
    assert_eq!([1, 2, 3].map(|clock| now(&mut app, clock)), [3_600_000_000_000, 0, 0]);
    let mut app = program(WasiEnv::builder().clock(FixedClock::new(7_000)));
    assert_eq!([0, 0, 1].map(|clock| now(&mut app, clock)), [7_000, 8_000, 1_000]);
}

#[test]
fn what_a_profile_does_not_have_cannot_be_granted() {
    let engine = Engine::default();
    let dir = tempfile::tempdir().unwrap();
    let env = WasiEnv::builder()
        .profile(Profile::Cell)
        .dir(dir.path(), "/")
        .unwrap()
        .build();
    let error = Linker::new(&engine).wasi(&env).expect_err("it is refused");
    assert!(matches!(&error, Error::Host(why) if why.to_string().contains("the profile `cell` has no files")));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let env = WasiEnv::builder()
        .profile(Profile::Function)
        .listener(listener)
        .unwrap()
        .build();
    let error = Linker::new(&engine).wasi(&env).expect_err("it is refused");
    assert!(
        error.to_string().contains("the profile `function` has no sockets"),
        "{error}"
    );
}

#[test]
fn nothing_of_this_process_reaches_a_program_by_itself() {
    assert!(std::env::vars_os().next().is_some());
    let engine = Engine::default();
    let module = crate::runner::guest(&engine, "envdump.wasm");
    for env in [WasiEnv::new(), WasiEnv::builder().capture_stdout().build()] {
        let mut linker = Linker::new(&engine);
        linker.wasi(&env).unwrap();
        linker.instantiate(&module).unwrap().run().unwrap();
        assert_eq!(env.get_stdout(), b"");
    }
}
