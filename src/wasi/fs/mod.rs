//! Files and directories, whoever keeps them: the host ([`HostFile`], `sandbox.rs`), this process ([`MemFs`]).
//!
//! Handlers know these traits only. What may be done with a file or a directory is decided by its descriptor's rights
//! before it is asked; what it may grow to is decided by `quota.rs`, which stands between.

pub(super) mod granted;
pub(super) mod memory;
pub(super) mod quota;
pub(super) mod sorted;

use std::any::Any;
use std::io::{IoSlice, IoSliceMut};

pub use memory::MemFs;

use super::abi::{Advice, Errno, Fdflags, Filestat, Filetype, Timestamp, Whence};
use super::host::{HostFile, Interest, Waitable};

/// What to make of one of a file's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SetTime {
    Keep,
    Now,
    At(Timestamp),
}

/// How to open a path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OpenHow {
    /// Whether a symbolic link in the last place is followed.
    pub(super) follow: bool,
    pub(super) create: bool,
    pub(super) exclusive: bool,
    pub(super) truncate: bool,
    /// Fail unless it is a directory.
    pub(super) directory: bool,
    pub(super) read: bool,
    pub(super) write: bool,
    pub(super) flags: Fdflags,
}

/// What a path turned out to be.
pub(super) enum Opened {
    File(Box<dyn File>),
    /// A file that is for looking at, though the directory it was found in is not.
    ReadOnlyFile(Box<dyn File>),
    Dir(Box<dyn Directory>),
}

/// An open file, pipe, terminal or socket. Its position, if it has one, is its own.
pub(super) trait File: Send {
    fn filetype(&self) -> Filetype;

    /// Whether it has positions: neither a pipe nor a socket nor a terminal.
    fn is_seekable(&self) -> bool {
        true
    }

    /// The flags it came with, those WASI has.
    fn flags(&self) -> Fdflags {
        Fdflags::NONE
    }

    /// Switches appending on or off.
    fn set_append(&self, _on: bool) -> Result<(), Errno> {
        Ok(())
    }

    /// What to wait for before the next read or write can succeed; `None` if it never has to wait.
    fn waitable(&self, _interest: Interest) -> Option<Waitable<'_>> {
        None
    }

    /// Bytes that can be read at once; for files, those up to the end.
    fn readable_bytes(&self) -> u64;

    /// Reads at the position.
    ///
    /// # Errors
    /// `again` when there is nothing yet. With `nonblock`, the answer is the host's for O_NONBLOCK.
    fn read(&self, bufs: &mut [IoSliceMut<'_>], nonblock: bool) -> Result<usize, Errno>;

    /// Writes at the position, or at the end for `append`.
    ///
    /// # Errors
    /// `again` when nothing can be written yet.
    fn write(&self, bufs: &[IoSlice<'_>], append: bool) -> Result<usize, Errno>;

    /// Reads at `offset`, leaving the position alone.
    fn read_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize, Errno>;

    /// Writes at `offset`, leaving the position alone. `append` says that the file was opened so: the offset counts all
    /// the same, as POSIX has it.
    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64, append: bool) -> Result<usize, Errno>;

    /// Moves the position and returns the new one.
    fn seek(&self, offset: i64, whence: Whence) -> Result<u64, Errno>;

    fn sync(&self) -> Result<(), Errno>;
    fn datasync(&self) -> Result<(), Errno>;
    fn stat(&self) -> Result<Filestat, Errno>;
    fn set_size(&self, size: u64) -> Result<(), Errno>;
    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<(), Errno>;

    /// Makes sure that `len` bytes from `offset` have room, growing the file if need be.
    fn allocate(&self, offset: u64, len: u64) -> Result<(), Errno>;

    /// Tells how a range will be used. `len` 0 means up to the end.
    fn advise(&self, offset: u64, len: u64, advice: Advice) -> Result<(), Errno>;

    /// The host's file, if it is one: what sockets do, no other file does.
    fn as_host(&self) -> Option<&HostFile> {
        None
    }
}

/// An open directory. Everything below it can be reached through it, and nothing else.
///
/// Paths are relative to it. `..` beyond it, absolute paths and links that lead out of it are `perm`.
pub(super) trait Directory: Send {
    /// Opens, and if asked creates, what `path` names.
    fn open(&self, path: &str, how: &OpenHow) -> Result<Opened, Errno>;

    /// Whether `path` names a FIFO: opening one for writing can have to wait for a reader.
    fn is_fifo(&self, _path: &str, _follow: bool) -> bool {
        false
    }

    /// What is known of the file `path` names.
    fn stat(&self, path: &str, follow: bool) -> Result<Filestat, Errno>;

    /// Changes the times of the file `path` names.
    fn set_times(&self, path: &str, follow: bool, atim: SetTime, mtim: SetTime) -> Result<(), Errno>;

    fn create_directory(&self, path: &str) -> Result<(), Errno>;

    /// Removes an empty directory.
    fn remove_directory(&self, path: &str) -> Result<(), Errno>;

    /// Removes a file or a link.
    fn unlink_file(&self, path: &str) -> Result<(), Errno>;

    /// Moves what `old` names here to `new` there, replacing a file or an empty directory.
    ///
    /// # Errors
    /// `xdev` if `there` is kept by somebody else.
    fn rename(&self, old: &str, there: &dyn Directory, new: &str) -> Result<(), Errno>;

    /// Gives what `old` names here (a link itself, not what it leads to) also the name `new` there.
    ///
    /// # Errors
    /// `xdev` if `there` is kept by somebody else.
    fn link(&self, old: &str, there: &dyn Directory, new: &str) -> Result<(), Errno>;

    /// Creates a symbolic link. An absolute target is refused: it could only lead out.
    fn symlink(&self, target: &str, path: &str) -> Result<(), Errno>;

    /// What a symbolic link contains. Reading it follows nothing, so that any content is shown.
    fn readlink(&self, path: &str) -> Result<Vec<u8>, Errno>;

    /// What is known of the directory itself.
    fn stat_self(&self) -> Result<Filestat, Errno>;

    /// Changes the directory's own times.
    fn set_times_self(&self, atim: SetTime, mtim: SetTime) -> Result<(), Errno>;

    /// Flushes the directory's entries and its times.
    fn sync(&self) -> Result<(), Errno>;

    /// Flushes the directory's entries.
    fn datasync(&self) -> Result<(), Errno>;

    /// A stream of the directory's entries, from the first.
    fn entries(&self) -> Result<Box<dyn Entries>, Errno>;

    /// For [`Directory::rename`] and [`Directory::link`], which need to know who keeps the other one.
    fn as_any(&self) -> &dyn Any;
}

/// A stream of a directory's entries, with a position of its own. `.` and `..` are among them.
pub(super) trait Entries: Send {
    /// The next entry; `None` at the end.
    fn next(&mut self) -> Result<Option<Entry>, Errno>;

    /// Goes back to the first entry.
    fn rewind(&mut self);

    /// Goes to a place an entry had. Returns whether that is possible.
    fn seek(&mut self, position: i64) -> bool;
}

/// An entry of a directory.
pub(super) struct Entry {
    pub(super) ino: u64,
    pub(super) filetype: Filetype,
    /// Not necessarily UTF-8.
    pub(super) name: Vec<u8>,
    /// The place after this entry, for [`Entries::seek`].
    pub(super) position: i64,
}
