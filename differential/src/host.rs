//! What every module can import from `host`: functions whose answers depend on their arguments alone, and some that
//! reach back into their caller.
//!
//! Their names and types are one table, so that the engines and the generators agree.

use crate::value::Type::{self, *};
use crate::value::{Signature, Value, mix};

/// What a host function does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Answers.
    Answer,
    /// Adds to a word of the caller's memory [`MEMORY`] and gives back the old one.
    Poke,
    /// Grows that memory by a page.
    Grow,
    /// Calls the caller's export [`CALLBACK`], of type `[i32] -> [i32]`.
    CallBack,
}

/// Exports of the caller that host functions use.
pub const MEMORY: &str = "m0";
pub const CALLBACK: &str = "callback";
/// An exported global of type i32 that is set to [`FUEL`] before every call.
pub const FUEL_GLOBAL: &str = "fuel";
pub const FUEL: u32 = 60;

/// Call backs inside call backs.
pub const MAX_DEPTH: u32 = 3;

pub struct HostFunc {
    pub name: &'static str,
    pub deed: Deed,
    pub params: &'static [Type],
    pub results: &'static [Type],
}

impl HostFunc {
    pub fn signature(&self) -> Signature {
        Signature {
            params: self.params.to_vec(),
            results: self.results.to_vec(),
        }
    }
}

const fn answer(name: &'static str, params: &'static [Type], results: &'static [Type]) -> HostFunc {
    HostFunc {
        name,
        deed: Deed::Answer,
        params,
        results,
    }
}

pub static FUNCS: &[HostFunc] = &[
    answer("nothing", &[], &[]),
    answer("i32", &[I32], &[I32]),
    answer("i64", &[I64, I32], &[I64]),
    answer("f32", &[F32, F32, F32], &[F32]),
    answer("f64", &[F64], &[F64]),
    answer("mixed", &[I32, F64, I64, F32], &[F64]),
    answer("grows", &[I32], &[I32, F64, I64, F32, I32]),
    answer("shrinks", &[F32, I64, F64, I32, I32, I64], &[I64, F32]),
    answer("external", &[Extern, I32], &[Extern]),
    HostFunc {
        name: "poke",
        deed: Deed::Poke,
        params: &[I32],
        results: &[I32],
    },
    HostFunc {
        name: "grow",
        deed: Deed::Grow,
        params: &[],
        results: &[I32],
    },
    HostFunc {
        name: "call_back",
        deed: Deed::CallBack,
        params: &[I32],
        results: &[I32],
    },
];

/// Memories, tables and globals that can be imported.
pub const HOST_MEMORY: (&str, u64, u64) = ("memory", 1, 3);
pub const HOST_TABLE: (&str, u64, u64) = ("table", 10, 20);
pub const HOST_EXTERNS: (&str, u64, u64) = ("externs", 4, 8);
pub static GLOBALS: &[(&str, Type, bool, u64)] = &[
    ("global_i32", I32, true, 7),
    ("global_i64", I64, true, 1 << 40),
    ("global_f32", F32, true, 0x3fc0_0000),
    ("global_f64", F64, true, 0xc004_0000_0000_0000),
    ("global_extern", Extern, true, 0),
    ("global_const", I32, false, 1000),
];

/// The results of an answering function.
pub fn answers(func: &HostFunc, args: &[Value]) -> Vec<Value> {
    let seed = args
        .iter()
        .fold(func.name.len() as u64, |hash, arg| mix(hash, arg.bits()));
    let result = |(at, ty): (usize, &Type)| {
        let bits = mix(seed, at as u64);
        match ty {
            I32 => Value::I32(bits as u32 & 0xfff),
            I64 => Value::I64(bits >> (bits & 31)),
            F32 => Value::F32((bits as i16 as f32 / 8.0).to_bits()),
            F64 => Value::F64((bits as i32 as f64 / 16.0).to_bits()),
            Func => Value::Func { null: true },
            Extern => *args
                .iter()
                .find(|arg| matches!(arg, Value::Extern(_)))
                .unwrap_or(&Value::Extern(None)),
        }
    };
    func.results.iter().enumerate().map(result).collect()
}

/// The calls of host functions so far.
#[derive(Clone, Default)]
pub struct Log {
    hash: u64,
    calls: u32,
    /// Call backs going on.
    pub depth: u32,
}

impl Log {
    pub fn note(&mut self, func: &HostFunc, args: &[Value]) {
        self.calls += 1;
        self.hash = args.iter().fold(mix(self.hash, func.name.len() as u64), |hash, arg| {
            mix(hash, arg.bits())
        });
    }

    pub fn sum(&self) -> (u64, u32) {
        (self.hash, self.calls)
    }
}

/// Where `poke` looks, and what it adds.
pub fn poke_place(arg: Value) -> (usize, u32) {
    let arg = arg.bits() as u32;
    ((arg & 0x7fff) as usize, arg >> 3 | 1)
}
