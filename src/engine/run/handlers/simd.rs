//! Vectors. Spec: exec/instructions.html#vector-instructions
//!
//! A v128 lies in two slots that follow each other, its byte 0 in the lowest byte of the first; an instruction names the
//! first. What a row computes is compiled for each [`Host`], in a module of its own; the rest moves bits.

use super::convert::value_of;
use super::memory::{
    Access, Address, At, At64, Fixed, Load, Own, Plus, Shared, Sum, at, at64, far, far_address, outside, outside_far,
    place, plus, sum,
};
use super::variable::{Far, Near, Place};
use super::*;
use crate::engine::lanes::*;
use crate::engine::memory::racy::Word;
use crate::engine::num;
use crate::engine::ops::*;
use crate::engine::run::dispatch::*;
use crate::engine::run::exit::*;
use crate::engine::run::handlers::control::branch_to;
use crate::engine::run::operand::*;
use std::sync::atomic::{Ordering, compiler_fence};

/// A vector whose lanes do not matter, in its slots' order of bytes.
type Bits = [u64; 2];

impl Regs {
    /// The vector in the slots from `at` on.
    #[inline(always)]
    unsafe fn vector<V: Lane>(&self, at: usize) -> V {
        // SAFETY: the translator names no slot outside the frame (F1), and `enter` checked that the frame fits (F2).
        unsafe { (self.sp.add(at) as *const V).read_unaligned() }.swap_on_big_endian()
    }

    #[inline(always)]
    unsafe fn set_vector<V: Lane>(&mut self, at: usize, value: V) {
        // SAFETY: F1, F2.
        unsafe { (self.sp.add(at) as *mut V).write_unaligned(value.swap_on_big_endian()) }
    }
}

/// Keeps what is read for the result, as its slot's number, behind what was read before: few integer registers are free, and
/// the compiler would rather spill than wait.
#[inline(always)]
fn sources_read() {
    compiler_fence(Ordering::SeqCst);
}

/// Copies 1, 2, 4, 8 or 16 bytes out of a memory that others may write to.
#[inline(always)]
unsafe fn copy_numbers<X: Access>(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: both are addresses of so many bytes: `to` of slots, `from` in the memory.
    unsafe {
        match bytes {
            1 => *to = X::read(from),
            2 => (to as *mut u16).write_unaligned(X::read(from as *const u16)),
            4 => (to as *mut u32).write_unaligned(X::read(from as *const u32)),
            8 => (to as *mut u64).write_unaligned(X::read(from as *const u64)),
            _ => (to as *mut Bits).write_unaligned(X::read(from as *const Bits)),
        }
    }
}

/// Where the right operand of two is.
pub(crate) trait VectorSrc {
    /// Words of an instruction with this operand.
    const WORDS: usize;
    /// The vector. `field` is the 16-bit field of word 1 that names the slot.
    ///
    /// # Safety
    /// T1, F1, F2: for handlers.
    unsafe fn vector<V: Lane>(r: &Regs, field: usize) -> V;
}
impl VectorSrc for Slot {
    const WORDS: usize = 2;
    #[inline(always)]
    unsafe fn vector<V: Lane>(r: &Regs, field: usize) -> V {
        // SAFETY: T1, F1, F2.
        unsafe { r.vector(r.field(field)) }
    }
}
/// Words 2 and 3.
impl VectorSrc for Imm {
    const WORDS: usize = 4;
    #[inline(always)]
    unsafe fn vector<V: Lane>(r: &Regs, _: usize) -> V {
        // SAFETY: T1.
        unsafe { (r.ip.add(2) as *const V).read_unaligned() }.swap_on_big_endian()
    }
}

// ---- rows ----------------------------------------------------------------------------------------------------

