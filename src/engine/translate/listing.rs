//! A function's internal code as text: what the tests' snapshots and `wasmrun listing` show.

use super::assign::Classes;
use super::encode::Encoder;
use super::ir::{Arg, Ins, Mode, Op};
use super::*;
use crate::engine::run::operand::{Dst, Src};
use crate::engine::value::v128_from_slots;
use std::fmt;

/// A function's internal code, for people who want to know why something is slow. Its `Display` is the lines.
///
/// What stands in the lines changes between versions.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Listing {
    /// Where the function's body lies in the module, in bytes.
    pub body: std::ops::Range<u64>,
    /// Labels and instructions, in the order of the code.
    pub lines: Vec<ListingLine>,
    /// Index of each instruction's first word, with its form: the operation and the classes of its operands.
    pub(crate) forms: Vec<(u32, String)>,
}

/// A line of a [`Listing`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListingLine {
    /// Byte offset in the module of the WebAssembly instruction it does last; `None` for labels.
    pub offset: Option<u64>,
    /// An instruction, after the index of its first word, with where each operand lives; or a label.
    pub text: String,
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{}", line.text))
    }
}

/// The listing of a defined function.
pub(crate) fn listing(module: &ModuleInner, defined: u32) -> Listing {
    let body = &module.bodies[defined as usize];
    Listing {
        body: u64::from(body.start)..u64::from(body.end),
        ..translate_with(module, defined, Want::Listing).1
    }
}

/// One instruction.
pub(super) struct Listed<'a> {
    pub ins: &'a Ins,
    pub classes: Classes,
    pub consts: &'a [u64],
    pub targets: &'a [Label],
}

