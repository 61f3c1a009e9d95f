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
/// `badf` if it is not open or not for reading; `isdir`; `again` with NONBLOCK;
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
/// `nospc`, also when a capture is full or the limit of output reached; `fbig`; `inval` for more than 65,536 iovecs;
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
        let read = |slices: &mut [IoSliceMut<'_>]| file.read_at(slices, offset + from);
        iovecs.with_slices_mut(memory, from, CHUNK, read)?
    })?;
    Ok(cx.memory().write_u32(nread, count)?)
}

/// `fd_pwrite`: writes from `offset` on, leaving the position alone. Else as `fd_write`.
///
/// The offset counts for a file opened with APPEND, too, as POSIX has it.
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
        let append = descriptor.flags.has(Fdflags::APPEND);
        let file = descriptor.seekable(Rights::FD_WRITE)?;
        let write = |slices: &[IoSlice<'_>]| file.write_at(slices, offset + from, append);
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
    let always_waits = interest == Interest::Read && cx.ctx.always_waits(&cx.ctx.table.get(fd)?.object);
    loop {
        let descriptor = cx.ctx.table.get_mut(fd)?;
        let mut memory = cx.host.memory();
        match step(descriptor, &mut memory, done) {
            Ok(count) => {
                done += count as u64;
                let short = (count as u64) < CHUNK && interest == Interest::Read;
                if short || count == 0 || (done >= total && !descriptor.holds_output()) {
                    break;
                }
                if cx.host.interrupt().requested() {
                    return Err(cx.interrupted(Moved(done)));
                }
            }
            // What was moved is moved; the guest sees the error when it comes for the rest.
            Err(Errno::Again) if done > 0 && interest == Interest::Read => break,
            Err(Errno::Again) if always_waits || !descriptor.flags.has(Fdflags::NONBLOCK) => {
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
    match cx.ctx.table.get(fd)?.object.waitable(interest) {
        Some(waitable) => ctx::wait(cx.host, &wake, &mut [waitable], None),
        // The embedder's own streams do not answer `again` without a reason.
        None => Err(Errno::Again.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::wasi::WasiEnv;
    use crate::wasi::abi::Oflags;
    use crate::wasi::fs::File;
    use crate::wasi::host::HostFile;
    use crate::wasi::testing::{Guest, MEMORY, OUT, interrupt_soon, plain};

    fn read_some(guest: &mut Guest, fd: Fd, ranges: &[(u32, u32)]) -> Result<u32, Errno> {
        let (iovs, len) = guest.iovecs(ranges);
        guest.call(|cx| read(cx, fd, iovs, len, OUT))?;
        Ok(guest.u32_at(OUT))
    }

    fn write_some(guest: &mut Guest, fd: Fd, ranges: &[(u32, u32)]) -> Result<u32, Errno> {
        let (iovs, len) = guest.iovecs(ranges);
        guest.call(|cx| write(cx, fd, iovs, len, OUT))?;
        Ok(guest.u32_at(OUT))
    }

    /// A guest with one end of a pipe as descriptor 3, as if it were inherited.
    fn with_stream(fd: impl Into<std::os::fd::OwnedFd>, direction: Rights) -> Guest {
        let mut guest = Guest::new(plain());
        let file = Object::File(Box::new(HostFile::shared(fd.into())));
        assert_eq!(guest.insert(Descriptor::stream(file, direction)), 3);
        guest
    }

    #[test]
    fn iovecs_are_filled_in_their_order_and_nothing_beside_them() {
        let mut guest = Guest::new(plain().with_stdin("wasi"));
        assert_eq!(read_some(&mut guest, 0, &[(0x40, 3), (0x80, 0), (0x20, 4)]), Ok(4));
        guest.expect(0x40, b"was");
        guest.expect(0x20, b"i???");
        assert_eq!(read_some(&mut guest, 0, &[(0x40, 3)]), Ok(0), "the end");
    }

    #[test]
    fn iovecs_that_touch_are_filled_and_those_that_overlap_give_a_short_read() {
        let mut guest = Guest::new(plain().with_stdin("0123456789"));
        assert_eq!(read_some(&mut guest, 0, &[(0x24, 2), (0x20, 4), (0x26, 1)]), Ok(7));
        guest.expect(0x20, b"2345016");
        assert_eq!(read_some(&mut guest, 0, &[(0x40, 2), (0x41, 2)]), Ok(2));
        guest.expect(0x40, b"78");
    }

    #[test]
    fn what_is_written_is_kept_for_the_embedder() {
        let mut guest = Guest::new(plain());
        guest.put(0x20, b"hello, world");
        assert_eq!(write_some(&mut guest, 1, &[(0x20, 5), (0x20, 5), (0x27, 5)]), Ok(15));
        assert_eq!(write_some(&mut guest, 2, &[]), Ok(0));
        assert_eq!(guest.env.get_stdout(), b"hellohelloworld");
        assert_eq!(guest.env.get_stderr(), b"");
    }

    #[test]
    fn a_full_capture_is_a_full_disk() {
        let mut guest = Guest::new(WasiEnv::builder().capture_stdout().capture_limit(4).build());
        assert_eq!(write_some(&mut guest, 1, &[(0x20, 8)]), Ok(4));
        assert_eq!(write_some(&mut guest, 1, &[(0x20, 8)]), Err(Errno::Nospc));
        assert!(guest.env.output_truncated());
        assert_eq!(guest.env.get_stdout(), b"????");
    }

    #[test]
    fn reading_and_writing_need_to_have_been_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        guest.create("f");
        let reading = guest.open("f", Oflags::NONE, Rights::FD_READ).unwrap();
        let writing = guest.open("f", Oflags::NONE, Rights::FD_WRITE).unwrap();
        assert_eq!(write_some(&mut guest, reading, &[(0, 4)]), Err(Errno::Badf));
        assert_eq!(read_some(&mut guest, writing, &[(0, 4)]), Err(Errno::Badf));
        assert_eq!(write_some(&mut guest, writing, &[(0, 4)]), Ok(4));
        assert_eq!(read_some(&mut guest, reading, &[(0, 9)]), Ok(4));
        assert_eq!(read_some(&mut guest, 3, &[(0, 4)]), Err(Errno::Isdir));
        assert_eq!(write_some(&mut guest, 3, &[(0, 4)]), Err(Errno::Isdir));
        assert_eq!(write_some(&mut guest, 0, &[(0, 4)]), Err(Errno::Badf));
        assert_eq!(read_some(&mut guest, 1, &[(0, 4)]), Err(Errno::Badf));
        assert_eq!(read_some(&mut guest, u32::MAX, &[(0, 4)]), Err(Errno::Badf));
    }

    #[test]
    fn iovecs_are_checked_before_a_byte_is_moved() {
        let mut guest = Guest::new(plain().with_stdin("wasi"));
        let far = (MEMORY - 2, 3);
        assert_eq!(read_some(&mut guest, 0, &[(0x20, 2), far]), Err(Errno::Fault));
        assert_eq!(write_some(&mut guest, 1, &[(0x20, 2), far]), Err(Errno::Fault));
        assert_eq!(write_some(&mut guest, 1, &[(u32::MAX, u32::MAX)]), Err(Errno::Fault));
        assert_eq!(
            guest.call(|cx| read(cx, 0, Ptr(0x20), u32::MAX, OUT)),
            Err(Errno::Inval)
        );
        assert_eq!(guest.call(|cx| read(cx, 0, Ptr(MEMORY - 8), 2, OUT)), Err(Errno::Fault));
        let (iovs, len) = guest.iovec(0x20, 4);
        assert_eq!(
            guest.call(|cx| read(cx, 0, iovs, len, Ptr(MEMORY - 3))),
            Err(Errno::Fault)
        );
        assert_eq!(read_some(&mut guest, 0, &[(0x20, 4)]), Ok(4), "nothing was lost");
        assert_eq!(guest.env.get_stdout(), b"");
    }

    #[test]
    fn more_iovecs_than_the_host_takes_are_a_short_write() {
        let mut guest = Guest::new(plain());
        let (iovs, len) = guest.iovecs(&[(0x20, 1); 0xd00 / 8]);
        assert_eq!(guest.call(|cx| write(cx, 1, iovs, len, OUT)), Ok(()));
        guest.put(0x1000, &[0x20, 0, 0, 0, 1, 0, 0, 0].repeat(1200));
        assert_eq!(guest.call(|cx| write(cx, 1, Ptr(0x1000), 1200, OUT)), Ok(()));
        assert_eq!(guest.u32_at(OUT), 1024);
    }

    #[test]
    fn reading_and_writing_at_an_offset_leaves_the_position() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "0123456789").unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let fd = guest.create("f");
        let (iovs, len) = guest.iovecs(&[(0x20, 2), (0x30, 2)]);
        assert_eq!(guest.call(|cx| pread(cx, fd, iovs, len, 5, OUT)), Ok(()));
        guest.expect(0x20, b"56");
        guest.expect(0x30, b"78");
        assert_eq!(guest.call(|cx| pwrite(cx, fd, iovs, len, 20, OUT)), Ok(()));
        assert_eq!(guest.u32_at(OUT), 4);
        assert_eq!(
            std::fs::read(dir.path().join("f")).unwrap(),
            [&b"0123456789"[..], &[0; 10], b"5678"].concat()
        );
        assert_eq!(guest.call(|cx| pread(cx, fd, iovs, len, 1 << 40, OUT)), Ok(()));
        assert_eq!(guest.u32_at(OUT), 0);
        for offset in [1 << 63, u64::MAX, i64::MAX as u64] {
            assert_eq!(
                guest.call(|cx| pread(cx, fd, iovs, len, offset, OUT)),
                Err(Errno::Inval)
            );
            assert_eq!(
                guest.call(|cx| pwrite(cx, fd, iovs, len, offset, OUT)),
                Err(Errno::Inval)
            );
        }
        assert_eq!(guest.call(|cx| pread(cx, 0, iovs, len, 0, OUT)), Err(Errno::Spipe));
        assert_eq!(guest.call(|cx| pwrite(cx, 1, iovs, len, 0, OUT)), Err(Errno::Spipe));
        assert_eq!(guest.call(|cx| pread(cx, 3, iovs, len, 0, OUT)), Err(Errno::Isdir));
        assert_eq!(read_some(&mut guest, fd, &[(0x20, 2)]), Ok(2));
        guest.expect(0x20, b"01");
    }

    #[test]
    fn appending_ignores_the_position() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "0123").unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let fd = guest
            .open_with("f", Oflags::NONE, Rights::FILE, Fdflags::APPEND)
            .unwrap();
        assert_eq!(write_some(&mut guest, fd, &[(0x20, 2)]), Ok(2));
        assert_eq!(
            guest.call(|cx| crate::wasi::fd::stat::fdstat_set_flags(cx, fd, Fdflags::NONE)),
            Ok(())
        );
        assert_eq!(guest.call(|cx| crate::wasi::fd::table::seek(cx, fd, 0, 0, OUT)), Ok(()));
        guest.put(0x20, b"!");
        assert_eq!(write_some(&mut guest, fd, &[(0x20, 1)]), Ok(1));
        assert_eq!(std::fs::read(dir.path().join("f")).unwrap(), b"!123??");
    }

    #[test]
    fn a_read_that_waits_gets_what_comes() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut guest = with_stream(reader, Rights::FD_READ);
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            writer.write_all(b"late").unwrap();
        });
        assert_eq!(read_some(&mut guest, 3, &[(0x20, 8)]), Ok(4));
        thread.join().unwrap();
        assert_eq!(read_some(&mut guest, 3, &[(0x20, 8)]), Ok(0), "nobody writes any more");
    }

    #[test]
    fn nonblock_is_again_instead_of_waiting_and_is_ours_alone() {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut guest = with_stream(reader.try_clone().unwrap(), Rights::FD_READ);
        assert_eq!(
            guest.call(|cx| crate::wasi::fd::stat::fdstat_set_flags(cx, 3, Fdflags::NONBLOCK)),
            Ok(())
        );
        assert_eq!(read_some(&mut guest, 3, &[(0x20, 8)]), Err(Errno::Again));
        let flags = HostFile::shared(reader.into()).flags();
        assert_eq!(flags, Fdflags::NONE, "the shell's terminal stays as it was");
        drop(writer);
    }

    #[test]
    fn a_read_that_waits_ends_when_a_stop_is_requested_and_can_be_made_again() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut guest = with_stream(reader, Rights::FD_READ);
        let (iovs, len) = guest.iovec(0x20, 8);
        let thread = interrupt_soon(&guest.interrupt_handle());
        let begun = Instant::now();
        assert!(matches!(
            guest.stop(|cx| read(cx, 3, iovs, len, OUT)),
            Err(Stop::Interrupted)
        ));
        assert!(begun.elapsed() < Duration::from_secs(10));
        thread.join().unwrap();
        writer.write_all(b"later").unwrap();
        guest.resume();
        assert_eq!(read_some(&mut guest, 3, &[(0x20, 8)]), Ok(5));
    }

    #[test]
    fn a_write_that_waits_goes_on_where_it_was_interrupted() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut guest = with_stream(writer, Rights::FD_WRITE);
        // 32 KiB, eight times: more than a pipe holds (64 KiB on Linux).
        for at in 0..0x8000u32 {
            guest.put(at, &[at as u8 ^ (at >> 8) as u8]);
        }
        let (iovs, len) = guest.iovecs(&[(0, 0x8000); 8]);
        let thread = interrupt_soon(&guest.interrupt_handle());
        assert!(matches!(
            guest.stop(|cx| write(cx, 3, iovs, len, OUT)),
            Err(Stop::Interrupted)
        ));
        thread.join().unwrap();
        let drain = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            all
        });
        guest.resume();
        assert_eq!(guest.call(|cx| write(cx, 3, iovs, len, OUT)), Ok(()));
        assert_eq!(guest.u32_at(OUT), 8 * 0x8000);
        let expected = guest.bytes(0, 0x8000).repeat(8);
        drop(guest);
        assert!(drain.join().unwrap() == expected, "each byte once");
    }

    #[test]
    fn a_pipe_nobody_reads_is_epipe() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut guest = with_stream(writer, Rights::FD_WRITE);
        assert_eq!(write_some(&mut guest, 3, &[(0x20, 8)]), Err(Errno::Pipe));
    }

    #[test]
    fn streams_of_the_embedders_are_read_and_written() {
        #[derive(Clone, Default)]
        struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
        impl Write for Shared {
            fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().write(buf)
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let out = Shared::default();
        let stdin = crate::Stdin::reader(std::io::Cursor::new(b"from a reader"));
        let mut guest = Guest::new(WasiEnv::builder().stdin(stdin).stdout(out.clone()).build());
        assert_eq!(read_some(&mut guest, 0, &[(0x20, 4)]), Ok(4));
        assert_eq!(write_some(&mut guest, 1, &[(0x20, 5)]), Ok(5));
        assert_eq!(*out.0.lock().unwrap(), b"from?");
        assert_eq!(write_some(&mut guest, 2, &[(0x20, 5)]), Ok(5), "dropped");
    }

    #[test]
    fn files_and_null_devices_stand_in_for_standard_streams() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123").unwrap();
        let mut guest = with_stream(file.try_clone().unwrap(), Rights::FD_READ);
        assert_eq!(guest.call(|cx| crate::wasi::fd::table::seek(cx, 3, 2, 0, OUT)), Ok(()));
        assert_eq!(read_some(&mut guest, 3, &[(0x20, 8)]), Ok(2));
        let null = std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .unwrap();
        let mut guest = with_stream(null.try_clone().unwrap(), Rights::FD_READ);
        assert_eq!(read_some(&mut guest, 3, &[(0x20, 8)]), Ok(0));
        let mut guest = with_stream(null, Rights::FD_WRITE);
        assert_eq!(write_some(&mut guest, 3, &[(0x20, 8)]), Ok(8));
    }

    #[test]
    fn appending_to_an_inherited_file_goes_to_its_end() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123").unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let mut guest = with_stream(file.try_clone().unwrap(), Rights::FD_WRITE);
        assert_eq!(
            guest.call(|cx| crate::wasi::fd::stat::fdstat_set_flags(cx, 3, Fdflags::APPEND)),
            Ok(())
        );
        assert_eq!(write_some(&mut guest, 3, &[(0x20, 2)]), Ok(2));
        std::io::Seek::rewind(&mut file).unwrap();
        let mut all = String::new();
        file.read_to_string(&mut all).unwrap();
        assert_eq!(all, "0123??");
    }
}
