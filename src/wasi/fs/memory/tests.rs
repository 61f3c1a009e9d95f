//! A file system in memory against the host's: the same calls, the same answers.

use std::io::{IoSlice, IoSliceMut};

use super::*;
use crate::wasi::abi::{Filetype, Whence};
use crate::wasi::fs::{File, OpenHow, Opened, SetTime};
use crate::wasi::sandbox::Dir;

const CREATE: OpenHow = OpenHow {
    follow: true,
    create: true,
    exclusive: false,
    truncate: false,
    directory: false,
    read: true,
    write: true,
    flags: crate::wasi::abi::Fdflags::NONE,
};

fn file(dir: &dyn Directory, path: &str, how: OpenHow) -> Box<dyn File> {
    match dir.open(path, &how) {
        Ok(Opened::File(file)) => file,
        _ => panic!("{path} is no file"),
    }
}

fn write(file: &dyn File, text: &str, append: bool) -> Result<usize, Errno> {
    file.write(&[IoSlice::new(text.as_bytes())], append)
}

fn read_at(file: &dyn File, offset: u64) -> String {
    let mut bytes = [0; 64];
    let count = file.read_at(&mut [IoSliceMut::new(&mut bytes)], offset).unwrap();
    String::from_utf8(bytes[..count].to_vec()).unwrap()
}

/// What is drawn at random: always the same.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn path(&mut self) -> String {
        const NAMES: [&str; 8] = ["a", "b", "c", "d", "a", "b", ".", ".."];
        let mut path = String::new();
        for at in 0..=self.below(3) {
            if at > 0 {
                path.push('/');
            }
            path.push_str(NAMES[self.below(8) as usize]);
        }
        match self.below(10) {
            0 => path.push('/'),
            1 if self.below(4) == 0 => path.insert(0, '/'),
            _ => {}
        }
        path
    }
}

/// Makes one call, and returns what came of it as a text.
fn act(draw: &mut Draw, dir: &dyn Directory) -> (String, String) {
    let (path, other) = (draw.path(), draw.path());
    let follow = draw.below(2) == 0;
    let (what, result) = match draw.below(12) {
        0 | 1 => (format!("mkdir {path}"), dir.create_directory(&path)),
        2 => (format!("rmdir {path}"), dir.remove_directory(&path)),
        3 => (format!("unlink {path}"), dir.unlink_file(&path)),
        4 | 5 => (format!("rename {path} {other}"), dir.rename(&path, dir, &other)),
        6 => (format!("link {path} {other}"), dir.link(&path, dir, &other)),
        7 => (format!("symlink {other} {path}"), dir.symlink(&other, &path)),
        8 => {
            let read = dir.readlink(&path).map(|target| String::from_utf8(target).unwrap());
            return (format!("readlink {path}"), format!("{read:?}"));
        }
        9 => {
            let times = (SetTime::At(draw.below(1 << 40)), SetTime::Keep);
            (
                format!("times {path} {follow}"),
                dir.set_times(&path, follow, times.0, times.1),
            )
        }
        _ => {
            let bits = draw.below(64);
            let bit = |at: u32| bits >> at & 1 == 1;
            let how = OpenHow {
                follow,
                create: bit(0),
                exclusive: bit(0) && bit(1),
                truncate: bit(2) && bit(3),
                directory: bit(4) && bit(5),
                read: true,
                write: bit(3),
                ..OpenHow::default()
            };
            let opened = match dir.open(&path, &how) {
                Ok(Opened::File(file)) if how.write => format!("file {:?}", write(&*file, &other, false)),
                Ok(Opened::Dir(_)) => String::from("dir"),
                Ok(_) => String::from("file"),
                Err(errno) => errno.name().to_owned(),
            };
            return (format!("open {path} {how:?}"), opened);
        }
    };
    (
        what,
        result.map_or_else(|errno| errno.name().to_owned(), |()| String::from("ok")),
    )
}

/// All that can be seen from `dir` on.
fn picture(dir: &dyn Directory, at: &str, out: &mut Vec<String>) {
    let mut entries = dir.entries().unwrap();
    let mut names = Vec::new();
    while let Some(entry) = entries.next().unwrap() {
        let name = String::from_utf8(entry.name).unwrap();
        if name == "." {
            assert_eq!(entry.ino, dir.stat_self().unwrap().ino);
        }
        if !name.starts_with('.') {
            assert_eq!(entry.ino, dir.stat(&name, false).unwrap().ino);
            names.push((name, entry.filetype));
        }
    }
    names.sort_by(|one, other| one.0.cmp(&other.0));
    for (name, filetype) in names {
        let stat = dir.stat(&name, false).unwrap();
        assert_eq!(stat.filetype, filetype);
        // How many bytes a directory has is the file system's own affair.
        let size = if filetype == Filetype::Directory { 0 } else { stat.size };
        out.push(format!("{at}{name} {filetype:?} {} {size}", stat.nlink));
        match filetype {
            Filetype::Directory => {
                let how = OpenHow::default();
                let Ok(Opened::Dir(below)) = dir.open(&name, &how) else {
                    panic!("{at}{name}")
                };
                picture(&*below, &format!("{at}{name}/"), out);
            }
            Filetype::RegularFile => out.push(read_at(&*file(dir, &name, OpenHow::default()), 0)),
            _ => out.push(String::from_utf8(dir.readlink(&name).unwrap()).unwrap()),
        }
    }
}

