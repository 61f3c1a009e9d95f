//! Values: constants, locals, arithmetic, selection.

use wasm_encoder as enc;
use wasm_encoder::Instruction;

use super::body::{Body, Step};
use super::ops::{Care, NUMERIC, Numeric};
use crate::value::Type::{self, F32, F64, I32, I64};

/// Expressions in expressions, at most.
const MAX_DEPTH: u32 = 5;

impl Body<'_, '_, '_> {
    /// Pushes a value of the type, touching nothing below.
    pub fn produce(&mut self, ty: Type) {
        if self.depth >= MAX_DEPTH || self.budget < 0 || !self.dice.any_left() {
            return self.leaf(ty);
        }
        self.depth += 1;
        self.above(|body| match body.dice.below(19) {
            0..=6 => body.leaf(ty),
            7..=10 if !ty.is_ref() => body.numeric(Some(ty)),
            11 if !ty.is_ref() => body.load(ty),
            12 => body.select(ty),
            13 => {
                body.produce(ty);
                body.tee_top();
            }
            14 => body.call(Some(ty)),
            15 if body.labels.len() < 8 => body.block_of(ty),
            16 | 17 if !ty.is_ref() => body.joined(ty),
            _ => body.leaf(ty),
        });
        self.depth -= 1;
    }

    /// Pushes a constant, a local or a global.
    pub fn leaf(&mut self, ty: Type) {
        match self.dice.below(8) {
            0 | 1 => self.constant(ty),
            2 => match self.some_global(ty) {
                Some(global) => self.emit(Instruction::GlobalGet(global)),
                None => self.constant(ty),
            },
            _ => {
                let local = if ty == I32 && self.dice.chance(40) {
                    self.dice
                        .pick(&[self.pointers[0], self.pointers[1], self.counters[0], self.counters[1]])
                } else {
                    self.writable_local(ty)
                };
                self.emit(Instruction::LocalGet(local));
            }
        }
        self.stack.push(ty);
    }

    pub fn some_global(&mut self, ty: Type) -> Option<u32> {
        let globals = &self.shape.globals;
        let of_type: Vec<u32> = (0..globals.len())
            .filter(|&at| globals[at].ty == ty)
            .map(|at| at as u32)
            .collect();
        (!of_type.is_empty()).then(|| self.dice.pick(&of_type))
    }

    /// Emits a constant, without noting it on the stack.
    pub fn constant(&mut self, ty: Type) {
        const INTEGERS: [i64; 18] = [
            0,
            1,
            -1,
            2,
            7,
            8,
            31,
            255,
            1000,
            -8,
            65_536,
            0x7fff_ffff,
            -0x8000_0000,
            0x8000_0000,
            0xffff_ffff,
            -0x8000_0001,
            i64::MIN,
            i64::MAX,
        ];
        const FLOATS: [f64; 10] = [0.0, 1.0, -0.0, 0.5, -1.5, 3.25, 100.0, -1e6, 1e30, f64::INFINITY];
        let ins = match ty {
            I32 => Instruction::I32Const(self.dice.pick(&INTEGERS) as i32),
            I64 if self.dice.chance(40) => Instruction::I64Const(self.dice.word() as i64),
            I64 => Instruction::I64Const(self.dice.pick(&INTEGERS)),
            F32 => Instruction::F32Const((self.dice.pick(&FLOATS) as f32).into()),
            F64 => Instruction::F64Const(self.dice.pick(&FLOATS).into()),
            Type::Func if self.dice.chance(128) => Instruction::RefFunc(self.dice.below(self.shape.funcs.len()) as u32),
            Type::Func => Instruction::RefNull(enc::HeapType::FUNC),
            Type::Extern => Instruction::RefNull(enc::HeapType::EXTERN),
        };
        self.emit(ins);
    }

    /// An instruction of arithmetic, or a test of a reference; of one result type if that is asked for.
    pub fn numeric(&mut self, result: Option<Type>) {
        if result.is_none_or(|ty| ty == I32) && self.dice.chance(6) {
            let ty = self.dice.pick(&[Type::Extern, Type::Func]);
            self.want(&[ty]);
            self.pop(1);
            self.emit(Instruction::RefIsNull);
            return self.stack.push(I32);
        }
        let ty = match result {
            Some(ty) => ty,
            None => self.number_type(),
        };
        let of_type: Vec<&Numeric> = NUMERIC.iter().filter(|op| op.result == ty).collect();
        let op = self.dice.pick(&of_type);
        self.operate(op);
    }

    /// A comparison's result, mostly: what branches like best.
    pub fn condition(&mut self) {
        if self.dice.chance(60) || self.budget < 0 {
            return self.produce(I32);
        }
        if self.dice.chance(80) {
            return self.above(|body| body.joined_condition());
        }
        let compares = |op: &&Numeric| op.result == I32 && op.params.len() == 2 && is_comparison(&op.ins);
        let comparisons: Vec<&Numeric> = NUMERIC.iter().filter(compares).collect();
        let op = self.dice.pick(&comparisons);
        self.above(|body| body.operate(op));
        if self.dice.chance(50) {
            self.emit(Instruction::I32Eqz);
        }
    }

    fn operate(&mut self, op: &Numeric) {
        match op.care {
            Care::Truncates => {
                // Only what is small and positive never traps.
                self.above(|body| body.produce(I32));
                self.emit(Instruction::I32Const(0x7fff));
                self.emit(Instruction::I32And);
                let convert = if op.params[0] == F32 {
                    Instruction::F32ConvertI32U
                } else {
                    Instruction::F64ConvertI32U
                };
                self.emit(convert);
                self.stack.push(op.params[0]);
                self.stack.swap_remove(self.stack.len() - 2);
            }
            _ => self.want(op.params),
        }
        match (op.care, op.params[0]) {
            (Care::Divisor, I32) if !self.dice.chance(6) => {
                self.emit(Instruction::I32Const(1));
                self.emit(Instruction::I32Or);
            }
            (Care::Divisor, I64) if !self.dice.chance(6) => {
                self.emit(Instruction::I64Const(1));
                self.emit(Instruction::I64Or);
            }
            (Care::ShowsNan, ty) => self.canonical(ty),
            _ => {}
        }
        self.emit(op.ins.clone());
        self.pop(op.params.len());
        self.stack.push(op.result);
    }

    /// Makes a NaN on top of the stack the canonical one.
    pub fn canonical(&mut self, ty: Type) {
        use Instruction::*;
        let local = self.scratch[(ty == F64) as usize];
        let (nan, eq) = match ty {
            F32 => (F32Const(f32::NAN.into()), F32Eq),
            _ => (F64Const(f64::NAN.into()), F64Eq),
        };
        for ins in [LocalTee(local), nan, LocalGet(local), LocalGet(local), eq, Select] {
            self.emit(ins);
        }
    }

    pub fn select(&mut self, ty: Type) {
        if self.dice.chance(128) {
            self.want(&[ty, ty]);
            self.condition();
        } else {
            self.want(&[ty, ty, I32]);
        }
        self.pop(2);
        let typed = ty.is_ref() || self.dice.chance(40);
        self.emit(if typed {
            Instruction::TypedSelect(crate::smith::encoded(ty))
        } else {
            Instruction::Select
        });
    }

    pub fn set_local(&mut self) {
        let ty = self.any_type();
        self.want(&[ty]);
        let local = self.writable_local(ty);
        self.emit(Instruction::LocalSet(local));
        self.pop(1);
    }

    pub fn tee_local(&mut self) {
        let ty = self.any_type();
        self.want(&[ty]);
        self.tee_top();
    }

    /// A chain of tees of the operand on top.
    pub fn tee_top(&mut self) {
        let ty = self.stack[self.stack.len() - 1];
        for _ in 0..1 + self.dice.below(3) {
            let local = self.writable_local(ty);
            self.emit(Instruction::LocalTee(local));
        }
    }

    /// Gives a pointer a new value.
    pub fn set_pointer(&mut self) {
        if self.frozen {
            return self.step(Step::Set);
        }
        self.want(&[I32]);
        self.emit(Instruction::I32Const(0x7ff8));
        self.emit(Instruction::I32And);
        let pointer = self.dice.pick(&self.pointers.clone());
        self.emit(Instruction::LocalSet(pointer));
        self.pop(1);
    }

    pub fn set_global(&mut self) {
        let ty = self.any_type();
        let Some(global) = self.mutable_global(ty) else {
            return;
        };
        self.want(&[ty]);
        self.emit(Instruction::GlobalSet(global));
        self.pop(1);
    }

    pub fn mutable_global(&mut self, ty: Type) -> Option<u32> {
        let globals = &self.shape.globals;
        let may = |at: usize| globals[at].mutable && globals[at].ty == ty && at as u32 != self.shape.fuel;
        let mutable: Vec<u32> = (0..globals.len()).filter(|&at| may(at)).map(|at| at as u32).collect();
        (!mutable.is_empty()).then(|| self.dice.pick(&mutable))
    }
}

fn is_comparison(ins: &Instruction<'_>) -> bool {
    use Instruction::*;
    !matches!(
        ins,
        I32Sub
            | I32Mul
            | I32Or
            | I32Xor
            | I32Shl
            | I32ShrS
            | I32ShrU
            | I32Rotl
            | I32Rotr
            | I32DivS
            | I32DivU
            | I32RemS
            | I32RemU
    )
}
