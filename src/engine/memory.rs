//! `LinearMemory`, the one type through which hosts see a guest's bytes, and `Memory`, the handle of one in a store.
//!
//! Address space for the maximum is reserved and committed on growth, so byte 0 never moves, pages never touched cost
//! nothing, and handlers keep its address in a register. Below byte 0 stands a header: the length in bytes at -8, and
//! from -24 downwards the globals of the instance that defines the memory.
//!
//! What always holds: the `u64` at `base - 8` is the length, and that many bytes from `base` on can be read and written.
//! Spec: exec/runtime.html#memory-instances

#![allow(unsafe_code)]

mod access;
mod backing;
mod handle;
mod image;
mod parking;
pub(crate) mod racy;
mod shared;

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::error::Error;
use super::run::layout::{FIRST_GLOBAL, MEMORY_LEN};
use super::types::MemoryType;

pub use self::access::{Address, GrowError, MemoryError};
use self::backing::Backing;
pub use self::handle::Memory;
pub(crate) use self::handle::{StoreMemory, header_global};
pub(crate) use self::image::Image;
pub(crate) use self::parking::Waited;
pub use self::shared::SharedMemory;

/// Bytes of a guest, addressed from 0.
///
/// Hosts get it by reference, for as long as the guest stands still: as the first parameter of a host function, from
/// [`Caller::memory`](crate::Caller::memory), or from [`Memory::data_mut`]. It has no size known at compile time, so
/// that two memories cannot be exchanged (`mem::swap`) behind the backs of the instances that use them. Memories shared
/// between threads are another type, [`SharedMemory`], without slices.
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

    fn limit(&self) -> u64 {
        self.limit.load(Relaxed)
    }

    fn take(&self, bytes: u64) -> bool {
        let take = |used: u64| used.checked_add(bytes).filter(|&used| used <= self.limit());
        // A shared memory may grow on another thread.
        self.used.fetch_update(Relaxed, Relaxed, take).is_ok()
    }

    /// Takes what a new memory has.
    fn take_or_refuse(&self, bytes: u64) -> Result<(), Error> {
        if self.take(bytes) {
            return Ok(());
        }
        let asked = self.used.load(Relaxed).saturating_add(bytes);
        Err(Error::limit("memory", "bytes", self.limit(), asked, MEMORY_HINT))
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Relaxed);
    }
}

// SAFETY: the memory owns what `base` points to, and hands it out only by the rules of `&` and `&mut`.
unsafe impl Send for LinearMemory {}
// SAFETY: as above; through `&LinearMemory` nothing is written.
unsafe impl Sync for LinearMemory {}

