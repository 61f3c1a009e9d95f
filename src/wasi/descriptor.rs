//! An open descriptor: what it stands for, and what the guest may do with it.

use std::io::{IoSlice, IoSliceMut, Read, Write};

use super::abi::{Errno, Fdflags, Filestat, Filetype, Rights};
use super::fd::readdir::Listing;
use super::fs::{Directory, File};
use super::host::{HostFile, Interest, Waitable};
use super::outlet::Outlet;
use super::stdio::Capture;

/// What a descriptor stands for.
pub(super) enum Object {
    /// Reads end at once, and what is written vanishes.
    Null,
    /// Bytes given by the embedder, and how many of them were read.
    Bytes(Vec<u8>, usize),
    /// A stream of the embedder's.
    Reader(Box<dyn Read + Send>),
    /// A stream of the embedder's.
    Writer(Box<dyn Write + Send>),
    /// Output kept for the embedder.
    Capture(Capture),
    /// A file, whoever keeps it, or a pipe, terminal or connected socket of the host's.
    File(Box<dyn File>),
    /// A socket of the host's that waits for connections.
    Listener(HostFile),
    /// A directory, whoever keeps it, and how far it was listed.
    Dir(Box<dyn Directory>, Listing),
}

impl Object {
    pub(super) fn filetype(&self) -> Filetype {
        match self {
            Object::File(file) => file.filetype(),
            Object::Listener(file) => file.filetype(),
            Object::Dir(..) => Filetype::Directory,
            Object::Null | Object::Bytes(..) | Object::Reader(_) | Object::Writer(_) | Object::Capture(_) => {
                Filetype::Unknown
            }
        }
    }

    /// Whether somebody sees what is written to it, on a device that obeys escape sequences.
    pub(super) fn is_terminal(&self) -> bool {
        let host = match self {
            Object::File(file) => file.as_host(),
            _ => None,
        };
        host.is_some_and(|file| file.is_terminal())
    }

    /// What to wait for before it can be read or written; `None` if it never has to wait.
    pub(super) fn waitable(&self, interest: Interest) -> Option<Waitable<'_>> {
        match self {
            Object::File(file) => file.waitable(interest),
            Object::Listener(file) => file.waitable(interest),
            _ => None,
        }
    }

    /// Every right that makes sense for it, whoever opened it.
    pub(super) fn applicable_rights(&self) -> Rights {
        match self {
            Object::Dir(..) => Rights::DIRECTORY,
            Object::Listener(_) => Rights::LISTENER,
            Object::File(file) if file.filetype() == Filetype::SocketStream => Rights::SOCKET,
            Object::File(file) if file.is_seekable() => Rights::FILE,
            _ => Rights::STREAM,
        }
    }
}

/// An open descriptor.
pub(super) struct Descriptor {
    pub(super) object: Object,
    pub(super) rights_base: Rights,
    pub(super) rights_inheriting: Rights,
    /// As the guest set them. NONBLOCK is kept here only: the host's descriptor may be shared with others.
    pub(super) flags: Fdflags,
    /// It comes from a read-only directory: it never has a right to change anything, and says so with `rofs`.
    pub(super) read_only: bool,
    /// The name under which it was granted, if it was not opened by the guest.
    pub(super) preopen: Option<String>,
    /// What is written passes through it, if there is something to limit or to filter.
    pub(super) outlet: Option<Box<Outlet>>,
}

impl Descriptor {
    /// A descriptor with `base` and `inheriting`, less what makes no sense for `object` and, if `read_only`, less
    /// what changes anything. No other function makes descriptors, so that no way of opening can forget that.
    pub(super) fn new(object: Object, base: Rights, inheriting: Rights, read_only: bool) -> Descriptor {
        let taken = if read_only { Rights::MUTATING } else { Rights::NONE };
        let handed_on = match object {
            Object::Dir(..) => Rights::DIRECTORY_INHERITING,
            Object::Listener(_) => Rights::SOCKET,
            _ => Rights::NONE,
        };
        let rights_base = base.and(object.applicable_rights()).without(taken);
        let rights_inheriting = inheriting.and(handed_on).without(taken);
        Descriptor {
            object,
            rights_base,
            rights_inheriting,
            flags: Fdflags::NONE,
            read_only,
            preopen: None,
            outlet: None,
        }
    }

    /// A directory granted by the embedder.
    pub(super) fn preopened(dir: Box<dyn Directory>, name: String, read_only: bool) -> Descriptor {
        let object = Object::Dir(dir, Listing::default());
        let descriptor = Descriptor::new(object, Rights::ALL, Rights::ALL, read_only);
        Descriptor {
            preopen: Some(name),
            ..descriptor
        }
    }

    /// Standard input (`FD_READ`) or one of the outputs (`FD_WRITE`).
    pub(super) fn stream(object: Object, direction: Rights) -> Descriptor {
        let both = Rights::FD_READ.or(Rights::FD_WRITE);
        // What a `>` on the command line opened is not the guest's to cut or to date.
        let never = both.without(direction).or(Rights::MUTATING.without(Rights::FD_WRITE));
        let flags = match &object {
            Object::File(file) => file.flags(),
            _ => Fdflags::NONE,
        };
        let descriptor = Descriptor::new(object, Rights::ALL.without(never), Rights::NONE, false);
        Descriptor { flags, ..descriptor }
    }

