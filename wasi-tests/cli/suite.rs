//! The situations of the official Preview 1 suite, told by guests of our own (`guests/suite_*.c`), each with standard
//! input as a file, a pipe, /dev/null and closed, its directory granted as `/` and under its own name; those about
//! descriptors and paths also in a directory in memory.

use std::path::Path;

use crate::run::{Dir, Output};

/// What the guests find in their directory, and leave as it is.
const FILES: [(&str, &str); 6] = [
    ("file", "text"),
    ("fopendir.dir/file-0", ""),
    ("fopendir.dir/file-1", ""),
    ("lseek.txt", "01234567"),
    ("pread.txt", "pread-test"),
    ("writeable/.keep", ""),
];

/// How standard input is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stdin {
    File,
    /// With bytes in it.
    Pipe,
    /// That stays open and empty.
    Silence,
    Null,
    Closed,
}

const STDINS: [Stdin; 5] = [Stdin::File, Stdin::Pipe, Stdin::Silence, Stdin::Null, Stdin::Closed];

/// Runs `wasmrun exec OPTIONS guests/GUEST ARGS` in a directory with the files.
fn run(dir: &Dir, stdin: Stdin, options: &[&str], guest: &str, args: &[&str]) -> Output {
    let guest = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("wasi-tests/guests")
        .join(guest);
    let words = ["exec"].iter().chain(options).copied();
    let words = words.chain([guest.to_str().unwrap()]).chain(args.iter().copied());
    let run = dir.wasmrun(words);
    match stdin {
        Stdin::File => run.stdin_file("stdin.txt"),
        Stdin::Pipe => run.stdin("some input\n"),
        Stdin::Silence => run.silent_stdin(),
        Stdin::Null => run,
        Stdin::Closed => run.closed_stdin(),
    }
    .run()
}

fn directory() -> Dir {
    let dir = Dir::with("stdin.txt", "some input\n");
    for (name, text) in FILES {
        dir.write(&format!("fs-tests.dir/{name}"), text);
    }
    dir
}

/// All files and directories below, but for `.` and `..`.
fn listing(dir: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            listing(&entry.path(), found);
        } else {
            found.push(entry.path().display().to_string());
        }
    }
    found.sort();
}

/// A situation with a directory: it ends well, and leaves nothing behind.
#[track_caller]
fn holds_in_directory(guest: &str, situation: &str) {
    let dir = directory();
    let before = files(&dir);
    // Every other kind of input with every other name: all pairs would take twice as long and tell nothing new.
    let as_root = (["--dir", "fs-tests.dir::/"], [situation, "/"]);
    let by_its_name = (["--dir", "fs-tests.dir"], [situation, "fs-tests.dir"]);
    for (stdin, (options, args)) in STDINS.into_iter().zip([as_root, by_its_name].into_iter().cycle()) {
        let output = run(&dir, stdin, &options, guest, &args);
        assert_eq!(output.code(), 0, "{options:?}, {stdin:?}: {output}");
        assert_eq!(output.stderr, "", "{options:?}, {stdin:?}");
        assert_eq!(files(&dir), before, "{options:?}, {stdin:?}");
    }
}

/// The same in a directory that is the guest's own, in memory.
#[track_caller]
fn holds_in_memory(guest: &str, situation: &str) {
    let output = run(&Dir::new(), Stdin::Null, &["--tmp"], guest, &[situation, "/tmp"]);
    assert_eq!((output.code(), output.stderr.as_str()), (0, ""), "{output}");
}

fn files(dir: &Dir) -> Vec<String> {
    let mut found = Vec::new();
    listing(&dir.path("."), &mut found);
    found
}

/// A situation without a directory, and what is seen of it.
#[track_caller]
fn holds(options: &[&str], guest: &str, args: &[&str], code: i32, stdout: &str) {
    let dir = directory();
    for stdin in STDINS {
        let output = run(&dir, stdin, options, guest, args);
        assert_eq!(output.code(), code, "{stdin:?}: {output}");
        assert_eq!(output.stdout, stdout, "{stdin:?}");
        assert_eq!(output.stderr, "", "{stdin:?}");
    }
}

