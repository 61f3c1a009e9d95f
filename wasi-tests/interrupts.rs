//! Waiting guests stop when they are asked to, and go on when they are resumed.

use std::time::{Duration, Instant};

use wasmrun::{Engine, Error, Executor, Func, InterruptHandle, Linker, Outcome, PauseReason, WasiEnv};

use crate::runner::guest;

fn soon(handle: InterruptHandle, after: Duration) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        std::thread::sleep(after);
        handle.interrupt();
    })
}

fn program(name: &str, env: &WasiEnv) -> Executor {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.wasi(env).unwrap();
    linker.instantiate(&guest(&engine, name)).unwrap()
}

fn export(app: &mut Executor, name: &str) -> Func {
    let instance = app.instance();
    instance.func(app.store_mut(), name).unwrap()
}

#[test]
fn a_loop_without_calls_stops() {
    let mut app = program("spin.wat", &WasiEnv::new());
    let thread = soon(app.interrupt_handle(), Duration::from_millis(30));
    assert!(matches!(app.run(), Err(Error::Interrupted)));
    thread.join().unwrap();
}

#[test]
fn the_longest_sleep_stops() {
    let mut app = program("hostile.wat", &WasiEnv::new());
    let thread = soon(app.interrupt_handle(), Duration::from_millis(30));
    let begun = Instant::now();
    assert!(matches!(app.invoke("sleep_max", &[]), Err(Error::Interrupted)));
    assert!(begun.elapsed() < Duration::from_secs(10));
    thread.join().unwrap();
}

#[test]
fn a_sleep_goes_on_where_it_was_interrupted() {
    let env = WasiEnv::new().with_args(vec!["sleep".into(), "2000".into()]);
    let mut app = program("sleep.wasm", &env);
    let start = export(&mut app, "_start");
    let thread = soon(app.interrupt_handle(), Duration::from_millis(300));
    let begun = Instant::now();
    let outcome = start.call_resumable(app.store_mut(), &[]).unwrap();
    let Outcome::Paused(pause) = outcome else {
        panic!("it ended")
    };
    assert!(matches!(pause.reason(), PauseReason::Interrupted));
    assert!(begun.elapsed() < Duration::from_millis(1900));
    thread.join().unwrap();
    // Parked for most of what is left: that counts. Slept anew, it would be 3.3 s in all.
    std::thread::sleep(Duration::from_millis(1000));
    match pause.resume(app.store_mut()) {
        Ok(Outcome::Returned(_)) | Err(Error::Exit(0)) => {}
        other => panic!("{:?}", other.err()),
    }
    let whole = begun.elapsed();
    assert!(
        whole >= Duration::from_millis(2000) && whole < Duration::from_millis(3200),
        "{whole:?}"
    );
    assert_eq!(env.stdout_str().unwrap(), "slept 2000 ms\n");
}

#[test]
fn dropping_an_interrupted_run_leaves_the_instance_usable() {
    let mut app = program("hostile.wat", &WasiEnv::new());
    let sleep = export(&mut app, "sleep_max");
    app.interrupt_handle().interrupt();
    assert!(matches!(
        sleep.call_resumable(app.store_mut(), &[]).unwrap(),
        Outcome::Paused(_)
    ));
    assert_eq!(app.func::<(), i32>("renumber_huge").unwrap().call(()).unwrap(), 8);
}
