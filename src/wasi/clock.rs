//! `clock_res_get`, `clock_time_get`: what time it is, and how exactly that is known.

use std::thread::ThreadId;

use super::abi::{Clockid, Ptr, Timestamp};
use super::call::{Call, Stop};
use super::host;

/// The clocks of one environment.
pub(super) struct Clocks {
    /// The host's monotonic clock when the environment was made. A guest counts from there: how long the host has
    /// been running is none of its business.
    start: Timestamp,
    /// What the guest has executed, as far as it was looked at.
    cpu: CpuTime,
}

/// CPU time of the threads the guest was seen on.
struct CpuTime {
    thread: ThreadId,
    last: Timestamp,
    total: Timestamp,
}

impl Clocks {
    pub(super) fn new() -> Clocks {
        let cpu = CpuTime {
            thread: std::thread::current().id(),
            last: host::cpu_time(),
            total: 0,
        };
        Clocks {
            start: host::monotonic(),
            cpu,
        }
    }

    /// A clock's reading in nanoseconds.
    pub(super) fn now(&mut self, clock: Clockid) -> Timestamp {
        match clock {
            Clockid::Realtime => host::realtime(),
            // Never 0: Go takes a monotonic 0 for a broken clock.
            Clockid::Monotonic => host::monotonic().saturating_sub(self.start) + 1,
            // One thread is all the threads a guest has.
            Clockid::ProcessCputime | Clockid::ThreadCputime => self.cpu.now(),
        }
    }
}

impl CpuTime {
    /// Time slept is not counted. When the run has moved to another thread, what it executed between the last look
    /// and the move is not known, and counts as nothing.
    fn now(&mut self) -> Timestamp {
        let (thread, now) = (std::thread::current().id(), host::cpu_time());
        if thread == self.thread {
            self.total += now.saturating_sub(self.last);
        }
        (self.thread, self.last) = (thread, now);
        self.total
    }
}

/// `clock_res_get`: how fine a clock is, in nanoseconds, as a u64.
///
/// # Errors
/// `inval` for an unknown clock, `fault` outside the memory.
pub(super) fn res_get(cx: &mut Call<'_>, id: u32, resolution: Ptr) -> Result<(), Stop> {
    let clock = Clockid::from_number(id)?;
    Ok(cx.memory().write_u64(resolution, host::resolution(clock))?)
}

/// `clock_time_get`: a clock's reading in nanoseconds, as a u64.
///
/// Realtime counts from 1970, monotonic from about the start of the program, the two CPU clocks what the thread that
/// runs the guest has executed since then. `_precision` is a permission to be inexact; none is needed.
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
