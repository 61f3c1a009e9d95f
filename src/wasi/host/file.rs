//! An open file, pipe, terminal or socket of the host's.
//!
//! No call here blocks for longer than a disk takes: what would have to wait answers `WouldBlock`, and the caller
//! waits for it together with the request to stop (`wait.rs`).

use std::io::{self, IoSlice, IoSliceMut};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FallocateFlags, FileType, OFlags, SeekFrom, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno as Os;

use super::{Interest, Waitable};
use crate::wasi::abi::{Advice, Errno, Fdflags, Filestat, Filetype, Timestamp, Whence};
use crate::wasi::fs::{File, SetTime};

/// Bytes a pipe that is ready for writing takes at least (POSIX: PIPE_BUF is 512 or more; Linux has 4096).
const PIPE_BUF: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// Where the descriptor comes from.
enum Handle {
    /// Opened by us; the open file description is ours alone.
    Owned(OwnedFd),
    // Shared with whoever started this process: neither closed nor changed.
    Stdin(io::Stdin),
    Stdout(io::Stdout),
    Stderr(io::Stderr),
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Handle::Owned(fd) => fd.as_fd(),
            Handle::Stdin(stdin) => stdin.as_fd(),
            Handle::Stdout(stdout) => stdout.as_fd(),
            Handle::Stderr(stderr) => stderr.as_fd(),
        }
    }
}

/// How reads and writes are kept from blocking.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// Regular files, block devices: they never wait for somebody else.
    Never,
    /// O_NONBLOCK is set; that is allowed because the description is ours.
    Nonblocking,
    /// The description is shared, so that O_NONBLOCK would surprise others: ask per call.
    PerCall,
}

/// An open file of the host's that is not a directory.
pub(in crate::wasi) struct HostFile {
    handle: Handle,
    filetype: Filetype,
    waits: Waits,
    /// A named pipe opened for reading: without a writer, it must wait for one rather than end at once.
    fifo: bool,
    terminal: bool,
}

