//! `fd_read`, `fd_write`, `fd_pread`, `fd_pwrite`: bytes between a descriptor and the guest's memory, uncopied.
//!
//! Each call is one readv(2) or writev(2) of the host's, and nothing is buffered: WASI has no flush. Only what is
//! longer than [`CHUNK`], or a pipe that takes a part at a time, needs several; between them a request to stop is
//! seen, and a resumed call goes on after the bytes already moved.

use std::io::{IoSlice, IoSliceMut};

use crate::wasi::abi::{Errno, Fd, Fdflags, Ptr, Rights, Size};
use crate::wasi::call::{Call, Stop};
use crate::wasi::ctx;
use crate::wasi::descriptor::{Descriptor, Object};
use crate::wasi::host::Interest;
use crate::wasi::memory::{GuestMemory, Iovecs};

/// Bytes moved by one call of the host's: what a disk moves in a fraction of a second.
const CHUNK: u64 = 64 << 20;

/// How far an interrupted call came.
struct Moved(u64);

/// `fd_read`: reads into the iovecs in turn, and writes the number of bytes as a u32. 0 is the end.
///
/// Waits until there is something, unless NONBLOCK is set. May read less than there is room for.
/// For a file that goes on with `wasi`, and two iovecs at 0x10:
/// ```text
///   iovs ──► 20 00 00 00  03 00 00 00  40 00 00 00  04 00 00 00      (u32 buf, u32 buf_len, twice)
///   0x20 ──► 77 61 73        0x40 ──► 69 .. .. ..        nread ──► 04 00 00 00
/// ```
/// # Errors
/// `badf` if it is not open or not for reading; `isdir`; `again` with NONBLOCK; `notconn` for a listening socket;
/// `inval` for more than 65,536 iovecs; `fault` if an iovec or `nread` leaves the memory: nothing is read then.
pub(in crate::wasi) fn read(cx: &mut Call<'_>, fd: Fd, iovs: Ptr, iovs_len: Size, nread: Ptr) -> Result<(), Stop> {
    let iovecs = prepare(cx, fd, Rights::FD_READ, iovs, iovs_len, nread)?;
    let count = transfer(cx, fd, Interest::Read, &iovecs, |descriptor, memory, from| {
        iovecs.with_slices_mut(memory, from, CHUNK, |slices| descriptor.read(slices))?
    })?;
    Ok(cx.memory().write_u32(nread, count)?)
}

/// `fd_write`: writes the iovecs in turn, and writes the number of bytes taken as a u32.
///
/// Waits until all is taken, unless NONBLOCK is set. Picture as for `fd_read`.
/// # Errors
/// `badf` if it is not open or not for writing; `isdir`; `again` with NONBLOCK; `pipe` if nobody reads any more;
/// `nospc`, also when a capture is full; `fbig`; `notconn` for a listening socket; `inval` for more than 65,536 iovecs;
/// `fault` if an iovec or `nwritten` leaves the memory: nothing is written then.
pub(in crate::wasi) fn write(cx: &mut Call<'_>, fd: Fd, iovs: Ptr, iovs_len: Size, nwritten: Ptr) -> Result<(), Stop> {
    let iovecs = prepare(cx, fd, Rights::FD_WRITE, iovs, iovs_len, nwritten)?;
    let count = transfer(cx, fd, Interest::Write, &iovecs, |descriptor, memory, from| {
        iovecs.with_slices(memory, from, CHUNK, |slices| descriptor.write(slices))?
    })?;
    Ok(cx.memory().write_u32(nwritten, count)?)
}

