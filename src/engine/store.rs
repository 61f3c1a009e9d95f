//! `Store`: owns everything guests can refer to. Handles carry its id; dropping it frees all.

#![allow(unsafe_code)]

use std::any::Any;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::config::Engine;
use super::error::Error;
use super::host::{CallState, Halt};
use super::instance::InstanceId;
use super::interrupt::{Interrupt, InterruptHandle};
use super::memory::{LinearMemory, MemoryBudget};
use super::run::layout::{Context, VmFunc};
use super::run::{self};
use super::trap::Trap;
use super::types::MemoryType;
use super::value::Refs;

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
        Store { inner: Box::new(StoreInner::new(engine, Box::new(data))), data: PhantomData }
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

    /// With it another thread can ask what runs in this store to stop.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle(self.inner.interrupt.clone())
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

/// Proof that a caller is part of this crate.
#[derive(Clone, Copy)]
pub struct Private(());

/// Something through which a store can be read: a [`Store`], or a [`Caller`](crate::Caller) in a host function. Sealed.
pub trait AsStore {
    /// The embedder's data in the store.
    type Data: 'static;

    #[doc(hidden)]
    fn store_ref(&self, _: Private) -> &StoreInner;
}

/// Something through which a store can be changed: a [`Store`], or a [`Caller`](crate::Caller) in a host function.
/// Sealed.
pub trait AsStoreMut: AsStore {
    // With the `&mut StoreInner` a host function could exchange two stores while one of them runs, so nobody outside
    // can call this.
    #[doc(hidden)]
    fn store_mut(&mut self, _: Private) -> &mut StoreInner;
}

impl<T: 'static> AsStore for Store<T> {
    type Data = T;

    fn store_ref(&self, _: Private) -> &StoreInner {
        &self.inner
    }
}

impl<T: 'static> AsStoreMut for Store<T> {
    fn store_mut(&mut self, _: Private) -> &mut StoreInner {
        &mut self.inner
    }
}

impl<S: AsStore + ?Sized> AsStore for &mut S {
    type Data = S::Data;

    fn store_ref(&self, token: Private) -> &StoreInner {
        (**self).store_ref(token)
    }
}

impl<S: AsStoreMut + ?Sized> AsStoreMut for &mut S {
    fn store_mut(&mut self, token: Private) -> &mut StoreInner {
        (**self).store_mut(token)
    }
}

/// The inside of a store, for this crate.
pub(crate) trait Inner {
    fn inner(&self) -> &StoreInner;
}

impl<S: AsStore + ?Sized> Inner for S {
    fn inner(&self) -> &StoreInner {
        self.store_ref(Private(()))
    }
}

/// The inside of a store, for this crate.
pub(crate) trait InnerMut {
    fn inner_mut(&mut self) -> &mut StoreInner;
}

impl<S: AsStoreMut + ?Sized> InnerMut for S {
    fn inner_mut(&mut self) -> &mut StoreInner {
        self.store_mut(Private(()))
    }
}

/// What a store owns, without the embedder's type.
#[doc(hidden)]
pub struct StoreInner {
    pub(crate) id: u64,
    pub(crate) engine: Engine,
    pub(crate) limits: StoreLimits,
    pub(crate) memories: Vec<Box<LinearMemory>>,
    pub(crate) refs: Refs,
    /// What the run driver keeps between runs.
    pub(crate) run: run::StoreState,
    pub(crate) interrupt: Arc<Interrupt>,
    budget: Arc<MemoryBudget>,
    data: Box<dyn Any + Send>,
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
        let mut store = StoreInner {
            id,
            engine: engine.clone(),
            limits,
            memories: Vec::new(),
            refs: Refs::new(id),
            run: run::StoreState::default(),
            interrupt: Interrupt::new(),
            budget,
            data,
        };
        store.set_fuel(engine.config().fuel);
        store
    }

    pub(crate) fn data<T: 'static>(&self) -> &T {
        self.data.downcast_ref().expect("the type of a store's data does not change")
    }

    pub(crate) fn data_mut<T: 'static>(&mut self) -> &mut T {
        self.data.downcast_mut().expect("the type of a store's data does not change")
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

    /// Refuses a handle of another store.
    #[inline]
    pub(crate) fn check_handle(&self, store: u64, what: &'static str) -> Result<(), Error> {
        if store == self.id { Ok(()) } else { Err(Error::wrong_store(what)) }
    }

    /// Makes a change of `limits` known to the memories.
    pub(crate) fn sync_limits(&self) {
        self.budget.limit.store(self.limits.memory, Relaxed);
    }

    pub(crate) fn add_memory(&mut self, ty: MemoryType, header_globals: usize) -> Result<u32, Error> {
        self.sync_limits();
        StoreLimits::check_count("memories", self.memories.len(), self.limits.memories)?;
        self.memories.push(LinearMemory::new(ty, &self.budget, header_globals)?);
        Ok(self.memories.len() as u32 - 1)
    }

    /// `memory.grow`: the old size in pages, or `None` if it stays.
    pub(crate) fn memory_grow(&mut self, instance: InstanceId, memory: u32, delta_pages: u64) -> Option<u64> {
        let _ = (instance, memory, delta_pages);
        todo!()
    }

    /// `memory.init`.
    pub(crate) fn memory_init(
        &mut self,
        instance: InstanceId,
        memory: u32,
        segment: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Trap> {
        let _ = (instance, memory, segment, dst, src, n);
        todo!()
    }

    /// `data.drop`.
    pub(crate) fn data_drop(&mut self, instance: InstanceId, segment: u32) {
        let _ = (instance, segment);
        todo!()
    }

    /// `table.grow`: the old size, or `None` if it stays.
    pub(crate) fn table_grow(&mut self, instance: InstanceId, table: u32, init: u64, delta: u64) -> Option<u64> {
        let _ = (instance, table, init, delta);
        todo!()
    }

    /// `table.fill`.
    pub(crate) fn table_fill(&mut self, instance: InstanceId, table: u32, dst: u64, value: u64, n: u64) -> Result<(), Trap> {
        let _ = (instance, table, dst, value, n);
        todo!()
    }

    /// `table.copy`.
    pub(crate) fn table_copy(
        &mut self,
        instance: InstanceId,
        dst_table: u32,
        src_table: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Trap> {
        let _ = (instance, dst_table, src_table, dst, src, n);
        todo!()
    }

    /// `table.init`.
    pub(crate) fn table_init(
        &mut self,
        instance: InstanceId,
        table: u32,
        segment: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Trap> {
        let _ = (instance, table, segment, dst, src, n);
        todo!()
    }

    /// `elem.drop`.
    pub(crate) fn elem_drop(&mut self, instance: InstanceId, segment: u32) {
        let _ = (instance, segment);
        todo!()
    }

    /// The function with that index of an instance, made on demand, at an address that stays.
    pub(crate) fn func_ref(&mut self, instance: InstanceId, func_index: u32) -> NonNull<VmFunc> {
        let _ = (instance, func_index);
        todo!()
    }

    /// Calls a host function. `slots`: the parameters, then room up to the results, which replace them.
    pub(crate) fn call_host(
        &mut self,
        func: NonNull<VmFunc>,
        caller: InstanceId,
        slots: &mut [u64],
        call_state: &mut CallState,
    ) -> Result<(), Halt> {
        let _ = (func, caller, slots, call_state);
        todo!()
    }
}

const _: () = {
    const fn sent_to_threads<T: Send>() {}
    sent_to_threads::<Store<()>>();
};
