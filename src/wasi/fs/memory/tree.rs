//! The nodes of a file system in memory, and what happens to them. All of it under one lock, held by the callers.
//!
//! Nodes have numbers and refer to each other by them. One that has neither a name nor a handle left is gone.

use std::collections::{BTreeMap, HashMap};
use std::io::{IoSlice, IoSliceMut};

use crate::wasi::abi::{Errno, Filestat, Filetype, Timestamp};
use crate::wasi::fs::quota::NAME_COST;
use crate::wasi::fs::{Entry, SetTime};
use crate::wasi::host;

/// The number of a node.
pub(super) type Ino = u64;

/// The directory everything is in.
pub(super) const ROOT: Ino = 1;
/// The device files report, which no device of the host's has.
const DEVICE: u64 = u64::MAX - 1;
/// Places in a listing before the first name: those of `.` and `..`.
const DOTS: u64 = 2;

/// A file system.
pub(super) struct Tree {
    nodes: HashMap<Ino, Node>,
    next: Ino,
    /// Bytes of all files, links and names.
    used: u64,
    limit: u64,
}

struct Node {
    content: Content,
    /// Names; of a directory also its own `.` and the `..` of those in it.
    links: u64,
    /// Open files, directories and listings.
    handles: u64,
    atim: Timestamp,
    mtim: Timestamp,
    ctim: Timestamp,
}

enum Content {
    File(Vec<u8>),
    Link(String),
    Dir(Names),
}

/// What is in a directory.
struct Names {
    parent: Ino,
    by_name: HashMap<String, (u64, Ino)>,
    /// In the order in which they came: a place in a listing stays what it is, whatever comes and goes.
    by_place: BTreeMap<u64, String>,
    next_place: u64,
}

/// What a node is, for those who look up paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Dir,
    Link(String),
}

impl Tree {
    pub(super) fn new(limit: u64) -> Tree {
        let mut tree = Tree {
            nodes: HashMap::new(),
            next: ROOT,
            used: 0,
            limit,
        };
        let root = tree.add(Content::Dir(Names::new(ROOT)));
        if let Ok(root) = tree.node_mut(root) {
            root.links = 2;
        }
        tree
    }

    pub(super) fn used(&self) -> u64 {
        self.used
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    fn add(&mut self, content: Content) -> Ino {
        let (ino, now) = (self.next, host::realtime());
        self.next += 1;
        let node = Node {
            content,
            links: 0,
            handles: 0,
            atim: now,
            mtim: now,
            ctim: now,
        };
        self.nodes.insert(ino, node);
        ino
    }

    // Nodes are found by numbers that others hold, and gone only when nobody does. `stale` would be a mistake of ours.

    fn node(&self, ino: Ino) -> Result<&Node, Errno> {
        self.nodes.get(&ino).ok_or(Errno::Stale)
    }

    fn node_mut(&mut self, ino: Ino) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(&ino).ok_or(Errno::Stale)
    }

    fn names(&self, ino: Ino) -> Result<&Names, Errno> {
        match &self.node(ino)?.content {
            Content::Dir(names) => Ok(names),
            _ => Err(Errno::Notdir),
        }
    }

    fn names_mut(&mut self, ino: Ino) -> Result<&mut Names, Errno> {
        match &mut self.node_mut(ino)?.content {
            Content::Dir(names) => Ok(names),
            _ => Err(Errno::Notdir),
        }
    }

    pub(super) fn kind(&self, ino: Ino) -> Result<Kind, Errno> {
        Ok(match &self.node(ino)?.content {
            Content::File(_) => Kind::File,
            Content::Dir(_) => Kind::Dir,
            Content::Link(target) => Kind::Link(target.clone()),
        })
    }

    /// Holds a node, so that it stays when its last name is gone.
    pub(super) fn hold(&mut self, ino: Ino) {
        if let Ok(node) = self.node_mut(ino) {
            node.handles += 1;
        }
    }

