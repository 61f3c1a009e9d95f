//! Every errno that `docs/wasi.md` names for a function is provoked by a guest (`guests/errnos.c`).

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use wasmrun::{Engine, Linker, WasiEnv};

use crate::runner::guest;

/// What no guest can bring about.
const OUT_OF_REACH: [(&str, &str, &str); 3] = [
    ("args_sizes_get", "overflow", "needs arguments of 4 GiB"),
    ("environ_sizes_get", "overflow", "needs variables of 4 GiB"),
    ("random_get", "io", "needs an operating system without a generator"),
];

/// Functions that do not fail, or do not return.
const WITHOUT_ERRNOS: [&str; 3] = ["proc_exit", "proc_raise", "sched_yield"];

/// What the documentation says of functions with a path, above its table of functions and below.
const OF_PATHS: [&str; 9] = [
    "badf",
    "fault",
    "ilseq",
    "inval",
    "nametoolong",
    "noent",
    "notcapable",
    "notdir",
    "perm",
];

/// The errnos of each function in the documentation's table; those in italics are the host's file system's.
fn documented() -> Vec<(String, Vec<String>)> {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/wasi.md")).unwrap();
    let rows = docs.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.filter_map(|row| {
        let (name, row) = row.split_once('`')?;
        let mut cells = row.split('|').skip(1);
        let (state, errnos) = (cells.next()?, cells.next()?);
        ["done", "partial", "absent"]
            .contains(&state.trim())
            .then_some((name, errnos))
    });
    rows.map(|(name, errnos)| {
        let plain = errnos.split('*').step_by(2).collect::<String>();
        (
            name.to_owned(),
            plain.split('`').skip(1).step_by(2).map(str::to_owned).collect(),
        )
    })
    .collect()
}

#[test]
fn every_errno_in_the_documentation_comes() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("dir");
    for path in ["sub", "empty"] {
        std::fs::create_dir_all(dir.join(path)).unwrap();
    }
    std::fs::write(dir.join("file"), "text").unwrap();
    std::fs::write(dir.join("sub/inner"), "").unwrap();
    std::os::unix::fs::symlink("file", dir.join("link")).unwrap();
    std::os::unix::fs::symlink("loop", dir.join("loop")).unwrap();
    assert!(Command::new("mkfifo").arg(dir.join("fifo")).status().unwrap().success());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _waiting = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let builder = WasiEnv::builder()
        .args(["errnos"])
        .env("A", "1")
        .stdin("input")
        .max_open_files(64);
    let builder = builder.dir(&dir, "/").unwrap().dir_read_only(&dir, "/ro").unwrap();
    let builder = builder.dir("/dev", "/dev").unwrap().listener(listener).unwrap();
    let builder = builder.listener(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    let env = builder.capture_stdout().capture_stderr().build();
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.wasi(&env).unwrap();
    linker
        .instantiate(&guest(&engine, "errnos.wasm"))
        .unwrap()
        .run()
        .unwrap();
    assert_eq!(env.stderr_str().unwrap(), "", "what came otherwise than expected");
    assert_eq!(std::fs::read(dir.join("file")).unwrap(), b"text", "nothing was changed");

    let came = env.stdout_str().unwrap().to_lowercase();
    let came: BTreeSet<(&str, &str)> = came.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let functions = documented();
    assert_eq!(functions.len(), wasmrun::wasi::FUNCTIONS.len());
    let out_of_reach = |name: &str, errno: &str| OUT_OF_REACH.iter().any(|(n, e, _)| (*n, *e) == (name, errno));
    for (name, errnos) in &functions {
        let mut expected: Vec<&str> = errnos.iter().map(String::as_str).collect();
        if name.starts_with("path_") {
            expected.extend(OF_PATHS);
        }
        if name.starts_with("fd_") || name.starts_with("sock_") {
            expected.push("badf");
        }
        for errno in expected {
            let known = WITHOUT_ERRNOS.contains(&name.as_str()) || out_of_reach(name, errno);
            assert!(known || came.contains(&(name, errno)), "{name} is never `{errno}`");
        }
        let any = came.iter().any(|(function, _)| function == name);
        assert!(any || WITHOUT_ERRNOS.contains(&name.as_str()), "{name} never fails");
    }
}
