//! Servers in guests, on addresses of `--listen`, with clients out here.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use super::run::{Dir, guest};

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(super::run::GIVE_UP)).expect("a timeout");
    stream
}

fn exchange(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).expect("it is received");
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).expect("it comes back");
    assert_eq!(back, text.as_bytes());
}

fn end(mut stream: TcpStream) {
    stream.shutdown(Shutdown::Write).expect("the end can be sent");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the end is seen");
    assert_eq!(rest, b"");
}

/// Several listeners beside a directory, several connections at once, and one poll for all of them.
#[test]
fn one_guest_serves_many_without_blocking() {
    let dir = Dir::new();
    for suffix in ["", "::nonblock"] {
        let first = format!("127.0.0.1:0{suffix}");
        let options = ["exec", "--dir", ".::/", "--listen", &first, "--listen", "localhost:0"];
        let guest = guest("echo.wasm");
        let server = dir.wasmrun(options.iter().chain(&[guest.as_str(), "3"])).start();
        let addresses = server.addresses(2);
        let mut streams: Vec<TcpStream> = [0, 1, 0].map(|which| connect(addresses[which])).into();
        for round in 0..3 {
            for stream in streams.iter_mut().rev() {
                exchange(stream, &format!("round {round}\n"));
            }
        }
        streams.into_iter().for_each(end);
        let output = server.end();
        assert_eq!((output.code(), output.stdout.as_str()), (0, ""), "{output}");
    }
}

#[test]
fn an_address_in_use_is_an_error_of_its_own() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let dir = Dir::new();
    let output = dir.wasmrun(["exec", "--listen", &address, &guest("echo.wasm")]).run();
    assert_eq!(output.code(), 1, "{output}");
    let message = output.stderr.replace(&address, "ADDRESS");
    insta::assert_snapshot!(message, @"error: cannot listen on `ADDRESS`: the address is in use; end what listens there, or choose another port");
}

#[test]
fn what_is_no_address_is_refused_before_anything_runs() {
    let dir = Dir::new();
    for address in [
        "8080",
        ":8080",
        "127.0.0.1",
        "::1:80",
        "localhost:http",
        "localhost:70000",
        "a:1::block",
    ] {
        let output = dir.wasmrun(["exec", "--listen", address, "missing.wasm"]).run();
        assert_eq!(output.code(), 2, "{output}");
        assert!(output.stderr.contains("it must be HOST:PORT"), "{output}");
    }
    let output = dir
        .wasmrun(["exec", "--listen", "256.0.0.1:80", &guest("echo.wasm")])
        .run();
    assert_eq!(output.code(), 1, "{output}");
    assert!(output.stderr.contains("cannot listen on `256.0.0.1:80`"), "{output}");
}

/// The guest's variable counts the guest's listeners, whatever we were started with.
#[test]
fn the_number_of_listeners_is_a_variable() {
    let dir = Dir::with("environ.wat", super::guests::environ());
    let listen = ["--listen", "127.0.0.1:0"];
    let run = |options: &[&str]| {
        let words = ["exec"].iter().chain(&listen).chain(options).chain(&["environ.wat"]);
        let output = dir.wasmrun(words).env("LISTEN_FDS", "7").run();
        assert_eq!(output.code(), 0, "{output}");
        output.stdout
    };
    assert_eq!(run(&[]), "LISTEN_FDS=1\n");
    assert_eq!(run(&listen), "LISTEN_FDS=2\n");
    assert_eq!(run(&["--inherit-env"]), "LISTEN_FDS=1\n");
    assert_eq!(run(&["--env", "LISTEN_FDS=first"]), "LISTEN_FDS=first\n");
}
