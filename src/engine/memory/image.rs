//! Memories that begin alike: their first bytes as a file without a name, mapped copy-on-write, and reservations that
//! are used again. Only where the system has such files, and forgets private changes when told to.

#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) use self::linux::Image;
#[cfg(not(all(target_os = "linux", not(miri))))]
pub(crate) use self::nowhere::Image;

#[cfg(all(target_os = "linux", not(miri)))]
mod linux {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt as _;
    use std::ptr::NonNull;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::sync::{Arc, Mutex, OnceLock, PoisonError};

    use rustix::fs::{MemfdFlags, memfd_create};

    use crate::engine::memory::backing::unix::{ALIGN, Contents, Reservation};

    /// Files for images there may be in the process: each is a descriptor, of which the embedder has other uses.
    const MAX_FILES: usize = 128;
    /// Reservations an image keeps for later, and all images: a process may not have very many mappings.
    const MAX_IDLE: usize = 16;
    const MAX_IDLE_IN_ALL: usize = 1024;

    static FILES: AtomicUsize = AtomicUsize::new(0);
    static IDLE: AtomicUsize = AtomicUsize::new(0);

    /// Takes one of so many; whether there was one left.
    fn take(count: &AtomicUsize, max: usize) -> bool {
        let taken = count.fetch_add(1, Relaxed) < max;
        if !taken {
            count.fetch_sub(1, Relaxed);
        }
        taken
    }

    /// How the memories of a module's instances begin.
    pub(crate) struct Image {
        /// Bytes they have.
        len: usize,
        /// What is not zero; `None` if everything is.
        contents: Option<Contents>,
        /// Reservations with nothing in them but the image.
        idle: Mutex<Vec<Reservation>>,
    }

    impl Image {
        /// An image of `len` bytes with `segments` (address, bytes) written in order; all of them fit. `None` if the
        /// system does not give what it takes.
        pub(crate) fn new<'b>(len: u64, segments: impl Iterator<Item = (u64, &'b [u8])> + Clone) -> Option<Arc<Image>> {
            let filled = segments.filter(|(_, bytes)| !bytes.is_empty());
            let first = filled.clone().map(|(at, _)| at).min();
            let end = filled.clone().map(|(at, bytes)| at + bytes.len() as u64).max();
            if !resets() {
                return None;
            }
            let contents = match first.zip(end) {
                Some((first, end)) => Some(contents(
                    usize::try_from(first).ok()?,
                    usize::try_from(end).ok()?,
                    filled,
                )?),
                None => None,
            };
            Some(Arc::new(Image {
                len: usize::try_from(len).ok()?,
                contents,
                idle: Mutex::default(),
            }))
        }

        /// A reservation that begins as the image: `header` bytes, then data, with room to grow to `reserve`.
        pub(in crate::engine::memory) fn reserve(
            self: &Arc<Image>,
            header: usize,
            reserve: u64,
        ) -> Option<(NonNull<u8>, Reservation)> {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            if idle.is_some() {
                IDLE.fetch_sub(1, Relaxed);
            }
            if let Some(mut reservation) = idle
                && reservation.room() as u64 >= reserve
            {
                let base = reservation.reuse(self.clone(), header);
                return Some((base, reservation));
            }
            let (base, mut reservation) = Reservation::new(header, self.len as u64, reserve)?;
            if let Some(contents) = &self.contents {
                reservation.map(contents)?;
            }
            reservation.return_to(self.clone());
            Some((base, reservation))
        }

        /// Keeps a reservation that is no longer used, without what was written to it, or gives it back.
        pub(in crate::engine::memory) fn take_back(&self, mut reservation: Reservation) {
            if reservation.reset(self.len).is_some() {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                if idle.len() < MAX_IDLE && take(&IDLE, MAX_IDLE_IN_ALL) {
                    idle.push(reservation);
                }
            }
        }
    }

    impl Drop for Image {
        fn drop(&mut self) {
            let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
            IDLE.fetch_sub(idle.len(), Relaxed);
            if self.contents.is_some() {
                FILES.fetch_sub(1, Relaxed);
            }
        }
    }

    /// Writes parts at their offsets, in order, those that follow each other closely in one go: a module may have a
    /// hundred thousand.
    fn write<'b>(file: &File, parts: impl Iterator<Item = (u64, &'b [u8])>) -> io::Result<()> {
        const NEAR: u64 = 4096;
        const MAX_CHUNK: usize = 1 << 20;
        let mut chunk: Vec<u8> = Vec::new();
        // Where the chunk begins; nothing is written beyond `end` yet, so zeros from there on change nothing.
        let (mut start, mut end) = (0, 0);
        for (offset, bytes) in parts {
            let next = start + chunk.len() as u64;
            if next == end && offset >= end && offset - end <= NEAR && chunk.len() < MAX_CHUNK {
                chunk.resize((offset - start) as usize, 0);
            } else {
                file.write_all_at(&chunk, start)?;
                chunk.clear();
                start = offset;
            }
            chunk.extend(bytes);
            end = end.max(offset + bytes.len() as u64);
        }
        file.write_all_at(&chunk, start)
    }

    /// Whether the system forgets private changes when told to. Found out once.
    fn resets() -> bool {
        static RESETS: OnceLock<bool> = OnceLock::new();
        *RESETS.get_or_init(|| {
            let probe = contents(0, 1, [(0, &[1u8][..])].into_iter());
            let resets = probe.as_ref().and_then(Reservation::resets);
            if probe.is_some() {
                FILES.fetch_sub(1, Relaxed);
            }
            resets.unwrap_or(false)
        })
    }

    fn contents<'b>(first: usize, end: usize, segments: impl Iterator<Item = (u64, &'b [u8])>) -> Option<Contents> {
        let at = first / ALIGN * ALIGN;
        let len = (end - at).next_multiple_of(ALIGN);
        if !take(&FILES, MAX_FILES) {
            return None;
        }
        let file = memfd_create("wasmrun-memory", MemfdFlags::CLOEXEC).ok();
        let written = file.and_then(|file| {
            let file = File::from(file);
            file.set_len(len as u64).ok()?;
            write(&file, segments.map(|(address, bytes)| (address - at as u64, bytes))).ok()?;
            Some(Contents {
                file: file.into(),
                at,
                len,
            })
        });
        if written.is_none() {
            FILES.fetch_sub(1, Relaxed);
        }
        written
    }
}

