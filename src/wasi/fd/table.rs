//! Functions on the table of descriptors itself, and on where a file stands: close, renumber, seek, tell, sync,
//! advise, allocate.

use crate::wasi::abi::{Advice, Errno, Fd, Ptr, Rights, Whence};
use crate::wasi::call::{Call, Stop};
use crate::wasi::descriptor::Object;

/// `fd_close`: closes a descriptor. 0, 1 and 2 can be closed, too; the host's own streams stay open.
///
/// # Errors
/// `badf` if it is not open.
pub(in crate::wasi) fn close(cx: &mut Call<'_>, fd: Fd) -> Result<(), Stop> {
    cx.ctx.table.remove(fd)?;
    Ok(())
}

/// `fd_renumber`: makes `to` what `fd` was, closes what `to` was, and frees `fd`, in one step.
///
/// # Errors
/// `badf` if either is not open. Onto itself, nothing changes.
pub(in crate::wasi) fn renumber(cx: &mut Call<'_>, fd: Fd, to: Fd) -> Result<(), Stop> {
    Ok(cx.ctx.table.renumber(fd, to)?)
}

/// `fd_seek`: moves a file's position and writes the new one as a u64.
///
/// # Errors
/// `badf`; `isdir` for a directory; `spipe` for a pipe, socket or terminal; `inval` for an unknown whence or a position
/// before the start; `notcapable` without the right to seek (to ask for the position, `fd_tell`'s is enough);
/// `fault` outside the memory: the position is unchanged then.
pub(in crate::wasi) fn seek(cx: &mut Call<'_>, fd: Fd, offset: i64, whence: u32, new: Ptr) -> Result<(), Stop> {
    let descriptor = cx.ctx.table.get(fd)?;
    let whence = cx.preview.whence(whence)?;
    let right = if offset == 0 && whence == Whence::Cur {
        Rights::FD_TELL
    } else {
        Rights::FD_SEEK
    };
    let file = descriptor.seekable(right)?;
    let mut memory = cx.host.memory();
    memory.check(new, 8)?;
    let position = file.seek(offset, whence)?;
    Ok(memory.write_u64(new, position)?)
}

/// `fd_tell`: writes a file's position as a u64.
///
/// # Errors
/// As `fd_seek`, less `inval`.
pub(in crate::wasi) fn tell(cx: &mut Call<'_>, fd: Fd, offset: Ptr) -> Result<(), Stop> {
    let file = cx.ctx.table.get(fd)?.seekable(Rights::FD_TELL)?;
    let position = file.seek(0, Whence::Cur)?;
    Ok(cx.memory().write_u64(offset, position)?)
}

/// `fd_sync`: waits until a file's data and what is known of it are on the disk.
///
/// # Errors
/// `badf`; `notcapable`; `inval` or `rofs` where the host has nothing to flush; `io`.
pub(in crate::wasi) fn sync(cx: &mut Call<'_>, fd: Fd) -> Result<(), Stop> {
    let descriptor = cx.ctx.table.get(fd)?;
    descriptor.require(Rights::FD_SYNC)?;
    match &descriptor.object {
        Object::File(file) => file.sync()?,
        Object::Dir(dir, _) => dir.sync()?,
        _ => return Err(Errno::Inval.into()),
    }
    Ok(())
}

/// `fd_datasync`: waits until a file's data are on the disk.
///
/// # Errors
/// As `fd_sync`.
pub(in crate::wasi) fn datasync(cx: &mut Call<'_>, fd: Fd) -> Result<(), Stop> {
    let descriptor = cx.ctx.table.get(fd)?;
    descriptor.require(Rights::FD_DATASYNC)?;
    match &descriptor.object {
        Object::File(file) => file.datasync()?,
        Object::Dir(dir, _) => dir.datasync()?,
        _ => return Err(Errno::Inval.into()),
    }
    Ok(())
}

/// `fd_advise`: tells the host how `len` bytes from `offset` will be used; 0 means all after it.
///
/// # Errors
/// `badf`; `isdir`; `spipe`; `notcapable`; `inval` for an unknown advice or a range past 2^63.
pub(in crate::wasi) fn advise(cx: &mut Call<'_>, fd: Fd, offset: u64, len: u64, advice: u32) -> Result<(), Stop> {
    let file = cx.ctx.table.get(fd)?.seekable(Rights::FD_ADVISE)?;
    let advice = Advice::from_number(advice)?;
    check_range(offset, len)?;
    file.advise(offset, len, advice)?;
    Ok(())
}

/// `fd_allocate`: makes sure that `len` bytes from `offset` have room on the disk; a file that is shorter grows.
///
/// # Errors
/// `badf`; `isdir`; `spipe`; `rofs`; `notcapable`; `inval` for a length of 0 or a range past 2^63; `fbig`; `nospc`;
/// `notsup` where the file system cannot.
pub(in crate::wasi) fn allocate(cx: &mut Call<'_>, fd: Fd, offset: u64, len: u64) -> Result<(), Stop> {
    let file = cx.ctx.table.get(fd)?.seekable(Rights::FD_ALLOCATE)?;
    check_range(offset, len)?;
    file.allocate(offset, len)?;
    Ok(())
}

