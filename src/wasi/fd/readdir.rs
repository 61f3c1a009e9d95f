//! `fd_readdir`: listing a directory in bounded memory, whatever its size.
//!
//! A cookie is the number of entries before the place it names. Read in sequence, entries stream from the host, and
//! one that did not fit is kept for the next call, so that deleting what was listed meanwhile skips nothing. A cookie
//! of the last entries is found exactly, by the directory's own position; an older one by listing again up to it.

use std::collections::VecDeque;

use crate::wasi::abi::{Dirent, Errno, Fd, Filetype, Ptr, Rights, Size};
use crate::wasi::call::{Call, Stop};
use crate::wasi::descriptor::Object;
use crate::wasi::fs::sorted::Sorted;
use crate::wasi::fs::{Directory, Entries, Entry};
use crate::wasi::memory::GuestMemory;

/// Positions that are remembered: those of the entries listed last.
const REMEMBERED: usize = 4096;
/// Entries skipped or written before a request to stop is looked for.
const SKIPPED_AT_ONCE: u64 = 1 << 14;

/// How far a directory was listed. Cheap until the first use.
#[derive(Default)]
pub(in crate::wasi) struct Listing {
    stream: Option<Box<dyn Entries>>,
    /// The cookie of the entry the stream, or `pending`, gives next.
    next: u64,
    /// An entry that was read and did not fit.
    pending: Option<Entry>,
    /// The last cookies, and the directory's positions for them, in ascending order.
    recent: VecDeque<(u64, i64)>,
}

