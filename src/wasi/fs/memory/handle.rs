//! Open files, directories and listings of a file system in memory.

use std::any::Any;
use std::cell::Cell;
use std::io::{IoSlice, IoSliceMut};
use std::sync::Arc;

use super::path::{Last, Place, find};
use super::tree::{Ino, Kind, Tree};
use super::{Shared, with};
use crate::wasi::abi::{Advice, Errno, Filestat, Filetype, Whence};
use crate::wasi::fs::{Directory, Entries, Entry, File, OpenHow, Opened, SetTime};

/// A node that stays for as long as this does, also without a name.
struct Held {
    fs: Shared,
    ino: Ino,
}

impl Held {
    /// For callers who hold the lock.
    fn new(fs: &Shared, tree: &mut Tree, ino: Ino) -> Held {
        tree.hold(ino);
        Held { fs: fs.clone(), ino }
    }

    fn with<R>(&self, work: impl FnOnce(&mut Tree) -> R) -> R {
        with(&self.fs, work)
    }

    fn stat(&self) -> Result<Filestat, Errno> {
        self.with(|tree| tree.stat(self.ino))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        with(&self.fs, |tree| tree.release(self.ino));
    }
}

/// An open file.
struct MemFile {
    node: Held,
    position: Cell<u64>,
}

impl File for MemFile {
    fn filetype(&self) -> Filetype {
        Filetype::RegularFile
    }

    fn readable_bytes(&self) -> u64 {
        self.stat()
            .map_or(0, |stat| stat.size.saturating_sub(self.position.get()))
    }

    fn read(&self, bufs: &mut [IoSliceMut<'_>], _nonblock: bool) -> Result<usize, Errno> {
        let count = self.read_at(bufs, self.position.get())?;
        self.position.set(self.position.get() + count as u64);
        Ok(count)
    }

    fn write(&self, bufs: &[IoSlice<'_>], append: bool) -> Result<usize, Errno> {
        let ino = self.node.ino;
        let (at, count) = self.node.with(|tree| {
            let at = if append {
                tree.stat(ino)?.size
            } else {
                self.position.get()
            };
            Ok::<_, Errno>((at, tree.write(ino, at, bufs)?))
        })?;
        if count > 0 {
            self.position.set(at + count as u64);
        }
        Ok(count)
    }

    fn read_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize, Errno> {
        self.node.with(|tree| tree.read(self.node.ino, offset, bufs))
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64, _append: bool) -> Result<usize, Errno> {
        self.node.with(|tree| tree.write(self.node.ino, offset, bufs))
    }

    fn seek(&self, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let from = match whence {
            Whence::Set => 0,
            Whence::Cur => self.position.get(),
            Whence::End => self.stat()?.size,
        };
        let to = from.checked_add_signed(offset).ok_or(Errno::Inval)?;
        if to > i64::MAX as u64 {
            return Err(Errno::Inval);
        }
        self.position.set(to);
        Ok(to)
    }

    fn sync(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn datasync(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn stat(&self) -> Result<Filestat, Errno> {
        self.node.stat()
    }

    fn set_size(&self, size: u64) -> Result<(), Errno> {
        self.node.with(|tree| tree.set_size(self.node.ino, size))
    }

    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        self.node.with(|tree| tree.set_times(self.node.ino, atim, mtim))
    }

    fn allocate(&self, offset: u64, len: u64) -> Result<(), Errno> {
        let end = offset.checked_add(len).ok_or(Errno::Fbig)?;
        self.node.with(|tree| {
            if end > tree.stat(self.node.ino)?.size {
                tree.set_size(self.node.ino, end)?;
            }
            Ok(())
        })
    }

    fn advise(&self, _offset: u64, _len: u64, _advice: Advice) -> Result<(), Errno> {
        Ok(())
    }
}

/// An open directory.
pub(super) struct MemDirectory {
    node: Held,
}

impl MemDirectory {
    pub(super) fn new(fs: &Shared, ino: Ino) -> MemDirectory {
        MemDirectory {
            node: with(fs, |tree| Held::new(fs, tree, ino)),
        }
    }

    /// Does something where `path` leads.
    fn at<R>(
        &self,
        path: &str,
        last: Last,
        work: impl FnOnce(&mut Tree, Place) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        self.node.with(|tree| {
            let place = find(tree, self.node.ino, path, last)?;
            work(tree, place)
        })
    }

    /// The directory, if it is one of this file system's.
    fn same<'d>(&self, there: &'d dyn Directory) -> Result<&'d MemDirectory, Errno> {
        let there: Option<&MemDirectory> = there.as_any().downcast_ref();
        there
            .filter(|there| Arc::ptr_eq(&there.node.fs, &self.node.fs))
            .ok_or(Errno::Xdev)
    }
}

fn last(follow: bool) -> Last {
    if follow { Last::Follow } else { Last::Link }
}

impl Directory for MemDirectory {
    fn open(&self, path: &str, how: &OpenHow) -> Result<Opened, Errno> {
        if how.directory && how.create {
            return Err(Errno::Inval);
        }
        if how.create && !how.exclusive && !how.truncate && !how.write {
            // As on the host: what is there already may be anything that can be read.
            match self.open(path, &OpenHow { create: false, ..*how }) {
                Err(Errno::Noent) => {}
                Ok(Opened::Dir(_)) => return Err(Errno::Isdir),
                other => return other,
            }
        }
        let last = if how.create {
            Last::Create(how.follow && !how.exclusive)
        } else {
            last(how.follow)
        };
        self.at(path, last, |tree, place| {
            let ino = match (place.node, &place.name) {
                (Some(_), _) if how.create && how.exclusive => return Err(Errno::Exist),
                (Some(_), _) => place.existing(tree)?,
                (None, Some(name)) if how.create => tree.create_file(place.dir, name)?,
                (None, _) => return Err(Errno::Noent),
            };
            match tree.kind(ino)? {
                Kind::Dir if how.write || how.truncate || how.create => Err(Errno::Isdir),
                Kind::Dir => Ok(Opened::Dir(Box::new(MemDirectory {
                    node: Held::new(&self.node.fs, tree, ino),
                }))),
                _ if how.directory => Err(Errno::Notdir),
                Kind::Link(_) => Err(Errno::Loop),
                Kind::File => {
                    if how.truncate {
                        tree.set_size(ino, 0)?;
                    }
                    Ok(Opened::File(Box::new(MemFile {
                        node: Held::new(&self.node.fs, tree, ino),
                        position: Cell::new(0),
                    })))
                }
            }
        })
    }

