//! Instructions the driver executes: growth, tables, segments, and bulk operations too long for one go.
//!
//! Bulk operations work in chunks and keep their progress in the slots of their operands, so that a request to stop,
//! or a lack of fuel, finds a state from which the same instruction goes on.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use super::gc::{self, Operands};
use super::handlers::bulk::{AT_ONCE, SLOW_WORDS};
use super::layout::{Context, MEMORY_LEN};
use super::{Run, take_request, wide};
use crate::engine::func::PauseReason;
use crate::engine::instance::InstanceId;
use crate::engine::memory::Waited;
use crate::engine::memory::racy::{self, Word as _};
use crate::engine::store::StoreInner;
use crate::engine::translate::ir::Slow;
use crate::engine::trap::Trap;

/// Bytes one unit of fuel pays for in bulk operations.
const BYTES_PER_FUEL: u64 = 8;

/// Executes the slow instruction the registers stand at, and steps over it unless it pauses.
///
/// # Safety
/// The context holds the registers of a run of this store, at a slow instruction.
pub(super) unsafe fn execute(store: &mut StoreInner, run: &Run, cx: *mut Context) -> Result<Option<PauseReason>, Trap> {
    // SAFETY: the caller's promise; the translator wrote the instruction's slots (T1, F1).
    unsafe {
        let (ip, sp) = ((*cx).saved.ip, (*cx).saved.sp);
        let id = InstanceId((*(*cx).instance).id);
        let [d, a, b, c] = [wide(ip, 1), wide(ip, 2), wide(ip, 3), wide(ip, 4)].map(|slot| sp.add(slot));
        let (i, j) = (wide(ip, 6) as u32, wide(ip, 7) as u32);
        let kind = Slow::from_word(wide(ip, 0) as u32);
        if kind as u32 >= Slow::StructNew as u32 {
            // A collection looks at the frames of this run too.
            store.run.calling = &raw const run.activations;
            let slots = [d, a, b, c];
            gc::execute(store, id, kind, Operands { slots, i, j })?;
            (*cx).saved.ip = ip.add(SLOW_WORDS);
            return Ok(None);
        }
        let widths = Widths::of(store, id, kind, i, j);
        match kind {
            Slow::TableGet | Slow::TableSet | Slow::TableGrow | Slow::TableFill | Slow::TableInit => {
                store.fill_now(id, i);
            }
            Slow::TableCopy => {
                store.fill_now(id, i);
                store.fill_now(id, j);
            }
            _ => {}
        }
        match kind {
            Slow::MemoryGrow => {
                let old = store.memory_grow(id, i, widths.to.index(*a));
                *d = old.unwrap_or(widths.to.index(u64::MAX));
            }
            Slow::MemorySize => *d = store.memory_pages(id, i),
            Slow::Wait32 | Slow::Wait64 | Slow::Notify => {
                let at = Place::of(widths.to.index(*a), i, j);
                match kind {
                    Slow::Notify => *d = notify(store, id, cx, at, *b as u32)? as u64,
                    _ => match wait(store, id, cx, kind, at, *b, *c as i64)? {
                        Waited::Notified => *d = 0,
                        Waited::NotEqual => *d = 1,
                        Waited::TimedOut => *d = 2,
                        Waited::Interrupted { left } => {
                            *c = left.map_or(u64::MAX, |left| left.as_nanos() as u64);
                            if take_request(cx, store.run.end) {
                                return Ok(Some(PauseReason::Interrupted));
                            }
                            // Somebody has taken it: the instruction is made again.
                            return Ok(None);
                        }
                    },
                }
            }
            Slow::DataDrop => store.data_drop(id, i),
            Slow::ElemDrop => store.elem_drop(id, i),
            Slow::RefFunc => *d = store.func_ref(id, i).as_ptr() as u64,
            Slow::TableGet => *d = *element(cx, i, widths.to.index(*a))?,
            Slow::TableSet => *element(cx, i, widths.to.index(*a))? = *b,
            Slow::TableSize => *d = (**(*(*cx).instance).tables.add(i as usize)).len,
            Slow::TableGrow => {
                let old = store.table_grow(id, i, *a, widths.to.index(*b));
                *d = old.unwrap_or(widths.to.index(u64::MAX));
            }
            _ => {
                // One unit is a byte in memories and an element in tables.
                let unit = if kind.of_memory() { 1 } else { 8 };
                let moves = kind.has_source();
                let (to, from) = (widths.to.index(*a), if moves { widths.from.index(*b) } else { *b });
                let mut progress = Progress {
                    to,
                    from,
                    left: widths.len.index(*c),
                    up: i != j || to <= from || !matches!(kind, Slow::MemoryCopy | Slow::TableCopy),
                    moves,
                };
                // The whole range is checked before anything is written.
                one(store, cx, id, kind, (i, j), progress.end())?;
                while progress.left > 0 {
                    let chunk = progress.left.min(AT_ONCE);
                    if (*cx).requested.load(Relaxed) && take_request(cx, store.run.end) {
                        return Ok(Some(PauseReason::Interrupted));
                    }
                    if store.engine.config().metering {
                        let cost = chunk * unit / BYTES_PER_FUEL;
                        if (*cx).fuel < cost {
                            return Ok(Some(PauseReason::OutOfFuel));
                        }
                        (*cx).fuel -= cost;
                    }
                    one(store, cx, id, kind, (i, j), progress.next(chunk))?;
                    progress.advance(chunk);
                    (*a, *b, *c) = (progress.to, progress.from, progress.left);
                }
            }
        }
        (*cx).saved.ip = ip.add(SLOW_WORDS);
        Ok(None)
    }
}

