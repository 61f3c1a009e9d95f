//! Loads and stores. Spec: exec/instructions.html#memory-instructions
//!
//! What is computed is the end of the access, because the offset in the instruction includes the number of bytes; one
//! compare with the length below `mb` checks it, and the bytes lie below it. It has 64 bits, so it cannot wrap. Memories
//! other than 0, and offsets to which nothing can be added, take the `far` forms, which find `mb` through the instance.

use super::float::f32_by_d;
use super::*;
use crate::engine::memory::racy::Word;
use crate::engine::ops::*;
use crate::engine::run::dispatch::*;
use crate::engine::run::exit::*;
use crate::engine::run::layout::MEMORY_LEN;
use crate::engine::run::operand::*;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How the bytes of a memory and its length are read and written.
pub(crate) trait Access {
    /// Whether other threads may read and write it.
    const SHARED: bool;
    /// # Safety
    /// M1, and for the other functions that the place lies inside: for handlers.
    unsafe fn len(mb: *mut u8) -> u64;
    /// # Safety
    /// As for `len`.
    unsafe fn read<T: Word>(from: *const T) -> T;
    /// # Safety
    /// As for `len`.
    unsafe fn write<T: Word>(to: *mut T, value: T);
}
/// The memory is of this store alone.
pub(crate) struct Own;
/// Other threads may read and write it.
pub(crate) struct Shared;

impl Access for Own {
    const SHARED: bool = false;
    #[inline(always)]
    unsafe fn len(mb: *mut u8) -> u64 {
        // SAFETY: the length lies below byte 0 of every memory (M1).
        unsafe { *(mb.sub(MEMORY_LEN) as *const u64) }
    }
    #[inline(always)]
    unsafe fn read<T: Word>(from: *const T) -> T {
        // SAFETY: the caller's promise.
        unsafe { from.read_unaligned() }
    }
    #[inline(always)]
    unsafe fn write<T: Word>(to: *mut T, value: T) {
        // SAFETY: the caller's promise.
        unsafe { to.write_unaligned(value) }
    }
}
impl Access for Shared {
    const SHARED: bool = true;
    #[inline(always)]
    unsafe fn len(mb: *mut u8) -> u64 {
        // SAFETY: as above; the length is aligned.
        unsafe { AtomicU64::from_ptr(mb.sub(MEMORY_LEN) as *mut u64).load(Relaxed) }
    }
    #[inline(always)]
    unsafe fn read<T: Word>(from: *const T) -> T {
        // SAFETY: the caller's promise.
        unsafe { T::load(from) }
    }
    #[inline(always)]
    unsafe fn write<T: Word>(to: *mut T, value: T) {
        // SAFETY: the caller's promise.
        unsafe { T::store(to, value) }
    }
}

/// A way to form the end of an access: the effective address plus the bytes that are accessed.
pub(crate) trait Address {
    /// Of the memory it is an address in.
    type Access: Access;
    const WORDS: usize;
    /// The guest's address plus the 32-bit offset of the instruction.
    ///
    /// # Safety
    /// T1, F1, F2: for handlers.
    unsafe fn get(r: &Regs) -> u64;
}
/// `[a + offset]`. Word 1: -, a, offset in the upper half.
pub(crate) struct At<A>(PhantomData<A>);
/// `[a + offset]` in a memory that threads share. Words as for [`At`].
pub(crate) struct AtShared<A>(PhantomData<A>);
/// `[a + offset]`, where a has 64 bits. Words as for [`At`]. A sum too great for 64 bits is the greatest number, which
/// is outside of every memory.
pub(crate) struct At64<A>(PhantomData<A>);
/// `[(a + b mod 2^32) + offset]`. Word 1: -, a, b. Word 2, lower half: offset.
pub(crate) struct Sum<A, B>(PhantomData<(A, B)>);
/// `[(a + k mod 2^32) + offset]`. Word 1: -, a, offset in the upper half. Word 2, lower half: k.
pub(crate) struct Plus<A>(PhantomData<A>);

