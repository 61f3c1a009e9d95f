use super::*;
use crate::engine::{Config, ExternType, Features};

fn refused(bytes: impl AsRef<[u8]>) -> String {
    let engine = Engine::default();
    let bytes = match bytes.as_ref().starts_with(b"(") {
        true => wat::parse_bytes(bytes.as_ref()).unwrap().into_owned(),
        false => bytes.as_ref().to_vec(),
    };
    super::module(&engine, bytes, Some("app.wasm".into()))
        .unwrap_err()
        .to_string()
}

#[test]
fn modules_that_need_more_than_there_is_are_refused_by_the_proposals_name() {
    for text in [
        "(module (memory 1 1 shared))",
        "(module (import \"e\" \"m\" (memory 1 1 shared)))",
    ] {
        let message = refused(text);
        assert!(
            message.starts_with("app.wasm uses threads (byte 0x"),
            "{text}: {message}"
        );
        assert!(
            message.contains("it is switched off in the engine's `Features`"),
            "{text}: {message}"
        );
    }
    // Atomic instructions need no shared memory.
    let atomics = "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))";
    let binary = wat::parse_str(atomics).unwrap();
    for (features, accepted) in [
        (Features::default(), true),
        (Features::default().atomics(false), false),
        (Features::default().atomics(false).threads(true), true),
    ] {
        let engine = Engine::new(Config::new().features(features));
        assert_eq!(Module::new(&engine, &binary).is_ok(), accepted, "{features:?}");
    }
    let features = Features::default().gc(false).function_references(false).simd(false);
    for (text, expected) in [
        ("(module (func (param v128)))", "app.wasm uses simd (byte 0x"),
        (
            "(module (func (drop (v128.const i32x4 0 0 0 0))))",
            "app.wasm uses simd (byte 0x",
        ),
        ("(module (type (struct)))", "app.wasm uses gc (byte 0x"),
        (
            "(module (func (param (ref func))))",
            "app.wasm uses function-references (byte 0x",
        ),
    ] {
        let engine = Engine::new(Config::new().features(features));
        let binary = wat::parse_str(text).unwrap();
        let error = super::module(&engine, binary, Some("app.wasm".into())).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with(expected), "{text}: {message}");
        assert!(message.contains("switched off"), "{text}: {message}");
    }
    let component = refused(b"\0asm\x0d\0\x01\0");
    assert!(
        component.starts_with("app.wasm uses component-model (byte 0x4)"),
        "{component}"
    );
}

#[test]
fn what_is_not_a_module_is_refused_with_its_place() {
    assert_eq!(refused(b""), "app.wasm: the file is empty (byte 0x0)");
    assert_eq!(
        refused(b"\x7fELF\x02\x01\x01"),
        "app.wasm: magic header not detected: a module starts with the bytes 00 61 73 6d (byte 0x0)"
    );
    assert!(refused(b"\0asm\x01\0\0\0\x01\xff").contains("(byte 0x"));
    assert!(refused(b"\0asm\x02\0\0\0").contains("version"));
}