impl Listed<'_> {
    fn source(&self, arg: Arg, class: Src) -> String {
        match (class, arg.as_slot(), arg.as_constant()) {
            (Src::Acc, ..) => "acc".into(),
            (Src::L0, Some(slot), _) => format!("l0(s{slot})"),
            (Src::L1, Some(slot), _) => format!("l1(s{slot})"),
            (_, _, Some(index)) if self.of_i32() => format!("{}", self.consts[index] as i32),
            (_, _, Some(index)) => format!("{}", self.consts[index] as i64),
            (_, Some(slot), _) => format!("s{slot}"),
            _ => String::new(),
        }
    }

    /// A vector, constant or not.
    fn vector(&self, arg: Arg) -> String {
        match arg.as_constant().and_then(|at| self.consts.get(at..at + 2)) {
            Some(&[low, high]) => format!("{:#034x}", v128_from_slots([low, high])),
            _ => self.source(arg, Src::Slot),
        }
    }

    /// Whether its constants are of type i32, which are kept as 64 bits without a sign.
    fn of_i32(&self) -> bool {
        let text = match self.ins.op {
            Op::Binary(op) => op.text(),
            Op::Small(op) => op.text(),
            Op::Reversed(op) => op.text(),
            Op::Compare(op) | Op::Branch(op) | Op::AddBranch(op) => op.text(),
            Op::Division(op) => op.text(),
            Op::Load(_, Mode::Plus) | Op::LoadF64(Mode::Plus) | Op::LoadF32(Mode::Plus) => return true,
            Op::GlobalSum | Op::GlobalStep | Op::GlobalSetSum => return true,
            Op::AndBranch(_) | Op::LoadBranch(..) | Op::BrTable => return true,
            _ => return false,
        };
        text.starts_with("i32")
    }

    fn destination(&self) -> Option<String> {
        let slot = self.ins.d.as_slot()?;
        Some(match self.classes.d {
            Dst::Acc => "acc".into(),
            Dst::Slot => format!("s{slot}"),
            Dst::L0 => format!("l0(s{slot})"),
            Dst::L1 => format!("l1(s{slot})"),
        })
    }

    /// The operation, its sources' classes and its destination's: what two executions of one handler have in common.
    pub(super) fn form(&self) -> String {
        let mut form = format!("{:?}", self.ins.op);
        let sources = self.ins.op.sources();
        let args = [
            (self.ins.a, self.classes.a),
            (self.ins.b, self.classes.b),
            (self.ins.c, self.classes.c),
        ];
        for ((arg, class), role) in args.into_iter().zip(sources) {
            if arg != Arg::NONE && (role.is_some() || class != Src::Slot) {
                form.push_str(&format!(" {class:?}"));
            }
        }
        if self.ins.op.result().is_some() {
            form.push_str(&format!(" > {:?}", self.classes.d));
        }
        form
    }

    fn address(&self, mode: Mode) -> String {
        let a = self.source(self.ins.a, self.classes.a);
        let b = self.source(self.ins.b, self.classes.b);
        let x = self.ins.x;
        match mode {
            Mode::Fixed => format!("[{x}]"),
            Mode::At | Mode::At64 | Mode::AtShared => format!("[{a} + {x}]"),
            Mode::Scaled => format!("[({a} + {b} * bytes) + {x}]"),
            Mode::Plus | Mode::Sum => format!("[({a} + {b}) + {x}]"),
        }
    }
}

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ins { op, x, .. } = *self.ins;
        let a = self.source(self.ins.a, self.classes.a);
        let b = self.source(self.ins.b, self.classes.b);
        let c = self.source(self.ins.c, self.classes.c);
        let d = self.destination().unwrap_or_default();
        match op {
            Op::Nop | Op::Label | Op::TryBegin | Op::TryEnd => Ok(()),
            Op::Fuel => write!(f, "fuel {x}"),
            Op::Binary(op) => write!(f, "{d} = {} {a}, {b}", op.text()),
            Op::Small(op) => write!(f, "{d} = {} {a}, {b}", op.text()),
            Op::Reversed(op) => write!(f, "{d} = {} {a}, {b}", op.text()),
            Op::Compare(op) => write!(f, "{d} = {} {a}, {b}", op.text()),
            Op::Division(op) => write!(f, "{d} = {} {a}, {b}", op.text()),
            Op::Unary(op) => write!(f, "{d} = {} {a}", op.text()),
            Op::F64(op) => write!(f, "{d} = {} {a}, {b}", op.text()),
            Op::F64Small(op) => write!(f, "{d} = {} {a}, {b}", op.text()),
            Op::F64Unary(op) => write!(f, "{d} = {} {a}", op.text()),
            Op::F64Compare(op) => write!(f, "{d} = f64.{} {a}, {b}", op.text()),
            Op::F32(op) => write!(f, "{d} = {} {a}, {b}", op.text()),
            Op::F32Small(op) => write!(f, "{d} = {} {a}, {b}", op.text()),
            Op::F32Unary(op) => write!(f, "{d} = {} {a}", op.text()),
            Op::F32Compare(op) => write!(f, "{d} = f32.{} {a}, {b}", op.text()),
            Op::Convert(op) => write!(f, "{d} = {} {a}", op.text()),
            Op::Truncate(op) => write!(f, "{d} = {} {a}", op.text()),
            Op::Wide(op) => write!(f, "{d} = {} {a} {b} {c}", op.text()),
            Op::RotateAnd => write!(f, "{d} = {a} rotr {} & {:#x}", x as u32, x >> 32),
            Op::RotateAndAdd => write!(f, "{d} = ({a} rotr {} & {:#x}) + {b}", x as u32, x >> 32),
            Op::ShlAdd => write!(f, "{d} = ({a} << {x}) + {b}"),
            Op::Copy(_) => write!(f, "{d} = copy {a}"),
            Op::SelectV128 => write!(f, "{d} = select v128 {a}, {b} by {c}"),
            Op::ConstV128 => write!(f, "{d} = {}", self.vector(self.ins.a)),
            Op::VectorUnary(op) => write!(f, "{d} = {} {a}", op.text()),
            Op::VectorBinary(op) => write!(f, "{d} = {} {a}, {}", op.text(), self.vector(self.ins.b)),
            Op::VectorTernary(op) => write!(f, "{d} = {} {a}, {b}, {c}", op.text()),
            Op::VectorShift(op) => write!(f, "{d} = {} {a}, {b}", op.text()),
            Op::TestBranch(op, not) => {
                let not = if not { "not " } else { "" };
                write!(f, "br L{x} if {not}{} {a}", op.text())
            }
            Op::VectorTest(op) => write!(f, "{d} = {} {a}", op.text()),
            Op::Splat(op) => write!(f, "{d} = {} {a}", op.text()),
            Op::Replace(op, lane) => write!(f, "{d} = {} {lane} {a}, {b}", op.text()),
            Op::Extract(op, byte) => write!(f, "{d} = {} {} {a}", op.text(), byte as u32 / op.bytes()),
            Op::ExtractF32(byte) => write!(f, "{d} = f32x4.extract_lane {} {a}", byte / 4),
            Op::ExtractF64(byte) => write!(f, "{d} = f64x2.extract_lane {} {a}", byte / 8),
            Op::Swizzle => write!(f, "{d} = i8x16.swizzle {a}, {}", self.vector(self.ins.b)),
            Op::Shuffle => write!(f, "{d} = i8x16.shuffle {a}, {b} by {}", self.vector(self.ins.c)),
            Op::LoadV128(op, mode) => write!(f, "{d} = {} {}", op.text(), self.address(mode)),
            Op::StoreV128(mode) => write!(f, "v128.store {} = {c}", self.address(mode)),
            Op::LoadLane(op, lane) => write!(f, "{d} = {} {lane} [{a} + {x}], {b}", op.text()),
            Op::StoreLane(op, byte) => {
                write!(f, "{} {} [{a} + {x}] = {b}", op.store_text(), byte as u32 / op.bytes())
            }
            Op::LoadV128Far(op) => write!(f, "{d} = {} memory {} [{a} + {x}]", op.text(), self.ins.b.0),
            Op::StoreV128Far => write!(f, "v128.store memory {} [{a} + {x}] = {c}", self.ins.b.0),
            Op::LoadLaneFar(op, lane) => {
                let memory = self.ins.b.0;
                write!(f, "{d} = {} {lane} memory {memory} [{a} + {x}], {c}", op.text())
            }
            Op::StoreLaneFar(op, byte) => {
                let (lane, memory) = (byte as u32 / op.bytes(), self.ins.b.0);
                write!(f, "{} {lane} memory {memory} [{a} + {x}] = {c}", op.store_text())
            }
            Op::Select => write!(f, "{d} = select {a}, {b} by {c}"),
            Op::Load(op, mode) => write!(f, "{d} = {} {}", op.text(), self.address(mode)),
            Op::LoadF64(mode) => write!(f, "{d} = f64.load {}", self.address(mode)),
            Op::LoadF32(mode) => write!(f, "{d} = f32.load {}", self.address(mode)),
            Op::Store(op, mode) => write!(f, "{} {} = {c}", op.text(), self.address(mode)),
            Op::StoreF64(mode) => write!(f, "f64.store {} = {c}", self.address(mode)),
            Op::StoreF32(mode) => write!(f, "f32.store {} = {c}", self.address(mode)),
            Op::LoadFar(op) => write!(f, "{d} = {} memory {} [{a} + {x}]", op.text(), self.ins.b.0),
            Op::StoreFar(op) => write!(f, "{} memory {} [{a} + {x}] = {c}", op.text(), self.ins.b.0),
            Op::Atomic(op) => write!(f, "{d} = {op} memory {} [{a} + {x}] {c}", self.ins.b.0),
            Op::Fence => write!(f, "atomic.fence"),
            Op::MemorySize => write!(f, "{d} = memory.size"),
            Op::GlobalGet(_) => write!(f, "{d} = global.get {x}"),
            Op::GlobalSet(_) => write!(f, "global.set {x} = {a}"),
            Op::GlobalSum => write!(f, "{d} = global {x} + {b}"),
            Op::GlobalStep => write!(f, "{d} = global {x} += {b}"),
            Op::GlobalSetSum => write!(f, "global.set {x} = {a} + {b}"),
            Op::Br => write!(f, "br L{x}"),
            Op::Branch(op) => write!(f, "br L{x} if {} {a}, {b}", op.text()),
            Op::BranchWide(op) => write!(f, "br L{x} if {} {a}, {b}", op.text()),
            Op::AndBranch(op) => write!(f, "br L{x} if {} ({a} & {b}), {c}", op.text()),
            Op::LoadBranch(load, op) => {
                let (label, offset) = (x >> 32, x as u32);
                write!(f, "br L{label} if {} {} [{a} + {offset}], {b}", op.text(), load.text())
            }
            Op::AddBranch(op) => write!(f, "{a} += {c}, br L{x} if {} {a}, {b}", op.text()),
            Op::BranchF64(op, not) => write!(
                f,
                "br L{x} if {}f64.{} {a}, {b}",
                if not { "not " } else { "" },
                op.text()
            ),
            Op::BranchF32(op, not) => write!(
                f,
                "br L{x} if {}f32.{} {a}, {b}",
                if not { "not " } else { "" },
                op.text()
            ),
            Op::BrTable => {
                write!(f, "br_table {a}")?;
                if !c.is_empty() {
                    write!(f, " + {c}")?;
                }
                for label in &self.targets[x as usize..][..self.ins.b.0 as usize] {
                    write!(f, " L{label}")?;
                }
                Ok(())
            }
            Op::Unreachable => write!(f, "unreachable"),
            Op::Throw => write!(f, "throw tag {x} from {a}"),
            Op::ThrowRef => write!(f, "throw_ref {a}"),
            Op::Call => write!(f, "call {x} at {d} record {b}"),
            Op::CallImport => write!(f, "call import {x} at {d} record {b}"),
            Op::CallIndirect => write!(f, "call_indirect table {} [{a}] at {d}", x >> 32),
            Op::ReturnCall => write!(f, "return_call {x} from {d}"),
            Op::ReturnCallImport => write!(f, "return_call import {x} from {d}"),
            Op::CallRef => write!(f, "call_ref {a} at {d}"),
            Op::ReturnCallRef => write!(f, "return_call_ref {a} from {d}"),
            Op::FieldGet(_) | Op::FieldGetFloat(_) => write!(f, "{d} = {a} field at {x}"),
            Op::FieldSet(_) | Op::FieldSetFloat(_) => write!(f, "{a} field at {x} = {c}"),
            Op::ElementGet(_) | Op::ElementGetFloat(_) => write!(f, "{d} = {a} [{b}]"),
            Op::ElementSet(_) | Op::ElementSetFloat(_) => write!(f, "{a} [{b}] = {c}"),
            Op::ArrayLen => write!(f, "{d} = elements of {a}"),
            Op::RefTest(null) => write!(f, "{d} = {a} is of type {} or null {null}", x as u32),
            Op::RefCast(null) => write!(f, "cast {a} to type {} or null {null}", x as u32),
            Op::NullCheck(null) => write!(f, "null check {null:?} {a}"),
            Op::ReturnCallIndirect => write!(f, "return_call_indirect table {} [{a}] from {d}", x >> 32),
            Op::Ret(_) => write!(f, "ret {a}"),
            Op::RetMany => write!(f, "ret"),
            Op::LoadFloatPins => write!(f, "load float pins"),
            Op::MemoryFill(_) => write!(f, "memory.fill {a}, {b}, {c}"),
            Op::MemoryCopy(_) => write!(f, "memory.copy {a}, {b}, {c}"),
            Op::Slow(kind) => write!(f, "{d} = {kind:?} {a} {b} {c} ({}, {})", x as u32, x >> 32),
        }
    }
}

