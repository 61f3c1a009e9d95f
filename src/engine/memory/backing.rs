//! Where the bytes of a memory stand: in reserved address space, or in a vector.

#![allow(unsafe_code)]

use std::ptr::NonNull;

use std::sync::Arc;

use super::image::Image;
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
    /// `header` bytes, then `len` bytes, with room to grow to `reserve`. The header is 0, the data what `image` says, if
    /// there is one (it then has `len` bytes), else 0.
    pub(super) fn new(
        header: usize,
        len: u64,
        reserve: u64,
        image: Option<&Arc<Image>>,
    ) -> Option<(NonNull<u8>, Backing)> {
        #[cfg(all(target_os = "linux", not(miri)))]
        if let Some(image) = image {
            let (base, reservation) = image.reserve(header, reserve)?;
            return Some((base, Backing::Reserved(reservation)));
        }
        let _ = image;
        #[cfg(all(unix, not(miri)))]
        if reserve > 0 {
            let (base, reservation) = unix::Reservation::new(header, len, reserve)?;
            return Some((base, Backing::Reserved(reservation)));
        }
        let _ = reserve;
        Backing::words(header, len)
    }

    /// The same, zeroed, of bytes that stay where they are when it grows.
    pub(super) fn immovable(header: usize, len: u64, reserve: u64) -> Option<(NonNull<u8>, Backing)> {
        // A vector has all its bytes from the start.
        match cfg!(all(unix, not(miri))) {
            true => Backing::new(header, len, reserve.max(1), None),
            false => Backing::words(header, reserve),
        }
    }

    fn words(header: usize, len: u64) -> Option<(NonNull<u8>, Backing)> {
        let header_words = header.div_ceil(8);
        let mut words = Vec::new();
        let count = header_words.checked_add(usize::try_from(len.div_ceil(8)).ok()?)?;
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
                let more = usize::try_from(len.div_ceil(8) - old.div_ceil(8)).ok()?;
                let header_words = words.len() - old.div_ceil(8) as usize;
                words.try_reserve_exact(more).ok()?;
                words.resize(words.len() + more, 0);
                // SAFETY: as in `words`.
                Some(unsafe { NonNull::from(&mut words[..]).cast::<u64>().add(header_words) }.cast())
            }
        }
    }
}

#[cfg(all(unix, not(miri)))]
pub(super) mod unix {
    #[cfg(target_os = "linux")]
    use std::sync::Arc;

    #[cfg(target_os = "linux")]
    use super::Image;
    use super::{NonNull, PAGE_BYTES};
    #[cfg(target_os = "linux")]
    use rustix::mm::{Advice, madvise, mmap};
    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

    /// What protection is changed in multiples of: the size of a wasm page, which is a multiple of every system's. (Asking
    /// the system would crash under valgrind, with which the engine's costs are counted.)
    pub(in crate::engine::memory) const ALIGN: usize = PAGE_BYTES as usize;

    /// Bytes memories begin with.
    #[cfg(target_os = "linux")]
    pub(in crate::engine::memory) struct Contents {
        pub file: std::os::fd::OwnedFd,
        /// Where in memory the file begins, and its length; both multiples of `ALIGN`.
        pub at: usize,
        pub len: usize,
    }

    /// Address space of which the header and the first bytes of data are committed.
    pub(in crate::engine::memory) struct Reservation {
        start: NonNull<u8>,
        /// Bytes in all, header included.
        total: usize,
        /// Bytes of the header, a multiple of `ALIGN`; those just below the data are used.
        header: usize,
        /// Bytes of data that are committed, a multiple of `ALIGN`.
        committed: usize,
        /// Who may have the reservation when it is no longer used.
        #[cfg(target_os = "linux")]
        image: Option<Arc<Image>>,
    }

    // SAFETY: it owns its mapping, to which nothing else refers.
    unsafe impl Send for Reservation {}

