//! `path_open`.

use std::time::Duration;

use super::{follow, resolve};
use crate::wasi::abi::{Errno, Fd, Fdflags, Lookupflags, Oflags, Ptr, Rights, Size};
use crate::wasi::call::{Call, Stop};
use crate::wasi::ctx;
use crate::wasi::descriptor::{Descriptor, Object};
use crate::wasi::fd::readdir::Listing;
use crate::wasi::sandbox::{OpenHow, Opened};

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
/// descriptors; `fault`, `nametoolong`, `ilseq` for the path; and the host's: `noent`, `exist`, `isdir`, `loop`, `acces`.
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
    let object = match open_or_wait(cx, fd, &path, &how) {
        Ok(Opened::File(file)) => Object::File(file),
        Ok(Opened::Dir(dir)) => Object::Dir(dir, Listing::default()),
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
        match dir.open(path, how) {
            // Without a reader, O_WRONLY and O_NONBLOCK on a FIFO fail so. Sockets do, too, and stay so.
            Err(Errno::Nxio) if !how.flags.has(Fdflags::NONBLOCK) && dir.is_fifo(path, how.follow) => {}
            other => return Ok(other?),
        }
        let wake = cx.ctx.wake()?;
        ctx::wait(cx.host, &wake, &mut [], Some(LOOK_FOR_READER))?;
    }
}
