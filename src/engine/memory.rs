//! `LinearMemory`, the one type through which hosts see a guest's bytes, and `Memory`, the handle of one in a store.
//!
//! Address space for the maximum is reserved and committed on growth, so byte 0 never moves, pages never touched cost
//! nothing, and handlers keep its address in a register. Below byte 0 stands a header: the length in bytes at -8, and
//! from -24 downwards the globals of the instance that defines the memory.
//!
//! What always holds: the `u64` at `base - 8` is the length, and that many bytes from `base` on can be read and written.
//! Spec: exec/runtime.html#memory-instances

#![allow(unsafe_code)]

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::error::Error;
use super::limits::MAX_PAGES;
use super::run::layout::{FIRST_GLOBAL, MEMORY_LEN};
use super::store::{AsStore, AsStoreMut, Inner as _, InnerMut as _};
use super::types::{MemoryType, PAGE_BYTES};

/// Bytes of a guest, addressed from 0.
///
/// Hosts get it by reference, for as long as the guest stands still: as the first parameter of a host function, from
/// [`Caller::memory`](crate::Caller::memory), or from [`Memory::data_mut`]. It has no size known at compile time, so
/// that two memories cannot be exchanged (`mem::swap`) behind the backs of the instances that use them. Memories shared
/// between threads will be another type, without slices.
///
/// Every access is checked; one that reaches outside fails as a whole.
#[repr(transparent)]
pub struct LinearMemory(Inner<[()]>);

struct Inner<Unsized: ?Sized> {
    /// Address of byte 0.
    base: NonNull<u8>,
    backing: Backing,
    ty: MemoryType,
    budget: Arc<MemoryBudget>,
    _unsized: Unsized,
}

/// Bytes the memories of one store may have together, and those they have.
#[derive(Default)]
pub(crate) struct MemoryBudget {
    pub limit: AtomicU64,
    used: AtomicU64,
}

impl MemoryBudget {
    pub(crate) fn new(limit: u64) -> MemoryBudget {
        MemoryBudget {
            limit: AtomicU64::new(limit),
            used: AtomicU64::new(0),
        }
    }

    fn take(&self, bytes: u64) -> bool {
        // One store is used by one thread at a time; atomics only make this `Sync`.
        match self.used.load(Relaxed).checked_add(bytes) {
            Some(used) if used <= self.limit.load(Relaxed) => {
                self.used.store(used, Relaxed);
                true
            }
            _ => false,
        }
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Relaxed);
    }
}

/// What the bytes stand in.
enum Backing {
    /// Reserved address space, header first.
    #[cfg(all(unix, not(miri)))]
    Reserved(unix::Reservation),
    /// Header words, then data. For memories that cannot grow past zero, and where nothing can be reserved.
    Words(Vec<u64>),
}

// SAFETY: the memory owns what `base` points to, and hands it out only by the rules of `&` and `&mut`.
unsafe impl Send for LinearMemory {}
// SAFETY: as above; through `&LinearMemory` nothing is written.
unsafe impl Sync for LinearMemory {}

impl LinearMemory {
    /// A memory of `ty`, zeroed, with room for `header_globals` globals below byte 0.
    ///
    /// # Errors
    /// [`Error::Limit`] when its minimum passes the store's limit, [`Error::Instantiate`] when the host has no room.
    pub(crate) fn new(
        ty: MemoryType,
        budget: &Arc<MemoryBudget>,
        header_globals: usize,
    ) -> Result<Box<LinearMemory>, Error> {
        let len = ty.minimum.saturating_mul(PAGE_BYTES);
        if !budget.take(len) {
            let (limit, used) = (budget.limit.load(Relaxed), budget.used.load(Relaxed));
            return Err(Error::limit(
                "memory",
                "bytes",
                limit,
                used.saturating_add(len),
                MEMORY_HINT,
            ));
        }
        let header = FIRST_GLOBAL + 8 * header_globals;
        let maximum = ty.maximum.unwrap_or(MAX_PAGES).min(MAX_PAGES) * PAGE_BYTES;
        let reserve = maximum.min(budget.limit.load(Relaxed)).max(len);
        let Some((base, backing)) = Backing::new(header, len, reserve) else {
            budget.give_back(len);
            return Err(Error::instantiate(format!(
                "the host has no room for a memory of {len} bytes"
            )));
        };
        let boxed: Box<Inner<[()]>> = Box::new(Inner {
            base,
            backing,
            ty,
            budget: budget.clone(),
            _unsized: [(); 0],
        });
        // SAFETY: `LinearMemory` is a transparent wrapper of `Inner<[()]>`; the length of its tail is kept by the cast.
        let mut memory = unsafe { Box::from_raw(Box::into_raw(boxed) as *mut LinearMemory) };
        memory.set_len(len);
        Ok(memory)
    }

