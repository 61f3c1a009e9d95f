//! Pass 3, vectors: the words of their instructions.

use super::Label;
use super::assign::Classes;
use super::encode::{Encoder, fields, fields_imm};
use super::ir::{Arg, Ins, Mode, Op};
use crate::engine::run::dispatch::Handler;
use crate::engine::run::handlers::simd::{self, FarTable};
use crate::engine::run::operand::Src;

impl Encoder<'_, '_> {
    /// Writes an instruction that works on vectors and on nothing else.
    pub(super) fn write_vector(&mut self, ins: &Ins, classes: Classes) {
        let tables = simd::tables();
        let [d, a, b, c] = [ins.d, ins.a, ins.b, ins.c].map(Encoder::near);
        let (sa, sb, sc, sd) = (
            classes.a as usize,
            classes.b as usize,
            classes.c as usize,
            classes.d as usize,
        );
        let imm = classes.b == Src::Imm;
        match ins.op {
            Op::SelectV128 => self.push(simd::SELECT[sc], fields(d, c, a, b)),
            Op::ConstV128 => {
                self.push(simd::CONSTANT, fields(d, 0, 0, 0));
                self.vector_words(ins.a, 0);
            }
            Op::VectorUnary(op) => self.push(tables.unary[op as usize], fields(d, a, 0, 0)),
            Op::VectorBinary(op) => {
                self.push(tables.binary[op as usize][imm as usize], fields(d, a, b, 0));
                self.vector_words(ins.b, 0);
            }
            Op::VectorTernary(op) => self.push(tables.ternary[op as usize], fields(d, a, b, c)),
            Op::VectorShift(op) => {
                let word = match imm {
                    true => fields_imm(d, a, self.imm(ins.b)),
                    false => fields(d, a, b, 0),
                };
                self.push(tables.shift[op as usize][sb], word);
            }
            Op::VectorTest(op) => self.push(tables.test[op as usize][sd], fields(d, a, 0, 0)),
            Op::TestBranch(op, not) => {
                let label = ins.x as Label;
                let back = self.backward(label) as usize;
                self.push(tables.test_branch[op as usize][back][not as usize], fields(0, a, 0, 0));
                self.target(label);
            }
            Op::Splat(op) => self.push(tables.splat[op as usize][sa], fields(d, a, 0, 0)),
            Op::Replace(op, lane) => self.push(tables.replace[op as usize][sb], fields(d, a, b, lane as u32)),
            Op::Extract(op, byte) => self.push(simd::EXTRACT[op as usize][sd], fields(d, a, byte as u32, 0)),
            Op::ExtractF32(byte) => self.push(simd::EXTRACT_F32[sd], fields(d, a, byte as u32, 0)),
            Op::ExtractF64(byte) => self.push(simd::EXTRACT_F64[sd], fields(d, a, byte as u32, 0)),
            Op::Swizzle => {
                self.push(tables.swizzle[imm as usize], fields(d, a, b, 0));
                self.vector_words(ins.b, 0);
            }
            Op::Shuffle => {
                let two = ins.b != Arg::NONE;
                self.push(tables.shuffle[two as usize], fields(d, a, b, 0));
                self.vector_words(ins.c, 0);
                if two {
                    self.vector_words(ins.c, 2);
                }
            }
            Op::LoadV128(op, mode) => {
                let (load, op, bytes) = (&tables.load, op as usize, op.bytes());
                let handler = match mode {
                    Mode::Fixed => load.fixed[op],
                    Mode::At => load.at[op][sa],
                    Mode::At64 => load.at_64[op][sa],
                    Mode::Plus => load.plus[op][sa],
                    Mode::Sum => load.sum[op][sa][sb],
                    Mode::AtShared | Mode::Scaled => unreachable!("no vector access has this form"),
                };
                self.access(handler, mode, d, bytes, ins, None);
            }
            Op::StoreV128(mode) => {
                let handler = match mode {
                    Mode::Fixed => simd::STORE_FIXED,
                    Mode::At => simd::STORE_AT[sa],
                    Mode::At64 => simd::STORE_AT_64[sa],
                    Mode::Plus => simd::STORE_PLUS[sa],
                    Mode::Sum => simd::STORE_SUM[sa][sb],
                    Mode::AtShared | Mode::Scaled => unreachable!("no vector access has this form"),
                };
                self.access(handler, mode, c, 16, ins, None);
            }
            Op::LoadLane(op, lane) => {
                self.push(tables.load_lane[op as usize][sa], fields(d, a, b, lane as u32));
                // Handlers compute the end of the access.
                self.words.push(ins.x + op.bytes() as u64);
            }
            Op::StoreLane(op, byte) => {
                self.push(simd::STORE_LANE[op as usize][sa], fields(byte as u32, a, b, 0));
                self.words.push(ins.x + op.bytes() as u64);
            }
            Op::LoadV128Far(op) => {
                let handler = self.far(ins, &tables.load.far[op as usize]);
                self.push(handler, fields(d, a, ins.b.0, 0));
                self.words.push(ins.x);
            }
            Op::StoreV128Far => {
                let handler = self.far(ins, &simd::STORE_FAR);
                self.push(handler, fields(c, a, ins.b.0, 0));
                self.words.push(ins.x);
            }
            Op::LoadLaneFar(op, lane) => {
                let handler = self.far(ins, &tables.load_lane_far[op as usize]);
                self.push(handler, fields(d, a, ins.b.0, lane as u32));
                self.words.extend([ins.x, c as u64]);
            }
            Op::StoreLaneFar(op, byte) => {
                let handler = self.far(ins, &simd::STORE_LANE_FAR[op as usize]);
                self.push(handler, fields(0, a, ins.b.0, 0));
                self.words.extend([ins.x, 8 * c as u64 + byte as u64]);
            }
            _ => unreachable!("an instruction without vectors"),
        }
    }

    /// The handler for the memory the instruction names.
    fn far(&self, ins: &Ins, table: &FarTable) -> Handler {
        let ty = self.t.module.memories[ins.b.0 as usize];
        table[ty.shared as usize][ty.is_64 as usize]
    }

    /// The two words of a vector that is so many constants after this one, if it is one.
    fn vector_words(&mut self, arg: Arg, after: usize) {
        if let Some(at) = arg.as_constant() {
            self.words.extend(&self.t.consts[at + after..at + after + 2]);
        }
    }
}
