//! Blocks, loops, branches and calls.
//!
//! Everything ends: a loop is only entered again after its counter went down and was positive, and functions that
//! may call themselves look at the fuel first.

use std::borrow::Cow;

use wasm_encoder::{BlockType, Instruction};

use super::body::{Body, Label, MAX_LOOPS, zero};
use super::shape::GROUP;
use crate::smith::encoded;
use crate::value::Type::{self, I32};

/// Rounds of nested loops, multiplied.
const MAX_ROUNDS: u32 = 128;
/// Blocks in blocks.
const MAX_LABELS: usize = 10;

impl Body<'_, '_, '_> {
    fn block_type(&mut self, params: &[Type], results: &[Type]) -> BlockType {
        match (params, results) {
            ([], []) => BlockType::Empty,
            ([], [ty]) if !self.dice.chance(40) => BlockType::Result(encoded(*ty)),
            _ => BlockType::FunctionType(self.shape.type_index(params, results)),
        }
    }

    /// Operands for a block to take: what is on top, sometimes with a new one.
    fn block_params(&mut self) -> Vec<Type> {
        let most = (self.stack.len() - self.base).min(3);
        let count = self.dice.below(most + 1);
        let mut params = self.stack[self.stack.len() - count..].to_vec();
        if self.dice.chance(30) {
            let ty = self.any_type();
            self.produce(ty);
            params.push(ty);
        }
        params
    }

    /// Types for a block to give: none, a few, or what some block around gives.
    fn block_results(&mut self) -> Vec<Type> {
        match self.dice.below(4) {
            0 | 1 => (0..self.dice.below(3)).map(|_| self.any_type()).collect(),
            2 => {
                let label = self.dice.below(self.labels.len());
                self.labels[label].carries.clone()
            }
            _ => {
                let ty = self.number_type();
                vec![ty]
            }
        }
    }

    /// The inside of a block whose parameters are on top of the stack.
    pub fn inside(&mut self, label: Label, params: usize, results: &[Type], make: impl FnOnce(&mut Self)) {
        self.labels.push(label);
        let base = std::mem::replace(&mut self.base, self.stack.len() - params);
        make(self);
        self.stack.truncate(self.base);
        self.stack.extend(results);
        self.base = base;
        self.labels.pop();
    }

    /// Steps to the results, or to a jump away and some code that is never reached.
    fn arm(&mut self, results: &[Type]) {
        self.steps();
        if self.dice.chance(24) {
            self.jump();
            if self.dice.chance(128) {
                return;
            }
            self.steps();
        }
        self.finish(results);
    }

    pub fn block(&mut self) {
        if self.labels.len() >= MAX_LABELS {
            return;
        }
        let params = self.block_params();
        let results = self.block_results();
        let ty = self.block_type(&params, &results);
        self.emit(Instruction::Block(ty));
        let label = Label {
            carries: results.clone(),
            counter: None,
        };
        self.inside(label, params.len(), &results, |body| body.arm(&results));
        self.emit(Instruction::End);
    }

    pub fn if_else(&mut self) {
        if self.labels.len() >= MAX_LABELS {
            return;
        }
        let params = self.block_params();
        // Without an else, parameters are results.
        let plain = self.dice.chance(80);
        let results = if plain { params.clone() } else { self.block_results() };
        self.above(|body| body.condition());
        self.pop(1);
        let ty = self.block_type(&params, &results);
        self.emit(Instruction::If(ty));
        let arm = |body: &mut Self| {
            let label = Label {
                carries: results.clone(),
                counter: None,
            };
            body.inside(label, params.len(), &results, |body| body.arm(&results));
        };
        arm(self);
        if !plain || self.dice.chance(128) {
            self.pop(results.len());
            self.stack.extend(&params);
            self.emit(Instruction::Else);
            arm(self);
        }
        self.emit(Instruction::End);
    }

    /// A block, `if` or loop that gives one value.
    pub fn block_of(&mut self, ty: Type) {
        let results = [ty];
        let conditional = self.dice.chance(128);
        if conditional {
            self.condition();
            self.pop(1);
        }
        let block_type = BlockType::Result(encoded(ty));
        self.emit(if conditional {
            Instruction::If(block_type)
        } else {
            Instruction::Block(block_type)
        });
        for arm in 0..1 + conditional as u32 {
            if arm == 1 {
                self.emit(Instruction::Else);
                self.pop(1);
            }
            let label = Label {
                carries: results.to_vec(),
                counter: None,
            };
            self.inside(label, 0, &results, |body| body.arm(&results));
        }
        self.emit(Instruction::End);
    }

    // ---- loops -------------------------------------------------------------------------------------------------

    pub fn counted_loop(&mut self) {
        let rounds = 1 + self.dice.below(9) as u32;
        if self.loops == MAX_LOOPS || self.labels.len() >= MAX_LABELS || self.rounds * rounds > MAX_ROUNDS {
            return;
        }
        let counter = self.counters[self.loops];
        self.emit(Instruction::I32Const(rounds as i32));
        self.emit(Instruction::LocalSet(counter));
        self.loops += 1;
        self.rounds *= rounds;
        if self.dice.chance(60) {
            self.tested_first(counter)
        } else {
            self.tested_last(counter)
        }
        self.rounds /= rounds;
        self.loops -= 1;
    }

    /// `loop ... br_if 0 end`, with values going round.
    fn tested_last(&mut self, counter: u32) {
        let params = self.block_params();
        let results = self.block_results();
        let ty = self.block_type(&params, &results);
        self.emit(Instruction::Loop(ty));
        let label = Label {
            carries: params.clone(),
            counter: Some(counter),
        };
        self.inside(label, params.len(), &results, |body| {
            body.steps();
            body.finish(&params);
            body.count_down(counter);
            body.emit(Instruction::BrIf(0));
            if body.dice.chance(60) {
                body.steps();
            }
            body.finish(&results);
        });
        self.emit(Instruction::End);
    }

    /// `block loop <test> br_if 1 ... br 0 end end`
    fn tested_first(&mut self, counter: u32) {
        self.emit(Instruction::Block(BlockType::Empty));
        self.inside(
            Label {
                carries: Vec::new(),
                counter: None,
            },
            0,
            &[],
            |body| {
                body.emit(Instruction::Loop(BlockType::Empty));
                body.inside(
                    Label {
                        carries: Vec::new(),
                        counter: Some(counter),
                    },
                    0,
                    &[],
                    |body| {
                        body.count_down(counter);
                        body.emit(Instruction::I32Eqz);
                        body.emit(Instruction::BrIf(1));
                        body.steps();
                        body.finish(&[]);
                        if body.dice.chance(100) {
                            body.step_of_local();
                        }
                        body.emit(Instruction::Br(0));
                    },
                );
                body.emit(Instruction::End);
            },
        );
        self.emit(Instruction::End);
    }

    /// Emits a condition that holds as often as the counter says: every comparison a branch can join with.
    fn count_down(&mut self, counter: u32) {
        use Instruction::*;
        let mut emit = |code: &[Instruction<'static>]| code.iter().for_each(|ins| self.code.push(ins.clone()));
        emit(&[LocalGet(counter), I32Const(1), I32Sub, LocalTee(counter)]);
        if self.dice.chance(80) {
            return self.joined_countdown(counter);
        }
        let mut emit = |code: &[Instruction<'static>]| code.iter().for_each(|ins| self.code.push(ins.clone()));
        match self.dice.below(8) {
            0 | 1 => emit(&[I32Const(0), I32GtS]),
            2 => emit(&[I32Const(1), I32LtS, I32Eqz]),
            3 => emit(&[I64ExtendI32S, I64Const(0), I64GtS]),
            4 => emit(&[F64ConvertI32S, F64Const(0.5.into()), F64Gt]),
            5 => emit(&[F32ConvertI32S, F32Const(0.0.into()), F32Le, I32Eqz]),
            6 => emit(&[I32Const(-1), I32Xor, I32Const(i32::MIN), I32And]),
            _ => emit(&[Drop, I32Const(0), LocalGet(counter), I32LtS]),
        }
        self.budget -= 6;
    }

    // ---- branches ----------------------------------------------------------------------------------------------

    pub fn branch_if(&mut self) {
        let depth = self.dice.below(self.labels.len());
        let label = &self.labels[self.labels.len() - 1 - depth];
        let (mut carries, counter) = (label.carries.clone(), label.counter);
        match counter {
            Some(counter) => {
                self.want(&carries);
                self.count_down(counter);
            }
            None if self.dice.chance(150) => {
                self.want(&carries);
                self.above(|body| body.condition());
                self.pop(1);
            }
            None => {
                carries.push(I32);
                self.want(&carries);
                self.pop(1);
            }
        }
        self.emit(Instruction::BrIf(depth as u32));
    }

    /// `if ... <jump> end`
    pub fn leave(&mut self) {
        if self.labels.len() >= MAX_LABELS {
            return;
        }
        self.above(|body| body.condition());
        self.pop(1);
        self.emit(Instruction::If(BlockType::Empty));
        self.inside(
            Label {
                carries: Vec::new(),
                counter: None,
            },
            0,
            &[],
            |body| {
                if body.dice.chance(100) {
                    body.steps();
                }
                body.jump();
            },
        );
        self.emit(Instruction::End);
    }

    /// Leaves for somewhere else; nothing is on the block's stack after it.
    fn jump(&mut self) {
        match self.dice.below(8) {
            0 => {
                let results = self.results.clone();
                self.want(&results);
                self.emit(Instruction::Return);
            }
            1 | 2 => {
                let labels = self.labels.len();
                let depths: Vec<usize> = (0..labels)
                    .filter(|at| self.labels[labels - 1 - at].counter.is_none())
                    .collect();
                let depth = self.dice.pick(&depths);
                let carries = self.labels[labels - 1 - depth].carries.clone();
                self.want(&carries);
                self.emit(Instruction::Br(depth as u32));
            }
            3 | 4 => self.branch_table(),
            5 => self.tail_call(),
            6 => self.tail_call_indirect(),
            _ => {
                let results = self.results.clone();
                if self.dice.chance(20) {
                    self.emit(Instruction::Unreachable);
                } else {
                    // All values new, in one go.
                    results.iter().for_each(|&ty| self.leaf(ty));
                    self.emit(Instruction::Return);
                }
            }
        }
        self.stack.truncate(self.base);
    }

    fn branch_table(&mut self) {
        let labels = self.labels.len();
        let at_depth = |depth: usize| &self.labels[labels - 1 - depth];
        let forward: Vec<usize> = (0..labels).filter(|&depth| at_depth(depth).counter.is_none()).collect();
        let first = forward[self.dice.below(forward.len())];
        let carries = at_depth(first).carries.clone();
        let alike = |depth: &usize| at_depth(*depth).carries == carries;
        let forward: Vec<usize> = forward.into_iter().filter(alike).collect();
        let back: Vec<usize> = (0..labels)
            .filter(|&depth| at_depth(depth).counter.is_some())
            .filter(alike)
            .collect();
        let counter = back
            .first()
            .and_then(|&depth| at_depth(depth).counter)
            .filter(|_| self.dice.chance(128));
        let mut targets: Vec<u32> = (0..self.dice.below(6))
            .map(|_| self.dice.pick(&forward) as u32)
            .collect();
        if self.dice.chance(100) {
            self.want(&carries);
            self.joined_index();
        } else {
            let mut wanted = carries;
            wanted.push(I32);
            self.want(&wanted);
            if self.dice.chance(200) {
                self.emit(Instruction::I32Const(7));
                self.emit(Instruction::I32And);
            }
        }
        if let Some(counter) = counter {
            // Goes round only while the counter is positive; else to the first target.
            targets.insert(0, first as u32);
            targets.push(back[0] as u32);
            targets.push(back[0] as u32);
            self.count_down(counter);
            self.emit(Instruction::I32Const(0));
            self.emit(Instruction::I32Ne);
            self.emit(Instruction::I32Mul);
            if self.dice.chance(128) {
                // Of 0 this makes the default, which is the first target.
                self.emit(Instruction::I32Const(-1));
                self.emit(Instruction::I32Add);
            }
        }
        self.emit(Instruction::BrTable(Cow::Owned(targets), first as u32));
    }

    // ---- calls -------------------------------------------------------------------------------------------------

    /// Calls a function, of one result if its type is given.
    pub fn call(&mut self, result: Option<Type>) {
        let funcs = 0..self.shape.funcs.len() as u32;
        let fits = |&func: &u32| result.is_none_or(|ty| self.shape.signature(func).results == [ty]);
        let fitting: Vec<u32> = funcs.filter(fits).collect();
        if fitting.is_empty() {
            if let Some(ty) = result {
                self.leaf(ty);
            }
            return;
        }
        let func = self.dice.pick(&fitting);
        let signature = self.shape.signature(func).clone();
        self.want(&signature.params);
        self.emit(Instruction::Call(func));
        self.note_call(func);
        self.pop(signature.params.len());
        self.stack.extend(signature.results);
    }

    /// Functions of the host end, the others might call this one.
    fn note_call(&mut self, func: u32) {
        self.calls |= match &self.shape.funcs[func as usize].import {
            Some((module, name)) => module != "host" || name == "call_back",
            None => true,
        };
    }

    pub fn call_indirect(&mut self) {
        let groups: Vec<usize> = (0..self.shape.groups.len()).collect();
        let group = self.shape.groups[self.dice.pick(&groups)];
        let signature = self.shape.types[group.ty as usize].clone();
        self.want(&signature.params);
        let table_index = self.index_of(group.start);
        self.emit(Instruction::CallIndirect {
            type_index: group.ty,
            table_index,
        });
        self.calls = true;
        self.pop(signature.params.len() + 1);
        self.stack.extend(signature.results);
    }

    /// Pushes the index of an element of a group; gives the table.
    fn index_of(&mut self, start: u32) -> u32 {
        let wrong = self.dice.chance(3);
        match self.dice.below(4) {
            _ if wrong => self.above(|body| body.produce(I32)),
            0 => {
                let index = start + self.dice.below(GROUP as usize) as u32;
                self.emit(Instruction::I32Const(index as i32));
                self.stack.push(I32);
            }
            _ => {
                self.above(|body| body.produce(I32));
                for ins in [
                    Instruction::I32Const(GROUP as i32 - 1),
                    Instruction::I32And,
                    Instruction::I32Const(start as i32),
                    Instruction::I32Add,
                ] {
                    self.emit(ins);
                }
                if self.dice.chance(60) {
                    self.emit(Instruction::LocalTee(self.counters[MAX_LOOPS - 1]));
                }
            }
        }
        self.shape.group_table
    }

    fn tail_call(&mut self) {
        let funcs = 0..self.shape.funcs.len() as u32;
        let fitting: Vec<u32> = funcs
            .filter(|&func| self.shape.signature(func).results == self.results)
            .collect();
        let func = self.dice.pick(&fitting);
        let params = self.shape.signature(func).params.clone();
        self.want(&params);
        self.emit(Instruction::ReturnCall(func));
        self.note_call(func);
    }

    fn tail_call_indirect(&mut self) {
        let types = &self.shape.types;
        let fits = |at: &usize| types[self.shape.groups[*at].ty as usize].results == self.results;
        let fitting: Vec<usize> = (0..self.shape.groups.len()).filter(fits).collect();
        if fitting.is_empty() {
            self.results.clone().into_iter().for_each(|ty| self.emit(zero(ty)));
            return self.emit(Instruction::Return);
        }
        let group = self.shape.groups[self.dice.pick(&fitting)];
        let params = self.shape.types[group.ty as usize].params.clone();
        self.want(&params);
        let table_index = self.index_of(group.start);
        self.emit(Instruction::ReturnCallIndirect {
            type_index: group.ty,
            table_index,
        });
        self.calls = true;
    }
}
