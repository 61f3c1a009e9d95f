//! What embedders see: output after a trap, exit codes through wrapping, several programs at once.

use std::sync::{Arc, Mutex};

use wasmrun::{Engine, Error, Executor, Linker, MemFs, Module, Trap, WasiEnv, create_wasi_linker};

use crate::runner::guest;

#[test]
fn output_is_there_after_a_trap() {
    let env = Arc::new(Mutex::new(WasiEnv::new()));
    let linker = create_wasi_linker(env.clone());
    let mut app = Executor::new_with_linker(guest(&Engine::default(), "trap.wat"), linker).unwrap();
    let err = app.run().unwrap_err();
    assert_eq!(err.trap(), Some(Trap::Unreachable));
    assert_eq!(env.lock().unwrap().get_stdout(), b"before");
}

#[test]
fn an_exit_code_survives_wrapping() {
    #[derive(Debug, thiserror::Error)]
    #[error("the program failed")]
    struct Wrapped(#[source] Error);

    let env = WasiEnv::new().with_args(vec!["exit".into(), "300".into()]);
    let linker = create_wasi_linker(Arc::new(Mutex::new(env.clone())));
    let mut app = Executor::new_with_linker(guest(&Engine::default(), "exit.wasm"), linker).unwrap();
    let err = app.run().unwrap_err();
    assert_eq!(Executor::is_proc_exit(&err), Some(300));
    assert_eq!(Executor::is_proc_exit(&Wrapped(err)), Some(300));
    assert_eq!(env.get_stdout(), b"leaving");
}

#[test]
fn the_environment_in_the_mutex_counts_when_a_call_is_made() {
    let env = Arc::new(Mutex::new(WasiEnv::new()));
    let linker = create_wasi_linker(env.clone());
    let module = guest(&Engine::default(), "argv.wasm");
    for word in ["one", "two"] {
        *env.lock().unwrap() = WasiEnv::new().with_args(vec![word.into()]);
        Executor::new_with_linker(module.clone(), linker.clone())
            .unwrap()
            .run()
            .unwrap();
        assert_eq!(env.lock().unwrap().stdout_str().unwrap(), format!("{word}\n"));
    }
}

#[test]
fn programs_run_beside_each_other_without_sharing_anything() {
    let engine = Engine::default();
    let module: Module = guest(&engine, "cat.wasm");
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (engine, module) = (&engine, &module);
            scope.spawn(move || {
                let text = format!("{n} ").repeat(50_000);
                let env = WasiEnv::builder().stdin(text.clone()).capture_stdout().build();
                let mut linker = Linker::new(engine);
                linker.wasi(&env).unwrap();
                linker.instantiate(module).unwrap().run().unwrap();
                assert_eq!(env.stdout_str().unwrap(), text);
            });
        }
    });
}

#[test]
fn output_can_be_looked_at_while_the_guest_waits() {
    let (reader, writer) = std::io::pipe().unwrap();
    let env = WasiEnv::builder()
        .stdin(wasmrun::Stdin::reader(reader))
        .capture_stdout()
        .build();
    let shared = Arc::new(Mutex::new(env));
    let mut app = Executor::new_with_linker(
        guest(&Engine::default(), "cat.wasm"),
        create_wasi_linker(shared.clone()),
    )
    .unwrap();
    let thread = std::thread::spawn(move || app.run());
    let mut writer = writer;
    std::io::Write::write_all(&mut writer, b"seen").unwrap();
    while shared.lock().unwrap().get_stdout() != b"seen" {
        std::thread::yield_now();
    }
    drop(writer);
    thread.join().unwrap().unwrap();
}

#[test]
fn nothing_of_this_process_is_passed_on() {
    let env = WasiEnv::new();
    let linker = create_wasi_linker(Arc::new(Mutex::new(env.clone())));
    let mut app = Executor::new_with_linker(guest(&Engine::default(), "envdump.wasm"), linker).unwrap();
    assert!(std::env::vars_os().next().is_some());
    app.run().unwrap();
    assert_eq!(env.get_stdout(), b"");
}

