//! A file system in memory, for embedders.

mod handle;
mod path;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::{Arc, Mutex, PoisonError};

use handle::MemDirectory;
use path::{Last, Place, find};
use tree::{Ino, Kind, ROOT, Tree};

use super::Directory;
use crate::wasi::abi::Errno;

/// Bytes a file system in memory may have, unless the embedder says otherwise: 256 MiB.
const DEFAULT_LIMIT: u64 = 256 << 20;

type Shared = Arc<Mutex<Tree>>;

/// Works on a tree. A thread that panicked while it did has left a tree that is whole enough: no call of a guest's can.
fn with<R>(fs: &Shared, work: impl FnOnce(&mut Tree) -> R) -> R {
    work(&mut fs.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A file system in this process's memory: put files in, let a program work on them, read files out.
///
/// Programs see what they would see on a disk: inode numbers, times, hard and symbolic links, directories that are
/// listed while they change, files that are open though their last name is gone. Nothing of the host's is reached.
///
/// Clones are the same file system, which can be granted to several programs at once, and looked at while they run.
/// Paths are relative to its root, with or without a `/` in front; links inside it are followed.
///
/// ```
/// use wasmrun::{Engine, Linker, MemFs, Module, WasiEnv};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = MemFs::new();
/// files.write("in/name.txt", "world")?;
///
/// // Reads `in/name.txt` into memory and writes it to `out.txt`.
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module
///         (import "wasi_snapshot_preview1" "path_open"
///             (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
///         (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
///         (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
///         (memory (export "memory") 1)
///         (data (i32.const 0) "in/name.txt" "out.txt")
///         (data (i32.const 32) "\80\00\00\00\40\00\00\00")
///         (func (export "_start")
///             ;; Descriptor 3 is the directory granted; 2 is the right to read, 64 to write, 1 means create.
///             (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 11)
///                 (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 48)))
///             (drop (call $read (i32.load (i32.const 48)) (i32.const 32) (i32.const 1) (i32.const 36)))
///             (drop (call $open (i32.const 3) (i32.const 0) (i32.const 11) (i32.const 7)
///                 (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 48)))
///             (drop (call $write (i32.load (i32.const 48)) (i32.const 32) (i32.const 1) (i32.const 52)))))"#)?;
/// let wasi = WasiEnv::builder().mount(&files, "/").build();
/// let mut linker = Linker::new(&engine);
/// linker.wasi(&wasi)?.instantiate(&module)?.run()?;
///
/// assert_eq!(files.read("out.txt")?, b"world");
/// assert_eq!(files.list("/")?, ["in", "out.txt"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemFs {
    tree: Shared,
}

impl MemFs {
    /// An empty file system of at most 256 MiB.
    pub fn new() -> MemFs {
        MemFs::with_limit(DEFAULT_LIMIT)
    }

    /// An empty file system of at most so many bytes. Each name counts its length and 256 bytes. Beyond the limit,
    /// programs see `nospc`.
    pub fn with_limit(bytes: u64) -> MemFs {
        MemFs {
            tree: Arc::new(Mutex::new(Tree::new(bytes))),
        }
    }

    /// Bytes used, counted as for [`MemFs::with_limit`].
    pub fn used(&self) -> u64 {
        with(&self.tree, |tree| tree.used())
    }

    /// Bytes that may be used.
    pub fn limit(&self) -> u64 {
        with(&self.tree, |tree| tree.limit())
    }

    /// Makes a file with these bytes, or gives one that is there these bytes. Directories on the way are made.
    ///
    /// # Errors
    /// If something on the way is a file, if it is a directory itself, or if there is no room.
    pub fn write(&self, path: impl AsRef<str>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let (path, bytes) = (path.as_ref(), bytes.as_ref());
        self.work(path, |tree, path| {
            if let Some((above, _)) = path.trim_end_matches('/').rsplit_once('/') {
                make_directories(tree, above)?;
            }
            let place = find(tree, ROOT, path, Last::Follow)?;
            let file = match (place.node, &place.name) {
                (Some(_), _) => place.existing(tree)?,
                (None, Some(name)) => tree.create_file(place.dir, name)?,
                (None, None) => return Err(Errno::Isdir),
            };
            tree.set_size(file, 0)?;
            let written = tree.write(file, 0, &[IoSlice::new(bytes)])?;
            if written < bytes.len() {
                return Err(Errno::Nospc);
            }
            Ok(())
        })
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// If there is no file of that name.
    pub fn read(&self, path: impl AsRef<str>) -> io::Result<Vec<u8>> {
        self.work(path.as_ref(), |tree, path| {
            let file = find(tree, ROOT, path, Last::Follow)?.existing(tree)?;
            Ok(tree.bytes(file)?.to_vec())
        })
    }

    /// Makes a directory, and those on the way to it. One that is there already is no error.
    ///
    /// # Errors
    /// If something on the way is a file, or if there is no room.
    pub fn create_dir_all(&self, path: impl AsRef<str>) -> io::Result<()> {
        self.work(path.as_ref(), make_directories)
    }

    /// Makes a symbolic link at `path` that contains `target`.
    ///
    /// # Errors
    /// If there is something of that name, or no directory for it.
    pub fn symlink(&self, target: impl AsRef<str>, path: impl AsRef<str>) -> io::Result<()> {
        self.work(path.as_ref(), |_, path| Ok(path.to_owned()))
            .and_then(|relative| {
                let made = self.root().symlink(target.as_ref(), &relative);
                made.map_err(|errno| failed(path.as_ref(), errno))
            })
    }

    /// Removes a file, a link, or a directory with all that is in it.
    ///
    /// # Errors
    /// If there is nothing of that name.
    pub fn remove(&self, path: impl AsRef<str>) -> io::Result<()> {
        self.work(path.as_ref(), |tree, path| {
            let place = find(tree, ROOT, path, Last::Name)?;
            let node = place.existing(tree)?;
            clear(tree, node)?;
            tree.remove(place.dir, place.name()?)
        })
    }

    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// If there is no directory of that name.
    pub fn list(&self, path: impl AsRef<str>) -> io::Result<Vec<String>> {
        self.work(path.as_ref(), |tree, path| {
            let dir = find(tree, ROOT, path, Last::Follow)?.existing(tree)?;
            let mut names = tree.list(dir)?;
            names.sort_unstable();
            Ok(names)
        })
    }

    /// Whether there is something of that name. Links are followed.
    pub fn exists(&self, path: impl AsRef<str>) -> bool {
        let found = self.work(path.as_ref(), |tree, path| {
            find(tree, ROOT, path, Last::Follow)?.existing(tree)
        });
        found.is_ok()
    }

    /// The root, for a guest.
    pub(in crate::wasi) fn directory(&self) -> Box<dyn Directory> {
        Box::new(self.root())
    }

    fn root(&self) -> MemDirectory {
        MemDirectory::new(&self.tree, ROOT)
    }

    /// Works on the tree, at a path of the embedder's made relative.
    fn work<R>(&self, path: &str, work: impl FnOnce(&mut Tree, &str) -> Result<R, Errno>) -> io::Result<R> {
        let relative = match path.trim_start_matches('/') {
            "" => ".",
            relative => relative,
        };
        with(&self.tree, |tree| work(tree, relative)).map_err(|errno| failed(path, errno))
    }
}

impl Default for MemFs {
    fn default() -> MemFs {
        MemFs::new()
    }
}

impl fmt::Debug for MemFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is in it can be a secret.
        f.debug_struct("MemFs")
            .field("used", &self.used())
            .field("limit", &self.limit())
            .finish_non_exhaustive()
    }
}