pub(crate) trait VectorUnary {
    type A: Lane;
    type Out: Lane;
    fn eval<H: Host>(a: Self::A) -> Self::Out;
}
pub(crate) trait VectorBinary {
    type A: Lane;
    type Out: Lane;
    fn eval<H: Host>(a: Self::A, b: Self::A) -> Self::Out;
}
pub(crate) trait VectorTernary {
    type A: Lane;
    type C: Lane;
    fn eval<H: Host>(a: Self::A, b: Self::A, c: Self::C) -> Self::C;
}
pub(crate) trait VectorShift {
    type A: Lane;
    fn eval(a: Self::A, count: u32) -> Self::A;
}
pub(crate) trait VectorTest {
    type A: Lane;
    fn eval(a: Self::A) -> u32;
}
/// From a number of a bank.
pub(crate) trait Splat<Number> {
    type Out: Lane;
    fn eval(a: Number) -> Self::Out;
}
pub(crate) trait Replace<Number> {
    type A: Lane;
    fn eval(a: Self::A, lane: usize, b: Number) -> Self::A;
}
/// What a load reads it gets lane by lane: as an array, less than 16 bytes would be a number to the compiler.
pub(crate) trait VectorLoad {
    type Raw: Lane;
    /// Bytes of memory it accesses.
    const BYTES: usize;
    type Out: Lane;
    fn eval<H: Host>(lane: impl Fn(usize) -> Self::Raw) -> Self::Out;
}
/// A lane in memory.
pub(crate) trait LaneAccess {
    type Raw: Lane + Word;
    type Lanes: Lane;
    fn replaced(a: Self::Lanes, lane: usize, value: Self::Raw) -> Self::Lanes;
}

macro_rules! unary_rows {
    ($($name:ident $text:literal $visit:ident ($a:ident: $at:ty) -> $r:ty $body:block)*) => {
        $(pub(crate) struct $name;
        impl VectorUnary for $name {
            type A = $at;
            type Out = $r;
            #[inline(always)]
            fn eval<H: Host>($a: $at) -> $r $body
        })*
    };
}
for_each_vector_unary!(unary_rows);
macro_rules! binary_rows {
    ($($name:ident $text:literal $visit:ident ($a:ident: $at:ty, $b:ident: $bt:ty) -> $r:ty $body:block)*) => {
        $(pub(crate) struct $name;
        impl VectorBinary for $name {
            type A = $at;
            type Out = $r;
            #[inline(always)]
            fn eval<H: Host>($a: $at, $b: $bt) -> $r $body
        })*
    };
}
for_each_vector_binary!(binary_rows);
macro_rules! ternary_rows {
    ($($name:ident $text:literal $visit:ident
        ($a:ident: $at:ty, $b:ident: $bt:ty, $c:ident: $ct:ty) -> $r:ty $body:block)*) => {
        $(pub(crate) struct $name;
        impl VectorTernary for $name {
            type A = $at;
            type C = $ct;
            #[inline(always)]
            fn eval<H: Host>($a: $at, $b: $bt, $c: $ct) -> $r $body
        })*
    };
}
for_each_vector_ternary!(ternary_rows);
macro_rules! shift_rows {
    ($($name:ident $text:literal $visit:ident ($a:ident: $at:ty, $n:ident) -> $r:ty $body:block)*) => {
        $(pub(crate) struct $name;
        impl VectorShift for $name {
            type A = $at;
            #[inline(always)]
            fn eval($a: $at, $n: u32) -> $r $body
        })*
    };
}
for_each_vector_shift!(shift_rows);
macro_rules! test_rows {
    ($($name:ident $text:literal $visit:ident ($a:ident: $at:ty) $body:block)*) => {
        $(pub(crate) struct $name;
        impl VectorTest for $name {
            type A = $at;
            #[inline(always)]
            fn eval($a: $at) -> u32 $body
        })*
    };
}
for_each_vector_test!(test_rows);
macro_rules! splat_rows {
    ($($name:ident $text:literal $visit:ident $bank:ident ($a:ident) -> $r:ty $body:block)*) => {
        $(pub(crate) struct $name;
        impl Splat<value_of!($bank)> for $name {
            type Out = $r;
            #[inline(always)]
            fn eval($a: value_of!($bank)) -> $r $body
        })*
    };
}
for_each_splat!(splat_rows);
macro_rules! replace_rows {
    ($($name:ident $text:literal $visit:ident $bank:ident ($a:ident: $at:ty, $lane:ident, $b:ident) $body:block)*) => {
        $(pub(crate) struct $name;
        impl Replace<value_of!($bank)> for $name {
            type A = $at;
            #[inline(always)]
            fn eval($a: $at, $lane: usize, $b: value_of!($bank)) -> $at $body
        })*
    };
}
for_each_replace!(replace_rows);
macro_rules! load_rows {
    ($($name:ident $text:literal $visit:ident $raw:ident $lanes:literal, ($lane:ident) -> $r:ty $body:block)*) => {
        $(pub(crate) struct $name;
        impl VectorLoad for $name {
            type Raw = $raw;
            const BYTES: usize = $lanes * size_of::<$raw>();
            type Out = $r;
            #[inline(always)]
            fn eval<H: Host>($lane: impl Fn(usize) -> $raw) -> $r $body
        })*
    };
}
for_each_vector_load!(load_rows);
macro_rules! lane_rows {
    ($($name:ident $load:literal $store:literal $load_visit:ident $store_visit:ident $replace:ident $raw:ty, $lanes:ty)*) => {
        $(pub(crate) struct $name;
        impl LaneAccess for $name {
            type Raw = $raw;
            type Lanes = $lanes;
            #[inline(always)]
            fn replaced(a: $lanes, lane: usize, value: $raw) -> $lanes {
                $replace(a, lane, value)
            }
        })*
    };
}
for_each_lane_access!(lane_rows);