    /// Lets go of a node.
    pub(super) fn release(&mut self, ino: Ino) {
        if let Ok(node) = self.node_mut(ino) {
            node.handles = node.handles.saturating_sub(1);
        }
        self.forget_unreachable(ino);
    }

    fn forget_unreachable(&mut self, ino: Ino) {
        if self.node(ino).is_ok_and(|node| node.links == 0 && node.handles == 0)
            && let Some(node) = self.nodes.remove(&ino)
        {
            self.used -= node.content.bytes();
        }
    }

    /// # Errors
    /// `nospc` if so many bytes more are too many.
    fn reserve(&mut self, bytes: u64) -> Result<(), Errno> {
        if bytes > self.limit.saturating_sub(self.used) {
            return Err(Errno::Nospc);
        }
        self.used += bytes;
        Ok(())
    }

    // Names.

    pub(super) fn lookup(&self, dir: Ino, name: &str) -> Result<Option<Ino>, Errno> {
        Ok(self.names(dir)?.by_name.get(name).map(|(_, ino)| *ino))
    }

    /// The directory `dir` is in; the root's is the root.
    pub(super) fn parent(&self, dir: Ino) -> Result<Ino, Errno> {
        Ok(self.names(dir)?.parent)
    }

    /// Whether a directory is another one or somewhere in it.
    pub(super) fn is_within(&self, mut dir: Ino, other: Ino) -> Result<bool, Errno> {
        while dir != other && dir != ROOT {
            dir = self.parent(dir)?;
        }
        Ok(dir == other)
    }

    pub(super) fn is_empty(&self, dir: Ino) -> Result<bool, Errno> {
        Ok(self.names(dir)?.by_name.is_empty())
    }

    /// The names in a directory, in the order in which they came.
    pub(super) fn list(&self, dir: Ino) -> Result<Vec<String>, Errno> {
        Ok(self.names(dir)?.by_place.values().cloned().collect())
    }

    /// The name in a directory that came last.
    pub(super) fn last_name(&self, dir: Ino) -> Result<Option<String>, Errno> {
        Ok(self.names(dir)?.by_place.values().next_back().cloned())
    }

    /// # Errors
    /// `noent` in a directory that was removed, `nospc` if there is no room for a name.
    pub(super) fn create_file(&mut self, dir: Ino, name: &str) -> Result<Ino, Errno> {
        self.create(dir, name, Content::File(Vec::new()))
    }

    /// # Errors
    /// As [`Tree::create_file`].
    pub(super) fn create_dir(&mut self, dir: Ino, name: &str) -> Result<Ino, Errno> {
        self.create(dir, name, Content::Dir(Names::new(dir)))
    }

    /// # Errors
    /// As [`Tree::create_file`].
    pub(super) fn create_link(&mut self, dir: Ino, name: &str, target: &str) -> Result<Ino, Errno> {
        self.create(dir, name, Content::Link(target.to_owned()))
    }

    fn create(&mut self, dir: Ino, name: &str, content: Content) -> Result<Ino, Errno> {
        let bytes = content.bytes();
        self.reserve(bytes)?;
        let ino = self.add(content);
        self.insert(dir, name, ino).inspect_err(|_| {
            self.forget_unreachable(ino);
        })?;
        Ok(ino)
    }

    /// Gives a node a name that is free.
    ///
    /// # Errors
    /// As [`Tree::create_file`].
    pub(super) fn insert(&mut self, dir: Ino, name: &str, ino: Ino) -> Result<(), Errno> {
        if self.node(dir)?.links == 0 {
            return Err(Errno::Noent);
        }
        self.reserve(NAME_COST + name.len() as u64)?;
        let names = self.names_mut(dir)?;
        let place = names.next_place;
        names.next_place += 1;
        names.by_place.insert(place, name.to_owned());
        names.by_name.insert(name.to_owned(), (place, ino));
        let is_dir = match &mut self.node_mut(ino)?.content {
            Content::Dir(names) => {
                names.parent = dir;
                true
            }
            _ => false,
        };
        // `.` in it and `..` in what is in it are names, too.
        self.node_mut(ino)?.links += 1 + u64::from(is_dir);
        self.node_mut(dir)?.links += u64::from(is_dir);
        self.touch(dir);
        self.changed(ino);
        Ok(())
    }

