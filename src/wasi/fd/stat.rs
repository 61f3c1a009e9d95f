//! What is known of a descriptor, and changing it: fdstat, filestat, size, times, rights.

use crate::wasi::abi::{Errno, Fd, Fdflags, Fdstat, Fstflags, Ptr, Rights, Timestamp};
use crate::wasi::call::{Call, Stop};
use crate::wasi::descriptor::Object;
use crate::wasi::fs::SetTime;

/// Flags that are given when a file is opened and stay.
const FIXED: Fdflags = Fdflags::DSYNC.or(Fdflags::RSYNC).or(Fdflags::SYNC);

/// `fd_fdstat_get`: what a descriptor is, how it behaves, and what it may be used for.
///
/// For a directory with the rights 0x2000 (open paths), which hands on 0x2 (read):
/// ```text
///   buf ──► 03 .. 00 00 .. .. .. ..  00 20 00 00 00 00 00 00  02 00 00 00 00 00 00 00
///           u8 filetype, u16 flags at 2, u64 rights_base at 8, u64 rights_inheriting at 16
/// ```
/// # Errors
/// `badf`; `fault` outside the memory.
pub(in crate::wasi) fn fdstat_get(cx: &mut Call<'_>, fd: Fd, buf: Ptr) -> Result<(), Stop> {
    let descriptor = cx.ctx.table.get(fd)?;
    let stat = Fdstat {
        filetype: descriptor.object.filetype(),
        flags: descriptor.flags,
        rights_base: cx.preview.rights(descriptor.rights_base),
        rights_inheriting: cx.preview.rights(descriptor.rights_inheriting),
    };
    Ok(cx.memory().write(buf, &stat.to_bytes())?)
}

/// `fd_fdstat_set_flags`: changes how a descriptor behaves: APPEND and NONBLOCK.
///
/// NONBLOCK is kept by us, and the host's descriptor is left alone: it may be the terminal of the shell that started
/// us.
/// # Errors
/// `badf`; `notcapable`; `inval` for an unknown flag; `notsup` for a change of SYNC, DSYNC or RSYNC, which are given
/// when a file is opened.
pub(in crate::wasi) fn fdstat_set_flags(cx: &mut Call<'_>, fd: Fd, flags: Fdflags) -> Result<(), Stop> {
    let descriptor = cx.ctx.table.get_mut(fd)?;
    descriptor.require(Rights::FD_FDSTAT_SET_FLAGS)?;
    if !Fdflags::ALL.has(flags) {
        return Err(Errno::Inval.into());
    }
    if flags.and(FIXED) != descriptor.flags.and(FIXED) {
        return Err(Errno::Notsup.into());
    }
    if let Object::File(file) = &descriptor.object
        && flags.and(Fdflags::APPEND) != descriptor.flags.and(Fdflags::APPEND)
    {
        file.set_append(flags.has(Fdflags::APPEND))?;
    }
    descriptor.flags = flags;
    Ok(())
}

/// `fd_fdstat_set_rights`: gives rights up. They cannot be got back.
///
/// # Errors
/// `badf`; `notcapable` for a right the descriptor does not have.
pub(in crate::wasi) fn fdstat_set_rights(
    cx: &mut Call<'_>,
    fd: Fd,
    base: Rights,
    inheriting: Rights,
) -> Result<(), Stop> {
    let descriptor = cx.ctx.table.get_mut(fd)?;
    if !descriptor.rights_base.has(base) || !descriptor.rights_inheriting.has(inheriting) {
        return Err(Errno::Notcapable.into());
    }
    descriptor.rights_base = base;
    descriptor.rights_inheriting = inheriting;
    Ok(())
}

/// `fd_filestat_get`: what is known of a file, in 64 bytes (56 in preview 0, where `nlink` is a u32).
///
/// ```text
///   buf ──► u64 dev, u64 ino, u8 filetype (7 bytes of padding), u64 nlink, u64 size, u64 atim, u64 mtim, u64 ctim
/// ```
/// Times are nanoseconds since 1970, and 1970 for those before. A stream that is not the host's is all zeros.
/// # Errors
/// `badf`; `notcapable`; `fault` outside the memory.
pub(in crate::wasi) fn filestat_get(cx: &mut Call<'_>, fd: Fd, buf: Ptr) -> Result<(), Stop> {
    let descriptor = cx.ctx.table.get(fd)?;
    descriptor.require(Rights::FD_FILESTAT_GET)?;
    let stat = descriptor.stat()?;
    let stat = cx.ctx.seen(stat);
    Ok(cx.preview.write_filestat(&mut cx.memory(), buf, &stat)?)
}

