//! Rust types that stand for WebAssembly values, and tuples of them for parameters and results.

use super::{AnyRef, ExnRef, ExternRef, Refs, v128_from_slots, v128_slots};
use crate::engine::error::Error;
use crate::engine::func::Func;
use crate::engine::types::ValType;

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that stands for one WebAssembly value.
///
/// `i32` and `u32` are `i32`; `i64` and `u64` are `i64`; `f32`, `f64`; `u128` is `v128`; `Option<Func>` is `funcref`;
/// `Option<ExternRef>` is `externref`; `Option<AnyRef>` is `anyref`, `Option<ExnRef>` is
/// `exnref`. The trait is sealed.
pub trait WasmTy: sealed::Sealed + Send + Sized + 'static {
    /// The WebAssembly type.
    const TYPE: ValType;

    /// Reads the first slot; or slots, if the type has more.
    #[doc(hidden)]
    #[expect(private_interfaces)]
    #[inline]
    fn from_slots(slots: &[u64], refs: &Refs) -> Self {
        Self::from_slot(slots[0], refs)
    }

    /// Writes the first slot; or slots, if the type has more.
    #[doc(hidden)]
    #[expect(private_interfaces)]
    #[inline]
    fn into_slots(self, slots: &mut [u64], refs: &mut Refs) -> Result<(), Error> {
        slots[0] = self.into_slot(refs)?;
        Ok(())
    }

    /// Reads a slot; of a type that has more, its lowest 64 bits.
    #[doc(hidden)]
    #[expect(private_interfaces)]
    fn from_slot(slot: u64, refs: &Refs) -> Self;

    /// The value as a slot; of a type that has more, its lowest 64 bits.
    #[doc(hidden)]
    #[expect(private_interfaces)]
    fn into_slot(self, refs: &mut Refs) -> Result<u64, Error>;
}

impl sealed::Sealed for u128 {}
#[expect(private_interfaces)]
impl WasmTy for u128 {
    const TYPE: ValType = ValType::V128;

    #[inline]
    fn from_slots(slots: &[u64], _: &Refs) -> u128 {
        v128_from_slots([slots[0], slots[1]])
    }

    #[inline]
    fn into_slots(self, slots: &mut [u64], _: &mut Refs) -> Result<(), Error> {
        slots[..2].copy_from_slice(&v128_slots(self));
        Ok(())
    }

    #[inline]
    fn from_slot(slot: u64, _: &Refs) -> u128 {
        u128::from(slot)
    }

    #[inline]
    fn into_slot(self, _: &mut Refs) -> Result<u64, Error> {
        Ok(self as u64)
    }
}

macro_rules! wasm_number {
    ($($rust:ty: $ty:ident, $slot:ident => $read:expr, $value:ident => $write:expr;)*) => { $(
        impl sealed::Sealed for $rust {}
        #[expect(private_interfaces)]
        impl WasmTy for $rust {
            const TYPE: ValType = ValType::$ty;
            #[inline]
            fn from_slot($slot: u64, _: &Refs) -> $rust { $read }
            #[inline]
            fn into_slot(self, _: &mut Refs) -> Result<u64, Error> { let $value = self; Ok($write) }
        }
    )* };
}
wasm_number! {
    i32: I32, slot => slot as i32, v => u64::from(v as u32);
    u32: I32, slot => slot as u32, v => u64::from(v);
    i64: I64, slot => slot as i64, v => v as u64;
    u64: I64, slot => slot, v => v;
    f32: F32, slot => f32::from_bits(slot as u32), v => u64::from(v.to_bits());
    f64: F64, slot => f64::from_bits(slot), v => v.to_bits();
}

impl sealed::Sealed for Option<Func> {}
#[expect(private_interfaces)]
impl WasmTy for Option<Func> {
    const TYPE: ValType = ValType::FUNCREF;

    #[inline]
    fn from_slot(slot: u64, refs: &Refs) -> Self {
        Func::from_slot(slot, refs.store)
    }

    #[inline]
    fn into_slot(self, refs: &mut Refs) -> Result<u64, Error> {
        match self {
            None => Ok(0),
            Some(func) => func.slot_in(refs.store),
        }
    }
}

impl sealed::Sealed for Option<ExternRef> {}
#[expect(private_interfaces)]
impl WasmTy for Option<ExternRef> {
    const TYPE: ValType = ValType::EXTERNREF;

    fn from_slot(slot: u64, refs: &Refs) -> Self {
        refs.extern_at(slot)
    }

    fn into_slot(self, refs: &mut Refs) -> Result<u64, Error> {
        self.map_or(Ok(0), |value| refs.extern_slot(value))
    }
}