    /// Takes a name away; what has no other one and is not open is gone. A directory must be empty, or come back.
    pub(super) fn remove(&mut self, dir: Ino, name: &str) -> Result<(), Errno> {
        let ino = self.unlink(dir, name)?;
        self.forget_unreachable(ino);
        Ok(())
    }

    fn unlink(&mut self, dir: Ino, name: &str) -> Result<Ino, Errno> {
        let names = self.names_mut(dir)?;
        let (place, ino) = names.by_name.remove(name).ok_or(Errno::Noent)?;
        names.by_place.remove(&place);
        self.used -= NAME_COST + name.len() as u64;
        let node = self.node_mut(ino)?;
        let is_dir = matches!(node.content, Content::Dir(_));
        node.links -= 1 + u64::from(is_dir);
        self.node_mut(dir)?.links -= u64::from(is_dir);
        self.touch(dir);
        self.changed(ino);
        Ok(ino)
    }

    /// Gives what is called `old` in `from` the name `new` in `to`, which is free.
    ///
    /// # Errors
    /// `nospc` if the new name is longer and there is no room for it: nothing has changed then.
    pub(super) fn rename(&mut self, from: Ino, old: &str, to: Ino, new: &str) -> Result<(), Errno> {
        if self.node(to)?.links == 0 {
            return Err(Errno::Noent);
        }
        let longer = (new.len() as u64).saturating_sub(old.len() as u64);
        if longer > self.limit.saturating_sub(self.used) {
            return Err(Errno::Nospc);
        }
        let ino = self.unlink(from, old)?;
        self.insert(to, new, ino)
    }

    /// The first entry after a place in a listing.
    pub(super) fn entry_after(&self, dir: Ino, place: u64) -> Result<Option<Entry>, Errno> {
        let names = self.names(dir)?;
        let (name, place, ino) = match place {
            0 => (".", 1, dir),
            1 => ("..", DOTS, names.parent),
            _ => {
                let Some((place, name)) = names.by_place.range(place + 1..).next() else {
                    return Ok(None);
                };
                let ino = names.by_name.get(name).map_or(0, |(_, ino)| *ino);
                (name.as_str(), *place, ino)
            }
        };
        Ok(Some(Entry {
            ino,
            filetype: self.node(ino).map_or(Filetype::Unknown, |node| node.content.filetype()),
            name: name.as_bytes().to_vec(),
            position: place as i64,
        }))
    }

    // What a node contains.

    pub(super) fn stat(&self, ino: Ino) -> Result<Filestat, Errno> {
        let node = self.node(ino)?;
        Ok(Filestat {
            dev: DEVICE,
            ino,
            filetype: node.content.filetype(),
            nlink: node.links,
            size: node.content.bytes(),
            atim: node.atim,
            mtim: node.mtim,
            ctim: node.ctim,
        })
    }

    pub(super) fn set_times(&mut self, ino: Ino, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        let now = host::realtime();
        let node = self.node_mut(ino)?;
        for (time, set) in [(&mut node.atim, atim), (&mut node.mtim, mtim)] {
            match set {
                SetTime::Keep => {}
                SetTime::Now => *time = now,
                SetTime::At(at) => *time = at,
            }
        }
        node.ctim = now;
        Ok(())
    }

    /// Its content was changed now.
    fn touch(&mut self, ino: Ino) {
        if let Ok(node) = self.node_mut(ino) {
            node.mtim = host::realtime();
            node.ctim = node.mtim;
        }
    }

    /// What is known of it was changed now.
    fn changed(&mut self, ino: Ino) {
        if let Ok(node) = self.node_mut(ino) {
            node.ctim = host::realtime();
        }
    }