/// `fd_filestat_set_size`: cuts a file, or makes it longer by zeros.
///
/// # Errors
/// `badf`; `isdir`; `spipe`; `rofs`; `notcapable`; `inval` for 2^63 or more; `fbig`.
pub(in crate::wasi) fn filestat_set_size(cx: &mut Call<'_>, fd: Fd, size: u64) -> Result<(), Stop> {
    let file = cx.ctx.table.get(fd)?.seekable(Rights::FD_FILESTAT_SET_SIZE)?;
    if size > i64::MAX as u64 {
        return Err(Errno::Inval.into());
    }
    Ok(file.set_size(size)?)
}

/// `fd_filestat_set_times`: changes a file's times, to those given or to now.
///
/// # Errors
/// `badf`; `rofs`; `notcapable`; `inval` for an unknown flag, or for one time set in two ways.
pub(in crate::wasi) fn filestat_set_times(
    cx: &mut Call<'_>,
    fd: Fd,
    atim: Timestamp,
    mtim: Timestamp,
    flags: Fstflags,
) -> Result<(), Stop> {
    let descriptor = cx.ctx.table.get(fd)?;
    descriptor.require(Rights::FD_FILESTAT_SET_TIMES)?;
    let (atim, mtim) = set_times(atim, mtim, flags)?;
    match &descriptor.object {
        Object::File(file) => file.set_times(atim, mtim)?,
        Object::Dir(dir, _) => dir.set_times_self(atim, mtim)?,
        _ => return Err(Errno::Inval.into()),
    }
    Ok(())
}

