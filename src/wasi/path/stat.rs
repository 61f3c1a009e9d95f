//! `path_filestat_get`, `path_filestat_set_times`.

use super::{follow, resolve};
use crate::wasi::abi::{Fd, Fstflags, Lookupflags, Ptr, Rights, Size, Timestamp};
use crate::wasi::call::{Call, Stop};
use crate::wasi::fd::stat::set_times;

/// `path_filestat_get`: what is known of a file, in 64 bytes: see `fd_filestat_get`.
///
/// # Errors
/// As `resolve` in `path/mod.rs`; `inval` for an unknown flag; `noent`; `notdir` for a file with a trailing slash;
/// `loop`; `perm` if the way leads out; `fault`.
pub(in crate::wasi) fn filestat_get(
    cx: &mut Call<'_>,
    fd: Fd,
    flags: Lookupflags,
    path: Ptr,
    len: Size,
    buf: Ptr,
) -> Result<(), Stop> {
    let (dir, path) = resolve(cx, fd, Rights::PATH_FILESTAT_GET, path, len)?;
    let stat = dir.stat(&path, follow(flags)?)?;
    let stat = cx.ctx.seen(stat);
    Ok(cx.preview.write_filestat(&mut cx.memory(), buf, &stat)?)
}

/// `path_filestat_set_times`: changes a file's times, to those given or to now.
///
/// # Errors
/// As `resolve` in `path/mod.rs`; `inval` for an unknown flag, or for one time set in two ways; `noent`; `loop`; `perm`
/// if the way leads out, or for a file of somebody else's.
#[allow(clippy::too_many_arguments)] // the function's own parameters
pub(in crate::wasi) fn filestat_set_times(
    cx: &mut Call<'_>,
    fd: Fd,
    flags: Lookupflags,
    path: Ptr,
    len: Size,
    atim: Timestamp,
    mtim: Timestamp,
    fst_flags: Fstflags,
) -> Result<(), Stop> {
    let (dir, path) = resolve(cx, fd, Rights::PATH_FILESTAT_SET_TIMES, path, len)?;
    let (atim, mtim) = set_times(atim, mtim, fst_flags)?;
    Ok(dir.set_times(&path, follow(flags)?, atim, mtim)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::abi::Errno;
    use crate::wasi::testing::{Guest, MEMORY};

    const BUF: Ptr = Ptr(0x10);

    fn stat(guest: &mut Guest, path: &str, flags: u32) -> Result<u8, Errno> {
        let (at, len) = guest.path(path);
        guest.call(|cx| filestat_get(cx, 3, Lookupflags(flags), at, len, BUF))?;
        Ok(guest.bytes(BUF.0 + 16, 1)[0])
    }

    #[test]
    fn files_directories_and_links() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        std::fs::write(dir.path().join("d/f"), "12345").unwrap();
        std::os::unix::fs::symlink("d/f", dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink("d", dir.path().join("dlink")).unwrap();
        std::os::unix::fs::symlink("loop", dir.path().join("loop")).unwrap();
        std::os::unix::fs::symlink("..", dir.path().join("out")).unwrap();
        let mut guest = Guest::in_dir(dir.path());
        assert_eq!(stat(&mut guest, "d/f", 0), Ok(4));
        assert_eq!(guest.u64_at(Ptr(BUF.0 + 32)), 5);
        assert_eq!(stat(&mut guest, "d", 0), Ok(3));
        assert_eq!(stat(&mut guest, ".", 0), Ok(3));
        assert_eq!(stat(&mut guest, "d/..", 0), Ok(3));
        assert_eq!(stat(&mut guest, "link", 0), Ok(7));
        assert_eq!(stat(&mut guest, "link", 1), Ok(4));
        assert_eq!(stat(&mut guest, "dlink/", 0), Ok(3), "a slash asks for the directory");
        assert_eq!(stat(&mut guest, "d/f/", 0), Err(Errno::Notdir));
        assert_eq!(stat(&mut guest, "link/.", 0), Err(Errno::Notdir));
        assert_eq!(stat(&mut guest, "loop", 0), Ok(7));
        assert_eq!(stat(&mut guest, "loop", 1), Err(Errno::Loop));
        assert_eq!(stat(&mut guest, "out", 0), Ok(7));
        for out in ["..", "out", "out/x", "/", "d/../..", "../x"] {
            assert_eq!(stat(&mut guest, out, 1), Err(Errno::Perm), "{out}");
        }
        assert_eq!(stat(&mut guest, "x", 0), Err(Errno::Noent));
        assert_eq!(stat(&mut guest, "", 0), Err(Errno::Noent));
        assert_eq!(stat(&mut guest, "d", 2), Err(Errno::Inval));
        let (at, len) = guest.path("d");
        let far = Ptr(MEMORY - 63);
        assert_eq!(
            guest.call(|cx| filestat_get(cx, 3, Lookupflags::NONE, at, len, far)),
            Err(Errno::Fault)
        );
    }

    #[test]
    fn times_of_a_link_and_of_what_it_leads_to() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "").unwrap();
        std::os::unix::fs::symlink("f", dir.path().join("link")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("fifo"), rustix::fs::Mode::RUSR).unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let mut set = |path: &str, follow, mtim, flags: Fstflags| {
            let (at, len) = guest.path(path);
            let flags = (Lookupflags(follow), flags);
            let result = guest.call(|cx| filestat_set_times(cx, 3, flags.0, at, len, mtim, mtim, flags.1));
            (
                result,
                stat(&mut guest, path, follow).map(|_| guest.u64_at(Ptr(BUF.0 + 48))),
            )
        };
        let both = Fstflags::ATIM.or(Fstflags::MTIM);
        assert_eq!(set("link", 0, 5_000_000_001, both), (Ok(()), Ok(5_000_000_001)));
        assert_eq!(set("link", 1, 7_000_000_002, both), (Ok(()), Ok(7_000_000_002)));
        assert_eq!(
            set("link", 0, 1, Fstflags::ATIM),
            (Ok(()), Ok(5_000_000_001)),
            "the link kept its own"
        );
        assert_eq!(set("f", 0, 1, Fstflags::ATIM), (Ok(()), Ok(7_000_000_002)));
        assert_eq!(set("fifo", 1, 9, both), (Ok(()), Ok(9)), "without waiting for a writer");
        assert_eq!(set(".", 1, 11, both), (Ok(()), Ok(11)));
        assert_eq!(set("f", 1, 1, both.or(Fstflags::MTIM_NOW)).0, Err(Errno::Inval));
        assert_eq!(set("f", 4, 1, both).0, Err(Errno::Inval));
        assert_eq!(set("../x", 1, 1, both).0, Err(Errno::Perm));
        let mut guest = Guest::in_read_only_dir(dir.path());
        let (at, len) = guest.path("f");
        let none = Lookupflags::NONE;
        assert_eq!(
            guest.call(|cx| filestat_set_times(cx, 3, none, at, len, 1, 1, both)),
            Err(Errno::Rofs)
        );
    }
}
