//! The usual function body, validated fast: the algorithm of the specification's appendix over the operators that
//! nearly all code consists of.
//!
//! It only ever says that a body is valid. Whatever it does not know (rare operators, proposals) and whatever it thinks
//! is wrong is left to wasmparser, which decides and knows the words for it. So a rule too strict here costs time, and
//! one too lax would be a hole: debug builds validate each accepted body again with wasmparser, and the tests feed both
//! with damaged bodies.
//! Spec: appendix/algorithm.html, valid/instructions.html, binary/instructions.html

mod reader;
mod tables;
#[cfg(test)]
mod tests;

use wasmparser::WasmFeatures;

use self::reader::Reader;
use self::tables::{ACCESSES, LAST_LOAD, NUMERIC, Numeric};
use crate::engine::module::ModuleInner;
use crate::engine::types::ValType::{self, *};

/// With these on, and no others, operators mean here what they mean to wasmparser. A proposal that changes what an
/// operator below may look like (64-bit addresses, for instance) must not be added before its rule is.
pub(super) const KNOWN: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::MULTI_MEMORY)
    .difference(WasmFeatures::SIMD);

/// What bodies may use without looking at a feature.
const NEEDED: WasmFeatures = KNOWN
    .difference(WasmFeatures::TAIL_CALL)
    .difference(WasmFeatures::EXTENDED_CONST)
    .difference(WasmFeatures::MULTI_MEMORY);

/// wasmparser's limits for locals, parameters included, and for the bytes of a body (no table of a `br_table` that fits
/// is too long for it).
const MAX_LOCALS: u64 = 50_000;
const MAX_BYTES: usize = 7_654_321;

/// Locals that may be written out one by one, or as many as the body has bytes: a few bytes can declare tens of
/// thousands, in every function.
const FEW_LOCALS: u64 = 1000;

/// An operand's type; `None` is the unknown type of unreachable code, which fits all.
type Operand = Option<ValType>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Also the body itself, and what follows `else`.
    Block,
    Loop,
    If,
}

#[derive(Clone, Copy)]
enum BlockType {
    Empty,
    One(ValType),
    Func(u32),
}

/// A block that is open, with what is to be restored at its end.
struct Frame {
    kind: Kind,
    ty: BlockType,
    outer_height: usize,
    outer_unreachable: bool,
}

/// Validates bodies, one after the other, in the same vectors.
pub(super) struct Checker<'m> {
    module: &'m ModuleInner,
    /// Whether the features are those this file knows.
    applies: bool,
    locals: Vec<ValType>,
    operands: Vec<Operand>,
    frames: Vec<Frame>,
    /// Operands below the innermost block.
    height: usize,
    /// The rest of the innermost block cannot be reached.
    unreachable: bool,
}

