//! Functions as an embedder holds them, calls of them, and calls that can pause.

#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::ptr::NonNull;

use super::error::{Error, signature_mismatch};
use super::host::{IntoFuncWith, Suspend};
use super::run::layout::VmFunc;
use super::run::{self, Ended, Run};
use super::store::{AsStore, AsStoreMut, Inner as _, InnerMut as _, StoreInner};
use super::types::{FuncType, ValType};
use super::value::{Refs, Val, WasmParams, WasmResults};

/// A function of a guest or of the host: a handle, to be used with its store.
///
/// Spec: exec/runtime.html#function-instances
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Func {
    store: u64,
    /// Address of its `VmFunc`, which lives as long as the store. Only looked at after `store` was compared.
    slot: NonZeroU64,
}

impl Func {
    /// The handle of a function of the store with that id.
    pub(crate) fn new(store: u64, func: NonNull<VmFunc>) -> Func {
        let slot = NonZeroU64::new(VmFunc::slot(func)).expect("addresses of functions are not null");
        Func { store, slot }
    }

    /// The function in a slot of the store with that id.
    #[inline]
    pub(crate) fn from_slot(slot: u64, store: u64) -> Option<Func> {
        Some(Func {
            store,
            slot: NonZeroU64::new(slot)?,
        })
    }

    /// The slot for it, if it is of the store with that id.
    #[inline]
    pub(crate) fn slot_in(self, store: u64) -> Result<u64, Error> {
        if self.store == store {
            Ok(self.slot.get())
        } else {
            Err(Error::wrong_store("function"))
        }
    }

    /// A function of the host, from a closure `Fn(&mut Caller<'_, T>, A, B, ..) -> R`.
    pub fn wrap<S: AsStoreMut, Params>(store: &mut S, closure: impl IntoFuncWith<S::Data, Params>) -> Func {
        let store = store.inner_mut();
        let func = store.host_func(&closure.into_func_with(), None);
        Func::new(store.id, func)
    }

    /// Its type.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(self, store: &impl AsStore) -> Result<FuncType, Error> {
        let store = store.inner();
        Ok(store.func_type(store.vm_func(self)?).clone())
    }

    /// Calls it and waits until it ends.
    ///
    /// # Errors
    /// [`Error::Type`] when the arguments do not fit; otherwise whatever ended the run: [`Error::Trap`],
    /// [`Error::Exit`], [`Error::Host`]; and for a run that stopped and cannot go on, because nobody keeps it,
    /// [`Error::OutOfFuel`], [`Error::Interrupted`] or [`Error::Suspended`].
    pub fn call(self, store: &mut impl AsStoreMut, args: &[Val]) -> Result<Vec<Val>, Error> {
        self.call_in(store.inner_mut(), args)
    }

    /// [`Func::call`] for this crate.
    pub(crate) fn call_in(self, store: &mut StoreInner, args: &[Val]) -> Result<Vec<Val>, Error> {
        match self.start(store, args)? {
            Outcome::Returned(results) => Ok(results),
            Outcome::Paused(pause) => Err(pause.reason.into_error()),
        }
    }

    /// Calls it; a run that stops can be resumed.
    ///
    /// Inside a host function (through a [`Caller`](crate::Caller)) nothing can be resumed, because the guest that
    /// called the host waits on the native stack: there a run that stops fails, as with [`Func::call`].
    ///
    /// # Errors
    /// As [`Func::call`], without the last three.
    pub fn call_resumable(self, store: &mut impl AsStoreMut, args: &[Val]) -> Result<Outcome, Error> {
        self.start(store.inner_mut(), args)
    }

    fn start(self, store: &mut StoreInner, args: &[Val]) -> Result<Outcome, Error> {
        let func = store.vm_func(self)?;
        let ty = store.func_type(func).clone();
        let args = slots(store, &ty, args, ty.params(), "argument")?;
        let ended = call_slots(store, func, |slots, _| {
            slots.copy_from_slice(&args);
            Ok(())
        })?;
        Ok(outcome(store, ended, ty))
    }

    /// The same function, to be called with `P` for `R`.
    ///
    /// # Errors
    /// [`Error::Type`] when its type is another.
    pub fn typed<P: WasmParams, R: WasmResults>(self, store: &impl AsStore) -> Result<TypedFunc<P, R>, Error> {
        let store = store.inner();
        let ty = store.func_type(store.vm_func(self)?);
        let all_match = |from: &[ValType], to: &[ValType]| {
            from.len() == to.len() && from.iter().zip(to).all(|(from, to)| from.matches(*to, &store.engine))
        };
        if !all_match(P::TYPES, ty.params()) || !all_match(ty.results(), R::TYPES) {
            let asked = FuncType::new(P::TYPES.iter().copied(), R::TYPES.iter().copied());
            return Err(signature_mismatch("the function", ty, &asked));
        }
        Ok(TypedFunc {
            func: self,
            types: PhantomData,
        })
    }
}

