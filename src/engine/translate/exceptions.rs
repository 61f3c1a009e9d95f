//! Exceptions: what catches them becomes a table beside the code; in the code stands only what throws.
//!
//! A clause of `try_table` is a branch to a block that is around it: values and reference are put straight into the
//! slots where that block's label expects them. A legacy `catch` is a label of its own.

use super::ir::{Arg, Ins, Op};
use super::stack::{NONE, Place};
use super::*;
use wasmparser::{BlockType, Catch, TryTable};

impl Translator<'_> {
    /// The innermost region of the code that comes next.
    pub(super) fn region_here(&self) -> u32 {
        self.control.last().expect("validated: inside the body").region
    }

    /// Opens a region. The block it belongs to is the innermost one.
    fn begin_region(&mut self, clauses: Vec<Clause>) {
        let region = self.regions.len() as u32;
        let outer = self.region_here();
        self.regions.push(Region {
            begin: 0,
            end: 0,
            outer,
            next: outer,
            clauses,
        });
        self.control.last_mut().expect("just begun").region = region;
        self.emit(Ins::new(Op::TryBegin).x(region as u64));
    }

    /// Closes the region of a `try`, if it has one.
    pub(super) fn end_region(&mut self, control: &Control) {
        if control.region != self.region_here() {
            self.emit(Ins::new(Op::TryEnd).x(control.region as u64));
        }
    }

    pub(super) fn try_table(&mut self, table: TryTable) {
        if self.unreachable {
            return self.begin_block(Kind::Block, table.ty);
        }
        // Labels are counted from outside.
        let clauses: Vec<Clause> = table.catches.iter().map(|catch| self.clause(catch)).collect();
        self.begin_block(Kind::Try, table.ty);
        if !clauses.is_empty() {
            self.begin_region(clauses);
        }
    }

    fn clause(&mut self, catch: &Catch) -> Clause {
        let (tag, depth, by_reference) = match *catch {
            Catch::One { tag, label } => (Some(tag), label, false),
            Catch::OneRef { tag, label } => (Some(tag), label, true),
            Catch::All { label } => (None, label, false),
            Catch::AllRef { label } => (None, label, true),
        };
        let control = self.target(depth);
        let payload = self.stack.slot_at(control.height);
        let label = match control.kind {
            Kind::Func => match self.returns_caught {
                Some(label) => label,
                None => *self.returns_caught.insert(self.labels.len() as u32),
            },
            _ => control.label.expect("blocks have one"),
        };
        if label as usize == self.labels.len() {
            self.new_label();
        }
        self.use_label(label);
        let values = tag.map_or(0, |tag| self.module.tag_type(tag).slots());
        Clause {
            tag,
            target: label,
            payload,
            reference: if by_reference { payload + values as u32 } else { NONE },
        }
    }

    /// After the body's end: returns what clauses caught for the whole body, from where its first operands would be.
    pub(super) fn return_caught(&mut self) {
        if let Some(label) = self.returns_caught {
            self.stack.truncate(0);
            for &ty in self.ty.results() {
                self.stack.push(Place::Temp, ty, NONE);
            }
            self.bind(label);
            self.emit_return();
        }
    }

    pub(super) fn throw(&mut self, tag: u32) {
        let ty = self.module.tag_type(tag);
        let height = self.stack.len() - ty.params().len();
        self.settle_from(height);
        let base = self.stack.slot_at(height);
        self.emit(Ins::new(Op::Throw).a(Arg::slot(base)).x(tag as u64));
        self.end_reachable();
    }

    pub(super) fn throw_ref(&mut self) {
        let reference = self.stack.pop();
        let a = self.slot_arg(reference);
        self.emit(Ins::new(Op::ThrowRef).a(a));
        self.end_reachable();
    }

    // ---- the legacy form -------------------------------------------------------------------------------------------

    pub(super) fn legacy_try(&mut self, ty: BlockType) {
        let dead = self.unreachable;
        self.begin_block(Kind::Try, ty);
        if !dead {
            self.begin_region(Vec::new());
        }
    }

    /// Ends the body of a `try`, or the `catch` before, and begins the next; `tag`: `None` for `catch_all`.
    pub(super) fn legacy_catch(&mut self, tag: Option<u32>) {
        let control = self.control.pop().expect("validated: inside a try");
        if control.dead {
            return self.control.push(control);
        }
        if !self.unreachable {
            self.settle_results(&control);
            let label = self.use_label(control.label.expect("blocks have one"));
            self.emit(Ins::new(Op::Br).x(label));
        }
        let region = match control.kind {
            Kind::Try => {
                self.end_region(&control);
                control.region
            }
            _ => control.clause.0,
        };
        self.stack.truncate(control.height);
        // The exception, for `rethrow`.
        self.stack.push(Place::Temp, ValType::EXNREF, NONE);
        let target = self.new_label();
        self.use_label(target);
        let clauses = &mut self.regions[region as usize].clauses;
        let clause = (region, clauses.len());
        clauses.push(Clause {
            tag,
            target,
            payload: self.stack.next_slot(),
            reference: NONE,
        });
        self.control.push(Control {
            kind: Kind::Catch,
            region: self.region_here(),
            clause,
            ..control
        });
        if let Some(tag) = tag {
            for &ty in self.module.tag_type(tag).params() {
                self.stack.push(Place::Temp, ty, NONE);
            }
        }
        self.bind(target);
    }

    /// Ends a `try` whose exceptions are for what catches them in the block `depth` levels out.
    pub(super) fn delegate(&mut self, depth: u32) {
        let control = self.control.last().expect("validated: inside a try");
        if !control.dead {
            let target = &self.control[self.control.len() - 2 - depth as usize];
            let (region, next) = (control.region, target.region);
            self.regions[region as usize].next = next;
        }
        self.end_block();
    }

    /// Throws again what the `catch` `depth` levels out has caught.
    pub(super) fn rethrow(&mut self, depth: u32) {
        let control = self.target(depth);
        let (region, clause) = control.clause;
        let slot = self.stack.get(control.height).slot;
        self.regions[region as usize].clauses[clause].reference = slot;
        self.emit(Ins::new(Op::ThrowRef).a(Arg::slot(slot)));
        self.end_reachable();
    }
}