impl Slow {
    /// Whether `b` is where a bulk operation reads, not what it writes.
    fn has_source(self) -> bool {
        !matches!(self, Slow::MemoryFill | Slow::TableFill)
    }

    /// Whether `i` is a memory.
    fn of_memory(self) -> bool {
        use Slow::*;
        matches!(
            self,
            MemoryGrow | MemorySize | MemoryFill | MemoryCopy | MemoryInit | Wait32 | Wait64 | Notify
        )
    }
}

/// The type of an index.
#[derive(Clone, Copy)]
enum Width {
    I32,
    I64,
}

impl Width {
    fn index(self, slot: u64) -> u64 {
        match self {
            Width::I32 => slot as u32 as u64,
            Width::I64 => slot,
        }
    }
}

/// The types of an instruction's indices.
struct Widths {
    to: Width,
    from: Width,
    len: Width,
}

impl Widths {
    fn of(store: &StoreInner, id: InstanceId, kind: Slow, i: u32, j: u32) -> Widths {
        let module = &store.instances[id.0 as usize].module.inner;
        let width = |at: u32| {
            let is_64 = match kind.of_memory() {
                true => module.memories.get(at as usize).is_some_and(|memory| memory.is_64),
                false => module.tables.get(at as usize).is_some_and(|table| table.is_64),
            };
            if is_64 { Width::I64 } else { Width::I32 }
        };
        let to = match kind {
            // `i` is something else.
            Slow::DataDrop | Slow::ElemDrop | Slow::RefFunc => Width::I32,
            Slow::Wait32 | Slow::Wait64 | Slow::Notify => width(i as u16 as u32),
            _ => width(i),
        };
        let (from, len) = match (kind, to) {
            (Slow::MemoryFill | Slow::TableFill, to) => (to, to),
            (Slow::MemoryCopy | Slow::TableCopy, Width::I64) => (width(j), width(j)),
            (Slow::MemoryCopy | Slow::TableCopy, Width::I32) => (width(j), Width::I32),
            // Segments have less than 2^32 bytes or elements.
            _ => (Width::I32, Width::I32),
        };
        Widths { to, from, len }
    }
}

/// What a bulk operation has left to do.
struct Progress {
    to: u64,
    /// Source, or the value to fill with.
    from: u64,
    left: u64,
    /// From the lowest address up; otherwise from the end down, because the ranges overlap.
    up: bool,
    moves: bool,
}

impl Progress {
    /// Nothing, at the end of the range: it is in bounds if the range is.
    fn end(&self) -> (u64, u64, u64) {
        (
            self.to.saturating_add(self.left),
            if self.moves {
                self.from.saturating_add(self.left)
            } else {
                self.from
            },
            0,
        )
    }

    /// The next `chunk` units.
    fn next(&self, chunk: u64) -> (u64, u64, u64) {
        let skip = if self.up { 0 } else { self.left - chunk };
        (
            self.to + skip,
            if self.moves { self.from + skip } else { self.from },
            chunk,
        )
    }

    fn advance(&mut self, chunk: u64) {
        self.left -= chunk;
        if self.up {
            self.to += chunk;
            if self.moves {
                self.from += chunk;
            }
        }
    }
}