    /// Bytes it has.
    #[inline]
    pub fn size(&self) -> u64 {
        // SAFETY: the length stands below byte 0 (see the module's doc) and is aligned, as `base` is.
        unsafe { self.0.base.as_ptr().sub(MEMORY_LEN).cast::<u64>().read() }
    }

    /// Pages of 64 KiB it has.
    pub fn pages(&self) -> u64 {
        self.size() / PAGE_BYTES
    }

    /// Its type as declared; see [`LinearMemory::pages`] for its present size.
    pub fn ty(&self) -> MemoryType {
        self.0.ty
    }

    /// Its type with its present size as the minimum, as imports compare it.
    pub(crate) fn present_type(&self) -> MemoryType {
        MemoryType {
            minimum: self.pages(),
            ..self.0.ty
        }
    }

    /// Grows by `delta` pages (64 KiB each) and returns the old size in pages.
    ///
    /// # Errors
    /// [`GrowError`] past the memory's maximum, the store's limit, or what the host has; the memory is unchanged.
    ///
    /// Spec: exec/modules.html#grow-mem
    pub fn grow(&mut self, delta: u64) -> Result<u64, GrowError> {
        let old = self.size();
        let maximum = self.0.ty.maximum.unwrap_or(MAX_PAGES).min(MAX_PAGES);
        let pages = (old / PAGE_BYTES).checked_add(delta).filter(|&pages| pages <= maximum);
        let len = pages.ok_or(GrowError::Maximum)? * PAGE_BYTES;
        if !self.0.budget.take(len - old) {
            return Err(GrowError::Limit);
        }
        match self.0.backing.grow(old, len) {
            Some(base) => self.0.base = base,
            None => {
                self.0.budget.give_back(len - old);
                return Err(GrowError::Host);
            }
        }
        self.set_len(len);
        Ok(old / PAGE_BYTES)
    }

    /// All bytes.
    pub fn data(&self) -> &[u8] {
        // SAFETY: `size` bytes from `base` on can be read (see the module's doc); nothing writes them while `self` is
        // borrowed, because guests only run with the store borrowed mutably.
        unsafe { std::slice::from_raw_parts(self.0.base.as_ptr(), self.size() as usize) }
    }

    /// All bytes, to write.
    pub fn data_mut(&mut self) -> &mut [u8] {
        let len = self.size() as usize;
        // SAFETY: as in `data`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.0.base.as_ptr(), len) }
    }

    /// `len` bytes from `addr` on.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] if they do not all lie inside.
    #[inline]
    pub fn slice(&self, addr: impl Address, len: impl Address) -> Result<&[u8], MemoryError> {
        let range = self.range(addr.get(), len.get())?;
        Ok(&self.data()[range])
    }

    /// `len` bytes from `addr` on, to write.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] if they do not all lie inside.
    #[inline]
    pub fn slice_mut(&mut self, addr: impl Address, len: impl Address) -> Result<&mut [u8], MemoryError> {
        let range = self.range(addr.get(), len.get())?;
        Ok(&mut self.data_mut()[range])
    }

