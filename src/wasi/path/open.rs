//! `path_open`.

use std::time::Duration;

use super::{follow, resolve};
use crate::wasi::abi::{Errno, Fd, Fdflags, Lookupflags, Oflags, Ptr, Rights, Size};
use crate::wasi::call::{Call, Stop};
use crate::wasi::ctx;
use crate::wasi::descriptor::{Descriptor, Object};
use crate::wasi::fd::readdir::Listing;
use crate::wasi::fs::quota::Quota;
use crate::wasi::fs::{Directory, OpenHow, Opened};

/// How often to look for a reader while opening a FIFO for writing. The host gives no descriptor to wait for.
const LOOK_FOR_READER: Duration = Duration::from_millis(10);

/// `path_open`: opens, and if asked creates, a file or directory, and writes its descriptor as a u32.
///
/// The new descriptor gets, of the rights asked for, those the directory hands on and its kind can have; reading and
/// writing are what the host's file is opened for. A FIFO is opened without waiting for its other end to be read
/// from; opening one for writing waits for a reader, unless NONBLOCK is given.
/// # Errors
/// `badf`, `notdir`; `inval` for unknown flags, or CREAT with DIRECTORY; `rofs` where writing, creating or cutting
/// meets a read-only directory; `notcapable` if the directory hands on no right to read or write, or has none to
/// create; `perm` for TRUNC if it has none to change sizes, or if the way leads out; `mfile` at the limit of open
/// descriptors; `dquot` if nothing may be made any more; `fault`, `nametoolong`, `ilseq` for the path; and the host's: `noent`, `exist`, `isdir`, `loop`, `acces`.
#[allow(clippy::too_many_arguments)] // the function's own parameters
pub(in crate::wasi) fn open(
    cx: &mut Call<'_>,
    fd: Fd,
    dirflags: Lookupflags,
    path: Ptr,
    path_len: Size,
    oflags: Oflags,
    base: Rights,
    inheriting: Rights,
    fdflags: Fdflags,
    opened: Ptr,
) -> Result<(), Stop> {
    let (_, path) = resolve(cx, fd, Rights::PATH_OPEN, path, path_len)?;
    cx.memory().check(opened, 4)?;
    cx.ctx.table.check_room()?;
    let parent = cx.ctx.table.get(fd)?;
    if !Oflags::ALL.has(oflags) || !Fdflags::ALL.has(fdflags) {
        return Err(Errno::Inval.into());
    }
    let mut how = OpenHow {
        follow: follow(dirflags)?,
        create: oflags.has(Oflags::CREAT),
        exclusive: oflags.has(Oflags::EXCL),
        truncate: oflags.has(Oflags::TRUNC),
        directory: oflags.has(Oflags::DIRECTORY),
        read: base.has(Rights::FD_READ),
        write: base.has(Rights::FD_WRITE),
        flags: fdflags,
    };
    may_open(parent, &mut how)?;
    let (read_only, handed_on) = (parent.read_only, parent.rights_inheriting);
    let (object, read_only) = match open_or_wait(cx, fd, &path, &how) {
        Ok(Opened::File(file)) => (Object::File(cx.ctx.quota.meter(file)), read_only),
        Ok(Opened::ReadOnlyFile(file)) => (Object::File(file), true),
        Ok(Opened::Dir(dir)) => (Object::Dir(dir, Listing::default()), read_only),
        Err(Stop::Errno(Errno::Noent)) if read_only && oflags.has(Oflags::CREAT) => return Err(Errno::Rofs.into()),
        Err(stop) => return Err(stop),
    };
    let mut granted = base.and(handed_on);
    if !how.write {
        granted = granted.without(Rights::NEEDS_WRITE);
    }
    let mut descriptor = Descriptor::new(object, granted, inheriting.and(handed_on), read_only);
    if !matches!(descriptor.object, Object::Dir(..)) {
        descriptor.flags = fdflags;
    }
    descriptor.outlet = cx.ctx.outlet(&descriptor.object);
    let new = cx.ctx.table.insert(descriptor)?;
    Ok(cx.memory().write_u32(opened, new)?)
}

