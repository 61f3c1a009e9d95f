//! Pass 3: for each instruction its handler, by the classes of its operands, and its words.

use super::assign::Classes;
use super::encode::{Encoder, fields, fields_imm, halves};
use super::ir::{Arg, Ins, Mode, Op, Slow};
use super::*;
use crate::engine::ops::{AtomicOp, CompareOp};
use crate::engine::run::dispatch::{Handler, word_of};
use crate::engine::run::handlers::{
    atomic, bulk, control, convert, float, fused, integer, memory, object, reference, simd, variable,
};
use crate::engine::run::operand::Src;

impl Encoder<'_, '_> {
    /// Writes one instruction.
    pub(super) fn write(&mut self, ins: &Ins, classes: Classes) {
        let Classes {
            a: ca,
            b: cb,
            c: cc,
            d: cd,
            ..
        } = classes;
        let (d, a, b, c) = (
            Encoder::near(ins.d),
            Encoder::near(ins.a),
            Encoder::near(ins.b),
            Encoder::near(ins.c),
        );
        let (sa, sb, sd) = (ca as usize, cb as usize, cd as usize);
        // Two sources and a destination, an immediate in the place of b.
        let two = |this: &Self| match cb {
            Src::Imm => fields_imm(d, a, this.imm(ins.b)),
            _ => fields(d, a, b, 0),
        };
        match ins.op {
            Op::Nop | Op::Label | Op::TryBegin | Op::TryEnd => {}
            Op::Fuel => self.push(control::fuel, ins.x),
            Op::Binary(op) => {
                let word = two(self);
                self.push(integer::BINARY[op as usize][sa][sb][sd], word);
            }
            Op::Small(op) => {
                let word = two(self);
                self.push(integer::SMALL[op as usize][sa][sb][sd], word);
            }
            Op::Reversed(op) => self.push(
                integer::REVERSED[op as usize][sa][sd],
                fields_imm(d, a, self.imm(ins.b)),
            ),
            Op::Compare(op) => {
                let word = two(self);
                self.push(integer::COMPARE[op as usize][sa][sb][sd], word);
            }
            Op::Division(op) => {
                let word = two(self);
                self.push(integer::DIVISION[op as usize][sa][sb][sd], word);
            }
            Op::Unary(op) => self.push(integer::UNARY[op as usize][sa][sd], fields(d, a, 0, 0)),
            Op::Wide(op) => {
                let [d, a, b, c] = [ins.d, ins.a, ins.b, ins.c].map(Encoder::near);
                self.push(integer::WIDE[op as usize], halves(d, a));
                self.words.push(halves(b, c));
                self.words.push(Encoder::near(Arg(ins.x as u32)) as u64);
            }
            Op::RotateAnd => {
                self.push(fused::ROTATE_AND[sa][sd], fields(d, a, ins.x as u32, 0));
                self.words.push(ins.x >> 32);
            }
            Op::RotateAndAdd => {
                self.push(fused::ROTATE_AND_ADD[sa][sb][sd], fields(d, a, b, ins.x as u32));
                self.words.push(ins.x >> 32);
            }
            Op::ShlAdd => self.push(fused::SHL_ADD[sa][sb][sd], fields(d, a, b, ins.x as u32)),
            Op::F64(op) => self.float(float::F64_BINARY[op as usize][sa][sb][sd], ins),
            Op::F64Small(op) => self.float(float::F64_SMALL[op as usize][sa][sb][sd], ins),
            Op::F64Compare(op) => self.float(float::F64_COMPARE[op as usize][sa][sb][sd], ins),
            Op::F64Unary(op) => self.push(float::F64_UNARY[op as usize][sa][sd], fields(d, a, 0, 0)),
            Op::F32(op) => self.float(float::F32_BINARY[op as usize][sa][sb][sd], ins),
            Op::F32Small(op) => self.float(float::F32_SMALL[op as usize][sa][sb][sd], ins),
            Op::F32Compare(op) => self.float(float::F32_COMPARE[op as usize][sa][sb][sd], ins),
            Op::F32Unary(op) => self.push(float::F32_UNARY[op as usize][sa][sd], fields(d, a, 0, 0)),
            Op::Convert(op) => self.push(convert::CONVERT[op as usize][sa][sd], fields(d, a, 0, 0)),
            Op::Truncate(op) => self.push(convert::TRUNCATE[op as usize][sa][sd], fields(d, a, 0, 0)),
            Op::Copy(bank) => self.copy(bank, ins, classes),
            Op::Select => {
                let handler = integer::SELECT[(ca == Src::Imm) as usize][(cb == Src::Imm) as usize][cc as usize][sd];
                self.push(handler, fields(d, c, a, b));
                self.words.push(halves(self.imm(ins.a), self.imm(ins.b)));
            }
            Op::SelectV128
            | Op::ConstV128
            | Op::VectorUnary(_)
            | Op::VectorBinary(_)
            | Op::VectorTernary(_)
            | Op::VectorShift(_)
            | Op::VectorTest(_)
            | Op::TestBranch(..)
            | Op::Splat(_)
            | Op::Replace(..)
            | Op::Extract(..)
            | Op::ExtractF32(_)
            | Op::ExtractF64(_)
            | Op::Swizzle
            | Op::Shuffle
            | Op::LoadV128(..)
            | Op::StoreV128(_)
            | Op::LoadLane(..)
            | Op::StoreLane(..)
            | Op::LoadV128Far(_)
            | Op::StoreV128Far
            | Op::LoadLaneFar(..)
            | Op::StoreLaneFar(..) => self.write_vector(ins, classes),
            Op::Load(op, mode) => {
                let bytes = op.bytes();
                let handler = match mode {
                    Mode::Fixed => memory::LOAD_FIXED[op as usize][sd],
                    Mode::At => memory::LOAD_AT[op as usize][sa][sd],
                    Mode::At64 => memory::LOAD_AT_64[op as usize][sa][sd],
                    Mode::AtShared => memory::LOAD_SHARED[op as usize][sa][sd],
                    Mode::Plus => memory::LOAD_PLUS[op as usize][sa][sd],
                    Mode::Sum => memory::LOAD_SUM[op as usize][sa][sb][sd],
                    Mode::Scaled => memory::load_scaled(op).expect("chosen for it")[sa][sb][sd],
                };
                self.access(handler, mode, d, bytes, ins, None);
            }
            Op::LoadF64(mode) => {
                let handler = match mode {
                    Mode::Fixed => memory::LOAD_F64_FIXED[sd],
                    Mode::At => memory::LOAD_F64_AT[sa][sd],
                    Mode::At64 => memory::LOAD_F64_AT_64[sa][sd],
                    Mode::AtShared => unreachable!("floats take the far form"),
                    Mode::Plus => memory::LOAD_F64_PLUS[sa][sd],
                    Mode::Sum => memory::LOAD_F64_SUM[sa][sb][sd],
                    Mode::Scaled => memory::LOAD_F64_SCALED[sa][sb][sd],
                };
                self.access(handler, mode, d, 8, ins, None);
            }
            Op::LoadF32(mode) => {
                let handler = match mode {
                    Mode::Fixed => memory::LOAD_F32_FIXED[sd],
                    Mode::At => memory::LOAD_F32_AT[sa][sd],
                    Mode::At64 => memory::LOAD_F32_AT_64[sa][sd],
                    Mode::AtShared => unreachable!("floats take the far form"),
                    Mode::Plus => memory::LOAD_F32_PLUS[sa][sd],
                    Mode::Sum => memory::LOAD_F32_SUM[sa][sb][sd],
                    Mode::Scaled => memory::LOAD_F32_SCALED[sa][sb][sd],
                };
                self.access(handler, mode, d, 4, ins, None);
            }
            Op::Store(op, mode) => {
                let (bytes, v) = (op.bytes(), cc as usize);
                let handler = match mode {
                    Mode::Fixed => memory::STORE_FIXED[op as usize][v],
                    Mode::At => memory::STORE_AT[op as usize][sa][v],
                    Mode::At64 => memory::STORE_AT_64[op as usize][sa][v],
                    Mode::AtShared => memory::STORE_SHARED[op as usize][sa][v],
                    Mode::Plus => memory::STORE_PLUS[op as usize][sa][v],
                    Mode::Sum => memory::STORE_SUM[op as usize][sa][sb][v],
                    Mode::Scaled => memory::store_scaled(op).expect("chosen for it")[sa][sb][v],
                };
                let imm = (cc == Src::Imm).then(|| self.imm(ins.c));
                self.access(handler, mode, c, bytes, ins, imm);
            }
            Op::StoreF64(mode) => {
                let v = cc as usize;
                let handler = match mode {
                    Mode::Fixed => memory::STORE_F64_FIXED[v],
                    Mode::At => memory::STORE_F64_AT[sa][v],
                    Mode::At64 => memory::STORE_F64_AT_64[sa][v],
                    Mode::AtShared => unreachable!("floats take the far form"),
                    Mode::Plus => memory::STORE_F64_PLUS[sa][v],
                    Mode::Sum => memory::STORE_F64_SUM[sa][sb][v],
                    Mode::Scaled => memory::STORE_F64_SCALED[sa][sb][v],
                };
                self.access(handler, mode, c, 8, ins, None);
            }
            Op::StoreF32(mode) => {
                let v = cc as usize;
                let handler = match mode {
                    Mode::Fixed => memory::STORE_F32_FIXED[v],
                    Mode::At => memory::STORE_F32_AT[sa][v],
                    Mode::At64 => memory::STORE_F32_AT_64[sa][v],
                    Mode::AtShared => unreachable!("floats take the far form"),
                    Mode::Plus => memory::STORE_F32_PLUS[sa][v],
                    Mode::Sum => memory::STORE_F32_SUM[sa][sb][v],
                    Mode::Scaled => memory::STORE_F32_SCALED[sa][sb][v],
                };
                self.access(handler, mode, c, 4, ins, None);
            }
            Op::LoadFar(op) => {
                let ty = self.t.module.memories[ins.b.0 as usize];
                let handler = memory::LOAD_FAR[op as usize][ty.shared as usize][ty.is_64 as usize];
                self.push(handler, fields(d, a, ins.b.0, 0));
                self.words.push(ins.x);
            }
            Op::StoreFar(op) => {
                let ty = self.t.module.memories[ins.b.0 as usize];
                let handler = memory::STORE_FAR[op as usize][ty.shared as usize][ty.is_64 as usize];
                self.push(handler, fields(c, a, ins.b.0, 0));
                self.words.push(ins.x);
            }
            Op::Atomic(op) => {
                let is_64 = self.t.module.memories[ins.b.0 as usize].is_64;
                let handlers = match op {
                    AtomicOp::Load(width) => atomic::LOAD[width as usize],
                    AtomicOp::Store(width) => atomic::STORE[width as usize],
                    AtomicOp::Rmw(op, width) => atomic::RMW[op as usize][width as usize],
                    AtomicOp::Cmpxchg(width) => atomic::CMPXCHG[width as usize],
                };
                self.push(handlers[is_64 as usize], halves(d, a));
                self.words.push(ins.x);
                self.words.push(halves(ins.b.0, c));
            }
            Op::Fence => self.words.push(word_of(atomic::atomic_fence)),
            Op::MemorySize => self.push(memory::MEMORY_SIZE[sd], fields(d, 0, 0, 0)),
            Op::GlobalGet(bank) => {
                let (place, global) = self.global(ins.x as u32);
                let table = match bank {
                    Bank::V128 => return self.push(simd::GLOBAL_GET[place], fields_imm(d, 0, global)),
                    Bank::Int => &variable::GLOBAL_GET,
                    Bank::F64 => &variable::GLOBAL_GET_F64,
                    Bank::F32 => &variable::GLOBAL_GET_F32,
                };
                self.push(table[place][sd], fields_imm(d, 0, global));
            }
            Op::GlobalSet(bank) => {
                let (place, global) = self.global(ins.x as u32);
                let table = match bank {
                    Bank::V128 => return self.push(simd::GLOBAL_SET[place], fields_imm(0, a, global)),
                    Bank::Int => &variable::GLOBAL_SET,
                    Bank::F64 => &variable::GLOBAL_SET_F64,
                    Bank::F32 => &variable::GLOBAL_SET_F32,
                };
                self.push(table[place][sa], fields_imm(0, a, global));
            }
            Op::GlobalSum | Op::GlobalStep | Op::GlobalSetSum => {
                let (_, global) = self.global(ins.x as u32);
                let (handler, field) = match ins.op {
                    Op::GlobalSum => (fused::GLOBAL_SUM[sd], fields_imm(d, 0, global)),
                    Op::GlobalStep => (fused::GLOBAL_STEP[sd], fields_imm(d, 0, global)),
                    _ => (fused::GLOBAL_SET_SUM[sa], fields_imm(0, a, global)),
                };
                self.push(handler, field);
                self.words.push(self.imm(ins.b) as u64);
            }
            Op::Br => {
                let back = self.backward(ins.x as Label) as usize;
                self.words.push(word_of(control::BR[back]));
                self.target(ins.x as Label);
            }
            Op::Branch(op) => {
                let back = self.backward(ins.x as Label) as usize;
                let word = two(self);
                self.push(control::BRANCH[back][op as usize][sa][sb], word);
                self.target(ins.x as Label);
            }
            Op::BranchWide(op) => {
                let back = self.backward(ins.x as Label) as usize;
                let row = op as usize - CompareOp::I64Eq as usize;
                self.push(fused::BRANCH_WIDE[row][back][sa], fields(0, a, 0, 0));
                self.words.push(self.constant(ins.b));
                self.target(ins.x as Label);
            }
            Op::AndBranch(op) => {
                let back = self.backward(ins.x as Label) as usize;
                let row = fuse::test_row(op).expect("chosen for it");
                self.push(fused::AND_BRANCH[row][back][sa], fields_imm(0, a, self.imm(ins.b)));
                self.words.push(self.imm(ins.c) as u64);
                self.target(ins.x as Label);
            }
            Op::LoadBranch(load, op) => {
                let (label, offset) = ((ins.x >> 32) as Label, ins.x as u32 + load.bytes());
                let back = self.backward(label) as usize;
                let (load, op) = (fuse::load_row(load), fuse::test_row(op));
                let table = &fused::LOAD_BRANCH[load.expect("chosen for it")][op.expect("chosen for it")];
                self.push(table[back][sa], fields_imm(0, a, offset));
                self.words.push(self.imm(ins.b) as u64);
                self.target(label);
            }
            Op::AddBranch(op) => {
                self.push(
                    control::ADD_BRANCH[op as usize][sa][sb],
                    fields_imm(d, b, self.imm(ins.c)),
                );
                self.words.push(self.imm(ins.b) as u64);
                self.target(ins.x as Label);
            }
            Op::BranchF64(op, not) => {
                let back = self.backward(ins.x as Label) as usize;
                let handler = control::BRANCH_F64[back][not as usize][op as usize][sa][sb];
                self.branch_float(handler, ins);
            }
            Op::BranchF32(op, not) => {
                let back = self.backward(ins.x as Label) as usize;
                let handler = control::BRANCH_F32[back][not as usize][op as usize][sa][sb];
                self.branch_float(handler, ins);
            }
            Op::BrTable => {
                let targets = &self.t.targets[ins.x as usize..][..ins.b.0 as usize];
                let back = targets.iter().any(|&label| self.backward(label)) as usize;
                let word = fields_imm(0, a, targets.len() as u32 - 1);
                if ins.c == Arg::NONE {
                    self.push(control::BR_TABLE[back][sa], word);
                } else {
                    self.push(fused::BR_TABLE_SUM[back][sa], word);
                    self.words.push(self.imm(ins.c) as u64);
                }
                for &label in targets {
                    self.target(label);
                }
            }
            Op::Unreachable => self.words.push(word_of(control::unreachable)),
            Op::Throw => self.push(control::throw, halves(a, ins.x as u32)),
            Op::ThrowRef => self.push(control::throw_ref, halves(a, 0)),
            Op::Call => {
                let (base, record) = (d, b);
                self.push(control::call, halves(base, record));
                let callee = ins.x as u32 - self.t.module.imported_funcs;
                self.words.push(self.t.module.code.entry(callee) as u64);
                self.words.push(self.pins());
            }
            Op::CallImport => {
                self.push(control::call_import, halves(d, b));
                self.words.push(ins.x);
                self.words.push(self.pins());
            }
            Op::CallIndirect => {
                self.push(control::CALL_INDIRECT[sa], halves(d, b));
                self.words.push(self.indirect(ins, a));
                self.words.push(0);
                self.words.push(self.pins());
            }
            Op::CallRef => {
                self.push(control::CALL_REF[sa], halves(d, b));
                self.words.push((a as u64) << 48);
                self.words.push(0);
                self.words.push(self.pins());
            }
            Op::ReturnCallRef => {
                self.push(control::return_call_ref, halves(d, ins.c.0));
                self.words.push((a as u64) << 48);
                self.words.push(halves(self.t.record, b));
            }
            Op::FieldGet(op) => self.push(object::FIELD_GET[op as usize][sa][sd], fields_imm(d, a, ins.x as u32)),
            Op::FieldGetFloat(bank) => {
                let table = match bank {
                    Bank::F64 => &object::FIELD_GET_F64,
                    _ => &object::FIELD_GET_F32,
                };
                self.push(table[sa][sd], fields_imm(d, a, ins.x as u32));
            }
            Op::FieldSet(op) => {
                self.push(
                    object::FIELD_SET[op as usize][sa][cc as usize],
                    fields_imm(c, a, ins.x as u32),
                );
                if cc == Src::Imm {
                    self.words.push(halves(0, self.imm(ins.c)));
                }
            }
            Op::FieldSetFloat(bank) => {
                let table = match bank {
                    Bank::F64 => &object::FIELD_SET_F64,
                    _ => &object::FIELD_SET_F32,
                };
                self.push(table[sa][cc as usize], fields_imm(c, a, ins.x as u32));
            }
            Op::ElementGet(op) => {
                let word = two(self);
                self.push(object::ELEMENT_GET[op as usize][sa][sb][sd], word);
            }
            Op::ElementGetFloat(bank) => {
                let table = match bank {
                    Bank::F64 => &object::ELEMENT_GET_F64,
                    _ => &object::ELEMENT_GET_F32,
                };
                let word = two(self);
                self.push(table[sa][sb][sd], word);
            }
            Op::ElementSet(_) | Op::ElementSetFloat(_) => {
                let table = match ins.op {
                    Op::ElementSet(op) => &object::ELEMENT_SET[op as usize],
                    Op::ElementSetFloat(Bank::F64) => &object::ELEMENT_SET_F64,
                    _ => &object::ELEMENT_SET_F32,
                };
                let word = match cb {
                    Src::Imm => fields_imm(c, a, self.imm(ins.b)),
                    _ => fields(c, a, b, 0),
                };
                self.push(table[sa][sb][cc as usize], word);
            }
            Op::ArrayLen => self.push(object::ARRAY_LEN[sa][sd], fields(d, a, 0, 0)),
            Op::RefTest(null) => {
                let (id, place) = (ins.x as u32, (ins.x >> 32) as u32);
                self.push(object::REF_TEST[null as usize][sa][sd], fields(d, a, place, 0));
                self.words.push(id as u64);
            }
            Op::RefCast(null) => {
                let (id, place) = (ins.x as u32, (ins.x >> 32) as u32);
                self.push(object::REF_CAST[null as usize][sa], fields(0, a, place, 0));
                self.words.push(id as u64);
            }
            Op::NullCheck(null) => self.push(reference::NULL_CHECK[null as usize][sa], fields(0, a, 0, 0)),
            Op::ReturnCall => {
                self.push(control::return_call, halves(d, ins.c.0));
                let callee = ins.x as u32 - self.t.module.imported_funcs;
                self.t.module.code.entry(callee);
                self.words.push(self.t.module.code.entry_cell(callee) as u64);
                self.words.push(halves(self.t.record, b));
            }
            Op::ReturnCallImport => {
                self.push(control::return_call_import, halves(d, ins.c.0));
                self.words.push(ins.x);
                self.words.push(halves(self.t.record, b));
            }
            Op::ReturnCallIndirect => {
                self.push(control::return_call_indirect, halves(d, ins.c.0));
                self.words.push(self.indirect(ins, a));
                self.words.push(halves(self.t.record, b));
            }
            Op::Ret(bank) => {
                let handler = match bank {
                    Bank::Int => control::RET_INT[sa],
                    Bank::F64 => control::RET_F64[sa],
                    Bank::F32 => control::RET_F32[sa],
                    Bank::V128 => unreachable!("vectors are returned in their slots"),
                };
                match (ca, bank) {
                    (Src::Imm, Bank::Int) => self.push(handler, fields_imm(self.t.record, 0, self.imm(ins.a))),
                    (Src::Imm, _) => {
                        self.push(handler, fields(self.t.record, 0, 0, 0));
                        self.words.push(self.constant(ins.a));
                    }
                    _ => self.push(handler, fields(self.t.record, a, 0, 0)),
                }
            }
            Op::RetMany => self.push(control::ret, fields(self.t.record, 0, 0, 0)),
            Op::LoadFloatPins => self.load_float_pins(),
            Op::MemoryFill(is_64) | Op::MemoryCopy(is_64) => {
                let (handlers, kind) = match ins.op {
                    Op::MemoryFill(_) => (&bulk::MEMORY_FILL, Slow::MemoryFill),
                    _ => (&bulk::MEMORY_COPY, Slow::MemoryCopy),
                };
                let handler = handlers[is_64 as usize];
                self.push(handler, fields(a, b, c, d));
                // The long form works on copies of its own, in the canonical slots of the operands.
                self.slow(kind, d, (d, d + 1, d + 2), 0);
            }
            Op::Slow(kind) => {
                let wide = |arg: Arg| arg.as_slot().unwrap_or(0);
                self.slow(kind, wide(ins.d), (wide(ins.a), wide(ins.b), wide(ins.c)), ins.x);
            }
        }
    }

