//! Pass 3: words. With `write`, which has the instructions one by one, the only files that know their layout from the
//! writing side; the reading side is `run::handlers`.

use super::assign::{Assigned, Classes, assign};
use super::ir::{Arg, Ins, Op};
use super::listing::Listing;
use super::*;
use crate::engine::run::dispatch::{Handler, word_of};
use crate::engine::run::handlers::{control, integer};
use crate::engine::run::operand::{Dst, Src};

pub(super) struct Encoder<'t, 'm> {
    pub t: &'t Translator<'m>,
    pub assigned: Assigned,
    pub words: Vec<u64>,
    relocations: Vec<u32>,
    /// By label: the word it stands at.
    places: Vec<u32>,
    /// Instructions that branch: the word of the target, and the label.
    fixups: Vec<(u32, Label)>,
    offsets: Vec<(u32, u32)>,
    /// Where those of `t.roots` stand.
    roots: Vec<u32>,
    pub regions: Vec<Region>,
    pub listing: Listing,
}

pub(super) fn encode(translator: Translator<'_>) -> (Translated, Listing) {
    let t = &translator;
    let assigned = assign(t);
    let mut encoder = Encoder {
        t,
        assigned,
        words: Vec::with_capacity(t.code.len() * 3),
        relocations: Vec::new(),
        places: vec![u32::MAX; t.labels.len()],
        fixups: Vec::new(),
        offsets: Vec::new(),
        roots: Vec::new(),
        regions: t.regions.clone(),
        listing: Listing::default(),
    };
    encoder.enter();
    let mut at = 0;
    while at < t.code.len() {
        at = encoder.instruction(at);
    }
    for &(word, label) in &encoder.fixups {
        encoder.words[word as usize] = encoder.places[label as usize] as u64;
        encoder.relocations.push(word);
    }
    let catches = encoder.catches();
    let translated = Translated {
        words: encoder.words,
        relocations: encoder.relocations,
        record: t.record,
        offsets: encoder.offsets,
        roots: t.root_map(&encoder.roots),
        catches,
    };
    (translated, encoder.listing)
}

/// Word 1 of four 16-bit fields.
pub(super) fn fields(d: u32, a: u32, b: u32, c: u32) -> u64 {
    debug_assert!(d < NEAR_SLOTS && a < NEAR_SLOTS && b < NEAR_SLOTS && c < NEAR_SLOTS);
    d as u64 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48
}

/// Word 1 of two 16-bit fields and the upper half.
pub(super) fn fields_imm(d: u32, a: u32, imm: u32) -> u64 {
    debug_assert!(d < NEAR_SLOTS && a < NEAR_SLOTS);
    d as u64 | (a as u64) << 16 | (imm as u64) << 32
}

