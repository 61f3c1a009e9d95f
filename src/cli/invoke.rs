//! `--invoke`: arguments read by the types of the parameters, results as text, and what could have been called.

use std::ffi::OsString;
use std::fmt::Write as _;

use wasmrun::{ExternType, FuncType, Module, Val, ValType};
use wast::parser::{self, Parse, ParseBuffer};
use wast::token::{F32, F64};

use super::report::one_line;

/// Functions the list of exports shows.
const MAX_LISTED: usize = 60;

/// The type of the exported function `name`, or what to tell the user.
pub fn find(module: &Module, name: &str) -> Result<FuncType, String> {
    for export in module.exports() {
        if export.name == name {
            return match &export.ty {
                ExternType::Func(ty) => Ok(ty.clone()),
                other => Err(format!(
                    "`{}` is {other}, not a function\n{}",
                    one_line(name),
                    functions(module)
                )),
            };
        }
    }
    Err(format!(
        "there is no exported function `{}`\n{}",
        one_line(name),
        functions(module)
    ))
}

/// The exported functions with their signatures.
pub fn functions(module: &Module) -> String {
    let mut listed = Vec::new();
    for export in module.exports() {
        if let ExternType::Func(ty) = &export.ty {
            listed.push(format!("  {} {ty}", one_line(export.name)));
        }
    }
    if listed.is_empty() {
        return "the module exports no functions".to_owned();
    }
    let mut text = String::from("exported functions:");
    for line in listed.iter().take(MAX_LISTED) {
        let _ = write!(text, "\n{line}");
    }
    if listed.len() > MAX_LISTED {
        let _ = write!(text, "\n  ... and {} more", listed.len() - MAX_LISTED);
    }
    text
}

/// Reads the arguments of a call of `name`, a function of type `ty`.
pub fn arguments(name: &str, ty: &FuncType, texts: &[OsString]) -> Result<Vec<Val>, String> {
    let name = one_line(name);
    let (wanted, given) = (ty.params().len(), texts.len());
    if wanted != given {
        let s = if wanted == 1 { "" } else { "s" };
        return Err(format!("`{name}` takes {wanted} argument{s}, {given} given: {ty}"));
    }
    let mut values = Vec::with_capacity(wanted);
    for (index, (text, &ty)) in texts.iter().zip(ty.params()).enumerate() {
        let text = text.to_string_lossy();
        let value = argument(&text, ty).ok_or_else(|| {
            let expected = expected(ty);
            format!(
                "argument {} of `{name}`: `{}` is not {expected}",
                index + 1,
                one_line(&text)
            )
        })?;
        values.push(value);
    }
    Ok(values)
}

fn argument(text: &str, ty: ValType) -> Option<Val> {
    match ty {
        ValType::I32 => token::<i32>(text).map(Val::I32),
        ValType::I64 => token::<i64>(text).map(Val::I64),
        ValType::F32 => token::<F32>(text).map(|value| Val::F32(f32::from_bits(value.bits))),
        ValType::F64 => token::<F64>(text).map(|value| Val::F64(f64::from_bits(value.bits))),
        ValType::V128 => vector(text).map(Val::V128),
        ValType::FUNCREF => (text == "null").then_some(Val::FuncRef(None)),
        ValType::EXTERNREF => (text == "null").then_some(Val::ExternRef(None)),
        ValType::EXNREF => (text == "null").then_some(Val::ExnRef(None)),
        _ => None,
    }
}

/// Reads the 128 bits of a vector as one number.
fn vector(text: &str) -> Option<u128> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // The library's function would also take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(digits, radix).ok()
}

/// Reads a number as the text format writes it.
fn token<T: for<'t> Parse<'t>>(text: &str) -> Option<T> {
    // The text format would also take spaces and comments around the number.
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-._:".contains(&byte))
    {
        return None;
    }
    let buffer = ParseBuffer::new(text).ok()?;
    parser::parse::<T>(&buffer).ok()
}

