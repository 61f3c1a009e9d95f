//! The state of one environment: what the functions work on.

use std::sync::Arc;
use std::time::Duration;

use super::abi::{Errno, Fd, Filestat, Filetype, Rights};
use super::call::{Host, Stop};
use super::clock::Clocks;
use super::descriptor::{Descriptor, Object};
use super::fd_table::FdTable;
use super::fs::quota::Quota;
use super::fs::sorted::Numbers;
use super::host::{self, Interest, Waitable, Wake};
use super::missed::Missed;
use super::outlet::{Budget, Outlet};
use super::proc::ProcExit;
use super::profile::{Access, Family, Profile};
use super::random::Random;
use super::stdio::Capture;
use super::trace::Trace;
use crate::engine::Signal;

/// Descriptors a guest may have open at once, unless the embedder says otherwise.
pub(super) const DEFAULT_MAX_OPEN_FILES: u32 = 1024;

/// What a WASI program gets from the host, and what it has opened.
pub(super) struct WasiCtx {
    /// Without the terminating NUL.
    pub(super) args: Vec<Vec<u8>>,
    /// `KEY=VALUE`, without the terminating NUL.
    pub(super) environ: Vec<Vec<u8>>,
    pub(super) table: FdTable,
    pub(super) clocks: Clocks,
    pub(super) random: Random,
    pub(super) profile: Profile,
    pub(super) proc_exit: ProcExit,
    /// Is told of signals that were raised and ignored.
    pub(super) on_ignored_signal: Option<Box<dyn FnMut(Signal) + Send>>,
    /// Set if nothing may depend on the host's order and moment: files by the numbers the guest sees.
    pub(super) deterministic: Option<Numbers>,
    /// What its files may grow to.
    pub(super) quota: Quota,
    /// What another thread wakes a waiting call with; made for the first wait.
    wake: Option<Arc<Wake>>,
    /// What the embedder gave that cannot be passed on, in words.
    pub(super) invalid: Option<String>,
    /// Where calls are shown, if they are.
    pub(super) trace: Option<Box<Trace>>,
    /// What the guest asked for and was not granted.
    pub(super) missed: Missed,
    /// What may still be written to the outputs, if that is limited.
    pub(super) budget: Option<Arc<Budget>>,
    /// Terminals get what the guest writes as it is.
    pub(super) raw_terminal: bool,
}

impl WasiCtx {
    /// No arguments, no variables, an empty standard input, and the two outputs.
    pub(super) fn new(stdout: Object, stderr: Object) -> WasiCtx {
        let mut table = FdTable::new(DEFAULT_MAX_OPEN_FILES);
        for (object, direction) in [
            (Object::Null, Rights::FD_READ),
            (stdout, Rights::FD_WRITE),
            (stderr, Rights::FD_WRITE),
        ] {
            // Cannot fail: the table is empty and takes more than three.
            let _ = table.insert(Descriptor::stream(object, direction));
        }
        WasiCtx {
            args: Vec::new(),
            environ: Vec::new(),
            table,
            clocks: Clocks::new(),
            random: Random::Host,
            profile: Profile::default(),
            proc_exit: ProcExit::default(),
            on_ignored_signal: None,
            deterministic: None,
            quota: Quota::unlimited(),
            wake: None,
            invalid: None,
            trace: None,
            missed: Missed::default(),
            budget: None,
            raw_terminal: false,
        }
    }

    pub(super) fn captured(stdout: &Capture, stderr: &Capture) -> WasiCtx {
        WasiCtx::new(Object::Capture(stdout.clone()), Object::Capture(stderr.clone()))
    }

    /// Puts another stream in the place of 0, 1 or 2.
    pub(super) fn set_stream(&mut self, fd: Fd, object: Object) {
        let direction = if fd == 0 { Rights::FD_READ } else { Rights::FD_WRITE };
        if let Ok(descriptor) = self.table.get_mut(fd) {
            *descriptor = Descriptor::stream(object, direction);
        }
    }

