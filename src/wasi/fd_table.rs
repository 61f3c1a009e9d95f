//! Descriptors by number. The lowest free number is given out first, as POSIX promises and wasi-libc relies on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::abi::{Errno, Fd};
use super::descriptor::Descriptor;

/// The guest's open descriptors, at most `limit` of them.
pub(super) struct FdTable {
    slots: Vec<Option<Descriptor>>,
    /// The numbers below `slots.len()` that are free.
    free: BinaryHeap<Reverse<Fd>>,
    limit: u32,
}

impl FdTable {
    pub(super) fn new(limit: u32) -> FdTable {
        FdTable {
            slots: Vec::new(),
            free: BinaryHeap::new(),
            limit,
        }
    }

    /// Changes the limit. Descriptors that are open stay so.
    pub(super) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// Whether another descriptor may be opened. Asked before the host opens anything.
    ///
    /// # Errors
    /// `mfile` at the limit.
    pub(super) fn check_room(&self) -> Result<(), Errno> {
        let open = self.slots.len() - self.free.len();
        if open < self.limit as usize {
            Ok(())
        } else {
            Err(Errno::Mfile)
        }
    }

    /// Gives `descriptor` the lowest free number.
    ///
    /// # Errors
    /// `mfile` at the limit.
    pub(super) fn insert(&mut self, descriptor: Descriptor) -> Result<Fd, Errno> {
        self.check_room()?;
        let fd = match self.free.pop() {
            Some(Reverse(fd)) => fd,
            None => {
                self.slots.push(None);
                (self.slots.len() - 1) as Fd
            }
        };
        if let Some(slot) = self.slots.get_mut(fd as usize) {
            *slot = Some(descriptor);
        }
        Ok(fd)
    }

    /// Whether a directory is granted under this name.
    pub(super) fn grants(&self, name: &str) -> bool {
        let mut open = self.slots.iter().flatten();
        open.any(|descriptor| descriptor.preopen.as_deref() == Some(name))
    }

    /// # Errors
    /// `badf` if `fd` is not open.
    pub(super) fn get(&self, fd: Fd) -> Result<&Descriptor, Errno> {
        self.slots.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    /// # Errors
    /// `badf` if `fd` is not open.
    pub(super) fn get_mut(&mut self, fd: Fd) -> Result<&mut Descriptor, Errno> {
        self.slots
            .get_mut(fd as usize)
            .and_then(Option::as_mut)
            .ok_or(Errno::Badf)
    }

    /// Closes `fd` and returns what it was.
    ///
    /// # Errors
    /// `badf` if `fd` is not open.
    pub(super) fn remove(&mut self, fd: Fd) -> Result<Descriptor, Errno> {
        let descriptor = self
            .slots
            .get_mut(fd as usize)
            .and_then(Option::take)
            .ok_or(Errno::Badf)?;
        self.free.push(Reverse(fd));
        Ok(descriptor)
    }

    /// Makes `to` what `from` was; what `to` was is closed, and `from` is free.
    ///
    /// # Errors
    /// `badf` if either is not open. That `to` must be open keeps the table as small as the number of open files.
    pub(super) fn renumber(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        self.get(from)?;
        self.get(to)?;
        if from == to {
            return Ok(());
        }
        let descriptor = self.remove(from)?;
        *self.get_mut(to)? = descriptor;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::descriptor::Object;

    fn table(open: u32) -> FdTable {
        let mut table = FdTable::new(8);
        for expected in 0..open {
            assert_eq!(table.insert(Descriptor::for_test(Object::Null)), Ok(expected));
        }
        table
    }

    #[test]
    fn the_lowest_free_number_is_given_out() {
        let mut table = table(5);
        table.remove(3).unwrap();
        table.remove(1).unwrap();
        assert_eq!(table.insert(Descriptor::for_test(Object::Null)), Ok(1));
        assert_eq!(table.insert(Descriptor::for_test(Object::Null)), Ok(3));
        assert_eq!(table.insert(Descriptor::for_test(Object::Null)), Ok(5));
    }

    #[test]
    fn the_limit_counts_open_descriptors() {
        let mut table = table(8);
        assert_eq!(table.insert(Descriptor::for_test(Object::Null)), Err(Errno::Mfile));
        table.remove(0).unwrap();
        assert_eq!(table.check_room(), Ok(()));
    }

    #[test]
    fn renumber_needs_both_ends_open_and_leaks_nothing() {
        let mut table = table(4);
        assert_eq!(table.renumber(0, 9), Err(Errno::Badf));
        assert_eq!(table.renumber(9, 0), Err(Errno::Badf));
        assert_eq!(table.renumber(u32::MAX, u32::MAX), Err(Errno::Badf));
        assert_eq!(table.renumber(2, 2), Ok(()));
        for _ in 0..10_000 {
            let fd = table.insert(Descriptor::for_test(Object::Null)).unwrap();
            assert_eq!(fd, 4);
            table.renumber(fd, 1).unwrap();
        }
        assert_eq!(table.get(4).err(), Some(Errno::Badf));
        assert_eq!(table.slots.len(), 5);
    }
}
