//! Seeing what a program does: `--trace`, and the hint about a directory that was not granted.

use super::guests;
use super::run::{Dir, Output};

/// A C program: `fsop cat FILE` and more.
const FSOP: &[u8] = include_bytes!("../guests/fsop.wasm");

fn fsop(args: &[&str]) -> Output {
    let dir = Dir::with("fsop.wasm", FSOP);
    dir.write("data/a.txt", "text\n");
    dir.write("notes.txt", "notes\n");
    dir.wasmrun(args).run()
}

#[test]
fn calls_are_shown_on_stderr_and_stdout_is_the_guests() {
    let out = fsop(&[
        "--dir",
        "data::/d",
        "--trace",
        "wasi=fs",
        "fsop.wasm",
        "cat",
        "/d/a.txt",
    ]);
    assert_eq!((out.code(), out.stdout.as_str()), (0, "text\n"), "{out}");
    let opened = out.stderr.lines().find(|line| line.starts_with("path_open("));
    let opened = opened.unwrap_or_else(|| panic!("no line: {out}"));
    assert!(
        opened.contains(r#"fd=3, dirflags=SYMLINK_FOLLOW, path="a.txt", oflags=0,"#),
        "{opened}"
    );
    assert!(opened.ends_with(" = 4"), "{opened}");
    assert!(out.stderr.contains(r#"= "text\n", 5"#), "{out}");
    let other = |line: &&str| !line.starts_with("fd_") && !line.starts_with("path_");
    assert_eq!(out.stderr.lines().find(other), None, "{out}");
}

#[test]
fn every_call_of_a_small_program() {
    let guest = guests::exit(3).replace(
        "(call $exit",
        r#"(drop (call $clock (i32.const 9) (i64.const 0) (i32.const 8)))
           (drop (call $random (i32.const 0) (i32.const 4)))
           (drop (call $unlink (i32.const 3) (i32.const 64) (i32.const 4)))
           (call $exit"#,
    );
    let guest = guest.replace(
        "(memory",
        r#"(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
           (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
           (import "wasi_unstable" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
           (data (i32.const 64) "a\1b\"\ff")
           (memory"#,
    );
    let dir = Dir::with("a.wat", guest);
    insta::assert_snapshot!(dir.wasmrun(["--trace", "wasi", "a.wat"]).run(), @r#"
    status 3
    --- stderr
    clock_time_get(id=9, precision=0) = inval
    random_get(buf_len=4) = success
    path_unlink_file(fd=3, path="a\u{1b}\"\xff") = badf
    proc_exit(code=3) = ?
    hint: no directory was granted for "a\u{1b}\"�"; --dir . gives the program one
    "#);
    let out = dir.wasmrun(["--trace=wasi=clock,proc", "a.wat"]).run();
    assert_eq!(out.stderr.lines().count(), 3, "{out}");
}

#[test]
fn what_cannot_be_traced_is_said() {
    let out = Dir::new().wasmrun(["--trace", "wasi=disk", "a.wat"]).run();
    assert_eq!(out.code(), 2, "{out}");
    assert!(
        out.stderr
            .contains("`disk` is not a family of calls: use all, fs, args, environ"),
        "{out}"
    );
}

fn hints(out: &Output) -> Vec<&str> {
    out.stderr.lines().filter(|line| line.starts_with("hint:")).collect()
}

#[test]
fn one_hint_names_the_path_and_the_option() {
    let missing = |args: &[&str]| {
        let out = fsop(args);
        assert_eq!(out.code(), 1, "{out}");
        assert!(out.stderr.ends_with("gives the program one\n"), "it comes last: {out}");
        let [hint] = hints(&out)[..] else { panic!("{out}") };
        hint.to_owned()
    };
    assert_eq!(
        missing(&["fsop.wasm", "cat", "notes.txt"]),
        "hint: no directory was granted for \"notes.txt\"; --dir . gives the program one"
    );
    assert_eq!(
        missing(&["fsop.wasm", "cat", "data/a.txt"]),
        "hint: no directory was granted for \"data/a.txt\"; --dir data gives the program one"
    );
    assert_eq!(
        missing(&["--dir", "data::/d", "fsop.wasm", "cat", "/other/x"]),
        "hint: no directory was granted for \"/other/x\"; --dir HOST::/other gives the program one"
    );
    assert_eq!(
        missing(&["--dir", "data::/d", "fsop.wasm", "cat", "/d/../../notes.txt"]),
        "hint: no directory was granted for \"/notes.txt\"; --dir HOST::/ gives the program one"
    );
}

#[test]
fn without_need_there_is_no_hint() {
    // It is there, it is only not there, and there is no file at all.
    let out = fsop(&["--dir", "data::/d", "fsop.wasm", "cat", "/d/a.txt"]);
    assert_eq!((out.code(), hints(&out).len()), (0, 0), "{out}");
    let out = fsop(&["--dir", "data::/d", "fsop.wasm", "cat", "/d/none.txt"]);
    assert_eq!((out.code(), hints(&out).len()), (1, 0), "{out}");
    let out = Dir::with("exit.wat", guests::exit(1))
        .wasmrun(["exit.wat", "a/b"])
        .run();
    assert_eq!((out.code(), hints(&out).len()), (1, 0), "{out}");
}
