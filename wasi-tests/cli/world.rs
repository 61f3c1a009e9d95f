//! What the guest is given: arguments, variables, directories, streams; and which words are whose.

use super::guests;
use super::run::Dir;

fn argv(args: &[&str]) -> Vec<String> {
    let dir = Dir::with("sub/argv.wat", guests::ARGV);
    dir.write("argv.wasm", wat::parse_str(guests::ARGV).expect("text"));
    let out = dir.wasmrun(args).run();
    assert_eq!((out.code(), out.stderr.as_str()), (0, ""), "{out}");
    out.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn argv0_is_the_base_name() {
    assert_eq!(argv(&["argv.wasm"]), ["argv.wasm"]);
    assert_eq!(argv(&["exec", "sub/argv.wat", "a"]), ["argv.wat", "a"]);
    assert_eq!(argv(&["--argv0", "x y", "./sub/argv.wat"]), ["x y"]);
    assert_eq!(argv(&["--argv0=", "argv.wasm", "a"]), ["", "a"]);
}

#[test]
fn everything_after_the_file_is_the_guests() {
    assert_eq!(
        argv(&["argv.wasm", "--env", "A", "-h", "--version"]),
        ["argv.wasm", "--env", "A", "-h", "--version"]
    );
    assert_eq!(
        argv(&["exec", "argv.wasm", "--fuel=0", "", "a b"]),
        ["argv.wasm", "--fuel=0", "", "a b"]
    );
}

#[test]
fn the_first_double_hyphen_after_the_file_is_dropped() {
    assert_eq!(argv(&["argv.wasm", "--", "-x"]), ["argv.wasm", "-x"]);
    assert_eq!(argv(&["argv.wasm", "--", "--", "x"]), ["argv.wasm", "--", "x"]);
    assert_eq!(argv(&["argv.wasm", "x", "--", "y"]), ["argv.wasm", "x", "--", "y"]);
    assert_eq!(argv(&["--", "argv.wasm", "x"]), ["argv.wasm", "x"]);
    assert_eq!(argv(&["exec", "--", "argv.wasm", "--", "x"]), ["argv.wasm", "x"]);
}

#[test]
fn a_module_can_come_from_stdin() {
    let out = Dir::new()
        .wasmrun(["-", "a"])
        .stdin(wat::parse_str(guests::ARGV).expect("text"))
        .run();
    insta::assert_snapshot!(out, @r"
    status 0
    --- stdout
    -
    a
    ");
    let out = Dir::new().wasmrun(["exec", "-"]).stdin(guests::ARGV).run();
    insta::assert_snapshot!(out, @r"
    status 0
    --- stdout
    -
    ");
}

fn environ(args: &[&str]) -> String {
    let dir = Dir::with("env.wat", guests::environ());
    let out = dir
        .wasmrun(args)
        .env("HOST", "ours")
        .env("SECRET", "1")
        .env("EMPTY", "")
        .run();
    assert_eq!((out.code(), out.stderr.as_str()), (0, ""), "{out}");
    let mut lines: Vec<&str> = out.stdout.lines().collect();
    lines.sort();
    lines.join(" ")
}

#[test]
fn variables_are_given_by_name_only() {
    assert_eq!(environ(&["env.wat"]), "");
    assert_eq!(environ(&["--env", "A=1", "env.wat"]), "A=1");
    assert_eq!(environ(&["--env", "A=", "--env", "B=x=y", "env.wat"]), "A= B=x=y");
    assert_eq!(environ(&["--env", "HOST", "env.wat"]), "HOST=ours");
    assert_eq!(environ(&["--env", "EMPTY", "--env", "UNSET", "env.wat"]), "EMPTY=");
    assert_eq!(environ(&["--env", "A=1", "--env=A=2", "env.wat"]), "A=2");
    assert_eq!(environ(&["--inherit-env", "env.wat"]), "EMPTY= HOST=ours SECRET=1");
    assert_eq!(
        environ(&["--inherit-env", "--env", "SECRET=", "env.wat"]),
        "EMPTY= HOST=ours SECRET="
    );
}

#[test]
fn directories_are_named_as_asked() {
    // Prints the names of the directories it was given, which are descriptors 3, 4, ...
    let guest = r#"(module
      (import "wasi_snapshot_preview1" "fd_prestat_get" (func $stat (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start") (local $fd i32) (local $len i32)
        (local.set $fd (i32.const 3))
        (block $done (loop $next
          (br_if $done (call $stat (local.get $fd) (i32.const 0)))
          (local.set $len (i32.load (i32.const 4)))
          (br_if $done (call $name (local.get $fd) (i32.const 1024) (local.get $len)))
          (i32.store8 offset=1024 (local.get $len) (i32.const 10))
          (i32.store (i32.const 8) (i32.const 1024))
          (i32.store (i32.const 12) (i32.add (local.get $len) (i32.const 1)))
          (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))
          (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
          (br $next)))))"#;
    let dir = Dir::with("dirs.wat", guest);
    dir.write("data/file", "");
    let names = |args: &[&str]| dir.wasmrun(args).run();
    insta::assert_snapshot!(names(&["dirs.wat"]), @"status 0");
    insta::assert_snapshot!(names(&["--dir=.", "--dir", "data::/d", "--dir", "./data", "dirs.wat"]), @r"
    status 0
    --- stdout
    .
    /d
    ./data
    ");
    insta::assert_snapshot!(names(&["--dir", "nosuch", "dirs.wat"]));
}

#[test]
fn a_guest_can_read_and_write_until_the_end() {
    let text = "line\n".repeat(100_000);
    let out = Dir::with("cat.wat", guests::CAT)
        .wasmrun(["cat.wat"])
        .stdin(text.clone())
        .run();
    assert_eq!((out.code(), out.stderr.as_str()), (0, ""));
    assert!(out.stdout == text);
}

#[test]
fn streams_that_nobody_reads_are_no_reason_to_panic() {
    let dir = Dir::with("cat.wat", guests::CAT);
    dir.write(
        "trap.wat",
        r#"(module (func (export "_start") unreachable) (func (export "one") (result i32) i32.const 1))"#,
    );
    // EPIPE is 64 in Preview 1, and what becomes of it is the guest's business.
    assert_eq!(dir.wasmrun(["cat.wat"]).stdin("x").broken_stdout().run().code(), 64);
    assert_eq!(dir.wasmrun(["trap.wat"]).broken_stderr().run().code(), 134);
    assert_eq!(
        dir.wasmrun(["nosuch.wat"]).broken_stderr().broken_stdout().run().code(),
        1
    );
    assert_eq!(dir.wasmrun(["--nope"]).broken_stderr().run().code(), 2);
    assert_eq!(dir.wasmrun(["--help"]).broken_stdout().run().code(), 0);
    assert_eq!(dir.wasmrun(["--version"]).broken_stdout().run().code(), 0);
    let out = dir.wasmrun(["--invoke", "one", "trap.wat"]).broken_stdout().run();
    assert_eq!(out.code(), 1, "{out}");
    assert!(out.stderr.starts_with("error: cannot write the results: "), "{out}");
    assert_eq!(dir.wasmrun(["wast", "trap.wat"]).broken_stdout().run().code(), 1);
}