/// Positions in a file are below 2^63, on every host.
fn check_range(offset: u64, len: u64) -> Result<(), Errno> {
    match offset.checked_add(len) {
        Some(end) if end <= i64::MAX as u64 => Ok(()),
        _ => Err(Errno::Inval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::abi::Oflags;
    use crate::wasi::testing::{Guest, MEMORY, OUT, plain};

    fn position(guest: &mut Guest, fd: Fd, offset: i64, whence: u32) -> Result<u64, Errno> {
        guest.call(|cx| seek(cx, fd, offset, whence, OUT))?;
        Ok(guest.u64_at(OUT))
    }

    #[test]
    fn positions_move_from_the_start_here_and_the_end() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "0123456789").unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let fd = guest.create("f");
        assert_eq!(position(&mut guest, fd, 4, 0), Ok(4));
        assert_eq!(position(&mut guest, fd, -1, 1), Ok(3));
        assert_eq!(position(&mut guest, fd, -2, 2), Ok(8));
        assert_eq!(position(&mut guest, fd, 100, 2), Ok(110), "past the end");
        guest.put(0x10, &[b'?'; 8]);
        assert_eq!(guest.call(|cx| tell(cx, fd, Ptr(0x10))), Ok(()));
        guest.expect(0x10, b"n\0\0\0\0\0\0\0");
        assert_eq!(position(&mut guest, fd, -1, 0), Err(Errno::Inval));
        assert_eq!(position(&mut guest, fd, i64::MIN, 1), Err(Errno::Inval));
        assert_eq!(position(&mut guest, fd, 0, 3), Err(Errno::Inval));
        assert_eq!(guest.call(|cx| seek(cx, fd, 0, 0, Ptr(MEMORY - 7))), Err(Errno::Fault));
        assert_eq!(
            position(&mut guest, fd, 0, 1),
            Ok(110),
            "unchanged by the calls that failed"
        );
    }

    #[test]
    fn what_has_no_positions_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        assert_eq!(position(&mut guest, 1, 0, 1), Err(Errno::Spipe));
        assert_eq!(position(&mut guest, 3, 0, 0), Err(Errno::Isdir));
        assert_eq!(position(&mut guest, 9, 0, 0), Err(Errno::Badf));
        assert_eq!(guest.call(|cx| tell(cx, 3, OUT)), Err(Errno::Isdir));
        assert_eq!(guest.call(|cx| allocate(cx, 3, 0, 1)), Err(Errno::Isdir));
        assert_eq!(guest.call(|cx| advise(cx, 1, 0, 1, 0)), Err(Errno::Spipe));
    }

    #[test]
    fn the_right_to_tell_is_enough_to_ask_for_the_position() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let fd = guest
            .open("f", Oflags::CREAT, Rights::FD_READ.or(Rights::FD_TELL))
            .unwrap();
        assert_eq!(position(&mut guest, fd, 0, 1), Ok(0));
        assert_eq!(position(&mut guest, fd, 1, 1), Err(Errno::Notcapable));
    }

    #[test]
    fn closing_is_final_for_any_descriptor() {
        let mut guest = Guest::new(plain());
        for fd in 0..3 {
            assert_eq!(guest.call(|cx| close(cx, fd)), Ok(()));
            assert_eq!(guest.call(|cx| close(cx, fd)), Err(Errno::Badf));
        }
        assert_eq!(guest.call(|cx| renumber(cx, u32::MAX, u32::MAX - 1)), Err(Errno::Badf));
    }

    #[test]
    fn flushing_needs_something_to_flush() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let fd = guest.create("f");
        for fd in [fd, 3] {
            assert_eq!(guest.call(|cx| sync(cx, fd)), Ok(()));
            assert_eq!(guest.call(|cx| datasync(cx, fd)), Ok(()));
        }
        assert_eq!(guest.call(|cx| sync(cx, 1)), Err(Errno::Inval));
        assert_eq!(guest.call(|cx| sync(cx, 77)), Err(Errno::Badf));
        assert_eq!(guest.call(|cx| datasync(cx, 77)), Err(Errno::Badf));
    }

    #[test]
    fn allocation_grows_a_file_and_never_cuts_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let fd = guest.create("f");
        let size = || std::fs::metadata(dir.path().join("f")).unwrap().len();
        assert_eq!(guest.call(|cx| allocate(cx, fd, 90, 20)), Ok(()));
        assert_eq!(size(), 110);
        assert_eq!(guest.call(|cx| allocate(cx, fd, 0, 10)), Ok(()));
        assert_eq!(size(), 110);
        assert_eq!(guest.call(|cx| allocate(cx, fd, 0, 0)), Err(Errno::Inval));
        assert_eq!(guest.call(|cx| allocate(cx, fd, u64::MAX, 2)), Err(Errno::Inval));
        assert_eq!(guest.call(|cx| advise(cx, fd, 0, 0, 5)), Ok(()));
        assert_eq!(guest.call(|cx| advise(cx, fd, 0, 0, 6)), Err(Errno::Inval));
        assert_eq!(guest.call(|cx| advise(cx, fd, u64::MAX, 1, 0)), Err(Errno::Inval));
    }
}
