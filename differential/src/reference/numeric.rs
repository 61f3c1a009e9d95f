//! Numeric instructions. Spec: exec/numerics.html

use wasmparser::Operator;

use super::Cell;
use crate::value::Trap;

/// Executes the operator if it is numeric. `None`: it is not.
pub fn execute(operator: &Operator<'_>, stack: &mut Vec<Cell>) -> Option<Result<(), Trap>> {
    let mut pop = || stack.pop().expect("validated: an operand is there");
    // `binary!(u32, a, b => ..)`: two operands of that type, in order.
    macro_rules! binary {
        ($t:ident, $a:ident, $b:ident => $value:expr) => {{
            let $b: $t = from_cell::$t(pop());
            let $a: $t = from_cell::$t(pop());
            Ok(($value).to_cell())
        }};
    }
    macro_rules! unary {
        ($t:ident, $a:ident => $value:expr) => {{
            let $a: $t = from_cell::$t(pop());
            Ok(($value).to_cell())
        }};
    }
    macro_rules! truncate {
        ($from:ident => $to:ident) => {{
            let a: $from = from_cell::$from(pop());
            let a = a as f64;
            // Both bounds are exact in f64, and so is every f32.
            let (below, above) = ($to::MIN as f64, $to::MAX as f64);
            if a.is_nan() {
                Err(Trap::BadConversion)
            } else if a.trunc() < below || a.trunc() > above || $to::BITS == 64 && a.trunc() >= above {
                Err(Trap::IntegerOverflow)
            } else {
                Ok((a as $to).to_cell())
            }
        }};
    }
    macro_rules! divide {
        ($t:ident, $method:ident) => {{
            let b: $t = from_cell::$t(pop());
            let a: $t = from_cell::$t(pop());
            if b == 0 {
                Err(Trap::DivisionByZero)
            } else {
                a.$method(b).map(ToCell::to_cell).ok_or(Trap::IntegerOverflow)
            }
        }};
    }
    macro_rules! remainder {
        ($t:ident) => {{
            let b: $t = from_cell::$t(pop());
            let a: $t = from_cell::$t(pop());
            if b == 0 {
                Err(Trap::DivisionByZero)
            } else {
                Ok(a.wrapping_rem(b).to_cell())
            }
        }};
    }
    use Operator::*;
    let result: Result<Cell, Trap> = match operator {
        I32Const { value } => Ok(*value as u32 as Cell),
        I64Const { value } => Ok(*value as Cell),
        F32Const { value } => Ok(value.bits() as Cell),
        F64Const { value } => Ok(value.bits()),

        I32Eqz => unary!(u32, a => a == 0),
        I32Eq => binary!(u32, a, b => a == b),
        I32Ne => binary!(u32, a, b => a != b),
        I32LtS => binary!(i32, a, b => a < b),
        I32LtU => binary!(u32, a, b => a < b),
        I32GtS => binary!(i32, a, b => a > b),
        I32GtU => binary!(u32, a, b => a > b),
        I32LeS => binary!(i32, a, b => a <= b),
        I32LeU => binary!(u32, a, b => a <= b),
        I32GeS => binary!(i32, a, b => a >= b),
        I32GeU => binary!(u32, a, b => a >= b),
        I64Eqz => unary!(u64, a => a == 0),
        I64Eq => binary!(u64, a, b => a == b),
        I64Ne => binary!(u64, a, b => a != b),
        I64LtS => binary!(i64, a, b => a < b),
        I64LtU => binary!(u64, a, b => a < b),
        I64GtS => binary!(i64, a, b => a > b),
        I64GtU => binary!(u64, a, b => a > b),
        I64LeS => binary!(i64, a, b => a <= b),
        I64LeU => binary!(u64, a, b => a <= b),
        I64GeS => binary!(i64, a, b => a >= b),
        I64GeU => binary!(u64, a, b => a >= b),
        F32Eq => binary!(f32, a, b => a == b),
        F32Ne => binary!(f32, a, b => a != b),
        F32Lt => binary!(f32, a, b => a < b),
        F32Gt => binary!(f32, a, b => a > b),
        F32Le => binary!(f32, a, b => a <= b),
        F32Ge => binary!(f32, a, b => a >= b),
        F64Eq => binary!(f64, a, b => a == b),
        F64Ne => binary!(f64, a, b => a != b),
        F64Lt => binary!(f64, a, b => a < b),
        F64Gt => binary!(f64, a, b => a > b),
        F64Le => binary!(f64, a, b => a <= b),
        F64Ge => binary!(f64, a, b => a >= b),

        I32Clz => unary!(u32, a => a.leading_zeros()),
        I32Ctz => unary!(u32, a => a.trailing_zeros()),
        I32Popcnt => unary!(u32, a => a.count_ones()),
        I32Add => binary!(u32, a, b => a.wrapping_add(b)),
        I32Sub => binary!(u32, a, b => a.wrapping_sub(b)),
        I32Mul => binary!(u32, a, b => a.wrapping_mul(b)),
        I32DivS => divide!(i32, checked_div),
        I32DivU => divide!(u32, checked_div),
        I32RemS => remainder!(i32),
        I32RemU => remainder!(u32),
        I32And => binary!(u32, a, b => a & b),
        I32Or => binary!(u32, a, b => a | b),
        I32Xor => binary!(u32, a, b => a ^ b),
        I32Shl => binary!(u32, a, b => a << (b % 32)),
        I32ShrS => binary!(i32, a, b => a >> (b as u32 % 32)),
        I32ShrU => binary!(u32, a, b => a >> (b % 32)),
        I32Rotl => binary!(u32, a, b => a.rotate_left(b % 32)),
        I32Rotr => binary!(u32, a, b => a.rotate_right(b % 32)),
        I64Clz => unary!(u64, a => a.leading_zeros() as u64),
        I64Ctz => unary!(u64, a => a.trailing_zeros() as u64),
        I64Popcnt => unary!(u64, a => a.count_ones() as u64),
        I64Add => binary!(u64, a, b => a.wrapping_add(b)),
        I64Sub => binary!(u64, a, b => a.wrapping_sub(b)),
        I64Mul => binary!(u64, a, b => a.wrapping_mul(b)),
        I64DivS => divide!(i64, checked_div),
        I64DivU => divide!(u64, checked_div),
        I64RemS => remainder!(i64),
        I64RemU => remainder!(u64),
        I64And => binary!(u64, a, b => a & b),
        I64Or => binary!(u64, a, b => a | b),
        I64Xor => binary!(u64, a, b => a ^ b),
        I64Shl => binary!(u64, a, b => a << (b % 64)),
        I64ShrS => binary!(i64, a, b => a >> (b as u64 % 64)),
        I64ShrU => binary!(u64, a, b => a >> (b % 64)),
        I64Rotl => binary!(u64, a, b => a.rotate_left(b as u32 % 64)),
        I64Rotr => binary!(u64, a, b => a.rotate_right(b as u32 % 64)),

        F32Abs => unary!(u32, a => a & !(1 << 31)),
        F32Neg => unary!(u32, a => a ^ 1 << 31),
        F32Ceil => unary!(f32, a => a.ceil()),
        F32Floor => unary!(f32, a => a.floor()),
        F32Trunc => unary!(f32, a => a.trunc()),
        F32Nearest => unary!(f32, a => a.round_ties_even()),
        F32Sqrt => unary!(f32, a => a.sqrt()),
        F32Add => binary!(f32, a, b => a + b),
        F32Sub => binary!(f32, a, b => a - b),
        F32Mul => binary!(f32, a, b => a * b),
        F32Div => binary!(f32, a, b => a / b),
        F32Min => binary!(f32, a, b => least(a as f64, b as f64) as f32),
        F32Max => binary!(f32, a, b => -least(-a as f64, -b as f64) as f32),
        F32Copysign => binary!(u32, a, b => a & !(1 << 31) | b & 1 << 31),
        F64Abs => unary!(u64, a => a & !(1 << 63)),
        F64Neg => unary!(u64, a => a ^ 1 << 63),
        F64Ceil => unary!(f64, a => a.ceil()),
        F64Floor => unary!(f64, a => a.floor()),
        F64Trunc => unary!(f64, a => a.trunc()),
        F64Nearest => unary!(f64, a => a.round_ties_even()),
        F64Sqrt => unary!(f64, a => a.sqrt()),
        F64Add => binary!(f64, a, b => a + b),
        F64Sub => binary!(f64, a, b => a - b),
        F64Mul => binary!(f64, a, b => a * b),
        F64Div => binary!(f64, a, b => a / b),
        F64Min => binary!(f64, a, b => least(a, b)),
        F64Max => binary!(f64, a, b => -least(-a, -b)),
        F64Copysign => binary!(u64, a, b => a & !(1 << 63) | b & 1 << 63),

        I32WrapI64 => unary!(u64, a => a as u32),
        I32TruncF32S => truncate!(f32 => i32),
        I32TruncF32U => truncate!(f32 => u32),
        I32TruncF64S => truncate!(f64 => i32),
        I32TruncF64U => truncate!(f64 => u32),
        I64TruncF32S => truncate!(f32 => i64),
        I64TruncF32U => truncate!(f32 => u64),
        I64TruncF64S => truncate!(f64 => i64),
        I64TruncF64U => truncate!(f64 => u64),
        I32TruncSatF32S => unary!(f32, a => a as i32),
        I32TruncSatF32U => unary!(f32, a => a as u32),
        I32TruncSatF64S => unary!(f64, a => a as i32),
        I32TruncSatF64U => unary!(f64, a => a as u32),
        I64TruncSatF32S => unary!(f32, a => a as i64),
        I64TruncSatF32U => unary!(f32, a => a as u64),
        I64TruncSatF64S => unary!(f64, a => a as i64),
        I64TruncSatF64U => unary!(f64, a => a as u64),
        I64ExtendI32S => unary!(i32, a => a as i64),
        I64ExtendI32U => unary!(u32, a => a as u64),
        F32ConvertI32S => unary!(i32, a => a as f32),
        F32ConvertI32U => unary!(u32, a => a as f32),
        F32ConvertI64S => unary!(i64, a => a as f32),
        F32ConvertI64U => unary!(u64, a => a as f32),
        F32DemoteF64 => unary!(f64, a => a as f32),
        F64ConvertI32S => unary!(i32, a => a as f64),
        F64ConvertI32U => unary!(u32, a => a as f64),
        F64ConvertI64S => unary!(i64, a => a as f64),
        F64ConvertI64U => unary!(u64, a => a as f64),
        F64PromoteF32 => unary!(f32, a => a as f64),
        I32ReinterpretF32 | F32ReinterpretI32 | I64ReinterpretF64 | F64ReinterpretI64 => Ok(pop()),
        I32Extend8S => unary!(u32, a => a as i8 as i32),
        I32Extend16S => unary!(u32, a => a as i16 as i32),
        I64Extend8S => unary!(u64, a => a as i8 as i64),
        I64Extend16S => unary!(u64, a => a as i16 as i64),
        I64Extend32S => unary!(u64, a => a as i32 as i64),
        _ => return None,
    };
    Some(result.map(|value| stack.push(value)))
}

