//! Between passes 1 and 2: an instruction whose result only the next one reads becomes part of it.
//!
//! What is on the operand stack is read once, so a result in a slot of the stack that is not marked `keep` is gone when
//! the next instruction has read it. Which pairs are worth handlers of their own was counted in real programs; the
//! handlers stand in `run::handlers::fused`.

use super::ir::{Arg, Ins, Mode, Op};
use super::*;
use crate::engine::ops::*;
use crate::engine::run::handlers::memory;

/// Joins neighbours over the whole function. The first of two becomes a `Nop`; the second does the work of both.
pub(super) fn fuse(translator: &mut Translator<'_>) {
    let mut before: Option<usize> = None;
    for at in 0..translator.code.len() {
        match translator.code[at].op {
            // What is joined throws nothing, so it may move over these.
            Op::Nop | Op::TryBegin | Op::TryEnd => continue,
            Op::Label => {
                before = None;
                continue;
            }
            _ => {}
        }
        if let Some(first) = before
            && let Some(joined) = translator.join(&translator.code[first], &translator.code[at])
        {
            translator.code[first].op = Op::Nop;
            translator.code[at] = joined;
            // What may trap is the load.
            if matches!(joined.op, Op::LoadBranch(..)) && !translator.origins.is_empty() {
                translator.origins[at] = translator.origins[first];
            }
        }
        before = Some(at);
    }
}

