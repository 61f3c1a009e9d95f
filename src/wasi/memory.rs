//! A guest's memory as handlers see it: every access is checked and fails with `fault`.
//!
//! Handlers copy in and copy out. The one exception is the data of iovecs, which the host reads into or writes
//! from in place; those slices exist inside [`Iovecs::with_slices`] and [`Iovecs::with_slices_mut`] only. Of a memory
//! that other threads can write there are no slices: everything of it is copied, checked first and in bounded pieces.
//! Addresses are u64 throughout: no sum of two guest numbers wraps.

use std::borrow::Cow;
use std::io::{IoSlice, IoSliceMut};

use super::abi::{Errno, Iovec, Ptr, Size};
use crate::engine::{LinearMemory, SharedMemory};

/// Iovecs looked at in one call. More fail with `inval`, as with writev(2).
const MAX_IOVECS: u32 = 1 << 16;
/// Iovecs handed to the host in one call; the rest is left to the guest's next call. IOV_MAX on Linux.
const MAX_SLICES: usize = 1024;
/// Bytes moved by one call: what Linux moves at most. Aliased iovecs can ask for any multiple of the memory.
const MAX_TRANSFER: u64 = 0x7fff_f000;
/// Iovecs kept without an allocation. musl's stdio passes two.
const INLINE: usize = 8;
/// The longest path, its terminating NUL included, that Linux takes.
pub(super) const PATH_MAX: Size = 4096;

/// Bytes of a shared memory copied at once, for what a guest asks to be moved.
const MAX_COPIED: u64 = 1 << 20;

/// The memory of the guest that made the call.
pub(super) enum GuestMemory<'a> {
    /// The guest has none: an empty one.
    None,
    Own(&'a mut LinearMemory),
    /// Other threads of the guest have it, too.
    Shared(SharedMemory),
}

impl GuestMemory<'_> {
    /// The `len` bytes from `addr`, as they are or, of a shared memory, copied.
    fn slice(&self, addr: u64, len: u64) -> Result<Cow<'_, [u8]>, Errno> {
        match self {
            GuestMemory::Own(memory) => memory.slice(addr, len).map(Cow::Borrowed).map_err(|_| Errno::Fault),
            GuestMemory::Shared(memory) => copied(memory, addr, len).map(Cow::Owned),
            GuestMemory::None => self.inside(addr, len).map(|()| Cow::Borrowed(&[][..])),
        }
    }

    /// Checks that the `len` bytes from `addr` are in the memory.
    fn inside(&self, addr: u64, len: u64) -> Result<(), Errno> {
        let inside = match self {
            GuestMemory::Own(memory) => memory.slice(addr, len).is_ok(),
            GuestMemory::Shared(memory) => memory.check(addr, len).is_ok(),
            GuestMemory::None => addr == 0 && len == 0,
        };
        if inside { Ok(()) } else { Err(Errno::Fault) }
    }

    /// Checks that `len` bytes from `ptr` are in the memory, so that an effect elsewhere comes after.
    pub(super) fn check(&self, ptr: Ptr, len: u64) -> Result<(), Errno> {
        self.inside(ptr.at(0), len)
    }

    /// The `len` bytes at `ptr + offset`.
    pub(super) fn bytes(&self, ptr: Ptr, offset: u64, len: u64) -> Result<Cow<'_, [u8]>, Errno> {
        self.slice(ptr.at(offset), len)
    }

    /// Writes `bytes` at `ptr`.
    pub(super) fn write(&mut self, ptr: Ptr, bytes: &[u8]) -> Result<(), Errno> {
        self.write_at(ptr, 0, bytes)
    }

    /// Writes `bytes` at `ptr + offset`.
    pub(super) fn write_at(&mut self, ptr: Ptr, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let written = match self {
            GuestMemory::Own(memory) => memory.write(ptr.at(offset), bytes),
            GuestMemory::Shared(memory) => memory.write(ptr.at(offset), bytes),
            GuestMemory::None => return self.inside(ptr.at(offset), bytes.len() as u64),
        };
        written.map_err(|_| Errno::Fault)
    }

    /// Writes a little-endian u32 at `ptr`.
    pub(super) fn write_u32(&mut self, ptr: Ptr, value: u32) -> Result<(), Errno> {
        self.write(ptr, &value.to_le_bytes())
    }

    /// Writes a little-endian u64 at `ptr`.
    pub(super) fn write_u64(&mut self, ptr: Ptr, value: u64) -> Result<(), Errno> {
        self.write(ptr, &value.to_le_bytes())
    }

    /// Hands the `len` bytes from `ptr + offset` to `fill`, to be overwritten: not more than fit the host's memory, if
    /// the guest's is shared.
    pub(super) fn fill(
        &mut self,
        ptr: Ptr,
        offset: u64,
        len: u64,
        fill: impl FnOnce(&mut [u8]) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        self.inside(ptr.at(offset), len)?;
        if let GuestMemory::Own(memory) = self {
            return fill(memory.slice_mut(ptr.at(offset), len).map_err(|_| Errno::Fault)?);
        }
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| Errno::Fault)?];
        fill(&mut bytes)?;
        self.write_at(ptr, offset, &bytes)
    }

    /// Reads a path.
    ///
    /// # Errors
    /// `fault` outside the memory; `nametoolong` from [`PATH_MAX`] bytes on, before a byte is copied;
    /// `ilseq` if it is not UTF-8; `inval` if it contains a NUL, which no host path can.
    pub(super) fn read_path(&self, ptr: Ptr, len: Size) -> Result<String, Errno> {
        self.inside(ptr.at(0), u64::from(len))?;
        if len >= PATH_MAX {
            return Err(Errno::Nametoolong);
        }
        let bytes = self.slice(ptr.at(0), u64::from(len))?;
        let path = std::str::from_utf8(&bytes).map_err(|_| Errno::Ilseq)?;
        if path.contains('\0') {
            return Err(Errno::Inval);
        }
        Ok(path.to_owned())
    }

    /// Reads and checks an array of iovecs: the array and every range in it, before anything is moved.
    ///
    /// # Errors
    /// `inval` for more than 65,536 iovecs, `fault` if the array or one of the ranges leaves the memory.
    pub(super) fn iovecs(&self, ptr: Ptr, count: Size) -> Result<Iovecs, Errno> {
        if count > MAX_IOVECS {
            return Err(Errno::Inval);
        }
        let array = self.slice(ptr.at(0), u64::from(count) * Iovec::SIZE)?;
        let mut iovecs = Iovecs {
            inline: [Iovec::default(); INLINE],
            used: 0,
            spilled: Vec::new(),
            total: 0,
        };
        let (records, _) = array.as_chunks::<{ Iovec::SIZE as usize }>();
        for record in records {
            let iovec = Iovec::from_bytes(record);
            self.inside(u64::from(iovec.buf), u64::from(iovec.len))?;
            iovecs.push(iovec);
        }
        Ok(iovecs)
    }
}