impl sealed::Sealed for Option<AnyRef> {}
#[expect(private_interfaces)]
impl WasmTy for Option<AnyRef> {
    const TYPE: ValType = ValType::ANYREF;

    fn from_slot(slot: u64, refs: &Refs) -> Self {
        AnyRef::from_slot(slot, refs)
    }

    fn into_slot(self, refs: &mut Refs) -> Result<u64, Error> {
        self.map_or(Ok(0), |value| value.to_slot(refs))
    }
}

impl sealed::Sealed for Option<ExnRef> {}
#[expect(private_interfaces)]
impl WasmTy for Option<ExnRef> {
    const TYPE: ValType = ValType::EXNREF;

    fn from_slot(slot: u64, refs: &Refs) -> Self {
        refs.exceptions.reference(slot, refs.store)
    }

    fn into_slot(self, refs: &mut Refs) -> Result<u64, Error> {
        self.map_or(Ok(0), |value| value.slot_in(refs.store))
    }
}

/// Parameters of a typed call: `()`, one [`WasmTy`], or a tuple of up to 16 of them. Sealed.
pub trait WasmParams: sealed::Sealed + Send {
    /// Their types, in order.
    const TYPES: &'static [ValType];

    #[doc(hidden)]
    #[expect(private_interfaces)]
    fn store(self, slots: &mut [u64], refs: &mut Refs) -> Result<(), Error>;
}

/// Results of a typed call or of a host function: `()`, one [`WasmTy`], or a tuple of up to 16 of them. Sealed.
pub trait WasmResults: sealed::Sealed + Send + Sized {
    /// Their types, in order.
    const TYPES: &'static [ValType];

    #[doc(hidden)]
    #[expect(private_interfaces)]
    fn load(slots: &[u64], refs: &Refs) -> Self;

    #[doc(hidden)]
    #[expect(private_interfaces)]
    fn store_results(self, slots: &mut [u64], refs: &mut Refs) -> Result<(), Error>;
}

macro_rules! one_value {
    ($($ty:ty),*) => { $(
        #[expect(private_interfaces)]
        impl WasmParams for $ty {
            const TYPES: &'static [ValType] = &[<$ty as WasmTy>::TYPE];
            #[inline]
            fn store(self, slots: &mut [u64], refs: &mut Refs) -> Result<(), Error> {
                self.into_slots(slots, refs)
            }
        }
        #[expect(private_interfaces)]
        impl WasmResults for $ty {
            const TYPES: &'static [ValType] = &[<$ty as WasmTy>::TYPE];
            #[inline]
            fn load(slots: &[u64], refs: &Refs) -> Self {
                <$ty as WasmTy>::from_slots(slots, refs)
            }
            #[inline]
            fn store_results(self, slots: &mut [u64], refs: &mut Refs) -> Result<(), Error> {
                self.into_slots(slots, refs)
            }
        }
    )* };
}
one_value!(
    i32,
    u32,
    i64,
    u64,
    f32,
    f64,
    u128,
    Option<Func>,
    Option<ExternRef>,
    Option<AnyRef>,
    Option<ExnRef>
);

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: WasmTy),*> sealed::Sealed for ($($name,)*) {}
        #[allow(non_snake_case, unused_variables, unused_mut, unused_assignments)]
        #[expect(private_interfaces)]
        impl<$($name: WasmTy),*> WasmParams for ($($name,)*) {
            const TYPES: &'static [ValType] = &[$($name::TYPE),*];
            #[inline]
            fn store(self, slots: &mut [u64], refs: &mut Refs) -> Result<(), Error> {
                let ($($name,)*) = self;
                let mut at = 0;
                $( $name.into_slots(&mut slots[at..], refs)?; at += $name::TYPE.slots(); )*
                Ok(())
            }
        }
        #[allow(non_snake_case, unused_variables, unused_mut, unused_assignments, clippy::unused_unit)]
        #[expect(private_interfaces)]
        impl<$($name: WasmTy),*> WasmResults for ($($name,)*) {
            const TYPES: &'static [ValType] = &[$($name::TYPE),*];
            #[inline]
            fn load(slots: &[u64], refs: &Refs) -> Self {
                let mut at = 0;
                $( let $name = $name::from_slots(&slots[at..], refs); at += $name::TYPE.slots(); )*
                ($($name,)*)
            }
            #[inline]
            fn store_results(self, slots: &mut [u64], refs: &mut Refs) -> Result<(), Error> {
                WasmParams::store(self, slots, refs)
            }
        }
    };
}
tuples!();
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J K);
tuples!(A B C D E F G H I J K L);
tuples!(A B C D E F G H I J K L M);
tuples!(A B C D E F G H I J K L M N);
tuples!(A B C D E F G H I J K L M N O);
tuples!(A B C D E F G H I J K L M N O P);