impl Translator<'_> {
    fn value(&self, arg: Arg) -> Option<u64> {
        arg.as_constant().map(|index| self.consts[index])
    }

    /// The constant of `op a, constant`, if the instruction is that.
    fn with_constant(&self, ins: &Ins, op: BinaryOp) -> Option<u32> {
        if !matches!(ins.op, Op::Binary(found) if found == op) {
            return None;
        }
        self.value(ins.b).map(|value| value as u32)
    }

    /// The one instruction that does what `first` and then `second` do.
    fn join(&self, first: &Ins, second: &Ins) -> Option<Ins> {
        let result = first.d;
        let second = *second;
        // The global may be read back into a local, which is written all the same.
        if matches!(first.op, Op::GlobalSum)
            && matches!(second.op, Op::GlobalSet(Bank::Int))
            && (second.a, second.x) == (result, first.x)
        {
            return Some(Ins {
                op: Op::GlobalStep,
                ..*first
            });
        }
        let read_once = result.as_slot().is_some_and(|slot| slot >= self.first_temp()) && !first.keep;
        if !read_once || first.op.result().is_none() {
            return None;
        }
        // Which operand it is, and the other one.
        let other = if second.a == result {
            second.b
        } else if second.b == result {
            second.a
        } else {
            Arg::NONE
        };
        let is_a = second.a == result;
        if matches!(first.op, Op::Unary(UnaryOp::I32WrapI64)) {
            return self.without_wrap(first, second);
        }
        match second.op {
            Op::Binary(BinaryOp::I32Add) if other.as_slot().is_some() => self.sum(first, second, other),
            Op::Binary(op) if is_a => self.binary_of(first, second, op),
            Op::Load(op, Mode::Sum) if memory::load_scaled(op).is_some() => {
                self.scaled(first, second, other, op.bytes())
            }
            Op::LoadF64(Mode::Sum) => self.scaled(first, second, other, 8),
            Op::LoadF32(Mode::Sum) => self.scaled(first, second, other, 4),
            Op::Store(op, Mode::Sum) if memory::store_scaled(op).is_some() => {
                self.scaled(first, second, other, op.bytes())
            }
            Op::StoreF64(Mode::Sum) => self.scaled(first, second, other, 8),
            Op::StoreF32(Mode::Sum) => self.scaled(first, second, other, 4),
            Op::BrTable if is_a && second.c == Arg::NONE => {
                self.with_constant(first, BinaryOp::I32Add)?;
                Some(Ins {
                    a: first.a,
                    c: first.b,
                    ..second
                })
            }
            Op::GlobalSet(Bank::Int) if is_a && self.near_global(second.x as u32).is_some() => {
                self.with_constant(first, BinaryOp::I32Add)?;
                Some(Ins {
                    op: Op::GlobalSetSum,
                    a: first.a,
                    b: first.b,
                    ..second
                })
            }
            Op::Branch(op) => self.branch_on(first, second, op),
            Op::VectorBinary(op) => float_pair(first, second, op, other),
            _ => None,
        }
    }

    /// `second` without the wrapping of `first`, if it reads only the lower half anyway.
    fn without_wrap(&self, first: &Ins, second: Ins) -> Option<Ins> {
        let narrow_a = match second.op {
            Op::Binary(op) => op.of_i32(),
            Op::Compare(op) | Op::Branch(op) => op.of_i32() || matches!(op, CompareOp::I32Test | CompareOp::I32TestZ),
            Op::Load(..) | Op::LoadF64(_) | Op::LoadF32(_) => true,
            Op::Store(..) | Op::StoreF64(_) | Op::StoreF32(_) => true,
            Op::BrTable => true,
            _ => false,
        };
        if !narrow_a {
            return None;
        }
        let mut second = second;
        if second.a == first.d {
            second.a = first.a;
            return Some(second);
        }
        // Of `br_table` and loads from elsewhere, `b` is a bare number.
        if second.b == first.d && !matches!(second.op, Op::BrTable) {
            second.b = first.a;
            return Some(second);
        }
        match second.op {
            Op::Store(StoreOp::Store8 | StoreOp::Store16 | StoreOp::Store32, _) if second.c == first.d => {
                second.c = first.a;
                Some(second)
            }
            _ => None,
        }
    }

    /// `second` adds the result of `first` to the slot `other`.
    fn sum(&self, first: &Ins, second: Ins, other: Arg) -> Option<Ins> {
        let (op, x) = match first.op {
            Op::RotateAnd => (Op::RotateAndAdd, first.x),
            Op::Binary(BinaryOp::I32And) => {
                let mask = self.with_constant(first, BinaryOp::I32And)?;
                (Op::RotateAndAdd, rotation(0, mask))
            }
            Op::Binary(BinaryOp::I32Shl) => {
                let count = self.with_constant(first, BinaryOp::I32Shl)?;
                (Op::ShlAdd, (count & 31) as u64)
            }
            _ => return self.binary_of(first, second, BinaryOp::I32Add),
        };
        Some(Ins {
            op,
            a: first.a,
            b: other,
            x,
            ..second
        })
    }

    /// `second` is `result of first op constant`.
    fn binary_of(&self, first: &Ins, second: Ins, op: BinaryOp) -> Option<Ins> {
        let value = self.value(second.b)? as u32;
        if second.a != first.d {
            return None;
        }
        if first.op == Op::GlobalGet(Bank::Int) && op == BinaryOp::I32Add && self.near_global(first.x as u32).is_some()
        {
            return Some(Ins {
                op: Op::GlobalSum,
                a: Arg::NONE,
                x: first.x,
                ..second
            });
        }
        let constant = |op| self.with_constant(first, op);
        // A shift is a rotation of which the bits that came around are masked away.
        let (count, mask) = match op {
            BinaryOp::I32And => {
                if let Some(count) = constant(BinaryOp::I32ShrU) {
                    (count & 31, value & u32::MAX >> (count & 31))
                } else {
                    let count = constant(BinaryOp::I32Shl)? & 31;
                    ((32 - count) & 31, value & u32::MAX << count)
                }
            }
            BinaryOp::I32Shl => {
                let count = value & 31;
                ((32 - count) & 31, constant(BinaryOp::I32And)? << count)
            }
            BinaryOp::I32ShrU => {
                let count = value & 31;
                (count, constant(BinaryOp::I32And)? >> count)
            }
            _ => return None,
        };
        Some(Ins {
            op: Op::RotateAnd,
            a: first.a,
            b: Arg::NONE,
            x: rotation(count, mask),
            ..second
        })
    }

    /// `second` accesses memory at the sum of `other` and the result of `first`: an index, if that shifts it by as much
    /// as the access is wide.
    fn scaled(&self, first: &Ins, second: Ins, other: Arg, bytes: u32) -> Option<Ins> {
        let count = self.with_constant(first, BinaryOp::I32Shl)?;
        if other.as_slot().is_none() || count & 31 != bytes.trailing_zeros() {
            return None;
        }
        let op = match second.op {
            Op::Load(op, _) => Op::Load(op, Mode::Scaled),
            Op::LoadF64(_) => Op::LoadF64(Mode::Scaled),
            Op::LoadF32(_) => Op::LoadF32(Mode::Scaled),
            Op::Store(op, _) => Op::Store(op, Mode::Scaled),
            Op::StoreF64(_) => Op::StoreF64(Mode::Scaled),
            Op::StoreF32(_) => Op::StoreF32(Mode::Scaled),
            _ => return None,
        };
        Some(Ins {
            op,
            a: other,
            b: first.a,
            ..second
        })
    }

    /// `second` branches on the result of `first`.
    fn branch_on(&self, first: &Ins, second: Ins, op: CompareOp) -> Option<Ins> {
        if second.b == first.d {
            // A constant that was too wide for an immediate.
            let wide = first.op == Op::Copy(Bank::Int) && first.a.as_constant().is_some();
            let of_i64 = (CompareOp::I64Eq as usize..=CompareOp::I64GeU as usize).contains(&(op as usize));
            return (wide && of_i64).then_some(Ins {
                op: Op::BranchWide(op),
                b: first.a,
                ..second
            });
        }
        let value = self.value(second.b)?;
        if second.a != first.d {
            return None;
        }
        match first.op {
            Op::VectorTest(test) if value as u32 == 0 && matches!(op, CompareOp::I32Eq | CompareOp::I32Ne) => {
                Some(Ins {
                    op: Op::TestBranch(test, op == CompareOp::I32Eq),
                    a: first.a,
                    b: Arg::NONE,
                    ..second
                })
            }
            Op::Load(load, Mode::At) if load_row(load).is_some() && test_row(op).is_some() => Some(Ins {
                op: Op::LoadBranch(load, op),
                a: first.a,
                x: first.x | second.x << 32,
                ..second
            }),
            Op::Binary(BinaryOp::I32And) if matches!(op, CompareOp::I32Eq | CompareOp::I32Ne) => {
                if first.b.as_constant().is_some() {
                    return Some(Ins {
                        op: Op::AndBranch(op),
                        a: first.a,
                        b: first.b,
                        c: second.b,
                        ..second
                    });
                }
                let test = if op == CompareOp::I32Eq {
                    CompareOp::I32TestZ
                } else {
                    CompareOp::I32Test
                };
                (value as u32 == 0).then_some(Ins {
                    op: Op::Branch(test),
                    a: first.a,
                    b: first.b,
                    ..second
                })
            }
            Op::Binary(BinaryOp::I64And) if matches!(op, CompareOp::I64Eq | CompareOp::I64Ne) => {
                let test = if op == CompareOp::I64Eq {
                    CompareOp::I64TestZ
                } else {
                    CompareOp::I64Test
                };
                (value == 0).then_some(Ins {
                    op: Op::Branch(test),
                    a: first.a,
                    b: first.b,
                    ..second
                })
            }
            _ => None,
        }
    }
}

