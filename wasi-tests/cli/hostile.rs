//! Modules made to exhaust or crash their host: each must end as documented, with little memory, soon.
//!
//! Times are generous, because the debug build is run too; what they exclude is quadratic work.

use std::time::Duration;

use super::binary::{leb, start};
use super::guests;
use super::run::{Dir, Output};

fn wat(guest: &str, args: &[&str]) -> Output {
    let dir = Dir::with("guest.wat", guest);
    finish(dir.wasmrun([args, &["guest.wat"]].concat()).run())
}

fn wasm(module: Vec<u8>) -> Output {
    finish(Dir::with("guest.wasm", module).wasmrun(["guest.wasm"]).run())
}

fn finish(out: Output) -> Output {
    out.assert_within(Duration::from_secs(20));
    assert_eq!(out.stdout, "");
    assert!(out.stderr.len() < 4000, "{out}");
    out
}

#[track_caller]
fn assert_trap(out: &Output, words: &str) {
    assert_eq!(out.code(), 134, "{out}");
    assert!(out.stderr.starts_with(&format!("error: trap: {words}")), "{out}");
}

#[test]
fn recursion_without_end() {
    let out = wat(r#"(module (func $f (export "_start") (call $f) (call $f)))"#, &[]);
    assert_trap(&out, "call stack exhausted");
    out.assert_below_mib(64);
}

#[test]
fn a_stack_that_the_system_cannot_give() {
    let out = wat(r#"(module (func (export "_start")))"#, &["--max-stack", "17179869183G"]);
    assert_trap(&out, "out of memory");
}

#[test]
fn recursion_with_fifty_thousand_locals() {
    // A group of 50,000 locals of type i64.
    let locals = [&[0x01][..], &leb(50_000), &[0x7e]].concat();
    let out = wasm(start(&[], &[&locals[..], &[0x10, 0x00, 0x10, 0x00]].concat()));
    assert_trap(&out, "call stack exhausted");
    out.assert_below_mib(64);
}

#[test]
fn a_nest_of_twenty_thousand_blocks() {
    for opener in [[0x02, 0x40], [0x03, 0x40]] {
        let mut body = vec![0x00];
        body.extend(opener.repeat(20_000));
        body.extend([0x0b].repeat(20_000));
        let out = wasm(start(&[], &body));
        assert_eq!((out.code(), out.stderr.as_str()), (0, ""), "{out}");
        out.assert_below_mib(64);
    }
    // The same of conditions that hold, each with another inside.
    let mut body = vec![0x00];
    body.extend([0x41, 0x01, 0x04, 0x40].repeat(20_000));
    body.extend([0x0b].repeat(20_000));
    assert_eq!(wasm(start(&[], &body)).code(), 0);
}

#[test]
fn four_gibibytes_of_which_one_byte_is_touched() {
    let guest = r#"(module
      (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (if (i32.ne (memory.grow (i32.const 65535)) (i32.const 1)) (then unreachable))
        (i32.store8 (i32.const -1) (i32.const 1))
        (if (i32.ne (i32.load8_u (i32.const -1)) (i32.const 1)) (then unreachable))
        ;; Sleeps 0.2 s on the monotonic clock, so that the memory is seen.
        (i32.store (i32.const 16) (i32.const 1))
        (i64.store (i32.const 24) (i64.const 200000000))
        (if (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)) (then unreachable))))"#;
    let out = wat(guest, &[]);
    assert_eq!(out.code(), 0, "{out}");
    out.assert_below_mib(30);
}

#[test]
fn memory_can_be_limited() {
    let guest = r#"(module
      (memory (export "memory") 1)
      (func (export "_start")
        (if (i32.ne (memory.grow (i32.const 15)) (i32.const 1)) (then unreachable))
        (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))))"#;
    assert_eq!(wat(guest, &["--max-memory", "1M"]).code(), 0);
    insta::assert_snapshot!(wat(
        r#"(module (memory 17) (func (export "_start")))"#,
        &["--max-memory", "1M"]
    ));
}

#[test]
fn objects_can_be_limited() {
    let guest = r#"(module
      (type $list (struct (field (ref null $list))))
      (func (export "_start") (local $list (ref null $list)) (local $n i32)
        (loop $again
          (local.set $list (struct.new $list (local.get $list)))
          (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))))"#;
    assert_eq!(wat(guest, &["--max-gc-heap", "32M"]).code(), 0);
    let out = wat(guest, &["--max-gc-heap", "1M"]);
    assert_eq!(out.code(), 134, "{out}");
    assert!(out.stderr.contains("garbage-collected heap exhausted"), "{out}");
}

#[test]
fn a_table_that_grows_to_two_to_the_31() {
    let guest = r#"(module
      (table 10 funcref)
      (func (export "_start")
        (if (i32.ne (table.grow (ref.null func) (i32.const 0x7fffffff)) (i32.const -1)) (then unreachable))
        (if (i32.ne (table.size) (i32.const 10)) (then unreachable))))"#;
    let out = wat(guest, &[]);
    assert_eq!(out.code(), 0, "{out}");
    out.assert_below_mib(40);
}

