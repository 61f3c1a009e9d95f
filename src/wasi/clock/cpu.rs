//! What the guest has executed: the processor time of the threads it runs on, while it runs on them.
//!
//! Reading that clock is a call of the system, and most guests never ask. So nothing is read but once, when the first run
//! begins, until a guest asks for the first time; from then on each run is measured, and what its thread does between
//! them is not counted.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::engine::RunObserver;
use crate::wasi::abi::Timestamp;
use crate::wasi::host;

/// The account of one environment.
#[derive(Default)]
pub(in crate::wasi) struct CpuTime {
    /// One of the constants below: what `entered` looks at, in every run.
    mode: AtomicU8,
    account: Mutex<Account>,
}

/// Nothing has run yet.
const NEW: u8 = 0;
/// Something runs or has run, and nobody has asked.
const BEGUN: u8 = 1;
/// Every run is measured.
const MEASURED: u8 = 2;

#[derive(Default)]
struct Account {
    total: Timestamp,
    /// The thread that is being measured, and what it had executed then.
    since: Option<(ThreadId, Timestamp)>,
}

impl Account {
    /// Adds what was executed since the last look, if the thread is still the same. Returns what the thread has executed.
    fn look(&mut self) -> (ThreadId, Timestamp) {
        let here = (thread::current().id(), host::cpu_time());
        if let Some((thread, before)) = self.since.take()
            && thread == here.0
        {
            self.total = self.total.saturating_add(here.1.saturating_sub(before));
        }
        here
    }
}

impl CpuTime {
    /// Measures every run from the first one on.
    pub(in crate::wasi) fn measure(&self) {
        self.mode.store(MEASURED, Relaxed);
    }

    /// Nanoseconds executed so far. Before anybody asked, what the thread did between runs counts, too, and what was
    /// executed on other threads does not.
    pub(super) fn now(&self) -> Timestamp {
        let mut account = self.account();
        let here = account.look();
        account.since = Some(here);
        self.measure();
        account.total
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunObserver for CpuTime {
    fn entered(&self) {
        match self.mode.load(Relaxed) {
            BEGUN => return,
            NEW => self.mode.store(BEGUN, Relaxed),
            _ => {}
        }
        self.account().since = Some((thread::current().id(), host::cpu_time()));
    }

    fn left(&self) {
        if self.mode.load(Relaxed) == MEASURED {
            self.account().look();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Uses up processor time.
    fn spin(milliseconds: u64) {
        let end = host::cpu_time() + milliseconds * 1_000_000;
        let begun = Instant::now();
        while host::cpu_time() < end {
            std::hint::black_box(begun.elapsed());
        }
    }

    fn milliseconds(cpu: &CpuTime) -> u64 {
        cpu.now() / 1_000_000
    }

    #[test]
    fn only_what_runs_is_counted_from_the_first_look_on() {
        let cpu = CpuTime::default();
        spin(30);
        cpu.entered();
        spin(20);
        let first = milliseconds(&cpu);
        assert!((20..30).contains(&first), "{first} ms");
        std::thread::sleep(std::time::Duration::from_millis(50));
        spin(20);
        cpu.left();
        // Whoever has the thread now: it is not the guest.
        spin(50);
        cpu.entered();
        let second = milliseconds(&cpu);
        assert!((40..55).contains(&second), "{second} ms");
        cpu.left();
    }

    #[test]
    fn runs_on_several_threads_add_up() {
        let cpu = CpuTime::default();
        cpu.measure();
        for _ in 0..2 {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    spin(30);
                    cpu.entered();
                    spin(20);
                    cpu.left();
                });
            });
        }
        cpu.entered();
        let total = milliseconds(&cpu);
        assert!((40..55).contains(&total), "{total} ms");
    }
}