/// Values as slots, if they fit the types.
fn slots(
    store: &mut StoreInner,
    ty: &FuncType,
    values: &[Val],
    types: &[ValType],
    what: &str,
) -> Result<Vec<u64>, Error> {
    if values.len() != types.len() {
        let (want, have) = (types.len(), values.len());
        return Err(Error::type_error(format!("{have} {what}s given, {ty} has {want}")));
    }
    let mut slots = Vec::with_capacity(values.len());
    for (at, (value, ty)) in values.iter().zip(types).enumerate() {
        let Some(value) = value.to_slots_of(*ty, store)? else {
            return Err(Error::type_error(format!(
                "{what} {} is {}, {ty} is wanted",
                at + 1,
                value.ty()
            )));
        };
        slots.extend_from_slice(&value[..ty.slots()]);
    }
    Ok(slots)
}

/// Calls a function; `write` writes its arguments, whose types were checked.
fn call_slots(
    store: &mut StoreInner,
    func: NonNull<VmFunc>,
    write: impl FnOnce(&mut [u64], &mut Refs) -> Result<(), Error>,
) -> Result<Ended, Error> {
    store.sync_limits();
    store.refresh_bases();
    run::start(store, func, write)
}

fn outcome(store: &StoreInner, ended: Ended, ty: FuncType) -> Outcome {
    match ended {
        Ended::Returned => Outcome::Returned(Val::list_from_slots(store.run.results(), ty.results(), &store.refs)),
        Ended::Paused(run, reason) => Outcome::Paused(Pause {
            store: store.id,
            run,
            reason,
            ty,
        }),
    }
}

/// A function whose type was compared with Rust types once, so that calls need not.
pub struct TypedFunc<P, R> {
    func: Func,
    types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for TypedFunc<P, R> {}

impl<P, R> std::fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.func.fmt(f)
    }
}

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    /// The function without its types.
    pub fn func(self) -> Func {
        self.func
    }

    /// Calls it and waits until it ends.
    ///
    /// # Errors
    /// As [`Func::call`].
    pub fn call(self, store: &mut impl AsStoreMut, args: P) -> Result<R, Error> {
        let store = store.inner_mut();
        let func = store.vm_func(self.func)?;
        match call_slots(store, func, |slots, refs| args.store(slots, refs))? {
            Ended::Returned => Ok(R::load(store.run.results(), &store.refs)),
            Ended::Paused(_, reason) => Err(reason.into_error()),
        }
    }
}

/// How a resumable call ended, when it did not fail.
#[derive(Debug)]
pub enum Outcome {
    /// With these results.
    Returned(Vec<Val>),
    /// Not yet.
    Paused(Pause),
}

/// Why a run stands still.
#[derive(Debug)]
#[non_exhaustive]
pub enum PauseReason {
    /// A host function suspended it.
    Suspended(Suspend),
    /// The fuel is used up.
    OutOfFuel,
    /// Another thread asked for it.
    Interrupted,
}

impl PauseReason {
    /// What a call that cannot pause fails with.
    fn into_error(self) -> Error {
        match self {
            PauseReason::Suspended(_) => Error::Suspended,
            PauseReason::OutOfFuel => Error::OutOfFuel,
            PauseReason::Interrupted => Error::Interrupted,
        }
    }
}

/// A run that stands still. Dropping it ends the run; the instance stays usable.
#[must_use = "dropping a pause ends the run"]
pub struct Pause {
    store: u64,
    run: Box<Run>,
    reason: PauseReason,
    ty: FuncType,
}

impl Pause {
    /// Why it stands still.
    pub fn reason(&self) -> &PauseReason {
        &self.reason
    }

    /// Goes on: with the fuel the store has now, after an interruption, or by making a suspended host call again.
    ///
    /// # Errors
    /// As [`Func::call_resumable`].
    pub fn resume(self, store: &mut impl AsStoreMut) -> Result<Outcome, Error> {
        self.go_on(store.inner_mut(), None)
    }

    /// Goes on as if the suspended host call had returned `results`.
    ///
    /// # Errors
    /// [`Error::Type`] when the results do not fit or the run was not suspended by a host call; else as
    /// [`Func::call_resumable`].
    pub fn resume_with(self, store: &mut impl AsStoreMut, results: &[Val]) -> Result<Outcome, Error> {
        self.go_on(store.inner_mut(), Some(results))
    }

    fn go_on(self, store: &mut StoreInner, results: Option<&[Val]>) -> Result<Outcome, Error> {
        store.check_handle(self.store, "paused run")?;
        let results = match (results, &self.reason) {
            (None, _) => None,
            (Some(results), PauseReason::Suspended(_)) => {
                let ty = self.run.suspended_in(store).clone();
                Some(slots(store, &ty, results, ty.results(), "result")?)
            }
            (Some(_), _) => {
                return Err(Error::type_error(
                    "the run was not suspended by a host function: use `resume`",
                ));
            }
        };
        store.sync_limits();
        store.refresh_bases();
        let ended = run::resume(store, self.run, results.as_deref())?;
        Ok(outcome(store, ended, self.ty))
    }
}

impl std::fmt::Debug for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pause")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
