//! What a guest's output does to a terminal, tried on a pseudo-terminal: nothing but text, colours and cursor movement
//! gets there, and pipes get every byte.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::run::Dir;

/// A new terminal: the side that shows, and the side for programs.
fn terminal() -> (File, File) {
    let shown = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&shown).expect("it is ours");
    unlockpt(&shown).expect("it is ours");
    let name = ptsname(&shown, Vec::new()).expect("it has a name").into_bytes();
    let programs = OpenOptions::new()
        .read(true)
        .write(true)
        .open(std::ffi::OsString::from_vec(name))
        .expect("the other side");
    (shown.into(), programs)
}

/// A guest that writes `text` to `fds`, one after the other, `step` bytes at a time.
fn writer(text: &[u8], step: usize, fds: &[u32]) -> String {
    let data: String = text.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let mut writes = String::new();
    for (index, at) in (0..text.len()).step_by(step).enumerate() {
        let (len, fd) = (step.min(text.len() - at), fds[index % fds.len()]);
        writes += &format!(
            "(call $put (i32.const {fd}) (i32.const {}) (i32.const {len}))\n",
            1024 + at
        );
    }
    format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 1024) "{data}")
          (func $put (param $fd i32) (param $at i32) (param $len i32)
            (i32.store (i32.const 0) (local.get $at))
            (i32.store (i32.const 4) (local.get $len))
            (if (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
            ;; All of it is taken, whatever is shown of it.
            (if (i32.ne (i32.load (i32.const 8)) (local.get $len)) (then unreachable)))
          (func (export "_start") {writes}))"#
    )
}

/// What a terminal shows that is stdout and stderr of a run.
fn shown(guest: &str, options: &[&str]) -> Vec<u8> {
    let (mut shown, programs) = terminal();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        // When nobody has the other side any more, reading fails (EIO).
        while let Ok(count @ 1..) = shown.read(&mut part) {
            bytes.extend_from_slice(&part[..count]);
        }
        bytes
    });
    let dir = Dir::with("a.wat", guest);
    let run = dir.wasmrun([options, &["a.wat"]].concat());
    let out = run.outputs(programs.try_clone().expect("a descriptor"), programs).run();
    assert_eq!(out.code(), 0, "{out}");
    reader.join().expect("it does not panic")
}

const HOSTILE: &[u8] =
    b"a\x1b]0;title\x07b\x1b]52;c;ZQ==\x1b\\c\x1bPq\x1b\\d\x9b2Je\xc2\x9d0;x\x9cf\x1b[6n\x1b[2Jg\x1bc\x05h";
const HARMLESS: &str = "\x1b[1;31mröt\x1b[0m \x1b[2A\x1b[K🦀 done";

#[test]
fn only_what_is_harmless_gets_to_a_terminal() {
    let hostile = "a^[]0;title\x07b^[]52;c;ZQ==^[\\c^[Pq^[\\d\u{fffd}2Je\u{fffd}0;x\u{fffd}f\u{67}^[c^Eh";
    for step in [HOSTILE.len(), 1, 3] {
        for fd in [1, 2] {
            let seen = shown(&writer(HOSTILE, step, &[fd]), &[]);
            assert_eq!(String::from_utf8_lossy(&seen), hostile, "by {step}");
            let seen = shown(&writer(HARMLESS.as_bytes(), step, &[fd]), &[]);
            assert_eq!(String::from_utf8_lossy(&seen), HARMLESS, "by {step}");
        }
    }
}

#[test]
fn two_streams_cannot_put_a_sequence_together() {
    let seen = shown(&writer(b"\x1b]]0;x\x1b\x07", 1, &[1, 2]), &[]);
    assert!(!seen.contains(&0x1b), "{}", seen.escape_ascii());
}

#[test]
fn raw_terminal_lets_everything_through() {
    let seen = shown(&writer(HOSTILE, 7, &[1]), &["--raw-terminal"]);
    assert_eq!(seen.escape_ascii().to_string(), HOSTILE.escape_ascii().to_string());
}

#[test]
fn pipes_and_files_get_every_byte() {
    let dir = Dir::with("a.wat", writer(HOSTILE, 5, &[1]));
    let path = dir.path("out");
    let file = File::create(&path).expect("a file");
    let out = dir.wasmrun(["a.wat"]).outputs(file, std::process::Stdio::piped()).run();
    assert_eq!(out.code(), 0, "{out}");
    assert_eq!(std::fs::read(&path).expect("it is there"), HOSTILE);
    let ascii = b"\x1b]0;title\x07\x1b[2J\0\x05";
    let out = Dir::with("a.wat", writer(ascii, 2, &[1])).wasmrun(["a.wat"]).run();
    assert_eq!(out.stdout.as_bytes(), ascii);
}

#[test]
fn much_output_gets_to_a_terminal_whole() {
    let line = "0123456789 \x1b[32mgreen\x1b[0m größe\n";
    let text = line.repeat(1500);
    let seen = shown(&writer(text.as_bytes(), 20_000, &[1]), &[]);
    // The terminal makes each line feed a return and a line feed.
    assert_eq!(String::from_utf8_lossy(&seen).replace("\r\n", "\n"), text);
}