#[test]
fn a_table_of_the_greatest_size_there_is() {
    let out = wat(r#"(module (table 0xffffffff funcref) (func (export "_start")))"#, &[]);
    insta::assert_snapshot!(out);
    out.assert_below_mib(40);
}

/// A `br_table` of `targets` branches to the innermost block, of which the `choice`th is taken.
fn br_table(targets: u64, choice: u8) -> Vec<u8> {
    let mut code = vec![0x41, choice, 0x0e];
    code.extend(leb(targets));
    code.extend(vec![0x00; targets as usize + 1]);
    code
}

#[test]
fn a_br_table_of_a_million_targets() {
    let mut body = vec![0x00, 0x02, 0x40];
    body.extend(br_table(1_000_000, 5));
    body.push(0x0b);
    let out = wasm(start(&[], &body));
    assert_eq!((out.code(), out.stderr.as_str()), (0, ""), "{out}");
    out.assert_below_mib(64);
}

#[test]
fn a_br_table_whose_every_target_takes_two_hundred_values() {
    let block_type = [&[0x60, 0x00][..], &leb(200), &[0x7f].repeat(200)].concat();
    let mut body = vec![0x00, 0x02, 0x01];
    body.extend([0x41, 0x00].repeat(200));
    body.extend(br_table(20_000, 3));
    body.push(0x0b);
    body.extend([0x1a].repeat(200));
    let out = wasm(start(&[block_type], &body));
    assert_eq!((out.code(), out.stderr.as_str()), (0, ""), "{out}");
    out.assert_below_mib(64);
}

#[test]
fn loops_that_end_by_the_timeout_only() {
    for guest in [
        guests::SPIN,
        r#"(module (func (export "_start") (block (loop (br 0) (unreachable)))))"#,
        r#"(module (func (export "_start") (loop (br_if 0 (i32.const 1)))))"#,
        r#"(module (func (export "_start") (loop (br_table 0 0 (i32.const 7)))))"#,
        r#"(module (memory 1) (func (export "_start")
             (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0))))"#,
    ] {
        let out = wat(guest, &["--timeout", "1s"]);
        assert_eq!(out.code(), 124, "{out}");
        out.assert_within(Duration::from_millis(2900));
        out.assert_below_mib(40);
    }
}

/// A guest that imports `function` of the type, and what it does.
fn calling(function: &str, params: &str, body: &str) -> String {
    format!(
        r#"(module
          (import "wasi_snapshot_preview1" "{function}" (func $call (param {params}) (result i32)))
          (memory (export "memory") 16400)
          (func $f (export "_start") {body}))"#
    )
}

#[test]
fn randomness_by_the_gibibyte() {
    let whole = calling(
        "random_get",
        "i32 i32",
        "(if (call $call (i32.const 0) (i32.const 0x10000000)) (then unreachable))",
    );
    let out = wat(&whole, &[]);
    assert_eq!(out.code(), 0, "{out}");
    // The memory itself, which is touched, and little more.
    out.assert_below_mib(300);
    let endless = calling(
        "random_get",
        "i32 i32",
        "(loop (drop (call $call (i32.const 0) (i32.const 0x40000000))) (br 0))",
    );
    let out = wat(&endless, &["--timeout", "300ms"]);
    assert_eq!(out.code(), 124, "{out}");
}

#[test]
fn a_terabyte_of_the_same_bytes() {
    let guest = |then: &str| {
        let write = "(call $call (i32.const 1) (i32.const 0) (i32.const 1024) (i32.const 16384))";
        let body = format!(
            r#"(local $at i32)
            (loop $next
              (i32.store offset=4 (local.get $at) (i32.const 0x40000000))
              (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 8192))))
            (drop {write})
            {}"#,
            then.replace("WRITE", write)
        );
        Dir::with("guest.wat", calling("fd_write", "i32 i32 i32 i32", &body))
    };
    // The first write is cut, the second refused.
    let dir = guest("(if (i32.ne WRITE (i32.const 51)) (then unreachable))");
    let out = dir.wasmrun(["--max-output", "1M", "guest.wat"]).run();
    assert_eq!((out.code(), out.stdout.len()), (0, 1 << 20), "{}", out.stderr);
    out.assert_within(Duration::from_secs(20));
    // Without a limit it is as much as one call may be, again and again; `--timeout` ends it between pieces.
    let dir = guest("(loop (drop WRITE) (br 0))");
    let null = std::fs::File::create("/dev/null").expect("it is there");
    let run = dir.wasmrun(["--timeout", "1s", "guest.wat"]);
    let out = run.outputs(null, std::process::Stdio::piped()).run();
    assert_eq!(out.code(), 124, "{out}");
    out.assert_below_mib(64);
}

#[test]
fn recursion_through_calls_of_the_host() {
    let out = wat(
        &calling("sched_yield", "", "(drop (call $call)) (call $f) (call $f)"),
        &[],
    );
    assert_trap(&out, "call stack exhausted");
    out.assert_below_mib(64);
}

#[test]
fn subscriptions_and_iovecs_by_the_billion() {
    for (function, params, args, errno) in [
        (
            "poll_oneoff",
            "i32 i32 i32 i32",
            "(i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)",
            28,
        ),
        (
            "fd_write",
            "i32 i32 i32 i32",
            "(i32.const 1) (i32.const 0) (i32.const -1) (i32.const 0)",
            28,
        ),
        ("random_get", "i32 i32", "(i32.const 0) (i32.const -1)", 21),
        ("fd_renumber", "i32 i32", "(i32.const 0) (i32.const -1)", 8),
    ] {
        let body = format!("(if (i32.ne (call $call {args}) (i32.const {errno})) (then unreachable))");
        let out = wat(&calling(function, params, &body), &[]);
        assert_eq!((out.code(), out.stderr.as_str()), (0, ""), "{function}: {out}");
        out.assert_below_mib(40);
    }
}