fn expected(ty: ValType) -> String {
    match ty {
        ValType::I32 => {
            "an i32: a whole number from -2147483648 to 4294967295, or 0x and hexadecimal digits".to_owned()
        }
        ValType::I64 => "an i64: a whole number of 64 bits, or 0x and hexadecimal digits".to_owned(),
        ValType::V128 => "a v128: its 128 bits as a whole number, or 0x and hexadecimal digits".to_owned(),
        ValType::F32 | ValType::F64 => {
            format!("an {ty}: a number, inf, nan, or one of these with a sign")
        }
        ValType::FUNCREF => "a funcref: only `null` can be given here".to_owned(),
        ValType::EXTERNREF | ValType::EXNREF => format!("an {ty}: only `null` can be given here"),
        _ => format!("{ty}, which cannot be given here"),
    }
}

/// A result as a line of its own. Numbers are written so that [`arguments`] reads the same value back.
pub fn show(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(value) if value.is_nan() => nan(value.is_sign_negative(), u64::from(value.to_bits() & 0x7f_ffff), 22),
        Val::F64(value) if value.is_nan() => nan(value.is_sign_negative(), value.to_bits() & 0xf_ffff_ffff_ffff, 51),
        Val::F32(value) => format!("{value:?}"),
        Val::F64(value) => format!("{value:?}"),
        Val::V128(value) => value.to_string(),
        Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None) => "null".to_owned(),
        Val::FuncRef(Some(_)) => "funcref".to_owned(),
        Val::ExternRef(Some(_)) => "externref".to_owned(),
        Val::ExnRef(Some(_)) => "exnref".to_owned(),
        other => other.to_string(),
    }
}

/// `nan` for the canonical payload, which is the bit `quiet_bit` alone.
fn nan(negative: bool, payload: u64, quiet_bit: u32) -> String {
    let sign = if negative { "-" } else { "" };
    if payload == 1 << quiet_bit {
        format!("{sign}nan")
    } else {
        format!("{sign}nan:{payload:#x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, ty: ValType) -> Option<String> {
        argument(text, ty).map(|value| show(&value))
    }

    #[test]
    fn arguments_are_read_strictly_by_type() {
        let i32 = |text| read(text, ValType::I32);
        assert_eq!(i32("-2147483648").as_deref(), Some("-2147483648"));
        assert_eq!(i32("4294967295").as_deref(), Some("-1"));
        assert_eq!(i32("0xff").as_deref(), Some("255"));
        for wrong in [
            "",
            "4294967296",
            "-2147483649",
            "1.0",
            "a",
            "1 ",
            "1;;",
            "(;;)1",
            "--1",
            "\u{0661}",
        ] {
            assert_eq!(i32(wrong), None, "{wrong}");
        }
        assert_eq!(read("18446744073709551615", ValType::I64).as_deref(), Some("-1"));
        assert_eq!(read("18446744073709551616", ValType::I64), None);
        assert_eq!(read("null", ValType::FUNCREF).as_deref(), Some("null"));
        assert_eq!(read("0", ValType::EXTERNREF), None);
    }

    #[test]
    fn results_can_be_given_back_as_arguments() {
        for text in [
            "1.5",
            "-0.0",
            "inf",
            "-inf",
            "nan",
            "-nan",
            "nan:0x1",
            "1e-45",
            "3.4028235e38",
        ] {
            assert_eq!(read(text, ValType::F32).as_deref(), Some(text));
        }
        for text in [
            "0.1",
            "5e-324",
            "1.7976931348623157e308",
            "nan:0x8000000000001",
            "100000.0",
        ] {
            assert_eq!(read(text, ValType::F64).as_deref(), Some(text));
        }
        assert_eq!(read("2", ValType::F64).as_deref(), Some("2.0"));
        assert_eq!(read("0x1p-1", ValType::F64).as_deref(), Some("0.5"));
        assert_eq!(read("1e400", ValType::F64), None);
        assert_eq!(read("one", ValType::F64), None);
        let all_bits = "340282366920938463463374607431768211455";
        assert_eq!(read(all_bits, ValType::V128).as_deref(), Some(all_bits));
        assert_eq!(read("0x10", ValType::V128).as_deref(), Some("16"));
        for wrong in ["", "-1", "+1", "0x", "1.0", "340282366920938463463374607431768211456"] {
            assert_eq!(read(wrong, ValType::V128), None, "{wrong}");
        }
    }
}
