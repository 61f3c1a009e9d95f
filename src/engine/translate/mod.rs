//! Translation of one validated function body into threaded code, on its first call.
//!
//! Pass 1 (`visit`, `control`, with the operand stack of `stack`) walks the body once and makes instructions of
//! three operands: `local.get` and constants emit nothing, `local.set` redirects the instruction that computed the
//! value, comparisons join the branches that use them, additions the addresses. Then neighbours are joined (`fuse`).
//! Pass 2 (`assign`) chooses what lives in machine registers. Pass 3 (`encode`, `join`) writes the words. All are linear in the size of the body, and none
//! recurses.
//!
//! Invariants that handlers rely on (names as in docs/architecture.md): T1 every word an instruction's handler reads
//! is one this module wrote for it; F1 every slot named lies below the frame size that `enter` checks.

mod assign;
mod atomic;
mod control;
mod encode;
mod exceptions;
mod fuse;
mod gc;
pub(crate) mod ir;
mod join;
mod listing;
mod memory;
mod roles;
mod roots;
mod stack;
#[cfg(test)]
mod tests;
mod visit;
mod visit_simd;
mod write;
mod write_simd;

use super::catches::{Catches, Clause, NONE as NO_REGION, Region};
use super::config::Optimizations;
use super::module::ModuleInner;
use super::ops::Bank;
use super::run::layout::FIRST_GLOBAL;
use super::types::{FuncType, RefType, ValType};
use control::Condition;
use ir::{Arg, Ins, Op};
use stack::{NONE, Operand, Place, Stack};
use wasmparser::{BinaryReader, FunctionBody};

pub(crate) use listing::listing;
pub use listing::{Listing, ListingLine};
pub(crate) use roots::RootMap;

/// A translated body before it gets an address.
pub(crate) struct Translated {
    pub words: Vec<u64>,
    /// Words that hold the index of a word: branch targets, to be made addresses.
    pub relocations: Vec<u32>,
    /// Slot of the return record.
    pub record: u32,
    /// Index of each instruction's first word, with the byte offset in the module of the wasm instruction it came
    /// from. Empty unless asked for.
    pub offsets: Vec<(u32, u32)>,
    /// Empty unless asked for.
    pub roots: RootMap,
    /// What the function catches, if anything.
    pub catches: Option<Catches>,
}

/// What is wanted besides the code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Code,
    /// Also where each instruction came from.
    Offsets,
    /// Also the listing.
    Listing,
    /// Also which slots hold references.
    Roots,
}

/// Translates the body of the defined function `defined`.
pub(crate) fn translate(module: &ModuleInner, defined: u32, want: Want) -> Translated {
    let (translated, _) = translate_with(module, defined, want);
    translated
}

fn translate_with(module: &ModuleInner, defined: u32, want: Want) -> (Translated, Listing) {
    // Functions whose slots do not fit 16 bits are rare: they are found out on the way and translated again with
    // near slots to work in.
    for scratch in [false, true] {
        let translator = Translator::run(module, defined, want, scratch);
        if translator.frame_slots() <= NEAR_SLOTS || scratch {
            return encode::encode(translator);
        }
    }
    unreachable!("the second round always returns")
}

/// Slots that 16-bit operands can name.
pub(crate) const NEAR_SLOTS: u32 = 1 << 16;
/// Near slots that far operands are moved through: destination and three sources, two slots each.
const SCRATCH_SLOTS: u32 = 8;

/// A control frame of the validation algorithm, with what translation needs.
struct Control {
    kind: Kind,
    /// Operands below the block's parameters.
    height: usize,
    params: u32,
    results: u32,
    /// Type index, or what a short block type says.
    ty: wasmparser::BlockType,
    /// Where branches to it go. Function bodies have none: branches to them return.
    label: Option<Label>,
    /// Where the `if` goes when its condition does not hold.
    otherwise: Option<Label>,
    /// The innermost region its code is in: what catches exceptions there.
    region: u32,
    /// The clause of a legacy `catch`: its region, and its place there.
    clause: (u32, usize),
    /// The code at its start could not be reached, so it has no code at all.
    dead: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Func,
    Block,
    Loop,
    If,
    Else,
    /// `try_table`, or the body of a legacy `try`.
    Try,
    /// A `catch` or `catch_all` of a legacy `try`. Below its operands stands a hidden one, the exception.
    Catch,
}

/// A branch target: an index into the translator's labels.
type Label = u32;

#[derive(Clone, Copy, Default)]
struct LabelState {
    used: bool,
    /// It stands before the branches to it.
    backward: bool,
}

