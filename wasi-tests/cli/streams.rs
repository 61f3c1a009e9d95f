//! Standard streams: where input comes from, and how much output there may be.

use super::guests;
use super::run::Dir;

fn cat() -> Dir {
    Dir::with("cat.wat", guests::CAT)
}

#[test]
fn stdin_is_ours_nothing_or_a_file() {
    let dir = cat();
    dir.write("in.txt", "from a file");
    for (options, said) in [
        (&[][..], "ours"),
        (&["--stdin", "inherit"], "ours"),
        (&["--stdin=null"], ""),
        (&["--stdin", "in.txt"], "from a file"),
        (&["--stdin", "/dev/null"], ""),
    ] {
        let out = dir.wasmrun([options, &["cat.wat"]].concat()).stdin("ours").run();
        assert_eq!((out.code(), out.stdout.as_str()), (0, said), "{out}");
    }
    insta::assert_snapshot!(dir.wasmrun(["--stdin", "none\u{1b}.txt", "cat.wat"]).run(), @r"
    status 1
    --- stderr
    error: cannot open `none\u{1b}.txt` for --stdin: No such file or directory (os error 2)
    ");
}

#[test]
fn output_beyond_the_limit_is_cut_and_the_status_is_the_guests() {
    insta::assert_snapshot!(cat().wasmrun(["--max-output", "5", "cat.wat"]).stdin("1234567").run(), @r"
    status 0
    --- stdout
    12345
    --- stderr
    note: the program's output was cut after 5 bytes: see --max-output
    ");
    let out = cat().wasmrun(["--max-output", "7", "cat.wat"]).stdin("1234567").run();
    insta::assert_snapshot!(out, @r"
    status 0
    --- stdout
    1234567
    ");
}

#[test]
fn a_guest_that_never_stops_writing_costs_no_more_than_its_limit() {
    let guest = r#"(module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (data (i32.const 8) "y\n")
      (func (export "_start") (local $fd i32) (local $errno i32)
        (i32.store (i32.const 0) (i32.const 8))
        (i32.store (i32.const 4) (i32.const 2))
        (local.set $fd (i32.const 1))
        (loop $again
          ;; One line to each in turn.
          (local.set $fd (i32.sub (i32.const 3) (local.get $fd)))
          (br_if $again (i32.eqz
            (local.tee $errno (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16))))))
        (call $exit (local.get $errno))))"#;
    let out = Dir::with("yes.wat", guest)
        .wasmrun(["--max-output", "1K", "yes.wat"])
        .run();
    assert_eq!(out.code(), 51, "`nospc`: {out}");
    let note = "note: the program's output was cut after 1024 bytes: see --max-output\n";
    let stderr = out.stderr.strip_suffix(note).expect("the note");
    assert_eq!(out.stdout.len() + stderr.len(), 1024);
    assert_eq!(out.stdout, stderr);
}