// ---- what is compiled for each host ----------------------------------------------------------------------------

/// The handlers of rows for one host.
pub(crate) struct Tables {
    pub unary: &'static [Handler],
    /// By whether the right operand is an immediate.
    pub binary: &'static [[Handler; 2]],
    pub ternary: &'static [Handler],
    /// By the class of the count.
    pub shift: &'static [[Handler; 5]],
    pub test: &'static [ByD],
    /// By whether it branches back, then by whether it is negated.
    pub test_branch: &'static [[[Handler; 2]; 2]],
    /// By the class of the number.
    pub splat: &'static [[Handler; 4]],
    pub replace: &'static [[Handler; 4]],
    /// By whether the indices are an immediate.
    pub swizzle: [Handler; 2],
    /// Of one vector and of two.
    pub shuffle: [Handler; 2],
    pub load: LoadTables,
    /// By the class of the address.
    pub load_lane: &'static [[Handler; 4]],
    pub load_lane_far: &'static [FarTable],
}

/// By whether the memory is shared, then by whether addresses have 64 bits.
pub(crate) type FarTable = [[Handler; 2]; 2];

/// By operation, then as the tables of numbers.
pub(crate) struct LoadTables {
    pub fixed: &'static [Handler],
    pub at: &'static [[Handler; 4]],
    pub at_64: &'static [[Handler; 4]],
    pub plus: &'static [[Handler; 4]],
    pub sum: &'static [[[Handler; 4]; 4]],
    pub far: &'static [FarTable],
}

macro_rules! one {
    ($h:ident<$($g:ty),*>) => { $h::<$($g),*> };
}
macro_rules! unary_table { ($($name:ident $text:literal $v:ident $args:tt -> $r:ty $b:block)*) => {
    const UNARY: &[Handler] = &[$(unary::<$name>),*];
} }
macro_rules! binary_table { ($($name:ident $text:literal $v:ident $args:tt -> $r:ty $b:block)*) => {
    const BINARY: &[[Handler; 2]] = &[$([binary::<$name, Slot>, binary::<$name, Imm>]),*];
} }
macro_rules! ternary_table { ($($name:ident $text:literal $v:ident $args:tt -> $r:ty $b:block)*) => {
    const TERNARY: &[Handler] = &[$(ternary::<$name>),*];
} }
macro_rules! shift_table { ($($name:ident $text:literal $v:ident $args:tt -> $r:ty $b:block)*) => {
    const SHIFT: &[[Handler; 5]] = &[$([
        shift::<$name, Slot>, shift::<$name, Acc>, shift::<$name, L0>, shift::<$name, L1>, shift::<$name, Imm>
    ]),*];
} }
macro_rules! test_table { ($($name:ident $text:literal $v:ident $args:tt $b:block)*) => {
    const TEST: &[ByD] = &[$(by_d!(test<$name>)),*];
    const TEST_BRANCH: &[[[Handler; 2]; 2]] = &[$([
        [test_branch::<$name, false, false>, test_branch::<$name, false, true>],
        [test_branch::<$name, true, false>, test_branch::<$name, true, true>],
    ]),*];
} }
/// The f32 bank has one pin.
macro_rules! by_number {
    (Int $int:ident $f32:ident $f64:ident $name:ident) => {
        by_d!($int<$name>)
    };
    (F32 $int:ident $f32:ident $f64:ident $name:ident) => {
        [
            $f32::<$name, Slot>,
            $f32::<$name, Acc>,
            $f32::<$name, L0>,
            $f32::<$name, Slot>,
        ]
    };
    (F64 $int:ident $f32:ident $f64:ident $name:ident) => {
        by_d!($f64<$name>)
    };
}
macro_rules! splat_table { ($($name:ident $text:literal $v:ident $bank:ident $args:tt -> $r:ty $b:block)*) => {
    const SPLAT: &[[Handler; 4]] = &[$(by_number!($bank splat_int splat_f32 splat_f64 $name)),*];
} }
macro_rules! replace_table { ($($name:ident $text:literal $v:ident $bank:ident $args:tt $b:block)*) => {
    const REPLACE: &[[Handler; 4]] = &[$(by_number!($bank replace_int replace_f32 replace_f64 $name)),*];
} }
macro_rules! load_tables { ($($name:ident $text:literal $v:ident $raw:ident $lanes:literal, $args:tt -> $r:ty $b:block)*) => {
    const LOAD: LoadTables = LoadTables {
        fixed: &[$(load::<$name, Fixed>),*],
        at: &[$(at!(one load<$name>)),*],
        at_64: &[$(at64!(one load<$name>)),*],
        plus: &[$(plus!(one load<$name>)),*],
        sum: &[$(sum!(one load<$name>)),*],
        far: &[$(far!(load_far<$name>)),*],
    };
} }
macro_rules! load_lane_tables { ($($name:ident $l:literal $s:literal $lv:ident $sv:ident $replace:ident $raw:ty, $lanes:ty)*) => {
    const LOAD_LANE: &[[Handler; 4]] = &[$(by_d!(load_lane<$name>)),*];
    const LOAD_LANE_FAR: &[FarTable] = &[$(far!(load_lane_far<$name>)),*];
} }