/// `[(a + (b << S) mod 2^32) + offset]`. Words as for [`Sum`].
pub(crate) struct Scaled<A, B, const S: u32>(PhantomData<(A, B)>);

/// `[offset]`: the address is a constant, folded into the offset. Word 1: offset in the upper half.
pub(crate) struct Fixed;

impl Address for Fixed {
    type Access = Own;
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn get(r: &Regs) -> u64 {
        // SAFETY: T1.
        unsafe { r.wide(1) as u64 }
    }
}
impl<A: IntSrc> Address for At<A> {
    type Access = Own;
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn get(r: &Regs) -> u64 {
        // SAFETY: T1, F1, F2.
        unsafe { A::get(r, 1) as u32 as u64 + r.wide(1) as u64 }
    }
}
impl<A: IntSrc> Address for AtShared<A> {
    type Access = Shared;
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn get(r: &Regs) -> u64 {
        // SAFETY: T1, F1, F2.
        unsafe { At::<A>::get(r) }
    }
}
impl<A: IntSrc> Address for At64<A> {
    type Access = Own;
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn get(r: &Regs) -> u64 {
        // SAFETY: T1, F1, F2.
        unsafe { A::get(r, 1).saturating_add(r.wide(1) as u64) }
    }
}
impl<A: IntSrc, B: IntSrc> Address for Sum<A, B> {
    type Access = Own;
    const WORDS: usize = 3;
    #[inline(always)]
    unsafe fn get(r: &Regs) -> u64 {
        // SAFETY: T1, F1, F2.
        unsafe { (A::get(r, 1) as u32).wrapping_add(B::get(r, 2) as u32) as u64 + r.wide(2) as u64 }
    }
}
impl<A: IntSrc, B: IntSrc, const S: u32> Address for Scaled<A, B, S> {
    type Access = Own;
    const WORDS: usize = 3;
    #[inline(always)]
    unsafe fn get(r: &Regs) -> u64 {
        // SAFETY: T1, F1, F2.
        unsafe { (A::get(r, 1) as u32).wrapping_add((B::get(r, 2) as u32) << S) as u64 + r.wide(2) as u64 }
    }
}
impl<A: IntSrc> Address for Plus<A> {
    type Access = Own;
    const WORDS: usize = 3;
    #[inline(always)]
    unsafe fn get(r: &Regs) -> u64 {
        // SAFETY: T1, F1, F2.
        unsafe { (A::get(r, 1) as u32).wrapping_add(r.wide(2)) as u64 + r.wide(1) as u64 }
    }
}

/// The immediate of a store: the upper half of word 2, sign-extended.
pub(crate) struct StoreImm;

/// What a store reads. Field 0 of word 1 names the slot.
pub(crate) trait Stored {
    const WORDS: usize = 2;
    /// # Safety
    /// T1, F1, F2: for handlers.
    unsafe fn get(r: &Regs) -> u64;
}
macro_rules! stored {
    ($($class:ident)*) => {
        $(impl Stored for $class {
            #[inline(always)]
            // SAFETY: T1, F1, F2.
            unsafe fn get(r: &Regs) -> u64 { unsafe { <$class as IntSrc>::get(r, 0) } }
        })*
    };
}
stored!(Slot Acc L0);
#[cfg(all(tail, not(debug_assertions), not(miri)))]
stored!(L1);
impl Stored for StoreImm {
    const WORDS: usize = 3;
    #[inline(always)]
    unsafe fn get(r: &Regs) -> u64 {
        // SAFETY: T1.
        unsafe { r.wide(3) as i32 as i64 as u64 }
    }
}

