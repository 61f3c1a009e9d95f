//! `Store`: owns everything guests can refer to. Handles carry its id; dropping it frees all.
//!
//! `StoreInner` is the store without the embedder's type, so that nothing inside is generic over it. What instances are
//! made of stands in `instance.rs`, the operations on tables in `table.rs`.
//! Spec: exec/runtime.html#store

#![allow(unsafe_code)]

mod access;

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed};

use super::config::Engine;
use super::error::Error;
use super::gc::Heap;
use super::global::GlobalData;
use super::host::{CallState, Halt, HostBody, HostFunc};
use super::instance::{InstanceData, InstanceId};
use super::interrupt::{Interrupt, InterruptHandle};
use super::link::Linked;
use super::memory::{Image, LinearMemory, MemoryBudget, SharedMemory, StoreMemory};
use super::run;
use super::run::layout::{Context, VmFunc};
use super::table::TableData;
use super::tag::TagData;
use super::trap::Trap;
use super::types::{FuncType, MemoryType};
use super::value::Refs;

pub use self::access::{AsStore, AsStoreMut, Private};
pub(crate) use self::access::{Inner, InnerMut};
pub use super::limits::StoreLimits;

/// Instances, functions, memories, tables and globals that can refer to each other, and data of the embedder.
///
/// One thing runs in a store at a time. What is in it is freed when the store is dropped, not before.
pub struct Store<T = ()> {
    inner: Box<StoreInner>,
    data: PhantomData<T>,
}

impl<T: Send + 'static> Store<T> {
    /// An empty store with the limits and the fuel of the engine's configuration.
    pub fn new(engine: &Engine, data: T) -> Store<T> {
        Store {
            inner: Box::new(StoreInner::new(engine, Box::new(data))),
            data: PhantomData,
        }
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        self.inner.data()
    }

    /// The embedder's data, to change.
    pub fn data_mut(&mut self) -> &mut T {
        self.inner.data_mut()
    }

    /// The engine it was made with.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Sets the fuel left, in instructions. Without metering (see [`Config::metering`](crate::Config::metering)) it
    /// has no effect.
    pub fn set_fuel(&mut self, fuel: u64) {
        self.inner.set_fuel(fuel);
    }

    /// Fuel left; `None` when it is not counted.
    pub fn fuel(&self) -> Option<u64> {
        self.inner.fuel()
    }

    /// Frees the objects that can no longer be reached. Guests never need it: it is done when memory is short.
    pub fn gc(&mut self) {
        self.inner.collect();
    }

    /// Bytes of memory the objects take, those that are not used included.
    pub fn gc_heap_bytes(&self) -> u64 {
        self.inner.heap.bytes() as u64
    }

    /// How often objects were freed.
    pub fn gc_collections(&self) -> u64 {
        self.inner.heap.collections()
    }

    /// With it another thread can ask what runs in this store to stop.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle(self.inner.interrupt.clone())
    }

    /// Has `observer` told whenever something begins or ceases to run in this store. One that is there already is not
    /// added again.
    pub fn observe_runs(&mut self, observer: Arc<dyn RunObserver>) {
        self.inner.observe_runs(observer);
    }

    /// What its guests may use.
    pub fn limits(&self) -> &StoreLimits {
        &self.inner.limits
    }

    /// What its guests may use, to change. A memory keeps the address space it reserved when it was made.
    pub fn limits_mut(&mut self) -> &mut StoreLimits {
        &mut self.inner.limits
    }
}

impl<T> std::fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("id", &self.inner.id)
            .field("instances", &self.inner.instances.len())
            .finish_non_exhaustive()
    }
}

/// Is told when guests run, on the thread they run on: for accounts of the time they take.
///
/// A call from outside is one run until it ends or pauses, and another one when it is resumed. Calls that host functions
/// make back into the store are part of the run they are made in.
pub trait RunObserver: Send + Sync {
    /// Something begins to run, or goes on.
    fn entered(&self);

    /// It has ended or paused.
    fn left(&self);
}

