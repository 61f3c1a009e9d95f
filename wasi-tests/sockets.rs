//! A server in a guest, on a socket the embedder granted.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use wasmrun::{Engine, Error, Linker, WasiEnv};

use crate::runner::{guest, here};

fn ask(addr: SocketAddr) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: guest\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_guest_answers_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    // A directory as well: the C library looks for those first, and must not stop at the socket.
    let builder = WasiEnv::builder()
        .listener(listener)
        .unwrap()
        .dir(here("cases"), "/")
        .unwrap();
    let env = builder.args(["listen", "3"]).capture_stderr().build();
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.wasi(&env).unwrap();
    let mut app = linker.instantiate(&guest(&engine, "listen.wasm")).unwrap();
    let server = std::thread::spawn(move || app.run());
    for served in 1..=3 {
        assert_eq!(ask(addr), format!("request {served}\n"));
    }
    server.join().unwrap().unwrap();
    assert_eq!(env.stderr_str().unwrap(), "");
}

#[test]
fn without_a_grant_there_is_no_socket() {
    let env = WasiEnv::builder().args(["listen"]).capture_stderr().build();
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.wasi(&env).unwrap();
    let outcome = linker.instantiate(&guest(&engine, "listen.wasm")).unwrap().run();
    assert!(matches!(outcome, Err(Error::Exit(1))));
    assert_eq!(env.stderr_str().unwrap(), "no listening socket was granted\n");
}