/// An integer in memory that a load makes a slot of.
pub(crate) trait Load {
    type Raw: Word;
    fn eval(raw: Self::Raw) -> u64;
}
/// An integer in memory that a store makes of a slot.
pub(crate) trait Store {
    type Raw: Word;
    fn eval(cell: u64) -> Self::Raw;
}
macro_rules! load_rows {
    ($($name:ident $text:literal $raw:ident ($v:ident) -> $r:ty $body:block)*) => {
        $(pub(crate) struct $name;
        impl Load for $name {
            type Raw = $raw;
            #[inline(always)]
            fn eval($v: $raw) -> u64 { let $v = <$raw>::from_le($v); $body }
        })*
    };
}
for_each_load!(load_rows);
macro_rules! store_rows {
    ($($name:ident $text:literal $raw:ident)*) => {
        $(pub(crate) struct $name;
        impl Store for $name {
            type Raw = $raw;
            #[inline(always)]
            fn eval(cell: u64) -> $raw { (cell as $raw).to_le() }
        })*
    };
}
for_each_store!(store_rows);

/// Whether an access that ends at `end` leaves the memory whose byte 0 is `mb`.
#[inline(always)]
pub(crate) unsafe fn outside(mb: *mut u8, end: u64) -> bool {
    // SAFETY: the caller is a handler.
    end > unsafe { Own::len(mb) }
}

/// Where a `T` is that ends at `end`.
#[inline(always)]
pub(crate) unsafe fn place<T>(mb: *mut u8, end: u64) -> *mut T {
    // SAFETY: `outside` was asked; `end` includes the bytes of the value (T1).
    unsafe { mb.add(end as usize).sub(size_of::<T>()) as *mut T }
}

handler! {
    /// `d = memory[address]`. Word 1: d, then the address form.
    fn load[O: Load, M: Address, D: IntDst](r) {
        let end = M::get(&r);
        if end > M::Access::len(r.mb) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let raw = M::Access::read(place::<O::Raw>(r.mb, end));
        D::set(&mut r, O::eval(raw));
        next!(r, M::WORDS)
    }
}
handler! {
    fn load_f64[M: Address, D: F64Dst](r) {
        let end = M::get(&r);
        if outside(r.mb, end) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let value = place::<f64>(r.mb, end).read_unaligned();
        D::set(&mut r, value);
        next!(r, M::WORDS)
    }
}
handler! {
    fn load_f32[M: Address, D: F32Dst](r) {
        let end = M::get(&r);
        if outside(r.mb, end) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let value = place::<f32>(r.mb, end).read_unaligned();
        D::set(&mut r, value);
        next!(r, M::WORDS)
    }
}
handler! {
    /// `memory[address] = value`. Word 1: value, then the address form; an immediate in the upper half of word 2.
    fn store[O: Store, M: Address, V: Stored](r) {
        let end = M::get(&r);
        if end > M::Access::len(r.mb) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let value = O::eval(V::get(&r));
        M::Access::write(place::<O::Raw>(r.mb, end), value);
        next!(r, if V::WORDS > M::WORDS { V::WORDS } else { M::WORDS })
    }
}
handler! {
    fn store_f64[M: Address, V: F64Src](r) {
        let end = M::get(&r);
        if outside(r.mb, end) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let value = V::get(&r, 0);
        place::<f64>(r.mb, end).write_unaligned(value);
        next!(r, M::WORDS)
    }
}
handler! {
    fn store_f32[M: Address, V: F32Src](r) {
        let end = M::get(&r);
        if outside(r.mb, end) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let value = V::get(&r, 0);
        place::<f32>(r.mb, end).write_unaligned(value);
        next!(r, M::WORDS)
    }
}
/// Whether `bytes` bytes at the effective address leave the memory whose byte 0 is `mb`. In two steps, because handlers
/// that hold `mb` themselves have a register less.
#[inline(always)]
pub(crate) unsafe fn outside_far<X: Access>(mb: *mut u8, address: u64, bytes: usize) -> bool {
    // SAFETY: the caller is a handler.
    let len = unsafe { X::len(mb) };
    address >= len || len - address < bytes as u64
}

/// The address of an access to any memory, with addresses of 64 bits or not. What does not fit 64 bits is the greatest
/// number, which is outside of every memory.
#[inline(always)]
pub(crate) unsafe fn far_address<const WIDE: bool>(r: &Regs) -> u64 {
    // SAFETY: T1, F1, F2: the caller is a handler.
    unsafe {
        let a = r.slot(r.field(1));
        match WIDE {
            true => a.saturating_add(r.word(2)),
            false => a as u32 as u64 + r.wide(2) as u64,
        }
    }
}