impl<'m> Checker<'m> {
    pub(super) fn new(module: &'m ModuleInner, features: WasmFeatures) -> Checker<'m> {
        Checker {
            module,
            applies: KNOWN.contains(features) && features.contains(NEEDED),
            locals: Vec::new(),
            operands: Vec::new(),
            frames: Vec::new(),
            height: 0,
            unreachable: false,
        }
    }

    /// Whether the body of a function with the type of that index is certainly valid.
    pub(super) fn accepts(&mut self, ty: u32, body: &[u8]) -> bool {
        self.applies && body.len() <= MAX_BYTES && self.body(ty, body).is_some()
    }

    /// `None`: not known to be valid.
    fn body(&mut self, ty: u32, body: &[u8]) -> Option<()> {
        let mut reader = Reader { bytes: body, at: 0 };
        self.declare_locals(ty, &mut reader)?;
        self.operands.clear();
        self.frames.clear();
        self.height = 0;
        self.unreachable = false;
        self.open(Kind::Block, BlockType::Func(ty));
        while !self.frames.is_empty() {
            self.operator(&mut reader)?;
        }
        (reader.at == body.len()).then_some(())
    }

    fn declare_locals(&mut self, ty: u32, reader: &mut Reader<'_>) -> Option<()> {
        let most = MAX_LOCALS.min(FEW_LOCALS.max(reader.bytes.len() as u64));
        self.locals.clear();
        self.locals
            .extend_from_slice(self.module.types.get(ty as usize)?.params());
        for _ in 0..reader.u32()? {
            let count = reader.u32()?;
            let ty = val_type(reader.byte()?)?;
            if self.locals.len() as u64 + u64::from(count) > most {
                return None;
            }
            self.locals.resize(self.locals.len() + count as usize, ty);
        }
        Some(())
    }

    #[inline(always)]
    fn operator(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        match reader.byte()? {
            0x20 => {
                let ty = self.local(reader)?;
                self.push(ty);
            }
            0x21 => {
                let ty = self.local(reader)?;
                self.pop(ty)?;
            }
            0x22 => {
                let ty = self.local(reader)?;
                self.pop(ty)?;
                self.push(ty);
            }
            0x41 => {
                reader.signed(32)?;
                self.push(I32);
            }
            opcode @ 0x45..=0xc4 => {
                let row = NUMERIC[usize::from(opcode - 0x45)];
                self.numeric(row)?;
            }
            opcode @ 0x28..=0x3e => {
                let (ty, align) = ACCESSES[usize::from(opcode - 0x28)];
                self.memarg(reader, align)?;
                if opcode <= LAST_LOAD {
                    self.change(I32, ty)?;
                } else {
                    self.pop(ty)?;
                    self.pop(I32)?;
                }
            }
            0x00 => self.stop(),
            0x01 => {}
            opcode @ 0x02..=0x04 => self.block(opcode, reader)?,
            0x05 => self.otherwise()?,
            0x0b => self.end()?,
            0x0c => {
                let types = self.label(reader.u32()?)?;
                self.pop_all(types)?;
                self.stop();
            }
            0x0d => {
                let types = self.label(reader.u32()?)?;
                self.pop(I32)?;
                if !types.is_empty() {
                    self.pop_all(types)?;
                    self.push_all(types);
                }
            }
            0x0e => self.br_table(reader)?,
            0x0f => {
                let types = self.label(self.frames.len() as u32 - 1)?;
                self.pop_all(types)?;
                self.stop();
            }
            0x10 => {
                let func = reader.u32()?;
                let ty = *self.module.funcs.get(func as usize)?;
                self.call(ty)?;
            }
            0x11 => {
                let ty = reader.u32()?;
                let table = reader.u32()?;
                if self.module.tables.get(table as usize)?.element != FuncRef {
                    return None;
                }
                self.pop(I32)?;
                self.call(ty)?;
            }
            0x1a => {
                self.pop_any()?;
            }
            0x1b => self.select()?,
            0x23 => {
                let ty = self.module.globals.get(reader.u32()? as usize)?.content;
                self.push(ty);
            }
            0x24 => {
                let global = self.module.globals.get(reader.u32()? as usize)?;
                if !global.mutable {
                    return None;
                }
                self.pop(global.content)?;
            }
            0x3f => {
                self.memory_0(reader)?;
                self.push(I32);
            }
            0x40 => {
                self.memory_0(reader)?;
                self.change(I32, I32)?;
            }
            0x42 => {
                reader.signed(64)?;
                self.push(I64);
            }
            0x43 => {
                reader.skip(4)?;
                self.push(F32);
            }
            0x44 => {
                reader.skip(8)?;
                self.push(F64);
            }
            0xfc => self.prefixed(reader)?,
            _ => return None,
        }
        Some(())
    }

    /// The operators behind the prefix 0xfc: conversions that saturate, and those on memory 0.
    fn prefixed(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let opcode = reader.byte()?;
        match opcode {
            0..=7 => {
                let from = if opcode & 2 == 0 { F32 } else { F64 };
                let to = if opcode < 4 { I32 } else { I64 };
                self.change(from, to)
            }
            // `memory.copy` has two memories, `memory.fill` one.
            10 | 11 => {
                if opcode == 10 {
                    self.memory_0(reader)?;
                }
                self.memory_0(reader)?;
                self.pop_all(&[I32, I32, I32])
            }
            _ => None,
        }
    }

    // ---- operands ------------------------------------------------------------------------------------------------

    #[inline(always)]
    fn push(&mut self, ty: ValType) {
        self.operands.push(Some(ty));
    }

    fn push_all(&mut self, types: &[ValType]) {
        self.operands.extend(types.iter().map(|ty| Some(*ty)));
    }

    #[inline(always)]
    fn pop(&mut self, ty: ValType) -> Option<()> {
        match self.pop_any()? {
            Some(found) if found != ty => None,
            _ => Some(()),
        }
    }

    #[inline(always)]
    fn pop_any(&mut self) -> Option<Operand> {
        if self.operands.len() > self.height {
            return self.operands.pop();
        }
        self.unreachable.then_some(None)
    }

    #[inline]
    fn pop_all(&mut self, types: &[ValType]) -> Option<()> {
        for ty in types.iter().rev() {
            self.pop(*ty)?;
        }
        Some(())
    }

    /// Pops one type and pushes another.
    #[inline(always)]
    fn change(&mut self, from: ValType, to: ValType) -> Option<()> {
        if self.operands.len() > self.height
            && let Some(last) = self.operands.last_mut()
            && *last == Some(from)
        {
            *last = Some(to);
            return Some(());
        }
        self.pop(from)?;
        self.push(to);
        Some(())
    }

    #[inline(always)]
    fn numeric(&mut self, row: Numeric) -> Option<()> {
        if row.binary {
            self.pop(row.operands)?;
        }
        self.change(row.operands, row.result)
    }

    #[inline(always)]
    fn local(&self, reader: &mut Reader<'_>) -> Option<ValType> {
        self.locals.get(reader.u32()? as usize).copied()
    }

    /// Spec: valid/instructions.html#parametric-instructions. Without a type, only numbers.
    fn select(&mut self) -> Option<()> {
        self.pop(I32)?;
        let (b, a) = (self.pop_any()?, self.pop_any()?);
        if a.into_iter().chain(b).any(ValType::is_ref) || (a != b && a.is_some() && b.is_some()) {
            return None;
        }
        self.operands.push(a.or(b));
        Some(())
    }

    fn call(&mut self, ty: u32) -> Option<()> {
        let ty = self.module.types.get(ty as usize)?;
        self.pop_all(ty.params())?;
        self.push_all(ty.results());
        Some(())
    }

    // ---- memories ------------------------------------------------------------------------------------------------

    /// An alignment, at most the one that is natural, and an offset. Flags, as for another memory, make it too large.
    #[inline(always)]
    fn memarg(&mut self, reader: &mut Reader<'_>, max_align: u8) -> Option<()> {
        let align = reader.byte()?;
        reader.u32()?;
        (align <= max_align && !self.module.memories.is_empty()).then_some(())
    }

    /// The index of memory 0, if there is one.
    fn memory_0(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        (reader.byte()? == 0 && !self.module.memories.is_empty()).then_some(())
    }

    // ---- control -------------------------------------------------------------------------------------------------

    fn open(&mut self, kind: Kind, ty: BlockType) {
        self.frames.push(Frame {
            kind,
            ty,
            outer_height: self.height,
            outer_unreachable: self.unreachable,
        });
        self.height = self.operands.len();
        self.unreachable = false;
    }

    /// `block`, `loop`, `if`.
    fn block(&mut self, opcode: u8, reader: &mut Reader<'_>) -> Option<()> {
        let kind = match opcode {
            0x02 => Kind::Block,
            0x03 => Kind::Loop,
            _ => Kind::If,
        };
        let ty = match reader.peek()? {
            0x40 => BlockType::Empty,
            byte @ 0x41..=0x7f => BlockType::One(val_type(byte)?),
            _ => {
                let index = u32::try_from(reader.signed(33)?).ok()?;
                self.module.types.get(index as usize)?;
                BlockType::Func(index)
            }
        };
        if !matches!(ty, BlockType::Func(_)) {
            reader.skip(1)?;
        }
        if kind == Kind::If {
            self.pop(I32)?;
        }
        let params = self.params(ty);
        self.pop_all(params)?;
        self.open(kind, ty);
        self.push_all(params);
        Some(())
    }

    fn otherwise(&mut self) -> Option<()> {
        let frame = self.frames.last_mut()?;
        if frame.kind != Kind::If {
            return None;
        }
        frame.kind = Kind::Block;
        let ty = frame.ty;
        self.pop_all(self.results(ty))?;
        if self.operands.len() != self.height {
            return None;
        }
        self.unreachable = false;
        self.push_all(self.params(ty));
        Some(())
    }

    fn end(&mut self) -> Option<()> {
        let Frame {
            kind,
            ty,
            outer_height,
            outer_unreachable,
        } = self.frames.pop()?;
        let results = self.results(ty);
        self.pop_all(results)?;
        if self.operands.len() != self.height || (kind == Kind::If && self.params(ty) != results) {
            return None;
        }
        self.height = outer_height;
        self.unreachable = outer_unreachable;
        self.push_all(results);
        Some(())
    }

    /// What follows cannot be reached.
    fn stop(&mut self) {
        self.operands.truncate(self.height);
        self.unreachable = true;
    }

    /// What a branch to a label takes.
    #[inline]
    fn label(&self, depth: u32) -> Option<&'m [ValType]> {
        let at = self.frames.len().checked_sub(1 + depth as usize)?;
        let frame = self.frames.get(at)?;
        Some(match frame.kind {
            Kind::Loop => self.params(frame.ty),
            _ => self.results(frame.ty),
        })
    }