/// Checks that `parent` may be used to open so. On a read-only directory, CREAT is dropped: a file that exists can
/// be opened all the same.
fn may_open(parent: &Descriptor, how: &mut OpenHow) -> Result<(), Errno> {
    if parent.read_only {
        if how.write || how.truncate || (how.create && how.exclusive) {
            return Err(Errno::Rofs);
        }
        how.create = false;
    }
    if how.create {
        parent.require(Rights::PATH_CREATE_FILE)?;
    }
    if how.truncate && !parent.rights_base.has(Rights::PATH_FILESTAT_SET_SIZE) {
        return Err(Errno::Perm);
    }
    for (wanted, right) in [(how.read, Rights::FD_READ), (how.write, Rights::FD_WRITE)] {
        if wanted && !parent.rights_inheriting.has(right) {
            return Err(Errno::Notcapable);
        }
    }
    Ok(())
}

/// Opens; where that means waiting for a FIFO's reader, looks for one again and again until a stop is requested.
fn open_or_wait(cx: &mut Call<'_>, fd: Fd, path: &str, how: &OpenHow) -> Result<Opened, Stop> {
    loop {
        let dir = cx.ctx.table.get(fd)?.dir(Rights::PATH_OPEN)?;
        match open_counted(&cx.ctx.quota, dir, path, how) {
            // Without a reader, O_WRONLY and O_NONBLOCK on a FIFO fail so. Sockets do, too, and stay so.
            Err(Errno::Nxio) if !how.flags.has(Fdflags::NONBLOCK) && dir.is_fifo(path, how.follow) => {}
            other => return Ok(other?),
        }
        let wake = cx.ctx.wake()?;
        ctx::wait(cx.host, &wake, &mut [], Some(LOOK_FOR_READER))?;
    }
}

