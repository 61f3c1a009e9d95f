//! What a guest's files may grow to: the size of each, and of all together.
//!
//! One wrapper around any [`File`], so that the host's files and those in memory obey the same rules. It costs two
//! calls of the host's per write, and nothing where no limit is set.

use std::io::{IoSlice, IoSliceMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{File, SetTime};
use crate::wasi::abi::{Advice, Errno, Fdflags, Filestat, Filetype, Whence};
use crate::wasi::host::{HostFile, Interest, Waitable};

/// Bytes that a new name counts beside its length, be it a file's, a directory's or a link's. An empty file takes room,
/// too: about this much in memory, and an inode on a disk.
pub(in crate::wasi) const NAME_COST: u64 = 256;

/// The limits of one environment.
#[derive(Clone)]
pub(in crate::wasi) struct Quota {
    /// Bytes a file may have at most. `u64::MAX`: no limit.
    pub(in crate::wasi) max_file_size: u64,
    /// Bytes that may still be added. `None`: no limit.
    left: Option<Arc<AtomicU64>>,
}

impl Quota {
    pub(in crate::wasi) fn unlimited() -> Quota {
        Quota {
            max_file_size: u64::MAX,
            left: None,
        }
    }

    /// Lets files grow by `bytes` together, from now on.
    pub(in crate::wasi) fn set_max_disk(&mut self, bytes: u64) {
        self.left = Some(Arc::new(AtomicU64::new(bytes)));
    }

    /// Whether new names count.
    pub(in crate::wasi) fn counts_names(&self) -> bool {
        self.left.is_some()
    }

    /// Takes up to `bytes`, and returns how many that is.
    fn take_up_to(&self, bytes: u64) -> u64 {
        let Some(left) = &self.left else { return bytes };
        let before = left.fetch_update(Relaxed, Relaxed, |left| Some(left.saturating_sub(bytes)));
        before.unwrap_or(0).min(bytes)
    }

    /// # Errors
    /// `dquot` if there are not so many left: none is taken then.
    fn take(&self, bytes: u64) -> Result<(), Errno> {
        let taken = self.take_up_to(bytes);
        if taken < bytes {
            self.give_back(taken);
            return Err(Errno::Dquot);
        }
        Ok(())
    }

    /// Gives back what was taken for something that did not happen.
    fn give_back(&self, bytes: u64) {
        if let Some(left) = &self.left {
            left.fetch_add(bytes, Relaxed);
        }
    }

    /// Makes something that gets the name `path`, and counts it if it is made. `more` bytes are its content.
    ///
    /// # Errors
    /// `dquot` if there is no room for a name: nothing is made then. Else those of `make`.
    pub(in crate::wasi) fn name<R>(
        &self,
        path: &str,
        more: u64,
        make: impl FnOnce() -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let cost = NAME_COST + name.len() as u64 + more;
        self.take(cost)?;
        make().inspect_err(|_| self.give_back(cost))
    }

    /// `file` under these limits. What is no regular file has no size.
    pub(in crate::wasi) fn meter(&self, file: Box<dyn File>) -> Box<dyn File> {
        let limited = self.left.is_some() || self.max_file_size != u64::MAX;
        if !limited || file.filetype() != Filetype::RegularFile {
            return file;
        }
        let quota = self.clone();
        Box::new(Metered { file, quota })
    }
}

/// A regular file whose growth is limited.
struct Metered {
    file: Box<dyn File>,
    quota: Quota,
}

impl Metered {
    /// Writes as much from `at` on as the limits allow.
    ///
    /// # Errors
    /// `fbig` if nothing may stand there, `dquot` if nothing is left; else those of `write`.
    fn write_within(
        &self,
        at: u64,
        bufs: &[IoSlice<'_>],
        write: impl FnOnce(&[IoSlice<'_>]) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        let asked: u64 = bufs.iter().map(|buf| buf.len() as u64).sum();
        if asked == 0 {
            return write(bufs);
        }
        let room = self.quota.max_file_size.saturating_sub(at);
        if room == 0 {
            return Err(Errno::Fbig);
        }
        let size = self.file.stat()?.size;
        let end = at.saturating_add(asked.min(room));
        let growth = end.saturating_sub(size);
        let taken = self.quota.take_up_to(growth);
        let allowed = if taken == growth { end } else { size + taken }.saturating_sub(at);
        if allowed == 0 {
            self.quota.give_back(taken);
            return Err(Errno::Dquot);
        }
        let written = if allowed < asked {
            write(&cut(bufs, allowed))
        } else {
            write(bufs)
        };
        let end = at.saturating_add(*written.as_ref().unwrap_or(&0) as u64);
        let grown = if written.is_ok() { end.saturating_sub(size) } else { 0 };
        self.quota.give_back(taken.saturating_sub(grown));
        written
    }

    /// Makes the file `size` bytes long, or longer than it is by `grow`.
    fn grow_to(&self, size: u64, grow: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
        let before = self.file.stat()?.size;
        let growth = size.saturating_sub(before);
        if growth > 0 && size > self.quota.max_file_size {
            return Err(Errno::Fbig);
        }
        self.quota.take(growth)?;
        grow().inspect_err(|_| self.quota.give_back(growth))
    }
}

/// The first `len` bytes of `bufs`.
fn cut<'b>(bufs: &'b [IoSlice<'_>], mut len: u64) -> Vec<IoSlice<'b>> {
    let mut parts = Vec::new();
    for buf in bufs {
        let part = buf.get(..(buf.len() as u64).min(len) as usize).unwrap_or_default();
        len -= part.len() as u64;
        parts.push(IoSlice::new(part));
        if len == 0 {
            break;
        }
    }
    parts
}

impl File for Metered {
    fn filetype(&self) -> Filetype {
        self.file.filetype()
    }
    fn is_seekable(&self) -> bool {
        self.file.is_seekable()
    }
    fn flags(&self) -> Fdflags {
        self.file.flags()
    }
    fn set_append(&self, on: bool) -> Result<(), Errno> {
        self.file.set_append(on)
    }
    fn waitable(&self, interest: Interest) -> Option<Waitable<'_>> {
        self.file.waitable(interest)
    }
    fn readable_bytes(&self) -> u64 {
        self.file.readable_bytes()
    }
    fn read(&self, bufs: &mut [IoSliceMut<'_>], nonblock: bool) -> Result<usize, Errno> {
        self.file.read(bufs, nonblock)
    }
    fn write(&self, bufs: &[IoSlice<'_>], append: bool) -> Result<usize, Errno> {
        let at = if append {
            self.file.stat()?.size
        } else {
            self.file.seek(0, Whence::Cur)?
        };
        self.write_within(at, bufs, |bufs| self.file.write(bufs, append))
    }
    fn read_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize, Errno> {
        self.file.read_at(bufs, offset)
    }
    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64, append: bool) -> Result<usize, Errno> {
        self.write_within(offset, bufs, |bufs| self.file.write_at(bufs, offset, append))
    }
    fn seek(&self, offset: i64, whence: Whence) -> Result<u64, Errno> {
        self.file.seek(offset, whence)
    }
    fn sync(&self) -> Result<(), Errno> {
        self.file.sync()
    }
    fn datasync(&self) -> Result<(), Errno> {
        self.file.datasync()
    }
    fn stat(&self) -> Result<Filestat, Errno> {
        self.file.stat()
    }
    fn set_size(&self, size: u64) -> Result<(), Errno> {
        self.grow_to(size, || self.file.set_size(size))
    }
    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        self.file.set_times(atim, mtim)
    }
    fn allocate(&self, offset: u64, len: u64) -> Result<(), Errno> {
        self.grow_to(offset.saturating_add(len), || self.file.allocate(offset, len))
    }
    fn advise(&self, offset: u64, len: u64, advice: Advice) -> Result<(), Errno> {
        self.file.advise(offset, len, advice)
    }
    fn as_host(&self) -> Option<&HostFile> {
        self.file.as_host()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::abi::{Fd, Oflags, Ptr, Rights};
    use crate::wasi::fd::read_write::{pwrite, write};
    use crate::wasi::fd::{stat, table};
    use crate::wasi::path::{links, tree};
    use crate::wasi::testing::{Guest, OUT};
    use crate::wasi::{MemFs, WasiEnvBuilder};

    /// Runs a test on a disk and in memory.
    fn everywhere(limit: impl Fn(WasiEnvBuilder) -> WasiEnvBuilder, test: impl Fn(&mut Guest)) {
        let dir = tempfile::tempdir().unwrap();
        let disk = crate::WasiEnv::builder().dir(dir.path(), "/").unwrap();
        let memory = crate::WasiEnv::builder().mount(&MemFs::new(), "/");
        for builder in [disk, memory] {
            test(&mut Guest::new(limit(builder).build()));
        }
    }

    fn put(guest: &mut Guest, fd: Fd, len: u32) -> Result<u32, Errno> {
        // Two iovecs, so that the cut can fall into either.
        let (iovs, count) = guest.iovecs(&[(0x20, len / 2), (0x20, len - len / 2)]);
        guest.call(|cx| write(cx, fd, iovs, count, OUT))?;
        Ok(guest.u32_at(OUT))
    }

    fn put_at(guest: &mut Guest, fd: Fd, len: u32, offset: u64) -> Result<u32, Errno> {
        let (iovs, count) = guest.iovec(0x20, len);
        guest.call(|cx| pwrite(cx, fd, iovs, count, offset, OUT))?;
        Ok(guest.u32_at(OUT))
    }

    fn size(guest: &mut Guest, fd: Fd) -> u64 {
        assert_eq!(guest.call(|cx| stat::filestat_get(cx, fd, Ptr(0x10))), Ok(()));
        guest.u64_at(Ptr(0x10 + 32))
    }

    #[test]
    fn no_file_grows_beyond_its_limit() {
        everywhere(
            |builder| builder.max_file_size(100),
            |guest| {
                let fd = guest.create("f");
                assert_eq!(put(guest, fd, 60), Ok(60));
                assert_eq!(put(guest, fd, 60), Ok(40), "what fits");
                assert_eq!(put(guest, fd, 1), Err(Errno::Fbig));
                assert_eq!(put(guest, fd, 0), Ok(0));
                assert_eq!(put_at(guest, fd, 30, 90), Ok(10));
                assert_eq!(put_at(guest, fd, 1, 1 << 40), Err(Errno::Fbig));
                assert_eq!(guest.call(|cx| stat::filestat_set_size(cx, fd, 101)), Err(Errno::Fbig));
                assert_eq!(guest.call(|cx| table::allocate(cx, fd, 90, 11)), Err(Errno::Fbig));
                assert_eq!(
                    guest.call(|cx| table::allocate(cx, fd, 1 << 40, 1 << 40)),
                    Err(Errno::Fbig)
                );
                assert_eq!(size(guest, fd), 100);
                assert_eq!(guest.call(|cx| stat::filestat_set_size(cx, fd, 10)), Ok(()));
                assert_eq!(guest.call(|cx| table::allocate(cx, fd, 0, 100)), Ok(()));
                // Each file has the limit for itself, however it is opened.
                let flags = crate::wasi::abi::Fdflags::APPEND;
                let other = guest.open_with("g", Oflags::CREAT, Rights::FILE, flags).unwrap();
                assert_eq!(put(guest, other, 99), Ok(99));
                assert_eq!(put(guest, other, 99), Ok(1));
                assert_eq!(put(guest, other, 99), Err(Errno::Fbig));
            },
        );
    }

    #[test]
    fn all_files_together_grow_by_what_is_allowed() {
        everywhere(
            |builder| builder.max_disk(2000),
            |guest| {
                let fd = guest.create("f");
                let left = 2000 - 257;
                assert_eq!(put(guest, fd, 1000), Ok(1000));
                assert_eq!(put_at(guest, fd, 1000, 0), Ok(1000), "no growth");
                assert_eq!(guest.call(|cx| stat::filestat_set_size(cx, fd, 1500)), Ok(()));
                assert_eq!(
                    guest.call(|cx| stat::filestat_set_size(cx, fd, 1500 + 244)),
                    Err(Errno::Dquot)
                );
                assert_eq!(guest.call(|cx| table::allocate(cx, fd, 0, 1744)), Err(Errno::Dquot));
                assert_eq!(put_at(guest, fd, 1, 5000), Err(Errno::Dquot), "a hole is growth");
                assert_eq!(put_at(guest, fd, 500, 1500), Ok(243));
                assert_eq!(put_at(guest, fd, 1, 1743), Err(Errno::Dquot));
                assert_eq!(size(guest, fd), left);
                // Nothing comes back, and names count.
                assert_eq!(guest.call(|cx| stat::filestat_set_size(cx, fd, 0)), Ok(()));
                assert_eq!(put(guest, fd, 1), Err(Errno::Dquot));
                assert_eq!(guest.open("g", Oflags::CREAT, Rights::FILE), Err(Errno::Dquot));
                assert_eq!(
                    guest.open("g", Oflags::CREAT.or(Oflags::EXCL), Rights::FILE),
                    Err(Errno::Dquot)
                );
                assert!(guest.open("f", Oflags::CREAT, Rights::FILE).is_ok(), "it is there");
                let (path, len) = guest.path("d");
                let (old, old_len) = guest.other_path("f");
                assert_eq!(
                    guest.call(|cx| tree::create_directory(cx, 3, path, len)),
                    Err(Errno::Dquot)
                );
                assert_eq!(
                    guest.call(|cx| links::symlink(cx, old, old_len, 3, path, len)),
                    Err(Errno::Dquot)
                );
                let none = crate::wasi::abi::Lookupflags::NONE;
                assert_eq!(
                    guest.call(|cx| links::link(cx, 3, none, old, old_len, 3, path, len)),
                    Err(Errno::Dquot)
                );
            },
        );
    }

    #[test]
    fn what_fails_counts_nothing() {
        everywhere(
            |builder| builder.max_disk(600),
            |guest| {
                let (path, len) = guest.path("no/d");
                for _ in 0..10 {
                    assert_eq!(
                        guest.call(|cx| tree::create_directory(cx, 3, path, len)),
                        Err(Errno::Noent)
                    );
                    assert_eq!(guest.open("no/f", Oflags::CREAT, Rights::FILE), Err(Errno::Noent));
                }
                let fd = guest.create("f");
                for _ in 0..10 {
                    assert_eq!(put_at(guest, fd, 1, 1 << 62), Err(Errno::Dquot));
                }
                assert_eq!(put(guest, fd, 600 - 257), Ok(600 - 257));
            },
        );
    }
}
