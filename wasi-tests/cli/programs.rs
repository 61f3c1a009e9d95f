//! One program in four languages (`guests/program.*`): files, clocks, random bytes, a server; each through its language's
//! own library.
//!
//! C and Rust run from what is committed. Go and Python are ignored, because their modules are megabytes:
//! ```sh
//! wasi-tests/guests/build.sh program.go
//! WASMRUN_CPYTHON=cpython.wasm cargo test --test cli programs -- --ignored
//! ```
//! `WASMRUN_CPYTHON` is a CPython for WASI whose library is in the module, or beside it in a directory `lib`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use super::run::{Dir, Run, guest};

const FILES: &str =
    "end three\ntext \"one\\nTWO\\n\"\nnames copy deep moved\nsize 8\nmissing Some(NotFound)\nleft false\n";

/// Runs all scripts; `wasmrun` begins a command line with options, a module, and what goes before the script's name.
fn scripts(dir: &Dir, wasmrun: impl Fn(&[&str], &[&str]) -> Run) {
    for (options, script, expected) in [
        (&["--dir", "work::/data"][..], &["files", "/data"][..], FILES),
        (&[], &["clock"], "after 2024 true\nslept true\n"),
        (&[], &["random"], "different true\n"),
    ] {
        let output = wasmrun(options, script).run();
        assert_eq!(
            (output.code(), output.stdout.as_str()),
            (0, expected),
            "{script:?}: {output}"
        );
        assert_eq!(output.stderr, "", "{script:?}");
    }
    let left = std::fs::read_dir(dir.path("work")).expect("it is there").count();
    assert_eq!(left, 0, "nothing is left of the files");
}

fn serves(wasmrun: impl Fn(&[&str], &[&str]) -> Run, listen: &str, fd: &str) {
    let server = wasmrun(&["--listen", listen], &["serve", fd, "2"]).start();
    let [address] = server.addresses(1)[..] else {
        panic!("one address")
    };
    for served in 1..=2 {
        let mut stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(super::run::GIVE_UP)).expect("a timeout");
        stream.write_all(b"GET /page HTTP/1.0\r\n\r\n").expect("it is received");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let body = format!("GET /page HTTP/1.0 is request {served}\n");
        assert_eq!(
            answer,
            format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        );
    }
    let output = server.end();
    assert_eq!((output.code(), output.stdout.as_str()), (0, ""), "{output}");
}

/// A program of its own in `guests/`.
fn program(module: &str, listen: &str) {
    let dir = Dir::new();
    std::fs::create_dir(dir.path("work")).expect("a directory");
    let module = guest(module);
    let wasmrun = |options: &[&str], script: &[&str]| {
        dir.wasmrun(["exec"].iter().chain(options).chain(&[module.as_str()]).chain(script))
    };
    scripts(&dir, wasmrun);
    serves(wasmrun, listen, "3");
}

#[test]
fn c() {
    program("program_c.wasm", "127.0.0.1:0");
}

#[test]
fn rust() {
    program("program_rs.wasm", "127.0.0.1:0");
}

#[test]
#[ignore = "needs guests/build.sh program.go"]
fn go() {
    program("program_go.wasm", "127.0.0.1:0::nonblock");
}

#[test]
#[ignore = "needs WASMRUN_CPYTHON"]
fn python() {
    let module = std::env::var("WASMRUN_CPYTHON").expect("WASMRUN_CPYTHON names a module");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("wasi-tests/guests/program.py");
    let dir = Dir::new();
    dir.write("program.py", std::fs::read(script).expect("the script"));
    std::fs::create_dir(dir.path("work")).expect("a directory");
    let wasmrun = |options: &[&str], script: &[&str]| {
        let options = ["exec", "--dir", ".::/script"].iter().chain(options);
        dir.wasmrun(options.chain(&[module.as_str(), "/script/program.py"]).chain(script))
    };
    scripts(&dir, wasmrun);
}