impl LinearMemory {
    /// A memory of `ty`, zeroed unless there is an `image` of it, with room for `header_globals` globals below byte 0.
    ///
    /// # Errors
    /// [`Error::Limit`] when its minimum passes the store's limit, [`Error::Instantiate`] when the host has no room.
    pub(crate) fn new(
        ty: MemoryType,
        budget: &Arc<MemoryBudget>,
        header_globals: usize,
        image: Option<&Arc<Image>>,
    ) -> Result<Box<LinearMemory>, Error> {
        let len = ty.min_bytes();
        budget.take_or_refuse(len)?;
        let header = FIRST_GLOBAL + 8 * header_globals;
        let reserve = ty.max_bytes().min(budget.limit()).max(len);
        let Some((base, backing)) = Backing::new(header, len, reserve, image) else {
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

    /// Pages it has, of the size its type says.
    pub fn pages(&self) -> u64 {
        self.size() / self.0.ty.page_bytes
    }

    /// Its type as declared; see [`LinearMemory::pages`] for its present size.
    pub fn ty(&self) -> MemoryType {
        self.0.ty
    }

    /// Grows by `delta` pages (of the size its type says) and returns the old size in pages.
    ///
    /// # Errors
    /// [`GrowError`] past the memory's maximum, the store's limit, or what the host has; the memory is unchanged.
    ///
    /// Spec: exec/modules.html#grow-mem
    pub fn grow(&mut self, delta: u64) -> Result<u64, GrowError> {
        let (old, page) = (self.size(), self.0.ty.page_bytes);
        let len = self.0.ty.grown(old, delta).ok_or(GrowError::Maximum)?;
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
        Ok(old / page)
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

const MEMORY_HINT: &str = "raise it with `Config::max_memory` or `StoreLimits::memory`";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::limits::MAX_PAGES;
    use crate::engine::types::PAGE_BYTES;

    fn memory(min: u64, max: Option<u64>) -> Box<LinearMemory> {
        let budget = Arc::new(MemoryBudget::new(1 << 32));
        LinearMemory::new(MemoryType::new(min, max), &budget, 3, None).unwrap()
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
                header_global(memory.base(), k).write(k as u64 + 1);
            }
            assert_eq!(header_global(memory.base(), 2).read(), 3);
        }
        assert_eq!(memory.size(), 0);
    }

    #[test]
    fn more_globals_than_a_page_holds_fit_below_byte_0() {
        let budget = Arc::new(MemoryBudget::new(1 << 32));
        let memory = LinearMemory::new(MemoryType::new(1, None), &budget, 5000, None).unwrap();
        // SAFETY: 5000 globals were asked for.
        unsafe { header_global(memory.base(), 4999).write(1) };
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
    fn pages_of_one_byte_are_counted_and_committed_by_the_byte() {
        let budget = Arc::new(MemoryBudget::new(1 << 32));
        let ty = MemoryType::new(3, Some(200_000)).with_page_bytes(1);
        let mut memory = LinearMemory::new(ty, &budget, 1, None).unwrap();
        assert_eq!((memory.size(), memory.pages()), (3, 3));
        memory.write_u8(2u32, 9).unwrap();
        assert!(memory.read_u8(3u32).is_err());
        assert_eq!(memory.grow(65_534), Ok(3));
        assert_eq!(memory.grow(65_536), Ok(65_537));
        assert_eq!(memory.pages(), 131_073);
        assert!(
            memory
                .data()
                .iter()
                .enumerate()
                .all(|(at, &byte)| byte == if at == 2 { 9 } else { 0 })
        );
        assert_eq!(memory.grow(100_000), Err(GrowError::Maximum));
    }

    #[test]
    fn a_memory_of_64_bits_reserves_what_its_store_allows() {
        let budget = Arc::new(MemoryBudget::new(1 << 20));
        let mut memory = LinearMemory::new(MemoryType::new64(1, Some(1 << 48)), &budget, 0, None).unwrap();
        assert_eq!(memory.grow(15), Ok(1));
        assert_eq!(memory.grow(1), Err(GrowError::Limit));
        assert_eq!(memory.grow(1 << 47), Err(GrowError::Limit));
        assert_eq!(memory.grow(u64::MAX), Err(GrowError::Maximum));
        for unbounded in [MemoryType::new64(1 << 40, None), MemoryType::new64(1 << 48, None)] {
            let error = LinearMemory::new(unbounded, &budget, 0, None).unwrap_err();
            assert!(error.to_string().starts_with("memory limit reached"), "{error}");
        }
        let all = Arc::new(MemoryBudget::new(u64::MAX));
        let mut memory = LinearMemory::new(MemoryType::new64(1, None), &all, 0, None).unwrap();
        assert_eq!(memory.grow(1 << 47), Err(GrowError::Host));
        assert_eq!(memory.grow(1), Ok(1));
        assert!(LinearMemory::new(MemoryType::new64(1 << 46, None), &all, 0, None).is_err());
    }

    #[test]
    fn memories_of_a_store_share_one_limit_and_give_it_back() {
        let budget = Arc::new(MemoryBudget::new(3 * PAGE_BYTES));
        let ty = MemoryType::new(1, None);
        let first = LinearMemory::new(ty, &budget, 0, None).unwrap();
        let mut second = LinearMemory::new(ty, &budget, 0, None).unwrap();
        assert_eq!(second.grow(2), Err(GrowError::Limit));
        drop(first);
        assert_eq!(second.grow(2), Ok(1));
        let error = LinearMemory::new(ty, &budget, 0, None).unwrap_err();
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
