//! `sock_accept`, `sock_recv`, `sock_send`, `sock_shutdown`: on listeners the embedder granted, and the connections
//! accepted from them. A guest cannot make sockets of its own: Preview 1 has no function for it.

use super::abi::{Errno, Fd, Fdflags, Filetype, Ptr, Riflags, Rights, Sdflags, Size};
use super::call::{Call, Stop};
use super::descriptor::{Descriptor, Object};
use super::fd::read_write::{wait_for, write};
use super::host::{HostFile, Interest};

/// How far an interrupted `sock_recv` with WAITALL came.
struct Received(u64);

/// `sock_accept`: takes a connection from a listener, and writes its descriptor as a u32.
///
/// Waits for one, unless NONBLOCK is set on the listener. `flags` are those of the new descriptor.
/// # Errors
/// `badf`; `notsock`; `inval` for what does not listen, or for a flag other than NONBLOCK; `again`; `mfile`; `fault`.
pub(super) fn accept(cx: &mut Call<'_>, fd: Fd, flags: Fdflags, opened: Ptr) -> Result<(), Stop> {
    match &cx.ctx.table.get(fd)?.object {
        Object::Listener(_) => {}
        Object::File(file) if file.filetype() == Filetype::SocketStream => return Err(Errno::Inval.into()),
        _ => return Err(Errno::Notsock.into()),
    }
    if !Fdflags::NONBLOCK.has(flags) {
        return Err(Errno::Inval.into());
    }
    cx.memory().check(opened, 4)?;
    cx.ctx.table.check_room()?;
    loop {
        let listener = cx.ctx.table.get(fd)?;
        listener.require(Rights::SOCK_ACCEPT)?;
        let Object::Listener(socket) = &listener.object else {
            return Err(Errno::Notsock.into());
        };
        match socket.accept().map_err(Errno::from) {
            Ok(connection) => {
                let base = listener.rights_inheriting;
                let mut descriptor = Descriptor::new(Object::File(Box::new(connection)), base, Rights::NONE, false);
                descriptor.flags = flags;
                let new = cx.ctx.table.insert(descriptor)?;
                return Ok(cx.memory().write_u32(opened, new)?);
            }
            Err(Errno::Again) if !listener.flags.has(Fdflags::NONBLOCK) => wait_for(cx, fd, Interest::Read)?,
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// `sock_recv`: receives into the iovecs in turn; writes the number of bytes as a u32, and as a u16 whether a message
/// was cut, which a stream never is. 0 bytes are the end.
///
/// With RECV_PEEK, what is received stays to be received again, and only the first iovec is filled. With RECV_WAITALL,
/// waits until all iovecs are full or the other end has sent all.
/// # Errors
/// `badf`; `notsock`; `inval` for an unknown flag; `again`; `connreset`; as `fd_read` for the iovecs; `fault`.
pub(super) fn recv(
    cx: &mut Call<'_>,
    fd: Fd,
    ri_data: Ptr,
    ri_data_len: Size,
    ri_flags: Riflags,
    received: Ptr,
    ro_flags: Ptr,
) -> Result<(), Stop> {
    socket(cx, fd)?;
    cx.ctx.table.get(fd)?.require(Rights::FD_READ)?;
    if !Riflags::ALL.has(ri_flags) {
        return Err(Errno::Inval.into());
    }
    let memory = cx.memory();
    memory.check(received, 4)?;
    memory.check(ro_flags, 2)?;
    let iovecs = memory.iovecs(ri_data, ri_data_len)?;
    let (peek, all) = (ri_flags.has(Riflags::RECV_PEEK), ri_flags.has(Riflags::RECV_WAITALL));
    let mut done = cx.take_state::<Received>().map_or(0, |received| received.0);
    while done < iovecs.total() {
        let descriptor = cx.ctx.table.get_mut(fd)?;
        let mut memory = cx.host.memory();
        let result =
            iovecs.with_slices_mut(&mut memory, done, u64::MAX, |slices| match (&descriptor.object, peek) {
                (Object::File(socket), true) => match (socket.as_host(), slices.first_mut()) {
                    (Some(socket), Some(first)) => Ok(socket.peek(first)?),
                    _ => Ok(0),
                },
                _ => descriptor.read(slices),
            })?;
        match result {
            Ok(count) => {
                done += count as u64;
                if count == 0 || !all || peek {
                    break;
                }
            }
            Err(Errno::Again) if !descriptor.flags.has(Fdflags::NONBLOCK) => match wait_for(cx, fd, Interest::Read) {
                Err(Stop::Interrupted) => return Err(cx.interrupted(Received(done))),
                other => other?,
            },
            Err(_) if done > 0 => break,
            Err(errno) => return Err(errno.into()),
        }
    }
    let mut memory = cx.memory();
    memory.write_u32(received, u32::try_from(done).map_err(|_| Errno::Overflow)?)?;
    Ok(memory.write(ro_flags, &[0, 0])?)
}

/// `sock_send`: sends the iovecs in turn, and writes the number of bytes taken as a u32. As `fd_write`.
///
/// # Errors
/// `badf`; `notsock`; `inval` for any flag, since none is defined; `pipe` or `connreset` when nobody receives any more;
/// else as `fd_write`.
pub(super) fn send(
    cx: &mut Call<'_>,
    fd: Fd,
    si_data: Ptr,
    si_data_len: Size,
    si_flags: u32,
    sent: Ptr,
) -> Result<(), Stop> {
    socket(cx, fd)?;
    if si_flags != 0 {
        return Err(Errno::Inval.into());
    }
    write(cx, fd, si_data, si_data_len, sent)
}

/// `sock_shutdown`: ends receiving, sending, or both.
///
/// # Errors
/// `badf`; `notsock`; `inval` for no or an unknown flag; `notconn`; `notcapable`.
pub(super) fn shutdown(cx: &mut Call<'_>, fd: Fd, how: Sdflags) -> Result<(), Stop> {
    let socket = socket(cx, fd)?;
    cx.ctx.table.get(fd)?.require(Rights::SOCK_SHUTDOWN)?;
    if how == Sdflags::NONE || !Sdflags::ALL.has(how) {
        return Err(Errno::Inval.into());
    }
    Ok(socket.shutdown(how.has(Sdflags::RD), how.has(Sdflags::WR))?)
}

/// The connected socket of a descriptor.
///
/// # Errors
/// `badf`; `notsock`; `notconn` for one that listens.
fn socket<'c>(cx: &'c Call<'_>, fd: Fd) -> Result<&'c HostFile, Errno> {
    match &cx.ctx.table.get(fd)?.object {
        Object::File(file) if file.filetype() == Filetype::SocketStream => file.as_host().ok_or(Errno::Notsock),
        Object::Listener(_) => Err(Errno::Notconn),
        _ => Err(Errno::Notsock),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use super::*;
    use crate::wasi::WasiEnv;
    use crate::wasi::testing::{Guest, MEMORY, OUT, interrupt_soon, plain};

    const FLAGS_OUT: Ptr = Ptr(0xf010);

    fn listening() -> (Guest, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        (Guest::new(WasiEnv::builder().listener(listener).unwrap().build()), addr)
    }

    fn connected() -> (Guest, TcpStream) {
        let (mut guest, addr) = listening();
        let stream = TcpStream::connect(addr).unwrap();
        assert_eq!(guest.call(|cx| accept(cx, 3, Fdflags::NONE, OUT)), Ok(()));
        assert_eq!(guest.u32_at(OUT), 4);
        (guest, stream)
    }

    fn receive(guest: &mut Guest, ranges: &[(u32, u32)], flags: Riflags) -> Result<u32, Errno> {
        let (iovs, len) = guest.iovecs(ranges);
        guest.call(|cx| recv(cx, 4, iovs, len, flags, OUT, FLAGS_OUT))?;
        Ok(guest.u32_at(OUT))
    }

    #[test]
    fn a_connection_is_accepted_received_from_and_sent_to() {
        let (mut guest, mut stream) = connected();
        stream.write_all(b"ping").unwrap();
        assert_eq!(receive(&mut guest, &[(0x20, 2), (0x30, 8)], Riflags::RECV_PEEK), Ok(2));
        guest.put(0x20, b"??");
        assert_eq!(receive(&mut guest, &[(0x20, 2), (0x30, 8)], Riflags::NONE), Ok(4));
        guest.expect(0x20, b"pi");
        guest.expect(0x30, b"ng??????");
        guest.expect(FLAGS_OUT.0, b"\0\0");
        let (iovs, len) = guest.iovecs(&[(0x20, 2), (0x30, 2)]);
        assert_eq!(guest.call(|cx| send(cx, 4, iovs, len, 0, OUT)), Ok(()));
        assert_eq!(guest.u32_at(OUT), 4);
        assert_eq!(guest.call(|cx| shutdown(cx, 4, Sdflags::WR)), Ok(()));
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "ping");
        drop(stream);
        assert_eq!(receive(&mut guest, &[(0x20, 2)], Riflags::NONE), Ok(0), "the end");
    }

    #[test]
    fn waitall_waits_for_all() {
        let (mut guest, mut stream) = connected();
        stream.write_all(b"ab").unwrap();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(30));
            stream.write_all(b"cd").unwrap();
            stream
        });
        assert_eq!(
            receive(&mut guest, &[(0x20, 1), (0x30, 3)], Riflags::RECV_WAITALL),
            Ok(4)
        );
        guest.expect(0x30, b"bcd");
        drop(thread.join().unwrap());
        assert_eq!(receive(&mut guest, &[(0x20, 4)], Riflags::RECV_WAITALL), Ok(0));
    }

    #[test]
    fn waiting_ends_when_a_stop_is_requested() {
        let (mut guest, addr) = listening();
        let thread = interrupt_soon(&guest.interrupt_handle());
        assert!(matches!(
            guest.stop(|cx| accept(cx, 3, Fdflags::NONE, OUT)),
            Err(Stop::Interrupted)
        ));
        thread.join().unwrap();
        guest.resume();
        let _stream = TcpStream::connect(addr).unwrap();
        assert_eq!(guest.call(|cx| accept(cx, 3, Fdflags::NONBLOCK, OUT)), Ok(()));
        assert_eq!(receive(&mut guest, &[(0x20, 4)], Riflags::NONE), Err(Errno::Again));
        assert_eq!(
            guest.call(|cx| crate::wasi::fd::stat::fdstat_set_flags(cx, 3, Fdflags::NONBLOCK)),
            Ok(())
        );
        assert_eq!(guest.call(|cx| accept(cx, 3, Fdflags::NONE, OUT)), Err(Errno::Again));
    }

    #[test]
    fn a_listener_is_for_the_guest_as_the_embedder_left_it() {
        for nonblock in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(nonblock).unwrap();
            let mut guest = Guest::new(WasiEnv::builder().listener(listener).unwrap().build());
            assert_eq!(guest.call(|cx| crate::wasi::fd::stat::fdstat_get(cx, 3, OUT)), Ok(()));
            let flags = if nonblock { Fdflags::NONBLOCK } else { Fdflags::NONE };
            assert_eq!(guest.bytes(OUT.0 + 2, 2), flags.0.to_le_bytes());
            if nonblock {
                assert_eq!(guest.call(|cx| accept(cx, 3, Fdflags::NONE, OUT)), Err(Errno::Again));
            }
        }
    }

    #[test]
    fn errnos() {
        let (mut guest, _stream) = connected();
        for (fd, errno) in [(1, Errno::Notsock), (77, Errno::Badf), (3, Errno::Notconn)] {
            assert_eq!(
                guest.call(|cx| recv(cx, fd, Ptr(0), 0, Riflags::NONE, OUT, FLAGS_OUT)),
                Err(errno)
            );
            assert_eq!(guest.call(|cx| send(cx, fd, Ptr(0), 0, 0, OUT)), Err(errno));
            assert_eq!(guest.call(|cx| shutdown(cx, fd, Sdflags::WR)), Err(errno));
        }
        for (fd, errno) in [(1, Errno::Notsock), (77, Errno::Badf), (4, Errno::Inval)] {
            assert_eq!(guest.call(|cx| accept(cx, fd, Fdflags::NONE, OUT)), Err(errno));
        }
        assert_eq!(guest.call(|cx| accept(cx, 3, Fdflags::APPEND, OUT)), Err(Errno::Inval));
        assert_eq!(
            guest.call(|cx| accept(cx, 3, Fdflags::NONE, Ptr(MEMORY))),
            Err(Errno::Fault)
        );
        assert_eq!(guest.call(|cx| shutdown(cx, 4, Sdflags::NONE)), Err(Errno::Inval));
        assert_eq!(guest.call(|cx| shutdown(cx, 4, Sdflags(4))), Err(Errno::Inval));
        assert_eq!(guest.call(|cx| send(cx, 4, Ptr(0), 0, 1, OUT)), Err(Errno::Inval));
        assert_eq!(receive(&mut guest, &[(0, 1)], Riflags(4)), Err(Errno::Inval));
        assert_eq!(receive(&mut guest, &[(MEMORY, 1)], Riflags::NONE), Err(Errno::Fault));
        let mut guest = Guest::new(plain());
        assert_eq!(guest.call(|cx| shutdown(cx, 0, Sdflags::WR)), Err(Errno::Notsock));
    }
}