/// What a store owns, without the embedder's type.
#[doc(hidden)]
pub struct StoreInner {
    pub(crate) id: u64,
    pub(crate) engine: Engine,
    pub(crate) limits: StoreLimits,
    pub(crate) instances: Vec<InstanceData>,
    pub(crate) memories: Vec<StoreMemory>,
    pub(crate) tables: Vec<TableData>,
    pub(crate) globals: Vec<GlobalData>,
    pub(crate) tags: Vec<TagData>,
    pub(crate) refs: Refs,
    pub(crate) heap: Heap,
    /// What the run driver keeps between runs.
    pub(crate) run: run::StoreState,
    pub(crate) interrupt: Arc<Interrupt>,
    observers: Vec<Arc<dyn RunObserver>>,
    hosts: Hosts,
    funcs: FuncArena,
    budget: Arc<MemoryBudget>,
    /// What a host function sees when its caller has no memory, or a shared one.
    empty_memory: Box<LinearMemory>,
    data: Box<dyn Any + Send>,
    /// What is in the box.
    data_type: TypeId,
}

// SAFETY: the addresses in a store point to what the store owns, so they move to another thread together; `Context` is
// reached from other threads through its atomics only.
unsafe impl Send for StoreInner {}

impl StoreInner {
    fn new(engine: &Engine, data: Box<dyn Any + Send>) -> StoreInner {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let id = NEXT_ID.fetch_add(1, Relaxed);
        let limits = engine.config().limits.clone();
        let budget = Arc::new(MemoryBudget::new(limits.memory));
        let empty = LinearMemory::new(MemoryType::new(0, Some(0)), &budget, 0, None);
        let mut store = StoreInner {
            id,
            engine: engine.clone(),
            limits,
            instances: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            refs: Refs::new(id),
            heap: Heap::default(),
            run: run::StoreState::default(),
            interrupt: Interrupt::new(),
            observers: Vec::new(),
            hosts: Hosts::default(),
            funcs: FuncArena::default(),
            budget,
            empty_memory: empty.expect("an empty memory needs three words"),
            data_type: (*data).type_id(),
            data,
        };
        store.set_fuel(engine.config().fuel);
        store
    }

