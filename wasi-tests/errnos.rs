//! Every function, and every errno that `docs/wasi.md` names for it: a call that ends so. The last test reads the document
//! and says what has no case.

mod cases;
mod world;

use std::collections::BTreeSet;

use crate::calls::{SIGNATURES, signature};
use world::{ERRNOS, World};

/// Errnos that stand in the document in plain print and cannot be brought about on any machine.
const NOT_PROVOKED: [(&str, &str, &str); 3] = [
    ("args_sizes_get", "overflow", "takes arguments of 4 GiB"),
    ("environ_sizes_get", "overflow", "takes variables of 4 GiB"),
    ("random_get", "io", "the operating system has randomness"),
];

#[track_caller]
fn check(world: &mut World, function: &str, errno: &str, words: &[u64]) {
    let got = world.calls.call(function, words);
    let got = got.map(|got| {
        ERRNOS
            .iter()
            .find(|(_, number)| *number == got)
            .map_or("?", |(name, _)| name)
    });
    assert_eq!(got.ok(), Some(errno), "{function} {words:?}");
}

/// The places of parameters of a kind.
fn places(function: &str, kind: char) -> Vec<usize> {
    let kinds = signature(function).chars().enumerate();
    kinds.filter(|(_, found)| *found == kind).map(|(at, _)| at).collect()
}

#[test]
fn every_function_can_succeed() {
    for (function, _) in SIGNATURES {
        if ["proc_exit", "proc_raise"].contains(&function) {
            continue;
        }
        let mut world = World::new();
        let words = world.good(function);
        check(&mut world, function, "success", &words);
    }
}

#[test]
fn badf_for_what_is_not_open() {
    for (function, _) in SIGNATURES {
        for at in places(function, 'f') {
            for fd in [77, u64::from(u32::MAX)] {
                let mut world = World::new();
                let mut words = world.good(function);
                words[at] = fd;
                check(&mut world, function, "badf", &words);
            }
        }
    }
}

#[test]
fn fault_for_what_leaves_the_memory() {
    for (function, _) in SIGNATURES {
        for kind in ['p', 'P', 'v', 's'] {
            for at in places(function, kind) {
                // The end of the memory, and the end of what an address can be.
                for place in [u64::from(crate::calls::MEMORY), u64::from(u32::MAX)] {
                    let mut world = World::new();
                    let mut words = world.good(function);
                    words[at] = place;
                    let errno = world.calls.call(function, &words).ok();
                    assert_eq!(errno, Some(21), "{function} {words:?}");
                }
            }
        }
    }
}

#[test]
fn paths_that_are_none() {
    for (function, _) in SIGNATURES {
        for at in places(function, 'P') {
            let content = function == "path_symlink" && at == 0;
            let long = "a".repeat(4096);
            for (path, errno) in [
                (&b"\xff"[..], "ilseq"),
                (b"a\0b", "inval"),
                (b"", "noent"),
                (long.as_bytes(), "nametoolong"),
                (b"f/x", "notdir"),
                (b"../secret", "perm"),
                (b"/f", "perm"),
                (b"out", "perm"),
            ] {
                // What a symbolic link contains is not looked up. One that leads out can be named, if not followed.
                let named = path == b"out" && !["path_open", "path_filestat_get"].contains(&function);
                if named || (content && (errno == "notdir" || path == b"../secret")) {
                    continue;
                }
                let mut world = World::new();
                let mut words = world.good(function);
                let placed = world.path(path);
                words[at..at + 2].copy_from_slice(&placed);
                if path == b"out" {
                    words[1] = 1;
                }
                check(&mut world, function, errno, &words);
            }
        }
    }
}

#[test]
fn paths_start_from_directories_that_allow_it() {
    for (function, _) in SIGNATURES.iter().filter(|(name, _)| name.starts_with("path_")) {
        for at in places(function, 'f') {
            let mut world = World::new();
            let file = world.open("f", 2, 0);
            let mut words = world.good(function);
            words[at] = file;
            check(&mut world, function, "notdir", &words);
            let mut world = World::new();
            let bare = world.open_directory("d", 0);
            let mut words = world.good(function);
            words[at] = bare;
            check(&mut world, function, "notcapable", &words);
            if !["path_open", "path_filestat_get", "path_readlink"].contains(function) {
                let mut world = World::new();
                let mut words = world.good(function);
                words[at] = 4;
                check(&mut world, function, "rofs", &words);
            }
        }
    }
}

#[test]
fn every_other_errno() {
    for (function, errno, words) in cases::CASES {
        let mut world = World::new();
        let words = words(&mut world);
        check(&mut world, function, errno, &words);
    }
}

/// The errnos of the document's table, without those that depend on the host's file system (in italics).
fn documented() -> BTreeSet<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/wasi.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        let function = cells.next()?.trim().trim_end_matches('`').to_owned();
        SIGNATURES.iter().find(|(name, _)| *name == function)?;
        Some((function, cells.nth(1)?.to_owned()))
    });
    rows.flat_map(|(function, errnos)| {
        let plain = errnos.split_whitespace().filter(|errno| errno.starts_with('`'));
        let names: Vec<_> = plain
            .map(|errno| (function.clone(), errno.trim_matches('`').to_owned()))
            .collect();
        names
    })
    .collect()
}

#[test]
fn each_errno_in_the_documentation_has_a_case() {
    let mut covered: BTreeSet<(String, String)> = cases::CASES
        .iter()
        .map(|(function, errno, _)| (function.to_string(), errno.to_string()))
        .collect();
    covered.extend(NOT_PROVOKED.map(|(function, errno, _)| (function.into(), errno.into())));
    for (function, _) in SIGNATURES {
        // Those of the tests above.
        for (kind, errnos) in [
            ('f', &["badf"][..]),
            ('p', &["fault"]),
            ('v', &["fault"]),
            (
                'P',
                &[
                    "fault",
                    "ilseq",
                    "inval",
                    "noent",
                    "nametoolong",
                    "notdir",
                    "perm",
                    "notcapable",
                ],
            ),
        ] {
            if !places(function, kind).is_empty() {
                covered.extend(errnos.iter().map(|errno| (function.to_string(), errno.to_string())));
            }
        }
    }
    let documented = documented();
    assert!(documented.len() > 80, "the table has moved: {documented:?}");
    let missing: Vec<_> = documented.difference(&covered).collect();
    assert!(missing.is_empty(), "errnos in docs/wasi.md without a case: {missing:?}");
    let of_cases: BTreeSet<_> = cases::CASES
        .iter()
        .map(|(function, errno, _)| (function.to_string(), errno.to_string()))
        .collect();
    let general = |errno: &str| ["perm", "rofs"].contains(&errno);
    let unnamed: Vec<_> = of_cases
        .difference(&documented)
        .filter(|(_, errno)| !general(errno))
        .collect();
    assert!(
        unnamed.is_empty(),
        "cases of errnos that docs/wasi.md does not name: {unnamed:?}"
    );
}