    impl Reservation {
        /// Reserves `header` + `reserve` bytes, less if the host is short of address space, and commits `header` + `len`.
        pub(in crate::engine::memory) fn new(
            header: usize,
            len: u64,
            reserve: u64,
        ) -> Option<(NonNull<u8>, Reservation)> {
            let header = header.next_multiple_of(ALIGN);
            let len = usize::try_from(len).ok()?;
            // More than half of all addresses is never there, and sums with it must not wrap.
            let mut reserve = usize::try_from(reserve).unwrap_or(usize::MAX).min(usize::MAX / 4);
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
            let mut reservation = Reservation {
                start,
                total,
                header,
                committed: 0,
                #[cfg(target_os = "linux")]
                image: None,
            };
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
            let (old, len) = (old.next_multiple_of(ALIGN), len.next_multiple_of(ALIGN));
            if len > old {
                self.protect(self.header + old, len - old)?;
                self.committed = self.committed.max(len);
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

    #[cfg(target_os = "linux")]
    impl Reservation {
        /// Bytes of data there is room for.
        pub(in crate::engine::memory) fn room(&self) -> usize {
            self.total - self.header
        }

        /// Puts a private copy of `contents` where they belong. The range is committed, and untouched.
        pub(in crate::engine::memory) fn map(&mut self, contents: &Contents) -> Option<()> {
            debug_assert!(contents.at + contents.len <= self.committed);
            // SAFETY: the range lies inside our own mapping, and nobody has its address yet.
            unsafe {
                let at = self.start.as_ptr().add(self.header + contents.at);
                let access = ProtFlags::READ | ProtFlags::WRITE;
                let flags = MapFlags::PRIVATE | MapFlags::FIXED;
                mmap(at.cast(), contents.len, access, flags, &contents.file, 0).ok()?;
            }
            Some(())
        }

        /// When it is dropped, it goes to `image`.
        pub(in crate::engine::memory) fn return_to(&mut self, image: Arc<Image>) {
            self.image = Some(image);
        }

        /// Forgets what was written, and what was committed beyond `len` bytes.
        pub(in crate::engine::memory) fn reset(&mut self, len: usize) -> Option<()> {
            let len = len.next_multiple_of(ALIGN);
            // SAFETY: the range lies inside our own mapping, whose user is gone. Private changes are dropped: anonymous
            // pages are zero again, those of a file as in the file.
            unsafe {
                let data = self.start.as_ptr().add(self.header);
                madvise(data.cast(), self.committed, Advice::LinuxDontNeed).ok()?;
                if self.committed > len {
                    mprotect(data.add(len).cast(), self.committed - len, MprotectFlags::empty()).ok()?;
                    self.committed = len;
                }
            }
            Some(())
        }

        /// Whether [`Reservation::reset`] does what it should with a copy of `contents`: emulators have said yes and done
        /// nothing, and an instance would see what another wrote.
        pub(in crate::engine::memory) fn resets(contents: &Contents) -> Option<bool> {
            let len = contents.at + contents.len + ALIGN;
            let (base, mut reservation) = Reservation::new(ALIGN, len as u64, len as u64)?;
            reservation.map(contents)?;
            let (of_file, anonymous) = (contents.at, contents.at + contents.len);
            // SAFETY: `len` bytes from `base` on are ours, and nobody else has their address. Volatile, because the
            // system changes them.
            unsafe {
                let before = [of_file, anonymous].map(|at| base.add(at).read_volatile());
                for (at, byte) in [of_file, anonymous].into_iter().zip(before) {
                    base.add(at).write_volatile(!byte);
                }
                reservation.reset(len)?;
                Some([of_file, anonymous].map(|at| base.add(at).read_volatile()) == before)
            }
        }

        /// Begins again, with a header of zeros; says where byte 0 is.
        pub(in crate::engine::memory) fn reuse(&mut self, image: Arc<Image>, header: usize) -> NonNull<u8> {
            debug_assert!(header <= self.header);
            self.image = Some(image);
            // SAFETY: the header lies inside the mapping, just below the data, and is committed.
            unsafe {
                let base = self.start.add(self.header);
                base.sub(header).write_bytes(0, header);
                base
            }
        }
    }

    impl Drop for Reservation {
        fn drop(&mut self) {
            #[cfg(target_os = "linux")]
            if let Some(image) = self.image.take() {
                let total = std::mem::take(&mut self.total);
                image.take_back(Reservation {
                    start: self.start,
                    total,
                    header: self.header,
                    committed: self.committed,
                    image: None,
                });
                return;
            }
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