    pub(crate) fn data<T: 'static>(&self) -> &T {
        self.check_data_type::<T>();
        // SAFETY: the box holds a `T`.
        unsafe { &*(&raw const *self.data).cast() }
    }

    pub(crate) fn data_mut<T: 'static>(&mut self) -> &mut T {
        self.check_data_type::<T>();
        // SAFETY: the box holds a `T`.
        unsafe { &mut *(&raw mut *self.data).cast() }
    }

    /// Cheaper than asking the box, which every host call would do through a table of functions.
    #[inline]
    fn check_data_type<T: 'static>(&self) {
        assert!(
            self.data_type == TypeId::of::<T>(),
            "the type of a store's data does not change"
        );
    }

    /// What the handlers see of this store. Shared with interrupt handles, which touch its atomics only.
    pub(crate) fn context(&self) -> *mut Context {
        self.interrupt.context()
    }

    pub(crate) fn fuel(&self) -> Option<u64> {
        // SAFETY: only the thread that has the store touches the fuel.
        self.engine.config().metering.then(|| unsafe { (*self.context()).fuel })
    }

    pub(crate) fn set_fuel(&mut self, fuel: u64) {
        // SAFETY: only the thread that has the store touches the fuel.
        unsafe { (*self.context()).fuel = fuel }
    }

    /// Adds an observer, unless it is there. Returns whether it was not.
    pub(crate) fn observe_runs(&mut self, observer: Arc<dyn RunObserver>) -> bool {
        let new = !self.observers.iter().any(|known| Arc::ptr_eq(known, &observer));
        if new {
            self.observers.push(observer);
        }
        new
    }

    #[inline]
    pub(crate) fn observers(&self) -> &[Arc<dyn RunObserver>] {
        &self.observers
    }

    /// Refuses a handle of another store.
    #[inline]
    pub(crate) fn check_handle(&self, store: u64, what: &'static str) -> Result<(), Error> {
        if store == self.id {
            Ok(())
        } else {
            Err(Error::wrong_store(what))
        }
    }

    /// Makes a change of `limits` known to the memories.
    pub(crate) fn sync_limits(&self) {
        self.budget.limit.store(self.limits.memory, Relaxed);
    }

    pub(crate) fn add_memory(
        &mut self,
        ty: MemoryType,
        header_globals: usize,
        image: Option<&Arc<Image>>,
    ) -> Result<u32, Error> {
        self.sync_limits();
        StoreLimits::check_count("memories", self.memories.len(), self.limits.memories)?;
        let memory = StoreMemory::new(ty, &self.budget, header_globals, image)?;
        self.keep_memory(memory)
    }

    /// The index of a shared memory in this store.
    pub(crate) fn share_memory(&mut self, memory: &SharedMemory) -> u32 {
        let same = |known: &StoreMemory| known.as_shared().is_some_and(|known| known.same(memory));
        match self.memories.iter().position(same) {
            Some(index) => index as u32,
            None => {
                self.memories.push(StoreMemory::Shared(memory.clone()));
                self.memories.len() as u32 - 1
            }
        }
    }

    pub(crate) fn keep_memory(&mut self, memory: StoreMemory) -> Result<u32, Error> {
        StoreLimits::check_count("memories", self.memories.len(), self.limits.memories)?;
        self.memories.push(memory);
        Ok(self.memories.len() as u32 - 1)
    }

    /// A memory of no pages for an instance without one: it has room for the instance's globals.
    pub(crate) fn empty_memory_with(&self, header_globals: usize) -> Result<Box<LinearMemory>, Error> {
        LinearMemory::new(MemoryType::new(0, Some(0)), &self.budget, header_globals, None)
    }

    /// Memory 0 of an instance, if it is of this store alone.
    pub(crate) fn memory_of(&mut self, instance: InstanceId) -> Option<&mut LinearMemory> {
        let index = *self.instances.get(instance.0 as usize)?.memories.first()?;
        self.memories[index as usize].own_mut()
    }

    /// A memory of an instance, if it is a shared one.
    pub(crate) fn shared_memory(&self, instance: InstanceId, memory: u32) -> Option<&SharedMemory> {
        let instance = self.instances.get(instance.0 as usize)?;
        let index = *instance.memories.get(memory as usize)?;
        self.memories[index as usize].as_shared()
    }

    /// Memory 0 of an instance, or an empty one, and what references need.
    pub(crate) fn memory_and_refs(&mut self, instance: InstanceId) -> (&mut LinearMemory, &mut Refs) {
        let index = self
            .instances
            .get(instance.0 as usize)
            .and_then(|data| data.memories.first());
        let memory = index.and_then(|&index| self.memories[index as usize].own_mut());
        (memory.unwrap_or(&mut self.empty_memory), &mut self.refs)
    }

    /// Memory 0 of an instance, or an empty one, and the embedder's data.
    pub(crate) fn memory_and_data<T: 'static>(&mut self, instance: InstanceId) -> (&mut LinearMemory, &mut T) {
        self.check_data_type::<T>();
        let index = self
            .instances
            .get(instance.0 as usize)
            .and_then(|data| data.memories.first());
        let memory = index.and_then(|&index| self.memories[index as usize].own_mut());
        let memory = memory.unwrap_or(&mut self.empty_memory);
        // SAFETY: the box holds a `T`, and only it is borrowed besides the memory.
        (memory, unsafe { &mut *(&raw mut *self.data).cast() })
    }

    /// Brings the copies of byte-0 addresses up to date, where memories move when they grow.
    pub(crate) fn refresh_bases(&mut self) {
        if cfg!(not(all(unix, not(miri)))) {
            for instance in &mut self.instances {
                instance.refresh_bases(&self.memories);
            }
        }
    }

    /// Makes room for so many functions of the host.
    pub(crate) fn reserve_host_funcs(&mut self, count: usize) {
        self.hosts.funcs.reserve(count);
        self.funcs.reserve(count);
    }

    /// Whether there is any function of the host.
    pub(crate) fn has_host_funcs(&self) -> bool {
        !self.hosts.funcs.is_empty() || self.hosts.linked.is_some()
    }

    /// The functions of the host that a module was linked to before, in a store that has none yet.
    pub(crate) fn host_funcs(&mut self, linked: &Arc<Linked>) -> LinkedFuncs {
        debug_assert!(!self.has_host_funcs());
        let id = self.id;
        let funcs = linked.funcs.iter().map(|(func, sig)| VmFunc::of_host(func, *sig, id));
        let first = self.funcs.add_all(funcs);
        let funcs = LinkedFuncs {
            first,
            count: linked.funcs.len() as u32,
        };
        self.hosts.linked = Some((linked.clone(), funcs));
        funcs
    }

    /// A function of the host, at an address that stays. The same function always gets the same address, so that
    /// references to it are equal. `type_id`: that of its type, if the caller has it.
    pub(crate) fn host_func(&mut self, func: &Arc<HostFunc>, type_id: Option<u32>) -> NonNull<VmFunc> {
        self.hosts.know_linked();
        if let Some(&known) = self.hosts.known.get(&Arc::as_ptr(func)) {
            return known;
        }
        let id = match type_id {
            Some(id) => self.engine.retain_type(id),
            None => self.engine.register_func(&func.ty),
        };
        let vm = self.funcs.add(VmFunc::of_host(func, id, self.id));
        self.hosts.funcs.push(HostSlot {
            _alive: func.clone(),
            type_id: id,
        });
        self.hosts.known.insert(Arc::as_ptr(func), vm);
        vm
    }

    /// The function with that index of an instance, made on demand, at an address that stays.
    pub(crate) fn func_ref(&mut self, instance: InstanceId, func_index: u32) -> NonNull<VmFunc> {
        let data = &mut self.instances[instance.0 as usize];
        if let Some(known) = NonNull::new(data.funcs[func_index as usize]) {
            return known;
        }
        let module = &*data.module.inner;
        let ty = module.funcs[func_index as usize] as usize;
        let vm = self.funcs.add(VmFunc {
            code: AtomicPtr::new(module.code.entry(func_index - module.imported_funcs)),
            instance: data.vm.as_ptr(),
            sig: module.type_ids[ty],
            index: func_index,
            params: module.types[ty].param_slots() as u16,
            results: module.types[ty].result_slots() as u16,
            store: self.id,
        });
        data.funcs[func_index as usize] = vm.as_ptr();
        vm
    }

    /// The type of a function of this store.
    pub(crate) fn func_type(&self, func: NonNull<VmFunc>) -> &FuncType {
        // SAFETY: the functions of a store live in its arena as long as the store, at addresses that stay.
        let func = unsafe { func.as_ref() };
        match NonNull::new(func.instance) {
            // SAFETY: the address is that of the function, which the store keeps as long as it lives.
            None => unsafe { &(*(func.code.load(Relaxed) as *const HostFunc)).ty },
            Some(instance) => {
                // SAFETY: instances live as long as the store, too.
                let instance = unsafe { instance.as_ref() }.id;
                self.instances[instance as usize].module.inner.func_type(func.index)
            }
        }
    }

    /// Calls a host function. `slots`: the parameters, then room up to the results, which replace them.
    #[inline]
    pub(crate) fn call_host(
        &mut self,
        func: NonNull<VmFunc>,
        caller: InstanceId,
        slots: &mut [u64],
        call_state: &mut CallState,
    ) -> Result<(), Halt> {
        // SAFETY: the functions of a store live in its arena as long as the store, at addresses that stay.
        let host = unsafe { func.as_ref() }.code.load(Relaxed) as *const HostFunc;
        // SAFETY: the address is that of the function (`host_func`). A store keeps its host functions as long as it lives, and that is longer than this call, which borrows
        // it. Through an address, because the function may get the whole store.
        let result = match unsafe { &(*host).body } {
            HostBody::Memory(body) => {
                let (memory, refs) = self.memory_and_refs(caller);
                body(memory, refs, slots)
            }
            HostBody::Caller(body) => body(self, caller, call_state, slots),
        };
        self.refresh_bases();
        result
    }

    /// `memory.grow`: the old size in pages, or `None` if it stays.
    pub(crate) fn memory_grow(&mut self, instance: InstanceId, memory: u32, delta_pages: u64) -> Option<u64> {
        self.sync_limits();
        let index = self.instances[instance.0 as usize].memories[memory as usize];
        let old = self.memories[index as usize].grow(delta_pages).ok();
        self.refresh_bases();
        old
    }

    /// `memory.size`.
    pub(crate) fn memory_pages(&self, instance: InstanceId, memory: u32) -> u64 {
        let index = self.instances[instance.0 as usize].memories[memory as usize];
        self.memories[index as usize].pages()
    }

    /// `memory.init`. Spec: exec/instructions.html#exec-memory-init
    pub(crate) fn memory_init(
        &mut self,
        instance: InstanceId,
        memory: u32,
        segment: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Trap> {
        let data = &self.instances[instance.0 as usize];
        let segment_bytes = data.data_bytes(segment);
        let memory = &mut self.memories[data.memories[memory as usize] as usize];
        let end = src
            .checked_add(n)
            .filter(|&end| end <= segment_bytes.len() as u64)
            .ok_or(Trap::MemoryOutOfBounds)?;
        let bytes = &segment_bytes[src as usize..end as usize];
        memory.write(dst, bytes).map_err(|_| Trap::MemoryOutOfBounds)
    }

    /// `data.drop`.
    pub(crate) fn data_drop(&mut self, instance: InstanceId, segment: u32) {
        self.instances[instance.0 as usize].dropped_datas[segment as usize] = true;
    }

    /// `elem.drop`.
    pub(crate) fn elem_drop(&mut self, instance: InstanceId, segment: u32) {
        self.instances[instance.0 as usize].dropped_elems[segment as usize] = true;
    }
}

