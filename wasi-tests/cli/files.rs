//! What `--dir`, `--file`, `--tmp` and the limits on files let a program do.

use super::run::{Dir, guest};

/// `fsop` with options in front; its status and what it printed.
fn fsop(dir: &Dir, options: &[&str], words: &[&str]) -> (i32, String) {
    let program = guest("fsop.wasm");
    let args = options.iter().copied().chain([program.as_str()]);
    let out = dir.wasmrun(args.chain(words.iter().copied())).run();
    assert_eq!(out.stderr, "", "{options:?} {words:?}");
    (out.code(), out.stdout.trim_end().to_owned())
}

fn ok(text: &str) -> (i32, String) {
    (0, text.to_owned())
}

fn no(text: &str) -> (i32, String) {
    (1, text.to_owned())
}

#[test]
fn read_only_directories_are_for_looking_at() {
    let dir = Dir::with("data/f", "text");
    for granted in ["data::/d::ro", "data::ro"] {
        let at = |path: &str| {
            if granted == "data::ro" {
                format!("data/{path}")
            } else {
                format!("/d/{path}")
            }
        };
        let option = ["--dir", granted];
        assert_eq!(fsop(&dir, &option, &["cat", &at("f")]), ok("text"));
        assert_eq!(fsop(&dir, &option, &["write", &at("f"), "x"]), no("write: EROFS"));
        assert_eq!(fsop(&dir, &option, &["append", &at("f"), "x"]), no("write: EROFS"));
        assert_eq!(fsop(&dir, &option, &["mkdir", &at("e")]), no("mkdir: EROFS"));
    }
    // The same directory twice: what one may not, the other cannot be used for.
    let both = ["--dir", "data::/ro::ro", "--dir", "data::/rw"];
    assert_eq!(fsop(&dir, &both, &["ln", "/ro/f", "/rw/g"]), no("ln: EROFS"));
    assert_eq!(fsop(&dir, &both, &["mv", "/ro/f", "/rw/g"]), no("mv: EROFS"));
    assert_eq!(fsop(&dir, &both, &["ln", "/rw/f", "/rw/g"]), ok(""));
    assert_eq!(std::fs::read(dir.path("data/f")).expect("a file"), b"text");
}

#[test]
fn the_root_can_be_given() {
    let dir = Dir::with("data/f", "text");
    assert_eq!(fsop(&dir, &["--dir", "data::/"], &["cat", "/f"]), ok("text"));
    let both = ["--dir", "data::/", "--tmp"];
    assert_eq!(fsop(&dir, &both, &["write", "/tmp/g", "x"]), ok(""));
    assert_eq!(fsop(&dir, &both, &["cat", "/f"]), ok("text"), "the longest name counts");
    assert!(!dir.path("data/tmp").exists());
}

#[test]
fn single_files_are_alone_in_their_directory() {
    let dir = Dir::with("conf/app.conf", "text");
    dir.write("conf/secret", "canary");
    dir.write("other", "more");
    let options = [
        "--file",
        "conf/app.conf::/etc/app.conf",
        "--file",
        "other::/etc/other::ro",
    ];
    assert_eq!(fsop(&dir, &options, &["cat", "/etc/app.conf"]), ok("text"));
    assert_eq!(fsop(&dir, &options, &["ls", "/etc"]), ok(".\n..\napp.conf\nother"));
    assert_eq!(fsop(&dir, &options, &["cat", "/etc/secret"]), no("cat: ENOENT"));
    assert_eq!(fsop(&dir, &options, &["write", "/etc/app.conf", "new"]), ok(""));
    assert_eq!(std::fs::read(dir.path("conf/app.conf")).expect("a file"), b"new");
    for (words, refused) in [
        (&["write", "/etc/other", "x"][..], "write: EROFS"),
        (&["append", "/etc/other", "x"], "write: EROFS"),
        (&["truncate", "/etc/other", "0"], "truncate: EROFS"),
        (&["touch", "/etc/other", "1"], "touch: EROFS"),
        (&["write", "/etc/new", "x"], "write: EROFS"),
        (&["mkdir", "/etc/d"], "mkdir: EROFS"),
        (&["rm", "/etc/app.conf"], "rm: EROFS"),
        (&["mv", "/etc/app.conf", "/etc/x"], "mv: EROFS"),
        (&["ln", "/etc/other", "/etc/x"], "ln: EROFS"),
        (&["symlink", "app.conf", "/etc/x"], "symlink: EROFS"),
    ] {
        assert_eq!(fsop(&dir, &options, words), no(refused));
    }
    assert_eq!(std::fs::read(dir.path("other")).expect("a file"), b"more");
    // Under its own name, and one that a link leads to.
    assert_eq!(fsop(&dir, &["--file", "other"], &["cat", "other"]), ok("more"));
    std::os::unix::fs::symlink("conf/app.conf", dir.path("link")).expect("a link");
    assert_eq!(fsop(&dir, &["--file", "link::/f"], &["cat", "/f"]), ok("new"));
    // One of the rights a single file does not give: a name elsewhere.
    let options = ["--file", "conf/app.conf::/etc/f", "--dir", ".::/d"];
    assert_eq!(fsop(&dir, &options, &["ln", "/etc/f", "/d/kept"]), no("ln: EROFS"));
    assert_eq!(fsop(&dir, &options, &["mv", "/d/other", "/etc/f"]), no("mv: EXDEV"));
}

