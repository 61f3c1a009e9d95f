//! `clock_res_get`, `clock_time_get`: what time it is, and how exactly that is known.

mod cpu;
mod source;

use std::sync::Arc;
use std::time::Duration;

use super::abi::{Clockid, Filestat, Ptr, Timestamp};
use super::call::{Call, Stop};
use cpu::CpuTime;

pub use source::{Clock, FixedClock, HostClock};

/// The clocks of one environment.
pub(super) struct Clocks {
    source: Box<dyn Clock>,
    /// The monotonic clock when the guest first looked at it. It counts from there: how long the host has been running
    /// is none of its business.
    start: Option<Timestamp>,
    /// Everything a guest sees of the time is a multiple of this.
    grain: Timestamp,
    /// What the guest has executed.
    cpu: Arc<CpuTime>,
}

impl Clocks {
    pub(super) fn new() -> Clocks {
        Clocks {
            start: None,
            source: Box::new(HostClock),
            grain: 1,
            cpu: Arc::default(),
        }
    }

    /// Takes the time from `source` from now on.
    pub(super) fn set_source(&mut self, source: Box<dyn Clock>) {
        self.start = None;
        self.source = source;
    }

    /// Rounds everything the guest sees down to multiples of `grain`.
    pub(super) fn set_resolution(&mut self, grain: Duration) {
        self.grain = u64::try_from(grain.as_nanos()).unwrap_or(u64::MAX).max(1);
    }

    /// The account of processor time, which is to be told when the guest runs.
    pub(super) fn cpu(&self) -> &Arc<CpuTime> {
        &self.cpu
    }

    /// How fine a clock is, in nanoseconds. Never 0.
    fn resolution(&self, clock: Clockid) -> Timestamp {
        // As fine as its source: nobody has made a processor clock coarser than the others.
        let (Clockid::Realtime | Clockid::Monotonic | Clockid::ProcessCputime | Clockid::ThreadCputime) = clock;
        self.source.resolution().max(self.grain)
    }

    fn floor(&self, time: Timestamp) -> Timestamp {
        time - time % self.grain
    }

    fn ceil(&self, time: Timestamp) -> Timestamp {
        time.div_ceil(self.grain).saturating_mul(self.grain)
    }

    /// Since the guest first looked, exactly.
    fn elapsed(&mut self) -> Timestamp {
        let now = self.source.monotonic();
        now.saturating_sub(*self.start.get_or_insert(now))
    }

    /// A clock's reading in nanoseconds.
    pub(super) fn now(&mut self, clock: Clockid) -> Timestamp {
        match clock {
            Clockid::Realtime => {
                let now = self.source.realtime();
                self.floor(now)
            }
            // Never 0: Go takes a monotonic 0 for a broken clock.
            Clockid::Monotonic => {
                let elapsed = self.elapsed();
                self.floor(elapsed).saturating_add(self.resolution(clock))
            }
            // One thread is all the threads a guest has.
            Clockid::ProcessCputime | Clockid::ThreadCputime => {
                let executed = self.source.cpu_time().unwrap_or_else(|| self.cpu.now());
                self.floor(executed)
            }
        }
    }

    /// Now, for [`Clocks::left_since`].
    pub(super) fn begin(&mut self) -> Begun {
        Begun(self.elapsed())
    }

    /// Nanoseconds until `timeout` is over that began at `begun`; 0 when it is. It ends between two readings.
    pub(super) fn left_since(&mut self, begun: Begun, timeout: Timestamp) -> Timestamp {
        if timeout == 0 {
            return 0;
        }
        let end = self.ceil(begun.0.saturating_add(timeout));
        end.saturating_sub(self.elapsed())
    }

    /// Nanoseconds until `clock` reads `time`; 0 when it reads that or more. `None` for a clock that stands still while
    /// the guest waits for it.
    pub(super) fn left_until(&mut self, clock: Clockid, time: Timestamp) -> Option<Timestamp> {
        match clock {
            Clockid::Realtime => Some(self.ceil(time).saturating_sub(self.source.realtime())),
            Clockid::Monotonic => {
                let end = self.ceil(time.saturating_sub(self.resolution(clock)));
                Some(end.saturating_sub(self.elapsed()))
            }
            Clockid::ProcessCputime | Clockid::ThreadCputime => (self.now(clock) >= time).then_some(0),
        }
    }

