//! Ends a directive that does not end, so that a fault in a loop is a failure with a line and not a silence.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use wasmrun::InterruptHandle;

/// No directive of the suite comes near it, in a debug build under an emulator either.
const PATIENCE: Duration = Duration::from_secs(60);

/// Watches a script until it is dropped.
pub(super) struct Watchdog {
    directives: Arc<AtomicU64>,
    _running: Sender<()>,
}

impl Watchdog {
    /// Starts to watch. Where the system has no thread to give, nobody watches.
    pub(super) fn new(interrupt: InterruptHandle) -> Watchdog {
        let directives = Arc::new(AtomicU64::new(0));
        let (running, dropped) = channel();
        let counted = Arc::clone(&directives);
        let watch = move || {
            let mut before = counted.load(Ordering::Relaxed);
            while dropped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let now = counted.load(Ordering::Relaxed);
                if now == before {
                    interrupt.interrupt();
                }
                before = now;
            }
        };
        let _ = thread::Builder::new().name("watchdog".to_owned()).spawn(watch);
        Watchdog {
            directives,
            _running: running,
        }
    }

    /// Says that a directive begins.
    pub(super) fn directive(&self) {
        self.directives.fetch_add(1, Ordering::Relaxed);
    }
}