handler! {
    /// A load from any memory. Word 1: d, a, memory. Word 2: offset. Floats are loaded as their bits.
    fn load_far[O: Load, X: Access, const WIDE: bool](r) {
        let mb = *(*(*r.cx.get()).instance).memories.add(r.field(2));
        let address = far_address::<WIDE>(&r);
        if outside_far::<X>(mb, address, size_of::<O::Raw>()) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let raw = X::read(mb.add(address as usize) as *const O::Raw);
        r.set_slot(r.field(0), O::eval(raw));
        next!(r, 3)
    }
}
handler! {
    /// A store to any memory. Word 1: value, a, memory. Word 2: offset.
    fn store_far[O: Store, X: Access, const WIDE: bool](r) {
        let mb = *(*(*r.cx.get()).instance).memories.add(r.field(2));
        let address = far_address::<WIDE>(&r);
        if outside_far::<X>(mb, address, size_of::<O::Raw>()) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let value = O::eval(r.slot(r.field(0)));
        X::write(mb.add(address as usize) as *mut O::Raw, value);
        next!(r, 3)
    }
}
handler! {
    /// `d = pages of memory 0`, if they are of 64 KiB. Word 1: d.
    fn memory_size[D: IntDst](r) {
        let pages = *(r.mb.sub(MEMORY_LEN) as *const u64) >> 16;
        D::set(&mut r, pages);
        next!(r, 2)
    }
}

/// By the class of the first address operand (none is an immediate), then by destination or value.
pub(crate) type ByAddress<T> = [T; 4];

macro_rules! at { ($m:ident $h:ident<$($g:ty),*>) => {
    [$m!($h<$($g,)* At<Slot>>), $m!($h<$($g,)* At<Acc>>), $m!($h<$($g,)* At<L0>>), $m!($h<$($g,)* At<L1>>)]
} }
macro_rules! at64 { ($m:ident $h:ident<$($g:ty),*>) => {
    [$m!($h<$($g,)* At64<Slot>>), $m!($h<$($g,)* At64<Acc>>), $m!($h<$($g,)* At64<L0>>), $m!($h<$($g,)* At64<L1>>)]
} }
macro_rules! at_shared { ($m:ident $h:ident<$($g:ty),*>) => {
    [$m!($h<$($g,)* AtShared<Slot>>), $m!($h<$($g,)* AtShared<Acc>>), $m!($h<$($g,)* AtShared<L0>>),
     $m!($h<$($g,)* AtShared<L1>>)]
} }
/// By whether the memory is shared, then by whether addresses have 64 bits.
macro_rules! far {
    ($h:ident<$g:ty>) => {
        [
            [$h::<$g, Own, false>, $h::<$g, Own, true>],
            [$h::<$g, Shared, false>, $h::<$g, Shared, true>],
        ]
    };
}
macro_rules! plus { ($m:ident $h:ident<$($g:ty),*>) => {
    [$m!($h<$($g,)* Plus<Slot>>), $m!($h<$($g,)* Plus<Acc>>), $m!($h<$($g,)* Plus<L0>>), $m!($h<$($g,)* Plus<L1>>)]
} }
macro_rules! sum { ($m:ident $h:ident<$($g:ty),*>) => {
    [sum!(@ $m $h Slot <$($g),*>), sum!(@ $m $h Acc <$($g),*>), sum!(@ $m $h L0 <$($g),*>), sum!(@ $m $h L1 <$($g),*>)]
};
(@ $m:ident $h:ident $a:ident <$($g:ty),*>) => {
    [$m!($h<$($g,)* Sum<$a, Slot>>), $m!($h<$($g,)* Sum<$a, Acc>>), $m!($h<$($g,)* Sum<$a, L0>>),
     $m!($h<$($g,)* Sum<$a, L1>>)]
} }
/// As `sum`, with `b` scaled by the number of bytes.
macro_rules! scaled { ($m:ident $h:ident $s:literal <$($g:ty),*>) => {
    [scaled!(@ $m $h $s Slot <$($g),*>), scaled!(@ $m $h $s Acc <$($g),*>), scaled!(@ $m $h $s L0 <$($g),*>),
     scaled!(@ $m $h $s L1 <$($g),*>)]
};
(@ $m:ident $h:ident $s:literal $a:ident <$($g:ty),*>) => {
    [$m!($h<$($g,)* Scaled<$a, Slot, $s>>), $m!($h<$($g,)* Scaled<$a, Acc, $s>>), $m!($h<$($g,)* Scaled<$a, L0, $s>>),
     $m!($h<$($g,)* Scaled<$a, L1, $s>>)]
} }
pub(crate) use {at, at64, far, plus, sum};
/// By what is stored: slot, accumulator, pins, immediate.
macro_rules! by_v { ($h:ident<$($g:ty),*>) => {
    [$h::<$($g,)* Slot>, $h::<$($g,)* Acc>, $h::<$($g,)* L0>, $h::<$($g,)* L1>, $h::<$($g,)* StoreImm>]
} }
macro_rules! f64_by_v { ($h:ident<$($g:ty),*>) => {
    [$h::<$($g,)* Slot>, $h::<$($g,)* Acc>, $h::<$($g,)* L0>, $h::<$($g,)* L1>]
} }

