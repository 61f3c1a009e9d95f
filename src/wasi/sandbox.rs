//! Guest path → host file, inside a granted directory. The only file that resolves paths of the host's.
//!
//! cap-std does the resolving: on Linux the kernel itself (`openat2` with `RESOLVE_BENEATH`), elsewhere and on old
//! kernels one component at a time, never following a link on trust. `..`, absolute paths, absolute links and links
//! that lead out fail with `perm`; so does a race that tries to move a directory away under a lookup. Nothing is
//! canonicalised first and opened later.
//!
//! What may be done with the result is decided by rights (`descriptor.rs`), before this file is asked.

use std::any::Any;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, SystemTimeSpec};
use cap_std::fs::{MetadataExt, OpenOptions, OpenOptionsExt};

use super::abi::{Errno, Fdflags, Filestat};
use super::fs::{Directory, Entries, OpenHow, Opened, SetTime};
use super::host::{self, DirectoryStream, HostFile};

/// A directory of the host's. Everything below it can be reached through it, and nothing else.
pub(super) struct Dir {
    cap: cap_std::fs::Dir,
}

impl Dir {
    /// Opens a directory of the host's for a guest: the embedder's decision, and the only use of ambient authority.
    pub(super) fn grant(path: &Path) -> io::Result<Dir> {
        let mut options = std::fs::OpenOptions::new();
        options
            .read(true)
            .custom_flags(host::open_flags(true, false, Fdflags::NONE).bits() as i32);
        match options.open(path) {
            Ok(file) => Ok(Dir {
                cap: cap_std::fs::Dir::from_std_file(file),
            }),
            // One that may be searched but not listed.
            Err(err) if err.kind() == io::ErrorKind::PermissionDenied => {
                let cap = cap_std::fs::Dir::open_ambient_dir(path, cap_std::ambient_authority())?;
                Ok(Dir { cap })
            }
            Err(err) => Err(err),
        }
    }

    fn open_once(&self, path: &str, how: &OpenHow) -> Result<Opened, Errno> {
        let write = how.write || how.create || how.truncate;
        let read = how.read || !write;
        let flags = host::open_flags(how.directory, how.flags.has(Fdflags::APPEND), how.flags);
        let mut options = OpenOptions::new();
        options
            .read(read)
            .write(write)
            .create(how.create && !how.exclusive)
            .create_new(how.create && how.exclusive)
            .truncate(how.truncate)
            .follow(if how.follow {
                FollowSymlinks::Yes
            } else {
                FollowSymlinks::No
            })
            .custom_flags(flags.bits() as i32);
        let opened = match self.cap.open_with(path, &options) {
            // A directory that may be searched but not listed.
            Err(err) if how.directory && !write && host::is_access_denied(&err) => {
                options.custom_flags(host::SEARCH_DIRECTORY.bits() as i32);
                self.cap.open_with(path, &options)
            }
            other => other,
        };
        Ok(match HostFile::unless_directory(opened?.into_std().into())? {
            Ok(file) => Opened::File(Box::new(file)),
            Err(directory) => Opened::Dir(Box::new(Dir {
                cap: cap_std::fs::Dir::from_std_file(directory.into()),
            })),
        })
    }

    fn metadata(&self, path: &str, follow: bool) -> io::Result<cap_std::fs::Metadata> {
        // A trailing slash asks for a directory, through a link if need be; `lstat` must see it, too.
        if follow || needs_directory(path) {
            self.cap.metadata(path)
        } else {
            self.cap.symlink_metadata(path)
        }
    }

    /// Whether a file could be moved to `path` if no slash followed it.
    fn takes_file(&self, path: &str) -> bool {
        let bare = path.trim_end_matches('/');
        match self.cap.symlink_metadata(bare) {
            Ok(there) => !there.is_dir(),
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                let above = bare.rsplit_once('/').map_or(".", |(above, _)| above);
                self.cap.metadata(above).is_ok_and(|above| above.is_dir())
            }
            Err(_) => false,
        }
    }
}

impl Directory for Dir {
    fn open(&self, path: &str, how: &OpenHow) -> Result<Opened, Errno> {
        if how.directory && how.create {
            return Err(Errno::Inval);
        }
        if how.create && !how.exclusive && !how.truncate && !how.write {
            // Creating needs a file opened for writing, which one that exists already may not allow.
            match self.open_once(path, &OpenHow { create: false, ..*how }) {
                Err(Errno::Noent) => {}
                Ok(Opened::Dir(_)) => return Err(Errno::Isdir),
                other => return other,
            }
        }
        self.open_once(path, how)
    }

    fn is_fifo(&self, path: &str, follow: bool) -> bool {
        use cap_std::fs::FileTypeExt;
        self.metadata(path, follow)
            .is_ok_and(|metadata| metadata.file_type().is_fifo())
    }