impl Listing {
    /// Goes to `cookie`; entries the host has to list for that are skipped. Returns false if there are more to skip.
    fn go_to(&mut self, dir: &dyn Directory, sorted: bool, cookie: u64) -> Result<bool, Errno> {
        if cookie == 0 || self.stream.is_none() {
            // A new stream, because a rewound one may not see new entries.
            let entries = dir.entries()?;
            *self = Listing {
                stream: Some(if sorted {
                    Box::new(Sorted::new(entries))
                } else {
                    entries
                }),
                ..Listing::default()
            };
        } else if cookie != self.next {
            let recent = self.recent.binary_search_by_key(&cookie, |known| known.0);
            let position = recent
                .ok()
                .and_then(|index| self.recent.get(index))
                .map(|known| known.1);
            self.pending = None;
            // What is listed again may have changed, and gets its cookies anew.
            while self.recent.back().is_some_and(|last| last.0 > cookie) {
                self.recent.pop_back();
            }
            let stream = self.stream.as_mut().ok_or(Errno::Io)?;
            match position {
                Some(position) if stream.seek(position) => self.next = cookie,
                _ if cookie < self.next => {
                    stream.rewind();
                    self.next = 0;
                    self.recent.clear();
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
    fn read(&mut self) -> Result<Option<(Entry, u64)>, Errno> {
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

    /// Remembers where an entry that was handed out ends.
    fn remember(&mut self, next: u64, position: i64) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((next, position));
    }

    /// Takes an entry back that did not fit.
    fn unread(&mut self, entry: Entry) {
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
    let memory = cx.host.memory();
    memory.check(buf, u64::from(buf_len))?;
    memory.check(bufused, 4)?;
    let sorted = cx.ctx.deterministic.is_some();
    while !listing.go_to(&**dir, sorted, cookie)? {
        if cx.host.interrupt().requested() {
            return Err(Stop::Interrupted);
        }
    }
    let numbers = &mut cx.ctx.deterministic;
    let dev = if numbers.is_some() { dir.stat_self()?.dev } else { 0 };
    let mut used = 0;
    let mut entries = 0;
    while used < u64::from(buf_len) {
        entries += 1;
        // Made again, the call begins anew: the buffer is filled from the cookie on.
        if entries % SKIPPED_AT_ONCE == 0 && cx.host.interrupt().requested() {
            return Err(Stop::Interrupted);
        }
        let mut memory = cx.host.memory();
        let Some((mut entry, next)) = listing.read()? else {
            break;
        };
        if entry.name == b".." {
            // What lies above a granted directory is none of the guest's business, not even its number.
            entry.ino = dir.stat_self()?.ino;
            entry.filetype = Filetype::Directory;
        }
        let ino = match numbers {
            Some(numbers) => numbers.of(dev, entry.ino),
            None => entry.ino,
        };
        let written = write_entry(&mut memory, buf, used, u64::from(buf_len), &entry, next, ino)?;
        used += written.bytes;
        if written.whole {
            listing.remember(next, entry.position);
        } else {
            listing.unread(entry);
        }
    }
    Ok(cx.host.memory().write_u32(bufused, used as u32)?)
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
    entry: &Entry,
    next: u64,
    ino: u64,
) -> Result<Written, Errno> {
    let dirent = Dirent {
        d_next: next,
        d_ino: ino,
        d_namlen: u32::try_from(entry.name.len()).map_err(|_| Errno::Overflow)?,
        d_type: entry.filetype,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::testing::{Guest, MEMORY, OUT};

    /// Lists from `cookie` into a buffer of `len` bytes: whole entries as (name, next, ino, type), and bytes used.
    fn list(guest: &mut Guest, fd: Fd, len: u32, cookie: u64) -> (Vec<(String, u64, u64, u8)>, u32) {
        assert_eq!(guest.call(|cx| readdir(cx, fd, Ptr(0x10), len, cookie, OUT)), Ok(()));
        let used = guest.u32_at(OUT);
        assert!(used <= len);
        let bytes = guest.bytes(0x10, used);
        let (mut at, mut entries) = (0, Vec::new());
        while let Some(head) = bytes.get(at..at + 24) {
            let word = |from: usize| u64::from_le_bytes(head[from..from + 8].try_into().unwrap());
            let namlen = u32::from_le_bytes(head[16..20].try_into().unwrap()) as usize;
            let Some(name) = bytes.get(at + 24..at + 24 + namlen) else {
                break;
            };
            entries.push((String::from_utf8(name.to_vec()).unwrap(), word(0), word(8), head[20]));
            at += 24 + namlen;
        }
        (entries, used)
    }

    fn all(guest: &mut Guest, len: u32) -> Vec<String> {
        let (mut names, mut cookie) = (Vec::new(), 0);
        loop {
            let (entries, used) = list(guest, 3, len, cookie);
            cookie = entries.last().map_or(cookie, |entry| entry.1);
            names.extend(entries.into_iter().map(|entry| entry.0));
            if used < len {
                names.sort();
                return names;
            }
        }
    }

    #[test]
    fn an_entry_is_a_head_and_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        guest.create("ab");
        let (mut entries, used) = list(&mut guest, 3, 256, 0);
        assert_eq!(used, 3 * 24 + 5);
        let cookies: Vec<u64> = entries.iter().map(|entry| entry.1).collect();
        assert_eq!(cookies, [1, 2, 3]);
        entries.sort();
        use std::os::unix::fs::MetadataExt;
        let ino = |path: &str| std::fs::metadata(dir.path().join(path)).unwrap().ino();
        let seen: Vec<_> = entries
            .iter()
            .map(|(name, _, ino, kind)| (name.as_str(), *ino, *kind))
            .collect();
        // `..` leads out of what is granted: it shows the number of the directory itself.
        assert_eq!(seen, [(".", ino("."), 3), ("..", ino("."), 3), ("ab", ino("ab"), 4)]);
        assert_eq!(guest.bytes(0x10 + used, 1), b"?");
    }

    #[test]
    fn any_buffer_lists_everything_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let mut expected = vec![String::from("."), String::from("..")];
        for n in 0..300 {
            let name = format!("file-{n}");
            guest.create(&name);
            let close = guest.env.with(|ctx| ctx.table.remove(4)).map(|_| ());
            assert_eq!(close, Ok(()));
            expected.push(name);
        }
        expected.sort();
        for len in [33, 64, 100, 4096, 0x7000] {
            assert_eq!(all(&mut guest, len), expected, "with a buffer of {len} bytes");
        }
    }

    #[test]
    fn a_deterministic_guest_sees_names_in_order_and_files_by_numbers_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b", "d", "a", "c"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let env = crate::WasiEnv::builder().deterministic(0).dir(dir.path(), "/").unwrap();
        let mut guest = Guest::new(env.build());
        for len in [26, 60, 4096] {
            let (mut names, mut cookie) = (Vec::new(), 0);
            while let (Some((name, next, ino, _)), _) = {
                let (entries, used) = list(&mut guest, 3, len, cookie);
                (entries.into_iter().next(), used)
            } {
                (cookie, names) = (next, [names, vec![format!("{name} {ino}")]].concat());
            }
            assert_eq!(
                names,
                [". 1", ".. 1", "a 2", "b 3", "c 4", "d 5"],
                "with a buffer of {len} bytes"
            );
        }
        assert_eq!(list(&mut guest, 3, 100, 3).0[0].0, "b", "an older cookie");
    }

    #[test]
    fn a_cookie_leads_back_to_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        for n in 0..50 {
            guest.create(&format!("{n}"));
        }
        let (whole, _) = list(&mut guest, 3, 4096, 0);
        for start in [1, 17, 50, 52, 3, 40, 2] {
            let (rest, _) = list(&mut guest, 3, 4096, start);
            assert_eq!(rest, whole[start as usize..]);
        }
        assert_eq!(list(&mut guest, 3, 4096, 1000), (vec![], 0), "a cookie of nothing");
        assert_eq!(list(&mut guest, 3, 4096, u64::MAX), (vec![], 0));
        assert_eq!(list(&mut guest, 3, 4096, 0).0, whole);
    }

    #[test]
    fn a_cookie_of_earlier_calls_holds_while_entries_go() {
        for memory in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let mut guest = match memory {
                false => Guest::in_dir(dir.path()),
                true => Guest::in_memory(),
            };
            for n in 0..50 {
                let fd = guest.create(&format!("{n}"));
                assert_eq!(guest.call(|cx| crate::wasi::fd::table::close(cx, fd)), Ok(()));
            }
            let (mut whole, mut cookie) = (Vec::new(), 0);
            while whole.len() < 52 {
                let (mut some, _) = list(&mut guest, 3, 200, cookie);
                cookie = some.last().unwrap().1;
                whole.append(&mut some);
            }
            // The entries before the cookie vanish; what comes after it is what came after it.
            for (name, ..) in whole.iter().take(20).filter(|entry| !entry.0.starts_with('.')) {
                let (at, len) = guest.path(name);
                assert_eq!(
                    guest.call(|cx| crate::wasi::path::tree::unlink_file(cx, 3, at, len)),
                    Ok(())
                );
            }
            let (rest, _) = list(&mut guest, 3, 4096, whole[19].1);
            assert_eq!(rest, whole[20..], "in memory: {memory}");
        }
    }

    #[test]
    fn large_directories_take_linear_time_and_bounded_memory() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..20_000 {
            std::fs::hard_link(
                match n % 1000 {
                    0 => {
                        std::fs::write(dir.path().join(format!("{n}")), "").unwrap();
                        continue;
                    }
                    _ => dir.path().join(format!("{}", n - n % 1000)),
                },
                dir.path().join(format!("{n}")),
            )
            .unwrap();
        }
        let files = crate::MemFs::new();
        for n in 0..100_000 {
            files.write(format!("{n}"), "").unwrap();
        }
        let disk = crate::WasiEnv::builder().dir(dir.path(), "/").unwrap().build();
        let memory = crate::WasiEnv::builder().mount(&files, "/").build();
        for (env, expected) in [(disk, 20_002), (memory, 100_002)] {
            let mut guest = Guest::new(env);
            let (mut count, mut cookie) = (0, 0);
            let begun = std::time::Instant::now();
            loop {
                // Room for one or two entries.
                let (entries, used) = list(&mut guest, 3, 64, cookie);
                count += entries.len();
                cookie = entries.last().map_or(cookie, |entry| entry.1);
                if used < 64 {
                    break;
                }
            }
            assert_eq!(count, expected);
            assert!(begun.elapsed() < std::time::Duration::from_secs(60));
            let Object::Dir(_, listing) = &guest.env.with(|ctx| ctx.table.remove(3)).unwrap().object else {
                panic!("a directory")
            };
            assert!(listing.recent.capacity() <= 2 * REMEMBERED);
        }
    }

