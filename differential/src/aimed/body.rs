//! One function: its locals, its operand stack, and the choice of what comes next.

use wasm_encoder as enc;
use wasm_encoder::Instruction;

use super::shape::Shape;
use crate::entropy::Dice;
use crate::smith::encoded;
use crate::value::Type::{self, F32, F64, I32, I64};

/// What a step can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Push,
    Numeric,
    /// Neighbours that are joined.
    Joined,
    Locals,
    Set,
    Tee,
    Pointer,
    Load,
    Store,
    GlobalSet,
    GlobalStep,
    Select,
    Drop,
    Block,
    If,
    Loop,
    BranchIf,
    Leave,
    Call,
    CallIndirect,
    Bulk,
    Table,
    Grow,
}

/// Steps with how frequent they are before a profile changes that.
const STEPS: [(Step, u32); 23] = [
    (Step::Push, 12),
    (Step::Numeric, 16),
    (Step::Joined, 8),
    (Step::Locals, 4),
    (Step::Set, 8),
    (Step::Tee, 5),
    (Step::Pointer, 2),
    (Step::Load, 5),
    (Step::Store, 5),
    (Step::GlobalSet, 2),
    (Step::GlobalStep, 2),
    (Step::Select, 3),
    (Step::Drop, 1),
    (Step::Block, 3),
    (Step::If, 3),
    (Step::Loop, 3),
    (Step::BranchIf, 4),
    (Step::Leave, 2),
    (Step::Call, 3),
    (Step::CallIndirect, 2),
    (Step::Bulk, 1),
    (Step::Table, 1),
    (Step::Grow, 1),
];

/// A block that branches can name.
pub(super) struct Label {
    /// Types of the values a branch to it carries.
    pub carries: Vec<Type>,
    /// The local that counts the rounds of a loop.
    pub counter: Option<u32>,
}

/// Loops inside loops.
pub(super) const MAX_LOOPS: usize = 3;

pub(super) struct Body<'s, 'd, 'b> {
    pub shape: &'s mut Shape,
    pub dice: &'d mut Dice<'b>,
    pub results: Vec<Type>,
    /// Types of parameters and declared locals.
    pub locals: Vec<Type>,
    /// Locals that may be written, by type, the first more often.
    pub writable: [Vec<u32>; 6],
    /// Locals that always hold a valid address.
    pub pointers: [u32; 2],
    /// While set, pointers keep their values.
    pub frozen: bool,
    pub counters: [u32; MAX_LOOPS],
    /// Scratch for making NaNs canonical: f32, f64.
    pub scratch: [u32; 2],
    pub code: Vec<Instruction<'static>>,
    pub stack: Vec<Type>,
    /// Operands below are not the running block's.
    pub base: usize,
    pub labels: Vec<Label>,
    pub loops: usize,
    /// Product of the rounds of the loops around.
    pub rounds: u32,
    /// Instructions still to be written, about.
    pub budget: i32,
    /// Expressions in expressions.
    pub depth: u32,
    /// It may call itself by some way.
    pub calls: bool,
    weights: [u32; STEPS.len()],
    pub favourite: Type,
}

/// Declared locals and operands that push a frame's temporaries past slot 65,536.
const PADDING: (u32, u32) = (49_000, 17_000);

impl<'s, 'd, 'b> Body<'s, 'd, 'b> {
    /// The body of a function of the module.
    pub fn function(shape: &'s mut Shape, dice: &'d mut Dice<'b>, func: u32, padded: bool) -> enc::Function {
        let signature = shape.signature(func).clone();
        let params = signature.params.len() as u32;
        let mut body = Body {
            shape,
            dice,
            results: signature.results.clone(),
            locals: signature.params,
            writable: Default::default(),
            pointers: [0; 2],
            frozen: false,
            counters: [0; MAX_LOOPS],
            scratch: [0; 2],
            code: Vec::new(),
            stack: Vec::new(),
            base: 0,
            labels: vec![Label {
                carries: signature.results,
                counter: None,
            }],
            loops: 0,
            rounds: 1,
            budget: 0,
            depth: 0,
            calls: false,
            weights: [0; STEPS.len()],
            favourite: I32,
        };
        body.draw_profile();
        body.declare_locals(params);
        body.whole();
        let guard = if body.calls { body.guard() } else { Vec::new() };
        let mut locals: Vec<(u32, enc::ValType)> = body.locals[params as usize..]
            .iter()
            .map(|&ty| (1, encoded(ty)))
            .collect();
        if padded {
            locals.push((PADDING.0, enc::ValType::I64));
        }
        let mut function = enc::Function::new(locals);
        if padded {
            for at in 0..PADDING.1 {
                // Most are constants; some locals wait to be copied.
                let pending = at % 64 == 0 && params > 0;
                function.instruction(&if pending {
                    Instruction::LocalGet(0)
                } else {
                    Instruction::I64Const(1)
                });
            }
        }
        for ins in guard.iter().chain(&body.code) {
            function.instruction(ins);
        }
        if padded {
            function.instruction(&Instruction::Return);
        }
        function.instruction(&Instruction::End);
        function
    }

