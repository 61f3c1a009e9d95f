//! A clock of the embedder's: the program believes that it is 1999, and that time goes a thousand times as fast.
//!
//! `cargo run --example custom_clock`

use std::time::{Duration, Instant};

use wasmrun::wasi::Clock;
use wasmrun::{Engine, Error, Linker, Module, WasiEnv};

/// 1999-12-31T23:59:00Z.
const START: u64 = 946_684_740_000_000_000;
const SPEED: u64 = 1000;

struct Fast(Instant);

impl Clock for Fast {
    fn realtime(&mut self) -> u64 {
        START + self.monotonic()
    }

    fn monotonic(&mut self) -> u64 {
        self.0.elapsed().as_nanos() as u64 * SPEED
    }

    fn resolution(&self) -> u64 {
        SPEED
    }

    fn wait(&mut self, nanoseconds: u64) -> Duration {
        Duration::from_nanos(nanoseconds.div_ceil(SPEED))
    }
}

/// Sleeps for a minute, and returns the seconds since 1970.
const PROGRAM: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "later") (result i64)
        (i32.store (i32.const 16) (i32.const 1))                  ;; monotonic
        (i64.store (i32.const 24) (i64.const 60_000_000_000))
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 96)))
        (drop (call $time (i32.const 0) (i64.const 0) (i32.const 64)))
        (i64.div_u (i64.load (i32.const 64)) (i64.const 1_000_000_000))))"#;

/// Runs the program with that clock.
pub fn main() -> Result<(), Error> {
    let engine = Engine::default();
    let env = WasiEnv::builder().clock(Fast(Instant::now())).build();
    let mut linker = Linker::new(&engine);
    linker.wasi(&env)?;
    let mut app = linker.instantiate(&Module::new(&engine, PROGRAM)?)?;
    let begun = Instant::now();
    let seconds = app.func::<(), i64>("later")?.call(())?;
    println!("after {:?} it is {seconds} seconds past 1970", begun.elapsed());
    assert!(seconds >= 946_684_800, "the year 2000 has begun");
    Ok(())
}