    fn br_table(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        self.pop(I32)?;
        let mut arity = None;
        for _ in 0..=reader.u32()? {
            let types = self.label(reader.u32()?)?;
            if *arity.get_or_insert(types.len()) != types.len() {
                return None;
            }
            // Looked at where they are: nothing is left of them in the end.
            let present = &self.operands[self.height..];
            for (at, ty) in types.iter().rev().enumerate() {
                match present.len().checked_sub(1 + at).map(|at| present[at]) {
                    Some(Some(found)) if found != *ty => return None,
                    None if !self.unreachable => return None,
                    _ => {}
                }
            }
        }
        self.stop();
        Some(())
    }

    fn params(&self, ty: BlockType) -> &'m [ValType] {
        match ty {
            BlockType::Func(index) => self.module.types[index as usize].params(),
            _ => &[],
        }
    }

    fn results(&self, ty: BlockType) -> &'m [ValType] {
        match ty {
            BlockType::Empty => &[],
            BlockType::One(I32) => &[I32],
            BlockType::One(I64) => &[I64],
            BlockType::One(F32) => &[F32],
            BlockType::One(F64) => &[F64],
            BlockType::One(FuncRef) => &[FuncRef],
            BlockType::One(ExternRef) => &[ExternRef],
            BlockType::Func(index) => self.module.types[index as usize].results(),
        }
    }
}

/// Spec: binary/types.html#value-types
fn val_type(byte: u8) -> Option<ValType> {
    Some(match byte {
        0x7f => I32,
        0x7e => I64,
        0x7d => F32,
        0x7c => F64,
        0x70 => FuncRef,
        0x6f => ExternRef,
        _ => return None,
    })
}
