//! Which slots of a frame hold references, by where in its code the frame stands.
//!
//! Asked for when a collection meets a frame of the function, and then found by translating it again, so that code pays
//! nothing. What is noted is all that holds a reference; a slot may also hold what was there before: of a local that is
//! not written yet, or of an operand that is still in a register's place. Whoever reads the slots makes sure that there is
//! an object.

use super::ir::{Ins, Op};
use super::*;

/// Slots that hold references.
#[derive(Default)]
pub(crate) struct RootMap {
    /// Those of locals, everywhere.
    locals: Box<[u32]>,
    /// Words at which instructions begin, and where the slots of their operands end in `operands`.
    places: Box<[(u32, u32)]>,
    operands: Box<[u32]>,
}

impl RootMap {
    /// The slots, when the frame stands at the instruction that covers `word`.
    pub(crate) fn at(&self, word: u32) -> impl Iterator<Item = u32> {
        let place = self.places.partition_point(|&(start, _)| start <= word);
        // Labels have no words: all that stand at one word count.
        let start = place.checked_sub(1).map_or(0, |last| self.places[last].0);
        let first = self.places.partition_point(|&(at, _)| at < start);
        let end = |place: usize| place.checked_sub(1).map_or(0, |at| self.places[at].1 as usize);
        let operands = &self.operands[end(first)..end(place)];
        self.locals.iter().chain(operands).copied()
    }
}

impl Translator<'_> {
    /// Notes the operands that hold references when the frame stands at the instruction just emitted, if it may stand there: it calls, leaves for the driver, or is where a paused run goes on.
    pub(super) fn find_roots(&mut self, ins: &Ins) {
        let stands = ins.op.forgets_accumulators()
            || matches!(
                ins.op,
                Op::Fuel
                    | Op::Throw
                    | Op::ThrowRef
                    | Op::ReturnCall
                    | Op::ReturnCallImport
                    | Op::ReturnCallIndirect
                    | Op::ReturnCallRef
            );
        if !stands {
            return;
        }
        let mut slots: Vec<u32> = self.stack.refs().collect();
        // What it works on is off the stack already. Not all are references.
        slots.extend([ins.a, ins.b, ins.c].into_iter().filter_map(Arg::as_slot));
        match ins.op {
            Op::Slow(kind) if kind.has_range() => {
                if let (Some(first), Some(last)) = (ins.a.as_slot(), ins.b.as_slot()) {
                    slots.extend(first..=last);
                }
            }
            // Arguments are in the callee's frame, below its record.
            Op::Call | Op::CallImport | Op::CallIndirect | Op::CallRef => {
                if let (Some(base), Some(record)) = (ins.d.as_slot(), ins.b.as_slot()) {
                    slots.extend(base..record);
                }
            }
            Op::ReturnCall | Op::ReturnCallImport | Op::ReturnCallIndirect | Op::ReturnCallRef => {
                if let Some(base) = ins.d.as_slot() {
                    slots.extend(base..base + ins.c.0);
                }
            }
            Op::Throw => {
                if let Some(base) = ins.a.as_slot() {
                    let values = self.module.tag_type(ins.x as u32).slots();
                    slots.extend(base..base + values as u32);
                }
            }
            _ => {}
        }
        // Bare numbers are among them.
        let end = self.frame_slots();
        slots.retain(|&slot| slot < end);
        self.roots.push((self.code.len() as u32 - 1, slots));
    }

    /// The map, from the words at which the instructions noted stand.
    pub(super) fn root_map(&self, words: &[u32]) -> RootMap {
        if self.want != Want::Roots {
            return RootMap::default();
        }
        assert_eq!(words.len(), self.roots.len(), "an instruction that was noted is gone");
        let locals = self.locals.iter().filter(|(_, ty)| ty.is_traced());
        let mut operands = Vec::new();
        let mut places = Vec::with_capacity(words.len());
        for (&word, (_, slots)) in words.iter().zip(&self.roots) {
            operands.extend_from_slice(slots);
            places.push((word, operands.len() as u32));
        }
        RootMap {
            locals: locals.map(|&(slot, _)| slot).collect(),
            places: places.into(),
            operands: operands.into(),
        }
    }
}