macro_rules! handlers {
    ($host:ident $(#[$feature:meta])*) => {
        use super::*;

        type Here = $host;

        handler! {
            /// `d = op a`. Word 1: d, a.
            $(#[$feature])*
            fn unary[O: VectorUnary](r) {
                let value = O::eval::<Here>(r.vector(r.field(1)));
                r.set_vector(r.field(0), value);
                next!(r, 2)
            }
        }
        handler! {
            /// `d = a op b`. Word 1: d, a, b. An immediate is words 2 and 3.
            $(#[$feature])*
            fn binary[O: VectorBinary, B: VectorSrc](r) {
                let value = O::eval::<Here>(r.vector(r.field(1)), B::vector(&r, 2));
                r.set_vector(r.field(0), value);
                next!(r, B::WORDS)
            }
        }
        handler! {
            /// `d = op a, b, c`. Word 1: d, a, b, c.
            $(#[$feature])*
            fn ternary[O: VectorTernary](r) {
                let value = O::eval::<Here>(r.vector(r.field(1)), r.vector(r.field(2)), r.vector(r.field(3)));
                sources_read();
                r.set_vector(r.field(0), value);
                next!(r, 2)
            }
        }
        handler! {
            /// `d = a op count`. Word 1: d, a, count; an immediate takes the upper half.
            $(#[$feature])*
            fn shift[O: VectorShift, N: IntSrc](r) {
                let value = O::eval(r.vector(r.field(1)), N::get(&r, 2) as u32);
                r.set_vector(r.field(0), value);
                next!(r, 2)
            }
        }
        handler! {
            /// `d = op a`, a number. Word 1: d, a.
            $(#[$feature])*
            fn test[O: VectorTest, D: IntDst](r) {
                let value = O::eval(r.vector(r.field(1)));
                D::set(&mut r, value as u64);
                next!(r, 2)
            }
        }
        handler! {
            /// Branches if the test gives anything but 0, or if it gives 0. Word 1: -, a. Word 2: target.
            $(#[$feature])*
            fn test_branch[O: VectorTest, const BACK: bool, const NOT: bool](r) {
                let holds = O::eval(r.vector(r.field(1))) != 0;
                if holds != NOT { branch_to!(r, BACK, r.word(2)) }
                next!(r, 3)
            }
        }
        handler! {
            /// `d = a`, a number, in each lane. Word 1: d, a.
            $(#[$feature])*
            fn splat_int[O: Splat<u64>, A: IntSrc](r) {
                let value = O::eval(A::get(&r, 1));
                r.set_vector(r.field(0), value);
                next!(r, 2)
            }
        }
        handler! {
            $(#[$feature])*
            fn splat_f32[O: Splat<f32>, A: F32Src](r) {
                let value = O::eval(A::get(&r, 1));
                r.set_vector(r.field(0), value);
                next!(r, 2)
            }
        }
        handler! {
            $(#[$feature])*
            fn splat_f64[O: Splat<f64>, A: F64Src](r) {
                let value = O::eval(A::get(&r, 1));
                r.set_vector(r.field(0), value);
                next!(r, 2)
            }
        }
        handler! {
            /// `d = a` with b, a number, in one lane. Word 1: d, a, b, lane.
            $(#[$feature])*
            fn replace_int[O: Replace<u64>, B: IntSrc](r) {
                let b = B::get(&r, 2);
                sources_read();
                let value = O::eval(r.vector(r.field(1)), r.field(3), b);
                sources_read();
                r.set_vector(r.field(0), value);
                next!(r, 2)
            }
        }
        handler! {
            $(#[$feature])*
            fn replace_f32[O: Replace<f32>, B: F32Src](r) {
                let b = B::get(&r, 2);
                sources_read();
                let value = O::eval(r.vector(r.field(1)), r.field(3), b);
                sources_read();
                r.set_vector(r.field(0), value);
                next!(r, 2)
            }
        }
        handler! {
            $(#[$feature])*
            fn replace_f64[O: Replace<f64>, B: F64Src](r) {
                let b = B::get(&r, 2);
                sources_read();
                let value = O::eval(r.vector(r.field(1)), r.field(3), b);
                sources_read();
                r.set_vector(r.field(0), value);
                next!(r, 2)
            }
        }
        handler! {
            /// `d[i] = a[b[i]]`. Word 1: d, a, b. An immediate is words 2 and 3.
            $(#[$feature])*
            fn swizzle_with[B: VectorSrc](r) {
                let value = swizzle::<Here>(r.vector(r.field(1)), B::vector(&r, 2));
                r.set_vector(r.field(0), value);
                next!(r, B::WORDS)
            }
        }
        handler! {
            /// `d[i] = a[words 2 and 3 [i]]`, with indices below 16. Word 1: d, a.
            $(#[$feature])*
            fn shuffle_of_one[](r) {
                let value = shuffle::<Here>(r.vector(r.field(1)), Imm::vector(&r, 0));
                r.set_vector(r.field(0), value);
                next!(r, 4)
            }
        }
        handler! {
            /// The same of a, or b by words 4 and 5. The indices are below 16 in one of them, and 0x80 in the other.
            /// Word 1: d, a, b.
            $(#[$feature])*
            fn shuffle_of_two[](r) {
                let found = shuffle::<Here>(r.vector(r.field(1)), Imm::vector(&r, 0));
                sources_read();
                let more = (r.ip.add(4) as *const U8x16).read_unaligned();
                let value = shuffle_more::<Here>(found, r.vector(r.field(2)), more);
                r.set_vector(r.field(0), value);
                next!(r, 6)
            }
        }
        handler! {
            /// `d = memory[address]`. Word 1: d, then the address form.
            $(#[$feature])*
            fn load[O: VectorLoad, M: Address](r) {
                let end = M::get(&r);
                if outside(r.mb, end) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
                let first = r.mb.add(end as usize).sub(O::BYTES) as *const O::Raw;
                r.set_vector(r.field(0), O::eval::<Here>(|lane| first.add(lane).read_unaligned().swap_on_big_endian()));
                next!(r, M::WORDS)
            }
        }
        handler! {
            /// A load from any memory. Word 1: d, a, memory. Word 2: offset.
            $(#[$feature])*
            fn load_far[O: VectorLoad, X: Access, const WIDE: bool](r) {
                let mb = *(*(*r.cx.get()).instance).memories.add(r.field(2));
                let address = far_address::<WIDE>(&r);
                if outside_far::<X>(mb, address, O::BYTES) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
                let mut first = mb.add(address as usize) as *const u8;
                if X::SHARED {
                    // As few numbers into the slots, where they are lanes: nobody else writes there.
                    sources_read();
                    let slots = r.sp.add(r.field(0)) as *mut u8;
                    copy_numbers::<X>(slots, first, O::BYTES);
                    sources_read();
                    first = slots;
                }
                let lane = |lane| (first as *const O::Raw).add(lane).read_unaligned().swap_on_big_endian();
                r.set_vector(r.field(0), O::eval::<Here>(lane));
                next!(r, 3)
            }
        }
        handler! {
            /// `d = b` with one lane from memory. Word 1: d, a, b, lane. Word 2: offset.
            $(#[$feature])*
            fn load_lane[O: LaneAccess, A: IntSrc](r) {
                let end = A::get(&r, 1) as u32 as u64 + r.wide(2) as u64;
                if outside(r.mb, end) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
                let raw = place::<O::Raw>(r.mb, end).read_unaligned().swap_on_big_endian();
                sources_read();
                let value = O::replaced(r.vector(r.field(2)), r.field(3), raw);
                sources_read();
                r.set_vector(r.field(0), value);
                next!(r, 3)
            }
        }
        handler! {
            /// The same from any memory. Word 1: d, a, memory, lane. Word 2: offset. Word 3: b.
            $(#[$feature])*
            fn load_lane_far[O: LaneAccess, X: Access, const WIDE: bool](r) {
                let mb = *(*(*r.cx.get()).instance).memories.add(r.field(2));
                let address = far_address::<WIDE>(&r);
                if outside_far::<X>(mb, address, size_of::<O::Raw>()) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
                let raw = X::read(mb.add(address as usize) as *const O::Raw).swap_on_big_endian();
                sources_read();
                let value = O::replaced(r.vector(r.word(3) as usize), r.field(3), raw);
                sources_read();
                r.set_vector(r.field(0), value);
                next!(r, 4)
            }
        }

        for_each_vector_unary!(unary_table);
        for_each_vector_binary!(binary_table);
        for_each_vector_ternary!(ternary_table);
        for_each_vector_shift!(shift_table);
        for_each_vector_test!(test_table);
        for_each_splat!(splat_table);
        for_each_replace!(replace_table);
        for_each_vector_load!(load_tables);
        for_each_lane_access!(load_lane_tables);

        pub(super) static TABLES: Tables = Tables {
            unary: UNARY,
            binary: BINARY,
            ternary: TERNARY,
            shift: SHIFT,
            test: TEST,
            test_branch: TEST_BRANCH,
            splat: SPLAT,
            replace: REPLACE,
            swizzle: [swizzle_with::<Slot>, swizzle_with::<Imm>],
            shuffle: [shuffle_of_one, shuffle_of_two],
            load: LOAD,
            load_lane: LOAD_LANE,
            load_lane_far: LOAD_LANE_FAR,
        };
    };
}

mod baseline {
    handlers!(Baseline);
}
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx {
    handlers!(Avx #[target_feature(enable = "avx")]);
}

/// The handlers for the host this is. Once it was asked it knows.
pub(crate) fn tables() -> &'static Tables {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("avx") {
        return &avx::TABLES;
    }
    &baseline::TABLES
}

// ---- what is the same on every host ----------------------------------------------------------------------------

/// The address of the lane that begins at this byte of a vector.
#[inline(always)]
unsafe fn lane_of(r: &Regs, slot: usize, byte: usize) -> *const u8 {
    // SAFETY: T1, F1, F2.
    unsafe { (r.sp.add(slot) as *const u8).add(byte) }
}

handler! {
    /// `d = a`. Word 1: d, a.
    fn copy_v128[](r) {
        let value: Bits = r.vector(r.field(1));
        r.set_vector(r.field(0), value);
        next!(r, 2)
    }
}
handler! {
    /// `d = words 2 and 3`. Word 1: d.
    fn constant_v128[](r) {
        let value: Bits = [r.word(2), r.word(3)];
        r.set_vector(r.field(0), value);
        next!(r, 4)
    }
}
handler! {
    /// `d = condition != 0 ? a : b`. Word 1: d, condition, a, b.
    fn select_v128[C: IntSrc](r) {
        let chosen = if C::get(&r, 1) as u32 != 0 { r.field(2) } else { r.field(3) };
        let value: Bits = r.vector(chosen);
        r.set_vector(r.field(0), value);
        next!(r, 2)
    }
}
handler! {
    /// `d = global`. Word 1: d, then the global.
    fn global_get_v128[P: Place](r) {
        let value = (P::cell(&r) as *const Bits).read_unaligned();
        r.set_vector(r.field(0), value);
        next!(r, 2)
    }
}
handler! {
    /// `global = a`. Word 1: -, a, then the global.
    fn global_set_v128[P: Place](r) {
        let value: Bits = r.vector(r.field(1));
        (P::cell(&r) as *mut Bits).write_unaligned(value);
        next!(r, 2)
    }
}

handler! {
    /// `d = ` the lane of a that begins at a byte of it. Word 1: d, a, byte.
    fn extract[O: Load, D: IntDst](r) {
        let raw = (lane_of(&r, r.field(1), r.field(2)) as *const O::Raw).read_unaligned();
        D::set(&mut r, O::eval(raw));
        next!(r, 2)
    }
}
handler! {
    fn extract_f32[D: F32Dst](r) {
        let raw = (lane_of(&r, r.field(1), r.field(2)) as *const f32).read_unaligned();
        D::set(&mut r, raw.swap_on_big_endian());
        next!(r, 2)
    }
}
handler! {
    fn extract_f64[D: F64Dst](r) {
        let raw = (lane_of(&r, r.field(1), r.field(2)) as *const f64).read_unaligned();
        D::set(&mut r, raw.swap_on_big_endian());
        next!(r, 2)
    }
}
handler! {
    /// `memory[address] = value`. Word 1: value, then the address form.
    fn store[M: Address](r) {
        let end = M::get(&r);
        if outside(r.mb, end) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let value = *(lane_of(&r, r.field(0), 0) as *const Bits);
        place::<Bits>(r.mb, end).write_unaligned(value);
        next!(r, M::WORDS)
    }
}
handler! {
    /// A store to any memory. Word 1: value, a, memory. Word 2: offset.
    fn store_far[X: Access, const WIDE: bool](r) {
        let mb = *(*(*r.cx.get()).instance).memories.add(r.field(2));
        let address = far_address::<WIDE>(&r);
        if outside_far::<X>(mb, address, size_of::<Bits>()) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let value = *(lane_of(&r, r.field(0), 0) as *const Bits);
        X::write(mb.add(address as usize) as *mut Bits, value);
        next!(r, 3)
    }
}
handler! {
    /// Stores the lane of b that begins at a byte of it. Word 1: byte, a, b. Word 2: offset.
    fn store_lane[O: LaneAccess, A: IntSrc](r) {
        let end = A::get(&r, 1) as u32 as u64 + r.wide(2) as u64;
        if outside(r.mb, end) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let value = (lane_of(&r, r.field(2), r.field(0)) as *const O::Raw).read_unaligned();
        place::<O::Raw>(r.mb, end).write_unaligned(value);
        next!(r, 3)
    }
}
handler! {
    /// The same to any memory. Word 1: -, a, memory. Word 2: offset. Word 3: where the lane begins, in bytes from slot 0.
    fn store_lane_far[O: LaneAccess, X: Access, const WIDE: bool](r) {
        let mb = *(*(*r.cx.get()).instance).memories.add(r.field(2));
        let address = far_address::<WIDE>(&r);
        if outside_far::<X>(mb, address, size_of::<O::Raw>()) { leave!(r, MEMORY_OUT_OF_BOUNDS) }
        let to = mb.add(address as usize) as *mut O::Raw;
        let lane = (r.sp as *const u8).add(r.word(3) as usize) as *const O::Raw;
        X::write(to, lane.read_unaligned());
        next!(r, 4)
    }
}

macro_rules! extract_table { ($($name:ident $text:literal $visit:ident $load:ident $ty:ident)*) => {
    pub(crate) static EXTRACT: &[ByD] = &[$(by_d!(extract<memory::$load>)),*];
} }
for_each_extract!(extract_table);
/// The f32 bank has one pin.
pub(crate) static EXTRACT_F32: ByD = [
    extract_f32::<Slot>,
    extract_f32::<Acc>,
    extract_f32::<L0>,
    extract_f32::<Slot>,
];
pub(crate) static EXTRACT_F64: ByD = by_d!(extract_f64);

pub(crate) static STORE_FIXED: Handler = store::<Fixed>;
pub(crate) static STORE_AT: [Handler; 4] = at!(one store<>);
pub(crate) static STORE_AT_64: [Handler; 4] = at64!(one store<>);
pub(crate) static STORE_PLUS: [Handler; 4] = plus!(one store<>);
pub(crate) static STORE_SUM: [[Handler; 4]; 4] = sum!(one store<>);
pub(crate) static STORE_FAR: FarTable = [
    [store_far::<Own, false>, store_far::<Own, true>],
    [store_far::<Shared, false>, store_far::<Shared, true>],
];
macro_rules! store_lane_tables { ($($name:ident $l:literal $s:literal $lv:ident $sv:ident $replace:ident $raw:ty, $lanes:ty)*) => {
    /// By the class of the address.
    pub(crate) static STORE_LANE: &[[Handler; 4]] = &[$(by_d!(store_lane<$name>)),*];
    pub(crate) static STORE_LANE_FAR: &[FarTable] = &[$(far!(store_lane_far<$name>)),*];
} }
for_each_lane_access!(store_lane_tables);

pub(crate) static COPY: Handler = copy_v128;
pub(crate) static CONSTANT: Handler = constant_v128;
/// By the class of the condition.
pub(crate) static SELECT: ByD = [
    select_v128::<Slot>,
    select_v128::<Acc>,
    select_v128::<L0>,
    select_v128::<L1>,
];
/// By place (near, far).
pub(crate) static GLOBAL_GET: [Handler; 2] = [global_get_v128::<Near>, global_get_v128::<Far>];
pub(crate) static GLOBAL_SET: [Handler; 2] = [global_set_v128::<Near>, global_set_v128::<Far>];

#[cfg(all(test, target_arch = "x86_64", not(miri)))]
mod tests {
    use super::*;

    /// A vector of these bytes.
    fn of<V: Lane>(bytes: U8x16) -> V {
        assert_eq!(size_of::<V>(), 16);
        // SAFETY: arrays of numbers, of 16 bytes.
        unsafe { (bytes.as_ptr() as *const V).read_unaligned() }
    }

    fn bytes<V: Lane>(vector: V) -> U8x16 {
        assert_eq!(size_of::<V>(), 16);
        // SAFETY: as above.
        unsafe { (&raw const vector as *const U8x16).read_unaligned() }
    }

    /// Vectors at random, and of lanes at the edges of what they can be.
    fn samples() -> impl Iterator<Item = [U8x16; 3]> {
        const EDGES: [u64; 12] = [
            0,
            u64::MAX,
            0x8000_0000_0000_0000,
            0x7fff_ffff_7fff_ffff,
            0x8000_8000_8000_8000,
            0x7f80_0000_ff80_0000,
            0x7fc0_0000_7fa0_0000,
            0x7ff0_0000_0000_0000,
            0xfff4_0000_0000_0001,
            0x4f00_0000_cf00_0000,
            0x3f80_0000_bf00_0000,
            0x8080_7f7f_0001_ff80,
        ];
        let mut state = 1u64;
        let mut random = move || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            state ^ state >> 29
        };
        let mut half = move || match random() {
            chosen if chosen & 3 == 0 => EDGES[(chosen >> 8) as usize % EDGES.len()],
            _ => random(),
        };
        (0..2_000).map(move |_| from_fn(|_| bytes([half(), half()])))
    }

    macro_rules! compare {
        ($kind:ident: $($name:ident $text:literal $visit:ident $args:tt -> $r:ty $body:block)*) => {
            #[allow(unused_variables)]
            for [a, b, c] in samples() {
                $(compare!(@$kind $name, a, b, c);)*
            }
        };
        (@unary $name:ident, $a:ident, $b:ident, $c:ident) => {
            let (one, two) = ($name::eval::<Baseline>(of($a)), $name::eval::<Avx>(of($a)));
            assert_eq!(bytes(one), bytes(two), "{} {:x?}", stringify!($name), $a);
        };
        (@binary $name:ident, $a:ident, $b:ident, $c:ident) => {
            let (one, two) = ($name::eval::<Baseline>(of($a), of($b)), $name::eval::<Avx>(of($a), of($b)));
            assert_eq!(bytes(one), bytes(two), "{} {:x?} {:x?}", stringify!($name), $a, $b);
        };
        (@ternary $name:ident, $a:ident, $b:ident, $c:ident) => {
            let one = $name::eval::<Baseline>(of($a), of($b), of($c));
            let two = $name::eval::<Avx>(of($a), of($b), of($c));
            assert_eq!(bytes(one), bytes(two), "{} {:x?} {:x?} {:x?}", stringify!($name), $a, $b, $c);
        };
    }
    macro_rules! unary { ($($t:tt)*) => { compare! { unary: $($t)* } } }
    macro_rules! binary { ($($t:tt)*) => { compare! { binary: $($t)* } } }
    macro_rules! ternary { ($($t:tt)*) => { compare! { ternary: $($t)* } } }

    #[test]
    fn rows_do_the_same_with_and_without_avx() {
        if !std::arch::is_x86_feature_detected!("avx") {
            return;
        }
        for_each_vector_unary!(unary);
        for_each_vector_binary!(binary);
        for_each_vector_ternary!(ternary);
        for [a, b, _] in samples() {
            let b: U8x16 = b.map(|index| index % 24);
            let mapped = map(b, |index| a.get(index as usize).copied().unwrap_or(0));
            assert_eq!(swizzle::<Baseline>(a, b), mapped);
            assert_eq!(swizzle::<Avx>(a, b), mapped);
            let indices = b.map(|index| if index < 16 { index } else { 0x80 });
            let more = b.map(|index| if index < 16 { 0x80 } else { index - 16 });
            let one = shuffle_more::<Baseline>(shuffle::<Baseline>(a, indices), b, more);
            let two = shuffle_more::<Avx>(shuffle::<Avx>(a, indices), b, more);
            assert_eq!(one, two);
        }
    }
}
