//! `wasmrun listing`.

use super::run::Dir;

const MODULE: &str = r#"(module
  (import "e" "f" (func $f))
  (memory 1)
  (func $sum (param $n i32) (result i32) (local $s i32)
    (loop $next
      (local.set $s (i32.add (local.get $s) (i32.load (i32.shl (local.get $n) (i32.const 2)))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  (func $caller (call $f)))"#;

#[test]
fn internal_code_stands_beside_its_webassembly() {
    let dir = Dir::with("sum.wat", MODULE);
    let all = dir.wasmrun(["listing", "sum.wat"]).run();
    assert_eq!((all.code(), all.stderr.as_str()), (0, ""), "{all}");
    insta::assert_snapshot!(all.stdout);
    // By name and by index it is the same, and only that function.
    let one = dir.wasmrun(["listing", "sum.wat", "caller"]).run();
    let same = dir.wasmrun(["listing", "sum.wat", "2"]).run();
    assert_eq!(one.stdout, same.stdout);
    assert!(!one.stdout.is_empty() && all.stdout.ends_with(&one.stdout));
}

#[test]
fn what_has_no_internal_code_is_refused() {
    let dir = Dir::with("sum.wat", MODULE);
    for (function, message) in [
        ("0", "error: function 0 is an import: it has no code here\n"),
        (
            "3",
            "error: there is no function 3: the module has 3, imports included\n",
        ),
        (
            "none",
            "error: no function is called `none`: give an index below 3, or a name from the name section\n",
        ),
    ] {
        let out = dir.wasmrun(["listing", "sum.wat", function]).run();
        assert_eq!((out.code(), out.stderr.as_str(), out.stdout.as_str()), (2, message, ""));
    }
    let out = dir.wasmrun(["listing", "none.wasm"]).run();
    assert_eq!(out.code(), 1);
    assert!(out.stderr.starts_with("error: cannot read `none.wasm`: "), "{out}");
}