/// Bytes of a shared memory, which were at some moment what they are.
fn copied(memory: &SharedMemory, addr: u64, len: u64) -> Result<Vec<u8>, Errno> {
    memory.check(addr, len).map_err(|_| Errno::Fault)?;
    let mut bytes = vec![0; usize::try_from(len).map_err(|_| Errno::Fault)?];
    memory.read(addr, &mut bytes).map_err(|_| Errno::Fault)?;
    Ok(bytes)
}

/// Ranges of the guest's memory that were checked when they were read. The memory cannot shrink, so they hold.
pub(super) struct Iovecs {
    inline: [Iovec; INLINE],
    used: usize,
    spilled: Vec<Iovec>,
    /// Bytes in all of them; at most [`MAX_TRANSFER`].
    total: u64,
}

impl Iovecs {
    fn push(&mut self, iovec: Iovec) {
        let room = MAX_TRANSFER - self.total;
        let len = u64::from(iovec.len).min(room);
        if len == 0 || self.used == MAX_SLICES {
            return;
        }
        let iovec = Iovec {
            buf: iovec.buf,
            len: len as u32,
        };
        match self.inline.get_mut(self.used) {
            Some(place) => *place = iovec,
            None => self.spilled.push(iovec),
        }
        self.used += 1;
        self.total += len;
    }

    /// Bytes to move.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The ranges that hold bytes `from..from + max`, cut to them.
    fn window(&self, from: u64, max: u64) -> impl Iterator<Item = (u64, u64)> {
        let mut skip = from;
        let mut left = max;
        self.inline
            .iter()
            .take(self.used)
            .chain(&self.spilled)
            .filter_map(move |iovec| {
                let len = u64::from(iovec.len);
                let skipped = skip.min(len);
                skip -= skipped;
                let taken = (len - skipped).min(left);
                left -= taken;
                (taken > 0).then(|| (u64::from(iovec.buf) + skipped, taken))
            })
    }