impl Encoder<'_, '_> {
    /// The instruction at `at`, whose first word is `start`.
    #[inline]
    pub(super) fn list(&mut self, start: u32, at: usize, ins: &Ins, classes: Classes) {
        if self.t.want == Want::Listing {
            self.list_instruction(start, at, ins, classes);
        }
    }

    #[cold]
    fn list_instruction(&mut self, start: u32, at: usize, ins: &Ins, classes: Classes) {
        let listed = self.listed(ins, classes);
        let (text, form) = (format!("{start:5}  {listed}"), listed.form());
        self.list_line(Some(self.t.origins[at]), text);
        self.listing.forms.push((start, form));
    }

    fn listed<'a>(&'a self, ins: &'a Ins, classes: Classes) -> Listed<'a> {
        let (consts, targets) = (&self.t.consts[..], &self.t.targets[..]);
        Listed {
            ins,
            classes,
            consts,
            targets,
        }
    }

    fn list_line(&mut self, offset: Option<u32>, text: String) {
        let offset = offset.map(u64::from);
        self.listing.lines.push(ListingLine { offset, text });
    }

    /// The instruction at `at` is done by the one listed last.
    pub(super) fn list_joined(&mut self, at: usize) {
        if self.t.want == Want::Listing {
            let listed = self.listed(&self.t.code[at], self.assigned.classes[at]);
            let (text, more) = (format!("       {listed}"), listed.form());
            self.list_line(Some(self.t.origins[at]), text);
            let (_, form) = self.listing.forms.last_mut().expect("the first of the two");
            *form = format!("{form}; {more}");
        }
    }

