//! `--threads`: a pthread program (`guests/threads.c`) whose threads work together, and end together however one ends.

use std::time::Duration;

use super::run::{Dir, Output, guest};

/// What is no wait for anything that does not come.
const SOON: Duration = Duration::from_secs(10);

fn threads(options: &[&str], mode: &str) -> Output {
    let dir = Dir::new();
    let module = guest("threads.wasm");
    let run = dir.wasmrun(["exec"].iter().chain(options).chain(&[module.as_str(), mode]));
    let output = run.silent_stdin().run();
    output.assert_within(SOON);
    output
}

fn assert_ended(output: &Output, code: i32, stdout: &str) {
    assert_eq!((output.code(), output.stdout.as_str()), (code, stdout), "{output}");
}

#[test]
fn threads_lock_wait_signal_and_join() {
    let output = threads(&["--threads"], "count");
    assert_ended(&output, 0, "counter 20000 rounds 8000 mine 0\n");
    let output = threads(&["--threads"], "produce");
    assert_ended(&output, 0, "item 1\nitem 2\nitem 3\ntimed out: 1\n");
    assert_eq!(output.stderr, "");
}

#[test]
fn an_exit_of_a_thread_ends_the_program_whatever_the_others_wait_for() {
    assert_ended(&threads(&["--threads"], "exit-waiting"), 7, "leaving\n");
    assert_ended(&threads(&["--threads"], "exit-sleeping"), 8, "leaving\n");
    assert_ended(&threads(&["--threads"], "exit-reading"), 0, "leaving\n");
}

#[test]
fn a_trap_of_a_thread_ends_the_program_and_says_where() {
    let output = threads(&["--threads"], "trap");
    assert_ended(&output, 134, "");
    assert!(output.stderr.starts_with("error: trap: unreachable\n"), "{output}");
    assert!(output.stderr.contains("wasi_thread_start"), "{output}");
}

#[test]
fn the_end_of_the_main_thread_ends_the_others() {
    assert_ended(&threads(&["--threads"], "return"), 9, "");
}

#[test]
fn a_timeout_ends_all_threads() {
    let output = threads(&["--threads", "--timeout", "300ms"], "spin");
    assert_ended(&output, 124, "");
    assert!(output.stderr.contains("did not end within 300ms"), "{output}");
}

#[test]
fn threads_and_their_memory_have_limits() {
    let output = threads(&["--threads=2"], "many");
    assert_ended(&output, 0, "made 2, then Resource temporarily unavailable\n");
    assert_ended(&threads(&["--threads"], "grow"), 0, "42\n");
    assert_ended(&threads(&["--threads", "--max-memory", "2M"], "grow"), 0, "-1\n");
    let output = threads(&["--threads", "--max-memory", "64K"], "grow");
    assert_eq!(output.code(), 1, "{output}");
    assert!(output.stderr.contains("memory limit reached"), "{output}");
}

#[test]
fn without_the_option_such_a_program_is_refused() {
    let output = threads(&[], "count");
    assert_eq!(output.code(), 1, "{output}");
    assert!(output.stderr.contains("threads.wasm uses threads"), "{output}");
    assert!(output.stderr.contains("`wasmrun exec --threads`"), "{output}");
}