impl Drop for StoreInner {
    fn drop(&mut self) {
        self.engine
            .release_types(self.hosts.funcs.iter().map(|slot| slot.type_id));
        self.release_tag_types();
    }
}

/// The host functions of a store: none is ever removed.
#[derive(Default)]
struct Hosts {
    funcs: Vec<HostSlot>,
    /// Those that came together, before any other.
    linked: Option<(Arc<Linked>, LinkedFuncs)>,
    /// Each `HostFunc` stays alive in `funcs` or `linked`, so its address identifies it. Has those of `linked` if it has
    /// any.
    known: BTreeMap<*const HostFunc, NonNull<VmFunc>>,
}

impl Hosts {
    /// Most stores never ask for one of them by itself: so they are entered when one does.
    fn know_linked(&mut self) {
        if self.known.is_empty()
            && let Some((linked, funcs)) = &self.linked
        {
            let funcs = (0..funcs.count).map(|at| funcs.get(at));
            let addresses = linked.funcs.iter().map(|(func, _)| Arc::as_ptr(func));
            self.known = addresses.zip(funcs).collect();
        }
    }
}

/// `VmFunc`s that stand one after the other.
#[derive(Clone, Copy)]
pub(crate) struct LinkedFuncs {
    first: NonNull<VmFunc>,
    count: u32,
}