    #[test]
    fn small_buffers_get_what_fits() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        for len in [0, 1, 23] {
            assert_eq!(list(&mut guest, 3, len, 0), (vec![], len));
        }
    }

    #[test]
    fn deleting_what_was_listed_skips_nothing() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..200 {
            std::fs::write(dir.path().join(format!("{n:03}")), "").unwrap();
        }
        let mut guest = Guest::in_dir(dir.path());
        let (mut cookie, mut seen) = (0, 0);
        loop {
            let (entries, used) = list(&mut guest, 3, 200, cookie);
            for (name, next, ..) in &entries {
                cookie = *next;
                if !name.starts_with('.') {
                    std::fs::remove_file(dir.path().join(name)).unwrap();
                    seen += 1;
                }
            }
            if used < 200 {
                break;
            }
        }
        assert_eq!(seen, 200);
    }

    #[test]
    fn errnos() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let fd = guest.create("f");
        let mut go = |fd, buf: u32, len, out: u32| guest.call(|cx| readdir(cx, fd, Ptr(buf), len, 0, Ptr(out)));
        assert_eq!(go(fd, 0x10, 64, 0x80), Err(Errno::Notdir));
        assert_eq!(go(1, 0x10, 64, 0x80), Err(Errno::Notdir));
        assert_eq!(go(99, 0x10, 64, 0x80), Err(Errno::Badf));
        assert_eq!(go(3, MEMORY - 10, 64, 0x80), Err(Errno::Fault));
        assert_eq!(go(3, 0x10, u32::MAX, 0x80), Err(Errno::Fault));
        assert_eq!(go(3, 0x10, 64, MEMORY - 3), Err(Errno::Fault));
        let (path, len) = guest.path(".");
        let open = |cx: &mut Call<'_>| {
            let (flags, none) = (crate::wasi::abi::Lookupflags::NONE, crate::wasi::abi::Fdflags::NONE);
            let oflags = crate::wasi::abi::Oflags::DIRECTORY;
            crate::wasi::path::open::open(cx, 3, flags, path, len, oflags, Rights::NONE, Rights::NONE, none, OUT)
        };
        assert_eq!(guest.call(open), Ok(()));
        let bare = guest.u32_at(OUT);
        assert_eq!(
            guest.call(|cx| readdir(cx, bare, Ptr(0x10), 64, 0, OUT)),
            Err(Errno::Notcapable)
        );
    }
}
