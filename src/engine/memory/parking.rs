//! Where threads wait for a place in a shared memory: `memory.atomic.wait` and `memory.atomic.notify`.
//!
//! A thread that waits looks at the value, and is entered, under the lock that a notification takes: no notification
//! that follows a change of the value is missed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::SharedMemory;
use crate::engine::interrupt::Interrupt;

/// Who waits, by address, the longest first.
#[derive(Default)]
pub(crate) struct Parking(Mutex<Lot>);

type Lot = BTreeMap<u64, VecDeque<Arc<Waiter>>>;

#[derive(Default)]
struct Waiter {
    changed: Condvar,
    notified: AtomicBool,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    Notified,
    /// The value was not the one expected: it did not wait.
    NotEqual,
    TimedOut,
    /// A stop was requested; so much of the timeout is left.
    Interrupted {
        left: Option<Duration>,
    },
}

impl Parking {
    fn lot(&self) -> MutexGuard<'_, Lot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes at most `count` threads that wait at `addr`, those that wait longest; says how many.
    pub(crate) fn notify(&self, addr: u64, count: u32) -> u32 {
        let mut lot = self.lot();
        let Some(waiting) = lot.get_mut(&addr) else { return 0 };
        let woken = waiting.len().min(count as usize);
        for waiter in waiting.drain(..woken) {
            waiter.notified.store(true, Relaxed);
            waiter.changed.notify_one();
        }
        if waiting.is_empty() {
            lot.remove(&addr);
        }
        woken as u32
    }
}

impl SharedMemory {
    /// Waits at `addr` if `equal`, until it is notified, the time is over (`None`: never) or a stop is requested.
    pub(crate) fn wait(
        &self,
        addr: u64,
        equal: impl FnOnce() -> bool,
        timeout: Option<Duration>,
        interrupt: &Interrupt,
    ) -> Waited {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let left = || deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let waiter = Arc::new(Waiter::default());
        // A request takes its own lock, then this one; so this one is not held where the guard is made or dropped.
        let (memory, woken) = (self.clone(), waiter.clone());
        let _guard = interrupt.on_request(move || {
            let _lot = memory.parking().lot();
            woken.changed.notify_one();
        });
        let mut lot = self.parking().lot();
        if !equal() {
            return Waited::NotEqual;
        }
        lot.entry(addr).or_default().push_back(waiter.clone());
        let ended = loop {
            if waiter.notified.load(Relaxed) {
                return Waited::Notified;
            }
            if interrupt.requested() {
                break Waited::Interrupted { left: left() };
            }
            let wait = waiter.changed.wait_timeout(lot, left().unwrap_or(Duration::MAX));
            match left() {
                Some(Duration::ZERO) => {
                    (lot, _) = wait.unwrap_or_else(PoisonError::into_inner);
                    if !waiter.notified.load(Relaxed) {
                        break Waited::TimedOut;
                    }
                }
                _ => (lot, _) = wait.unwrap_or_else(PoisonError::into_inner),
            }
        };
        if let Some(waiting) = lot.get_mut(&addr) {
            waiting.retain(|other| !Arc::ptr_eq(other, &waiter));
            if waiting.is_empty() {
                lot.remove(&addr);
            }
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, InterruptHandle, MemoryType};

    fn memory() -> SharedMemory {
        SharedMemory::new(&Engine::default(), MemoryType::shared(1, 1)).unwrap()
    }

    #[test]
    fn a_wait_ends_by_value_time_notification_or_request() {
        let (memory, interrupt) = (memory(), Interrupt::new());
        let long = Some(Duration::from_secs(60));
        assert_eq!(memory.wait(8, || false, long, &interrupt), Waited::NotEqual);
        let short = Some(Duration::from_millis(5));
        assert_eq!(memory.wait(8, || true, short, &interrupt), Waited::TimedOut);
        assert_eq!(
            memory.wait(8, || true, Some(Duration::ZERO), &interrupt),
            Waited::TimedOut
        );
        let other = memory.clone();
        let notifier = std::thread::spawn(move || {
            while other.parking().notify(8, 1) == 0 {
                std::thread::yield_now();
            }
            other.parking().notify(8, 1)
        });
        assert_eq!(memory.wait(8, || true, None, &interrupt), Waited::Notified);
        assert_eq!(notifier.join().unwrap(), 0);
        let handle = InterruptHandle(interrupt.clone());
        let requester = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(10));
            handle.interrupt();
        });
        let ended = memory.wait(8, || true, long, &interrupt);
        assert!(
            matches!(ended, Waited::Interrupted { left: Some(left) } if left > Duration::from_secs(50)),
            "{ended:?}"
        );
        requester.join().unwrap();
        // A request that is already there.
        assert_eq!(
            memory.wait(8, || true, None, &interrupt),
            Waited::Interrupted { left: None }
        );
        assert!(memory.parking().lot().is_empty());
    }

    #[test]
    fn a_notification_wakes_as_many_as_it_says_the_longest_waiting_first() {
        let (memory, order) = (memory(), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for number in 0..4 {
                let (memory, order) = (&memory, &order);
                scope.spawn(move || {
                    let ended = memory.wait(64, || true, None, &Interrupt::new());
                    assert_eq!(ended, Waited::Notified);
                    order.lock().unwrap().push(number);
                });
                while memory.parking().lot().get(&64).map_or(0, VecDeque::len) != number + 1 {
                    std::thread::yield_now();
                }
            }
            assert_eq!(memory.parking().notify(60, 9), 0);
            assert_eq!(memory.parking().notify(64, 1), 1);
            while order.lock().unwrap().is_empty() {
                std::thread::yield_now();
            }
            assert_eq!(*order.lock().unwrap(), [0]);
            assert_eq!(memory.parking().notify(64, u32::MAX), 3);
        });
        assert_eq!(memory.parking().notify(64, 1), 0);
    }
}
