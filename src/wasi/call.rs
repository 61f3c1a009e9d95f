//! What a handler gets besides its arguments, and the ways it can end.

use std::any::Any;
use std::io;
use std::time::Duration;

use super::abi::Errno;
use super::ctx::WasiCtx;
use super::host;
use super::memory::GuestMemory;
use super::preview::Preview;
use crate::engine::{Caller, Error, Halt, Interrupt};

/// How a handler ends other than by success.
#[derive(Debug)]
pub(super) enum Stop {
    /// The guest gets this as the call's result.
    Errno(Errno),
    /// The program ends with this code.
    Exit(u32),
    /// A stop was requested while the call waited. It is made again when the run is resumed.
    Interrupted,
    /// The embedder made a mistake; the run ends with this.
    Host(Error),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Stop {
        Stop::Errno(errno)
    }
}

impl From<io::Error> for Stop {
    fn from(err: io::Error) -> Stop {
        Stop::Errno(Errno::from(err))
    }
}

/// What a call can ask of the run that made it: [`Caller`] without its type parameter.
pub(super) trait Host {
    fn memory(&mut self) -> GuestMemory<'_>;
    /// Whether other threads of the guest make calls at the same time, in the same environment.
    fn has_threads(&self) -> bool;
    fn interrupt(&self) -> &Interrupt;
    fn call_state(&mut self) -> &mut Option<Box<dyn Any + Send>>;
}

impl<T: 'static> Host for Caller<'_, T> {
    fn memory(&mut self) -> GuestMemory<'_> {
        if let Some(memory) = self.shared_memory() {
            return GuestMemory::Shared(memory.clone());
        }
        Caller::memory(self).map_or(GuestMemory::None, GuestMemory::Own)
    }
    fn has_threads(&self) -> bool {
        self.shared_memory().is_some()
    }
    fn interrupt(&self) -> &Interrupt {
        Caller::interrupt(self)
    }
    fn call_state(&mut self) -> &mut Option<Box<dyn Any + Send>> {
        Caller::call_state(self)
    }
}

/// One call of one function: the environment it works on and the guest that made it.
pub(super) struct Call<'a> {
    pub(super) ctx: &'a mut WasiCtx,
    pub(super) host: &'a mut dyn Host,
    /// The version of the interface the call is made in.
    pub(super) preview: &'static Preview,
}

impl Call<'_> {
    /// The guest's memory.
    pub(super) fn memory(&mut self) -> GuestMemory<'_> {
        self.host.memory()
    }

    /// What an earlier, interrupted round of this very call left behind.
    pub(super) fn take_state<S: Any>(&mut self) -> Option<S> {
        let state = self.host.call_state().take()?;
        state.downcast().ok().map(|state| *state)
    }

    /// Leaves `state` for the next round of this call, which is made when the run is resumed.
    pub(super) fn interrupted(&mut self, state: impl Any + Send) -> Stop {
        *self.host.call_state() = Some(Box::new(state));
        Stop::Interrupted
    }
}

/// How long a thread that waits leaves the environment to others before it looks again.
const NAP: Duration = Duration::from_millis(2);

/// Whether a call that stopped waiting is to be made again without the guest: threads share an environment, so none may
/// wait while it has it.
pub(super) fn is_unfinished(host: &dyn Host, result: &Result<(), Stop>) -> bool {
    matches!(result, Err(Stop::Interrupted)) && host.has_threads() && !host.interrupt().requested()
}

/// The same; if so, sleeps a little.
pub(super) fn again(host: &dyn Host, result: &Result<(), Stop>) -> bool {
    let again = is_unfinished(host, result);
    if again {
        let _ = host::wait(&mut [], Some(NAP), None);
    }
    again
}

/// Turns what a handler returned into what the guest, or the run, sees.
pub(super) fn finish(result: Result<(), Stop>) -> Result<i32, Halt> {
    match result {
        Ok(()) => Ok(Errno::Success as i32),
        Err(Stop::Errno(errno)) => Ok(errno as i32),
        Err(Stop::Exit(code)) => Err(Halt::Error(Error::Exit(code))),
        Err(Stop::Interrupted) => Err(Halt::Interrupted),
        Err(Stop::Host(err)) => Err(Halt::Error(err)),
    }
}