/// `fd_pread`: reads from `offset` on, leaving the position alone. Else as `fd_read`.
///
/// # Errors
/// As `fd_read`; `spipe` for what has no positions; `inval` for an offset past 2^63.
pub(in crate::wasi) fn pread(
    cx: &mut Call<'_>,
    fd: Fd,
    iovs: Ptr,
    iovs_len: Size,
    offset: u64,
    nread: Ptr,
) -> Result<(), Stop> {
    let iovecs = prepare_at(cx, fd, Rights::FD_READ, iovs, iovs_len, offset, nread)?;
    let count = transfer(cx, fd, Interest::Read, &iovecs, |descriptor, memory, from| {
        let file = descriptor.seekable(Rights::FD_READ)?;
        let read = |slices: &mut [IoSliceMut<'_>]| Ok(file.read_at(slices, offset + from)?);
        iovecs.with_slices_mut(memory, from, CHUNK, read)?
    })?;
    Ok(cx.memory().write_u32(nread, count)?)
}

/// `fd_pwrite`: writes from `offset` on, leaving the position alone. Else as `fd_write`.
///
/// On a file opened with APPEND, Linux appends all the same, and so does this.
/// # Errors
/// As `fd_write`; `spipe` for what has no positions; `inval` for an offset past 2^63.
pub(in crate::wasi) fn pwrite(
    cx: &mut Call<'_>,
    fd: Fd,
    iovs: Ptr,
    iovs_len: Size,
    offset: u64,
    nwritten: Ptr,
) -> Result<(), Stop> {
    let iovecs = prepare_at(cx, fd, Rights::FD_WRITE, iovs, iovs_len, offset, nwritten)?;
    let count = transfer(cx, fd, Interest::Write, &iovecs, |descriptor, memory, from| {
        let file = descriptor.seekable(Rights::FD_WRITE)?;
        let write = |slices: &[IoSlice<'_>]| Ok(file.write_at(slices, offset + from)?);
        iovecs.with_slices(memory, from, CHUNK, write)?
    })?;
    Ok(cx.memory().write_u32(nwritten, count)?)
}

/// Checks the descriptor, the iovecs and the place for the count, before anything is moved.
fn prepare(cx: &mut Call<'_>, fd: Fd, right: Rights, iovs: Ptr, len: Size, count: Ptr) -> Result<Iovecs, Stop> {
    let descriptor = cx.ctx.table.get(fd)?;
    if matches!(descriptor.object, Object::Dir(..)) {
        return Err(Errno::Isdir.into());
    }
    descriptor.require(right)?;
    let memory = cx.memory();
    memory.check(count, 4)?;
    Ok(memory.iovecs(iovs, len)?)
}

fn prepare_at(
    cx: &mut Call<'_>,
    fd: Fd,
    right: Rights,
    iovs: Ptr,
    len: Size,
    offset: u64,
    count: Ptr,
) -> Result<Iovecs, Stop> {
    cx.ctx.table.get(fd)?.seekable(right)?;
    let iovecs = prepare(cx, fd, right, iovs, len, count)?;
    match offset.checked_add(iovecs.total()) {
        Some(end) if end <= i64::MAX as u64 => Ok(iovecs),
        _ => Err(Errno::Inval.into()),
    }
}

/// Moves bytes step by step until all are moved, a read comes up short, or an error stops it.
///
/// `step` moves bytes of `iovecs` from the given one on, and answers `again` instead of waiting.
fn transfer(
    cx: &mut Call<'_>,
    fd: Fd,
    interest: Interest,
    iovecs: &Iovecs,
    mut step: impl FnMut(&mut Descriptor, &mut GuestMemory<'_>, u64) -> Result<usize, Errno>,
) -> Result<u32, Stop> {
    let total = iovecs.total();
    let mut done = cx.take_state::<Moved>().map_or(0, |moved| moved.0);
    loop {
        let descriptor = cx.ctx.table.get_mut(fd)?;
        let mut memory = GuestMemory::new(cx.host.memory());
        match step(descriptor, &mut memory, done) {
            Ok(count) => {
                done += count as u64;
                let short = (count as u64) < CHUNK && interest == Interest::Read;
                if short || count == 0 || done >= total {
                    break;
                }
                if cx.host.interrupt().requested() {
                    return Err(cx.interrupted(Moved(done)));
                }
            }
            // What was moved is moved; the guest sees the error when it comes for the rest.
            Err(Errno::Again) if done > 0 && interest == Interest::Read => break,
            Err(Errno::Again) if !descriptor.flags.has(Fdflags::NONBLOCK) => {
                if let Err(stop) = wait_for(cx, fd, interest) {
                    return Err(match stop {
                        Stop::Interrupted => cx.interrupted(Moved(done)),
                        other => other,
                    });
                }
            }
            Err(_) if done > 0 => break,
            Err(errno) => return Err(errno.into()),
        }
    }
    // At most 2^31 bytes: see `Iovecs`.
    Ok(u32::try_from(done).map_err(|_| Errno::Overflow)?)
}

/// Waits until a descriptor of the host's is ready, or for no reason.
pub(in crate::wasi) fn wait_for(cx: &mut Call<'_>, fd: Fd, interest: Interest) -> Result<(), Stop> {
    let wake = cx.ctx.wake()?;
    match &cx.ctx.table.get(fd)?.object {
        Object::File(file) | Object::Listener(file) => ctx::wait(cx.host, &wake, &mut [file.waitable(interest)], None),
        // The embedder's own streams do not answer `again` without a reason.
        _ => Err(Errno::Again.into()),
    }
}
