//! Options about the world programs run in: clocks, chance, endings, profiles, determinism.

use std::path::Path;

use super::guests;
use super::run::{Dir, Output};

/// A built guest.
fn guest(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("wasi-tests/guests")
        .join(name);
    std::fs::read(path).expect("a built guest")
}

/// Prints `len` random bytes.
fn random(len: u32) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (if (call $random (i32.const 1024) (i32.const {len})) (then unreachable))
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const {len}))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#
    )
}

/// Exits with 0 if the resolution of a clock is `unit` nanoseconds and 2000 readings are multiples of it.
fn clock_is_coarse(id: u32, unit: u64) -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_res_get" (func $resolution (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $count i32)
    (if (call $resolution (i32.const {id}) (i32.const 0)) (then (call $exit (i32.const 1))))
    (if (i64.ne (i64.load (i32.const 0)) (i64.const {unit})) (then (call $exit (i32.const 2))))
    (loop $again
      (if (call $time (i32.const {id}) (i64.const 1) (i32.const 0)) (then (call $exit (i32.const 3))))
      (if (i64.ne (i64.rem_u (i64.load (i32.const 0)) (i64.const {unit})) (i64.const 0))
        (then (call $exit (i32.const 4))))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $count) (i32.const 2000))))))"#
    )
}

#[test]
fn clocks_are_as_coarse_as_asked_for() {
    for id in 0..4 {
        let dir = Dir::with("clock.wat", clock_is_coarse(id, 1_000_000));
        assert_eq!(dir.wasmrun(["--clock-resolution=1ms", "clock.wat"]).run().code(), 0);
        let dir = Dir::with("clock.wat", clock_is_coarse(id, 100_000));
        for profile in ["function", "browser"] {
            let out = dir.wasmrun(["--profile", profile, "clock.wat"]).run();
            assert_eq!(out.code(), 0, "clock {id}: {out}");
        }
        let finer = dir
            .wasmrun(["--profile=browser", "--clock-resolution=1us", "clock.wat"])
            .run();
        assert_eq!(finer.code(), 2, "an option counts more than the profile");
    }
}

#[test]
fn a_fixed_clock_begins_where_it_is_told_and_waits_take_no_time() {
    let dir = Dir::with("determined.wasm", guest("determined.wasm"));
    let out = dir
        .wasmrun(["--clock", "fixed=2001-02-03T04:05:06Z", "determined.wasm", "/", "x"])
        .run();
    assert_eq!((out.code(), out.stderr.as_str()), (0, ""), "{out}");
    let lines: Vec<&str> = out.stdout.lines().collect();
    assert_eq!(lines[1], "realtime 981173106.000000000");
    assert!(lines[3].starts_with("monotonic 3600.0000"), "{out}");
    insta::assert_snapshot!(
        "bad_clock",
        dir.wasmrun(["--clock", "fixed=yesterday", "determined.wasm"]).run()
    );
}

#[test]
fn a_seed_gives_the_same_numbers_each_time_and_says_that_they_are_no_secret() {
    let dir = Dir::with("random.wat", random(1000));
    let plain = || dir.wasmrun(["random.wat"]).run();
    let (first, second) = (plain(), plain());
    assert_eq!((first.code(), first.stderr.as_str()), (0, ""));
    assert_ne!(first.stdout, second.stdout);
    let seeded = |seed: &str| dir.wasmrun(["--random-seed", seed, "random.wat"]).run();
    assert_eq!(seeded("5").stdout, seeded("5").stdout);
    assert_ne!(seeded("5").stdout, seeded("6").stdout);
    insta::assert_snapshot!("random_seed", seeded("5").stderr);
    assert_eq!(seeded("-1").code(), 2);
}

fn raise(signal: &str) -> Output {
    Dir::with("raise.wasm", guest("raise.wasm"))
        .wasmrun(["raise.wasm", signal])
        .run()
}