/// What flags say about the two times.
///
/// # Errors
/// `inval` for an unknown flag, or for one time set in two ways.
pub(in crate::wasi) fn set_times(
    atim: Timestamp,
    mtim: Timestamp,
    flags: Fstflags,
) -> Result<(SetTime, SetTime), Errno> {
    if !Fstflags::ALL.has(flags) {
        return Err(Errno::Inval);
    }
    let one = |given, now, time| match (flags.has(given), flags.has(now)) {
        (true, true) => Err(Errno::Inval),
        (true, false) => Ok(SetTime::At(time)),
        (false, true) => Ok(SetTime::Now),
        (false, false) => Ok(SetTime::Keep),
    };
    Ok((
        one(Fstflags::ATIM, Fstflags::ATIM_NOW, atim)?,
        one(Fstflags::MTIM, Fstflags::MTIM_NOW, mtim)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::abi::Oflags;
    use crate::wasi::testing::{Guest, MEMORY, plain};

    #[test]
    fn fdstat_of_a_file_opened_for_reading() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        guest.create("f");
        let fd = guest
            .open_with("f", Oflags::NONE, Rights::FD_READ, Fdflags::APPEND)
            .unwrap();
        guest.put(0x10, &[b'?'; 24]);
        assert_eq!(guest.call(|cx| fdstat_get(cx, fd, Ptr(0x10))), Ok(()));
        guest.expect(0x10, b"\x04\0\x01\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(guest.call(|cx| fdstat_get(cx, fd, Ptr(MEMORY - 23))), Err(Errno::Fault));
        assert_eq!(guest.call(|cx| fdstat_get(cx, 99, Ptr(0x10))), Err(Errno::Badf));
    }

    #[test]
    fn appending_can_be_switched_on_and_off() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let fd = guest
            .open_with("f", Oflags::CREAT, Rights::FILE, Fdflags::APPEND)
            .unwrap();
        let read_flags = |guest: &mut Guest| guest.env.with(|ctx| ctx.table.get(fd).unwrap().flags);
        assert_eq!(guest.call(|cx| fdstat_set_flags(cx, fd, Fdflags::NONBLOCK)), Ok(()));
        assert_eq!(read_flags(&mut guest), Fdflags::NONBLOCK);
        assert_eq!(
            guest.call(|cx| fdstat_set_flags(cx, fd, Fdflags::SYNC)),
            Err(Errno::Notsup)
        );
        assert_eq!(
            guest.call(|cx| fdstat_set_flags(cx, fd, Fdflags(1 << 9))),
            Err(Errno::Inval)
        );
        assert_eq!(read_flags(&mut guest), Fdflags::NONBLOCK);
        let fd = guest.open("g", Oflags::CREAT, Rights::FD_READ).unwrap();
        assert_eq!(
            guest.call(|cx| fdstat_set_flags(cx, fd, Fdflags::NONE)),
            Err(Errno::Notcapable)
        );
    }

    #[test]
    fn rights_can_only_be_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let fd = guest.create("f");
        assert_eq!(
            guest.call(|cx| fdstat_set_rights(cx, fd, Rights::FD_READ, Rights::NONE)),
            Ok(())
        );
        let more = Rights::FD_READ.or(Rights::FD_WRITE);
        assert_eq!(
            guest.call(|cx| fdstat_set_rights(cx, fd, more, Rights::NONE)),
            Err(Errno::Notcapable)
        );
        assert_eq!(
            guest.call(|cx| fdstat_set_rights(cx, fd, Rights::NONE, more)),
            Err(Errno::Notcapable)
        );
        assert_eq!(guest.call(|cx| filestat_get(cx, fd, Ptr(0))), Err(Errno::Notcapable));
        // A directory that hands on no writing opens nothing for writing.
        let kept = Rights::DIRECTORY_INHERITING.without(Rights::FD_WRITE);
        assert_eq!(
            guest.call(|cx| fdstat_set_rights(cx, 3, Rights::DIRECTORY, kept)),
            Ok(())
        );
        assert_eq!(guest.open("f", Oflags::NONE, Rights::FD_WRITE), Err(Errno::Notcapable));
        assert!(guest.open("f", Oflags::NONE, Rights::FD_READ).is_ok());
    }

    #[test]
    fn filestat_size_and_times_of_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let fd = guest.create("f");
        assert_eq!(guest.call(|cx| filestat_set_size(cx, fd, 100)), Ok(()));
        let both = Fstflags::ATIM.or(Fstflags::MTIM);
        for (atim, mtim) in [(1, 2_000_000_003), (0, 1 << 63)] {
            assert_eq!(guest.call(|cx| filestat_set_times(cx, fd, atim, mtim, both)), Ok(()));
            assert_eq!(guest.call(|cx| filestat_get(cx, fd, Ptr(0x10))), Ok(()));
            assert_eq!(
                (guest.u64_at(Ptr(0x10 + 40)), guest.u64_at(Ptr(0x10 + 48))),
                (atim, mtim)
            );
        }
        assert_eq!((guest.bytes(0x20, 1), guest.u64_at(Ptr(0x10 + 32))), (vec![4], 100));
        assert_eq!(guest.u64_at(Ptr(0x10 + 24)), 1, "one name");
        assert_eq!(
            guest.call(|cx| filestat_set_times(cx, fd, 0, 0, Fstflags::MTIM_NOW)),
            Ok(())
        );
        assert_eq!(guest.call(|cx| filestat_get(cx, fd, Ptr(0x10))), Ok(()));
        assert!(guest.u64_at(Ptr(0x10 + 48)) > 1_600_000_000_000_000_000);
        assert_eq!(guest.u64_at(Ptr(0x10 + 40)), 0, "the other is kept");
    }

    #[test]
    fn errnos_of_size_and_times() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let fd = guest.create("f");
        for twice in [
            Fstflags::ATIM.or(Fstflags::ATIM_NOW),
            Fstflags::MTIM.or(Fstflags::MTIM_NOW),
            Fstflags(16),
        ] {
            assert_eq!(
                guest.call(|cx| filestat_set_times(cx, fd, 0, 0, twice)),
                Err(Errno::Inval)
            );
        }
        assert_eq!(guest.call(|cx| filestat_set_size(cx, fd, 1 << 63)), Err(Errno::Inval));
        assert_eq!(
            guest.call(|cx| filestat_set_size(cx, fd, i64::MAX as u64)),
            Err(Errno::Fbig)
        );
        assert_eq!(guest.call(|cx| filestat_set_size(cx, 3, 1)), Err(Errno::Isdir));
        assert_eq!(guest.call(|cx| filestat_set_size(cx, 1, 1)), Err(Errno::Spipe));
        let reading = guest
            .open("f", Oflags::NONE, Rights::FILE.without(Rights::FD_WRITE))
            .unwrap();
        assert_eq!(
            guest.call(|cx| filestat_set_size(cx, reading, 1)),
            Err(Errno::Notcapable)
        );
        assert_eq!(
            guest.call(|cx| filestat_get(cx, fd, Ptr(MEMORY - 63))),
            Err(Errno::Fault)
        );
    }

    #[test]
    fn a_capture_is_a_file_of_unknown_type() {
        let mut guest = Guest::new(plain());
        guest.put(0x10, &[b'?'; 64]);
        assert_eq!(guest.call(|cx| filestat_get(cx, 1, Ptr(0x10))), Ok(()));
        guest.expect(0x10, &[0; 64]);
        assert_eq!(
            guest.call(|cx| filestat_set_times(cx, 1, 0, 0, Fstflags::MTIM)),
            Err(Errno::Notcapable)
        );
    }
}
