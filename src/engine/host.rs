//! Host functions: Rust closures behind one erased form that reads and writes slots.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use super::error::Error;
use super::exception::Exception;
use super::func::Func;
use super::instance::{Extern, Instance, InstanceId};
use super::interrupt::Interrupt;
use super::memory::{LinearMemory, MemoryError, SharedMemory};
use super::store::{AsStore, AsStoreMut, Private, RunObserver, StoreInner};
use super::trap::{Escaped, Trap, TrapReport};
use super::types::{FuncType, ValType};
use super::value::{Refs, Val, WasmResults, WasmTy};

/// How a host call ends other than by returning.
#[derive(Debug)]
#[non_exhaustive]
pub enum Halt {
    /// It fails: a trap, an exit, an error of the host, which end the run; or it throws an [`Exception`], which the guest
    /// may catch.
    Error(Error),
    /// The run is to stop here and go on later. See [`Suspend`].
    Suspend(Suspend),
    /// The call stopped waiting because a stop was requested ([`Caller::interrupt`]). The run pauses, and on resuming
    /// makes the call again.
    Interrupted,
}

impl From<Error> for Halt {
    fn from(error: Error) -> Halt {
        Halt::Error(error)
    }
}

impl From<Trap> for Halt {
    #[cold]
    fn from(trap: Trap) -> Halt {
        Halt::Error(trap.into())
    }
}

impl From<Exception> for Halt {
    fn from(exception: Exception) -> Halt {
        Halt::Error(exception.into())
    }
}

impl From<MemoryError> for Halt {
    #[cold]
    fn from(error: MemoryError) -> Halt {
        Halt::Error(error.into())
    }
}

impl From<std::io::Error> for Halt {
    #[cold]
    fn from(error: std::io::Error) -> Halt {
        Halt::Error(error.into())
    }
}

impl From<Box<dyn std::error::Error + Send + Sync>> for Halt {
    #[cold]
    fn from(error: Box<dyn std::error::Error + Send + Sync>) -> Halt {
        Halt::Error(error.into())
    }
}

impl From<Suspend> for Halt {
    fn from(suspend: Suspend) -> Halt {
        Halt::Suspend(suspend)
    }
}

/// What a host function leaves for the embedder when it suspends the run that called it.
pub struct Suspend(Box<dyn Any + Send>);

impl Suspend {
    /// Suspends with a message for the embedder: what is waited for, what to resume with.
    pub fn new(payload: impl Any + Send) -> Suspend {
        Suspend(Box::new(payload))
    }

    /// The message, if it is a `P`.
    pub fn payload<P: Any>(&self) -> Option<&P> {
        self.0.downcast_ref()
    }

    /// The message, if it is a `P`.
    ///
    /// # Errors
    /// Itself, if it is something else.
    pub fn into_payload<P: Any>(self) -> Result<P, Suspend> {
        self.0.downcast().map(|payload| *payload).map_err(Suspend)
    }
}

impl std::fmt::Debug for Suspend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suspend").finish_non_exhaustive()
    }
}

/// What a host call keeps with the run while it is suspended or interrupted.
pub(crate) type CallState = Option<Box<dyn Any + Send>>;

/// The store and the instance a host function was called from.
pub struct Caller<'a, T = ()> {
    store: &'a mut StoreInner,
    instance: InstanceId,
    call_state: &'a mut CallState,
    data: PhantomData<fn() -> T>,
}

