//! `wasi_unstable`: what is laid out differently there, seen from a guest that was written for it.

use std::net::TcpListener;
use std::time::{Duration, SystemTime};

use wasmrun::{Engine, Executor, Linker, Module, WasiEnv, wasi};

use crate::runner::guest;

fn program(env: &WasiEnv) -> Executor {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.wasi(env).unwrap();
    linker.instantiate(&guest(&engine, "preview0.wat")).unwrap()
}

/// Runs an export with the directory and the file that it expects.
fn check(name: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(dir.path().join("f")).unwrap();
    std::io::Write::write_all(&mut &file, b"0123456789").unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(1500))
        .unwrap();
    let env = WasiEnv::builder().dir(dir.path(), "/").unwrap().build();
    let step = program(&env).func::<(), i32>(name).unwrap().call(()).unwrap();
    assert_eq!(step, 0, "{name} goes wrong in step {step}");
}

#[test]
fn whence_is_cur_end_set() {
    check("whence");
}

#[test]
fn a_filestat_has_56_bytes() {
    check("filestat");
}

#[test]
fn a_subscription_has_56_bytes_and_a_clock_an_identifier() {
    check("subscription");
}

#[test]
fn there_is_no_right_to_accept() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let env = WasiEnv::builder().listener(listener).unwrap().build();
    let rights = program(&env)
        .func::<i32, i64>("unknown_rights")
        .unwrap()
        .call(3)
        .unwrap();
    assert_eq!(rights, 0);
}

#[test]
fn all_functions_but_sock_accept_are_there_with_the_same_types() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.wasi(&WasiEnv::new()).unwrap();
    let module = |text: String| Module::new(&engine, text).unwrap();
    for function in wasi::FUNCTIONS {
        // A type that none has, so that the linker says which one the function has.
        let type_in = |version: &str| {
            let text = format!(
                r#"(module (import "{version}" "{}" (func (param f32))))"#,
                function.name
            );
            let err = linker.instantiate(&module(text)).map(|_| ()).unwrap_err();
            err.to_string().replace(version, "")
        };
        let (old, new) = (type_in(wasi::UNSTABLE_MODULE), type_in(wasi::MODULE));
        assert_eq!(old == new, function.name != "sock_accept", "{old}\n{new}");
    }
    let old =
        module(r#"(module (import "wasi_unstable" "sock_accept" (func (param i32 i32 i32) (result i32))))"#.into());
    assert!(linker.instantiate(&old).is_err());
}
