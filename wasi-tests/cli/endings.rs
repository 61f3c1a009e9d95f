//! How a guest ends, and the exit status that follows from it.

use std::time::Duration;

use super::guests;
use super::run::Dir;

#[test]
fn the_guests_code_is_cut_to_eight_bits() {
    for (code, status) in [(0, 0), (7, 7), (255, 255), (256, 0), (-1, 255)] {
        let out = Dir::with("exit.wat", guests::exit(code))
            .wasmrun(["exec", "exit.wat"])
            .run();
        assert_eq!(out.code(), status, "{out}");
        assert_eq!((out.stdout.as_str(), out.stderr.as_str()), ("", ""));
    }
}

#[test]
fn a_return_is_a_success() {
    let out = Dir::with("a.wat", r#"(module (func (export "_start")))"#)
        .wasmrun(["a.wat"])
        .run();
    insta::assert_snapshot!(out, @"status 0");
}

#[test]
fn a_trap_is_134_and_says_where() {
    let guest = r#"(module
      (func $inner (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
      (func $_ZN4core6option6Option6unwrap17h0123456789abcdefE (result i32) (call $inner (i32.const 0)))
      (func $main (export "_start") (drop (call $_ZN4core6option6Option6unwrap17h0123456789abcdefE))))"#;
    let dir = Dir::with("app.wasm", wat::parse_str(guest).expect("text"));
    insta::assert_snapshot!(dir.wasmrun(["app.wasm"]).run());
}

#[test]
fn an_exception_nobody_catches_is_134_and_says_which_and_where() {
    let guest = r#"(module
      (tag $oops (param i32 f64))
      (func $_ZN4core6option6Option6unwrap17h0123456789abcdefE (throw $oops (i32.const -3) (f64.const 0.5)))
      (func $main (export "_start") try (call $_ZN4core6option6Option6unwrap17h0123456789abcdefE) catch_all (rethrow 0) end))"#;
    let out = Dir::with("app.wasm", wat::parse_str(guest).expect("text"))
        .wasmrun(["app.wasm"])
        .run();
    assert_eq!(out.code(), 134, "{out}");
    let lines: Vec<&str> = out.stderr.lines().collect();
    assert_eq!(
        lines[0],
        "error: uncaught exception: tag `oops` with i32.const -3, f64.const 0.5"
    );
    // `rethrow` is where it was thrown last.
    assert!(
        lines.len() == 2 && lines[1].starts_with("   0: main  app.wasm+0x"),
        "{out}"
    );
}

#[test]
fn exceptions_that_are_switched_off_are_refused_by_name() {
    let dir = Dir::with("a.wat", "(module (func (export \"_start\") try catch_all end))");
    assert_eq!(dir.wasmrun(["a.wat"]).run().code(), 0);
    let script = Dir::with("a.wast", "(module (func try catch_all end))");
    let out = script
        .wasmrun(["wast", "--features", "all,-legacy-exceptions", "a.wast"])
        .run();
    assert!(out.stdout.contains("skipped: legacy-exceptions"), "{out}");
}

#[test]
fn a_trap_in_the_start_function_is_one_too() {
    let out = Dir::with("a.wat", "(module (func $f unreachable) (start $f))")
        .wasmrun(["a.wat"])
        .run();
    insta::assert_snapshot!(out);
}

#[test]
fn deep_recursion_shows_the_innermost_functions_and_how_many_there_are() {
    let dir = Dir::with(
        "deep.wat",
        r#"(module (func $f (export "_start") (call $f) (call $f)))"#,
    );
    let out = dir.wasmrun(["--max-stack", "64K", "deep.wat"]).run();
    assert_eq!(out.code(), 134, "{out}");
    assert!(
        out.stderr
            .starts_with("error: trap: call stack exhausted\n   0: f  deep.wat+0x"),
        "{out}"
    );
    assert!(out.stderr.lines().count() < 40, "{out}");
    assert!(
        out.stderr
            .lines()
            .last()
            .is_some_and(|line| line.starts_with("  ... and ")),
        "{out}"
    );
}

#[test]
fn an_invalid_function_is_1_when_it_is_called_if_validation_is_lazy_and_before_the_start_if_not() {
    let dir = Dir::with(
        "bad.wat",
        r#"(module (func $bad drop) (func (export "_start") (call $bad)) (func (export "f") (result i32) i32.const 3))"#,
    );
    let out = dir.wasmrun(["--lazy-validation", "bad.wat"]).run();
    assert_eq!(out.code(), 1, "{out}");
    assert!(
        out.stderr
            .starts_with("error: bad.wat: function 0 `bad`: type mismatch"),
        "{out}"
    );
    let out = dir.wasmrun(["--lazy-validation", "--invoke", "f", "bad.wat"]).run();
    assert_eq!((out.code(), out.stdout.as_str()), (0, "3\n"), "{out}");
    let out = dir.wasmrun(["--invoke", "f", "bad.wat"]).run();
    assert_eq!(out.code(), 1, "{out}");
}

#[test]
fn out_of_fuel_is_134() {
    let out = Dir::with("spin.wat", guests::SPIN)
        .wasmrun(["--fuel", "100000", "spin.wat"])
        .run();
    insta::assert_snapshot!(out);
}

#[test]
fn enough_fuel_changes_nothing() {
    let out = Dir::with("argv.wat", guests::ARGV)
        .wasmrun(["--fuel", "100000", "argv.wat", "x"])
        .run();
    insta::assert_snapshot!(out);
}

/// Runs a guest under `--timeout 300ms` with a silent stdin.
fn timed_out(guest: &str) {
    let out = Dir::with("guest.wat", guest)
        .wasmrun(["--timeout", "300ms", "guest.wat"])
        .silent_stdin()
        .run();
    assert_eq!(out.code(), 124, "{out}");
    assert_eq!(out.stderr, "error: timeout: the program did not end within 300ms\n");
    assert!(out.time >= Duration::from_millis(300), "{:?}", out.time);
    // Well before the moment when the timer gives up on a run that does not listen.
    out.assert_within(Duration::from_millis(2000));
}

#[test]
fn a_timeout_ends_a_loop() {
    timed_out(guests::SPIN);
}

#[test]
fn a_timeout_ends_a_start_function() {
    timed_out("(module (func $f (loop $again (br $again))) (start $f))");
}

#[test]
fn a_timeout_ends_a_guest_that_calls_itself_for_ever() {
    timed_out(r#"(module (func $f (export "_start") (return_call $f)))"#);
}

#[test]
fn a_timeout_ends_a_read_of_stdin() {
    timed_out(guests::CAT);
}

#[test]
fn a_timeout_ends_a_wait_for_stdin() {
    timed_out(guests::POLL_STDIN);
}

#[test]
fn a_timeout_ends_a_sleep() {
    timed_out(&guests::sleep("3600_000_000_000"));
    timed_out(&guests::sleep("0xffff_ffff_ffff_ffff"));
}

#[test]
fn a_timeout_that_does_not_come_to_pass_changes_nothing() {
    let out = Dir::with("cat.wat", guests::CAT)
        .wasmrun(["--timeout", "60s", "cat.wat"])
        .stdin("all\n")
        .run();
    insta::assert_snapshot!(out, @r"
    status 0
    --- stdout
    all
    ");
}