impl<'a, T: 'static> Caller<'a, T> {
    /// The embedder's data.
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// The embedder's data, to change.
    pub fn data_mut(&mut self) -> &mut T {
        self.store.data_mut()
    }

    /// Memory 0 of the calling instance; `None` if it has none, or one that is shared.
    pub fn memory(&mut self) -> Option<&mut LinearMemory> {
        self.store.memory_of(self.instance)
    }

    /// Memory 0 of the calling instance, if it is shared between threads.
    pub fn shared_memory(&self) -> Option<&SharedMemory> {
        self.store.shared_memory(self.instance, 0)
    }

    /// Memory 0 of the calling instance (an empty one if it has none, or a shared one) and the embedder's data, both at once.
    pub fn memory_and_data(&mut self) -> (&mut LinearMemory, &mut T) {
        self.store.memory_and_data(self.instance)
    }

    /// The calling instance; `None` when the embedder called the host function itself.
    pub fn instance(&self) -> Option<Instance> {
        let handle = Instance {
            store: self.store.id,
            index: self.instance.0,
        };
        (self.instance != InstanceId::NONE).then_some(handle)
    }

    /// An export of the calling instance.
    pub fn get_export(&mut self, name: &str) -> Option<Extern> {
        self.store.export_by_name(self.instance, name)
    }

    /// Calls a function; the guest that called stands still meanwhile.
    ///
    /// # Errors
    /// As [`Func::call`]. Calls of hosts and guests can be nested this way to a depth of 100 or so.
    pub fn call(&mut self, func: Func, args: &[Val]) -> Result<Vec<Val>, Error> {
        func.call(self, args)
    }

    /// Fuel left; `None` when it is not counted.
    pub fn fuel(&self) -> Option<u64> {
        self.store.fuel()
    }

    /// Has `observer` told about runs in this store from now on, unless it is already: that this one has begun, at once.
    pub fn observe_runs(&mut self, observer: Arc<dyn RunObserver>) {
        if self.store.observe_runs(observer.clone()) {
            observer.entered();
        }
    }

    /// Where a call that waits looks for the request to stop.
    pub fn interrupt(&self) -> &Interrupt {
        &self.store.interrupt
    }

    /// Room for what this call must remember if it suspends or is interrupted and is made again: a deadline, bytes
    /// already done. Empty at first, and cleared when the call returns.
    pub fn call_state(&mut self) -> &mut Option<Box<dyn Any + Send>> {
        self.call_state
    }
}

impl<T: 'static> AsStore for Caller<'_, T> {
    type Data = T;

    fn store_ref(&self, _: Private) -> &StoreInner {
        self.store
    }
}

impl<T: 'static> AsStoreMut for Caller<'_, T> {
    fn store_mut(&mut self, _: Private) -> &mut StoreInner {
        self.store
    }
}

/// A host function with its types erased.
pub(crate) struct HostFunc {
    pub ty: FuncType,
    pub body: HostBody,
}

type Slots<'s> = &'s mut [u64];

type MemoryBody = dyn Fn(&mut LinearMemory, &mut Refs, Slots<'_>) -> Result<(), Halt> + Send + Sync;
type CallerBody = dyn Fn(&mut StoreInner, InstanceId, &mut CallState, Slots<'_>) -> Result<(), Halt> + Send + Sync;

pub(crate) enum HostBody {
    /// Sees memory 0 only.
    Memory(Box<MemoryBody>),
    /// Sees the whole store.
    Caller(Box<CallerBody>),
}

/// What a host function may return: results, or a `Result` of them and something that becomes a [`Halt`].
///
/// Results are `()`, one [`WasmTy`], or a tuple of up to 16 of them.
pub trait IntoHostResult {
    /// The results.
    type Results: WasmResults;

    #[doc(hidden)]
    fn into_host_result(self) -> Result<Self::Results, Halt>;
}

impl<R: WasmResults> IntoHostResult for R {
    type Results = R;

    #[inline]
    fn into_host_result(self) -> Result<R, Halt> {
        Ok(self)
    }
}

impl<R: WasmResults, E: Into<Halt>> IntoHostResult for Result<R, E> {
    type Results = R;

    #[inline]
    fn into_host_result(self) -> Result<R, Halt> {
        self.map_err(Into::into)
    }
}

/// A closure `Fn(&mut LinearMemory, A, B, ..) -> R` with 0 to 16 parameters after the memory.
pub trait IntoFunc<Params>: Send + Sync + 'static {
    #[doc(hidden)]
    #[expect(private_interfaces)]
    fn into_func(self) -> Arc<HostFunc>;
}

/// A closure `Fn(&mut Caller<'_, T>, A, B, ..) -> R` with 0 to 16 parameters after the caller.
pub trait IntoFuncWith<T, Params>: Send + Sync + 'static {
    #[doc(hidden)]
    #[expect(private_interfaces)]
    fn into_func_with(self) -> Arc<HostFunc>;
}

