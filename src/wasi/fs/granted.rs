//! A directory that exists for the guest only, with single files granted by the embedder in it.
//!
//! Preview 1 grants directories, so that a file needs one to be found in. Nothing can be made, moved or removed there.

use std::any::Any;
use std::sync::Arc;

use super::{Directory, Entries, Entry, OpenHow, Opened, SetTime};
use crate::wasi::abi::{Errno, Filestat, Filetype, Timestamp};
use crate::wasi::host;

/// The device such directories report.
const DEVICE: u64 = u64::MAX - 2;

/// A file in such a directory.
pub(in crate::wasi) struct GrantedFile {
    /// What the guest calls it.
    pub(in crate::wasi) name: String,
    /// Where it is, and its name there. It is looked up on each use, so that replacing it by another one works.
    pub(in crate::wasi) dir: Box<dyn Directory + Sync>,
    pub(in crate::wasi) name_there: String,
    pub(in crate::wasi) read_only: bool,
}

/// The directory.
#[derive(Clone)]
pub(in crate::wasi) struct GrantedFiles {
    files: Arc<[GrantedFile]>,
    made: Timestamp,
}

/// Where a path leads.
enum Place<'f> {
    Here,
    File(&'f GrantedFile),
}

impl GrantedFiles {
    pub(in crate::wasi) fn new(files: Vec<GrantedFile>) -> GrantedFiles {
        GrantedFiles {
            files: files.into(),
            made: host::realtime(),
        }
    }

    /// # Errors
    /// `noent`, `notdir`, or `perm` if the path leads out.
    fn find(&self, path: &str) -> Result<Place<'_>, Errno> {
        if path.is_empty() {
            return Err(Errno::Noent);
        }
        if path.starts_with('/') {
            return Err(Errno::Perm);
        }
        let mut place = Place::Here;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            place = match (place, name) {
                (Place::File(_), _) => return Err(Errno::Notdir),
                (Place::Here, ".") => Place::Here,
                (Place::Here, "..") => return Err(Errno::Perm),
                (Place::Here, name) => {
                    let file = self.files.iter().find(|file| file.name == name);
                    Place::File(file.ok_or(Errno::Noent)?)
                }
            };
        }
        match place {
            Place::File(_) if path.ends_with('/') => Err(Errno::Notdir),
            place => Ok(place),
        }
    }

    /// What is answered to whatever would change the directory.
    fn refuse(&self, path: &str) -> Errno {
        match self.find(path) {
            Ok(_) | Err(Errno::Noent) => Errno::Rofs,
            Err(errno) => errno,
        }
    }
}

impl Directory for GrantedFiles {
    fn open(&self, path: &str, how: &OpenHow) -> Result<Opened, Errno> {
        if how.directory && how.create {
            return Err(Errno::Inval);
        }
        match self.find(path) {
            Ok(_) if how.create && how.exclusive => Err(Errno::Exist),
            Ok(Place::Here) if how.write || how.truncate || how.create => Err(Errno::Isdir),
            Ok(Place::Here) => Ok(Opened::Dir(Box::new(self.clone()))),
            Ok(Place::File(_)) if how.directory => Err(Errno::Notdir),
            Ok(Place::File(file)) if file.read_only && (how.write || how.truncate) => Err(Errno::Rofs),
            Ok(Place::File(file)) => {
                // What was granted is the file, not what a link in its place may come to lead to.
                let how = OpenHow {
                    create: false,
                    follow: false,
                    ..*how
                };
                match file.dir.open(&file.name_there, &how)? {
                    // It was a file when it was granted.
                    Opened::Dir(_) => Err(Errno::Noent),
                    Opened::File(opened) if file.read_only => Ok(Opened::ReadOnlyFile(opened)),
                    opened => Ok(opened),
                }
            }
            Err(Errno::Noent) if how.create => Err(Errno::Rofs),
            Err(errno) => Err(errno),
        }
    }

    fn is_fifo(&self, path: &str, _follow: bool) -> bool {
        matches!(self.find(path), Ok(Place::File(file)) if file.dir.is_fifo(&file.name_there, false))
    }

    fn stat(&self, path: &str, _follow: bool) -> Result<Filestat, Errno> {
        match self.find(path)? {
            Place::Here => self.stat_self(),
            Place::File(file) => file.dir.stat(&file.name_there, false),
        }
    }

    fn set_times(&self, path: &str, _follow: bool, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        match self.find(path)? {
            Place::File(file) if !file.read_only => file.dir.set_times(&file.name_there, false, atim, mtim),
            _ => Err(Errno::Rofs),
        }
    }

    fn create_directory(&self, path: &str) -> Result<(), Errno> {
        match self.find(path) {
            Ok(_) => Err(Errno::Exist),
            Err(_) => Err(self.refuse(path)),
        }
    }

    fn remove_directory(&self, path: &str) -> Result<(), Errno> {
        Err(self.refuse(path))
    }

    fn unlink_file(&self, path: &str) -> Result<(), Errno> {
        Err(self.refuse(path))
    }

    fn rename(&self, old: &str, _there: &dyn Directory, _new: &str) -> Result<(), Errno> {
        Err(self.refuse(old))
    }

    fn link(&self, old: &str, _there: &dyn Directory, _new: &str) -> Result<(), Errno> {
        // A second name in a directory of the guest's would outlast what was granted.
        Err(self.refuse(old))
    }

    fn symlink(&self, _target: &str, path: &str) -> Result<(), Errno> {
        Err(self.refuse(path))
    }

    fn readlink(&self, path: &str) -> Result<Vec<u8>, Errno> {
        self.find(path)?;
        Err(Errno::Inval)
    }

    fn stat_self(&self) -> Result<Filestat, Errno> {
        Ok(Filestat {
            dev: DEVICE,
            ino: 1,
            filetype: Filetype::Directory,
            nlink: 2,
            size: 0,
            atim: self.made,
            mtim: self.made,
            ctim: self.made,
        })
    }

    fn set_times_self(&self, _atim: SetTime, _mtim: SetTime) -> Result<(), Errno> {
        Err(Errno::Rofs)
    }

    fn sync(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn datasync(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn entries(&self) -> Result<Box<dyn Entries>, Errno> {
        Ok(Box::new(Listed {
            dir: self.clone(),
            at: 0,
        }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A listing of the directory.
struct Listed {
    dir: GrantedFiles,
    at: usize,
}

impl Entries for Listed {
    fn next(&mut self) -> Result<Option<Entry>, Errno> {
        let (name, ino, filetype) = match self.at {
            0 => (".", 1, Filetype::Directory),
            1 => ("..", 1, Filetype::Directory),
            at => match self.dir.files.get(at - 2) {
                Some(file) => {
                    // One that is gone by now stays unknown.
                    let stat = file.dir.stat(&file.name_there, false).ok();
                    let (ino, filetype) = stat.map_or((0, Filetype::Unknown), |stat| (stat.ino, stat.filetype));
                    (file.name.as_str(), ino, filetype)
                }
                None => return Ok(None),
            },
        };
        self.at += 1;
        Ok(Some(Entry {
            ino,
            filetype,
            name: name.as_bytes().to_vec(),
            position: self.at as i64,
        }))
    }

    fn rewind(&mut self) {
        self.at = 0;
    }

    fn seek(&mut self, position: i64) -> bool {
        self.at = usize::try_from(position).unwrap_or(0);
        true
    }
}