/// The lesser; NaN if one is, and -0 is less than 0.
fn least(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == b {
        if a.is_sign_negative() { a } else { b }
    } else if a < b {
        a
    } else {
        b
    }
}

/// Cells as values: 32-bit ones are in the lower half.
#[allow(non_snake_case)]
mod from_cell {
    use super::Cell;

    pub fn u32(cell: Cell) -> u32 {
        cell as u32
    }
    pub fn i32(cell: Cell) -> i32 {
        cell as i32
    }
    pub fn u64(cell: Cell) -> u64 {
        cell
    }
    pub fn i64(cell: Cell) -> i64 {
        cell as i64
    }
    pub fn f32(cell: Cell) -> f32 {
        f32::from_bits(cell as u32)
    }
    pub fn f64(cell: Cell) -> f64 {
        f64::from_bits(cell)
    }
}

trait ToCell {
    fn to_cell(self) -> Cell;
}
macro_rules! to_cell {
    ($($t:ty: $v:ident => $cell:expr;)*) => {
        $(impl ToCell for $t { fn to_cell(self) -> Cell { let $v = self; $cell } })*
    };
}
to_cell! {
    bool: v => v as Cell;
    u32: v => v as Cell;
    i32: v => v as u32 as Cell;
    u64: v => v;
    i64: v => v as Cell;
    f32: v => v.to_bits() as Cell;
    f64: v => v.to_bits();
}