    /// Whether reading from it waits for what comes, whatever the guest says: how far ahead of the guest its input is, is a
    /// matter of chance. Sockets have somebody at the other end who waits for the guest.
    pub(super) fn always_waits(&self, object: &Object) -> bool {
        let socket = matches!(object.filetype(), Filetype::SocketStream | Filetype::SocketDgram);
        self.deterministic.is_some() && !socket && object.waitable(Interest::Read).is_some()
    }

    /// What the guest sees of a file.
    pub(super) fn seen(&mut self, stat: Filestat) -> Filestat {
        let stat = self.clocks.seen(stat);
        match &mut self.deterministic {
            Some(numbers) => numbers.seen(stat),
            None => stat,
        }
    }

    /// Puts what the outputs pass through in its place, when all that the embedder wants is known.
    pub(super) fn finish_streams(&mut self) {
        for fd in [1, 2] {
            let (budget, raw) = (self.budget.clone(), self.raw_terminal);
            if let Ok(descriptor) = self.table.get_mut(fd) {
                descriptor.outlet = Outlet::new(budget, !raw && descriptor.object.is_terminal());
            }
        }
    }

    /// What writes to an object the guest opened pass through, if anything.
    pub(super) fn outlet(&self, object: &Object) -> Option<Box<Outlet>> {
        Outlet::new(None, !self.raw_terminal && object.is_terminal())
    }

    /// Whether guests do not even get to import the function.
    pub(super) fn withholds(&self, function: &str) -> bool {
        function == "proc_exit" && self.proc_exit == ProcExit::Deny
    }

    /// The arguments, as far as the profile has any.
    pub(super) fn arguments(&self) -> &[Vec<u8>] {
        match self.profile.access(Family::Arguments) {
            Access::Full => &self.args,
            _ => &[],
        }
    }

    /// The variables, as far as the profile has any.
    pub(super) fn variables(&self) -> &[Vec<u8>] {
        match self.profile.access(Family::Environment) {
            Access::Full => &self.environ,
            _ => &[],
        }
    }

    /// Remembers the first thing that cannot be passed to a guest.
    pub(super) fn reject(&mut self, problem: String) {
        self.invalid.get_or_insert(problem);
    }

    /// The descriptor to end waits with.
    pub(super) fn wake(&mut self) -> Result<Arc<Wake>, Errno> {
        if let Some(wake) = &self.wake {
            return Ok(wake.clone());
        }
        let wake = Arc::new(Wake::new()?);
        self.wake = Some(wake.clone());
        Ok(wake)
    }
}

/// Waits until one of `waitables` is ready, or the time is over, or for no reason: callers look again.
///
/// # Errors
/// [`Stop::Interrupted`] as soon as a stop is requested. For a guest with threads also when nothing is ready: the others
/// need the environment meanwhile, and the call is made again (`call::again`).
pub(super) fn wait(
    host: &dyn Host,
    wake: &Arc<Wake>,
    waitables: &mut [Waitable<'_>],
    timeout: Option<Duration>,
) -> Result<(), Stop> {
    let interrupt = host.interrupt();
    if interrupt.requested() {
        return Err(Stop::Interrupted);
    }
    if host.has_threads() {
        host::wait(waitables, Some(Duration::ZERO), None)?;
        let ready = waitables.iter().any(|waitable| waitable.outcome.ready);
        return if ready || timeout == Some(Duration::ZERO) {
            Ok(())
        } else {
            Err(Stop::Interrupted)
        };
    }
    wake.clear();
    let notify = wake.clone();
    // Calls the waker at once if the request came since the look above, so that none is missed.
    let _guard = interrupt.on_request(move || notify.notify());
    host::wait(waitables, timeout, Some(wake))?;
    if interrupt.requested() {
        Err(Stop::Interrupted)
    } else {
        Ok(())
    }
}