/// Opens; a file that is made by it counts as a name where names are counted.
fn open_counted(quota: &Quota, dir: &dyn Directory, path: &str, how: &OpenHow) -> Result<Opened, Errno> {
    if !how.create || !quota.counts_names() {
        return dir.open(path, how);
    }
    if !how.exclusive {
        match dir.open(path, &OpenHow { create: false, ..*how }) {
            Err(Errno::Noent) => {}
            Ok(Opened::Dir(_)) => return Err(Errno::Isdir),
            other => return other,
        }
    }
    quota.name(path, 0, || dir.open(path, how))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;
    use crate::wasi::testing::{Guest, MEMORY, OUT, interrupt_soon};

    const CREAT: Oflags = Oflags::CREAT;
    const DIRECTORY: Oflags = Oflags::DIRECTORY;
    const RW: Rights = Rights::FD_READ.or(Rights::FD_WRITE);

    fn nofollow(guest: &mut Guest, path: &str, oflags: Oflags) -> Result<Fd, Errno> {
        let (at, len) = guest.path(path);
        let none = (Lookupflags::NONE, Fdflags::NONE);
        guest.call(|cx| open(cx, 3, none.0, at, len, oflags, Rights::NONE, Rights::NONE, none.1, OUT))?;
        Ok(guest.u32_at(OUT))
    }

    #[test]
    fn files_are_created_opened_and_cut() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        assert_eq!(guest.open("f", Oflags::NONE, RW), Err(Errno::Noent));
        assert_eq!(
            guest.open("f", CREAT, Rights::NONE),
            Ok(4),
            "created without a right to write"
        );
        assert_eq!(guest.open("f", CREAT, RW), Ok(5));
        assert_eq!(guest.open("f", CREAT.or(Oflags::EXCL), RW), Err(Errno::Exist));
        std::fs::write(dir.path().join("f"), "text").unwrap();
        assert_eq!(guest.open("f", Oflags::TRUNC, Rights::FD_READ), Ok(6));
        assert_eq!(std::fs::read(dir.path().join("f")).unwrap(), b"");
        guest.expect(OUT.0, b"\x06\0\0\0");
    }

    #[test]
    fn cutting_and_creating_need_rights_of_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "text").unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let kept = Rights::DIRECTORY.without(Rights::PATH_FILESTAT_SET_SIZE.or(Rights::PATH_CREATE_FILE));
        let inheriting = Rights::DIRECTORY_INHERITING.without(Rights::FD_FILESTAT_SET_SIZE);
        assert_eq!(
            guest.call(|cx| crate::wasi::fd::stat::fdstat_set_rights(cx, 3, kept, inheriting)),
            Ok(())
        );
        assert_eq!(guest.open("f", Oflags::TRUNC, Rights::NONE), Err(Errno::Perm));
        assert_eq!(guest.open("new", CREAT, Rights::NONE), Err(Errno::Notcapable));
        assert_eq!(std::fs::read(dir.path().join("f")).unwrap(), b"text");
        let fd = guest.open("f", Oflags::NONE, Rights::FILE).unwrap();
        assert_eq!(
            guest.call(|cx| crate::wasi::fd::stat::filestat_set_size(cx, fd, 0)),
            Err(Errno::Notcapable)
        );
    }

    #[test]
    fn directories_and_files_are_not_the_same() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        std::fs::write(dir.path().join("f"), "").unwrap();
        let mut guest = Guest::in_dir(dir.path());
        assert_eq!(guest.open("d", DIRECTORY, Rights::DIRECTORY), Ok(4));
        assert_eq!(guest.open("d", Oflags::NONE, Rights::FD_READ), Ok(5));
        assert_eq!(guest.open("d///", Oflags::NONE, Rights::NONE), Ok(6));
        assert_eq!(guest.open("d", DIRECTORY, RW), Err(Errno::Isdir));
        assert_eq!(guest.open("d", CREAT, Rights::NONE), Err(Errno::Isdir));
        assert_eq!(guest.open("f", DIRECTORY, Rights::NONE), Err(Errno::Notdir));
        assert_eq!(guest.open("f/", Oflags::NONE, Rights::NONE), Err(Errno::Notdir));
        assert_eq!(guest.open("f/x", CREAT, Rights::NONE), Err(Errno::Notdir));
        assert_eq!(guest.open("d", DIRECTORY.or(CREAT), Rights::NONE), Err(Errno::Inval));
        let (at, len) = guest.path("x");
        let (follow, none) = (Lookupflags::SYMLINK_FOLLOW, Rights::NONE);
        for (fd, errno) in [(1, Errno::Notdir), (99, Errno::Badf), (5, Errno::Notcapable)] {
            let result = guest.call(|cx| open(cx, fd, follow, at, len, CREAT, none, none, Fdflags::NONE, OUT));
            assert_eq!(result, Err(errno));
        }
    }

    #[test]
    fn paths_are_checked() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        assert_eq!(guest.open("", CREAT, RW), Err(Errno::Noent));
        assert_eq!(guest.open("a\0b", CREAT, RW), Err(Errno::Inval));
        assert_eq!(guest.open(&"a".repeat(256), CREAT, RW), Err(Errno::Nametoolong));
        assert_eq!(guest.open(&"a/".repeat(2048), CREAT, RW), Err(Errno::Nametoolong));
        let bad = guest.path(b"\xff\xfe");
        let follow = Lookupflags::SYMLINK_FOLLOW;
        let mut go = |(at, len), oflags, fdflags, out| {
            guest.call(|cx| open(cx, 3, follow, at, len, oflags, RW, RW, fdflags, out))
        };
        let none = Fdflags::NONE;
        assert_eq!(go(bad, CREAT, none, OUT), Err(Errno::Ilseq));
        assert_eq!(go((Ptr(0x20), 110_000), CREAT, none, OUT), Err(Errno::Fault));
        assert_eq!(go((Ptr(0x20), 5000), CREAT, none, OUT), Err(Errno::Nametoolong));
        assert_eq!(go((Ptr(u32::MAX), u32::MAX), CREAT, none, OUT), Err(Errno::Fault));
        assert_eq!(go((Ptr(0x20), 1), CREAT, none, Ptr(MEMORY - 3)), Err(Errno::Fault));
        assert!(
            std::fs::read_dir(dir.path()).unwrap().next().is_none(),
            "checked before anything is created"
        );
        assert_eq!(go((Ptr(0x20), 1), Oflags(16), none, OUT), Err(Errno::Inval));
        assert_eq!(go((Ptr(0x20), 1), CREAT, Fdflags(32), OUT), Err(Errno::Inval));
    }

    #[test]
    fn descriptors_are_limited() {
        let dir = tempfile::tempdir().unwrap();
        let env = crate::WasiEnv::builder()
            .dir(dir.path(), "/")
            .unwrap()
            .max_open_files(6)
            .build();
        let mut guest = Guest::new(env);
        assert_eq!((guest.open("a", CREAT, RW), guest.open("b", CREAT, RW)), (Ok(4), Ok(5)));
        assert_eq!(guest.open("c", CREAT, RW), Err(Errno::Mfile));
        assert!(!dir.path().join("c").exists());
    }

    /// A tree with a secret beside the granted directory, and every way to it that comes to mind.
    fn with_secret() -> (tempfile::TempDir, Guest) {
        let outer = tempfile::tempdir().unwrap();
        let (granted, secret) = (outer.path().join("granted"), outer.path().join("secret"));
        std::fs::create_dir_all(granted.join("d/e")).unwrap();
        std::fs::write(&secret, "canary").unwrap();
        let link = |to: &Path, from: &str| symlink(to, granted.join(from)).unwrap();
        link(Path::new("../secret"), "up");
        link(&secret, "absolute");
        link(Path::new("up"), "chain");
        link(Path::new("d/../../secret"), "through");
        link(Path::new(".."), "parent");
        link(Path::new("/"), "root");
        link(Path::new("../missing"), "dangling");
        link(Path::new("dangling"), "chained-dangling");
        link(Path::new("loop"), "loop");
        link(Path::new("/proc/self/root"), "magic");
        let guest = Guest::in_dir(&granted);
        (outer, guest)
    }

    #[test]
    fn nothing_leads_out_of_a_granted_directory() {
        let (outer, mut guest) = with_secret();
        let secret = outer.path().join("secret");
        let absolute = secret.to_str().unwrap();
        let ways = [
            "../secret",
            "d/../../secret",
            "d/e/../../../secret",
            "up",
            "chain",
            "absolute",
            "through",
            "parent/secret",
            "root/etc/passwd",
            "magic/etc/passwd",
            "dangling",
            "chained-dangling",
            "../missing",
            "/",
            "/etc/passwd",
            "..",
            "../granted/d",
            "parent",
            "root",
            "../newdir/f",
            "/newdir/f",
            "d/../../newdir/f",
            "./../secret",
            absolute,
        ];
        for way in ways {
            for oflags in [Oflags::NONE, CREAT, CREAT.or(Oflags::EXCL), Oflags::TRUNC, DIRECTORY] {
                for rights in [Rights::NONE, Rights::FD_READ, RW] {
                    let opened = guest.open(way, oflags, rights);
                    let refused = matches!(opened, Err(Errno::Perm | Errno::Exist | Errno::Noent));
                    assert!(refused, "{way} with {oflags:?} and {rights:?}: {opened:?}");
                }
            }
        }
        assert_eq!(std::fs::read(&secret).unwrap(), b"canary");
        for absent in ["missing", "newdir"] {
            assert!(!outer.path().join(absent).exists());
        }
        assert_eq!(guest.open("loop", Oflags::NONE, Rights::FD_READ), Err(Errno::Loop));
    }

    #[test]
    fn links_inside_are_followed_when_asked() {
        let (_outer, mut guest) = with_secret();
        guest.create("d/file");
        let granted_link = guest.path("inside");
        let (new, new_len) = granted_link;
        let (old, old_len) = guest.other_path("d/../d/file");
        let made = guest.call(|cx| crate::wasi::path::links::symlink(cx, old, old_len, 3, new, new_len));
        assert_eq!(made, Ok(()));
        assert!(guest.open("inside", Oflags::NONE, RW).is_ok());
        assert!(guest.open("d/e/../../inside", Oflags::NONE, RW).is_ok());
        assert_eq!(nofollow(&mut guest, "inside", Oflags::NONE), Err(Errno::Loop));
        assert_eq!(nofollow(&mut guest, "inside", DIRECTORY), Err(Errno::Notdir));
        assert_eq!(nofollow(&mut guest, "dangling", CREAT), Err(Errno::Loop));
    }

    #[test]
    fn a_read_only_directory_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "text").unwrap();
        let before = std::fs::metadata(dir.path().join("f")).unwrap().modified().unwrap();
        let mut guest = Guest::in_read_only_dir(dir.path());
        for bits in 0..16 {
            for rights in [
                Rights::NONE,
                Rights::FD_READ,
                Rights::FD_WRITE,
                RW,
                Rights::FILE,
                Rights::ALL,
            ] {
                for flags in [Fdflags::NONE, Fdflags::APPEND, Fdflags::SYNC] {
                    let oflags = Oflags(bits);
                    if let Ok(fd) = guest.open_with("f", oflags, rights, flags) {
                        assert!(!rights.has(Rights::FD_WRITE) && !oflags.has(Oflags::TRUNC));
                        let given = guest.env.with(|ctx| ctx.table.get(fd).unwrap().rights_base);
                        assert!(!given.has_any(Rights::MUTATING));
                        assert_eq!(guest.call(|cx| crate::wasi::fd::table::close(cx, fd)), Ok(()));
                    }
                }
            }
        }
        assert_eq!(guest.open("f", Oflags::NONE, Rights::FD_WRITE), Err(Errno::Rofs));
        assert_eq!(guest.open("f", Oflags::TRUNC, Rights::NONE), Err(Errno::Rofs));
        assert_eq!(guest.open("new", CREAT, Rights::FD_READ), Err(Errno::Rofs));
        assert_eq!(guest.open("f", CREAT, Rights::FD_READ), Ok(4), "it exists");
        assert_eq!(std::fs::read(dir.path().join("f")).unwrap(), b"text");
        assert_eq!(
            std::fs::metadata(dir.path().join("f")).unwrap().modified().unwrap(),
            before
        );
        // What is opened below it is as read-only as it is.
        std::fs::create_dir(dir.path().join("d")).unwrap();
        let fd = guest.open(".", DIRECTORY, Rights::DIRECTORY).unwrap();
        let (at, len) = guest.path("d/new");
        assert_eq!(
            guest.call(|cx| crate::wasi::path::tree::create_directory(cx, fd, at, len)),
            Err(Errno::Rofs)
        );
    }

    #[test]
    fn a_fifo_waits_for_its_other_end_and_for_a_stop() {
        use rustix::fs::{CWD, Mode, mkfifoat};
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let rights = Rights::FD_WRITE;
        assert_eq!(
            guest.open_with("fifo", Oflags::NONE, rights, Fdflags::NONBLOCK),
            Err(Errno::Nxio)
        );
        let thread = interrupt_soon(&guest.interrupt_handle());
        let (at, len) = guest.path("fifo");
        let follow = Lookupflags::SYMLINK_FOLLOW;
        let go = |cx: &mut Call<'_>| open(cx, 3, follow, at, len, Oflags::NONE, rights, rights, Fdflags::NONE, OUT);
        assert!(matches!(guest.stop(go), Err(Stop::Interrupted)));
        thread.join().unwrap();
        guest.resume();
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || std::fs::read(fifo).unwrap()
        });
        assert!(guest.stop(go).is_ok());
        let fd = guest.u32_at(OUT);
        let (iovs, len) = guest.iovec(0x20, 3);
        assert_eq!(
            guest.call(|cx| crate::wasi::fd::read_write::write(cx, fd, iovs, len, OUT)),
            Ok(())
        );
        assert_eq!(guest.call(|cx| crate::wasi::fd::table::close(cx, fd)), Ok(()));
        assert_eq!(reader.join().unwrap(), b"???");
        // Opened for reading at once; what waits is the read.
        let fd = guest.open("fifo", Oflags::NONE, Rights::FD_READ).unwrap();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            std::fs::write(fifo, "late").unwrap();
        });
        let (iovs, len) = guest.iovec(0x20, 8);
        assert_eq!(
            guest.call(|cx| crate::wasi::fd::read_write::read(cx, fd, iovs, len, OUT)),
            Ok(())
        );
        assert_eq!(guest.u32_at(OUT), 4);
        writer.join().unwrap();
        assert_eq!(
            guest.call(|cx| crate::wasi::fd::read_write::read(cx, fd, iovs, len, OUT)),
            Ok(())
        );
        assert_eq!(guest.u32_at(OUT), 0);
    }

    #[test]
    fn closing_gives_the_hosts_descriptors_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let open_here = |guest: &mut Guest| {
            let first = guest.create("a");
            let second = guest.create("b");
            assert_eq!(
                guest.call(|cx| crate::wasi::fd::table::renumber(cx, first, second)),
                Ok(())
            );
            assert_eq!(guest.call(|cx| crate::wasi::fd::table::close(cx, second)), Ok(()));
        };
        open_here(&mut guest);
        // Only descriptors of this directory: other tests run beside this one.
        let count = || {
            let links = std::fs::read_dir("/proc/self/fd").unwrap();
            links
                .filter_map(|link| std::fs::read_link(link.ok()?.path()).ok())
                .filter(|to| to.starts_with(dir.path()))
                .count()
        };
        let before = count();
        for _ in 0..10_000 {
            open_here(&mut guest);
        }
        assert_eq!(count(), before);
    }
}
