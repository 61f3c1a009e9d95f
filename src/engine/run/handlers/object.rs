//! Structs and arrays: reading and writing fields and elements, casts. Spec: exec/instructions.html#aggregate-reference-instructions
//!
//! A reference is the object's address, so that a field is one comparison with null and one load; see `register::Layout`
//! for where things are. What allocates leaves for the driver.

use super::float::f32_by_d;
use super::memory::{Load, Store, StoreImm, Stored};
use super::*;
use crate::engine::ops::*;
use crate::engine::register::{ARRAY_HEADER, OBJECT_HEADER, TypeInfo};
use crate::engine::run::dispatch::*;
use crate::engine::run::exit::*;
use crate::engine::run::operand::*;

/// Where the element is that operands 1 and 2 name. Leaves for null and for what is outside.
macro_rules! element {
    ($r:ident, $a:ident, $b:ident, $t:ty) => {{
        let object = $a::get(&$r, 1) as *mut u8;
        if object.is_null() {
            leave!($r, NULL_ARRAY)
        }
        let index = $b::get(&$r, 2) as u32;
        if index >= *(object.add(OBJECT_HEADER) as *const u32) {
            leave!($r, ARRAY_OUT_OF_BOUNDS)
        }
        object.add(ARRAY_HEADER).cast::<$t>().add(index as usize)
    }};
}
/// Where the field is. The offset stands in the upper half of word 1.
macro_rules! field {
    ($r:ident, $a:ident, $t:ty) => {{
        let object = $a::get(&$r, 1) as *mut u8;
        if object.is_null() {
            leave!($r, NULL_STRUCT)
        }
        object.add($r.wide(1) as usize).cast::<$t>()
    }};
}