#[test]
fn memory_answers_as_the_host_does() {
    for seed in 1..=200 {
        let temporary = tempfile::tempdir().unwrap();
        let (disk, memory) = (Dir::grant(temporary.path()).unwrap(), MemFs::new().directory());
        let (mut one, mut other) = (Draw(seed * 0x9e37_79b9), Draw(seed * 0x9e37_79b9));
        let mut done = Vec::new();
        for _ in 0..60 {
            let (expected, found) = (act(&mut one, &disk), act(&mut other, &*memory));
            done.push(format!("{}: {}", expected.0, expected.1));
            assert_eq!(found, expected, "seed {seed}:\n{}", done.join("\n"));
        }
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        picture(&disk, "", &mut expected);
        picture(&*memory, "", &mut found);
        assert_eq!(found, expected, "seed {seed}:\n{}", done.join("\n"));
    }
}

#[test]
fn a_file_without_a_name_stays_as_long_as_it_is_open() {
    let files = MemFs::new();
    let dir = files.directory();
    let (one, other) = (file(&*dir, "f", CREATE), file(&*dir, "f", CREATE));
    assert_eq!(write(&*one, "text", false), Ok(4));
    dir.unlink_file("f").unwrap();
    assert_eq!(read_at(&*other, 0), "text");
    assert_eq!((one.stat().unwrap().nlink, one.stat().unwrap().size), (0, 4));
    assert_eq!(files.used(), 4);
    drop(one);
    assert_eq!(files.used(), 4);
    drop(other);
    assert_eq!(files.used(), 0);
}

#[test]
fn a_directory_that_was_removed_while_open_takes_nothing_more() {
    let files = MemFs::new();
    let dir = files.directory();
    dir.create_directory("d").unwrap();
    let Ok(Opened::Dir(below)) = dir.open("d", &OpenHow::default()) else {
        panic!()
    };
    dir.remove_directory("d").unwrap();
    assert_eq!(below.create_directory("e"), Err(Errno::Noent));
    assert_eq!(below.open("f", &CREATE).err(), Some(Errno::Noent));
    assert_eq!(below.stat_self().unwrap().nlink, 0);
    assert_eq!(below.symlink("x", "y"), Err(Errno::Noent));
    drop(below);
    assert_eq!(files.used(), 0);
}

#[test]
fn positions_appending_and_holes() {
    let dir = MemFs::new().directory();
    let (one, other) = (file(&*dir, "f", CREATE), file(&*dir, "f", CREATE));
    assert_eq!(write(&*one, "abc", false), Ok(3));
    assert_eq!(write(&*other, "de", true), Ok(2));
    assert_eq!(one.seek(0, Whence::Cur), Ok(3));
    assert_eq!(other.seek(0, Whence::Cur), Ok(5));
    assert_eq!(one.write_at(&[IoSlice::new(b"X")], 1, true), Ok(1), "the offset counts");
    assert_eq!(read_at(&*one, 0), "aXcde");
    assert_eq!(one.seek(2, Whence::End), Ok(7));
    assert_eq!(write(&*one, "f", false), Ok(1));
    assert_eq!(read_at(&*one, 0), "aXcde\0\0f");
    assert_eq!(one.readable_bytes(), 0);
    assert_eq!(one.seek(-1, Whence::Set), Err(Errno::Inval));
    assert_eq!(one.seek(i64::MAX, Whence::End), Err(Errno::Inval));
    assert_eq!(one.seek(i64::MAX, Whence::Set), Ok(i64::MAX as u64));
    assert_eq!(write(&*one, "f", false), Err(Errno::Fbig));
    assert_eq!(write(&*one, "", false), Ok(0));
    one.set_size(2).unwrap();
    one.set_size(4).unwrap();
    assert_eq!(read_at(&*one, 0), "aX\0\0");
    one.allocate(3, 3).unwrap();
    one.allocate(0, 1).unwrap();
    assert_eq!(one.stat().unwrap().size, 6);
}