impl HostFile {
    /// A file that was opened with O_NONBLOCK.
    pub(in crate::wasi) fn opened(fd: OwnedFd) -> io::Result<HostFile> {
        let mode = FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode);
        Ok(HostFile::of_mode(fd, mode))
    }

    /// A file that was opened with O_NONBLOCK, or that it is a directory, which no `HostFile` is.
    pub(in crate::wasi) fn unless_directory(fd: OwnedFd) -> io::Result<Result<HostFile, OwnedFd>> {
        let mode = FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode);
        Ok(match mode {
            FileType::Directory => Err(fd),
            _ => Ok(HostFile::of_mode(fd, mode)),
        })
    }

    fn of_mode(fd: OwnedFd, mode: FileType) -> HostFile {
        let waits = match mode {
            FileType::RegularFile | FileType::BlockDevice => Waits::Never,
            _ => Waits::Nonblocking,
        };
        HostFile::new(Handle::Owned(fd), mode, waits)
    }

    /// This process's standard input. (If it was closed, the standard library has made it /dev/null.)
    pub(in crate::wasi) fn stdin() -> io::Result<HostFile> {
        HostFile::standard(Handle::Stdin(io::stdin()))
    }

    /// This process's standard output.
    pub(in crate::wasi) fn stdout() -> io::Result<HostFile> {
        HostFile::standard(Handle::Stdout(io::stdout()))
    }

    /// This process's standard error.
    pub(in crate::wasi) fn stderr() -> io::Result<HostFile> {
        HostFile::standard(Handle::Stderr(io::stderr()))
    }

    /// Anything, as if it were one of this process's standard streams: who else has it is not known.
    pub(in crate::wasi) fn given(fd: OwnedFd) -> io::Result<HostFile> {
        HostFile::standard(Handle::Owned(fd))
    }

    #[cfg(test)]
    pub(in crate::wasi) fn shared(fd: OwnedFd) -> HostFile {
        HostFile::given(fd).unwrap()
    }

    fn standard(handle: Handle) -> io::Result<HostFile> {
        let mode = FileType::from_raw_mode(rustix::fs::fstat(&handle)?.st_mode);
        let waits = match mode {
            FileType::RegularFile | FileType::BlockDevice | FileType::Directory => Waits::Never,
            _ => Waits::PerCall,
        };
        Ok(HostFile::new(handle, mode, waits))
    }

    fn new(handle: Handle, mode: FileType, waits: Waits) -> HostFile {
        let terminal = mode == FileType::CharacterDevice && io::IsTerminal::is_terminal(&handle.as_fd());
        HostFile {
            handle,
            filetype: filetype(mode),
            waits,
            fifo: mode == FileType::Fifo,
            terminal,
        }
    }

    pub(in crate::wasi) fn is_terminal(&self) -> bool {
        self.terminal
    }

    fn waitable_for(&self, interest: Interest) -> Waitable<'_> {
        Waitable {
            fd: self.handle.as_fd(),
            interest,
            outcome: super::Ready::default(),
        }
    }

    fn is_ready(&self, interest: Interest) -> io::Result<bool> {
        let mut waitable = [self.waitable_for(interest)];
        super::wait(&mut waitable, Some(std::time::Duration::ZERO), None)?;
        let [waitable] = waitable;
        Ok(waitable.outcome.ready)
    }

    /// Takes a connection that waits. `WouldBlock` when there is none.
    pub(in crate::wasi) fn accept(&self) -> io::Result<HostFile> {
        let connection = retry(|| rustix::net::accept(&self.handle))?;
        rustix::io::fcntl_setfd(&connection, rustix::io::FdFlags::CLOEXEC)?;
        let flags = rustix::fs::fcntl_getfl(&connection)?;
        rustix::fs::fcntl_setfl(&connection, flags | OFlags::NONBLOCK)?;
        HostFile::opened(connection)
    }

    /// Receives without taking. `WouldBlock` when there is nothing.
    pub(in crate::wasi) fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        let (count, _) = retry(|| rustix::net::recv(&self.handle, &mut *buf, rustix::net::RecvFlags::PEEK))?;
        Ok(count)
    }

    /// Ends receiving, sending, or both.
    pub(in crate::wasi) fn shutdown(&self, read: bool, write: bool) -> io::Result<()> {
        use rustix::net::Shutdown;
        let how = match (read, write) {
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            _ => Shutdown::Both,
        };
        Ok(rustix::net::shutdown(&self.handle, how)?)
    }
}

impl File for HostFile {
    fn filetype(&self) -> Filetype {
        self.filetype
    }

    fn is_seekable(&self) -> bool {
        match self.filetype {
            Filetype::RegularFile | Filetype::BlockDevice => true,
            Filetype::CharacterDevice => !self.terminal,
            _ => false,
        }
    }

    fn flags(&self) -> Fdflags {
        let have = rustix::fs::fcntl_getfl(&self.handle).unwrap_or(OFlags::empty());
        let mut flags = Fdflags::NONE;
        if have.contains(OFlags::APPEND) {
            flags = flags.or(Fdflags::APPEND);
        }
        if have.contains(OFlags::NONBLOCK) && self.waits == Waits::PerCall {
            flags = flags.or(Fdflags::NONBLOCK);
        }
        flags
    }

    /// Switches appending on or off. On a shared description nothing changes for the others: see [`Self::write`].
    fn set_append(&self, on: bool) -> Result<(), Errno> {
        if let Handle::Owned(fd) = &self.handle {
            let flags = rustix::fs::fcntl_getfl(fd)?;
            rustix::fs::fcntl_setfl(
                fd,
                if on {
                    flags | OFlags::APPEND
                } else {
                    flags - OFlags::APPEND
                },
            )?;
        }
        Ok(())
    }