handler! {
    /// `d = field of a`. Word 1: d, a, then the field's offset.
    fn field_get[O: Load, A: IntSrc, D: IntDst](r) {
        let value = O::eval(field!(r, A, O::Raw).read());
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    fn field_get_f64[A: IntSrc, D: F64Dst](r) {
        let value = field!(r, A, f64).read();
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    fn field_get_f32[A: IntSrc, D: F32Dst](r) {
        let value = field!(r, A, f32).read();
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    /// `field of a = value`. Word 1: value, a, then the field's offset. An immediate is in the upper half of word 2.
    fn field_set[O: Store, A: IntSrc, V: Stored](r) {
        let field = field!(r, A, O::Raw);
        field.write(O::eval(V::get(&r)));
        next!(r, V::WORDS)
    }
}
handler! {
    fn field_set_f64[A: IntSrc, V: F64Src](r) {
        let field = field!(r, A, f64);
        field.write(V::get(&r, 0));
        next!(r, 2)
    }
}
handler! {
    fn field_set_f32[A: IntSrc, V: F32Src](r) {
        let field = field!(r, A, f32);
        field.write(V::get(&r, 0));
        next!(r, 2)
    }
}
handler! {
    /// `d = a[b]`. Word 1: d, a, b or the immediate.
    fn element_get[O: Load, A: IntSrc, B: IntSrc, D: IntDst](r) {
        let value = O::eval(element!(r, A, B, O::Raw).read());
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    fn element_get_f64[A: IntSrc, B: IntSrc, D: F64Dst](r) {
        let value = element!(r, A, B, f64).read();
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    fn element_get_f32[A: IntSrc, B: IntSrc, D: F32Dst](r) {
        let value = element!(r, A, B, f32).read();
        D::set(&mut r, value);
        next!(r, 2)
    }
}
handler! {
    /// `a[b] = value`. Word 1: value, a, b or the immediate.
    fn element_set[O: Store, A: IntSrc, B: IntSrc, V: Stored](r) {
        let element = element!(r, A, B, O::Raw);
        element.write(O::eval(V::get(&r)));
        next!(r, 2)
    }
}
handler! {
    fn element_set_f64[A: IntSrc, B: IntSrc, V: F64Src](r) {
        let element = element!(r, A, B, f64);
        element.write(V::get(&r, 0));
        next!(r, 2)
    }
}
handler! {
    fn element_set_f32[A: IntSrc, B: IntSrc, V: F32Src](r) {
        let element = element!(r, A, B, f32);
        element.write(V::get(&r, 0));
        next!(r, 2)
    }
}
handler! {
    /// `d = elements of a`. Word 1: d, a.
    fn array_len[A: IntSrc, D: IntDst](r) {
        let object = A::get(&r, 1) as *const u8;
        if object.is_null() { leave!(r, NULL_ARRAY) }
        let len = *(object.add(OBJECT_HEADER) as *const u32);
        D::set(&mut r, len as u64);
        next!(r, 2)
    }
}

/// Whether a reference that is not null is to an object of a defined type: it stands among the supertypes of the
/// object's type at its own place. Word 1, field 2: the place. Word 2: the id.
#[inline(always)]
unsafe fn is_of_type(r: &Regs, slot: u64) -> bool {
    // SAFETY: T1; references to objects are their addresses (G1).
    unsafe {
        if slot & 3 != 0 {
            return false;
        }
        let supers = &(**(slot as *const *const TypeInfo)).supers;
        let place = r.field(2);
        place < supers.len() && *supers.as_ptr().add(place) as u64 == r.word(2)
    }
}

handler! {
    /// `d = a is of a defined type`, or null if `NULL`. Word 1: d, a, place. Word 2: id.
    fn ref_test[const NULL: bool, A: IntSrc, D: IntDst](r) {
        let slot = A::get(&r, 1);
        let is = if slot == 0 { NULL } else { is_of_type(&r, slot) };
        D::set(&mut r, is as u64);
        next!(r, 3)
    }
}
handler! {
    /// Traps unless it is. Word 1: -, a, place. Word 2: id.
    fn ref_cast[const NULL: bool, A: IntSrc](r) {
        let slot = A::get(&r, 1);
        let is = if slot == 0 { NULL } else { is_of_type(&r, slot) };
        if !is { leave!(r, CAST_FAILURE) }
        next!(r, 3)
    }
}

// ---- tables ------------------------------------------------------------------------------------------------------

macro_rules! by_field {
    ($h:ident<$o:ty>) => {
        [by_field!(@ $h<$o, Slot>), by_field!(@ $h<$o, Acc>), by_field!(@ $h<$o, L0>), by_field!(@ $h<$o, L1>)]
    };
    (@ $h:ident<$o:ty, $a:ty>) => {
        [$h::<$o, $a, Slot>, $h::<$o, $a, Acc>, $h::<$o, $a, L0>, $h::<$o, $a, L1>, $h::<$o, $a, StoreImm>]
    };
}
macro_rules! by_element {
    ($h:ident<$($o:ty)?>) => {
        [by_element!(@ $h<$($o)?; Slot>), by_element!(@ $h<$($o)?; Acc>), by_element!(@ $h<$($o)?; Slot>),
         by_element!(@ $h<$($o)?; Slot>)]
    };
    (@ $h:ident<$($o:ty)?; $a:ty>) => {
        [by_element!(@@ $h<$($o)?; $a, Slot>), by_element!(@@ $h<$($o)?; $a, Acc>), by_element!(@@ $h<$($o)?; $a, Slot>),
         by_element!(@@ $h<$($o)?; $a, Slot>), by_element!(@@ $h<$($o)?; $a, Imm>)]
    };
    (@@ $h:ident<$($o:ty)?; $a:ty, $b:ty>) => { [$h::<$($o,)? $a, $b, Slot>, $h::<$($o,)? $a, $b, Acc>] };
}
macro_rules! field_get_tables {
    ($($name:ident $text:literal $raw:ident $args:tt -> $r:ty $body:block)*) => {
        /// By operation, then class of the reference, then of the destination.
        pub(crate) static FIELD_GET: &[BySD] = &[$(by_sd!(field_get<super::memory::$name>)),*];
        /// By operation, then classes of the reference, of the index and of the destination.
        pub(crate) static ELEMENT_GET: &[BySSD] = &[$(by_ssd_small!(element_get<super::memory::$name>)),*];
    };
}
for_each_load!(field_get_tables);
macro_rules! field_set_tables {
    ($($name:ident $text:literal $raw:ident)*) => {
        /// By operation, then classes of the reference and of the value.
        pub(crate) static FIELD_SET: &[[[Handler; 5]; 4]] = &[$(by_field!(field_set<super::memory::$name>)),*];
        /// By operation, then classes of the reference, of the index and of the value.
        pub(crate) static ELEMENT_SET: &[[[[Handler; 2]; 5]; 4]] = &[$(by_element!(element_set<super::memory::$name>)),*];
    };
}
for_each_store!(field_set_tables);

macro_rules! f32_by_sd {
    ($h:ident<$($g:ty),*>) => {
        [f32_by_d!($h<$($g,)* Slot>), f32_by_d!($h<$($g,)* Acc>), f32_by_d!($h<$($g,)* L0>), f32_by_d!($h<$($g,)* L1>),
         f32_by_d!($h<$($g,)* Slot>)]
    };
}
pub(crate) static FIELD_GET_F64: BySD = by_sd!(field_get_f64);
#[rustfmt::skip]
pub(crate) static FIELD_GET_F32: BySD = f32_by_sd!(field_get_f32<>);
#[rustfmt::skip]
pub(crate) static ELEMENT_GET_F64: BySSD = by_ssd_small!(element_get_f64<>);
macro_rules! f32_element {
    () => {
        [f32_element!(@ Slot), f32_element!(@ Acc), f32_element!(@ Slot), f32_element!(@ Slot), f32_element!(@ Slot)]
    };
    (@ $a:ty) => {
        [f32_by_d!(element_get_f32<$a, Slot>), f32_by_d!(element_get_f32<$a, Acc>), f32_by_d!(element_get_f32<$a, Slot>),
         f32_by_d!(element_get_f32<$a, Slot>), f32_by_d!(element_get_f32<$a, Imm>)]
    };
}
pub(crate) static ELEMENT_GET_F32: BySSD = f32_element!();
macro_rules! float_set {
    ($h:ident) => {
        [
            [$h::<Slot, Slot>, $h::<Slot, Acc>],
            [$h::<Acc, Slot>, $h::<Acc, Acc>],
            [$h::<L0, Slot>, $h::<L0, Acc>],
            [$h::<L1, Slot>, $h::<L1, Acc>],
        ]
    };
}
#[rustfmt::skip]
pub(crate) static FIELD_SET_F64: [[Handler; 2]; 4] = float_set!(field_set_f64);
#[rustfmt::skip]
pub(crate) static FIELD_SET_F32: [[Handler; 2]; 4] = float_set!(field_set_f32);
#[rustfmt::skip]
pub(crate) static ELEMENT_SET_F64: [[[Handler; 2]; 5]; 4] = by_element!(element_set_f64<>);
#[rustfmt::skip]
pub(crate) static ELEMENT_SET_F32: [[[Handler; 2]; 5]; 4] = by_element!(element_set_f32<>);
pub(crate) static ARRAY_LEN: BySD = by_sd!(array_len);
macro_rules! tests {
    ($null:literal) => {
        [tests!(@ $null Slot), tests!(@ $null Acc), tests!(@ $null L0), tests!(@ $null L1)]
    };
    (@ $null:literal $a:ty) => {
        [ref_test::<$null, $a, Slot>, ref_test::<$null, $a, Acc>, ref_test::<$null, $a, L0>, ref_test::<$null, $a, L1>]
    };
}
/// By whether null counts, then classes of the reference and of the destination.
pub(crate) static REF_TEST: [[ByD; 4]; 2] = [tests!(false), tests!(true)];
macro_rules! casts {
    ($null:literal) => {
        [
            ref_cast::<$null, Slot>,
            ref_cast::<$null, Acc>,
            ref_cast::<$null, L0>,
            ref_cast::<$null, L1>,
        ]
    };
}
/// By whether null counts, then class of the reference.
pub(crate) static REF_CAST: [[Handler; 4]; 2] = [casts!(false), casts!(true)];
