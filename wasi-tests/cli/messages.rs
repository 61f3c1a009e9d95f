//! What is said when the host cannot do what was asked for.

use super::binary;
use super::guests;
use super::run::Dir;

#[test]
fn usage_errors_are_2_and_say_what_is_wrong() {
    let dir = Dir::new();
    for (name, args) in [
        ("nothing", &[][..]),
        ("no_file", &["exec"]),
        ("unknown_option", &["--fule", "5", "a.wasm"]),
        ("bad_number", &["--fuel", "many", "a.wasm"]),
        ("no_unit", &["--timeout", "5", "a.wasm"]),
        ("bad_size", &["--max-memory", "5T", "a.wasm"]),
        ("bad_dir", &["--dir", "::/x", "a.wasm"]),
        ("bad_env", &["--env", "=x", "a.wasm"]),
        ("bad_features", &["wast", "--features", "wasm2,simd2", "a.wast"]),
    ] {
        let out = dir.wasmrun(args).run();
        assert_eq!((out.code(), out.stdout.as_str()), (2, ""), "{out}");
        // The list of features grows; that it is there is enough.
        let message = match out.stderr.split_once("is not one of mutable-global, ") {
            Some((before, rest)) => format!(
                "{before}is not one of [FEATURES]{}",
                &rest[rest.find('\n').unwrap_or(0)..]
            ),
            None => out.stderr,
        };
        insta::assert_snapshot!(name, message);
    }
}

#[test]
fn help_fits_on_a_screen() {
    for args in [&["-h"][..], &["exec", "-h"], &["wast", "-h"]] {
        let out = Dir::new().wasmrun(args).run();
        assert_eq!((out.code(), out.stderr.as_str()), (0, ""), "{out}");
        assert!(out.stdout.lines().count() <= 24, "{out}");
        assert!(out.stdout.lines().all(|line| line.chars().count() <= 110), "{out}");
    }
    for args in [&["--help"][..], &["exec", "--help"]] {
        let out = Dir::new().wasmrun(args).run();
        let examples = out.stdout.find("\nExamples:\n").expect("examples");
        assert!(
            !out.stdout[examples..].contains("\nOptions:"),
            "examples come last: {out}"
        );
    }
}

#[test]
fn the_version_says_how_it_was_built() {
    let out = Dir::new().wasmrun(["--version"]).run();
    let lines: Vec<&str> = out.stdout.lines().collect();
    assert!(
        lines[0].starts_with(concat!("wasmrun ", env!("CARGO_PKG_VERSION"))),
        "{out}"
    );
    assert!(lines[1].starts_with("target: "), "{out}");
    assert!(
        ["dispatch: tail calls", "dispatch: portable loop"].contains(&lines[2]),
        "{out}"
    );
    assert!(
        lines[3].starts_with("features: ") && lines[3].contains("tail-call"),
        "{out}"
    );
}

#[test]
fn files_that_are_no_modules_are_refused() {
    let dir = Dir::with("empty.wasm", "");
    dir.write("text.txt", "hello");
    dir.write("bad.wat", "(module (func (export \"_start\") (i32.add)))");
    dir.write("cut.wasm", &wat::parse_str(guests::CAT).expect("text")[..60]);
    dir.write("dir/x", "");
    let mut invalid = binary::start(&[], &[0x00, 0x6a]);
    dir.write("invalid.wasm", &invalid);
    invalid[4] = 2;
    dir.write("version2.wasm", &invalid);
    for (name, file) in [
        ("missing", "nosuch.wasm"),
        ("empty", "empty.wasm"),
        ("text", "text.txt"),
        ("bad_wat", "bad.wat"),
        ("cut", "cut.wasm"),
        ("directory", "dir"),
        ("invalid", "invalid.wasm"),
        ("version2", "version2.wasm"),
    ] {
        let out = dir.wasmrun(["exec", file]).run();
        assert_eq!((out.code(), out.stdout.as_str()), (1, ""), "{out}");
        insta::assert_snapshot!(name, out.stderr);
    }
    let out = dir.wasmrun(["-"]).stdin("\0asm\x01\0\0\0\x01\x7f").run();
    assert_eq!((out.code(), out.stdout.as_str()), (1, ""), "{out}");
    insta::assert_snapshot!("stdin", out.stderr);
}

