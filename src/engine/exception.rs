//! Exceptions: as errors that leave a run, as references guests keep, and the arena of a store that holds those.
//!
//! An exception is a tag and values. While it is thrown it is only that; it gets an entry in the arena when somebody
//! asks for a reference to it (`catch_ref`, `catch_all_ref`, a legacy `catch` with a `rethrow`). Entries are freed by a
//! mark pass when their bytes have doubled. What looks like a reference is one, wherever it stands in the value stacks:
//! slots have no types there, and a reference has 32 bits of its own, so that few numbers look like one.
//!
//! Spec: exec/runtime.html#exception-instances

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Weak};

use super::error::Error;
use super::run::frames::Trace;
use super::store::{AsStore, AsStoreMut, Inner as _, InnerMut as _, StoreInner};
use super::tag::Tag;
use super::trap::{Escaped, Frame, Trap, write_frames};
use super::value::Val;

/// An exception that a call ended with: thrown by a guest and caught by nobody, or made by the host.
///
/// A host function that returns one as its error throws it where the guest called it.
pub struct Exception {
    tag: Tag,
    name: Option<String>,
    values: Vec<Val>,
    trace: Trace,
}

impl Exception {
    /// An exception for a host function to return.
    ///
    /// # Errors
    /// [`Error::Type`] when the values do not fit the tag's type, or tag or values are of another store.
    pub fn new(store: &mut impl AsStoreMut, tag: Tag, values: &[Val]) -> Result<Exception, Error> {
        let store = store.inner_mut();
        payload(store, tag, values)?;
        Ok(Exception::made(store, tag.index, values.to_vec(), Trace::default()))
    }

    /// One whose values are known to fit.
    pub(crate) fn made(store: &StoreInner, tag: u32, values: Vec<Val>, trace: Trace) -> Exception {
        Exception {
            tag: Tag {
                store: store.id,
                index: tag,
            },
            name: store.tag_name(tag).map(str::to_owned),
            values,
            trace,
        }
    }

    /// Its tag.
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// What the module that defines the tag calls it: by its name section, else its import or export.
    pub fn tag_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The values it carries.
    pub fn values(&self) -> &[Val] {
        &self.values
    }

    /// The functions that were running where it was thrown, innermost first; at most
    /// [`TrapReport::MAX_FRAMES`](crate::TrapReport::MAX_FRAMES). Finding the places takes some time.
    pub fn frames(&self) -> Vec<Frame> {
        self.trace.frames()
    }

    /// Functions that were running beyond those in `frames`.
    pub fn omitted(&self) -> usize {
        self.trace.omitted()
    }

    /// What was thrown, without where.
    pub fn message(&self) -> String {
        use fmt::Write as _;
        let mut text = String::from("uncaught exception");
        if let Some(name) = &self.name {
            let _ = write!(text, ": tag `{}`", Escaped(name));
        }
        if !self.values.is_empty() {
            let values: Vec<String> = self.values.iter().map(Val::to_string).collect();
            let _ = write!(text, " with {}", values.join(", "));
        }
        text
    }

    pub(crate) fn into_parts(self) -> (Tag, Vec<Val>, Trace) {
        (self.tag, self.values, self.trace)
    }
}

/// The message, then one line per function.
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())?;
        write_frames(f, &self.frames(), self.omitted())
    }
}

impl fmt::Debug for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exception")
            .field("tag", &self.tag)
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Exception {}

/// Values as slots, if an exception of this tag can carry them.
pub(crate) fn payload(store: &mut StoreInner, tag: Tag, values: &[Val]) -> Result<Vec<u64>, Error> {
    store.check_handle(tag.store, "tag")?;
    let ty = store.tags[tag.index as usize].ty.clone();
    if values.len() != ty.params().len() {
        let (want, have) = (ty.params().len(), values.len());
        return Err(Error::type_error(format!("{have} values given, {ty} has {want}")));
    }
    let mut slots = Vec::with_capacity(ty.slots());
    for (at, (value, ty)) in values.iter().zip(ty.params()).enumerate() {
        let Some(value) = value.to_slots_of(*ty, store)? else {
            let message = format!("value {} is {}, {ty} is wanted", at + 1, value.ty());
            return Err(Error::type_error(message));
        };
        slots.extend_from_slice(&value[..ty.slots()]);
    }
    Ok(slots)
}