#[test]
fn signals_end_programs_as_they_end_processes_or_are_ignored() {
    for (signal, status) in [
        ("1", 129),
        ("2", 130),
        ("9", 137),
        ("11", 139),
        ("15", 143),
        ("30", 158),
    ] {
        let out = raise(signal);
        assert_eq!((out.code(), out.stdout.as_str()), (status, ""), "{out}");
    }
    insta::assert_snapshot!("signal_term", raise("15"));
    insta::assert_snapshot!("signal_abrt", raise("6").stderr.lines().next().expect("a line"));
    assert_eq!(raise("6").code(), 134);
    insta::assert_snapshot!("signal_usr1", raise("10"));
    for harmless in ["0", "16", "17", "22", "27"] {
        let out = raise(harmless);
        assert_eq!(
            (out.code(), out.stdout.as_str(), out.stderr.as_str()),
            (0, "0\n", ""),
            "{out}"
        );
    }
    assert_eq!(raise("31").stdout, "28\n", "EINVAL");
}

#[test]
fn programs_can_be_kept_from_ending_themselves() {
    let dir = Dir::with("exit.wat", guests::exit(0));
    let run = |policy: &str| dir.wasmrun(["--proc-exit", policy, "exit.wat"]).run();
    assert_eq!(run("allow").code(), 0);
    insta::assert_snapshot!("exit_trap", run("trap"));
    insta::assert_snapshot!("exit_deny", run("deny"));
    assert_eq!(dir.wasmrun(["--profile=cell", "exit.wat"]).run().code(), 134);
    assert_eq!(
        dir.wasmrun(["--profile=cell", "--proc-exit=allow", "exit.wat"])
            .run()
            .code(),
        0
    );
    assert_eq!(run("never").code(), 2);
}

#[test]
fn two_deterministic_runs_are_the_same_byte_for_byte() {
    let run = |args: &[&str]| {
        let dir = Dir::with("determined.wasm", guest("determined.wasm"));
        dir.write("files/before", "");
        let file = std::fs::File::open(dir.path("files/before")).expect("a file");
        file.set_modified(std::time::UNIX_EPOCH).expect("a time");
        let args = [args, &["--dir=files::/d", "determined.wasm", "/d", "sleep"]].concat();
        let out = dir.wasmrun(args).stdin("input\n").run();
        assert_eq!(out.code(), 0, "{out}");
        out
    };
    let first = run(&["--deterministic"]);
    assert_eq!(first.stdout, run(&["--deterministic"]).stdout);
    assert_eq!(first.stdout, run(&["--deterministic=0"]).stdout);
    insta::assert_snapshot!("deterministic", first);
    let seeded = run(&["--deterministic=1"]);
    assert_eq!(
        seeded.stdout.lines().skip(1).collect::<Vec<_>>(),
        first.stdout.lines().skip(1).collect::<Vec<_>>()
    );
    assert_ne!(seeded.stdout, first.stdout);
    let parts = run(&["--deterministic", "--random-seed=1", "--clock=fixed=2020-01-01"]);
    assert_eq!(parts.stdout, seeded.stdout);
}

#[test]
fn profiles_and_functions_are_printed() {
    let dir = Dir::new();
    insta::assert_snapshot!("profiles", dir.wasmrun(["profiles"]).run());
    let list = dir.wasmrun(["wasi", "--list"]).run();
    assert_eq!((list.code(), list.stderr.as_str()), (0, ""));
    assert_eq!(list.stdout.lines().count(), 46);
    // The documentation has the same names and states, in the same order.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/wasi.md");
    let docs = std::fs::read_to_string(path).expect("the documentation");
    let documented: Vec<String> = docs
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .filter_map(|(name, rest)| Some(format!("{name} {}", rest.split('|').nth(1)?.trim())))
        .collect();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(list.stdout.lines().map(words).collect::<Vec<_>>(), documented);
    let cell = dir.wasmrun(["wasi", "--list", "--profile=cell"]).run();
    insta::assert_snapshot!("wasi_list_cell", cell);
    for command in [&["profiles", "--json"][..], &["wasi", "--list", "--json"]] {
        let out = dir.wasmrun(command).run();
        let value: serde_json::Value = serde_json::from_str(&out.stdout).expect("JSON");
        assert!(value.is_object() || value.as_array().is_some_and(|list| list.len() == 46));
    }
    assert_eq!(dir.wasmrun(["wasi"]).run().code(), 2);
}