#[test]
fn what_cannot_be_given_is_named() {
    let dir = Dir::with("data/f", "text");
    let program = guest("fsop.wasm");
    let message = |options: &[&str]| {
        let out = dir
            .wasmrun(options.iter().copied().chain([program.as_str(), "cat", "x"]))
            .run();
        assert_eq!((out.code(), out.stdout.as_str()), (1, ""), "{out}");
        out.stderr
    };
    insta::assert_snapshot!(message(&["--dir", "data/f::/d"]), @"error: `data/f` is a file: give it with --file");
    insta::assert_snapshot!(message(&["--file", "data::/d"]), @"error: cannot grant the file `data` as `/d`: it is a directory");
    insta::assert_snapshot!(message(&["--file", "no::/d"]), @"error: cannot grant the file `no` as `/d`: No such file or directory (os error 2)");
    insta::assert_snapshot!(message(&["--file", "data/f::/d/"]), @"error: cannot grant the file `data/f` as `/d/`: the guest's name for it names no file");
    insta::assert_snapshot!(message(&["--file", "data/f::/d", "--file", "data/f::/d::ro"]), @"error: cannot grant the file `data/f` as `/d`: another file is granted under this name");
    insta::assert_snapshot!(message(&["--file", "data/f::/d/f", "--dir", "data::/d"]), @"error: the file `f` cannot be granted in `/d`, which is a directory granted as a whole");
}

#[test]
fn a_directory_of_its_own_is_empty_private_and_bounded() {
    let dir = Dir::new();
    assert_eq!(fsop(&dir, &["--tmp"], &["ls", "/tmp"]), ok(".\n.."));
    assert_eq!(fsop(&dir, &["--tmp"], &["write", "/tmp/f", "text"]), ok(""));
    assert_eq!(
        fsop(&dir, &["--tmp=1K"], &["truncate", "/tmp/f", "1"]),
        no("truncate: ENOENT")
    );
    let full = "No space left on device";
    assert_eq!(
        fsop(&dir, &["--tmp=100"], &["write", "/tmp/f", "x"]),
        no(&format!("write: {full}"))
    );
    assert_eq!(
        fsop(&dir, &["--tmp=257"], &["write", "/tmp/f", "x"]),
        no(&format!("write: {full}"))
    );
    assert_eq!(fsop(&dir, &["--tmp=258"], &["write", "/tmp/f", "x"]), ok(""));
}

#[test]
fn growth_is_limited_and_descriptors_are() {
    let dir = Dir::with("f", "12345678");
    let option = ["--dir", ".", "--max-file-size", "8"];
    assert_eq!(fsop(&dir, &option, &["append", "f", "x"]), no("write: File too large"));
    assert_eq!(
        fsop(&dir, &option, &["truncate", "f", "9"]),
        no("truncate: File too large")
    );
    assert_eq!(fsop(&dir, &option, &["write", "g", "12345678"]), ok(""));
    let option = ["--dir", ".", "--max-disk", "1K"];
    assert_eq!(
        fsop(&dir, &option, &["truncate", "f", "1033"]),
        no("truncate: Quota exceeded")
    );
    assert_eq!(fsop(&dir, &option, &["truncate", "f", "1032"]), ok(""));
    let option = ["--dir", ".", "--max-disk", "256"];
    assert_eq!(fsop(&dir, &option, &["mkdir", "d"]), no("mkdir: Quota exceeded"));
    assert_eq!(std::fs::metadata(dir.path("f")).expect("a file").len(), 1032);
    let option = ["--dir", ".", "--max-open-files", "4"];
    assert_eq!(
        fsop(&dir, &option, &["cat", "f"]),
        no("cat: No file descriptors available")
    );
    assert_eq!(
        fsop(&dir, &["--dir", ".", "--max-open-files", "5"], &["mkdir", "e"]),
        ok("")
    );
}