    fn waitable(&self, interest: Interest) -> Option<Waitable<'_>> {
        Some(self.waitable_for(interest))
    }

    fn readable_bytes(&self) -> u64 {
        if self.filetype == Filetype::RegularFile {
            let size = rustix::fs::fstat(&self.handle).map_or(0, |stat| stat.st_size as u64);
            return size.saturating_sub(rustix::fs::tell(&self.handle).unwrap_or(0));
        }
        rustix::io::ioctl_fionread(&self.handle).unwrap_or(0)
    }

    /// One readv(2).
    fn read(&self, bufs: &mut [IoSliceMut<'_>], nonblock: bool) -> Result<usize, Errno> {
        match self.waits {
            Waits::Never => {}
            // A FIFO that never had a writer reads as ended, but is not ready.
            Waits::Nonblocking if self.fifo && !nonblock && !self.is_ready(Interest::Read)? => {
                return Err(Errno::Again);
            }
            Waits::Nonblocking => {}
            Waits::PerCall => {
                #[cfg(target_os = "linux")]
                match rustix::io::preadv2(&self.handle, bufs, u64::MAX, rustix::io::ReadWriteFlags::NOWAIT) {
                    Err(Os::OPNOTSUPP | Os::NOSYS | Os::INVAL) => {}
                    other => return Ok(other?),
                }
                if !self.is_ready(Interest::Read)? {
                    return Err(Errno::Again);
                }
            }
        }
        Ok(retry(|| rustix::io::readv(&self.handle, bufs))?)
    }

    /// One writev(2). A description of ours appends by itself, a shared one is moved to its end.
    fn write(&self, bufs: &[IoSlice<'_>], append: bool) -> Result<usize, Errno> {
        if append && self.is_seekable() && !matches!(self.handle, Handle::Owned(_)) {
            rustix::fs::seek(&self.handle, SeekFrom::End(0))?;
        }
        if self.waits == Waits::PerCall {
            #[cfg(target_os = "linux")]
            match rustix::io::pwritev2(&self.handle, bufs, u64::MAX, rustix::io::ReadWriteFlags::NOWAIT) {
                Err(Os::OPNOTSUPP | Os::NOSYS | Os::INVAL) => {}
                other => return Ok(other?),
            }
            if !self.is_ready(Interest::Write)? {
                return Err(Errno::Again);
            }
            // Ready means room for this much; more could block where no request to stop is seen.
            if let Some(first) = bufs.iter().find(|buf| !buf.is_empty())
                && bufs.iter().map(|buf| buf.len()).sum::<usize>() > PIPE_BUF
            {
                let part = first.get(..first.len().min(PIPE_BUF)).unwrap_or(first);
                return Ok(retry(|| rustix::io::write(&self.handle, part))?);
            }
        }
        Ok(retry(|| rustix::io::writev(&self.handle, bufs))?)
    }

    fn read_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize, Errno> {
        Ok(retry(|| rustix::io::preadv(&self.handle, bufs, offset))?)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64, append: bool) -> Result<usize, Errno> {
        // With O_APPEND, Linux would write at the end all the same. The description is ours alone, so that nobody sees
        // it change for a moment.
        let paused = append && cfg!(target_os = "linux");
        if paused {
            self.set_append(false)?;
        }
        let written = retry(|| rustix::io::pwritev(&self.handle, bufs, offset));
        if paused {
            self.set_append(true)?;
        }
        Ok(written?)
    }

    fn seek(&self, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let to = match whence {
            Whence::Set => SeekFrom::Start(offset.try_into().map_err(|_| Os::INVAL)?),
            Whence::Cur => SeekFrom::Current(offset),
            Whence::End => SeekFrom::End(offset),
        };
        Ok(rustix::fs::seek(&self.handle, to)?)
    }

    fn sync(&self) -> Result<(), Errno> {
        Ok(rustix::fs::fsync(&self.handle)?)
    }

    fn datasync(&self) -> Result<(), Errno> {
        #[cfg(target_vendor = "apple")]
        return self.sync();
        #[cfg(not(target_vendor = "apple"))]
        Ok(rustix::fs::fdatasync(&self.handle)?)
    }

    fn stat(&self) -> Result<Filestat, Errno> {
        Ok(filestat_of(&rustix::fs::fstat(&self.handle)?))
    }

    fn set_size(&self, size: u64) -> Result<(), Errno> {
        Ok(retry(|| rustix::fs::ftruncate(&self.handle, size))?)
    }

    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        Ok(rustix::fs::futimens(&self.handle, &timestamps(atim, mtim))?)
    }

    fn allocate(&self, offset: u64, len: u64) -> Result<(), Errno> {
        Ok(retry(|| {
            rustix::fs::fallocate(&self.handle, FallocateFlags::empty(), offset, len)
        })?)
    }

    fn advise(&self, offset: u64, len: u64, advice: Advice) -> Result<(), Errno> {
        #[cfg(not(target_vendor = "apple"))]
        {
            use rustix::fs::Advice as Os;
            let advice = match advice {
                Advice::Normal => Os::Normal,
                Advice::Sequential => Os::Sequential,
                Advice::Random => Os::Random,
                Advice::Willneed => Os::WillNeed,
                Advice::Dontneed => Os::DontNeed,
                Advice::Noreuse => Os::NoReuse,
            };
            Ok(rustix::fs::fadvise(&self.handle, offset, NonZeroU64::new(len), advice)?)
        }
        #[cfg(target_vendor = "apple")]
        {
            let _ = (offset, NonZeroU64::new(len), advice);
            Ok(())
        }
    }

    fn as_host(&self) -> Option<&HostFile> {
        Some(self)
    }
}

