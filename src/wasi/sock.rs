//! `sock_accept`, `sock_recv`, `sock_send`, `sock_shutdown`: on listeners the embedder granted, and the connections
//! accepted from them. A guest cannot make sockets of its own: Preview 1 has no function for it.

use super::abi::{Errno, Fd, Fdflags, Filetype, Ptr, Riflags, Rights, Sdflags, Size};
use super::call::{Call, Stop};
use super::descriptor::{Descriptor, Object};
use super::fd::read_write::{wait_for, write};
use super::host::{HostFile, Interest};
use super::memory::GuestMemory;

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
                let mut descriptor = Descriptor::new(Object::File(connection), base, Rights::NONE, false);
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
        let mut memory = GuestMemory::new(cx.host.memory());
        let result =
            iovecs.with_slices_mut(&mut memory, done, u64::MAX, |slices| match (&descriptor.object, peek) {
                (Object::File(socket), true) => match slices.first_mut() {
                    Some(first) => Ok(socket.peek(first)?),
                    None => Ok(0),
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
        Object::File(file) if file.filetype() == Filetype::SocketStream => Ok(file),
        Object::Listener(_) => Err(Errno::Notconn),
        _ => Err(Errno::Notsock),
    }
}
