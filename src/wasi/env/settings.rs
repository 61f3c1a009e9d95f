//! How the world of a program behaves: its time, its chance, its ways to end, its profile.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::WasiEnvBuilder;
use crate::engine::Signal;
use crate::wasi::clock::{Clock, FixedClock};
use crate::wasi::ctx::WasiCtx;
use crate::wasi::descriptor::Object;
use crate::wasi::fs::sorted::Numbers;
use crate::wasi::proc::ProcExit;
use crate::wasi::profile::{Access, Family, Profile};
use crate::wasi::random::Random;

/// What a deterministic environment's clocks begin at: 2020-01-01T00:00:00Z.
const DETERMINISTIC_START: Duration = Duration::from_secs(1_577_836_800);

impl WasiEnvBuilder {
    /// Where the program's time comes from: the host's clocks unless set.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        self.change(|ctx| ctx.clocks.set_source(Box::new(clock)))
    }

    /// Rounds all that the program sees of the time down to multiples of `resolution`: readings of all four clocks,
    /// times of files, the moments at which waits end. `clock_res_get` says so. 1 ns unless set.
    ///
    /// Against timing attacks of programs that are not trusted. It makes them harder, not impossible: how often a loop
    /// goes around between two readings can still be counted.
    #[must_use]
    pub fn clock_resolution(self, resolution: Duration) -> Self {
        self.change(|ctx| ctx.clocks.set_resolution(resolution))
    }

    /// Measures what the program executes from its first run on, and not only from when it first asks.
    ///
    /// For embedders who let several programs take turns on one thread, or one program go from thread to thread: without
    /// it, what such a program's thread does between its runs is the program's until it first reads one of the CPU
    /// clocks. It costs two calls of the system per run.
    #[must_use]
    pub fn measure_cpu_time(self) -> Self {
        self.change(|ctx| ctx.clocks.cpu().measure())
    }

    /// Makes the program's random numbers from a seed: the same ones each time, on every machine.
    ///
    /// **Not secure.** Whoever knows the seed knows every key and every session id the program makes.
    #[must_use]
    pub fn random_seed(self, seed: u64) -> Self {
        self.change(|ctx| ctx.random = Random::seeded(seed))
    }

    /// Fills the program's random bytes with `fill`, instead of with the operating system's. If it fails, the program
    /// sees the errno; it gets no other bytes instead.
    #[must_use]
    pub fn random(self, fill: impl FnMut(&mut [u8]) -> io::Result<()> + Send + 'static) -> Self {
        self.change(|ctx| ctx.random = Random::Embedder(Box::new(fill)))
    }

    /// Makes the program's world the same each time: a [`FixedClock`] from 2020 on, random numbers from `seed`, sorted
    /// directories, files numbered as they are seen. What is read from a stream is waited for, also where the program would rather not wait.
    ///
    /// What the program gets from outside (its arguments, files, input) must be the same, too. Results of float
    /// operations on NaN are the processor's unless [`Config::canonical_nans`](crate::Config::canonical_nans) is on.
    /// **Its random numbers are not secure.**
    #[must_use]
    pub fn deterministic(self, seed: u64) -> Self {
        let start = u64::try_from(DETERMINISTIC_START.as_nanos()).unwrap_or(0);
        self.change(|ctx| ctx.deterministic = Some(Numbers::default()))
            .clock(FixedClock::new(start))
            .random_seed(seed)
    }

    /// What `proc_exit` does. [`ProcExit::Allow`] unless set.
    #[must_use]
    pub fn proc_exit(self, policy: ProcExit) -> Self {
        self.change(|ctx| ctx.proc_exit = policy)
    }

    /// Tells the embedder when the program raises a signal that would end a process, or means something only to a
    /// handler, and that is ignored here (`USR1`, `ALRM`, `STOP` and others).
    #[must_use]
    pub fn on_ignored_signal(self, report: impl FnMut(Signal) + Send + 'static) -> Self {
        self.change(|ctx| ctx.on_ignored_signal = Some(Box::new(report)))
    }

    /// Which functions the program may call at all; the others answer an errno. Also sets the resolution of the clocks
    /// and what `proc_exit` does to what the profile has; set those after it to have them otherwise.
    ///
    /// What a profile has no use for (arguments in a cell) is not passed on. Directories and sockets granted all the same
    /// are refused when the environment is linked.
    #[must_use]
    pub fn profile(self, profile: Profile) -> Self {
        self.change(|ctx| ctx.profile = profile)
            .clock_resolution(profile.clock_resolution())
            .proc_exit(profile.proc_exit())
    }
}

/// Takes away what the profile does not have, and refuses what it cannot have; `files` and `listeners` are still to be
/// granted.
pub(super) fn apply_profile(ctx: &mut WasiCtx, files: bool, listeners: bool) {
    let profile = ctx.profile;
    if !profile.stdin() {
        ctx.set_stream(0, Object::Null);
    }
    let denied = |family| profile.access(family) != Access::Full;
    if denied(Family::Files) && (files || ctx.table.get(3).is_ok()) {
        ctx.reject(format!("the profile `{profile}` has no files, and some are granted"));
    }
    if denied(Family::Sockets) && listeners {
        ctx.reject(format!(
            "the profile `{profile}` has no sockets, and a listener is granted"
        ));
    }
}

/// What linking has to know of an environment.
impl super::WasiEnv {
    /// The account of the program's processor time.
    pub(in crate::wasi) fn cpu_time(&self) -> Arc<dyn crate::engine::RunObserver> {
        self.with(|ctx| ctx.clocks.cpu().clone())
    }
}
