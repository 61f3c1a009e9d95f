//! Atomic accesses. Spec: the threads proposal, "atomic memory accesses"
//!
//! They work on slots, in any memory, shared or not. Word 1: d or the stored value, a (32 bits each). Word 2: offset.
//! Word 3: memory, value (32 bits each). The slot of a replacement follows that of the value expected. The machine's
//! bytes stand in the guest's order: elsewhere there are no threads (`Features::for_validator`).

use super::memory::{Shared, outside_far};
use crate::engine::ops::*;
use crate::engine::run::dispatch::*;
use crate::engine::run::exit::*;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::SeqCst};

/// Words of an atomic instruction.
const WORDS: usize = 4;

/// An integer that is accessed atomically.
pub(crate) trait Width: Copy {
    type Atomic;
    fn from_slot(slot: u64) -> Self;
    fn to_slot(self) -> u64;
    fn load(place: &Self::Atomic) -> Self;
    fn store(place: &Self::Atomic, value: Self);
    /// The value that was there.
    fn replace(place: &Self::Atomic, expected: Self, value: Self) -> Self;
    fn modify<O: Rmw>(place: &Self::Atomic, value: Self) -> Self;
}
macro_rules! widths {
    ($($name:ident $text:literal $int:ident $atomic:ident)*) => {
        /// An operation that says what was there before it.
        pub(crate) trait Rmw {
            $(fn $int(place: &$atomic, value: $int) -> $int;)*
        }
        $(impl Width for $int {
            type Atomic = $atomic;
            #[inline(always)]
            fn from_slot(slot: u64) -> $int { slot as $int }
            #[inline(always)]
            fn to_slot(self) -> u64 { self as u64 }
            #[inline(always)]
            fn load(place: &$atomic) -> $int { place.load(SeqCst) }
            #[inline(always)]
            fn store(place: &$atomic, value: $int) { place.store(value, SeqCst) }
            #[inline(always)]
            fn replace(place: &$atomic, expected: $int, value: $int) -> $int {
                match place.compare_exchange(expected, value, SeqCst, SeqCst) {
                    Ok(old) | Err(old) => old,
                }
            }
            #[inline(always)]
            fn modify<O: Rmw>(place: &$atomic, value: $int) -> $int { O::$int(place, value) }
        })*
    };
}
for_each_atomic_width!(widths);

macro_rules! rmw_rows {
    ($($name:ident $text:literal $method:ident)*) => {
        $(pub(crate) struct $name;
        impl Rmw for $name {
            #[inline(always)]
            fn u8(place: &AtomicU8, value: u8) -> u8 { place.$method(value, SeqCst) }
            #[inline(always)]
            fn u16(place: &AtomicU16, value: u16) -> u16 { place.$method(value, SeqCst) }
            #[inline(always)]
            fn u32(place: &AtomicU32, value: u32) -> u32 { place.$method(value, SeqCst) }
            #[inline(always)]
            fn u64(place: &AtomicU64, value: u64) -> u64 { place.$method(value, SeqCst) }
        })*
    };
}
for_each_rmw!(rmw_rows);

/// The place an atomic instruction accesses, after the checks; leaves if one fails. Nothing is expected in the
/// accumulator: it is a register more to work with.
macro_rules! place {
    ($r:ident, $width:ty, $wide:ident) => {{
        let a = $r.slot($r.wide(1) as usize);
        $r.acc = match $wide {
            true => a.saturating_add($r.word(2)),
            false => a as u32 as u64 + $r.word(2),
        };
        if $r.acc % size_of::<$width>() as u64 != 0 {
            leave!($r, UNALIGNED_ATOMIC)
        }
        let mb = *(*(*$r.cx.get()).instance).memories.add($r.wide(4) as usize);
        if outside_far::<Shared>(mb, $r.acc, size_of::<$width>()) {
            leave!($r, MEMORY_OUT_OF_BOUNDS)
        }
        // One register, of which the compiler does not know that it is a sum.
        $r.acc = mb.add($r.acc as usize) as u64;
        not_unrolled!($r.acc);
        // Byte 0 of a memory is aligned to eight bytes at least.
        &*($r.acc as usize as *const <$width as Width>::Atomic)
    }};
}

handler! {
    /// `d = memory[address]`
    fn atomic_load[T: Width, const WIDE: bool](r) {
        r.acc = T::load(place!(r, T, WIDE)).to_slot();
        r.set_slot(r.wide(0) as usize, r.acc);
        next!(r, WORDS)
    }
}
handler! {
    /// `memory[address] = value`
    fn atomic_store[T: Width, const WIDE: bool](r) {
        let place = place!(r, T, WIDE);
        T::store(place, T::from_slot(r.slot(r.wide(5) as usize)));
        next!(r, WORDS)
    }
}
handler! {
    /// `d = memory[address]`, `memory[address] = d op value`
    fn atomic_rmw[O: Rmw, T: Width, const WIDE: bool](r) {
        let place = place!(r, T, WIDE);
        r.acc = T::modify::<O>(place, T::from_slot(r.slot(r.wide(5) as usize))).to_slot();
        r.set_slot(r.wide(0) as usize, r.acc);
        next!(r, WORDS)
    }
}
handler! {
    /// `d = memory[address]`, and if that is what is expected, `memory[address] = replacement`
    fn atomic_cmpxchg[T: Width, const WIDE: bool](r) {
        let place = place!(r, T, WIDE);
        let at = r.wide(5) as usize;
        r.acc = T::replace(place, T::from_slot(r.slot(at)), T::from_slot(r.slot(at + 1))).to_slot();
        r.set_slot(r.wide(0) as usize, r.acc);
        next!(r, WORDS)
    }
}
handler! {
    /// Written out for x86-64, where the compiler would take an instruction that uses the stack.
    fn atomic_fence[](r) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        std::arch::x86_64::_mm_mfence();
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        std::sync::atomic::fence(SeqCst);
        next!(r, 1)
    }
}

/// By whether addresses have 64 bits.
pub(crate) type ByWide = [Handler; 2];

macro_rules! tables { ($($name:ident $text:literal $int:ident $atomic:ident)*) => {
    pub(crate) static LOAD: &[ByWide] = &[$([atomic_load::<$int, false>, atomic_load::<$int, true>]),*];
    pub(crate) static STORE: &[ByWide] = &[$([atomic_store::<$int, false>, atomic_store::<$int, true>]),*];
    pub(crate) static CMPXCHG: &[ByWide] = &[$([atomic_cmpxchg::<$int, false>, atomic_cmpxchg::<$int, true>]),*];
} }
for_each_atomic_width!(tables);
macro_rules! rmw_table { ($($name:ident $text:literal $method:ident)*) => {
    pub(crate) static RMW: &[[ByWide; 4]] = &[$([
        [atomic_rmw::<$name, u8, false>, atomic_rmw::<$name, u8, true>],
        [atomic_rmw::<$name, u16, false>, atomic_rmw::<$name, u16, true>],
        [atomic_rmw::<$name, u32, false>, atomic_rmw::<$name, u32, true>],
        [atomic_rmw::<$name, u64, false>, atomic_rmw::<$name, u64, true>],
    ]),*];
} }
for_each_rmw!(rmw_table);
