//! Pass 1, vectors: rows of `ops` make nearly all visits.

use super::ir::{Arg, Ins, Op};
use super::stack::{NONE, Operand};
use super::visit::{reachable, visit};
use super::*;
use crate::engine::ops::*;
use crate::engine::types::ValType::{F32, F64, I32, I64, V128};
use crate::engine::value::v128_slots;
use wasmparser::{MemArg, VisitSimdOperator};

/// Defines the trait's methods: each calls the inherent method of its name.
macro_rules! visits {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => { $(
        fn $visit(&mut self $($(, $arg: $ty)*)?) {
            Translator::$visit(self $($(, $arg)*)?)
        }
    )* };
}

impl<'a, 'm> VisitSimdOperator<'a> for Translator<'m> {
    wasmparser::for_each_visit_simd_operator!(visits);
}

macro_rules! unary {
    ($($name:ident $text:literal $visit:ident $args:tt -> $r:ty $body:block)*) => {
        impl Translator<'_> { $(unary!(@ $visit $name);)* }
    };
    (@ none $name:ident) => {};
    (@ $visit:ident $name:ident) => { visit!($visit(self) self.unary(Op::VectorUnary(VectorUnaryOp::$name), V128)); };
}
for_each_vector_unary!(unary);
macro_rules! binary {
    ($($name:ident $text:literal $visit:ident $args:tt -> $r:ty $body:block)*) => {
        impl Translator<'_> { $(visit!($visit(self) self.two_vectors(Op::VectorBinary(VectorBinaryOp::$name)));)* }
    };
}
for_each_vector_binary!(binary);
macro_rules! ternary {
    ($($name:ident $text:literal $visit:ident $args:tt -> $r:ty $body:block)*) => {
        impl Translator<'_> { $(ternary!(@ $visit $name);)* }
    };
    (@ none $name:ident) => {};
    (@ $visit:ident $name:ident) => {
        visit!($visit(self) self.three_vectors(VectorTernaryOp::$name));
    };
}
for_each_vector_ternary!(ternary);
macro_rules! shift {
    ($($name:ident $text:literal $visit:ident $args:tt -> $r:ty $body:block)*) => {
        impl Translator<'_> { $(visit!($visit(self) self.shift(VectorShiftOp::$name));)* }
    };
}
for_each_vector_shift!(shift);
macro_rules! test {
    ($($name:ident $text:literal $visit:ident $args:tt $body:block)*) => {
        impl Translator<'_> { $(visit!($visit(self) self.unary(Op::VectorTest(VectorTestOp::$name), I32));)* }
    };
}
for_each_vector_test!(test);
macro_rules! splat {
    ($($name:ident $text:literal $visit:ident $bank:ident $args:tt -> $r:ty $body:block)*) => {
        impl Translator<'_> { $(visit!($visit(self) self.unary(Op::Splat(SplatOp::$name), V128));)* }
    };
}
for_each_splat!(splat);
macro_rules! replace {
    ($($name:ident $text:literal $visit:ident $bank:ident $args:tt $body:block)*) => {
        impl Translator<'_> { $(visit!($visit(self, lane: u8) self.replace(ReplaceOp::$name, lane));)* }
    };
}
for_each_replace!(replace);
macro_rules! extract {
    ($($name:ident $text:literal $visit:ident $load:ident $ty:ident)*) => {
        impl Translator<'_> { $(visit!($visit(self, lane: u8) {
            let op = ExtractOp::$name;
            self.unary(Op::Extract(op, lane * op.bytes() as u8), $ty)
        });)* }
    };
}
for_each_extract!(extract);
macro_rules! load {
    ($($name:ident $text:literal $visit:ident $raw:ident $lanes:literal, $args:tt -> $r:ty $body:block)*) => {
        impl Translator<'_> { $(visit!($visit(self, memarg: MemArg) self.load_v128(VectorLoadOp::$name, memarg));)* }
    };
}
for_each_vector_load!(load);
macro_rules! lane {
    ($($name:ident $l:literal $s:literal $load_visit:ident $store_visit:ident $replace:ident $raw:ty, $lanes:ident)*) => {
        impl Translator<'_> { $(
            visit!($load_visit(self, memarg: MemArg, lane: u8) self.load_lane(LaneOp::$name, memarg, lane));
            visit!($store_visit(self, memarg: MemArg, lane: u8) self.store_lane(LaneOp::$name, memarg, lane));
        )* }
    };
}
for_each_lane_access!(lane);

/// What a shuffle's indices are for the vector they do not name.
const ELSEWHERE: u8 = 0x80;

