//! Memories that begin alike: their first bytes as a file without a name, mapped copy-on-write, and reservations that
//! are used again. Only where the system has such files, and forgets private changes when told to.

#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) use self::linux::Image;
#[cfg(not(all(target_os = "linux", not(miri))))]
pub(crate) use self::nowhere::Image;

#[cfg(all(target_os = "linux", not(miri)))]
mod linux {
    use std::os::unix::fs::FileExt as _;
    use std::ptr::NonNull;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::sync::{Arc, Mutex, OnceLock, PoisonError};

    use rustix::fs::{MemfdFlags, memfd_create};

    use crate::engine::memory::backing::unix::{ALIGN, Contents, Reservation};

    /// Files for images there may be in the process: each is a descriptor, of which the embedder has other uses.
    const MAX_FILES: usize = 128;
    /// Reservations an image keeps for later.
    const MAX_IDLE: usize = 16;

    static FILES: AtomicUsize = AtomicUsize::new(0);

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
                if idle.len() < MAX_IDLE {
                    idle.push(reservation);
                }
            }
        }
    }

    impl Drop for Image {
        fn drop(&mut self) {
            if self.contents.is_some() {
                FILES.fetch_sub(1, Relaxed);
            }
        }
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
        if FILES.fetch_add(1, Relaxed) >= MAX_FILES {
            FILES.fetch_sub(1, Relaxed);
            return None;
        }
        let file = memfd_create("wasmrun-memory", MemfdFlags::CLOEXEC).ok();
        let written = file.and_then(|file| {
            let file = std::fs::File::from(file);
            file.set_len(len as u64).ok()?;
            for (address, bytes) in segments {
                let offset = address - at as u64;
                file.write_all_at(bytes, offset).ok()?;
            }
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