/// A program does what its profile lets it, and what it is refused is an error to it, not the end of it.
#[test]
fn programs_start_under_every_profile_and_are_refused_what_it_does_not_have() {
    let dir = Dir::with("fsop.wasm", guest("fsop.wasm"));
    for name in ["argv", "envdump", "cat", "clock", "mixed", "yield", "preview1", "sleep"] {
        let file = format!("{name}.wasm");
        dir.write(&file, guest(&file));
    }
    dir.write("d/file", "text");
    for profile in ["cli", "function", "browser", "cell"] {
        let run = |args: &[&str]| {
            dir.wasmrun([&["--profile", profile], args].concat())
                .stdin("input")
                .run()
        };
        let few = ["browser", "cell"].contains(&profile);
        for file in ["argv.wasm", "envdump.wasm", "clock.wasm", "mixed.wasm", "yield.wasm"] {
            let out = run(&[file]);
            assert_eq!(out.code(), 0, "{profile} {file}: {out}");
        }
        assert_eq!(
            run(&["argv.wasm"]).stdout,
            if few { "" } else { "argv.wasm\n" },
            "{profile}"
        );
        assert_eq!(
            run(&["cat.wasm"]).stdout,
            if profile == "browser" { "" } else { "input" },
            "{profile}"
        );
        // Arguments, variables, files and sockets for one that has none are mistakes.
        for args in [
            &["argv.wasm", "a"][..],
            &["--env=A=1", "envdump.wasm"],
            &["--dir=d::/d", "argv.wasm"],
        ] {
            let out = run(args);
            assert_eq!(out.code(), if few { 2 } else { 0 }, "{profile} {args:?}: {out}");
        }
        if profile != "cli" {
            let out = run(&["--listen=127.0.0.1:0", "argv.wasm"]);
            assert_eq!(out.code(), 2, "{out}");
            assert!(out.stderr.contains("no sockets"), "{out}");
        }
    }
    insta::assert_snapshot!(
        "cell_arguments",
        dir.wasmrun(["--profile=cell", "argv.wasm", "a"]).run()
    );
    insta::assert_snapshot!("bad_profile", dir.wasmrun(["--profile=page", "argv.wasm"]).run());
}

#[test]
fn what_a_profile_refuses_answers_an_errno() {
    let call = |name: &str, params: usize| {
        let types = match (name, params) {
            ("path_open", _) => "i32 i32 i32 i32 i32 i64 i64 i32 i32",
            (_, 2) => "i32 i32",
            _ => "i32 i32 i32",
        };
        let arguments = types.split(' ').map(|ty| format!("({ty}.const 0)")).collect::<String>();
        format!(
            r#"(module
  (import "wasi_snapshot_preview1" "{name}" (func $call (param {types}) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (call $call {arguments}))))"#
        )
    };
    for (name, params, errnos) in [
        // Without a profile these fail for another reason: NOTDIR (54), BADF (8), NOTSOCK (57).
        ("path_open", 9, [54, 54, 76, 76]),
        ("fd_prestat_get", 2, [8, 8, 8, 8]),
        ("sock_accept", 3, [57, 76, 76, 76]),
    ] {
        let dir = Dir::with("call.wat", call(name, params));
        for (profile, errno) in ["cli", "function", "browser", "cell"].into_iter().zip(errnos) {
            let out = dir
                .wasmrun(["--profile", profile, "--proc-exit=allow", "call.wat"])
                .run();
            assert_eq!(out.code(), errno, "{profile} {name}: {out}");
        }
    }
}

#[test]
fn nothing_of_our_environment_reaches_a_program_unless_it_is_named() {
    let dir = Dir::with("envdump.wasm", guest("envdump.wasm"));
    let run = |args: &[&str]| {
        let run = dir
            .wasmrun(args)
            .env("SECRET", "1")
            .env("HTTP_PROXY", "evil")
            .env("HOME", "/root");
        run.run().stdout
    };
    assert_eq!(run(&["envdump.wasm"]), "");
    assert_eq!(run(&["--profile=function", "envdump.wasm"]), "");
    assert_eq!(run(&["--deterministic", "envdump.wasm"]), "");
    assert_eq!(run(&["--env=HOME", "envdump.wasm"]), "HOME=/root\n");
}
