//! One test: modules, and the calls made to their exports.

use crate::entropy::{Dice, Rng, bytes};
use crate::value::{Type, Value};
use crate::{aimed, smith};

/// A module and the name it is linked under.
#[derive(Clone)]
pub struct Unit {
    pub name: String,
    pub wasm: Vec<u8>,
}

/// A call of the export `func` of the unit `unit`.
#[derive(Clone, Debug)]
pub struct Call {
    pub unit: usize,
    pub func: String,
    pub args: Vec<Value>,
}

/// Which generator makes a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Smith,
    Aimed,
}

#[derive(Clone)]
pub struct Case {
    pub seed: u64,
    pub kind: Kind,
    /// Instantiated in this order, each with the exports of those before.
    pub units: Vec<Unit>,
    /// The same with operands so far up the stack that 16 bits cannot name their slots.
    pub padded: Option<Vec<Unit>>,
    pub calls: Vec<Call>,
    /// Host functions may call back, and what is inside such a call cannot pause.
    pub calls_back: bool,
}

impl Case {
    /// The case of a seed: two of three are aimed at the translator, the third is wasm-smith's.
    pub fn new(seed: u64, only: Option<Kind>) -> Result<Case, String> {
        let kind = only.unwrap_or(if seed % 3 == 0 { Kind::Smith } else { Kind::Aimed });
        Case::from_entropy(seed, kind, &entropy(seed, kind))
    }

    /// The case that a generator makes of these bytes.
    pub fn from_entropy(seed: u64, kind: Kind, entropy: &[u8]) -> Result<Case, String> {
        let mut case = Case {
            seed,
            kind,
            units: Vec::new(),
            padded: None,
            calls: Vec::new(),
            calls_back: false,
        };
        let exports = match kind {
            Kind::Smith => {
                let (wasm, exports) = smith::module(seed, entropy)?;
                case.units = vec![Unit {
                    name: "smith".to_owned(),
                    wasm,
                }];
                vec![exports]
            }
            Kind::Aimed => {
                let made = aimed::modules(&mut Dice::new(entropy), false);
                case.calls_back = made.calls_back;
                case.units = made.units;
                if seed % 16 == 1 {
                    case.padded = Some(aimed::modules(&mut Dice::new(entropy), true).units);
                }
                made.exports
            }
        };
        case.calls = calls(seed, &exports);
        Ok(case)
    }
}

impl Case {
    /// The exports of a module from elsewhere.
    pub fn from_module(wasm: Vec<u8>) -> Result<Case, String> {
        let exports = smith::exported_funcs(&wasm)?;
        Ok(Case {
            seed: 0,
            kind: Kind::Aimed,
            units: vec![Unit {
                name: "module".to_owned(),
                wasm,
            }],
            padded: None,
            calls: calls(0, &[exports]),
            calls_back: false,
        })
    }
}

/// The bytes a seed stands for.
pub fn entropy(seed: u64, kind: Kind) -> Vec<u8> {
    let len = match kind {
        Kind::Smith => 1 << (9 + seed % 5),
        Kind::Aimed => 1 << (7 + seed % 6),
    };
    bytes(seed, len)
}

/// An exported function and its parameters.
pub type ExportedFunc = (String, Vec<Type>);

/// Every function is called a few times, with zeros first.
fn calls(seed: u64, exports: &[Vec<ExportedFunc>]) -> Vec<Call> {
    const MAX_CALLS: usize = 30;
    let mut rng = Rng::new(!seed);
    let mut calls = Vec::new();
    for round in 0..3 {
        for (unit, funcs) in exports.iter().enumerate() {
            for (func, params) in funcs {
                let value = |&ty: &Type| {
                    if round == 0 {
                        Value::default_for(ty)
                    } else {
                        argument(&mut rng, ty)
                    }
                };
                calls.push(Call {
                    unit,
                    func: func.clone(),
                    args: params.iter().map(value).collect(),
                });
            }
        }
    }
    calls.truncate(MAX_CALLS);
    calls
}

fn argument(rng: &mut Rng, ty: Type) -> Value {
    const EDGES: [u64; 10] = [
        1,
        2,
        7,
        u64::MAX,
        1 << 31,
        (1 << 31) - 1,
        1 << 63,
        (1 << 63) - 1,
        0xffff_ffff,
        0xffff_8000,
    ];
    let bits = match rng.below(3) {
        0 => EDGES[rng.below(10) as usize],
        1 => rng.next() & 0xff,
        _ => rng.next(),
    };
    const FLOATS: [f64; 10] = [
        -0.0,
        1.0,
        -1.5,
        0.1,
        1e9,
        -2147483648.0,
        4294967296.0,
        f64::INFINITY,
        f64::NAN,
        1e-310,
    ];
    let float = if rng.chance(2) {
        FLOATS[rng.below(10) as usize]
    } else {
        bits as i32 as f64 / 32.0
    };
    match ty {
        Type::I32 => Value::I32(bits as u32),
        Type::I64 => Value::I64(bits),
        Type::F32 => Value::F32((float as f32).to_bits()),
        Type::F64 => Value::F64(float.to_bits()),
        Type::Func => Value::Func { null: true },
        Type::Extern => Value::Extern((bits & 3 != 0).then_some(bits as u32 & 0xff)),
    }
}