impl Translator<'_> {
    visit!(visit_v128_const(self, value: wasmparser::V128) {
        let a = self.constant_v128(*value.bytes());
        self.push_result(Ins::new(Op::ConstV128).a(a), V128);
    });
    visit!(visit_i8x16_swizzle(self) self.two_vectors(Op::Swizzle));
    visit!(visit_i8x16_relaxed_swizzle(self) self.two_vectors(Op::Swizzle));
    visit!(visit_f32x4_extract_lane(self, lane: u8) self.unary(Op::ExtractF32(4 * lane), F32));
    visit!(visit_f64x2_extract_lane(self, lane: u8) self.unary(Op::ExtractF64(8 * lane), F64));

    /// A constant of two slots: the number of the first.
    fn constant_v128(&mut self, bytes: [u8; 16]) -> Arg {
        let [low, high] = v128_slots(u128::from_le_bytes(bytes));
        let first = self.constant(low);
        self.constant(high);
        first
    }

    /// The operand on top; a constant as such, if nothing has read it meanwhile.
    fn pop_vector(&mut self) -> Arg {
        let operand = self.stack.pop();
        if self.opts.fusion
            && self.scratch.is_none()
            && operand.def != NONE
            && operand.def >= self.region
            && let Ins {
                op: Op::ConstV128,
                d,
                a,
                ..
            } = self.code[operand.def as usize]
            && d == Arg::slot(operand.slot)
        {
            if self.is_last(operand.def) {
                self.unemit();
            } else {
                self.code[operand.def as usize].op = Op::Nop;
            }
            return a;
        }
        self.arg(operand)
    }

    fn two_vectors(&mut self, op: Op) {
        let b = self.pop_vector();
        let a = self.stack.pop();
        let a = self.arg(a);
        let op = if self.canonical_nans {
            op.of_deterministic_profile()
        } else {
            op
        };
        self.push_float_result(Ins::new(op).a(a).b(b), V128);
    }

    fn three_vectors(&mut self, op: VectorTernaryOp) {
        let c = self.stack.pop();
        let (a, b) = self.pop_two();
        let (a, b, c) = (self.arg(a), self.arg(b), self.arg(c));
        self.push_float_result(Ins::new(Op::VectorTernary(op)).a(a).b(b).c(c), V128);
    }

    fn shift(&mut self, op: VectorShiftOp) {
        let (a, count) = self.pop_two();
        let (a, b) = (self.arg(a), self.arg(count));
        self.push_result(Ins::new(Op::VectorShift(op)).a(a).b(b), V128);
    }

    fn replace(&mut self, op: ReplaceOp, lane: u8) {
        let (a, number) = self.pop_two();
        let (a, b) = (self.arg(a), self.slot_arg(number));
        self.push_result(Ins::new(Op::Replace(op, lane)).a(a).b(b), V128);
    }

    pub(super) fn visit_i8x16_shuffle(&mut self, lanes: [u8; 16]) {
        reachable!(self);
        let (a, b) = self.pop_two();
        let (mut a, mut b) = (self.arg(a), self.arg(b));
        let mut one = lanes.map(|lane| if lane < 16 { lane } else { ELSEWHERE });
        let two = lanes.map(|lane| if lane < 16 { ELSEWHERE } else { lane - 16 });
        if a == b {
            one = lanes.map(|lane| lane & 15);
        } else if one == [ELSEWHERE; 16] {
            (a, b, one) = (b, a, two);
        }
        let c = self.constant_v128(one);
        if one.contains(&ELSEWHERE) {
            self.constant_v128(two);
        } else {
            b = Arg::NONE;
        }
        self.push_result(Ins::new(Op::Shuffle).a(a).b(b).c(c), V128);
    }

    // ---- memory --------------------------------------------------------------------------------------------------

    fn load_v128(&mut self, op: VectorLoadOp, memarg: MemArg) {
        let address = self.stack.pop();
        if self.is_far(&memarg, true) {
            let ins = self.far(Op::LoadV128Far(op), address, memarg);
            return self.push_result(ins, V128);
        }
        let (mode, a, b, x) = self.address(address, memarg);
        self.push_result(Ins::new(Op::LoadV128(op, mode)).a(a).b(b).x(x), V128);
    }

    visit!(visit_v128_store(self, memarg: MemArg) {
        let (address, value) = self.pop_two();
        let c = self.arg(value);
        let ins = if self.is_far(&memarg, true) {
            self.far(Op::StoreV128Far, address, memarg)
        } else {
            let (mode, a, b, x) = self.address(address, memarg);
            Ins::new(Op::StoreV128(mode)).a(a).b(b).x(x)
        };
        self.emit(ins.c(c));
    });

    fn load_lane(&mut self, op: LaneOp, memarg: MemArg, lane: u8) {
        let (address, vector) = self.pop_two();
        let vector = self.arg(vector);
        let ins = if self.is_far(&memarg, true) || self.module.memories[0].is_64 {
            self.far(Op::LoadLaneFar(op, lane), address, memarg).c(vector)
        } else {
            let a = self.slot_arg(address);
            Ins::new(Op::LoadLane(op, lane)).a(a).b(vector).x(memarg.offset)
        };
        self.push_result(ins, V128);
    }

    fn store_lane(&mut self, op: LaneOp, memarg: MemArg, lane: u8) {
        let (address, vector) = self.pop_two();
        let vector = self.arg(vector);
        let byte = lane * op.bytes() as u8;
        let ins = if self.is_far(&memarg, true) || self.module.memories[0].is_64 {
            self.far(Op::StoreLaneFar(op, byte), address, memarg).c(vector)
        } else {
            let a = self.slot_arg(address);
            Ins::new(Op::StoreLane(op, byte)).a(a).b(vector).x(memarg.offset)
        };
        self.emit(ins);
    }

    /// An access to any memory.
    fn far(&mut self, op: Op, address: Operand, memarg: MemArg) -> Ins {
        let a = self.slot_arg(address);
        Ins::new(op).a(a).b(Arg(memarg.memory)).x(memarg.offset)
    }
}