    pub(super) fn bytes(&self, ino: Ino) -> Result<&[u8], Errno> {
        match &self.node(ino)?.content {
            Content::File(bytes) => Ok(bytes),
            _ => Err(Errno::Isdir),
        }
    }

    fn bytes_mut(&mut self, ino: Ino) -> Result<&mut Vec<u8>, Errno> {
        match &mut self.node_mut(ino)?.content {
            Content::File(bytes) => Ok(bytes),
            _ => Err(Errno::Isdir),
        }
    }

    /// Reads from `at` on.
    pub(super) fn read(&mut self, ino: Ino, at: u64, bufs: &mut [IoSliceMut<'_>]) -> Result<usize, Errno> {
        let bytes = self.bytes(ino)?;
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let mut rest = bytes.get(at..).unwrap_or_default();
        let count = std::io::Read::read_vectored(&mut rest, bufs)?;
        if count > 0 {
            self.node_mut(ino)?.atim = host::realtime();
        }
        Ok(count)
    }

    /// Writes from `at` on, as much as there is room for; what lies between the end and `at` becomes zeros.
    ///
    /// # Errors
    /// `nospc` if there is no room at all; `fbig` if nothing can stand there.
    pub(super) fn write(&mut self, ino: Ino, at: u64, bufs: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let asked: u64 = bufs.iter().map(|buf| buf.len() as u64).sum();
        if asked == 0 {
            return Ok(0);
        }
        let wanted = at
            .checked_add(asked)
            .filter(|end| *end <= i64::MAX as u64)
            .ok_or(Errno::Fbig)?;
        let size = self.bytes(ino)?.len() as u64;
        let room = self.limit.saturating_sub(self.used);
        let end = wanted.min(size.saturating_add(room));
        if end <= at {
            return Err(Errno::Nospc);
        }
        self.resize(ino, end.max(size))?;
        let mut place = self
            .bytes_mut(ino)?
            .get_mut(at as usize..end as usize)
            .ok_or(Errno::Io)?;
        for buf in bufs {
            // Fills what is left, and takes nothing when nothing is.
            std::io::Write::write(&mut place, buf)?;
        }
        self.touch(ino);
        Ok((end - at) as usize)
    }

    /// Cuts a file, or makes it longer by zeros.
    ///
    /// # Errors
    /// `nospc` if there is no room.
    pub(super) fn set_size(&mut self, ino: Ino, size: u64) -> Result<(), Errno> {
        self.resize(ino, size)?;
        self.touch(ino);
        Ok(())
    }

    fn resize(&mut self, ino: Ino, size: u64) -> Result<(), Errno> {
        let before = self.bytes(ino)?.len() as u64;
        let growth = size.saturating_sub(before);
        if growth > self.limit.saturating_sub(self.used) {
            return Err(Errno::Nospc);
        }
        let bytes = self.bytes_mut(ino)?;
        bytes
            .try_reserve(usize::try_from(growth).map_err(|_| Errno::Nospc)?)
            .map_err(|_| Errno::Nospc)?;
        bytes.resize(size as usize, 0);
        if size < before / 2 {
            bytes.shrink_to_fit();
        }
        self.used = self.used + size - before;
        Ok(())
    }
}

impl Content {
    /// Bytes that count.
    fn bytes(&self) -> u64 {
        match self {
            Content::File(bytes) => bytes.len() as u64,
            Content::Link(target) => target.len() as u64,
            Content::Dir(_) => 0,
        }
    }

    fn filetype(&self) -> Filetype {
        match self {
            Content::File(_) => Filetype::RegularFile,
            Content::Link(_) => Filetype::SymbolicLink,
            Content::Dir(_) => Filetype::Directory,
        }
    }
}

impl Names {
    fn new(parent: Ino) -> Names {
        Names {
            parent,
            by_name: HashMap::new(),
            by_place: BTreeMap::new(),
            next_place: DOTS + 1,
        }
    }
}
