//! Where the bytes of a memory stand: in reserved address space, or in a vector.

#![allow(unsafe_code)]

use std::ptr::NonNull;

#[cfg(all(unix, not(miri)))]
use crate::engine::types::PAGE_BYTES;

/// What the bytes stand in.
pub(super) enum Backing {
    /// Reserved address space, header first.
    #[cfg(all(unix, not(miri)))]
    Reserved(unix::Reservation),
    /// Header words, then data. For memories that cannot grow past zero, and where nothing can be reserved.
    Words(Vec<u64>),
}

impl Backing {
    /// `header` bytes, then `len` bytes, with room to grow to `reserve`. The header's length word is 0.
    pub(super) fn new(header: usize, len: u64, reserve: u64) -> Option<(NonNull<u8>, Backing)> {
        #[cfg(all(unix, not(miri)))]
        if reserve > 0 {
            let (base, reservation) = unix::Reservation::new(header, len, reserve)?;
            return Some((base, Backing::Reserved(reservation)));
        }
        let _ = reserve;
        Backing::words(header, len)
    }

    fn words(header: usize, len: u64) -> Option<(NonNull<u8>, Backing)> {
        let header_words = header.div_ceil(8);
        let mut words = Vec::new();
        let count = header_words.checked_add(usize::try_from(len / 8).ok()?)?;
        words.try_reserve_exact(count).ok()?;
        words.resize(count, 0);
        let base = NonNull::from(&mut words[..]).cast::<u64>();
        // SAFETY: `words` has `header_words` words and maybe more.
        let base = unsafe { base.add(header_words) }.cast();
        Some((base, Backing::Words(words)))
    }

    /// Makes `len` bytes usable where `old` were, and says where byte 0 is now.
    pub(super) fn grow(&mut self, old: u64, len: u64) -> Option<NonNull<u8>> {
        match self {
            #[cfg(all(unix, not(miri)))]
            Backing::Reserved(reservation) => reservation.commit(old, len),
            Backing::Words(words) => {
                let more = usize::try_from((len - old) / 8).ok()?;
                let header_words = words.len() - (old / 8) as usize;
                words.try_reserve_exact(more).ok()?;
                words.resize(words.len() + more, 0);
                // SAFETY: as in `words`.
                Some(unsafe { NonNull::from(&mut words[..]).cast::<u64>().add(header_words) }.cast())
            }
        }
    }
}

#[cfg(all(unix, not(miri)))]
mod unix {
    use super::{NonNull, PAGE_BYTES};
    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

    /// What protection is changed in multiples of: the size of a wasm page, which is a multiple of every system's. (Asking
    /// the system would crash under valgrind, with which the engine's costs are counted.)
    const ALIGN: usize = PAGE_BYTES as usize;

    /// Address space of which the header and the first bytes of data are committed.
    pub(in crate::engine::memory) struct Reservation {
        start: NonNull<u8>,
        /// Bytes in all, header included.
        total: usize,
        /// Bytes of the header, a multiple of `ALIGN`; those just below the data are used.
        header: usize,
    }

    impl Reservation {
        /// Reserves `header` + `reserve` bytes, less if the host is short of address space, and commits `header` + `len`.
        pub(super) fn new(header: usize, len: u64, reserve: u64) -> Option<(NonNull<u8>, Reservation)> {
            let header = header.next_multiple_of(ALIGN);
            let len = usize::try_from(len).ok()?;
            let mut reserve = usize::try_from(reserve).unwrap_or(usize::MAX / 2);
            let (start, total) = loop {
                let total = reserve.checked_add(header)?.checked_next_multiple_of(ALIGN)?;
                // SAFETY: a new private mapping at an address of the system's choice touches nothing that exists.
                let mapped = unsafe {
                    mmap_anonymous(
                        std::ptr::null_mut(),
                        total,
                        ProtFlags::empty(),
                        MapFlags::PRIVATE | MapFlags::NORESERVE,
                    )
                };
                match mapped {
                    Ok(start) => break (NonNull::new(start.cast::<u8>())?, total),
                    Err(_) if reserve > len => reserve = (reserve / 2).max(len),
                    Err(_) => return None,
                }
            };
            let mut reservation = Reservation { start, total, header };
            reservation.protect(0, header)?;
            let base = reservation.commit(0, len as u64)?;
            Some((base, reservation))
        }

        /// Commits data from byte `old` to byte `len`; says where byte 0 is.
        pub(super) fn commit(&mut self, old: u64, len: u64) -> Option<NonNull<u8>> {
            let (old, len) = (usize::try_from(old).ok()?, usize::try_from(len).ok()?);
            if len > self.total - self.header {
                return None;
            }
            if len > old {
                self.protect(self.header + old, len - old)?;
            }
            // SAFETY: the header lies inside the mapping.
            Some(unsafe { self.start.add(self.header) })
        }

        fn protect(&mut self, at: usize, len: usize) -> Option<()> {
            debug_assert!(at + len <= self.total);
            // SAFETY: the range lies inside our own mapping, and access only widens.
            unsafe {
                let start = self.start.as_ptr().add(at);
                mprotect(start.cast(), len, MprotectFlags::READ | MprotectFlags::WRITE).ok()
            }
        }
    }

    impl Drop for Reservation {
        fn drop(&mut self) {
            // SAFETY: the mapping is ours, and whoever could point into it borrows from us.
            let _ = unsafe { munmap(self.start.as_ptr().cast(), self.total) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_grows_with_its_header() {
        let (base, mut backing) = Backing::words(40, 65_536).unwrap();
        // SAFETY: the header has 40 bytes, the data 65,536, later 131,072; `base` is not used after it moved.
        unsafe {
            assert!(base.cast::<u64>().is_aligned());
            base.sub(40).cast::<u64>().write(7);
            base.add(65_535).write(9);
            let base = backing.grow(65_536, 131_072).unwrap();
            assert_eq!(base.sub(40).cast::<u64>().read(), 7);
            assert_eq!(base.add(65_535).read(), 9);
            assert_eq!(base.add(131_071).read(), 0);
        }
        assert!(backing.grow(131_072, 1 << 60).is_none());
    }
}