    /// Word 1: kind, d. Word 2: a, b. Word 3: c, i. Then j with room.
    fn slow(&mut self, kind: Slow, d: u32, (a, b, c): (u32, u32, u32), x: u64) {
        self.push(bulk::slow, halves(kind as u32, d));
        self.words.push(halves(a, b));
        self.words.push(halves(c, 0));
        self.words.push(x);
    }

    fn float(&mut self, handler: Handler, ins: &Ins) {
        self.push(
            handler,
            fields(Encoder::near(ins.d), Encoder::near(ins.a), Encoder::near(ins.b), 0),
        );
        if let Some(index) = ins.a.as_constant().or(ins.b.as_constant()) {
            self.words.push(self.t.consts[index]);
        }
    }

    fn branch_float(&mut self, handler: Handler, ins: &Ins) {
        self.push(handler, fields(0, Encoder::near(ins.a), Encoder::near(ins.b), 0));
        let imm = ins
            .a
            .as_constant()
            .or(ins.b.as_constant())
            .map_or(0, |index| self.t.consts[index]);
        self.words.push(imm);
        self.target(ins.x as Label);
    }

    fn copy(&mut self, bank: Bank, ins: &Ins, classes: Classes) {
        let (d, a) = (Encoder::near(ins.d), Encoder::near(ins.a));
        let (sa, sd) = (classes.a as usize, classes.d as usize);
        let value = self.constant(ins.a);
        match (bank, classes.a) {
            (Bank::Int, Src::Imm) if fits_imm(value) => {
                self.push(integer::COPY[sa][sd], fields_imm(d, 0, value as u32));
            }
            (Bank::Int, Src::Imm) => {
                self.push(integer::CONSTANT[sd], fields(d, 0, 0, 0));
                self.words.push(value);
            }
            (Bank::Int, _) => self.push(integer::COPY[sa][sd], fields(d, a, 0, 0)),
            (Bank::V128, _) => self.push(simd::COPY, fields(d, a, 0, 0)),
            (_, class) => {
                let table = if bank == Bank::F64 {
                    &float::F64_COPY
                } else {
                    &float::F32_COPY
                };
                self.push(table[sa][sd], fields(d, a, 0, 0));
                if class == Src::Imm {
                    self.words.push(value);
                }
            }
        }
    }