macro_rules! closures {
    ($($name:ident)*) => {
        #[allow(non_snake_case, unused_variables, unused_mut, unused_assignments)]
        #[expect(private_interfaces)]
        impl<Func, Ret, $($name: WasmTy),*> IntoFunc<($($name,)*)> for Func
        where
            Func: Fn(&mut LinearMemory, $($name),*) -> Ret + Send + Sync + 'static,
            Ret: IntoHostResult,
        {
            fn into_func(self) -> Arc<HostFunc> {
                let body = move |memory: &mut LinearMemory, refs: &mut Refs, slots: Slots<'_>| {
                    let mut at = 0;
                    $( let $name = $name::from_slots(&slots[at..], refs); at += $name::TYPE.slots(); )*
                    let results = self(memory, $($name),*).into_host_result()?;
                    results.store_results(slots, refs)?;
                    Ok(())
                };
                Arc::new(HostFunc {
                    ty: func_type(&[$($name::TYPE),*], <Ret::Results as WasmResults>::TYPES),
                    body: HostBody::Memory(Box::new(body)),
                })
            }
        }

        #[allow(non_snake_case, unused_variables, unused_mut, unused_assignments)]
        #[expect(private_interfaces)]
        impl<Data: 'static, Func, Ret, $($name: WasmTy),*> IntoFuncWith<Data, ($($name,)*)> for Func
        where
            Func: Fn(&mut Caller<'_, Data>, $($name),*) -> Ret + Send + Sync + 'static,
            Ret: IntoHostResult,
        {
            fn into_func_with(self) -> Arc<HostFunc> {
                let body = move |store: &mut StoreInner, instance: InstanceId, call_state: &mut CallState,
                                 slots: Slots<'_>| {
                    let mut at = 0;
                    $( let $name = $name::from_slots(&slots[at..], &store.refs); at += $name::TYPE.slots(); )*
                    let mut caller = Caller::<Data> { store, instance, call_state, data: PhantomData };
                    let results = self(&mut caller, $($name),*).into_host_result()?;
                    results.store_results(slots, &mut caller.store.refs)?;
                    Ok(())
                };
                Arc::new(HostFunc {
                    ty: func_type(&[$($name::TYPE),*], <Ret::Results as WasmResults>::TYPES),
                    body: HostBody::Caller(Box::new(body)),
                })
            }
        }
    };
}
closures!();
closures!(A);
closures!(A B);
closures!(A B C);
closures!(A B C D);
closures!(A B C D E);
closures!(A B C D E F);
closures!(A B C D E F G);
closures!(A B C D E F G H);
closures!(A B C D E F G H I);
closures!(A B C D E F G H I J);
closures!(A B C D E F G H I J K);
closures!(A B C D E F G H I J K L);
closures!(A B C D E F G H I J K L M);
closures!(A B C D E F G H I J K L M N);
closures!(A B C D E F G H I J K L M N O);
closures!(A B C D E F G H I J K L M N O P);

fn func_type(params: &[ValType], results: &[ValType]) -> FuncType {
    FuncType::new(params.iter().copied(), results.iter().copied())
}

/// A host function whose type is known only at run time.
pub(crate) fn raw<T, F>(ty: FuncType, closure: F) -> Arc<HostFunc>
where
    T: 'static,
    F: Fn(&mut Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Halt> + Send + Sync + 'static,
{
    let types = ty.clone();
    let body = move |store: &mut StoreInner, instance: InstanceId, call_state: &mut CallState, slots: Slots<'_>| {
        let args = Val::list_from_slots(slots, types.params(), &store.refs);
        let mut results: Vec<Val> = types.results().iter().map(|ty| Val::default_for(*ty)).collect();
        let mut caller = Caller::<T> {
            store,
            instance,
            call_state,
            data: PhantomData,
        };
        closure(&mut caller, &args, &mut results)?;
        let mut to = 0;
        for (at, (result, ty)) in results.iter().zip(types.results()).enumerate() {
            let Some(value) = result.to_slots_of(*ty, caller.store)? else {
                let message = format!(
                    "a host function gave {} as result {}, its type says {ty}",
                    result.ty(),
                    at + 1
                );
                return Err(Error::type_error(message).into());
            };
            slots[to..to + ty.slots()].copy_from_slice(&value[..ty.slots()]);
            to += ty.slots();
        }
        Ok(())
    };
    Arc::new(HostFunc {
        ty,
        body: HostBody::Caller(Box::new(body)),
    })
}

/// A function that stands for an import nobody defined: calling it traps.
pub(crate) fn stub(ty: FuncType, module: &str, name: &str) -> Arc<HostFunc> {
    let import = format!("`{}` `{}`", Escaped(module), Escaped(name));
    let body = move |_: &mut StoreInner, _: InstanceId, _: &mut CallState, _: Slots<'_>| {
        let mut report = TrapReport::new(Trap::UnknownImport);
        report.detail = Some(import.clone());
        Err(Error::from(report).into())
    };
    Arc::new(HostFunc {
        ty,
        body: HostBody::Caller(Box::new(body)),
    })
}
