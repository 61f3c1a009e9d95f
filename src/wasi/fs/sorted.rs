//! What a deterministic environment shows of directories and files: entries in the order of their names, and numbers
//! that do not depend on the host.

use std::collections::{BTreeMap, VecDeque};

use super::{Entries, Entry};
use crate::wasi::abi::{Errno, Filestat};

/// Entries kept at once: a directory with more is gone through again for the next ones.
const WINDOW: usize = 4096;
/// Files that get numbers; the others have 0.
const NUMBERED: usize = 1 << 20;

/// A directory's entries by name, in bounded memory.
pub(in crate::wasi) struct Sorted {
    entries: Box<dyn Entries>,
    /// What comes next, in order.
    window: VecDeque<Entry>,
    /// The last name of the window that was filled last.
    last: Option<Vec<u8>>,
    /// Nothing comes after the window.
    complete: bool,
    capacity: usize,
}

impl Sorted {
    pub(in crate::wasi) fn new(entries: Box<dyn Entries>) -> Sorted {
        Sorted {
            entries,
            window: VecDeque::new(),
            last: None,
            complete: false,
            capacity: WINDOW,
        }
    }

    /// Finds the names that come after the last one.
    fn fill(&mut self) -> Result<(), Errno> {
        self.entries.rewind();
        self.complete = true;
        let mut found: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
        while let Some(entry) = self.entries.next()? {
            if self.last.as_ref().is_some_and(|last| entry.name <= *last) {
                continue;
            }
            found.insert(entry.name.clone(), entry);
            if found.len() > self.capacity {
                found.pop_last();
                self.complete = false;
            }
        }
        if let Some((name, _)) = found.last_key_value() {
            self.last = Some(name.clone());
        }
        self.window = found.into_values().collect();
        Ok(())
    }
}

impl Entries for Sorted {
    fn next(&mut self) -> Result<Option<Entry>, Errno> {
        if self.window.is_empty() && !self.complete {
            self.fill()?;
        }
        Ok(self.window.pop_front())
    }

    fn rewind(&mut self) {
        self.window.clear();
        self.last = None;
        self.complete = false;
    }

    /// The host's places are in its own order.
    fn seek(&mut self, _position: i64) -> bool {
        false
    }
}

/// Files by number, from 1 on in the order in which the guest came to see them.
#[derive(Default)]
pub(in crate::wasi) struct Numbers(BTreeMap<(u64, u64), u64>);

impl Numbers {
    /// The number of the file with this number on this device of the host's.
    pub(in crate::wasi) fn of(&mut self, dev: u64, ino: u64) -> u64 {
        let next = self.0.len() as u64 + 1;
        if self.0.len() < NUMBERED {
            return *self.0.entry((dev, ino)).or_insert(next);
        }
        self.0.get(&(dev, ino)).copied().unwrap_or(0)
    }

    /// The same, all on one device.
    pub(in crate::wasi) fn seen(&mut self, stat: Filestat) -> Filestat {
        let ino = self.of(stat.dev, stat.ino);
        Filestat { dev: 1, ino, ..stat }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::abi::Filetype;

    struct List(Vec<&'static str>, usize);

    impl Entries for List {
        fn next(&mut self) -> Result<Option<Entry>, Errno> {
            let name = self.0.get(self.1);
            self.1 += 1;
            Ok(name.map(|name| Entry {
                ino: 1,
                filetype: Filetype::RegularFile,
                name: name.as_bytes().to_vec(),
                position: 0,
            }))
        }
        fn rewind(&mut self) {
            self.1 = 0;
        }
        fn seek(&mut self, _: i64) -> bool {
            true
        }
    }

    #[test]
    fn names_come_in_order_however_few_are_kept() {
        let names = vec!["d", "..", "b", "e", ".", "c", "a"];
        for capacity in [1, 2, 3, 7, 100] {
            let mut sorted = Sorted::new(Box::new(List(names.clone(), 0)));
            sorted.capacity = capacity;
            for _ in 0..2 {
                let mut seen = Vec::new();
                while let Some(entry) = sorted.next().unwrap() {
                    seen.push(String::from_utf8(entry.name).unwrap());
                }
                assert_eq!(seen, [".", "..", "a", "b", "c", "d", "e"], "{capacity} kept");
                assert!(sorted.next().unwrap().is_none());
                assert!(!sorted.seek(1));
                sorted.rewind();
            }
        }
    }

    #[test]
    fn files_are_numbered_as_they_are_seen() {
        let mut numbers = Numbers::default();
        let seen = [(8, 900), (8, 5), (9, 900), (8, 900)].map(|(dev, ino)| numbers.of(dev, ino));
        assert_eq!(seen, [1, 2, 3, 1]);
    }
}