/// Whether the open file description has O_NONBLOCK.
pub(in crate::wasi) fn is_nonblocking(fd: impl AsFd) -> io::Result<bool> {
    Ok(rustix::fs::fcntl_getfl(fd)?.contains(OFlags::NONBLOCK))
}

/// Repeats a call that a signal of the host's broke off before it did anything.
fn retry<R>(mut call: impl FnMut() -> rustix::io::Result<R>) -> rustix::io::Result<R> {
    loop {
        match call() {
            Err(Os::INTR) => {}
            other => return other,
        }
    }
}

/// The host's flags for opening a file, beside the access mode and what cap-std adds.
///
/// O_NONBLOCK: opening a FIFO must not wait (see `path/open.rs`). O_NOCTTY: a terminal must not become ours.
pub(in crate::wasi) fn open_flags(directory: bool, append: bool, fdflags: Fdflags) -> OFlags {
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    for (wanted, flag) in [
        (directory, OFlags::DIRECTORY),
        (append, OFlags::APPEND),
        (fdflags.has(Fdflags::SYNC), OFlags::SYNC),
        (fdflags.has(Fdflags::DSYNC), OFlags::DSYNC),
        // Reads that wait for writes of the data: O_RSYNC is O_SYNC where it exists at all.
        (fdflags.has(Fdflags::RSYNC), OFlags::SYNC),
    ] {
        if wanted {
            flags |= flag;
        }
    }
    flags
}

/// Opens what may be neither read nor written, for its own sake. (Where that does not exist, reading it is.)
#[cfg(target_os = "linux")]
pub(in crate::wasi) const SEARCH_ONLY: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
pub(in crate::wasi) const SEARCH_ONLY: OFlags = OFlags::NONBLOCK;

/// Opens a directory to find things in, not to list it.
#[cfg(target_os = "linux")]
pub(in crate::wasi) const SEARCH_DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);
#[cfg(not(target_os = "linux"))]
pub(in crate::wasi) const SEARCH_DIRECTORY: OFlags = OFlags::DIRECTORY;

/// Whether the host's permissions forbid it. (cap-std's refusals to leave a directory are of the same kind.)
pub(in crate::wasi) fn is_access_denied(err: &io::Error) -> bool {
    Os::from_io_error(err) == Some(Os::ACCESS)
}

