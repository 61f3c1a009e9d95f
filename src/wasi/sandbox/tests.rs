//! What no guest may do with files, whoever keeps them: reach what was not granted, change what is for looking at.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::wasi::abi::{Errno, Fd, Fdflags, Fstflags, Lookupflags, Oflags, Ptr, Rights};
use crate::wasi::call::{Call, Stop};
use crate::wasi::fd::{read_write, readdir, stat as fd_stat, table};
use crate::wasi::path::{links, open, stat, tree};
use crate::wasi::testing::{Guest, OUT};
use crate::{MemFs, WasiEnv};

const FOLLOW: Lookupflags = Lookupflags::SYMLINK_FOLLOW;
const NOFOLLOW: Lookupflags = Lookupflags::NONE;

/// What is drawn at random: always the same.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }
}

/// A granted directory with every kind of link to a canary beside it.
struct Decoy {
    outer: tempfile::TempDir,
    canary: std::fs::Metadata,
}

const CANARY: &str = "CANARY";

impl Decoy {
    fn new() -> Decoy {
        let outer = tempfile::tempdir().unwrap();
        let granted = outer.path().join("granted");
        std::fs::create_dir_all(granted.join("d/e")).unwrap();
        std::fs::create_dir(outer.path().join("other")).unwrap();
        for file in ["canary", "other/f"] {
            std::fs::write(outer.path().join(file), CANARY).unwrap();
        }
        for file in ["f", "d/f", "d/e/f"] {
            std::fs::write(granted.join(file), "ours").unwrap();
        }
        let absolute = outer.path().join("canary");
        for (to, from) in [
            ("../canary", "up"),
            (absolute.to_str().unwrap(), "absolute"),
            ("..", "parent"),
            ("/", "root"),
            ("d/../..", "through"),
            ("up", "chain"),
            ("loop", "loop"),
            ("../other", "out"),
            ("../new", "dangling"),
            ("e/../../../other", "d/deep"),
            ("d/e", "inside"),
            ("../f", "d/back"),
            ("/proc/self/cwd", "magic"),
        ] {
            symlink(to, granted.join(from)).unwrap();
        }
        let canary = std::fs::metadata(outer.path().join("canary")).unwrap();
        Decoy { outer, canary }
    }

    fn granted(&self) -> PathBuf {
        self.outer.path().join("granted")
    }

    /// Nothing beside the granted directory has come, gone or changed.
    fn check(&self, done: &str) {
        let mut beside: Vec<_> = list(self.outer.path());
        beside.append(&mut list(&self.outer.path().join("other")));
        assert_eq!(beside, ["canary", "granted", "other", "f"], "{done}");
        for file in ["canary", "other/f"] {
            assert_eq!(
                std::fs::read(self.outer.path().join(file)).unwrap(),
                CANARY.as_bytes(),
                "{done}"
            );
        }
        let canary = std::fs::metadata(self.outer.path().join("canary")).unwrap();
        let seen = |metadata: &std::fs::Metadata| (metadata.mtime_nsec(), metadata.ctime_nsec(), metadata.nlink());
        assert_eq!(seen(&canary), seen(&self.canary), "{done}");
    }
}