    fn stat(&self, path: &str, follow: bool) -> Result<Filestat, Errno> {
        self.at(path, last(follow), |tree, place| tree.stat(place.existing(tree)?))
    }

    fn set_times(&self, path: &str, follow: bool, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        self.at(path, last(follow), |tree, place| {
            tree.set_times(place.existing(tree)?, atim, mtim)
        })
    }

    fn create_directory(&self, path: &str) -> Result<(), Errno> {
        self.at(path, Last::Name, |tree, place| match (place.node, &place.name) {
            (None, Some(name)) => tree.create_dir(place.dir, name).map(|_| ()),
            _ => Err(Errno::Exist),
        })
    }

    fn remove_directory(&self, path: &str) -> Result<(), Errno> {
        self.at(path, Last::Name, |tree, place| {
            let node = place.node.ok_or(Errno::Noent)?;
            if tree.kind(node)? != Kind::Dir {
                return Err(Errno::Notdir);
            }
            let name = place.name()?;
            if !tree.is_empty(node)? {
                return Err(Errno::Notempty);
            }
            tree.remove(place.dir, name)
        })
    }

    fn unlink_file(&self, path: &str) -> Result<(), Errno> {
        self.at(path, Last::Link, |tree, place| {
            match tree.kind(place.existing(tree)?)? {
                Kind::Dir => Err(Errno::Isdir),
                _ => tree.remove(place.dir, place.name()?),
            }
        })
    }