#[test]
fn a_guest_of_64_bits_reaches_the_functions_by_addresses_of_32_and_is_refused_with_others() {
    let engine = Engine::default();
    let program = |address: &str| {
        let text = format!(
            "(module (import \"wasi_snapshot_preview1\" \"fd_write\"
                    (func $write (param i32 {address} {address} {address}) (result i32)))
                (memory (export \"memory\") i64 1)
                (data (i64.const 8) \"\\10\\00\\00\\00\\05\\00\\00\\00hello\")
                (func (export \"_start\") (drop (call $write (i32.const 1)
                    ({address}.const 8) ({address}.const 1) ({address}.const 32)))))"
        );
        Module::new(&engine, text).unwrap()
    };
    let env = WasiEnv::new();
    let mut linker = Linker::new(&engine);
    linker.wasi(&env).unwrap();
    linker.instantiate(&program("i32")).unwrap().run().unwrap();
    assert_eq!(env.get_stdout(), b"hello");
    let error = linker.instantiate(&program("i64")).unwrap_err();
    assert!(matches!(error, Error::Link(_)), "{error}");
    assert!(error.to_string().contains("(param i32 i64 i64 i64)"), "{error}");
}

/// Runs `fsop` on files in memory; what it printed, and its exit code.
fn fsop(module: &Module, engine: &Engine, files: &MemFs, words: &[&str]) -> (String, u32) {
    let env = WasiEnv::builder()
        .args(["fsop"].iter().chain(words))
        .mount(files, "/")
        .capture_stdout()
        .build();
    let mut linker = Linker::new(engine);
    linker.wasi(&env).unwrap();
    let code = match linker.instantiate(module).unwrap().run() {
        Ok(()) => 0,
        Err(Error::Exit(code)) => code,
        Err(other) => panic!("{other}"),
    };
    (env.stdout_str().unwrap(), code)
}

#[test]
fn programs_work_one_after_the_other_on_files_in_memory() {
    let engine = Engine::default();
    let module = guest(&engine, "fsop.wasm");
    let files = MemFs::with_limit(2000);
    let run = |words: &[&str]| fsop(&module, &engine, &files, words);
    files.write("in/a", "text").unwrap();
    assert_eq!(run(&["cat", "/in/a"]), ("text".into(), 0));
    assert_eq!(run(&["mv", "/in/a", "/b"]), (String::new(), 0));
    assert_eq!(run(&["append", "/b", " and more"]), (String::new(), 0));
    assert_eq!(run(&["ln", "/b", "/in/c"]), (String::new(), 0));
    assert_eq!(run(&["symlink", "in/c", "/l"]), (String::new(), 0));
    assert_eq!(run(&["cat", "/l"]), ("text and more".into(), 0));
    assert_eq!(run(&["rm", "/b"]), (String::new(), 0));
    assert_eq!(run(&["ls", "/"]), (".\n..\nin\nl\n".into(), 0));
    assert_eq!(run(&["touch", "/l", "5"]), (String::new(), 0));
    assert_eq!(run(&["stat", "/in/c"]), ("file 13 5\n".into(), 0));
    assert_eq!(run(&["truncate", "/l", "3000"]).1, 1, "beyond the limit");
    assert_eq!(run(&["cat", "/in/../../x"]), ("cat: EPERM\n".into(), 1));
    assert_eq!(files.read("/in/c").unwrap(), b"text and more");
    assert_eq!(files.list("/").unwrap(), ["in", "l"]);
}

#[test]
fn programs_work_side_by_side_on_files_in_memory() {
    let engine = Engine::default();
    let module = guest(&engine, "fsop.wasm");
    let files = MemFs::new();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (engine, module, files) = (&engine, &module, &files);
            scope.spawn(move || {
                for round in 0..20 {
                    let (path, text) = (format!("/{n}"), format!("{n} {round}"));
                    assert_eq!(fsop(module, engine, files, &["write", &path, &text]).1, 0);
                    assert_eq!(fsop(module, engine, files, &["append", "/all", "x"]).1, 0);
                    assert_eq!(fsop(module, engine, files, &["cat", &path]), (text, 0));
                }
            });
        }
    });
    assert_eq!(files.read("all").unwrap().len(), 160, "appending loses nothing");
}