/// A reference to an exception, which the store keeps while there is one.
///
/// Spec: exec/runtime.html#references
#[derive(Clone)]
pub struct ExnRef(Arc<Handle>);

struct Handle {
    store: u64,
    index: u32,
}

impl ExnRef {
    /// A reference to a new exception.
    ///
    /// # Errors
    /// [`Error::Type`] when the values do not fit the tag's type, or tag or values are of another store; a trap when the
    /// store may not hold more exceptions ([`StoreLimits::exceptions`](crate::StoreLimits::exceptions)).
    pub fn new(store: &mut impl AsStoreMut, tag: Tag, values: &[Val]) -> Result<ExnRef, Error> {
        let store = store.inner_mut();
        let payload = payload(store, tag, values)?;
        let slot = store.keep_exception(tag.index, &payload, None)?;
        let reference = store.refs.exceptions.reference(slot, store.id);
        Ok(reference.expect("a slot that was just made"))
    }

    /// The tag of the exception.
    ///
    /// # Errors
    /// [`Error::Type`] for a reference of another store.
    pub fn tag(&self, store: &impl AsStore) -> Result<Tag, Error> {
        let store = store.inner();
        store.check_handle(self.0.store, "exception")?;
        let (index, _) = store.refs.exceptions.get(slot(self.0.index));
        Ok(Tag { store: store.id, index })
    }

    /// The values the exception carries.
    ///
    /// # Errors
    /// [`Error::Type`] for a reference of another store.
    pub fn values(&self, store: &impl AsStore) -> Result<Vec<Val>, Error> {
        let store = store.inner();
        store.check_handle(self.0.store, "exception")?;
        let (tag, payload) = store.refs.exceptions.get(slot(self.0.index));
        Ok(store.payload_values(tag, payload))
    }

    /// The slot for it in the store with that id.
    pub(crate) fn slot_in(&self, store: u64) -> Result<u64, Error> {
        if self.0.store == store {
            Ok(slot(self.0.index))
        } else {
            Err(Error::wrong_store("exception"))
        }
    }
}

impl fmt::Debug for ExnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExnRef({})", self.0.index)
    }
}

/// The upper half of every slot that is a reference to an exception: null is 0.
const REFERENCE: u64 = 0xe9ce_9710 << 32;

fn slot(index: u32) -> u64 {
    REFERENCE | u64::from(index)
}

/// The exceptions of a store that somebody may refer to.
#[derive(Default)]
pub(crate) struct Exceptions {
    entries: Vec<Entry>,
    free: Vec<u32>,
    /// What entries in use take, and took after the last mark pass.
    bytes: u64,
    survived: u64,
}

struct Entry {
    /// `None` for a free one.
    content: Option<Content>,
    marked: bool,
}

struct Content {
    tag: u32,
    payload: Box<[u64]>,
    /// What the host has of it.
    handle: RefCell<Weak<Handle>>,
}

impl Content {
    /// Bytes, about.
    fn bytes(&self) -> u64 {
        (size_of::<Entry>() + self.payload.len() * 8) as u64
    }
}

impl Exceptions {
    /// Bytes below which nothing is ever collected.
    const SMALL: u64 = 64 << 10;

    /// The exception of a slot that is not null: its tag and payload.
    pub(crate) fn get(&self, slot: u64) -> (u32, &[u64]) {
        let entry = &self.entries[slot as u32 as usize];
        let content = entry.content.as_ref().expect("what is referred to is kept");
        (content.tag, &content.payload)
    }

    /// The host's reference for a slot of the store with that id; `None` for null.
    pub(crate) fn reference(&self, slot: u64, store: u64) -> Option<ExnRef> {
        let index = self.index(slot)?;
        let content = self.entries[index as usize].content.as_ref()?;
        let mut handle = content.handle.borrow_mut();
        let known = handle.upgrade().unwrap_or_else(|| Arc::new(Handle { store, index }));
        *handle = Arc::downgrade(&known);
        Some(ExnRef(known))
    }

    /// Whether a slot may be a reference to an exception, and can be nothing else that is one.
    pub(crate) fn looks_like(slot: u64) -> bool {
        slot & !u64::from(u32::MAX) == REFERENCE
    }

    /// The entry a slot looks like a reference to.
    fn index(&self, slot: u64) -> Option<u32> {
        let index = slot as u32;
        (Self::looks_like(slot) && (index as usize) < self.entries.len()).then_some(index)
    }

