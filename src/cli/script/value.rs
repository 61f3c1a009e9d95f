//! Values in scripts: arguments, expected results, and how a result is compared with what was expected.

use std::fmt::Write as _;

use wasmrun::{AnyRef, ExternRef, Store, Val};
use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::token::{F32, F64};
use wast::{WastArg, WastRet};

use super::{Miss, failed, skipped};

/// Turns the arguments of an `invoke` into values.
pub(super) fn arguments(args: &[WastArg<'_>]) -> Result<Vec<Val>, Miss> {
    args.iter().map(argument).collect()
}

fn argument(arg: &WastArg<'_>) -> Result<Val, Miss> {
    let WastArg::Core(arg) = arg else {
        return skipped("component model");
    };
    Ok(match arg {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(f32::from_bits(value.bits)),
        WastArgCore::F64(value) => Val::F64(f64::from_bits(value.bits)),
        WastArgCore::RefNull(heap) => match heap_kind(heap) {
            Some(HeapKind::Func) => Val::FuncRef(None),
            Some(HeapKind::Extern) => Val::ExternRef(None),
            Some(HeapKind::Exn) => Val::ExnRef(None),
            Some(HeapKind::Any) => Val::AnyRef(None),
            None => return failed("a null of a type of a module"),
        },
        WastArgCore::RefExtern(number) => Val::ExternRef(Some(ExternRef::new(*number))),
        WastArgCore::RefHost(number) => Val::AnyRef(Some(AnyRef::from_extern(ExternRef::new(*number)))),
        WastArgCore::V128(bits) => Val::V128(u128::from_le_bytes(bits.to_le_bytes())),
    })
}

#[derive(PartialEq)]
enum HeapKind {
    Func,
    Extern,
    Exn,
    Any,
}

/// `None` for the heap types of continuations, and types of a module.
fn heap_kind(heap: &HeapType<'_>) -> Option<HeapKind> {
    match heap {
        HeapType::Abstract {
            ty: AbstractHeapType::Func | AbstractHeapType::NoFunc,
            ..
        } => Some(HeapKind::Func),
        HeapType::Abstract {
            ty: AbstractHeapType::Extern | AbstractHeapType::NoExtern,
            ..
        } => Some(HeapKind::Extern),
        HeapType::Abstract {
            ty:
                AbstractHeapType::Any
                | AbstractHeapType::Eq
                | AbstractHeapType::I31
                | AbstractHeapType::Struct
                | AbstractHeapType::Array
                | AbstractHeapType::None,
            ..
        } => Some(HeapKind::Any),
        HeapType::Abstract {
            ty: AbstractHeapType::Exn | AbstractHeapType::NoExn,
            ..
        } => Some(HeapKind::Exn),
        _ => None,
    }
}

/// Compares results with what a script expects; the message shows both.
pub(super) fn compare(store: &Store<()>, found: &[Val], expected: &[WastRet<'_>]) -> Result<(), Miss> {
    let mut all_equal = found.len() == expected.len();
    for (found, expected) in found.iter().zip(expected) {
        let WastRet::Core(expected) = expected else {
            return skipped("component model");
        };
        all_equal &= equal(store, found, expected)?;
    }
    if all_equal {
        return Ok(());
    }
    let expected = list(expected.iter().map(|ret| match ret {
        WastRet::Core(ret) => show_expected(ret),
        other => format!("{other:?}"),
    }));
    Err(Miss::Failed(format!(
        "expected {expected}, found {}",
        list(found.iter().map(show))
    )))
}

fn equal(store: &Store<()>, found: &Val, expected: &WastRetCore<'_>) -> Result<bool, Miss> {
    Ok(match (expected, found) {
        (WastRetCore::I32(expected), Val::I32(found)) => expected == found,
        (WastRetCore::I64(expected), Val::I64(found)) => expected == found,
        // Bits are compared, never values: -0 and 0 differ, and a NaN equals itself.
        (WastRetCore::F32(pattern), Val::F32(found)) => equal_f32(found.to_bits(), pattern),
        (WastRetCore::F64(pattern), Val::F64(found)) => equal_f64(found.to_bits(), pattern),
        (WastRetCore::V128(pattern), Val::V128(found)) => equal_lanes(*found, pattern),
        (WastRetCore::RefNull(Some(heap)), Val::ExnRef(None)) => heap_kind(heap) == Some(HeapKind::Exn),
        (
            WastRetCore::RefNull(None),
            Val::FuncRef(None) | Val::ExternRef(None) | Val::AnyRef(None) | Val::ExnRef(None),
        ) => true,
        (WastRetCore::RefNull(Some(heap)), Val::FuncRef(None)) => heap_kind(heap) == Some(HeapKind::Func),
        (WastRetCore::RefNull(Some(heap)), Val::ExternRef(None)) => heap_kind(heap) == Some(HeapKind::Extern),
        (WastRetCore::RefNull(Some(heap)), Val::AnyRef(None)) => heap_kind(heap) == Some(HeapKind::Any),
        (WastRetCore::RefExtern(None), Val::ExternRef(Some(_))) => true,
        (WastRetCore::RefExtern(Some(number)), Val::ExternRef(Some(found))) => host_number(found) == Some(*number),
        (WastRetCore::RefFunc(None), Val::FuncRef(Some(_))) => true,
        (WastRetCore::Either(choices), _) => {
            for choice in choices {
                if equal(store, found, choice)? {
                    return Ok(true);
                }
            }
            false
        }
        (WastRetCore::RefHost(number), Val::AnyRef(Some(found))) => host_number(&found.to_extern()) == Some(*number),
        (WastRetCore::RefAny, Val::AnyRef(Some(_))) => true,
        (WastRetCore::RefEq, Val::AnyRef(Some(found))) => is_a(store, found, wasmrun::HeapType::Eq),
        (WastRetCore::RefArray, Val::AnyRef(Some(found))) => is_a(store, found, wasmrun::HeapType::Array),
        (WastRetCore::RefStruct, Val::AnyRef(Some(found))) => is_a(store, found, wasmrun::HeapType::Struct),
        (WastRetCore::RefI31, Val::AnyRef(Some(found))) => is_a(store, found, wasmrun::HeapType::I31),
        _ => false,
    })
}

fn equal_f32(found: u32, pattern: &NanPattern<F32>) -> bool {
    match pattern {
        NanPattern::CanonicalNan => found & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => found & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(expected) => expected.bits == found,
    }
}

fn equal_f64(found: u64, pattern: &NanPattern<F64>) -> bool {
    match pattern {
        NanPattern::CanonicalNan => found & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => found & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(expected) => expected.bits == found,
    }
}

/// Whether each lane is what the pattern says of it.
fn equal_lanes(found: u128, pattern: &V128Pattern) -> bool {
    let lane = |bits: usize, at: usize| (found >> (bits * at)) as u64;
    match pattern {
        V128Pattern::I8x16(lanes) => lanes.iter().enumerate().all(|(at, &want)| lane(8, at) as i8 == want),
        V128Pattern::I16x8(lanes) => lanes.iter().enumerate().all(|(at, &want)| lane(16, at) as i16 == want),
        V128Pattern::I32x4(lanes) => lanes.iter().enumerate().all(|(at, &want)| lane(32, at) as i32 == want),
        V128Pattern::I64x2(lanes) => lanes.iter().enumerate().all(|(at, &want)| lane(64, at) as i64 == want),
        V128Pattern::F32x4(lanes) => lanes
            .iter()
            .enumerate()
            .all(|(at, want)| equal_f32(lane(32, at) as u32, want)),
        V128Pattern::F64x2(lanes) => lanes.iter().enumerate().all(|(at, want)| equal_f64(lane(64, at), want)),
    }
}

fn is_a(store: &Store<()>, found: &AnyRef, ty: wasmrun::HeapType) -> bool {
    found.is_a(store, ty).is_ok_and(|is| is)
}

/// The number a script gave to a host reference.
fn host_number(reference: &ExternRef) -> Option<u32> {
    reference.downcast_ref::<u32>().copied()
}

fn list(values: impl Iterator<Item = String>) -> String {
    let mut text = String::from("[");
    for (index, value) in values.enumerate() {
        let separator = if index > 0 { ", " } else { "" };
        let _ = write!(text, "{separator}{value}");
    }
    text + "]"
}

fn show(value: &Val) -> String {
    match value {
        Val::I32(value) => format!("i32 {value}"),
        Val::I64(value) => format!("i64 {value}"),
        Val::F32(value) => format!("f32 {value:?} ({:#010x})", value.to_bits()),
        Val::F64(value) => format!("f64 {value:?} ({:#018x})", value.to_bits()),
        Val::FuncRef(None) => "null funcref".to_owned(),
        Val::FuncRef(Some(_)) => "funcref".to_owned(),
        Val::ExternRef(None) => "null externref".to_owned(),
        Val::ExternRef(Some(reference)) => match host_number(reference) {
            Some(number) => format!("externref {number}"),
            None => "externref".to_owned(),
        },
        Val::AnyRef(None) => "null anyref".to_owned(),
        Val::AnyRef(Some(reference)) => format!("{reference:?}"),
        other => other.to_string(),
    }
}

fn show_expected(expected: &WastRetCore<'_>) -> String {
    match expected {
        WastRetCore::I32(value) => show(&Val::I32(*value)),
        WastRetCore::I64(value) => show(&Val::I64(*value)),
        WastRetCore::F32(NanPattern::Value(value)) => show(&Val::F32(f32::from_bits(value.bits))),
        WastRetCore::F64(NanPattern::Value(value)) => show(&Val::F64(f64::from_bits(value.bits))),
        WastRetCore::F32(NanPattern::CanonicalNan) => "f32 nan:canonical".to_owned(),
        WastRetCore::F32(NanPattern::ArithmeticNan) => "f32 nan:arithmetic".to_owned(),
        WastRetCore::F64(NanPattern::CanonicalNan) => "f64 nan:canonical".to_owned(),
        WastRetCore::F64(NanPattern::ArithmeticNan) => "f64 nan:arithmetic".to_owned(),
        WastRetCore::RefExtern(Some(number)) => format!("externref {number}"),
        other => format!("{other:?}"),
    }
}
