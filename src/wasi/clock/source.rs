//! Where a guest's time comes from: the host, a beginning that was fixed, or whatever the embedder makes up.

use std::time::Duration;

use crate::wasi::abi::Timestamp;
use crate::wasi::host;

/// Tells a guest the time: see [`WasiEnvBuilder::clock`](crate::WasiEnvBuilder::clock).
///
/// All times are in nanoseconds. Only what the guest sees comes from here; limits such as a timeout of the embedder's are
/// not concerned.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering::Relaxed}};
/// use wasmrun::{WasiEnv, wasi::Clock};
///
/// /// Stands still until the test moves it on.
/// struct Manual(Arc<AtomicU64>);
///
/// impl Clock for Manual {
///     fn realtime(&mut self) -> u64 {
///         self.0.load(Relaxed)
///     }
///     fn monotonic(&mut self) -> u64 {
///         self.0.load(Relaxed)
///     }
/// }
///
/// let now = Arc::new(AtomicU64::new(1_577_836_800_000_000_000));
/// let env = WasiEnv::builder().clock(Manual(now.clone())).build();
/// ```
pub trait Clock: Send + 'static {
    /// Time since 1970-01-01T00:00:00Z. May be set, and so go backwards.
    fn realtime(&mut self) -> u64;

    /// Time since some moment. Must not go backwards. The guest sees it counted from its first look at it.
    fn monotonic(&mut self) -> u64;

    /// Time the guest has executed. `None`, as unless defined: the processor time of the host's threads it runs on.
    fn cpu_time(&mut self) -> Option<u64> {
        None
    }

    /// How far apart readings are at least, unless equal. 1 unless defined; 0 counts as 1.
    fn resolution(&self) -> u64 {
        1
    }

    /// The guest waits, and has nothing to do for so long by this clock. Returns how long the host is to wait before
    /// this clock is looked at again: the same time, unless defined.
    ///
    /// A clock that is not the host's can move on by itself and return nothing; one that returns nothing and stands still
    /// is asked again and again. The wait may end early, for a descriptor
    /// or a request to stop.
    fn wait(&mut self, nanoseconds: u64) -> Duration {
        Duration::from_nanos(nanoseconds)
    }

    /// What the guest sees where a file on the host has this time, since 1970. The same, unless defined.
    fn file_time(&mut self, time: u64) -> u64 {
        time
    }
}

/// The host's clocks: what an environment has unless it is given another.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostClock;

impl Clock for HostClock {
    fn realtime(&mut self) -> u64 {
        host::realtime()
    }

    fn monotonic(&mut self) -> u64 {
        host::monotonic()
    }

    fn resolution(&self) -> u64 {
        host::resolution()
    }
}

/// A clock that knows nothing of the host: the same program reads the same times in each run.
///
/// It begins at a moment that was chosen, moves on by a microsecond with each reading, so that a program that waits by
/// looking at it gets on, and by the time waited for when the program waits, which takes no time at all. The two CPU
/// clocks count the readings. Times that files got while the program ran are shown as the moment it began at.
#[derive(Debug, Clone)]
pub struct FixedClock {
    start: Timestamp,
    /// Since the start.
    elapsed: Timestamp,
    /// That part of it that was not waited.
    busy: Timestamp,
    /// The host's time at the start.
    host_start: Timestamp,
}

impl FixedClock {
    /// What a reading takes.
    const STEP: Timestamp = 1000;

    /// A clock that begins at `realtime`, in nanoseconds since 1970.
    pub fn new(realtime: u64) -> FixedClock {
        FixedClock {
            start: realtime,
            elapsed: 0,
            busy: 0,
            host_start: host::realtime(),
        }
    }

    /// The time since the start; the first reading is 0.
    fn tick(&mut self) -> Timestamp {
        let now = self.elapsed;
        self.elapsed = self.elapsed.saturating_add(Self::STEP);
        self.busy = self.busy.saturating_add(Self::STEP);
        now
    }
}

impl Clock for FixedClock {
    fn realtime(&mut self) -> u64 {
        let elapsed = self.tick();
        self.start.saturating_add(elapsed)
    }

    fn monotonic(&mut self) -> u64 {
        self.tick()
    }

    fn cpu_time(&mut self) -> Option<u64> {
        self.tick();
        Some(self.busy)
    }

    fn resolution(&self) -> u64 {
        Self::STEP
    }

    fn wait(&mut self, nanoseconds: u64) -> Duration {
        let steps = nanoseconds.div_ceil(Self::STEP);
        self.elapsed = self.elapsed.saturating_add(steps.saturating_mul(Self::STEP));
        Duration::ZERO
    }

    fn file_time(&mut self, time: u64) -> u64 {
        // Some file systems round down, to as much as two seconds.
        const ROUNDED: Timestamp = 2_000_000_000;
        let during = self.host_start.saturating_sub(ROUNDED)..=host::realtime();
        if during.contains(&time) { self.start } else { time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_by_readings_and_waits_only() {
        let mut clock = FixedClock::new(5_000_000_000);
        assert_eq!(clock.realtime(), 5_000_000_000);
        assert_eq!(clock.realtime(), 5_000_001_000);
        assert_eq!(clock.monotonic(), 2000);
        assert_eq!(clock.wait(1_000_000_001), Duration::ZERO);
        assert_eq!(clock.monotonic(), 1_000_004_000);
        assert_eq!(clock.cpu_time(), Some(5000));
        clock.wait(u64::MAX);
        clock.wait(u64::MAX);
        assert_eq!(clock.realtime(), u64::MAX, "it stops there");
        assert_eq!(clock.monotonic(), clock.monotonic());
    }

    #[test]
    fn files_of_before_keep_their_times_and_those_of_now_get_the_clocks() {
        let mut clock = FixedClock::new(7);
        assert_eq!(clock.file_time(1_500_000_000_000_000_000), 1_500_000_000_000_000_000);
        assert_eq!(clock.file_time(host::realtime()), 7);
        assert_eq!(clock.file_time(u64::MAX), u64::MAX);
    }
}