    /// `field` is the destination or the stored value.
    pub(super) fn access(&mut self, handler: Handler, mode: Mode, field: u32, bytes: u32, ins: &Ins, imm: Option<u32>) {
        // Handlers compute the end of the access. That this fits was looked at when the form was chosen.
        let (a, b, offset) = (Encoder::near(ins.a), Encoder::near(ins.b), ins.x as u32 + bytes);
        let (word_1, word_2) = match mode {
            Mode::Fixed => (fields_imm(field, 0, offset), None),
            Mode::At | Mode::At64 | Mode::AtShared => (fields_imm(field, a, offset), None),
            Mode::Plus => (fields_imm(field, a, offset), Some(self.imm(ins.b))),
            Mode::Sum | Mode::Scaled => (fields(field, a, b, 0), Some(offset)),
        };
        self.push(handler, word_1);
        if word_2.is_some() || imm.is_some() {
            self.words.push(halves(word_2.unwrap_or(0), imm.unwrap_or(0)));
        }
    }

    /// Where a global is: (0, distance below `mb`) or (1, index).
    fn global(&self, global: u32) -> (usize, u32) {
        match self.t.near_global(global) {
            Some(distance) => (0, distance),
            None => (1, global),
        }
    }

    /// The last word of a call.
    fn pins(&self) -> u64 {
        let [l0, l1] = self.assigned.pins.int.map(|pin| pin.unwrap_or(0));
        fields(l0, l1, 0, 0)
    }

    /// Word 2 of an indirect call.
    fn indirect(&self, ins: &Ins, index: u32) -> u64 {
        let (sig, table) = (ins.x as u32, (ins.x >> 32) as u32);
        debug_assert!(table < NEAR_SLOTS);
        sig as u64 | (table as u64) << 32 | (index as u64) << 48
    }
}
