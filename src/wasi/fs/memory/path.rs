//! Guest path → node of a file system in memory, beneath a directory. What leads out of it is `perm`, as on the host.

use super::tree::{Ino, Kind, Tree};
use crate::wasi::abi::Errno;

/// Links followed in one path, as on Linux.
const MAX_LINKS: u32 = 40;
/// Bytes in a name, as on most file systems.
const MAX_NAME: usize = 255;

/// What becomes of a symbolic link in the last place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// It is followed.
    Follow,
    /// It is what is meant, unless a slash after it asks for a directory.
    Link,
    /// It is what is meant: what is made, moved or removed is a name.
    Name,
    /// A file may be made there: no slash may follow. A link is followed or not.
    Create(bool),
}

/// Where a path leads.
#[derive(Debug)]
pub(super) struct Place {
    /// The directory its last name is in.
    pub(super) dir: Ino,
    /// The last name; `None` if there is none, as in `.`, `..` and `d/.`: then `node` is a directory.
    pub(super) name: Option<String>,
    /// What is there.
    pub(super) node: Option<Ino>,
    /// A slash follows the name.
    pub(super) slash: bool,
}

impl Place {
    /// What is there.
    ///
    /// # Errors
    /// `noent` if nothing is, `notdir` if it must be a directory and is not.
    pub(super) fn existing(&self, tree: &Tree) -> Result<Ino, Errno> {
        let node = self.node.ok_or(Errno::Noent)?;
        if self.slash && tree.kind(node)? != Kind::Dir {
            return Err(Errno::Notdir);
        }
        Ok(node)
    }

    /// The name to remove.
    ///
    /// # Errors
    /// `inval` if the path ends in a dot: such names are not the guest's to take away.
    pub(super) fn name(&self) -> Result<&str, Errno> {
        self.name.as_deref().ok_or(Errno::Inval)
    }
}

/// Finds where `path` leads from the directory `base`.
///
/// # Errors
/// `noent` for an empty path or a missing directory on the way, `perm` if it leads out, `notdir`, `loop`,
/// `nametoolong`.
pub(super) fn find(tree: &Tree, base: Ino, path: &str, last: Last) -> Result<Place, Errno> {
    if path.is_empty() {
        return Err(Errno::Noent);
    }
    if path.starts_with('/') {
        return Err(Errno::Perm);
    }
    let mut slash = path.ends_with('/');
    // The directories from `base` to where we are: `..` goes back along it, so that it can never pass `base`.
    let mut trail = vec![base];
    let mut ahead: Vec<String> = components(path).collect();
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        let dir = *trail.last().unwrap_or(&base);
        let is_last = ahead.is_empty();
        match name.as_str() {
            "." => {}
            ".." if trail.len() == 1 => return Err(Errno::Perm),
            ".." => {
                trail.pop();
            }
            _ if name.len() > MAX_NAME => return Err(Errno::Nametoolong),
            _ => {
                if is_last && slash && matches!(last, Last::Create(_)) {
                    return Err(Errno::Isdir);
                }
                let node = tree.lookup(dir, &name)?;
                let kind = node.map(|node| tree.kind(node)).transpose()?;
                let follow = match last {
                    _ if !is_last => true,
                    Last::Follow | Last::Create(true) => true,
                    Last::Link => slash,
                    Last::Name | Last::Create(false) => false,
                };
                match (kind, node) {
                    (Some(Kind::Link(target)), _) if follow => {
                        links += 1;
                        if links > MAX_LINKS {
                            return Err(Errno::Loop);
                        }
                        if target.starts_with('/') {
                            return Err(Errno::Perm);
                        }
                        slash |= is_last && target.ends_with('/');
                        ahead.extend(components(&target));
                    }
                    _ if is_last => {
                        return Ok(Place {
                            dir,
                            name: Some(name),
                            node,
                            slash,
                        });
                    }
                    (Some(Kind::Dir), Some(node)) => trail.push(node),
                    (None, _) => return Err(Errno::Noent),
                    _ => return Err(Errno::Notdir),
                }
            }
        }
    }
    let dir = *trail.last().unwrap_or(&base);
    Ok(Place {
        dir,
        name: None,
        node: Some(dir),
        slash,
    })
}

/// The names in a path, the last one first.
fn components(path: &str) -> impl Iterator<Item = String> {
    path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).rev()
}
