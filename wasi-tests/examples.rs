//! The program in `examples/`, run as the README runs it.

use std::path::Path;

use wasmrun::{Engine, Error, Linker, Module, WasiEnv};

/// What `wasmrun exec --dir examples examples/wordcount.wasm -- ARGS` prints.
fn wordcount(args: &[&str]) -> (WasiEnv, Result<(), Error>) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let builder = WasiEnv::builder()
        .arg("wordcount.wasm")
        .args(args)
        .capture_stdout()
        .capture_stderr();
    let env = builder.dir(&examples, "examples").unwrap().build();
    let engine = Engine::default();
    let module = Module::from_file(&engine, examples.join("wordcount.wasm")).unwrap();
    let mut linker = Linker::new(&engine);
    linker.wasi(&env).unwrap();
    let outcome = linker.instantiate(&module).unwrap().run();
    (env, outcome)
}

#[path = "../examples/custom_clock.rs"]
mod custom_clock;

#[test]
fn the_example_of_a_clock_runs() {
    let begun = std::time::Instant::now();
    custom_clock::main().unwrap();
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(30),
        "a minute takes 60 ms"
    );
}

#[test]
fn the_readmes_first_command() {
    let (env, outcome) = wordcount(&["examples/lighthouse.txt"]);
    outcome.unwrap();
    assert_eq!(env.stderr_str().unwrap(), "");
    let stdout = env.stdout_str().unwrap();
    let (counts, time) = stdout.trim_end().rsplit_once('\n').unwrap();
    insta::assert_snapshot!(counts);
    assert!(time.starts_with("counted in ") && time.ends_with(" UTC"), "{time}");
}

#[test]
fn a_missing_file_is_named() {
    let (env, outcome) = wordcount(&["-n", "1", "examples/none.txt"]);
    assert!(matches!(outcome, Err(Error::Exit(1))));
    assert_eq!(
        env.stderr_str().unwrap(),
        "wordcount: examples/none.txt: No such file or directory\n"
    );
}