macro_rules! load_tables { ($($name:ident $text:literal $raw:ident $args:tt -> $r:ty $b:block)*) => {
    pub(crate) static LOAD_AT: &[ByAddress<ByD>] = &[$(at!(by_d load<$name>)),*];
    pub(crate) static LOAD_PLUS: &[ByAddress<ByD>] = &[$(plus!(by_d load<$name>)),*];
    pub(crate) static LOAD_SUM: &[ByAddress<ByAddress<ByD>>] = &[$(sum!(by_d load<$name>)),*];
    pub(crate) static LOAD_FIXED: &[ByD] = &[$(by_d!(load<$name, Fixed>)),*];
    pub(crate) static LOAD_AT_64: &[ByAddress<ByD>] = &[$(at64!(by_d load<$name>)),*];
    pub(crate) static LOAD_SHARED: &[ByAddress<ByD>] = &[$(at_shared!(by_d load<$name>)),*];
    pub(crate) static LOAD_FAR: &[[[Handler; 2]; 2]] = &[$(far!(load_far<$name>)),*];
} }
for_each_load!(load_tables);
macro_rules! store_tables { ($($name:ident $text:literal $raw:ident)*) => {
    pub(crate) static STORE_AT: &[ByAddress<[Handler; 5]>] = &[$(at!(by_v store<$name>)),*];
    pub(crate) static STORE_PLUS: &[ByAddress<[Handler; 5]>] = &[$(plus!(by_v store<$name>)),*];
    pub(crate) static STORE_SUM: &[ByAddress<ByAddress<[Handler; 5]>>] = &[$(sum!(by_v store<$name>)),*];
    pub(crate) static STORE_FIXED: &[[Handler; 5]] = &[$(by_v!(store<$name, Fixed>)),*];
    pub(crate) static STORE_AT_64: &[ByAddress<[Handler; 5]>] = &[$(at64!(by_v store<$name>)),*];
    pub(crate) static STORE_SHARED: &[ByAddress<[Handler; 5]>] = &[$(at_shared!(by_v store<$name>)),*];
    pub(crate) static STORE_FAR: &[[[Handler; 2]; 2]] = &[$(far!(store_far<$name>)),*];
} }
for_each_store!(store_tables);

type ByTwoAddresses<T> = ByAddress<ByAddress<T>>;