    /// Fills `buffer` with the bytes from `addr` on.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] if they do not all lie inside; `buffer` is unchanged.
    pub fn read(&self, addr: impl Address, buffer: &mut [u8]) -> Result<(), MemoryError> {
        buffer.copy_from_slice(self.slice(addr, buffer.len())?);
        Ok(())
    }

    /// Writes `bytes` from `addr` on.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] if they do not all fit; nothing is written.
    pub fn write(&mut self, addr: impl Address, bytes: &[u8]) -> Result<(), MemoryError> {
        self.slice_mut(addr, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// The `len` bytes from `addr` on as text.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`], or [`MemoryError::NotUtf8`].
    pub fn read_str(&self, addr: impl Address, len: impl Address) -> Result<&str, MemoryError> {
        let addr = addr.get();
        let bytes = self.slice(addr, len)?;
        std::str::from_utf8(bytes).map_err(|error| MemoryError::NotUtf8 {
            addr,
            len: bytes.len() as u64,
            valid: error.valid_up_to() as u64,
        })
    }

    /// Sets the `len` bytes from `addr` on to `value`.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] if they do not all lie inside; nothing is written.
    pub fn fill(&mut self, addr: impl Address, len: impl Address, value: u8) -> Result<(), MemoryError> {
        self.slice_mut(addr, len)?.fill(value);
        Ok(())
    }

    /// Copies `len` bytes from `src` to `dst`; the two ranges may overlap.
    ///
    /// # Errors
    /// [`MemoryError::OutOfBounds`] if either does not lie inside; nothing is written.
    pub fn copy_within(&mut self, dst: impl Address, src: impl Address, len: impl Address) -> Result<(), MemoryError> {
        let from = self.range(src.get(), len.get())?;
        let to = self.range(dst.get(), len.get())?;
        self.data_mut().copy_within(from, to.start);
        Ok(())
    }

    /// Address of byte 0, with which handlers work.
    pub(crate) fn base(&self) -> *mut u8 {
        self.0.base.as_ptr()
    }

    /// Address of the global with slot offset `k` in the header (one of the `header_globals` asked for).
    pub(crate) fn header_global(&self, k: usize) -> *mut u64 {
        // In bounds by the caller's promise; were it not, only the use of the address would be wrong.
        self.0.base.as_ptr().wrapping_sub(FIRST_GLOBAL + 8 * k).cast()
    }

    fn set_len(&mut self, len: u64) {
        // SAFETY: as in `size`, and the borrow is exclusive.
        unsafe { self.0.base.as_ptr().sub(MEMORY_LEN).cast::<u64>().write(len) }
    }

    #[inline]
    fn range(&self, addr: u64, len: u64) -> Result<std::ops::Range<usize>, MemoryError> {
        let size = self.size();
        match addr.checked_add(len) {
            Some(end) if end <= size => Ok(addr as usize..end as usize),
            _ => Err(MemoryError::out_of_bounds(addr, len, size)),
        }
    }
}

macro_rules! numbers {
    ($($ty:ident $read:ident $write:ident $bytes:literal;)*) => {
        impl LinearMemory { $(
            #[doc = concat!("Reads a little-endian `", stringify!($ty), "`.")]
            ///
            /// # Errors
            /// [`MemoryError::OutOfBounds`] if it does not lie inside.
            #[inline]
            pub fn $read(&self, addr: impl Address) -> Result<$ty, MemoryError> {
                let bytes = self.slice(addr, $bytes as u32)?;
                Ok($ty::from_le_bytes(bytes.try_into().expect("slice has the length asked for")))
            }

            #[doc = concat!("Writes a little-endian `", stringify!($ty), "`.")]
            ///
            /// # Errors
            /// [`MemoryError::OutOfBounds`] if it does not fit; nothing is written.
            #[inline]
            pub fn $write(&mut self, addr: impl Address, value: $ty) -> Result<(), MemoryError> {
                self.slice_mut(addr, $bytes as u32)?.copy_from_slice(&value.to_le_bytes());
                Ok(())
            }
        )* }
    };
}
numbers! {
    u8 read_u8 write_u8 1;
    u16 read_u16 write_u16 2;
    u32 read_u32 write_u32 4;
    u64 read_u64 write_u64 8;
}

impl fmt::Debug for LinearMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinearMemory")
            .field("size", &self.size())
            .field("ty", &self.0.ty)
            .finish_non_exhaustive()
    }
}

