//! `--invoke`.

use super::run::{Dir, Output};

const LIBRARY: &str = r#"(module
  (memory (export "memory") 1)
  (global $ready (mut i32) (i32.const 0))
  (func (export "_initialize") (global.set $ready (i32.const 1)))
  (func (export "ready") (result i32) (global.get $ready))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "wide") (param i64) (result i64) (local.get 0))
  (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
  (func (export "single") (param f32) (result f32) (local.get 0))
  (func (export "swap") (param i32 f32) (result f32 i32) (local.get 1) (local.get 0))
  (func (export "refs") (param funcref externref) (result funcref externref) (local.get 0) (local.get 1))
  (func (export "a\u{1b}[31mb") (result i32) (i32.const 1))
  (func (export "fail") unreachable))"#;

fn invoke(name: &str, args: &[&str]) -> Output {
    let dir = Dir::with("lib.wat", LIBRARY);
    dir.wasmrun([&["exec", "--invoke", name, "lib.wat"], args].concat())
        .run()
}

/// The results of a call that succeeds, joined by commas.
fn results(name: &str, args: &[&str]) -> String {
    let out = invoke(name, args);
    assert_eq!((out.code(), out.stderr.as_str()), (0, ""), "{out}");
    out.stdout.lines().collect::<Vec<_>>().join(", ")
}

#[test]
fn results_are_printed_by_type() {
    assert_eq!(results("add", &["2", "3"]), "5");
    assert_eq!(results("add", &["-5", "0x3"]), "-2");
    assert_eq!(results("add", &["4294967295", "0"]), "-1");
    assert_eq!(results("add", &["--", "-1", "-1"]), "-2");
    assert_eq!(results("wide", &["-9223372036854775808"]), "-9223372036854775808");
    assert_eq!(results("half", &["5"]), "2.5");
    assert_eq!(results("half", &["-inf"]), "-inf");
    assert_eq!(results("single", &["0.1"]), "0.1");
    assert_eq!(results("single", &["nan:0x200000"]), "nan:0x200000");
    assert_eq!(results("swap", &["1", "2.5"]), "2.5, 1");
    assert_eq!(results("refs", &["null", "null"]), "null, null");
}

#[test]
fn a_reactor_is_initialised_first() {
    assert_eq!(results("ready", &[]), "1");
    assert_eq!(results("_initialize", &[]), "");
}

#[test]
fn a_wrong_name_lists_what_there_is() {
    insta::assert_snapshot!(invoke("sub", &["1", "2"]));
}

#[test]
fn something_that_is_no_function_cannot_be_called() {
    let out = invoke("memory", &[]);
    assert_eq!(out.code(), 2);
    assert!(
        out.stderr
            .starts_with("error: `memory` is (memory 1), not a function\nexported functions:\n"),
        "{out}"
    );
}

#[test]
fn wrong_arguments_are_named() {
    insta::assert_snapshot!(invoke("add", &["1"]));
    insta::assert_snapshot!(invoke("add", &["1", "two"]));
    insta::assert_snapshot!(invoke("wide", &["1.5"]));
    insta::assert_snapshot!(invoke("single", &[" 1"]));
    insta::assert_snapshot!(invoke("refs", &["null", "0"]));
}

#[test]
fn a_trap_is_a_trap() {
    let out = invoke("fail", &[]);
    assert_eq!((out.code(), out.stdout.as_str()), (134, ""), "{out}");
}

#[test]
fn a_library_alone_is_not_run_but_explained() {
    let out = Dir::with("lib.wat", r#"(module (func (export "f") (param i32)))"#)
        .wasmrun(["lib.wat"])
        .run();
    insta::assert_snapshot!(out);
}

#[test]
fn a_start_with_parameters_is_no_program() {
    let out = Dir::with("a.wat", r#"(module (func (export "_start") (param i32)))"#)
        .wasmrun(["a.wat"])
        .run();
    insta::assert_snapshot!(out);
}

#[test]
fn what_main_returns_is_the_exit_code() {
    let guest = r#"(module (func (export "main") (result i32) (i32.const 3)))"#;
    assert_eq!(Dir::with("a.wat", guest).wasmrun(["a.wat"]).run().code(), 3);
}