/// One test per situation, in a module per guest; and one that the guest has no other.
macro_rules! in_directory {
    ($module:ident, $guest:literal: $($situation:ident)*) => {
        mod $module {
            $(#[test] fn $situation() {
                super::holds_in_directory(concat!($guest, ".wasm"), stringify!($situation));
                super::holds_in_memory(concat!($guest, ".wasm"), stringify!($situation));
            })*

            #[test]
            fn every_situation_is_listed() {
                super::assert_listed($guest, &[$(stringify!($situation)),*]);
            }
        }
    };
}

/// Compares the situations listed here with those in the guest's source.
#[track_caller]
fn assert_listed(guest: &str, listed: &[&str]) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("wasi-tests/guests")
        .join(guest);
    let source = std::fs::read_to_string(source.with_extension("c")).unwrap();
    let table = source
        .split_once("situations[] = {")
        .unwrap()
        .1
        .split_once("};")
        .unwrap()
        .0;
    let found: Vec<&str> = table.split('"').skip(1).step_by(2).collect();
    assert_eq!(found, listed);
}

in_directory! { fd, "suite_fd":
    close_granted
    renumber_onto_granted
    renumber
    renumber_streams
    directory_is_no_file
    directory_has_no_seek
    advise
    allocate
    set_rights
    set_size_and_times
    times_given_twice
    append_and_not
    readdir
    pread_pwrite
    seek_tell
    writes_are_seen_at_once
    file_is_no_terminal
}

in_directory! { path, "suite_path":
    removed_and_made_again
    dangling_link
    link_loop
    link_not_followed
    odd_paths
    kinds
    flags_and_times
    times_of_links
    hard_link
    hard_link_to_link
    create_existing
    below_a_file
    missing
    directory_nonblocking
    rights_of_grants
    opened_for
    rename
    rename_with_slashes
    symlink
    symlink_with_slashes
    readlink
    remove_with_slashes
    remove_full_directory
    unlink_with_slashes
    truncate_by_path
    truncate_when_opened
}

mod libc {
    use super::{holds, holds_in_directory};

    macro_rules! in_directory {
        ($($situation:ident)*) => {
            $(#[test] fn $situation() { holds_in_directory("suite_libc.wasm", stringify!($situation)); })*
        };
    }

    in_directory! { list_directory open_file seek_in_stream read_at write_at append_at two_files_differ }

    macro_rules! without {
        ($($situation:ident)*) => {
            $(#[test] fn $situation() { holds(&[], "suite_libc.wasm", &[stringify!($situation)], 0, ""); })*
        };
    }

    without! { clock_resolutions clock_readings open_without_grant shutdown_nothing shutdown_stdout }
}

mod world {
    use super::{Stdin, directory, holds, run};

    const GUEST: &str = "suite_world.wasm";

    #[test]
    fn arguments() {
        holds(&[], GUEST, &["first", "the \"second\" one", "3", "arguments"], 0, "");
    }

    #[test]
    fn variables() {
        let options = ["--env", "a=text", "--env", "b=with \" in it", "--env", "c=two\nlines"];
        holds(&options, GUEST, &["variables"], 0, "");
    }

    #[test]
    fn what_is_written_to_stdout_is_seen() {
        holds(&[], GUEST, &["write_stdout"], 0, "hello");
    }

    #[test]
    fn exit_codes() {
        holds(&[], GUEST, &["exit_with_33"], 33, "");
        holds(&[], GUEST, &["exit_with_0"], 0, "");
    }

    macro_rules! plain {
        ($($situation:ident)*) => {
            $(#[test] fn $situation() { holds(&[], GUEST, &[stringify!($situation)], 0, ""); })*
        };
    }

    plain! { no_arguments no_variables write_nowhere random_bytes yield_now poll_outputs }

    /// Only a pipe that stays empty has nothing to say, not even that it has ended.
    #[test]
    fn poll_stdin() {
        for stdin in super::STDINS {
            let output = run(&directory(), stdin, &[], GUEST, &["poll_stdin"]);
            assert_eq!(output.code(), 0, "{stdin:?}: {output}");
            let expected = if stdin == Stdin::Silence { "time\n" } else { "input\n" };
            assert_eq!(output.stdout, expected, "{stdin:?}");
        }
    }
}