const UNKNOWN: &str = r#"(module
  (import "env" "log" (func $log (param i32 i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "env" "now\n" (func (result i64)))
  (memory (export "memory") 1)
  (func (export "_start") (call $log (i32.const 1) (i32.const 2))))"#;

#[test]
fn all_unknown_imports_stand_in_one_message() {
    insta::assert_snapshot!(Dir::with("app.wat", UNKNOWN).wasmrun(["app.wat"]).run());
}

#[test]
fn unknown_imports_trap_when_called_if_they_are_allowed() {
    insta::assert_snapshot!(
        Dir::with("app.wat", UNKNOWN)
            .wasmrun(["--allow-unknown-imports", "app.wat"])
            .run()
    );
}

#[test]
fn an_import_of_another_type_is_refused() {
    let guest = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i64))))"#;
    insta::assert_snapshot!(Dir::with("app.wat", guest).wasmrun(["app.wat"]).run());
}

#[test]
fn names_from_a_module_cannot_steer_the_terminal() {
    let mut module = binary::start(&[], &[0x00, 0x00]);
    module.extend(binary::name_section(&[(0, b"a\x1b]0;title\x07\xe2\x80\xaeb\nc")]));
    let out = Dir::with("a\u{1b}[2J.wasm", module).wasmrun(["a\u{1b}[2J.wasm"]).run();
    insta::assert_snapshot!(out);
}

#[test]
fn long_names_are_cut() {
    let mut module = binary::start(&[], &[0x00, 0x00]);
    module.extend(binary::name_section(&[(0, &[b'x'; 50_000])]));
    let out = Dir::with("a.wasm", module).wasmrun(["a.wasm"]).run();
    assert_eq!(out.code(), 134);
    assert!(out.stderr.len() < 300, "{out}");
}

#[test]
fn scripts_are_run_from_disk() {
    let dir = Dir::with(
        "suite/good.wast",
        r#"
(module (func (export "one") (result i32) (i32.const 1)))
(assert_return (invoke "one") (i32.const 1))
(assert_invalid (module (func (result i32))) "type mismatch")
"#,
    );
    dir.write(
        "suite/sub/bad.wast",
        r#"
(module (func (export "one") (result i32) (i32.const 1)) (func (export "fail") unreachable))
(assert_return (invoke "one") (i32.const 2))
(assert_trap (invoke "fail") "integer overflow")
(assert_invalid (module) "type mismatch")
(module (memory 1 1 shared))
(invoke "fail")
"#,
    );
    dir.write("suite/readme.txt", "not a script");
    insta::assert_snapshot!(dir.wasmrun(["wast", "suite/good.wast"]).run());
    insta::assert_snapshot!(dir.wasmrun(["wast", "suite"]).run());
    insta::assert_snapshot!(dir.wasmrun(["wast", "--json", "suite/sub/bad.wast"]).run());
    insta::assert_snapshot!(dir.wasmrun(["wast", "nosuch"]).run());
}

#[test]
fn stats_go_to_stderr_also_when_the_program_traps() {
    let text = "(module (func (export \"f\") (result i32) i32.const 7) (func (export \"_start\") unreachable))";
    let dir = Dir::with("two.wat", text);
    for (args, code, stdout) in [
        (&["exec", "--stats", "--invoke", "f", "two.wat"][..], 0, "7\n"),
        (&["exec", "--stats", "two.wat"], 134, ""),
    ] {
        let out = dir.wasmrun(args).run();
        assert_eq!((out.code(), out.stdout.as_str()), (code, stdout), "{out}");
        assert!(out.stderr.starts_with("time: decode "), "{out}");
        assert!(out.stderr.contains("\ncode: 1 of 2 functions translated, "), "{out}");
        assert_eq!(out.stderr.contains("unreachable"), code == 134, "{out}");
    }
}