    /// The guest waits so long: how long the host has to.
    pub(super) fn wait(&mut self, nanoseconds: Timestamp) -> Duration {
        self.source.wait(nanoseconds)
    }

    /// What the guest sees of a file: its times as these clocks would have them.
    pub(super) fn seen(&mut self, stat: Filestat) -> Filestat {
        let mut seen = |time| {
            let time = self.source.file_time(time);
            self.floor(time)
        };
        Filestat {
            atim: seen(stat.atim),
            mtim: seen(stat.mtim),
            ctim: seen(stat.ctim),
            ..stat
        }
    }
}

/// When a wait began, on the monotonic clock: relative times go on counting from there.
#[derive(Clone, Copy)]
pub(super) struct Begun(Timestamp);

/// `clock_res_get`: how fine a clock is, in nanoseconds, as a u64. Its readings are that far apart, unless equal.
///
/// # Errors
/// `inval` for an unknown clock, `fault` outside the memory.
pub(super) fn res_get(cx: &mut Call<'_>, id: u32, resolution: Ptr) -> Result<(), Stop> {
    let clock = Clockid::from_number(id)?;
    let nanoseconds = cx.ctx.clocks.resolution(clock);
    Ok(cx.memory().write_u64(resolution, nanoseconds)?)
}

/// `clock_time_get`: a clock's reading in nanoseconds, as a u64.
///
/// Realtime counts from 1970, monotonic from about the first look at it; the two CPU clocks say what the guest has
/// executed, host calls included, and neither what it slept nor what it stood still for. `_precision` is a permission to
/// be inexact; none is needed.
/// # Errors
/// `inval` for an unknown clock, `fault` outside the memory.
pub(super) fn time_get(cx: &mut Call<'_>, id: u32, _precision: Timestamp, time: Ptr) -> Result<(), Stop> {
    let clock = Clockid::from_number(id)?;
    let now = cx.ctx.clocks.now(clock);
    Ok(cx.memory().write_u64(time, now)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::abi::Errno;
    use crate::wasi::testing::{Guest, MEMORY, plain};

    #[test]
    fn clocks_do_not_run_backwards_nor_start_at_zero() {
        let mut clocks = Clocks::new();
        for clock in [Clockid::Monotonic, Clockid::ProcessCputime, Clockid::ThreadCputime] {
            let mut last = clocks.now(clock);
            for _ in 0..1000 {
                let now = clocks.now(clock);
                assert!(now >= last);
                last = now;
            }
        }
        assert!(clocks.now(Clockid::Monotonic) > 0);
        assert!(clocks.now(Clockid::Monotonic) < 60_000_000_000, "counts from the start");
        assert!(clocks.now(Clockid::Realtime) > 1_600_000_000_000_000_000);
    }

    #[test]
    fn sleep_is_not_cpu_time() {
        let mut clocks = Clocks::new();
        let before = clocks.now(Clockid::ThreadCputime);
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(clocks.now(Clockid::ThreadCputime) - before < 20_000_000);
    }

    /// A clock that tests move.
    struct Manual(Arc<std::sync::atomic::AtomicU64>);

    impl Clock for Manual {
        fn realtime(&mut self) -> u64 {
            self.monotonic() + 1_000_000_000
        }
        fn monotonic(&mut self) -> u64 {
            self.0.load(std::sync::atomic::Ordering::Relaxed)
        }
        fn resolution(&self) -> u64 {
            10
        }
    }

    /// Clocks with a source that stood at 5000 when they were looked at first, and what moves it.
    fn manual(grain: u64) -> (Clocks, impl Fn(u64)) {
        let time = Arc::new(std::sync::atomic::AtomicU64::new(5000));
        let mut clocks = Clocks::new();
        clocks.set_source(Box::new(Manual(time.clone())));
        clocks.set_resolution(Duration::from_nanos(grain));
        clocks.begin();
        (clocks, move |to| time.store(to, std::sync::atomic::Ordering::Relaxed))
    }

    #[test]
    fn everything_a_guest_sees_is_a_multiple_of_the_resolution() {
        let (mut clocks, set) = manual(1000);
        for clock in [
            Clockid::Realtime,
            Clockid::Monotonic,
            Clockid::ProcessCputime,
            Clockid::ThreadCputime,
        ] {
            assert_eq!(clocks.resolution(clock), 1000);
            assert_eq!(clocks.now(clock) % 1000, 0);
        }
        set(7999);
        assert_eq!(clocks.now(Clockid::Realtime), 1_000_007_000);
        assert_eq!(
            clocks.now(Clockid::Monotonic),
            3000,
            "2000 since the start, and never 0"
        );
        let (filetype, atim, mtim, ctim) = (crate::wasi::abi::Filetype::RegularFile, 1999, 2000, 12_345);
        let stat = Filestat {
            dev: 1,
            ino: 2,
            filetype,
            nlink: 1,
            size: 3,
            atim,
            mtim,
            ctim,
        };
        let seen = clocks.seen(stat);
        assert_eq!((seen.atim, seen.mtim, seen.ctim), (1000, 2000, 12_000));
        clocks.set_resolution(Duration::from_nanos(3));
        assert_eq!(clocks.resolution(Clockid::Realtime), 10, "not finer than the source");
        clocks.set_resolution(Duration::MAX);
        assert_eq!(clocks.now(Clockid::Realtime), 0);
    }

    #[test]
    fn waits_end_when_a_reading_changes() {
        let (mut clocks, set) = manual(1000);
        set(5300);
        let begun = clocks.begin();
        // From 300 on, 100 more: the guest would see the end at 1000, when its clock reads 2000.
        assert_eq!(clocks.left_since(begun, 100), 700);
        assert_eq!(clocks.left_since(begun, 1000), 1700);
        assert_eq!(clocks.left_since(begun, 0), 0);
        assert_eq!(clocks.left_until(Clockid::Monotonic, 1001), Some(700));
        assert_eq!(clocks.left_until(Clockid::Monotonic, 1000), Some(0));
        assert_eq!(clocks.left_until(Clockid::Realtime, 1_000_005_001), Some(700));
        set(6000);
        assert_eq!(clocks.now(Clockid::Monotonic), 2000);
        assert_eq!(clocks.left_since(begun, 100), 0);
        assert_eq!(clocks.left_until(Clockid::Monotonic, 1001), Some(0));
        assert_eq!(clocks.left_until(Clockid::Realtime, 1_000_005_001), Some(0));
        assert_eq!(
            clocks.left_until(Clockid::Realtime, u64::MAX),
            Some(u64::MAX - 1_000_006_000)
        );
        assert_eq!(clocks.left_until(Clockid::ThreadCputime, 0), Some(0));
        assert_eq!(clocks.left_until(Clockid::ThreadCputime, u64::MAX), None);
    }

    #[test]
    fn clocks_are_read_as_u64() {
        let mut guest = Guest::new(plain());
        for id in 0..4 {
            assert_eq!(guest.call(|cx| time_get(cx, id, 1, Ptr(0x10))), Ok(()));
            assert_eq!(guest.call(|cx| res_get(cx, id, Ptr(0x30))), Ok(()));
            assert_ne!(guest.u64_at(Ptr(0x30)), 0);
            let now = guest.u64_at(Ptr(0x10)).to_le_bytes();
            guest.expect(0x10, &now);
        }
    }

    #[test]
    fn inval_and_fault() {
        let mut guest = Guest::new(plain());
        for id in [4, u32::MAX] {
            assert_eq!(guest.call(|cx| time_get(cx, id, 1, Ptr(0x10))), Err(Errno::Inval));
            assert_eq!(guest.call(|cx| res_get(cx, id, Ptr(0x10))), Err(Errno::Inval));
        }
        assert_eq!(guest.call(|cx| time_get(cx, 0, 1, Ptr(MEMORY - 7))), Err(Errno::Fault));
        assert_eq!(guest.call(|cx| res_get(cx, 0, Ptr(u32::MAX))), Err(Errno::Fault));
        guest.expect(0x10, b"????????");
    }
}