pub(crate) struct Translator<'m> {
    module: &'m ModuleInner,
    opts: Optimizations,
    metering: bool,
    canonical_nans: bool,
    want: Want,
    ty: &'m FuncType,
    record: u32,
    /// First of the near slots for far operands, if there are any.
    scratch: Option<u32>,
    /// First declared local and how many slots they take.
    first_local: u32,
    local_slots: u32,
    /// By local index: slot and type.
    locals: Vec<(u32, ValType)>,
    /// By local index: the last instruction that wrote it.
    last_write: Vec<u32>,
    stack: Stack,
    control: Vec<Control>,
    labels: Vec<LabelState>,
    code: Vec<Ins>,
    consts: Vec<u64>,
    /// What catches exceptions, in the order of the code.
    regions: Vec<Region>,
    /// Where what is caught is returned, if a clause branches to the whole body.
    returns_caught: Option<Label>,
    /// Targets of `br_table`s.
    targets: Vec<Label>,
    /// Code that comes next cannot be reached.
    unreachable: bool,
    /// Index of the first instruction after the last label.
    region: u32,
    /// Loops around the current instruction.
    depth: u8,
    /// One past the highest slot calls need.
    call_top: u32,
    /// The charge being counted.
    fuel: Option<u32>,
    /// Operands that are being settled; empty in between.
    copies: Vec<Operand>,
    /// By instruction: where it came from, when that is wanted.
    origins: Vec<u32>,
    /// Instructions at which a collection may find the frame, with the slots of operands that hold references then.
    roots: Vec<(u32, Vec<u32>)>,
    position: u32,
    /// Where the body starts in the module.
    start: u32,
}

impl<'m> Translator<'m> {
    fn run(module: &'m ModuleInner, defined: u32, want: Want, scratch: bool) -> Translator<'m> {
        let func = module.imported_funcs + defined;
        let ty = &module.types[module.funcs[func as usize] as usize];
        let range = &module.bodies[defined as usize];
        let bytes = &module.bytes[range.start as usize..range.end as usize];
        let body = FunctionBody::new(BinaryReader::new(bytes, range.start as u64));

        let record = record_slot(ty);
        let scratch = scratch.then_some(record + 2);
        let first_local = record + 2 + if scratch.is_some() { SCRATCH_SLOTS } else { 0 };
        let mut locals = Vec::new();
        let mut slot = 0;
        for &ty in ty.params() {
            locals.push((slot, ty));
            slot += ty.slots() as u32;
        }
        slot = first_local;
        for group in body.get_locals_reader().expect("validated: locals") {
            let (count, ty) = group.expect("validated: locals");
            let ty = value_type(module, ty);
            for _ in 0..count {
                locals.push((slot, ty));
                slot += ty.slots() as u32;
            }
        }
        let config = module.engine.config();
        let mut this = Translator {
            module,
            opts: config.optimizations,
            metering: config.metering,
            canonical_nans: config.canonical_nans,
            want,
            ty,
            record,
            scratch,
            first_local,
            local_slots: slot - first_local,
            last_write: vec![0; locals.len()],
            stack: Stack::new(slot, locals.len()),
            locals,
            control: Vec::new(),
            labels: Vec::new(),
            // Compilers' code has an instruction of ours in three bytes or more; growing would copy what there is.
            code: Vec::with_capacity(bytes.len() / 3 + 4),
            consts: Vec::with_capacity(bytes.len() / 8),
            regions: Vec::new(),
            returns_caught: None,
            targets: Vec::new(),
            unreachable: false,
            region: 0,
            depth: 0,
            call_top: record + 2,
            fuel: None,
            copies: Vec::new(),
            origins: Vec::new(),
            roots: Vec::new(),
            position: range.start,
            start: range.start,
        };
        this.control.push(Control {
            kind: Kind::Func,
            height: 0,
            params: 0,
            results: ty.results().len() as u32,
            ty: wasmparser::BlockType::Empty,
            label: None,
            otherwise: None,
            region: NO_REGION,
            clause: (NO_REGION, 0),
            dead: false,
        });
        this.begin_charge();
        let mut operators = body.get_operators_reader().expect("validated: a body");
        while !this.control.is_empty() {
            this.position = operators.original_position() as u32;
            operators.visit_operator(&mut this).expect("validated: operators");
        }
        if this.opts.fusion && this.scratch.is_none() {
            fuse::fuse(&mut this);
        }
        this
    }

    /// Slots of the frame.
    fn frame_slots(&self) -> u32 {
        self.stack.top_slot.max(self.call_top)
    }

    // ---- emission ------------------------------------------------------------------------------------------------

    fn emit(&mut self, ins: Ins) -> u32 {
        let index = self.code.len() as u32;
        self.code.push(Ins {
            depth: self.depth,
            ..ins
        });
        if self.want == Want::Roots {
            self.find_roots(&ins);
        }
        if self.want != Want::Code {
            self.origins.push(self.position);
        }
        index
    }

    /// Removes the last instruction, which a fusion absorbs.
    fn unemit(&mut self) -> Ins {
        self.origins.truncate(self.code.len() - 1);
        let last = self.code.len() as u32 - 1;
        self.roots.pop_if(|(at, _)| *at == last);
        self.code.pop().expect("a fusion saw it")
    }

    fn constant(&mut self, value: u64) -> Arg {
        self.consts.push(value);
        Arg::constant(self.consts.len() - 1)
    }

    /// Emits `ins` with its result pushed.
    fn push_result(&mut self, ins: Ins, ty: ValType) {
        let slot = self.stack.next_slot();
        let def = self.emit(ins.d(slot));
        self.stack.push(Place::Temp, ty, def);
    }

    /// An operand as an argument; constants included.
    fn arg(&mut self, operand: Operand) -> Arg {
        match operand.place {
            Place::Local(local) => Arg::slot(self.locals[local as usize].0),
            Place::Const(value) => self.constant(value),
            Place::Temp => Arg::slot(operand.slot),
        }
    }

    /// An operand as a slot: constants are written to their canonical one.
    fn slot_arg(&mut self, operand: Operand) -> Arg {
        if operand.is_const().is_some() {
            self.copy_to(operand.slot, operand);
            return Arg::slot(operand.slot);
        }
        self.arg(operand)
    }

    /// An operand as a slot or an immediate of 32 bits, sign-extended.
    fn imm_arg(&mut self, operand: Operand) -> Arg {
        match operand.is_const() {
            Some(value) if operand.ty != ValType::I32 && !fits_imm(value) => self.slot_arg(operand),
            _ => self.arg(operand),
        }
    }

    /// Emits a copy of `operand` into `slot`.
    fn copy_to(&mut self, slot: u32, operand: Operand) {
        let a = self.arg(operand);
        self.emit(Ins::new(Op::Copy(bank(operand.ty))).d(slot).a(a));
    }

    /// Copies operands that are locals into their canonical slots, because code that follows may run after the local
    /// changed on one path only.
    fn settle_locals(&mut self) {
        let mut copies = std::mem::take(&mut self.copies);
        self.stack.settle_locals(|operand| copies.push(operand));
        self.emit_settled(copies.iter());
        copies.clear();
        self.copies = copies;
    }

    /// Copies the operands from `height` up into their canonical slots.
    fn settle_from(&mut self, height: usize) {
        let mut copies = std::mem::take(&mut self.copies);
        self.stack.settle_from(height, |operand| copies.push(operand));
        self.emit_settled(copies.iter().rev());
        copies.clear();
        self.copies = copies;
    }

    fn emit_settled<'o>(&mut self, copies: impl Iterator<Item = &'o Operand>) {
        for &operand in copies {
            self.copy_to(operand.slot, operand);
            // Other paths, or a callee, read the slot.
            self.code.last_mut().expect("just emitted").keep = true;
        }
    }

