//! Reading a directory, entry by entry.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType, statat};

use crate::wasi::abi::{Errno, Filetype};
use crate::wasi::fs::{Entries, Entry};

/// A stream of entries with a position of its own. Memory is bounded by the host's buffer.
pub(in crate::wasi) struct DirectoryStream(Dir);

impl DirectoryStream {
    /// `fd` must have been opened for this stream only.
    pub(in crate::wasi) fn new(fd: OwnedFd) -> io::Result<DirectoryStream> {
        Ok(DirectoryStream(Dir::new(fd)?))
    }
}

impl Entries for DirectoryStream {
    fn rewind(&mut self) {
        self.0.rewind();
    }

    fn seek(&mut self, position: i64) -> bool {
        #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
        return self.0.seek(position).is_ok();
        #[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
        {
            let _ = position;
            false
        }
    }

    fn next(&mut self) -> Result<Option<Entry>, Errno> {
        let Some(entry) = self.0.read() else { return Ok(None) };
        let entry = entry?;
        let mut filetype = entry.file_type();
        if filetype == FileType::Unknown {
            // Some file systems leave it out. An entry that is gone by now stays unknown.
            let stat = self
                .0
                .fd()
                .ok()
                .and_then(|dir| statat(dir, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW).ok());
            filetype = stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode));
        }
        #[cfg(target_os = "linux")]
        let position = entry.offset();
        #[cfg(not(target_os = "linux"))]
        let position = 0;
        Ok(Some(Entry {
            ino: entry.ino(),
            filetype: super::file::filetype(filetype),
            name: entry.file_name().to_bytes().to_vec(),
            position,
        }))
    }
}

impl From<FileType> for Filetype {
    fn from(filetype: FileType) -> Filetype {
        super::file::filetype(filetype)
    }
}