impl LinkedFuncs {
    /// The function `at`, counted from 0.
    pub(crate) fn get(&self, at: u32) -> NonNull<VmFunc> {
        assert!(at < self.count, "{at} of {} functions", self.count);
        // SAFETY: there are `count` of them in one piece.
        unsafe { self.first.add(at as usize) }
    }
}

struct HostSlot {
    /// `VmFunc`s have its address.
    _alive: Arc<HostFunc>,
    type_id: u32,
}

/// `VmFunc`s at addresses that stay.
#[derive(Default)]
struct FuncArena {
    chunks: Vec<Vec<VmFunc>>,
}

impl FuncArena {
    /// Adds several in one piece; says where the first one is.
    fn add_all(&mut self, funcs: impl ExactSizeIterator<Item = VmFunc>) -> NonNull<VmFunc> {
        // Room for functions of instances, to which references are made when needed.
        let mut chunk = Vec::with_capacity(funcs.len() + 4);
        chunk.extend(funcs);
        let first = NonNull::new(chunk.as_mut_ptr()).expect("a vector's address");
        self.chunks.push(chunk);
        first
    }

    /// Makes room for so many functions in one piece, if there is none yet.
    fn reserve(&mut self, count: usize) {
        if self.chunks.is_empty() {
            self.chunks.push(Vec::with_capacity(count.clamp(16, 4096)));
        }
    }

    fn add(&mut self, func: VmFunc) -> NonNull<VmFunc> {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == chunk.capacity()) {
            // Doubling keeps small stores small and the number of chunks low.
            let capacity = self.chunks.last().map_or(16, |chunk| (chunk.capacity() * 2).min(4096));
            self.chunks.push(Vec::with_capacity(capacity));
        }
        let chunk = self.chunks.last_mut().expect("a chunk was just made sure of");
        let at = chunk.len();
        chunk.push(func);
        // Not through a reference to all of them, which would be one to those that others have the addresses of.
        NonNull::new(chunk.as_mut_ptr().wrapping_add(at)).expect("a vector's address")
    }
}

const _: () = {
    const fn sent_to_threads<T: Send>() {}
    sent_to_threads::<Store<()>>();
};