#[cfg(all(test, target_os = "linux", not(miri)))]
mod tests {
    use std::sync::Arc;

    use crate::engine::memory::{Image, LinearMemory, MemoryBudget};
    use crate::engine::types::MemoryType;

    #[test]
    fn segments_in_any_order_overlapping_and_far_apart_are_written_as_one_after_the_other() {
        let len = 40 * 65_536;
        let mut random = 7u64;
        for count in [0, 1, 2, 5, 40, 3000] {
            let mut next = |below: u64| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (random >> 33) % below
            };
            let mut at = 65_000;
            let segments: Vec<(u64, Vec<u8>)> = (0..count)
                .map(|_| {
                    at = match next(8) {
                        0 => next(len - 100),
                        _ => (at + next(6000)) % (len - 100),
                    };
                    let bytes = (0..next(100)).map(|_| next(256) as u8).collect();
                    (at, bytes)
                })
                .collect();
            let mut expected = vec![0; len as usize];
            for (at, bytes) in &segments {
                expected[*at as usize..][..bytes.len()].copy_from_slice(bytes);
            }
            let image = Image::new(len, segments.iter().map(|(at, bytes)| (*at, &bytes[..])));
            let image = image.expect("this system has images");
            let budget = Arc::new(MemoryBudget::new(1 << 32));
            for _ in 0..2 {
                let mut memory = LinearMemory::new(MemoryType::new(40, None), &budget, 1, Some(&image)).unwrap();
                assert!(memory.data() == expected, "{count} segments");
                memory.data_mut().fill(1);
            }
        }
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod nowhere {
    use std::sync::Arc;

    /// There is none.
    pub(crate) enum Image {}

    impl Image {
        pub(crate) fn new<'b>(_: u64, _: impl Iterator<Item = (u64, &'b [u8])> + Clone) -> Option<Arc<Image>> {
            None
        }
    }
}