    pub(super) fn list_label(&mut self, label: u64) {
        if self.t.want == Want::Listing {
            self.list_line(None, format!("L{label}:"));
        }
    }

    pub(super) fn list_region(&mut self, op: Op, region: u64) {
        if self.t.want == Want::Listing {
            let word = if op == Op::TryBegin { "try" } else { "end of try" };
            self.list_line(None, format!("{word} {region}:"));
        }
    }

    /// What catches exceptions, with the words of code it is about.
    pub(super) fn list_regions(&mut self) {
        if self.t.want != Want::Listing {
            return;
        }
        for (at, region) in self.regions.clone().iter().enumerate() {
            let delegates = match region.next {
                next if next == region.outer => String::new(),
                NO_REGION => ", delegates to the caller".to_owned(),
                next => format!(", delegates to try {next}"),
            };
            let words = format!("words {} to {}", region.begin, region.end);
            self.list_line(None, format!("try {at}: {words}{delegates}"));
            for clause in &region.clauses {
                let what = match clause.tag {
                    Some(tag) => format!("catch tag {tag} into s{}", clause.payload),
                    None => "catch all".to_owned(),
                };
                let reference = match clause.reference {
                    NO_REGION => String::new(),
                    slot => format!(", reference into s{slot}"),
                };
                self.list_line(None, format!("       {what}{reference}, to word {}", clause.target));
            }
        }
    }

    pub(super) fn list_enter(&mut self) {
        let (t, pins) = (self.t, self.assigned.pins);
        let mut line = format!("    0  enter frame {} record s{}", t.frame_slots(), t.record);
        for (name, pin) in [
            ("l0", pins.int[0]),
            ("l1", pins.int[1]),
            ("d0", pins.f64[0]),
            ("d1", pins.f64[1]),
            ("f0", pins.f32),
        ] {
            if let Some(slot) = pin {
                line.push_str(&format!(" {name} = s{slot}"));
            }
        }
        self.list_line(Some(t.start), line);
        self.listing.forms.push((0, "Enter".into()));
    }
}