    fn rename(&self, old: &str, there: &dyn Directory, new: &str) -> Result<(), Errno> {
        let there = self.same(there)?;
        self.node.with(|tree| {
            let from = find(tree, self.node.ino, old, Last::Name)?;
            let to = find(tree, there.node.ino, new, Last::Name)?;
            let (Some(old), Some(new)) = (&from.name, &to.name) else {
                return Err(Errno::Busy);
            };
            let node = from.existing(tree)?;
            let is_dir = tree.kind(node)? == Kind::Dir;
            if is_dir {
                // Into itself it would be out of reach.
                if tree.is_within(to.dir, node)? {
                    return Err(Errno::Inval);
                }
            }
            if let Some(replaced) = to.node
                && tree.is_within(from.dir, replaced)?
            {
                return Err(Errno::Notempty);
            }
            match to.node {
                None if to.slash && !is_dir => return Err(Errno::Notdir),
                None => {}
                Some(replaced) => match (is_dir, tree.kind(replaced)? == Kind::Dir) {
                    (false, true) => return Err(Errno::Isdir),
                    (true, false) => return Err(Errno::Notdir),
                    (false, false) if to.slash => return Err(Errno::Notdir),
                    _ if replaced == node => return Ok(()),
                    (true, true) if !tree.is_empty(replaced)? => return Err(Errno::Notempty),
                    _ => tree.remove(to.dir, new)?,
                },
            }
            tree.rename(from.dir, old, to.dir, new)
        })
    }

    fn link(&self, old: &str, there: &dyn Directory, new: &str) -> Result<(), Errno> {
        let there = self.same(there)?;
        self.node.with(|tree| {
            let from = find(tree, self.node.ino, old, Last::Link)?;
            if from.slash {
                from.existing(tree)?;
            }
            let to = find(tree, there.node.ino, new, Last::Link)?;
            if to.slash && to.node.is_some() {
                to.existing(tree)?;
            }
            let node = from.existing(tree)?;
            match (to.node, &to.name) {
                (None, Some(_)) if to.slash => Err(Errno::Noent),
                (None, Some(_)) if tree.kind(node)? == Kind::Dir => Err(Errno::Perm),
                (None, Some(name)) => tree.insert(to.dir, name, node),
                _ => Err(Errno::Exist),
            }
        })
    }

    fn symlink(&self, target: &str, path: &str) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::Noent);
        }
        if target.starts_with('/') {
            return Err(Errno::Perm);
        }
        self.at(path, Last::Link, |tree, place| match (place.node, &place.name) {
            (None, Some(_)) if place.slash => Err(Errno::Noent),
            (None, Some(name)) => tree.create_link(place.dir, name, target).map(|_| ()),
            _ => {
                place.existing(tree)?;
                Err(Errno::Exist)
            }
        })
    }

    fn readlink(&self, path: &str) -> Result<Vec<u8>, Errno> {
        self.at(path, Last::Link, |tree, place| {
            match tree.kind(place.existing(tree)?)? {
                Kind::Link(target) => Ok(target.into_bytes()),
                _ => Err(Errno::Inval),
            }
        })
    }

    fn stat_self(&self) -> Result<Filestat, Errno> {
        self.node.stat()
    }

    fn set_times_self(&self, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        self.node.with(|tree| tree.set_times(self.node.ino, atim, mtim))
    }

    fn sync(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn datasync(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn entries(&self) -> Result<Box<dyn Entries>, Errno> {
        let node = self.node.with(|tree| Held::new(&self.node.fs, tree, self.node.ino));
        Ok(Box::new(MemEntries { node, place: 0 }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A listing of a directory.
struct MemEntries {
    node: Held,
    place: u64,
}

impl Entries for MemEntries {
    fn next(&mut self) -> Result<Option<Entry>, Errno> {
        let entry = self.node.with(|tree| tree.entry_after(self.node.ino, self.place))?;
        if let Some(entry) = &entry {
            self.place = entry.position as u64;
        }
        Ok(entry)
    }

    fn rewind(&mut self) {
        self.place = 0;
    }

    fn seek(&mut self, position: i64) -> bool {
        self.place = u64::try_from(position).unwrap_or(0);
        true
    }
}
