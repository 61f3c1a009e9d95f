//! The host's clocks, in nanoseconds.

use rustix::time::{ClockId, clock_getres, clock_gettime};

use crate::wasi::abi::Timestamp;

#[allow(clippy::unnecessary_cast)] // the fields' types differ from system to system
fn nanoseconds(time: rustix::time::Timespec) -> Timestamp {
    super::timestamp(time.tv_sec as i64, time.tv_nsec as i64)
}

/// Nanoseconds since 1970, as far as the host knows.
pub(in crate::wasi) fn realtime() -> Timestamp {
    nanoseconds(clock_gettime(ClockId::Realtime))
}

/// Nanoseconds since some point in the past. Never decreases.
pub(in crate::wasi) fn monotonic() -> Timestamp {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// Nanoseconds the calling thread has executed.
pub(in crate::wasi) fn cpu_time() -> Timestamp {
    nanoseconds(clock_gettime(ClockId::ThreadCPUTime))
}

/// How fine they are: the coarsest counts. Never 0.
pub(in crate::wasi) fn resolution() -> Timestamp {
    let clocks = [ClockId::Realtime, ClockId::Monotonic, ClockId::ThreadCPUTime];
    let resolutions = clocks.map(|clock| nanoseconds(clock_getres(clock)));
    resolutions.into_iter().max().unwrap_or(1).max(1)
}