#[test]
fn the_limit_counts_bytes_and_names_and_gives_them_back() {
    let files = MemFs::with_limit(600);
    let dir = files.directory();
    let open = file(&*dir, "f", CREATE);
    assert_eq!(files.used(), 257);
    assert_eq!(write(&*open, &"x".repeat(500), false), Ok(343), "what fits");
    assert_eq!(write(&*open, "x", false), Err(Errno::Nospc));
    assert_eq!(open.set_size(344), Err(Errno::Nospc));
    assert_eq!(open.allocate(1 << 40, 1), Err(Errno::Nospc));
    assert_eq!(open.write_at(&[IoSlice::new(b"x")], 1 << 40, false), Err(Errno::Nospc));
    assert_eq!(open.write_at(&[IoSlice::new(b"y")], 0, false), Ok(1), "no growth");
    assert_eq!(dir.create_directory("d"), Err(Errno::Nospc));
    assert_eq!(dir.symlink("f", "l"), Err(Errno::Nospc));
    assert_eq!(dir.link("f", &*dir, "g"), Err(Errno::Nospc));
    assert_eq!(dir.rename("f", &*dir, "ff"), Err(Errno::Nospc));
    assert_eq!(files.used(), 600);
    open.set_size(0).unwrap();
    dir.rename("f", &*dir, "ff").unwrap();
    dir.symlink("ff", "l").unwrap();
    assert_eq!(files.used(), 258 + 257 + 2);
    drop(open);
    files.remove("ff").unwrap();
    files.remove("l").unwrap();
    assert_eq!(files.used(), 0);
}

#[test]
fn times_follow_what_is_done() {
    let dir = MemFs::new().directory();
    let open = file(&*dir, "f", CREATE);
    let long_ago = || {
        dir.set_times("f", true, SetTime::At(1), SetTime::At(1 << 63)).unwrap();
        dir.set_times_self(SetTime::At(1), SetTime::At(2)).unwrap();
    };
    long_ago();
    let stat = open.stat().unwrap();
    assert_eq!((stat.atim, stat.mtim), (1, 1 << 63));
    assert!(stat.ctim > 1_600_000_000_000_000_000);
    read_at(&*open, 0);
    assert_eq!(open.stat().unwrap().atim, 1, "nothing was there to read");
    write(&*open, "x", false).unwrap();
    assert!(open.stat().unwrap().mtim < 1 << 63);
    read_at(&*open, 0);
    assert!(open.stat().unwrap().atim > 1);
    assert_eq!(dir.stat_self().unwrap().mtim, 2, "the directory is as it was");
    dir.link("f", &*dir, "g").unwrap();
    assert!(dir.stat_self().unwrap().mtim > 2);
}

#[test]
fn embedders_see_what_guests_made_and_errors_say_what_failed() {
    let files = MemFs::new();
    files.write("/a/b/c.txt", "text").unwrap();
    files.write("a/b/c.txt", "new").unwrap();
    files.symlink("b/c.txt", "a/link").unwrap();
    assert_eq!(files.read("a/link").unwrap(), b"new");
    assert_eq!(files.list("").unwrap(), ["a"]);
    assert_eq!(files.list("/a/").unwrap(), ["b", "link"]);
    files.create_dir_all("a/b/d/e").unwrap();
    assert!(files.exists("a/b/d") && !files.exists("a/x"));
    files.remove("a").unwrap();
    assert_eq!((files.used(), files.list("/").unwrap().len()), (0, 0));
    let text = |result: io::Result<()>| result.unwrap_err().to_string();
    assert_eq!(
        text(files.read("x").map(|_| ())),
        "`x` in memory: there is no such file or directory"
    );
    assert_eq!(text(files.write("/", "")), "`/` in memory: it is a directory");
    assert_eq!(
        text(files.write("../x", "")),
        "`../x` in memory: it leads out of the file system"
    );
    files.write("f", "").unwrap();
    assert_eq!(
        text(files.write("f/g", "")),
        "`f/g` in memory: it, or something on the way, is no directory"
    );
    assert_eq!(
        text(MemFs::with_limit(3).write("f", "")),
        "`f` in memory: the file system's limit is reached"
    );
    assert_eq!(format!("{files:?}"), "MemFs { used: 257, limit: 268435456, .. }");
}

#[test]
fn nothing_moves_between_two_file_systems() {
    let (one, other) = (MemFs::new().directory(), MemFs::new().directory());
    one.create_directory("d").unwrap();
    let disk = tempfile::tempdir().unwrap();
    let disk: Box<dyn Directory> = Box::new(Dir::grant(disk.path()).unwrap());
    for there in [&other, &disk] {
        assert_eq!(one.rename("d", &**there, "d"), Err(Errno::Xdev));
        assert_eq!(one.link("d", &**there, "d"), Err(Errno::Xdev));
        assert_eq!(there.rename("d", &*one, "d"), Err(Errno::Xdev));
    }
}

#[test]
fn large_and_deep_directories_are_removed_at_once() {
    let files = MemFs::new();
    for n in 0..20_000 {
        files.write(format!("d/{n}"), "").unwrap();
    }
    files.create_dir_all("d/".repeat(1000)).unwrap();
    let begun = std::time::Instant::now();
    files.remove("d").unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    assert_eq!(files.used(), 0);
}