pub(super) fn halves(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

impl Encoder<'_, '_> {
    /// The table of what catches exceptions, now that labels have their words.
    fn catches(&mut self) -> Option<Catches> {
        if self.regions.is_empty() {
            return None;
        }
        for clause in self.regions.iter_mut().flat_map(|region| &mut region.clauses) {
            clause.target = self.places[clause.target as usize];
        }
        self.list_regions();
        let pins = self.assigned.pins;
        let [l0, l1] = pins.int.map(|pin| pin.unwrap_or(0));
        let [d0, d1] = pins.f64.map(|pin| pin.unwrap_or(0));
        Some(Catches {
            regions: std::mem::take(&mut self.regions).into(),
            pins: [l0, l1, d0, d1, pins.f32.unwrap_or(0)],
        })
    }

    /// The function's first instruction, and the float pins if there are any.
    fn enter(&mut self) {
        let t = self.t;
        let pins = self.assigned.pins;
        let [l0, l1] = pins.int.map(|pin| pin.unwrap_or(0));
        let (first_zero, zeroes) = t.zeroed();
        let handler = control::ENTER[(zeroes as usize).min(control::ZEROES)];
        let pinned = if pins.int[1].is_some() {
            2
        } else {
            pins.int[0].is_some() as usize
        };
        if t.want != Want::Code {
            self.offsets.push((0, t.start));
        }
        let words = [
            word_of(handler[pinned]),
            halves(t.frame_slots() * 8, zeroes),
            first_zero as u64 | (l0 as u64) << 32 | (l1 as u64) << 48,
        ];
        self.words.extend(words);
        if t.want == Want::Listing {
            self.list_enter();
        }
        if self.assigned.pins.floats() && t.want == Want::Listing {
            self.listing
                .forms
                .push((self.words.len() as u32, "LoadFloatPins".into()));
        }
        self.load_float_pins();
    }

    pub(super) fn load_float_pins(&mut self) {
        let pins = self.assigned.pins;
        if pins.floats() {
            let [d0, d1] = pins.f64.map(|pin| pin.unwrap_or(0));
            self.words.push(word_of(control::load_float_pins));
            self.words.push(fields(d0, d1, pins.f32.unwrap_or(0), 0));
        }
    }

    pub(super) fn push(&mut self, handler: Handler, word: u64) {
        self.words.push(word_of(handler));
        self.words.push(word);
    }

    /// The word that follows is the address of `label`.
    pub(super) fn target(&mut self, label: Label) {
        self.fixups.push((self.words.len() as u32, label));
        self.words.push(0);
    }

    /// Whether the label stands before the instruction being written.
    pub(super) fn backward(&self, label: Label) -> bool {
        self.places[label as usize] != u32::MAX
    }

    pub(super) fn constant(&self, arg: Arg) -> u64 {
        arg.as_constant().map_or(0, |index| self.t.consts[index])
    }

    pub(super) fn imm(&self, arg: Arg) -> u32 {
        self.constant(arg) as u32
    }

    /// The number of a near slot; 0 for what is none.
    pub(super) fn near(arg: Arg) -> u32 {
        arg.as_slot().unwrap_or(0)
    }

    /// Writes the instruction at `at`, or several that one can do. Returns the next one's index.
    fn instruction(&mut self, at: usize) -> usize {
        let mut ins = self.t.code[at];
        let classes = self.assigned.classes[at];
        match ins.op {
            Op::Nop => return at + 1,
            Op::Label => {
                self.places[ins.x as usize] = self.words.len() as u32;
                self.note_roots(at, self.words.len() as u32);
                self.list_label(ins.x);
                return at + 1;
            }
            Op::TryBegin | Op::TryEnd => {
                let (region, word) = (&mut self.regions[ins.x as usize], self.words.len() as u32);
                if ins.op == Op::TryBegin {
                    region.begin = word;
                } else {
                    region.end = word;
                }
                self.list_region(ins.op, ins.x);
                return at + 1;
            }
            Op::LoadFloatPins if !self.assigned.pins.floats() => return at + 1,
            _ => {}
        }
        let start = self.words.len() as u32;
        self.note_roots(at, start);
        let far = self.t.scratch.is_some() && self.bring_near(&mut ins, classes);
        if self.t.want != Want::Code {
            self.offsets.push((start, self.t.origins[at]));
        }
        if let Some(next) = self.joined(at) {
            self.list(start, at, &ins, classes);
            self.list_joined(next - 1);
            return next;
        }
        self.write(&ins, classes);
        if far && let Some(d) = self.t.code[at].d.as_slot() {
            self.copy_far(ins.op.result(), d, Encoder::near(ins.d));
        }
        self.list(start, at, &ins, classes);
        at + 1
    }

    /// Says where the instruction stands at which the frame has the roots that were noted for it.
    fn note_roots(&mut self, at: usize, word: u32) {
        if let Some((code, _)) = self.t.roots.get(self.roots.len())
            && *code as usize == at
        {
            self.roots.push(word);
        }
    }

    /// Operands in slots that 16 bits cannot name are copied to near ones first. Returns whether the destination is
    /// such a slot and must be copied back.
    fn bring_near(&mut self, ins: &mut Ins, classes: Classes) -> bool {
        if matches!(
            ins.op,
            Op::Call
                | Op::CallImport
                | Op::ReturnCall
                | Op::ReturnCallImport
                | Op::Throw
                | Op::ThrowRef
                | Op::Slow(_)
                | Op::Atomic(_)
                | Op::Wide(_)
                | Op::Fuel
                | Op::RetMany
        ) {
            return false;
        }
        let scratch = self.t.scratch.expect("far functions have it");
        let roles = ins.op.sources();
        let is_far = |arg: Arg| arg.as_slot().is_some_and(|slot| slot >= NEAR_SLOTS);
        // These hold bare numbers in `b` or their frame base in `d`.
        let bare_b = matches!(
            ins.op,
            Op::LoadFar(..)
                | Op::StoreFar(..)
                | Op::LoadV128Far(_)
                | Op::StoreV128Far
                | Op::LoadLaneFar(..)
                | Op::StoreLaneFar(..)
                | Op::BrTable
                | Op::CallIndirect
                | Op::CallRef
                | Op::ReturnCallIndirect
                | Op::ReturnCallRef
        );
        for (i, class) in [classes.a, classes.b, classes.c].into_iter().enumerate() {
            let arg = match i {
                0 => &mut ins.a,
                1 if !bare_b => &mut ins.b,
                2 if !matches!(
                    ins.op,
                    Op::CallIndirect | Op::CallRef | Op::ReturnCallIndirect | Op::ReturnCallRef
                ) =>
                {
                    &mut ins.c
                }
                _ => continue,
            };
            if is_far(*arg) {
                // Also where a register is read instead: the number would not fit its field.
                let near = scratch + 2 * (1 + i as u32);
                let from = std::mem::replace(arg, Arg::slot(near)).as_slot().expect("far");
                if class == Src::Slot {
                    self.copy_far(roles[i].map(|role| role.bank), near, from);
                }
            }
        }
        let base = matches!(
            ins.op,
            Op::CallIndirect
                | Op::CallRef
                | Op::ReturnCallIndirect
                | Op::ReturnCallRef
                | Op::MemoryFill(_)
                | Op::MemoryCopy(_)
        );
        if !base && is_far(ins.d) {
            ins.d = Arg::slot(scratch);
            return classes.d == Dst::Slot;
        }
        false
    }

    /// Copies a value of this bank.
    fn copy_far(&mut self, bank: Option<Bank>, to: u32, from: u32) {
        self.push(integer::COPY_FAR, halves(to, from));
        if bank == Some(Bank::V128) {
            self.push(integer::COPY_FAR, halves(to + 1, from + 1));
        }
    }
}