/// Makes the directory `path` and those on the way.
fn make_directories(tree: &mut Tree, path: &str) -> Result<(), Errno> {
    let mut at = String::with_capacity(path.len());
    for name in path.split('/').filter(|name| !name.is_empty()) {
        at.push_str(name);
        at.push('/');
        let place: Place = find(tree, ROOT, &at, Last::Link)?;
        match (place.node, &place.name) {
            (None, Some(name)) => {
                tree.create_dir(place.dir, name)?;
            }
            _ if tree.kind(place.existing(tree)?)? == Kind::Dir => {}
            _ => return Err(Errno::Notdir),
        }
    }
    Ok(())
}

/// Empties a directory, however deep it is.
fn clear(tree: &mut Tree, node: Ino) -> Result<(), Errno> {
    if tree.kind(node)? != Kind::Dir {
        return Ok(());
    }
    let mut at = node;
    loop {
        let Some(name) = tree.last_name(at)? else {
            if at == node {
                return Ok(());
            }
            at = tree.parent(at)?;
            continue;
        };
        let child = tree.lookup(at, &name)?.ok_or(Errno::Noent)?;
        if tree.kind(child)? == Kind::Dir && !tree.is_empty(child)? {
            at = child;
        } else {
            tree.remove(at, &name)?;
        }
    }
}

/// An embedder's error: what failed, on what.
fn failed(path: &str, errno: Errno) -> io::Error {
    let (kind, why) = match errno {
        Errno::Noent => (ErrorKind::NotFound, "there is no such file or directory"),
        Errno::Exist => (ErrorKind::AlreadyExists, "it is there already"),
        Errno::Notdir => (ErrorKind::NotADirectory, "it, or something on the way, is no directory"),
        Errno::Isdir => (ErrorKind::IsADirectory, "it is a directory"),
        Errno::Nospc => (ErrorKind::StorageFull, "the file system's limit is reached"),
        Errno::Perm => (ErrorKind::PermissionDenied, "it leads out of the file system"),
        Errno::Loop => (ErrorKind::InvalidInput, "too many symbolic links"),
        Errno::Nametoolong => (ErrorKind::InvalidFilename, "a name is longer than 255 bytes"),
        _ => (ErrorKind::InvalidInput, "that cannot be done with it"),
    };
    io::Error::new(kind, format!("`{}` in memory: {why}", path.escape_debug()))
}