    /// Whether `def` is the last instruction, and so may be changed or absorbed.
    fn is_last(&self, def: u32) -> bool {
        def != NONE && def as usize + 1 == self.code.len()
    }

    /// How far below byte 0 of memory 0 the global is, in bytes, if it is there.
    fn near_global(&self, global: u32) -> Option<u32> {
        let offsets = self.module.global_offsets.as_ref()?;
        let defined = global.checked_sub(self.module.imported_globals)?;
        Some(FIRST_GLOBAL as u32 + 8 * offsets[defined as usize])
    }

    // ---- types ---------------------------------------------------------------------------------------------------

    /// The type, which validation let through.
    fn value_type(&self, ty: wasmparser::ValType) -> ValType {
        value_type(self.module, ty)
    }

    fn ref_type(&self, nullable: bool, heap: wasmparser::HeapType) -> ValType {
        let heap = self.module.heap_type(heap);
        let heap = heap.ok().expect("validated: a known heap type");
        ValType::Ref(RefType { nullable, heap })
    }

    // ---- fuel ----------------------------------------------------------------------------------------------------

    /// From here on instructions are charged together.
    fn begin_charge(&mut self) {
        if self.metering && !self.unreachable {
            let at = self.emit(Ins::new(Op::Fuel));
            self.fuel = Some(at);
        }
    }

    fn charge(&mut self) {
        if let Some(at) = self.fuel {
            self.code[at as usize].x += 1;
        }
    }
}

/// The type, which validation let through.
fn value_type(module: &ModuleInner, ty: wasmparser::ValType) -> ValType {
    let ty = module.val_type(&ty);
    ty.ok().expect("validated: a known value type")
}

/// The bank a type's values live in.
fn bank(ty: ValType) -> Bank {
    match ty {
        ValType::F32 => Bank::F32,
        ValType::F64 => Bank::F64,
        ValType::V128 => Bank::V128,
        _ => Bank::Int,
    }
}

/// Whether a slot value is its own lower half, sign-extended.
fn fits_imm(value: u64) -> bool {
    value as i32 as i64 as u64 == value
}

/// The slot of the return record of functions of this type: above parameters and results.
pub(crate) fn record_slot(ty: &FuncType) -> u32 {
    ty.param_slots().max(ty.result_slots()) as u32
}