/// `second` is arithmetic of floats on `other` and the result of `first`, which is such arithmetic.
fn float_pair(first: &Ins, second: Ins, op: VectorBinaryOp, other: Arg) -> Option<Ins> {
    use VectorBinaryOp::*;
    use VectorTernaryOp::*;
    let Op::VectorBinary(before) = first.op else {
        return None;
    };
    // Subtraction is the one that tells its operands apart.
    let left = second.a == first.d;
    macro_rules! pairs {
        ($add:ident $sub:ident $mul:ident: $($first:ident => $then_add:ident $then_sub:ident $sub_from:ident $then_mul:ident;)*) => {
            match before {
                $($first if op == $add => Some($then_add),
                $first if op == $sub => Some(if left { $then_sub } else { $sub_from }),
                $first if op == $mul => Some($then_mul),)*
                _ => None,
            }
        };
    }
    let of_f32 = pairs! {
        F32x4Add F32x4Sub F32x4Mul:
        F32x4Add => F32x4AddAdd F32x4AddSub F32x4AddSubFrom F32x4AddMul;
        F32x4Sub => F32x4SubAdd F32x4SubSub F32x4SubSubFrom F32x4SubMul;
        F32x4Mul => F32x4RelaxedMadd F32x4MulSub F32x4MulSubFrom F32x4MulMul;
    };
    let of_f64 = pairs! {
        F64x2Add F64x2Sub F64x2Mul:
        F64x2Add => F64x2AddAdd F64x2AddSub F64x2AddSubFrom F64x2AddMul;
        F64x2Sub => F64x2SubAdd F64x2SubSub F64x2SubSubFrom F64x2SubMul;
        F64x2Mul => F64x2RelaxedMadd F64x2MulSub F64x2MulSubFrom F64x2MulMul;
    };
    let both = of_f32.or(of_f64)?;
    let slots = first.b.as_slot().is_some() && other.as_slot().is_some();
    slots.then_some(Ins {
        op: Op::VectorTernary(both),
        a: first.a,
        b: first.b,
        c: other,
        ..second
    })
}

/// `x` of the rotations.
fn rotation(count: u32, mask: u32) -> u64 {
    count as u64 | (mask as u64) << 32
}

/// Row of a load in `fused::LOAD_BRANCH`.
pub(super) fn load_row(op: LoadOp) -> Option<usize> {
    const ROWS: [LoadOp; 3] = [LoadOp::Load8U, LoadOp::Load16U, LoadOp::Load32U];
    ROWS.iter().position(|&row| row == op)
}

/// Row of a comparison there; the first two rows are those of `fused::AND_BRANCH`.
pub(super) fn test_row(op: CompareOp) -> Option<usize> {
    const ROWS: [CompareOp; 4] = [
        CompareOp::I32Eq,
        CompareOp::I32Ne,
        CompareOp::I32Test,
        CompareOp::I32TestZ,
    ];
    ROWS.iter().position(|&row| row == op)
}