    fn draw_profile(&mut self) {
        for (weight, (_, usual)) in self.weights.iter_mut().zip(STEPS) {
            *weight = usual * self.dice.pick(&[0, 1, 1, 2, 5]);
        }
        self.favourite = self.dice.pick(&Type::NUMBERS);
        self.budget = self.dice.pick(&[20, 60, 150, 400]);
    }

    fn declare_locals(&mut self, params: u32) {
        for local in (0..params).rev() {
            self.writable[self.locals[local as usize] as usize].push(local);
        }
        let mut declare = |ty: Type, writable: bool| {
            self.locals.push(ty);
            let local = self.locals.len() as u32 - 1;
            if writable {
                self.writable[ty as usize].push(local);
            }
            local
        };
        for ty in [I32, I64, F32, F64, Type::Func, Type::Extern] {
            let most = if ty.is_ref() { 2 } else { 6 };
            for _ in 0..1 + self.dice.below(most) {
                declare(ty, true);
            }
        }
        self.pointers = [declare(I32, false), declare(I32, false)];
        self.counters = [(); MAX_LOOPS].map(|()| declare(I32, false));
        self.scratch = [declare(F32, false), declare(F64, false)];
    }

    /// The code from the first instruction to the results.
    fn whole(&mut self) {
        if self.dice.chance(60) {
            for _ in 0..self.dice.below(60) {
                let ty = self.any_type();
                self.leaf(ty);
            }
        }
        self.steps();
        let results = self.results.clone();
        self.finish(&results);
    }