/// Does one piece of a bulk operation.
unsafe fn one(
    store: &mut StoreInner,
    cx: *mut Context,
    id: InstanceId,
    kind: Slow,
    (i, j): (u32, u32),
    (to, from, n): (u64, u64, u64),
) -> Result<(), Trap> {
    // SAFETY: ranges are compared with the lengths of their memories.
    unsafe {
        match kind {
            Slow::MemoryFill => {
                let at = range(cx, i, to, n)?;
                if store.shared_memory(id, i).is_some() {
                    racy::fill(at, from as u8, n as usize);
                } else {
                    std::ptr::write_bytes(at, from as u8, n as usize);
                }
            }
            Slow::MemoryCopy => {
                let (at, source) = (range(cx, i, to, n)?, range(cx, j, from, n)?);
                if store.shared_memory(id, i).or(store.shared_memory(id, j)).is_some() {
                    racy::copy(source, at, n as usize);
                } else {
                    std::ptr::copy(source, at, n as usize);
                }
            }
            Slow::MemoryInit => store.memory_init(id, i, j, to, from, n)?,
            Slow::TableFill => store.table_fill(id, i, to, from, n)?,
            Slow::TableCopy => store.table_copy(id, i, j, to, from, n)?,
            Slow::TableInit => store.table_init(id, i, j, to, from, n)?,
            _ => unreachable!("{kind:?} is no bulk operation"),
        }
    }
    Ok(())
}

/// The length in bytes of a memory of the running instance.
unsafe fn memory_len(cx: *mut Context, memory: u32) -> u64 {
    // SAFETY: validated: the memory exists; its length lies below byte 0 (M1). It may be shared.
    unsafe { u64::load((*(*(*cx).instance).memories.add(memory as usize)).sub(MEMORY_LEN) as *const u64) }
}

/// Where a wait or a notification is.
struct Place {
    memory: u32,
    address: u64,
}

impl Place {
    /// `i` and `j` are the halves of the immediate.
    fn of(address: u64, i: u32, j: u32) -> Place {
        let immediate = i as u64 | (j as u64) << 32;
        Place {
            memory: immediate as u16 as u32,
            // What is too great is outside of every memory.
            address: address.saturating_add(immediate >> 16),
        }
    }

    /// Its address, if so many bytes may be accessed atomically there.
    unsafe fn check(&self, cx: *mut Context, bytes: u64) -> Result<*mut u8, Trap> {
        if !self.address.is_multiple_of(bytes) {
            return Err(Trap::UnalignedAtomic);
        }
        // SAFETY: validated: the memory exists.
        unsafe { range(cx, self.memory, self.address, bytes) }
    }
}

/// `memory.atomic.notify`
unsafe fn notify(store: &StoreInner, id: InstanceId, cx: *mut Context, at: Place, count: u32) -> Result<u32, Trap> {
    // SAFETY: as in `Place::check`.
    unsafe { at.check(cx, 4)? };
    // Nobody can wait in a memory that is not shared.
    let memory = store.shared_memory(id, at.memory);
    Ok(memory.map_or(0, |memory| memory.parking().notify(at.address, count)))
}

/// `memory.atomic.wait32` and `wait64`, of at most `timeout` nanoseconds; without end if that is negative.
unsafe fn wait(
    store: &StoreInner,
    id: InstanceId,
    cx: *mut Context,
    kind: Slow,
    at: Place,
    expected: u64,
    timeout: i64,
) -> Result<Waited, Trap> {
    // SAFETY: as in `Place::check`; the place is aligned and inside.
    unsafe {
        let narrow = kind == Slow::Wait32;
        let place = at.check(cx, if narrow { 4 } else { 8 })?;
        let memory = store.shared_memory(id, at.memory).ok_or(Trap::ExpectedSharedMemory)?;
        let equal = || match narrow {
            true => AtomicU32::from_ptr(place.cast()).load(SeqCst) == expected as u32,
            false => AtomicU64::from_ptr(place.cast()).load(SeqCst) == expected,
        };
        let timeout = u64::try_from(timeout).ok().map(Duration::from_nanos);
        Ok(memory.wait(at.address, equal, timeout, &store.interrupt))
    }
}

/// The address of a range of a memory.
unsafe fn range(cx: *mut Context, memory: u32, at: u64, n: u64) -> Result<*mut u8, Trap> {
    // SAFETY: validated: the memory exists.
    unsafe {
        if at.checked_add(n).is_none_or(|end| end > memory_len(cx, memory)) {
            return Err(Trap::MemoryOutOfBounds);
        }
        Ok((*(*(*cx).instance).memories.add(memory as usize)).add(at as usize))
    }
}

/// The address of an element of a table.
unsafe fn element(cx: *mut Context, table: u32, index: u64) -> Result<*mut u64, Trap> {
    // SAFETY: validated: the table exists.
    unsafe {
        let table = &**(*(*cx).instance).tables.add(table as usize);
        if index >= table.len {
            return Err(Trap::TableOutOfBounds);
        }
        Ok(table.base.add(index as usize))
    }
}