    /// Whether it is time for a mark pass.
    fn is_due(&self, limit: u64) -> bool {
        self.bytes >= (2 * self.survived).max(Self::SMALL).min(limit)
    }

    fn add(&mut self, tag: u32, payload: &[u64]) -> u64 {
        let content = Content {
            tag,
            payload: payload.into(),
            handle: RefCell::default(),
        };
        self.bytes += content.bytes();
        let entry = Entry {
            content: Some(content),
            marked: false,
        };
        match self.free.pop() {
            Some(index) => {
                self.entries[index as usize] = entry;
                slot(index)
            }
            None => {
                self.entries.push(entry);
                slot(self.entries.len() as u32 - 1)
            }
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.len() == self.free.len()
    }

    /// The slots of those the host holds.
    pub(crate) fn held(&self) -> Vec<u64> {
        let held = |entry: &Entry| {
            let content = entry.content.as_ref();
            content.is_some_and(|content| content.handle.borrow().strong_count() > 0)
        };
        let entries = (0u32..).zip(&self.entries);
        entries
            .filter(|(_, entry)| held(entry))
            .map(|(at, _)| slot(at))
            .collect()
    }

    /// Marks what a slot refers to. Its payload, if it is an exception that was not marked before.
    pub(crate) fn mark(&mut self, slot: u64) -> Option<&[u64]> {
        let index = self.index(slot)?;
        let entry = &mut self.entries[index as usize];
        let first = !std::mem::replace(&mut entry.marked, true);
        entry
            .content
            .as_ref()
            .filter(|_| first)
            .map(|content| &*content.payload)
    }

    /// Frees everything that is not marked.
    pub(crate) fn sweep(&mut self) {
        for (index, entry) in (0u32..).zip(&mut self.entries) {
            if !std::mem::take(&mut entry.marked)
                && let Some(content) = entry.content.take()
            {
                self.bytes -= content.bytes();
                self.free.push(index);
            }
        }
        self.survived = self.bytes;
    }
}

impl StoreInner {
    /// Gives an exception a reference, as a slot. `top`: where the running frame ends on the value stack, if one runs.
    ///
    /// # Errors
    /// [`Trap::OutOfMemory`] when the store may not hold more of them.
    pub(crate) fn keep_exception(&mut self, tag: u32, payload: &[u64], top: Option<usize>) -> Result<u64, Trap> {
        if self.refs.exceptions.is_due(self.limits.exceptions) {
            let held = self.heap.held.len();
            self.heap.held.extend_from_slice(payload);
            self.collect_below(top);
            self.heap.held.truncate(held);
        }
        if self.refs.exceptions.bytes >= self.limits.exceptions {
            return Err(Trap::OutOfMemory);
        }
        Ok(self.refs.exceptions.add(tag, payload))
    }

    /// The values of an exception.
    pub(crate) fn payload_values(&self, tag: u32, payload: &[u64]) -> Vec<Val> {
        let ty = &self.tags[tag as usize].ty;
        Val::list_from_slots(payload, ty.params(), &self.refs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_pass_keeps_what_is_referred_to_and_frees_the_rest() {
        let mut exceptions = Exceptions::default();
        let inner = exceptions.add(1, &[7]);
        let outer = exceptions.add(2, &[inner, 5]);
        let held = exceptions.add(3, &[]);
        let lost = exceptions.add(4, &[held, outer]);
        let handle = exceptions.reference(held, 1).unwrap();
        let collect = |exceptions: &mut Exceptions, roots: &[u64]| {
            let mut grey = [exceptions.held(), roots.to_vec()].concat();
            while let Some(slot) = grey.pop() {
                grey.extend(exceptions.mark(slot).into_iter().flatten());
            }
            exceptions.sweep();
        };
        collect(&mut exceptions, &[outer, 3, REFERENCE | 99, 0]);
        assert_eq!(exceptions.get(inner), (1, &[7][..]));
        assert_eq!(exceptions.get(outer).0, 2);
        assert_eq!(exceptions.get(held).0, 3);
        assert!(exceptions.reference(lost, 1).is_none());
        assert!(exceptions.reference(0, 1).is_none());
        drop(handle);
        collect(&mut exceptions, &[]);
        assert_eq!((exceptions.bytes, exceptions.free.len()), (0, 4));
        assert!((exceptions.add(5, &[]) as u32) < 4, "entries are used again");
    }
}