    /// Checks that the guest may use the descriptor so.
    ///
    /// # Errors
    /// `rofs` where only the read-only directory it comes from forbids it, `badf` for reading or writing what was not
    /// opened for it (as POSIX has it), else `notcapable`.
    pub(super) fn require(&self, right: Rights) -> Result<(), Errno> {
        if self.rights_base.has(right) {
            return Ok(());
        }
        let missing = right.without(self.rights_base);
        if self.read_only && missing.has_any(Rights::MUTATING) {
            Err(Errno::Rofs)
        } else if missing.has_any(Rights::FD_READ.or(Rights::FD_WRITE)) {
            Err(Errno::Badf)
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// The directory, if it is one and may be used so.
    ///
    /// # Errors
    /// `notdir`, or as [`Descriptor::require`].
    pub(super) fn dir(&self, right: Rights) -> Result<&dyn Directory, Errno> {
        let Object::Dir(dir, _) = &self.object else {
            return Err(Errno::Notdir);
        };
        self.require(right)?;
        Ok(&**dir)
    }

    /// The file, if it is one and may be used so.
    ///
    /// # Errors
    /// `isdir` for a directory, `spipe` for a stream that is not the host's, or as [`Descriptor::require`].
    pub(super) fn file(&self, right: Rights) -> Result<&dyn File, Errno> {
        match &self.object {
            Object::File(file) => {
                self.require(right)?;
                Ok(&**file)
            }
            Object::Dir(..) => Err(Errno::Isdir),
            _ => Err(Errno::Spipe),
        }
    }

    /// The file, if it is one that has positions and may be used so.
    ///
    /// # Errors
    /// `spipe` for what has no positions, else as [`Descriptor::file`].
    pub(super) fn seekable(&self, right: Rights) -> Result<&dyn File, Errno> {
        match &self.object {
            Object::File(file) if !file.is_seekable() => Err(Errno::Spipe),
            _ => self.file(right),
        }
    }

    /// Reads once, without waiting.
    ///
    /// # Errors
    /// `again` when there is nothing yet, `isdir` for a directory, `notconn` for a listening socket.
    pub(super) fn read(&mut self, bufs: &mut [IoSliceMut<'_>]) -> Result<usize, Errno> {
        match &mut self.object {
            Object::File(file) => file.read(bufs, self.flags.has(Fdflags::NONBLOCK)),
            Object::Bytes(bytes, at) => {
                let mut rest = bytes.get(*at..).unwrap_or_default();
                let count = rest.read_vectored(bufs)?;
                *at += count;
                Ok(count)
            }
            Object::Reader(reader) => Ok(reader.read_vectored(bufs)?),
            Object::Null | Object::Writer(_) | Object::Capture(_) => Ok(0),
            Object::Listener(_) => Err(Errno::Notconn),
            Object::Dir(..) => Err(Errno::Isdir),
        }
    }

    /// Writes once, without waiting.
    ///
    /// # Errors
    /// `again` when there is no room yet, `nospc` when a capture is full or a limit reached, `isdir` for a directory.
    pub(super) fn write(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let Some(mut outlet) = self.outlet.take() else {
            return self.write_out(bufs);
        };
        let result = outlet.write(bufs, |bufs| self.write_out(bufs));
        self.outlet = Some(outlet);
        result
    }

    /// Whether something that was taken from the guest was not written yet: a write of nothing goes on with it.
    pub(super) fn holds_output(&self) -> bool {
        self.outlet.as_ref().is_some_and(|outlet| outlet.holds())
    }

    fn write_out(&mut self, bufs: &[IoSlice<'_>]) -> Result<usize, Errno> {
        match &mut self.object {
            Object::File(file) => file.write(bufs, self.flags.has(Fdflags::APPEND)),
            Object::Capture(capture) => capture.write(bufs),
            Object::Writer(writer) => {
                let count = writer.write_vectored(bufs)?;
                // Nothing of the guest's is held back: WASI has no flush.
                writer.flush()?;
                Ok(count)
            }
            Object::Null | Object::Bytes(..) | Object::Reader(_) => Ok(bufs.iter().map(|buf| buf.len()).sum()),
            Object::Listener(_) => Err(Errno::Notconn),
            Object::Dir(..) => Err(Errno::Isdir),
        }
    }

    /// What is known of what it stands for.
    pub(super) fn stat(&self) -> Result<Filestat, Errno> {
        match &self.object {
            Object::File(file) => file.stat(),
            Object::Listener(file) => file.stat(),
            Object::Dir(dir, _) => dir.stat_self(),
            other => Ok(Filestat {
                dev: 0,
                ino: 0,
                filetype: other.filetype(),
                nlink: 0,
                size: 0,
                atim: 0,
                mtim: 0,
                ctim: 0,
            }),
        }
    }

    #[cfg(test)]
    pub(super) fn for_test(object: Object) -> Descriptor {
        Descriptor::new(object, Rights::ALL, Rights::ALL, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_only_descriptor_never_gets_a_right_to_change() {
        let dir = crate::wasi::MemFs::new().directory();
        let descriptor = Descriptor::preopened(dir, "/".into(), true);
        assert!(
            !descriptor
                .rights_base
                .or(descriptor.rights_inheriting)
                .has_any(Rights::MUTATING)
        );
        assert_eq!(descriptor.require(Rights::PATH_CREATE_DIRECTORY), Err(Errno::Rofs));
        assert_eq!(descriptor.require(Rights::PATH_OPEN), Ok(()));
        assert_eq!(descriptor.require(Rights::FD_SEEK), Err(Errno::Notcapable));
    }

    #[test]
    fn streams_go_one_way() {
        let stdin = Descriptor::stream(Object::Null, Rights::FD_READ);
        assert_eq!(stdin.require(Rights::FD_WRITE), Err(Errno::Badf));
        assert_eq!(stdin.require(Rights::FD_READ), Ok(()));
        assert_eq!(stdin.seekable(Rights::FD_SEEK).err(), Some(Errno::Spipe));
    }
}