#[test]
fn eager_translation_gives_the_same_results() {
    let engine = Engine::new(Config::new().eager_translation(true));
    let text = "(module (func $g (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
        (func (export \"f\") (param i32) (result i32) (call $g (call $g (local.get 0)))) (func (result i32) unreachable))";
    let module = crate::Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let mut app = crate::Linker::new(&engine).instantiate(&module).unwrap();
    assert_eq!(app.func::<i32, i32>("f").unwrap().call(10).unwrap(), 40);
}

#[cfg(feature = "wat")]
#[test]
fn the_text_format_is_refused_with_line_and_column() {
    let error = crate::Module::new(&Engine::default(), "(module (func (i32.bad)))").unwrap_err();
    assert!(error.to_string().contains("1:16"), "{error}");
}

#[test]
fn of_several_errors_the_first_in_the_file_is_reported_by_any_number_of_threads() {
    // 40,000 functions, two of them wrong, and a data segment for a memory that is not there.
    let mut text = String::from("(module ");
    for at in 0..40_000 {
        text.push_str(match at {
            30_000 | 39_999 => "(func (result i32) (i64.const 1))",
            _ => "(func (result i32) (i32.add (i32.const 1) (i32.const 2)) (i32.add (i32.const 1000)))",
        });
    }
    text.push_str("(data (i32.const 0) \"x\"))");
    let binary = wat::parse_str(&text).unwrap();
    let messages = [1, 2, 7].map(|threads| {
        let engine = Engine::new(Config::new().validation_threads(threads));
        crate::Module::new(&engine, &binary).unwrap_err().to_string()
    });
    assert!(
        messages[0].starts_with("type mismatch: expected i32, found i64 (byte 0x"),
        "{}",
        messages[0]
    );
    assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?}");
}

#[test]
fn a_switched_off_feature_is_named() {
    let engine = Engine::new(Config::new().features(Features::wasm1()));
    for (text, proposal) in [
        ("(module (func (result i32 i32) unreachable))", "multi-value"),
        ("(module (func $f return_call $f))", "tail-call"),
        ("(module (memory 1) (memory 1))", "multi-memory"),
        ("(module (func (param externref)))", "reference-types"),
        ("(module (tag))", "exceptions"),
        ("(module (func try_table end))", "exceptions"),
        ("(module (func try end))", "legacy-exceptions"),
    ] {
        let error = crate::Module::new(&engine, wat::parse_str(text).unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains(proposal), "{text}: {error}");
        crate::Module::new(&Engine::default(), wat::parse_str(text).unwrap()).unwrap();
    }
}

#[test]
fn names_come_from_the_name_section_and_a_broken_one_is_no_error() {
    let binary = wat::parse_str("(module $m (import \"e\" \"f\" (func)) (func $g) (func (export \"h\")))").unwrap();
    let module = crate::Module::new(&Engine::default(), &binary).unwrap();
    assert_eq!(module.name(), Some("m"));
    assert_eq!((module.func_name(0), module.func_name(1)), (Some("f"), Some("g")));
    assert_eq!((module.func_name(2), module.func_name(3)), (Some("h"), None));
    let at = binary.windows(4).position(|part| part == b"name").unwrap() + 4;
    for cut in [
        &b"\xff\xff\xff\xff\x0f"[..],
        b"\x01\x80",
        b"\x01\x05\xff\xff\xff\x7f\x00",
    ] {
        let mut broken = binary[..at - 7].to_vec();
        broken.extend([0, 5 + cut.len() as u8, 4]);
        broken.extend(b"name");
        broken.extend(cut);
        let module = crate::Module::new(&Engine::default(), &broken).unwrap();
        assert_eq!((module.name(), module.func_name(1)), (None, None));
    }
}

#[test]
fn imports_and_exports_are_listed_with_their_types() {
    let text = "(module (import \"a\" \"m\" (memory 1 2)) (import \"a\" \"f\" (func (param i32)))
        (global (export \"g\") (mut i64) (i64.const 1)) (export \"f2\" (func 0)))";
    let module = crate::Module::new(&Engine::default(), wat::parse_str(text).unwrap()).unwrap();
    let imports: Vec<String> = module
        .imports()
        .map(|i| format!("{} {} {}", i.module, i.name, i.ty))
        .collect();
    assert_eq!(imports, ["a m (memory 1 2)", "a f (func (param i32))"]);
    let exports: Vec<String> = module.exports().map(|e| format!("{} {}", e.name, e.ty)).collect();
    assert_eq!(exports, ["g (global (mut i64))", "f2 (func (param i32))"]);
    assert!(matches!(module.exports().len(), 2));
    assert!(module.inner.export("f2").is_some() && module.inner.export("f").is_none());
    assert!(matches!(module.exports().next().unwrap().ty, ExternType::Global(_)));
}

/// `$bad` and `$simd` are not valid; `$good` calls neither.
const PARTLY_INVALID: &str = "(module (type $t (func (result i32)))
    (func $good (export \"good\") (type $t) (i32.const 7))
    (func $bad (export \"bad\") (type $t) (i32.add (i32.const 1)))
    (func (export \"direct\") (type $t) (call $bad))
    (func (export \"indirect\") (type $t) (call_indirect (type $t) (i32.const 0)))
    (func (export \"tail\") (type $t) (return_call $bad))
    (func $simd (export \"simd\") (drop (v128.const i32x4 0 0 0 0)))
    (table 1 funcref) (elem (i32.const 0) $bad))";

#[test]
fn with_lazy_validation_an_invalid_body_ends_its_first_call_and_every_later_one() {
    let binary = wat::parse_str(PARTLY_INVALID).unwrap();
    let without_simd = Config::new().features(Features::default().simd(false));
    let engine = Engine::new(without_simd.lazy_validation(true));
    let module = super::module(&engine, binary.clone(), Some("app.wasm".into())).unwrap();
    let linker = crate::Linker::new(&engine);
    let mut first = linker.instantiate(&module).unwrap();
    let mut second = linker.instantiate(&module).unwrap();
    let bad = "app.wasm: function 1 `bad`: type mismatch: expected i32 but nothing on stack (byte 0x68)";
    for executor in [&mut first, &mut second] {
        for _ in 0..2 {
            for name in ["bad", "direct", "indirect", "tail"] {
                let error = executor.invoke(name, &[]).unwrap_err();
                assert!(matches!(error, Error::Decode(_)), "{name}: {error}");
                assert_eq!(error.to_string(), bad, "{name}");
            }
            assert_eq!(executor.invoke("good", &[]).unwrap()[0].i32(), Some(7));
        }
        let error = executor.invoke("simd", &[]).unwrap_err().to_string();
        assert!(error.starts_with("app.wasm uses simd (byte 0x"), "{error}");
    }
    assert!(module.listing(0).is_some() && module.listing(1).is_none());

    let eager = Engine::new(Config::new().lazy_validation(true).eager_translation(true));
    let error = super::module(&eager, binary.clone(), Some("app.wasm".into())).unwrap_err();
    assert_eq!(error.to_string(), bad);
    assert!(super::module(&Engine::default(), binary, None).is_err());
}

#[test]
fn with_lazy_validation_everything_but_bodies_is_validated_at_once() {
    let engine = Engine::new(Config::new().lazy_validation(true));
    for text in [
        "(module (func (export \"f\")) (export \"f\" (func 0)))",
        "(module (global i32 (i64.const 0)))",
        "(module (func) (start 1))",
        "(module (func (type 3)) (type (func)))",
    ] {
        assert!(
            super::module(&engine, wat::parse_str(text).unwrap(), None).is_err(),
            "{text}"
        );
    }
    // A start function is called at once.
    let start = wat::parse_str("(module (func $f drop) (start $f))").unwrap();
    let module = super::module(&engine, start, None).unwrap();
    let error = crate::Linker::new(&engine).instantiate(&module).unwrap_err();
    assert!(
        error.to_string().starts_with("function 0 `f`: type mismatch"),
        "{error}"
    );
}

#[test]
fn branch_hints_are_passed_over_whatever_they_say() {
    let module = wat::parse_str("(module (func (param i32) (if (local.get 0) (then))))").unwrap();
    // Before the code, as they stand in files: one that fits, one for a function that is not there, and no hints at all.
    for hints in [
        &[1, 0, 1, 3, 1, 1][..],
        &[2, 0, 1, 3, 1, 7, 200, 1, 0],
        &[0xff, 0xff, 0xff, 0xff, 0xff],
        &[],
    ] {
        let name = b"metadata.code.branch_hint";
        let mut section = vec![0, (1 + name.len() + hints.len()) as u8, name.len() as u8];
        section.extend(name);
        section.extend(hints);
        let code = module.windows(2).rposition(|bytes| bytes[0] == 10).unwrap();
        let mut hinted = module.clone();
        hinted.splice(code..code, section);
        super::module(&Engine::default(), hinted, None).unwrap();
    }
}