fn list(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn random_path(draw: &mut Draw, outer: &Path) -> Vec<u8> {
    const NAMES: &[&str] = &[
        "..", "..", "..", ".", "", "f", "d", "e", "d", "inside", "back", "up", "absolute", "parent", "root", "through",
        "chain", "loop", "out", "dangling", "deep", "magic", "canary", "other", "granted", "new", "tmp", "etc",
        "passwd", "...", "..\\", "~", "f\u{301}", "*", " ", "-", "NUL", "..;",
    ];
    let mut path = match draw.below(12) {
        0 => String::from("/"),
        1 => format!("{}/", outer.display()),
        2 => String::from("//"),
        3 => "../".repeat(draw.below(30)),
        _ => String::new(),
    };
    for at in 0..=draw.below(6) {
        if at > 0 {
            path.push_str(draw.one_of(&["/", "/", "/", "//", "/./"]));
        }
        path.push_str(draw.one_of(NAMES));
    }
    let mut bytes = path.into_bytes();
    match draw.below(40) {
        0 => bytes.push(b'/'),
        1 => bytes.push(0),
        2 => bytes.insert(draw.below(bytes.len() + 1), 0xff),
        3 => bytes = vec![b'a'; draw.below(5000)],
        4 => (0..draw.below(20)).for_each(|_| bytes.push(draw.below(256) as u8)),
        _ => {}
    }
    bytes
}

#[test]
fn no_path_leads_to_the_canary() {
    for seed in 1..=25 {
        let decoy = Decoy::new();
        let mut guest = Guest::in_dir(&decoy.granted());
        let mut draw = Draw(seed * 0x9e37_79b9);
        let mut done = String::new();
        for _ in 0..300 {
            let (path, other) = (
                random_path(&mut draw, decoy.outer.path()),
                random_path(&mut draw, decoy.outer.path()),
            );
            let ((at, len), (to, to_len)) = (guest.path(&path), guest.other_path(&other));
            let flags = if draw.below(3) > 0 { FOLLOW } else { NOFOLLOW };
            let what = draw.below(12);
            done = format!("seed {seed}, {what}: {} {}", path.escape_ascii(), other.escape_ascii());
            let both = Fstflags::ATIM.or(Fstflags::MTIM);
            let result = match what {
                0 => guest.call(|cx| tree::create_directory(cx, 3, at, len)),
                1 => guest.call(|cx| tree::remove_directory(cx, 3, at, len)),
                2 => guest.call(|cx| tree::unlink_file(cx, 3, at, len)),
                3 => guest.call(|cx| tree::rename(cx, 3, at, len, 3, to, to_len)),
                4 => guest.call(|cx| links::link(cx, 3, NOFOLLOW, at, len, 3, to, to_len)),
                5 => guest.call(|cx| links::symlink(cx, at, len, 3, to, to_len)),
                6 => guest.call(|cx| stat::filestat_set_times(cx, 3, flags, at, len, 1, 1, both)),
                7 => {
                    let found = guest.call(|cx| stat::filestat_get(cx, 3, flags, at, len, Ptr(0x10)));
                    assert!(
                        found.is_err() || guest.u64_at(Ptr(0x18)) != decoy.canary.ino(),
                        "{done}"
                    );
                    found
                }
                _ => open_and_use(&mut guest, &mut draw, (at, len), flags, &done),
            };
            if result.is_err() && draw.below(3) > 0 {
                continue;
            }
            decoy.check(&done);
        }
        decoy.check(&done);
    }
}

/// Opens a path in some way, then reads and writes what it got, or lists it.
fn open_and_use(
    guest: &mut Guest,
    draw: &mut Draw,
    (at, len): (Ptr, u32),
    flags: Lookupflags,
    done: &str,
) -> Result<(), Errno> {
    let oflags = Oflags(draw.below(16) as u16);
    let rights = [Rights::FD_READ, Rights::FD_WRITE, Rights::FILE, Rights::DIRECTORY][draw.below(4)];
    let (none, nonblock) = (Rights::NONE, Fdflags::NONBLOCK);
    guest.call(|cx| open::open(cx, 3, flags, at, len, oflags, rights, none, nonblock, OUT))?;
    let fd = guest.u32_at(OUT);
    let (iovs, count) = guest.iovec(0x100, 64);
    guest.put(0x100, &[b'?'; 64]);
    let _ = guest.call(|cx| read_write::read(cx, fd, iovs, count, OUT));
    let _ = guest.call(|cx| readdir::readdir(cx, fd, Ptr(0x200), 0x1000, 0, OUT));
    let (read, listed) = (guest.bytes(0x100, 64), guest.bytes(0x200, 0x1000));
    for bytes in [read, listed] {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains(CANARY) && !text.contains("granted\0"), "{done}");
    }
    guest.put(0x100, b"overwritten");
    let _ = guest.call(|cx| read_write::write(cx, fd, iovs, count, OUT));
    guest.call(|cx| table::close(cx, fd))
}

