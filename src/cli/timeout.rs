//! `--timeout`: a thread that asks the run to stop, and ends the program should the run not listen.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use wasmrun::InterruptHandle;

use super::exit::Ending;
use super::report;

/// How long the run may take to notice. It stops at the next jump back or call, and waits in WASI calls are woken; only a
/// system call that cannot be woken (opening a FIFO, a file system that hangs) takes longer.
const GRACE: Duration = Duration::from_secs(2);

/// Runs until it is dropped.
pub struct Timer {
    _running: Sender<()>,
}

impl Timer {
    /// Starts counting.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(limit: Duration, interrupt: InterruptHandle) -> std::io::Result<Timer> {
        let (running, dropped) = channel();
        thread::Builder::new()
            .name("timeout".to_owned())
            .spawn(move || count(limit, &interrupt, &dropped))?;
        Ok(Timer { _running: running })
    }
}

fn count(limit: Duration, interrupt: &InterruptHandle, dropped: &Receiver<()>) {
    if dropped.recv_timeout(limit) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    interrupt.interrupt();
    if dropped.recv_timeout(GRACE) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    report::error(&message(limit));
    std::process::exit(Ending::Timeout.status().into());
}

/// What the user is told.
pub fn message(limit: Duration) -> String {
    format!("timeout: the program did not end within {limit:?}")
}