impl<Unsized: ?Sized> Drop for Inner<Unsized> {
    fn drop(&mut self) {
        // SAFETY: as in `LinearMemory::size`; `backing` is dropped after this.
        let len = unsafe { self.base.as_ptr().sub(MEMORY_LEN).cast::<u64>().read() };
        self.budget.give_back(len);
    }
}

impl Backing {
    /// `header` bytes, then `len` bytes, with room to grow to `reserve`. The header's length word is 0.
    fn new(header: usize, len: u64, reserve: u64) -> Option<(NonNull<u8>, Backing)> {
        #[cfg(all(unix, not(miri)))]
        if reserve > 0 {
            let (base, reservation) = unix::Reservation::new(header, len, reserve)?;
            return Some((base, Backing::Reserved(reservation)));
        }
        let _ = reserve;
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
    fn grow(&mut self, old: u64, len: u64) -> Option<NonNull<u8>> {
        match self {
            #[cfg(all(unix, not(miri)))]
            Backing::Reserved(reservation) => reservation.commit(old, len),
            Backing::Words(words) => {
                let more = usize::try_from((len - old) / 8).ok()?;
                let header_words = words.len() - (old / 8) as usize;
                words.try_reserve_exact(more).ok()?;
                words.resize(words.len() + more, 0);
                // SAFETY: as in `new`.
                Some(unsafe { NonNull::from(&mut words[..]).cast::<u64>().add(header_words) }.cast())
            }
        }
    }
}

#[cfg(all(unix, not(miri)))]
mod unix {
    use super::NonNull;
    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

    /// Address space of which the header and the first bytes of data are committed.
    pub(super) struct Reservation {
        start: NonNull<u8>,
        /// Bytes in all, header included.
        total: usize,
        /// Bytes of the header, a multiple of the page size.
        header: usize,
    }