/// The scaled form of loads; single bytes have none.
pub(crate) fn load_scaled(op: LoadOp) -> Option<&'static ByTwoAddresses<ByD>> {
    static U16: ByTwoAddresses<ByD> = scaled!(by_d load 1 <Load16U>);
    static U32: ByTwoAddresses<ByD> = scaled!(by_d load 2 <Load32U>);
    static U64: ByTwoAddresses<ByD> = scaled!(by_d load 3 <Load64>);
    static S16: ByTwoAddresses<ByD> = scaled!(by_d load 1 <I32Load16S>);
    match op {
        LoadOp::Load16U => Some(&U16),
        LoadOp::Load32U => Some(&U32),
        LoadOp::Load64 => Some(&U64),
        LoadOp::I32Load16S => Some(&S16),
        _ => None,
    }
}
/// The scaled form of stores.
pub(crate) fn store_scaled(op: StoreOp) -> Option<&'static ByTwoAddresses<[Handler; 5]>> {
    static U16: ByTwoAddresses<[Handler; 5]> = scaled!(by_v store 1 <Store16>);
    static U32: ByTwoAddresses<[Handler; 5]> = scaled!(by_v store 2 <Store32>);
    static U64: ByTwoAddresses<[Handler; 5]> = scaled!(by_v store 3 <Store64>);
    match op {
        StoreOp::Store8 => None,
        StoreOp::Store16 => Some(&U16),
        StoreOp::Store32 => Some(&U32),
        StoreOp::Store64 => Some(&U64),
    }
}
pub(crate) static LOAD_F64_SCALED: ByTwoAddresses<ByD> = scaled!(by_d load_f64 3 <>);
pub(crate) static LOAD_F32_SCALED: ByTwoAddresses<ByD> = scaled!(f32_by_d load_f32 2 <>);
pub(crate) static STORE_F64_SCALED: ByTwoAddresses<ByD> = scaled!(f64_by_v store_f64 3 <>);
pub(crate) static STORE_F32_SCALED: ByTwoAddresses<ByD> = scaled!(f32_by_d store_f32 2 <>);

pub(crate) static LOAD_F64_AT: ByAddress<ByD> = at!(by_d load_f64<>);
pub(crate) static LOAD_F64_PLUS: ByAddress<ByD> = plus!(by_d load_f64<>);
pub(crate) static LOAD_F64_SUM: ByAddress<ByAddress<ByD>> = sum!(by_d load_f64<>);
pub(crate) static LOAD_F32_AT: ByAddress<ByD> = at!(f32_by_d load_f32<>);
pub(crate) static LOAD_F32_PLUS: ByAddress<ByD> = plus!(f32_by_d load_f32<>);
pub(crate) static LOAD_F32_SUM: ByAddress<ByAddress<ByD>> = sum!(f32_by_d load_f32<>);
pub(crate) static STORE_F64_AT: ByAddress<ByD> = at!(f64_by_v store_f64<>);
pub(crate) static STORE_F64_PLUS: ByAddress<ByD> = plus!(f64_by_v store_f64<>);
pub(crate) static STORE_F64_SUM: ByAddress<ByAddress<ByD>> = sum!(f64_by_v store_f64<>);
pub(crate) static STORE_F32_AT: ByAddress<ByD> = at!(f32_by_d store_f32<>);
pub(crate) static STORE_F32_PLUS: ByAddress<ByD> = plus!(f32_by_d store_f32<>);
pub(crate) static STORE_F32_SUM: ByAddress<ByAddress<ByD>> = sum!(f32_by_d store_f32<>);
pub(crate) static LOAD_F64_AT_64: ByAddress<ByD> = at64!(by_d load_f64<>);
pub(crate) static LOAD_F32_AT_64: ByAddress<ByD> = at64!(f32_by_d load_f32<>);
pub(crate) static STORE_F64_AT_64: ByAddress<ByD> = at64!(f64_by_v store_f64<>);
pub(crate) static STORE_F32_AT_64: ByAddress<ByD> = at64!(f32_by_d store_f32<>);
pub(crate) static LOAD_F64_FIXED: ByD = by_d!(load_f64<Fixed>);
pub(crate) static LOAD_F32_FIXED: ByD = f32_by_d!(load_f32<Fixed>);
pub(crate) static STORE_F64_FIXED: ByD = f64_by_v!(store_f64<Fixed>);
pub(crate) static STORE_F32_FIXED: ByD = f32_by_d!(store_f32<Fixed>);
pub(crate) static MEMORY_SIZE: ByD = by_d!(memory_size);