/// Changes the times of what a [`SEARCH_ONLY`] descriptor stands for.
pub(in crate::wasi) fn set_times_of_handle(fd: BorrowedFd<'_>, atim: SetTime, mtim: SetTime) -> io::Result<()> {
    let times = timestamps(atim, mtim);
    #[cfg(target_os = "linux")]
    return Ok(rustix::fs::utimensat(fd, "", &times, rustix::fs::AtFlags::EMPTY_PATH)?);
    #[cfg(not(target_os = "linux"))]
    Ok(rustix::fs::futimens(fd, &times)?)
}

/// Whether [`set_times_of_handle`] failed because the kernel (Linux before 5.8) cannot do it.
pub(in crate::wasi) fn not_with_a_handle(err: &io::Error) -> bool {
    matches!(Os::from_io_error(err), Some(Os::INVAL | Os::BADF | Os::NOENT))
}

/// Flushes a directory.
pub(in crate::wasi) fn sync_directory(dir: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::fs::fsync(dir)?)
}

/// Flushes a directory's entries.
pub(in crate::wasi) fn sync_directory_data(dir: BorrowedFd<'_>) -> io::Result<()> {
    #[cfg(target_vendor = "apple")]
    return sync_directory(dir);
    #[cfg(not(target_vendor = "apple"))]
    Ok(rustix::fs::fdatasync(dir)?)
}

/// The host's form of two times.
pub(in crate::wasi) fn timestamps(atim: SetTime, mtim: SetTime) -> Timestamps {
    let time = |time| match time {
        SetTime::Keep => Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        SetTime::Now => Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        },
        // u64 nanoseconds are at most 585 years: they fit.
        SetTime::At(at) => Timespec {
            tv_sec: (at / 1_000_000_000) as _,
            tv_nsec: (at % 1_000_000_000) as _,
        },
    };
    Timestamps {
        last_access: time(atim),
        last_modification: time(mtim),
    }
}

/// A time as WASI counts it. Times before 1970 become 1970, times after 2554 the last one there is.
pub(in crate::wasi) fn timestamp(seconds: i64, nanoseconds: i64) -> Timestamp {
    match u64::try_from(seconds) {
        Ok(seconds) => seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(nanoseconds.max(0) as u64),
        Err(_) => 0,
    }
}

/// The file type in a mode word.
pub(in crate::wasi) fn filetype_of_mode(mode: u32) -> Filetype {
    filetype(FileType::from_raw_mode(mode as _))
}

pub(super) fn filetype(mode: FileType) -> Filetype {
    match mode {
        FileType::RegularFile => Filetype::RegularFile,
        FileType::Directory => Filetype::Directory,
        FileType::Symlink => Filetype::SymbolicLink,
        FileType::CharacterDevice => Filetype::CharacterDevice,
        FileType::BlockDevice => Filetype::BlockDevice,
        FileType::Socket => Filetype::SocketStream,
        FileType::Fifo | FileType::Unknown => Filetype::Unknown,
    }
}

#[allow(clippy::unnecessary_cast)] // the fields' types differ from system to system
fn filestat_of(stat: &Stat) -> Filestat {
    Filestat {
        dev: stat.st_dev as u64,
        ino: stat.st_ino as u64,
        filetype: filetype(FileType::from_raw_mode(stat.st_mode)),
        nlink: stat.st_nlink as u64,
        size: stat.st_size as u64,
        atim: timestamp(stat.st_atime as i64, stat.st_atime_nsec as i64),
        mtim: timestamp(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        ctim: timestamp(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}

/// What is known of an open descriptor.
pub(in crate::wasi) fn filestat(fd: BorrowedFd<'_>) -> io::Result<Filestat> {
    Ok(filestat_of(&rustix::fs::fstat(fd)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extreme_times_are_clamped() {
        assert_eq!(timestamp(-1, 999_999_999), 0);
        assert_eq!(timestamp(1, 5), 1_000_000_005);
        assert_eq!(timestamp(i64::MAX, 0), u64::MAX);
        let far = timestamps(SetTime::At(1 << 63), SetTime::At(u64::MAX));
        assert_eq!(far.last_access.tv_sec, 9_223_372_036);
        assert_eq!(far.last_modification.tv_nsec, 709_551_615);
    }
}