#[test]
fn a_directory_swapped_for_a_link_during_calls_leads_nowhere() {
    let decoy = Decoy::new();
    let granted = decoy.granted();
    std::fs::create_dir(granted.join("swap")).unwrap();
    std::fs::write(granted.join("swap/f"), "ours").unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (swapping, dir) = (stop.clone(), granted.clone());
    let thread = std::thread::spawn(move || {
        let mut swaps = 0;
        while !swapping.load(Relaxed) {
            let _ = std::fs::rename(dir.join("swap"), dir.join("away"));
            let _ = symlink("../other", dir.join("swap"));
            let _ = std::fs::remove_file(dir.join("swap"));
            let _ = std::fs::rename(dir.join("away"), dir.join("swap"));
            swaps += 1;
            // Long enough for the guest to get there now and then.
            (0..swaps % 5000).for_each(|_| std::hint::spin_loop());
        }
        swaps
    });
    let mut guest = Guest::in_dir(&granted);
    let (mut rounds, mut opened) = (0, 0);
    while rounds < 5_000 || (opened == 0 && rounds < 500_000) {
        rounds += 1;
        if let Ok(fd) = guest.open("swap/f", Oflags::NONE, Rights::FD_READ) {
            let (iovs, len) = guest.iovec(0x20, 6);
            assert_eq!(guest.call(|cx| read_write::read(cx, fd, iovs, len, OUT)), Ok(()));
            assert_eq!(guest.bytes(0x20, 4), b"ours");
            assert_eq!(guest.call(|cx| table::close(cx, fd)), Ok(()));
            opened += 1;
        }
        if let Ok(fd) = guest.open("swap/new", Oflags::CREAT, Rights::FD_WRITE) {
            assert_eq!(guest.call(|cx| table::close(cx, fd)), Ok(()));
        }
        let (at, len) = guest.path("swap/new");
        let (to, to_len) = guest.other_path("swap/f");
        let _ = guest.call(|cx| tree::unlink_file(cx, 3, at, len));
        let _ = guest.call(|cx| tree::create_directory(cx, 3, at, len));
        let _ = guest.call(|cx| tree::remove_directory(cx, 3, at, len));
        let _ = guest.call(|cx| links::link(cx, 3, NOFOLLOW, to, to_len, 3, at, len));
        let _ = guest.call(|cx| tree::unlink_file(cx, 3, at, len));
        let _ = guest.call(|cx| stat::filestat_set_times(cx, 3, FOLLOW, to, to_len, 1, 1, Fstflags::MTIM));
    }
    stop.store(true, Relaxed);
    let swaps = thread.join().unwrap();
    assert!(swaps > 100 && opened > 0, "{swaps} swaps, opened {opened} times");
    decoy.check("while a directory was swapped");
}

/// What can be seen of a file, the time of its last reading excepted.
fn picture(path: &Path) -> (Vec<u8>, i64, i64, i64, i64, u64, u64) {
    let metadata = std::fs::metadata(path).unwrap();
    let content = match metadata.is_dir() {
        true => list(path).join("/").into_bytes(),
        false => std::fs::read(path).unwrap(),
    };
    let (mtime, ctime) = (
        (metadata.mtime(), metadata.mtime_nsec()),
        (metadata.ctime(), metadata.ctime_nsec()),
    );
    (
        content,
        mtime.0,
        mtime.1,
        ctime.0,
        ctime.1,
        metadata.nlink(),
        metadata.size(),
    )
}