    impl Reservation {
        /// Reserves `header` + `reserve` bytes, less if the host is short of address space, and commits `header` + `len`.
        pub(super) fn new(header: usize, len: u64, reserve: u64) -> Option<(NonNull<u8>, Reservation)> {
            let page = rustix::param::page_size();
            let header = header.next_multiple_of(page);
            let len = usize::try_from(len).ok()?;
            let mut reserve = usize::try_from(reserve).unwrap_or(usize::MAX / 2);
            let (start, total) = loop {
                let total = reserve.checked_add(header)?.checked_next_multiple_of(page)?;
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

mod sealed {
    pub trait Sealed {}
}

/// A number that is used as an address or length in a memory: `u32`, `u64`, `usize`, or `i32` read as unsigned, as
/// guests mean it. Sealed.
pub trait Address: sealed::Sealed + Copy {
    #[doc(hidden)]
    fn get(self) -> u64;
}

macro_rules! address {
    ($($ty:ty: $value:ident => $get:expr;)*) => { $(
        impl sealed::Sealed for $ty {}
        impl Address for $ty {
            #[inline]
            fn get(self) -> u64 {
                let $value = self;
                $get
            }
        }
    )* };
}
address! {
    u32: v => u64::from(v);
    u64: v => v;
    usize: v => v as u64;
    i32: v => u64::from(v as u32);
}

/// An access of the host that a memory does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// It reaches outside.
    #[error("out of bounds memory access: {len} bytes at address {addr:#x}; the memory has {size:#x} bytes")]
    OutOfBounds {
        /// First byte asked for.
        addr: u64,
        /// Bytes asked for.
        len: u64,
        /// Bytes there are.
        size: u64,
    },
    /// The bytes are not text.
    #[error("the {len} bytes at address {addr:#x} are not UTF-8 after the first {valid}")]
    NotUtf8 {
        /// First byte asked for.
        addr: u64,
        /// Bytes asked for.
        len: u64,
        /// How many are good.
        valid: u64,
    },
}

impl MemoryError {
    #[cold]
    fn out_of_bounds(addr: u64, len: u64, size: u64) -> MemoryError {
        MemoryError::OutOfBounds { addr, len, size }
    }
}

/// Why a memory or a table did not grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrowError {
    /// Its type's maximum forbids it.
    #[error("the maximum of its type forbids it to grow that far")]
    Maximum,
    /// The store's limit forbids it.
    #[error("the limit of the store forbids it to grow that far")]
    Limit,
    /// The host has no room.
    #[error("the host has no room for it to grow that far")]
    Host,
}

impl From<GrowError> for Error {
    fn from(error: GrowError) -> Error {
        Error::Host(Box::new(error))
    }
}

const MEMORY_HINT: &str = "raise it with `Config::max_memory` or `StoreLimits::memory`";

/// A memory in a store: a handle, to be used with that store.
///
/// Spec: syntax/modules.html#memories
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Memory {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

impl Memory {
    /// A new memory, zeroed.
    ///
    /// # Errors
    /// [`Error::Limit`] when its minimum passes a limit of the store, [`Error::Type`] when the type is not valid.
    pub fn new(store: &mut impl AsStoreMut, ty: MemoryType) -> Result<Memory, Error> {
        let largest = ty.maximum.unwrap_or(0).max(ty.minimum);
        if largest > MAX_PAGES || ty.maximum.is_some_and(|maximum| maximum < ty.minimum) {
            return Err(Error::type_error(format!(
                "{ty} is not a valid memory type: at most 65536 pages, minimum first"
            )));
        }
        let store = store.inner_mut();
        let index = store.add_memory(ty, 0)?;
        Ok(Memory { store: store.id, index })
    }

    /// Its type, with its present size as the minimum.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(self, store: &impl AsStore) -> Result<MemoryType, Error> {
        Ok(self.data(store)?.present_type())
    }

    /// Pages of 64 KiB it has.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn size(self, store: &impl AsStore) -> Result<u64, Error> {
        Ok(self.data(store)?.pages())
    }

    /// Grows by `delta` pages of 64 KiB and returns the old size in pages.
    ///
    /// # Errors
    /// [`Error::Host`] with a [`GrowError`]; [`Error::Type`] for a handle of another store.
    pub fn grow(self, store: &mut impl AsStoreMut, delta: u64) -> Result<u64, Error> {
        Ok(self.data_mut(store)?.grow(delta)?)
    }

    /// Its bytes.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn data<'s>(self, store: &'s impl AsStore) -> Result<&'s LinearMemory, Error> {
        let store = store.inner();
        store.check_handle(self.store, "memory")?;
        Ok(&store.memories[self.index as usize])
    }