    /// Returns zeros when the fuel is used up, so that recursion ends.
    fn guard(&mut self) -> Vec<Instruction<'static>> {
        use Instruction::*;
        let fuel = self.shape.fuel;
        let mut code = vec![
            GlobalGet(fuel),
            I32Const(1),
            I32Sub,
            GlobalSet(fuel),
            GlobalGet(fuel),
            I32Const(0),
            I32LtS,
            If(enc::BlockType::Empty),
        ];
        code.extend(self.results.iter().map(|&ty| zero(ty)));
        code.extend([Return, End]);
        code
    }

    /// Steps until the choices or the instructions run out.
    pub fn steps(&mut self) {
        let most = 2 + self.dice.below(if self.labels.len() < 3 { 40 } else { 10 });
        for _ in 0..most {
            if self.budget < 0 || !self.dice.any_left() {
                return;
            }
            let step = self.choose();
            self.step(step);
        }
    }

    fn choose(&mut self) -> Step {
        let total: u32 = self.weights.iter().sum();
        let mut at = self.dice.below(total as usize) as u32;
        for ((step, _), &weight) in STEPS.iter().zip(&self.weights) {
            if at < weight {
                return *step;
            }
            at -= weight;
        }
        Step::Push
    }

    pub fn step(&mut self, step: Step) {
        match step {
            Step::Push => {
                for _ in 0..1 + self.dice.below(4) {
                    let ty = self.any_type();
                    self.leaf(ty);
                }
            }
            Step::Numeric => self.numeric(None),
            Step::Joined => {
                let ty = if self.dice.chance(160) { I32 } else { self.number_type() };
                self.joined(ty);
            }
            Step::Locals => self.steps_of_locals(),
            Step::Set => self.set_local(),
            Step::Tee => self.tee_local(),
            Step::Pointer => self.set_pointer(),
            Step::Load => {
                let ty = self.number_type();
                self.load(ty);
            }
            Step::Store => self.store(),
            Step::GlobalSet => self.set_global(),
            Step::GlobalStep => self.step_of_global(),
            Step::Select => {
                let ty = self.any_type();
                self.select(ty);
            }
            Step::Drop => {
                if self.stack.len() > self.base {
                    self.emit(Instruction::Drop);
                    self.stack.pop();
                }
            }
            Step::Block => self.block(),
            Step::If => self.if_else(),
            Step::Loop => self.counted_loop(),
            Step::BranchIf => self.branch_if(),
            Step::Leave => self.leave(),
            Step::Call => self.call(None),
            Step::CallIndirect => self.call_indirect(),
            Step::Bulk => self.bulk(),
            Step::Table => self.table(),
            Step::Grow => self.grow(),
        }
    }

    pub fn emit(&mut self, ins: Instruction<'static>) {
        self.code.push(ins);
        self.budget -= 1;
    }

    pub fn number_type(&mut self) -> Type {
        if self.dice.chance(110) {
            self.favourite
        } else {
            self.dice.pick(&Type::NUMBERS)
        }
    }

    pub fn any_type(&mut self) -> Type {
        if self.dice.chance(12) {
            self.dice.pick(&[Type::Extern, Type::Func])
        } else {
            self.number_type()
        }
    }

    /// Runs `make` with the operands so far out of reach.
    pub fn above<R>(&mut self, make: impl FnOnce(&mut Self) -> R) -> R {
        let base = std::mem::replace(&mut self.base, self.stack.len());
        let made = make(self);
        self.base = base;
        made
    }

    /// Sees to it that operands of these types are on top of the stack: some may be there already.
    pub fn want(&mut self, types: &[Type]) {
        let reach = self.stack.len() - self.base;
        let top = |count: usize| &self.stack[self.stack.len() - count..];
        let fitting: Vec<usize> = (0..=types.len().min(reach))
            .rev()
            .filter(|&count| top(count) == &types[..count])
            .collect();
        let there = if self.dice.chance(190) {
            fitting[0]
        } else {
            self.dice.pick(&fitting)
        };
        for &ty in &types[there..] {
            if self.dice.chance(16) {
                self.aside();
            }
            self.produce(ty);
        }
    }

    pub fn pop(&mut self, count: usize) {
        self.stack.truncate(self.stack.len() - count);
    }

    /// Something that leaves the stack as it is.
    pub fn aside(&mut self) {
        if self.depth > 2 || self.budget < 0 {
            return;
        }
        self.depth += 1;
        let step = self.dice.pick(&[
            Step::Set,
            Step::Tee,
            Step::Pointer,
            Step::Store,
            Step::GlobalSet,
            Step::GlobalStep,
            Step::Locals,
            Step::Call,
        ]);
        self.above(|body| {
            body.step(step);
            body.finish(&[]);
        });
        self.depth -= 1;
    }

    /// Brings the running block's operands to `results`.
    pub fn finish(&mut self, results: &[Type]) {
        let kept = (0..results.len())
            .take_while(|&at| self.stack.get(self.base + at) == Some(&results[at]))
            .count();
        let kept = if self.dice.chance(80) {
            self.dice.below(kept + 1)
        } else {
            kept
        };
        while self.stack.len() > self.base + kept {
            self.consume(kept);
        }
        for &ty in &results[kept..] {
            self.produce(ty);
        }
    }

    /// Makes the block's operands fewer by at least one, keeping the lowest.
    fn consume(&mut self, kept: usize) {
        let top = self.stack[self.stack.len() - 1];
        let two = self.stack.len() >= self.base + kept + 2 && self.stack[self.stack.len() - 2] == top;
        match self.dice.below(5) {
            0 => {
                self.emit(Instruction::Drop);
                self.pop(1);
            }
            1 | 2 if two && !top.is_ref() => {
                let ins = match (top, self.dice.below(2)) {
                    (I32, 0) => Instruction::I32Add,
                    (I32, _) => Instruction::I32Xor,
                    (I64, 0) => Instruction::I64Sub,
                    (I64, _) => Instruction::I64Add,
                    (F32, 0) => Instruction::F32Add,
                    (F32, _) => Instruction::F32Max,
                    (_, 0) => Instruction::F64Sub,
                    _ => Instruction::F64Min,
                };
                self.emit(ins);
                self.pop(1);
            }
            _ => {
                let local = self.writable_local(top);
                self.emit(Instruction::LocalSet(local));
                self.pop(1);
            }
        }
    }

    /// A local of the type that may be written, the first ones more often.
    pub fn writable_local(&mut self, ty: Type) -> u32 {
        let count = self.writable[ty as usize].len();
        let at = self.dice.below(count).min(self.dice.below(count));
        self.writable[ty as usize][at]
    }
}

/// Zero or null.
pub(super) fn zero(ty: Type) -> Instruction<'static> {
    match ty {
        I32 => Instruction::I32Const(0),
        I64 => Instruction::I64Const(0),
        F32 => Instruction::F32Const(0.0.into()),
        F64 => Instruction::F64Const(0.0.into()),
        Type::Func => Instruction::RefNull(enc::HeapType::FUNC),
        Type::Extern => Instruction::RefNull(enc::HeapType::EXTERN),
    }
}