/// Tries to change `path` and its directory, which descriptor `fd` leads to; `writable` leads to the same place and
/// may be written to. Every call must fail.
fn try_to_change(guest: &mut Guest, fd: Fd, writable: Option<Fd>, path: &str) {
    let (name, (to, to_len)) = (guest.path(path), guest.other_path("new"));
    let (at, len) = name;
    let both = Fstflags::ATIM.or(Fstflags::MTIM);
    let now = Fstflags::ATIM_NOW.or(Fstflags::MTIM_NOW);
    type Try<'t> = (&'t str, Box<dyn Fn(&mut Call<'_>) -> Result<(), Stop>>);
    let mut tries: Vec<Try<'_>> = vec![
        ("mkdir", Box::new(move |cx| tree::create_directory(cx, fd, to, to_len))),
        ("rmdir", Box::new(move |cx| tree::remove_directory(cx, fd, at, len))),
        ("unlink", Box::new(move |cx| tree::unlink_file(cx, fd, at, len))),
        (
            "symlink",
            Box::new(move |cx| links::symlink(cx, at, len, fd, to, to_len)),
        ),
        (
            "fd times",
            Box::new(move |cx| fd_stat::filestat_set_times(cx, fd, 1, 1, both)),
        ),
        (
            "fd times now",
            Box::new(move |cx| fd_stat::filestat_set_times(cx, fd, 1, 1, now)),
        ),
        ("fd size", Box::new(move |cx| fd_stat::filestat_set_size(cx, fd, 1))),
        ("fd allocate", Box::new(move |cx| table::allocate(cx, fd, 0, 1 << 20))),
    ];
    for flags in [FOLLOW, NOFOLLOW] {
        let times = move |cx: &mut Call<'_>| stat::filestat_set_times(cx, fd, flags, at, len, 1, 1, both);
        tries.push(("times", Box::new(times)));
    }
    for (from, there) in [(Some(fd), writable.or(Some(fd))), (writable, Some(fd))] {
        let (Some(from), Some(there)) = (from, there) else {
            continue;
        };
        let rename = move |cx: &mut Call<'_>| tree::rename(cx, from, at, len, there, to, to_len);
        let over = move |cx: &mut Call<'_>| tree::rename(cx, from, to, to_len, there, at, len);
        let link = move |cx: &mut Call<'_>| links::link(cx, from, NOFOLLOW, at, len, there, to, to_len);
        tries.push(("rename", Box::new(rename)));
        tries.push(("rename over", Box::new(over)));
        tries.push(("link", Box::new(link)));
    }
    for (what, call) in &tries {
        assert!(guest.call(call).is_err(), "{what} {path}");
    }
    // Every way of opening; what can be opened is used in every way that writes.
    for oflags in (0..16).map(Oflags) {
        for rights in [
            Rights::NONE,
            Rights::FD_READ,
            Rights::FD_WRITE,
            Rights::FILE,
            Rights::ALL,
        ] {
            for (flags, fdflags) in [
                (FOLLOW, Fdflags::NONE),
                (NOFOLLOW, Fdflags::APPEND),
                (FOLLOW, Fdflags::SYNC),
            ] {
                let (at, len) = guest.path(path);
                let how = (oflags, rights, fdflags);
                if guest
                    .call(|cx| open::open(cx, fd, flags, at, len, how.0, how.1, Rights::ALL, how.2, OUT))
                    .is_ok()
                {
                    let opened = guest.u32_at(OUT);
                    use_up(guest, opened, &format!("{path} opened with {how:?}"));
                }
            }
        }
    }
}

fn use_up(guest: &mut Guest, fd: Fd, how: &str) {
    let (iovs, count) = guest.iovec(0x20, 4);
    let both = Fstflags::ATIM.or(Fstflags::MTIM);
    // Asking for more rights, and for another way of writing.
    let more = guest.call(|cx| fd_stat::fdstat_set_rights(cx, fd, Rights::ALL, Rights::ALL));
    assert_eq!(more, Err(Errno::Notcapable), "{how}");
    let _ = guest.call(|cx| fd_stat::fdstat_set_flags(cx, fd, Fdflags::APPEND));
    let tries: [(&str, Result<(), Errno>); 6] = [
        ("write", guest.call(|cx| read_write::write(cx, fd, iovs, count, OUT))),
        (
            "pwrite",
            guest.call(|cx| read_write::pwrite(cx, fd, iovs, count, 0, OUT)),
        ),
        ("size", guest.call(|cx| fd_stat::filestat_set_size(cx, fd, 0))),
        ("allocate", guest.call(|cx| table::allocate(cx, fd, 0, 1 << 20))),
        (
            "times",
            guest.call(|cx| fd_stat::filestat_set_times(cx, fd, 1, 1, both)),
        ),
        (
            "times now",
            guest.call(|cx| fd_stat::filestat_set_times(cx, fd, 1, 1, Fstflags::MTIM_NOW)),
        ),
    ];
    for (what, result) in tries {
        assert!(result.is_err(), "{what} of {how}");
    }
    assert_eq!(guest.call(|cx| table::close(cx, fd)), Ok(()));
}