    /// Its bytes, to write.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn data_mut<'s>(self, store: &'s mut impl AsStoreMut) -> Result<&'s mut LinearMemory, Error> {
        let store = store.inner_mut();
        store.check_handle(self.store, "memory")?;
        store.sync_limits();
        Ok(&mut store.memories[self.index as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(min: u64, max: Option<u64>) -> Box<LinearMemory> {
        let budget = Arc::new(MemoryBudget::new(1 << 32));
        LinearMemory::new(MemoryType::new(min, max), &budget, 3).unwrap()
    }

    #[test]
    fn an_empty_memory_refuses_every_access_but_has_globals() {
        let memory = memory(0, Some(0));
        assert_eq!(memory.size(), 0);
        assert!(memory.read_u8(0u32).is_err());
        assert_eq!(memory.slice(0u32, 0u32).unwrap(), b"");
        assert!(memory.slice(1u32, 0u32).is_err());
        // SAFETY: three globals were asked for, nothing else uses them.
        unsafe {
            for k in 0..3 {
                memory.header_global(k).write(k as u64 + 1);
            }
            assert_eq!(memory.header_global(2).read(), 3);
        }
        assert_eq!(memory.size(), 0);
    }

    #[test]
    fn more_globals_than_a_page_holds_fit_below_byte_0() {
        let budget = Arc::new(MemoryBudget::new(1 << 32));
        let memory = LinearMemory::new(MemoryType::new(1, None), &budget, 5000).unwrap();
        // SAFETY: 5000 globals were asked for.
        unsafe { memory.header_global(4999).write(1) };
        assert_eq!(memory.size(), PAGE_BYTES);
        assert_eq!(memory.read_u64(0u32).unwrap(), 0);
    }

    #[test]
    fn access_at_the_end_is_checked_to_the_byte() {
        let mut memory = memory(1, None);
        memory.write_u32(0xfffcu32, 0x0403_0201).unwrap();
        assert_eq!(memory.slice(0xfffcu32, 4u32).unwrap(), [1, 2, 3, 4]);
        assert_eq!(
            memory.read_u32(0xfffdu32).unwrap_err().to_string(),
            "out of bounds memory access: 4 bytes at address 0xfffd; the memory has 0x10000 bytes"
        );
        assert!(memory.slice(u64::MAX, 2u64).is_err());
        assert!(memory.read_u8(-1i32).is_err());
        assert!(memory.write(0xffffu32, b"ab").is_err());
        assert_eq!(memory.read_u8(0xffffu32).unwrap(), 4, "a refused write writes nothing");
    }

    #[test]
    fn grow_past_the_maximum_leaves_the_memory_unchanged() {
        let mut memory = memory(1, Some(3));
        assert_eq!(memory.grow(1), Ok(1));
        assert_eq!(memory.grow(2), Err(GrowError::Maximum));
        assert_eq!(memory.grow(u64::MAX), Err(GrowError::Maximum));
        assert_eq!(memory.pages(), 2);
        memory.write_u8(2 * PAGE_BYTES - 1, 7).unwrap();
        assert_eq!(memory.grow(1), Ok(2));
        assert_eq!(memory.read_u8(2 * PAGE_BYTES - 1), Ok(7));
    }

    #[test]
    fn memories_of_a_store_share_one_limit_and_give_it_back() {
        let budget = Arc::new(MemoryBudget::new(3 * PAGE_BYTES));
        let ty = MemoryType::new(1, None);
        let first = LinearMemory::new(ty, &budget, 0).unwrap();
        let mut second = LinearMemory::new(ty, &budget, 0).unwrap();
        assert_eq!(second.grow(2), Err(GrowError::Limit));
        drop(first);
        assert_eq!(second.grow(2), Ok(1));
        let error = LinearMemory::new(ty, &budget, 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "memory limit reached: 262144 bytes asked for, the limit is 196608 bytes: \
             raise it with `Config::max_memory` or `StoreLimits::memory`"
        );
    }

    #[test]
    fn text_is_read_whole_or_refused_with_its_place() {
        let mut memory = memory(1, None);
        memory.write(8u32, "héllo".as_bytes()).unwrap();
        assert_eq!(memory.read_str(8u32, 6u32).unwrap(), "héllo");
        assert_eq!(
            memory.read_str(8u32, 2u32).unwrap_err().to_string(),
            "the 2 bytes at address 0x8 are not UTF-8 after the first 1"
        );
        memory.copy_within(9u32, 8u32, 6u32).unwrap();
        assert_eq!(memory.read_str(9u32, 6u32).unwrap(), "héllo");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn four_gib_cost_what_is_touched() {
        let resident = || {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * rustix::param::page_size() as u64
        };
        let before = resident();
        let mut memory = memory(0, None);
        memory.grow(MAX_PAGES).unwrap();
        memory.write_u8(0xffff_ffffu32, 1).unwrap();
        assert_eq!(memory.size(), 1 << 32);
        assert!(resident() - before.min(resident()) < 16 << 20);
    }
}
