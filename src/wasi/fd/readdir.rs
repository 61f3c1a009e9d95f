//! `fd_readdir`: listing a directory in bounded memory, whatever its size.
//!
//! A cookie is the number of entries before the place it names. Read in sequence, entries stream from the host, and
//! one that did not fit is kept for the next call, so that deleting what was listed meanwhile skips nothing. A cookie
//! of the last call is found exactly, by the host's own position; an older one by listing again up to it.

use crate::wasi::abi::{Dirent, Errno, Fd, Filetype, Ptr, Rights, Size};
use crate::wasi::call::{Call, Stop};
use crate::wasi::descriptor::Object;
use crate::wasi::host::{DirectoryEntry, DirectoryStream};
use crate::wasi::memory::GuestMemory;
use crate::wasi::sandbox::Dir;

/// Positions of the last call that are remembered.
const REMEMBERED: usize = 4096;
/// Entries skipped before a request to stop is looked for.
const SKIPPED_AT_ONCE: u64 = 1 << 14;

/// How far a directory was listed. Cheap until the first use.
#[derive(Default)]
pub(in crate::wasi) struct Listing {
    stream: Option<DirectoryStream>,
    /// The cookie of the entry the stream, or `pending`, gives next.
    next: u64,
    /// An entry that was read and did not fit.
    pending: Option<DirectoryEntry>,
    /// Cookies of the last call, and the host's positions for them, in ascending order.
    recent: Vec<(u64, i64)>,
}

impl Listing {
    /// Goes to `cookie`; entries the host has to list for that are skipped. Returns false if there are more to skip.
    fn go_to(&mut self, dir: &Dir, cookie: u64) -> Result<bool, Errno> {
        if cookie == 0 || self.stream.is_none() {
            // A new stream, because a rewound one may not see new entries.
            *self = Listing {
                stream: Some(dir.entries()?),
                ..Listing::default()
            };
        } else if cookie != self.next {
            let recent = self.recent.binary_search_by_key(&cookie, |known| known.0);
            let position = recent
                .ok()
                .and_then(|index| self.recent.get(index))
                .map(|known| known.1);
            self.pending = None;
            let stream = self.stream.as_mut().ok_or(Errno::Io)?;
            match position {
                Some(position) if stream.seek(position) => self.next = cookie,
                _ if cookie < self.next => {
                    stream.rewind();
                    self.next = 0;
                }
                _ => {}
            }
        }
        for _ in 0..SKIPPED_AT_ONCE {
            if self.next >= cookie || self.read()?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The next entry, and the cookie that continues after it.
    fn read(&mut self) -> Result<Option<(DirectoryEntry, u64)>, Errno> {
        let entry = match self.pending.take() {
            Some(entry) => entry,
            None => match self.stream.as_mut().ok_or(Errno::Io)?.next()? {
                Some(entry) => entry,
                None => return Ok(None),
            },
        };
        self.next += 1;
        Ok(Some((entry, self.next)))
    }

    /// Takes an entry back that did not fit.
    fn unread(&mut self, entry: DirectoryEntry) {
        self.next -= 1;
        self.pending = Some(entry);
    }
}

/// `fd_readdir`: writes directory entries one after the other, the last one cut off where the buffer ends, and the
/// number of bytes as a u32. Less than `buf_len` means that there are no more.
///
/// `.` and `..` are among them. For an entry `ab` of inode 7, when it is the third:
/// ```text
///   buf ──► 03 00 00 00 00 00 00 00  07 00 00 00 00 00 00 00  02 00 00 00  04 .. .. ..  61 62
///           u64 d_next, u64 d_ino, u32 d_namlen, u8 d_type (3 bytes of padding), then the name
/// ```
/// # Errors
/// `badf`; `notdir`; `notcapable`; `fault` if the buffer or `bufused` leaves the memory: nothing is read then.
pub(in crate::wasi) fn readdir(
    cx: &mut Call<'_>,
    fd: Fd,
    buf: Ptr,
    buf_len: Size,
    cookie: u64,
    bufused: Ptr,
) -> Result<(), Stop> {
    let descriptor = cx.ctx.table.get_mut(fd)?;
    descriptor.dir(Rights::FD_READDIR)?;
    let Object::Dir(dir, listing) = &mut descriptor.object else {
        return Err(Errno::Notdir.into());
    };
    let memory = GuestMemory::new(cx.host.memory());
    memory.check(buf, u64::from(buf_len))?;
    memory.check(bufused, 4)?;
    while !listing.go_to(dir, cookie)? {
        if cx.host.interrupt().requested() {
            return Err(Stop::Interrupted);
        }
    }
    listing.recent.clear();
    let own = dir.stat_self()?.ino;
    let mut memory = GuestMemory::new(cx.host.memory());
    let mut used = 0;
    while used < u64::from(buf_len) {
        let Some((entry, next)) = listing.read()? else { break };
        let written = write_entry(&mut memory, buf, used, u64::from(buf_len), &entry, next, own)?;
        used += written.bytes;
        if !written.whole {
            listing.unread(entry);
        } else if listing.recent.len() < REMEMBERED {
            listing.recent.push((next, entry.position));
        }
    }
    Ok(memory.write_u32(bufused, used as u32)?)
}

/// How much of an entry there was room for.
struct Written {
    bytes: u64,
    whole: bool,
}

fn write_entry(
    memory: &mut GuestMemory<'_>,
    buf: Ptr,
    used: u64,
    buf_len: u64,
    entry: &DirectoryEntry,
    next: u64,
    own: u64,
) -> Result<Written, Errno> {
    let dirent = Dirent {
        d_next: next,
        // What lies above a granted directory is none of the guest's business, not even its number.
        d_ino: if entry.name == b".." { own } else { entry.ino },
        d_namlen: u32::try_from(entry.name.len()).map_err(|_| Errno::Overflow)?,
        d_type: if entry.name == b".." {
            Filetype::Directory
        } else {
            entry.filetype
        },
    };
    let mut bytes = 0;
    for part in [dirent.to_bytes().as_slice(), entry.name.as_slice()] {
        let fits = (part.len() as u64).min(buf_len - used - bytes);
        memory.write_at(buf, used + bytes, part.get(..fits as usize).unwrap_or_default())?;
        bytes += fits;
    }
    Ok(Written {
        bytes,
        whole: bytes == (Dirent::SIZE + entry.name.len()) as u64,
    })
}