    /// Calls `write` with the bytes `from..from + max` in place; of a shared memory, with a copy of the first of them.
    pub(super) fn with_slices<R>(
        &self,
        memory: &GuestMemory<'_>,
        from: u64,
        max: u64,
        write: impl FnOnce(&[IoSlice<'_>]) -> R,
    ) -> Result<R, Errno> {
        let memory = match memory {
            GuestMemory::Own(memory) => &**memory,
            GuestMemory::Shared(memory) => {
                let mut bytes = Vec::new();
                for (addr, len) in self.window(from, max.min(MAX_COPIED)) {
                    bytes.append(&mut copied(memory, addr, len)?);
                }
                return Ok(write(&[IoSlice::new(&bytes)]));
            }
            // No range that has bytes was inside.
            GuestMemory::None => return Ok(write(&[])),
        };
        let slice = |addr, len| memory.slice(addr, len).map(IoSlice::new).map_err(|_| Errno::Fault);
        let mut inline = [IoSlice::new(&[]); INLINE];
        if self.used <= INLINE {
            let mut used = 0;
            for (place, (addr, len)) in inline.iter_mut().zip(self.window(from, max)) {
                *place = slice(addr, len)?;
                used += 1;
            }
            return Ok(write(inline.get(..used).unwrap_or_default()));
        }
        let mut slices = Vec::with_capacity(self.used);
        for (addr, len) in self.window(from, max) {
            slices.push(slice(addr, len)?);
        }
        Ok(write(&slices))
    }

    /// Calls `read` with the bytes `from..from + max` in place, to be overwritten in order.
    ///
    /// Where two ranges overlap, only the first is handed on: a shorter read, as any may be.
    ///
    /// What is read into a shared memory is read elsewhere first, and is at most as much as is copied at once.
    pub(super) fn with_slices_mut(
        &self,
        memory: &mut GuestMemory<'_>,
        from: u64,
        max: u64,
        read: impl FnOnce(&mut [IoSliceMut<'_>]) -> Result<usize, Errno>,
    ) -> Result<Result<usize, Errno>, Errno> {
        let memory = match memory {
            GuestMemory::Own(memory) => &mut **memory,
            GuestMemory::Shared(memory) => return self.read_shared(memory, from, max, read),
            GuestMemory::None => return Ok(read(&mut [])),
        };
        let mut ranges: Vec<(u64, u64, usize)> = self
            .window(from, max)
            .enumerate()
            .map(|(order, (addr, len))| (addr, len, order))
            .collect();
        let Some(&(addr, len, _)) = ranges.first() else {
            return Ok(read(&mut []));
        };
        ranges.sort_unstable();
        if ranges.len() == 1 || !disjoint(&ranges) {
            let slice = memory.slice_mut(addr, len).map_err(|_| Errno::Fault)?;
            return Ok(read(&mut [IoSliceMut::new(slice)]));
        }
        // Cut the memory from the lowest range to the highest, then put the pieces back into the guest's order.
        let end = ranges.last().map_or(0, |(addr, len, _)| addr + len);
        let mut rest = memory.slice_mut(0u32, end).map_err(|_| Errno::Fault)?;
        let mut start = 0;
        let mut slices: Vec<(usize, IoSliceMut<'_>)> = Vec::with_capacity(ranges.len());
        for (addr, len, order) in ranges {
            let (_, tail) = rest.split_at_mut_checked((addr - start) as usize).ok_or(Errno::Fault)?;
            let (piece, tail) = tail.split_at_mut_checked(len as usize).ok_or(Errno::Fault)?;
            slices.push((order, IoSliceMut::new(piece)));
            rest = tail;
            start = addr + len;
        }
        slices.sort_unstable_by_key(|(order, _)| *order);
        let mut slices: Vec<IoSliceMut<'_>> = slices.into_iter().map(|(_, slice)| slice).collect();
        Ok(read(&mut slices))
    }

    fn read_shared(
        &self,
        memory: &SharedMemory,
        from: u64,
        max: u64,
        read: impl FnOnce(&mut [IoSliceMut<'_>]) -> Result<usize, Errno>,
    ) -> Result<Result<usize, Errno>, Errno> {
        let window = || self.window(from, max.min(MAX_COPIED));
        let total: u64 = window().map(|(_, len)| len).sum();
        let mut bytes = vec![0; usize::try_from(total).map_err(|_| Errno::Fault)?];
        let count = match total {
            0 => read(&mut []),
            _ => read(&mut [IoSliceMut::new(&mut bytes)]),
        };
        // Only what came is written: other threads may use the rest.
        let mut rest = bytes.get(..*count.as_ref().unwrap_or(&0)).ok_or(Errno::Fault)?;
        for (addr, len) in window() {
            let (part, after) = rest.split_at(rest.len().min(len as usize));
            memory.write(addr, part).map_err(|_| Errno::Fault)?;
            rest = after;
        }
        Ok(count)
    }
}

/// Whether no two of `ranges`, sorted by address, share a byte.
fn disjoint(ranges: &[(u64, u64, usize)]) -> bool {
    ranges
        .iter()
        .zip(ranges.iter().skip(1))
        .all(|(low, high)| low.0 + low.1 <= high.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_disjoint_when_they_only_touch() {
        assert!(disjoint(&[(0, 4, 0), (4, 4, 2), (8, 4, 1)]));
        assert!(!disjoint(&[(0, 5, 0), (4, 4, 2)]));
        assert!(disjoint(&[]));
    }

    #[test]
    fn a_window_cuts_ranges_and_skips_what_is_done() {
        let mut iovecs = Iovecs {
            inline: [Iovec::default(); INLINE],
            used: 0,
            spilled: Vec::new(),
            total: 0,
        };
        for n in 0..10 {
            iovecs.push(Iovec { buf: n * 100, len: 10 });
        }
        assert_eq!(iovecs.total(), 100);
        assert_eq!(iovecs.window(5, 10).collect::<Vec<_>>(), [(5, 5), (100, 5)]);
        assert_eq!(iovecs.window(85, 1000).collect::<Vec<_>>(), [(805, 5), (900, 10)]);
        assert_eq!(iovecs.window(100, 1).count(), 0);
    }

    #[test]
    fn aliased_ranges_are_cut_to_what_one_call_may_move() {
        let mut iovecs = Iovecs {
            inline: [Iovec::default(); INLINE],
            used: 0,
            spilled: Vec::new(),
            total: 0,
        };
        for _ in 0..MAX_SLICES + 5 {
            iovecs.push(Iovec { buf: 0, len: 1 << 27 });
        }
        assert_eq!(iovecs.total(), MAX_TRANSFER);
    }

    #[test]
    fn a_shared_memory_is_read_and_written_as_another_is() {
        use crate::engine::{Engine, MemoryType};

        let shared = SharedMemory::new(&Engine::default(), MemoryType::shared(1, 2)).unwrap();
        let mut memory = GuestMemory::Shared(shared.clone());
        // Two iovecs at 16: 3 bytes at 100, 5 at 200; one at 32 that leaves the memory.
        for (at, word) in [(16u32, 100u32), (20, 3), (24, 200), (28, 5), (32, 0xffff), (36, 2)] {
            memory.write_u32(Ptr(at), word).unwrap();
        }
        let iovecs = memory.iovecs(Ptr(16), 2).unwrap();
        assert!(matches!(memory.iovecs(Ptr(16), 3), Err(Errno::Fault)));
        let read = |slices: &mut [IoSliceMut<'_>]| {
            assert_eq!(slices.iter().map(|slice| slice.len()).sum::<usize>(), 8);
            slices[0][..6].copy_from_slice(b"abcdef");
            Ok(6)
        };
        shared.write(205u32 - 2, b"XY").unwrap();
        assert_eq!(iovecs.with_slices_mut(&mut memory, 0, u64::MAX, read), Ok(Ok(6)));
        assert_eq!(&*memory.bytes(Ptr(99), 0, 5).unwrap(), b"\0abc\0");
        assert_eq!(
            &*memory.bytes(Ptr(200), 0, 5).unwrap(),
            b"defXY",
            "what did not come is left alone"
        );
        let written = iovecs.with_slices(&memory, 2, 4, |slices| {
            slices.iter().flat_map(|slice| slice.to_vec()).collect::<Vec<u8>>()
        });
        assert_eq!(written.unwrap(), b"cdef");
        memory.write(Ptr(0), b"a/path").unwrap();
        assert_eq!(memory.read_path(Ptr(0), 6), Ok("a/path".to_owned()));
        assert_eq!(memory.read_path(Ptr(0), 0x10001), Err(Errno::Fault));
        assert_eq!(
            memory.fill(Ptr(0xfffe), 0, 3, |_| panic!("not asked")),
            Err(Errno::Fault)
        );
        memory
            .fill(Ptr(0xfffe), 0, 2, |bytes| {
                bytes.fill(7);
                Ok(())
            })
            .unwrap();
        assert_eq!(memory.check(Ptr(0xfffe), 2), Ok(()));
        assert_eq!(&*memory.bytes(Ptr(0xfffe), 0, 2).unwrap(), [7, 7]);
        assert_eq!(memory.write_u64(Ptr(0xfffe), 1), Err(Errno::Fault));
    }
}