    fn stat(&self, path: &str, follow: bool) -> Result<Filestat, Errno> {
        let metadata = self.metadata(path, follow)?;
        Ok(Filestat {
            dev: metadata.dev(),
            ino: metadata.ino(),
            filetype: host::filetype_of_mode(metadata.mode()),
            nlink: metadata.nlink(),
            size: metadata.len(),
            atim: host::timestamp(metadata.atime(), metadata.atime_nsec()),
            mtim: host::timestamp(metadata.mtime(), metadata.mtime_nsec()),
            ctim: host::timestamp(metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    fn set_times(&self, path: &str, follow: bool, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        let (atime, mtime) = (time_spec(atim), time_spec(mtim));
        if !follow {
            return Ok(self.cap.set_symlink_times(path, atime, mtime)?);
        }
        // Through a handle that neither reads nor writes: no permission is needed for those, and no FIFO waits.
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(host::SEARCH_ONLY.bits() as i32);
        let file = self.cap.open_with(path, &options)?.into_std();
        match host::set_times_of_handle(file.as_fd(), atim, mtim) {
            Err(err) if host::not_with_a_handle(&err) => Ok(self.cap.set_times(path, atime, mtime)?),
            other => Ok(other?),
        }
    }

    fn create_directory(&self, path: &str) -> Result<(), Errno> {
        Ok(self.cap.create_dir(path)?)
    }

    fn remove_directory(&self, path: &str) -> Result<(), Errno> {
        // A trailing slash says again that it is a directory; cap-std would look for an entry `.` in it.
        let name = path.trim_end_matches('/');
        Ok(self.cap.remove_dir(if name.is_empty() { path } else { name })?)
    }

    fn unlink_file(&self, path: &str) -> Result<(), Errno> {
        Ok(self.cap.remove_file(path)?)
    }

    fn rename(&self, old: &str, there: &dyn Directory, new: &str) -> Result<(), Errno> {
        let there = of_the_host(there)?;
        // cap-std takes a slash after the new name away, and a file would get that name.
        let names = !ends_in_dots(old) && !ends_in_dots(new);
        if names
            && new.ends_with('/')
            && self.cap.symlink_metadata(old).is_ok_and(|old| !old.is_dir())
            && there.takes_file(new)
        {
            return Err(Errno::Notdir);
        }
        Ok(self.cap.rename(old, &there.cap, new)?)
    }

    fn link(&self, old: &str, there: &dyn Directory, new: &str) -> Result<(), Errno> {
        Ok(self.cap.hard_link(old, &of_the_host(there)?.cap, new)?)
    }

    fn symlink(&self, target: &str, path: &str) -> Result<(), Errno> {
        Ok(self.cap.symlink(target, path)?)
    }

    fn readlink(&self, path: &str) -> Result<Vec<u8>, Errno> {
        use std::os::unix::ffi::OsStringExt;
        Ok(self.cap.read_link_contents(path)?.into_os_string().into_vec())
    }

    fn stat_self(&self) -> Result<Filestat, Errno> {
        Ok(host::filestat(self.cap.as_fd())?)
    }

    fn set_times_self(&self, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        self.set_times(".", true, atim, mtim)
    }

    fn sync(&self) -> Result<(), Errno> {
        Ok(host::sync_directory(self.cap.as_fd())?)
    }

    fn datasync(&self) -> Result<(), Errno> {
        Ok(host::sync_directory_data(self.cap.as_fd())?)
    }

    fn entries(&self) -> Result<Box<dyn Entries>, Errno> {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .custom_flags(host::open_flags(true, false, Fdflags::NONE).bits() as i32);
        let file = self.cap.open_with(".", &options)?.into_std();
        Ok(Box::new(DirectoryStream::new(file.into())?))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// # Errors
/// `xdev` for a directory that somebody else keeps.
fn of_the_host(dir: &dyn Directory) -> Result<&Dir, Errno> {
    dir.as_any().downcast_ref().ok_or(Errno::Xdev)
}

/// Whether a path ends in `.` or `..`.
fn ends_in_dots(path: &str) -> bool {
    let last = path.trim_end_matches('/').rsplit('/').next();
    matches!(last, Some("." | ".."))
}

/// Whether a path can only name a directory.
fn needs_directory(path: &str) -> bool {
    path.ends_with('/') || path.ends_with("/.")
}

fn time_spec(time: SetTime) -> Option<SystemTimeSpec> {
    match time {
        SetTime::Keep => None,
        SetTime::Now => Some(SystemTimeSpec::SymbolicNow),
        SetTime::At(at) => {
            let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(at);
            Some(SystemTimeSpec::Absolute(cap_std::time::SystemTime::from_std(at)))
        }
    }
}

#[cfg(test)]
mod tests;