#[test]
fn what_is_for_looking_at_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("d")).unwrap();
    for file in ["f", "d/f"] {
        std::fs::write(dir.path().join(file), "text").unwrap();
    }
    symlink("f", dir.path().join("link")).unwrap();
    symlink("missing", dir.path().join("dangling")).unwrap();
    let places: Vec<PathBuf> = ["", "f", "d", "d/f"]
        .iter()
        .map(|place| dir.path().join(place))
        .collect();
    let pictures = || places.iter().map(|place| picture(place)).collect::<Vec<_>>();
    let before = pictures();
    // The same directory twice, and a file of it alone.
    let env = WasiEnv::builder()
        .dir_read_only(dir.path(), "/ro")
        .unwrap()
        .dir(dir.path(), "/rw")
        .unwrap()
        .file_read_only(dir.path().join("f"), "/file/f")
        .unwrap()
        .build();
    let mut guest = Guest::new(env);
    for path in ["f", "d", "d/f", "link", "dangling", "missing", ".", "d/../f", "./d/."] {
        try_to_change(&mut guest, 3, Some(4), path);
        assert_eq!(pictures(), before, "{path}");
    }
    for path in ["f", ".", "missing"] {
        try_to_change(&mut guest, 5, Some(4), path);
        assert_eq!(pictures(), before, "{path}");
    }
    // A directory opened below it, and a descriptor moved over one that may write.
    let below = guest.open("d", Oflags::DIRECTORY, Rights::DIRECTORY).unwrap();
    try_to_change(&mut guest, below, Some(4), "f");
    assert_eq!(guest.call(|cx| table::renumber(cx, below, 4)), Ok(()));
    try_to_change(&mut guest, 4, None, "f");
    assert_eq!(pictures(), before);
}

#[test]
fn in_memory_what_is_for_looking_at_stays_as_it_is() {
    let files = MemFs::new();
    files.write("d/f", "text").unwrap();
    files.write("f", "text").unwrap();
    files.symlink("f", "link").unwrap();
    let times = |guest: &mut Guest, path: &str| {
        let (at, len) = guest.path(path);
        assert_eq!(
            guest.call(|cx| stat::filestat_get(cx, 3, NOFOLLOW, at, len, Ptr(0x10))),
            Ok(())
        );
        let mut bytes = guest.bytes(0x10, 64);
        bytes.drain(40..48); // the time of the last reading
        bytes
    };
    let env = WasiEnv::builder()
        .mount_read_only(&files, "/ro")
        .mount(&files, "/rw")
        .build();
    let mut guest = Guest::new(env);
    let pictures = |guest: &mut Guest| [".", "f", "d", "d/f", "link"].map(|path| times(guest, path));
    let before = pictures(&mut guest);
    for path in ["f", "d", "d/f", "link", "missing", ".", "d/../f"] {
        try_to_change(&mut guest, 3, Some(4), path);
        assert_eq!(pictures(&mut guest), before, "{path}");
    }
    assert_eq!(
        (files.read("f").unwrap(), files.read("d/f").unwrap()),
        (b"text".to_vec(), b"text".to_vec())
    );
    assert_eq!(files.list("/").unwrap(), ["d", "f", "link"]);
}

#[test]
fn extreme_times_are_errors_or_times() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("f"), "").unwrap();
    let both = Fstflags::ATIM.or(Fstflags::MTIM);
    for (mut guest, any) in [(Guest::in_dir(dir.path()), false), (Guest::in_memory(), true)] {
        let fd = guest.create("f");
        for time in [0, 1, 1 << 62, (1 << 63) - 1, 1 << 63, u64::MAX] {
            let (at, len) = guest.path("f");
            for result in [
                guest.call(|cx| stat::filestat_set_times(cx, 3, FOLLOW, at, len, time, time, both)),
                guest.call(|cx| stat::filestat_set_times(cx, 3, NOFOLLOW, at, len, time, time, both)),
                guest.call(|cx| fd_stat::filestat_set_times(cx, fd, time, time, both)),
            ] {
                // A file system that cannot keep them says so, or keeps the nearest.
                assert!(matches!(result, Ok(()) | Err(Errno::Inval)), "{time}: {result:?}");
            }
            assert_eq!(guest.call(|cx| fd_stat::filestat_get(cx, fd, Ptr(0x10))), Ok(()));
            let mtim = guest.u64_at(Ptr(0x10 + 48));
            assert!(mtim == time || !any && time > 1 << 62, "{time} is {mtim}");
        }
    }
}
