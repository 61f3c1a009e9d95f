//! Functions as an embedder holds them, calls of them, and calls that can pause.

use std::marker::PhantomData;
use std::num::NonZeroU64;

use super::error::Error;
use super::host::{IntoFuncWith, Suspend};
use super::run::Run;
use super::store::{AsStore, AsStoreMut};
use super::types::FuncType;
use super::value::{Val, WasmParams, WasmResults};

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
    /// The function in a slot of the store with that id.
    #[inline]
    pub(crate) fn from_slot(slot: u64, store: u64) -> Option<Func> {
        Some(Func { store, slot: NonZeroU64::new(slot)? })
    }

    /// The slot for it, if it is of the store with that id.
    #[inline]
    pub(crate) fn slot_in(self, store: u64) -> Result<u64, Error> {
        if self.store == store { Ok(self.slot.get()) } else { Err(Error::wrong_store("function")) }
    }

    /// A function of the host, from a closure `Fn(&mut Caller<'_, T>, A, B, ..) -> R`.
    pub fn wrap<S: AsStoreMut, Params>(store: &mut S, closure: impl IntoFuncWith<S::Data, Params>) -> Func {
        let _ = (store, closure.into_func_with());
        todo!()
    }

    /// Its type.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(self, store: &impl AsStore) -> Result<FuncType, Error> {
        let _ = store;
        todo!()
    }

    /// Calls it and waits until it ends.
    ///
    /// # Errors
    /// [`Error::Type`] when the arguments do not fit; otherwise whatever ended the run: [`Error::Trap`],
    /// [`Error::Exit`], [`Error::Host`]; and for a run that stopped and cannot go on, because nobody keeps it,
    /// [`Error::OutOfFuel`], [`Error::Interrupted`] or [`Error::Suspended`].
    pub fn call(self, store: &mut impl AsStoreMut, args: &[Val]) -> Result<Vec<Val>, Error> {
        let _ = (store, args);
        todo!()
    }

    /// Calls it; a run that stops can be resumed.
    ///
    /// # Errors
    /// As [`Func::call`], without the last three.
    pub fn call_resumable(self, store: &mut impl AsStoreMut, args: &[Val]) -> Result<Outcome, Error> {
        let _ = (store, args);
        todo!()
    }

    /// The same function, to be called with `P` for `R`.
    ///
    /// # Errors
    /// [`Error::Type`] when its type is another.
    pub fn typed<P: WasmParams, R: WasmResults>(self, store: &impl AsStore) -> Result<TypedFunc<P, R>, Error> {
        let _ = store;
        todo!()
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
        let _ = (store, args);
        todo!()
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
        let _ = (store, self.store, self.run, self.ty);
        todo!()
    }

    /// Goes on as if the suspended host call had returned `results`.
    ///
    /// # Errors
    /// [`Error::Type`] when the results do not fit or the run was not suspended by a host call; else as
    /// [`Func::call_resumable`].
    pub fn resume_with(self, store: &mut impl AsStoreMut, results: &[Val]) -> Result<Outcome, Error> {
        let _ = (store, results);
        todo!()
    }
}

impl std::fmt::Debug for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pause").field("reason", &self.reason).finish_non_exhaustive()
    }
}
