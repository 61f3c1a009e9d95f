//! wasi-threads: `thread-spawn`, and what ends the threads of one program together.
//!
//! A thread is an instance of its own over the program's shared memory, in a store of its own. How one is made is the
//! embedder's affair: nothing here knows of instances. An exit or a trap of any thread, and the end of the main one, ends
//! them all: their runs are asked to stop, which also ends what they wait for.
//!
//! Specification: the wasi-threads proposal.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::{Caller, Error, InterruptHandle, Linker};

/// The name of the module that guests import `thread-spawn` from, and the function's.
const MODULE: &str = "wasi";
const NAME: &str = "thread-spawn";
/// What a guest calls to be told that there is no thread for it: any negative number.
const REFUSED: i32 = -1;
/// Thread ids are positive and have 29 bits.
const MAX_ID: i32 = (1 << 29) - 1;
/// How long threads may take to notice that they are to stop.
const GRACE: Duration = Duration::from_secs(2);

/// A thread that is ready to run: what [`WasiThreads::on_spawn`] makes.
pub struct WasiThread {
    /// Stops it.
    pub interrupt: InterruptHandle,
    /// Calls the guest's `wasi_thread_start`; it is called on the new thread.
    pub run: Box<dyn FnOnce() -> Result<(), Error> + Send>,
}

type Make = dyn Fn(i32, i32) -> Result<WasiThread, Error> + Send + Sync;

/// The threads of one program. Clones are the same threads.
#[derive(Clone)]
pub struct WasiThreads(Arc<Inner>);

struct Inner {
    /// Threads beside the main one at a time.
    max: u32,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    make: Option<Arc<Make>>,
    main: Option<InterruptHandle>,
    last_id: i32,
    /// By id; none for a thread that is still being made.
    running: BTreeMap<i32, Option<InterruptHandle>>,
    /// Why the program ends, if a thread decided it.
    ending: Option<Error>,
    /// It ends.
    closed: bool,
}

impl WasiThreads {
    /// At most `max` threads at a time beside the main one. One more is refused, which guests see as `EAGAIN`.
    pub fn new(max: u32) -> WasiThreads {
        WasiThreads(Arc::new(Inner {
            max,
            state: Mutex::default(),
            ended: Condvar::new(),
        }))
    }

    /// Sets how a thread is made of its id and the argument its guest gave, both for `wasi_thread_start`. An error
    /// refuses the thread.
    pub fn on_spawn(&self, make: impl Fn(i32, i32) -> Result<WasiThread, Error> + Send + Sync + 'static) {
        self.state().make = Some(Arc::new(make));
    }

    /// Says how the main thread is stopped.
    pub fn main(&self, interrupt: InterruptHandle) {
        self.state().main = Some(interrupt);
    }

    /// Ends the threads when the main one has ended, and waits for them, not longer than two seconds.
    ///
    /// What another thread ended the program with before, if one did: a trap, or [`Error::Exit`] with any code, 0 included.
    /// The main thread was then only asked to stop.
    pub fn finish(&self) -> Option<Error> {
        let mut state = self.state();
        state.close();
        state.make = None;
        let deadline = Instant::now() + GRACE;
        while !state.running.is_empty() {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                break;
            };
            let wait = self.0.ended.wait_timeout(state, left);
            (state, _) = wait.unwrap_or_else(PoisonError::into_inner);
        }
        state.ending.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new thread's id, or a refusal.
    fn spawn(&self, argument: i32) -> Option<i32> {
        let (id, make) = {
            let mut state = self.state();
            if state.closed || state.running.len() >= self.0.max as usize || state.last_id == MAX_ID {
                return None;
            }
            state.last_id += 1;
            let id = state.last_id;
            state.running.insert(id, None);
            (id, state.make.clone())
        };
        // Without the lock: the guest's start function runs now.
        let started = make.and_then(|make| make(id, argument).ok()).and_then(|thread| {
            let WasiThread { interrupt, run } = thread;
            let mut state = self.state();
            if state.closed {
                return None;
            }
            state.running.insert(id, Some(interrupt));
            drop(state);
            let threads = self.clone();
            let body = move || {
                let result = run();
                threads.ended(id, result);
            };
            std::thread::Builder::new().name(format!("guest {id}")).spawn(body).ok()
        });
        if started.is_none() {
            self.ended(id, Ok(()));
            return None;
        }
        Some(id)
    }

    /// A thread has ended: alone, if it returned.
    fn ended(&self, id: i32, result: Result<(), Error>) {
        let mut state = self.state();
        state.running.remove(&id);
        if let Err(error) = result
            && !state.closed
        {
            state.ending = Some(error);
            state.close();
        }
        self.0.ended.notify_all();
    }
}

impl State {
    /// Asks all threads to stop. Runs that ended by being asked are not what the program ends with.
    fn close(&mut self) {
        self.closed = true;
        for interrupt in self.running.values().flatten().chain(&self.main) {
            interrupt.interrupt();
        }
    }
}

impl std::fmt::Debug for WasiThreads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasiThreads")
            .field("max", &self.0.max)
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Linker<T> {
    /// Defines `thread-spawn` of wasi-threads, which makes threads of `threads`.
    ///
    /// The program's environment ([`Linker::wasi`]) is that of all its threads. One call works on it at a time; a call
    /// that waits leaves it to others, and looks again every two milliseconds.
    ///
    /// # Errors
    /// [`Error::Type`] when the name is taken.
    pub fn wasi_threads(&mut self, threads: &WasiThreads) -> Result<&mut Self, Error> {
        let threads = threads.clone();
        self.func_with(MODULE, NAME, move |_: &mut Caller<'_, T>, argument: i32| {
            threads.spawn(argument).unwrap_or(REFUSED)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
    use std::sync::mpsc::channel;

    use super::*;
    use crate::engine::{Engine, Store, Trap};

    fn interrupt() -> InterruptHandle {
        Store::new(&Engine::default(), ()).interrupt_handle()
    }

    #[test]
    fn threads_have_ids_arguments_and_a_limit() {
        let threads = WasiThreads::new(2);
        assert_eq!(threads.spawn(0), None, "nobody says how");
        let sum = Arc::new(AtomicI32::new(0));
        let (release, released) = channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let counted = sum.clone();
        threads.on_spawn(move |id, argument| {
            if argument < 0 {
                return Err(Error::Exit(1));
            }
            let (sum, released) = (counted.clone(), released.clone());
            let run = move || {
                let _ = released.lock().unwrap().recv();
                sum.fetch_add(id * argument, SeqCst);
                Ok(())
            };
            Ok(WasiThread {
                interrupt: interrupt(),
                run: Box::new(run),
            })
        });
        assert_eq!(threads.spawn(-1), None);
        let (first, second) = (threads.spawn(10).unwrap(), threads.spawn(100).unwrap());
        assert!(first > 0 && second > first);
        assert_eq!(threads.spawn(1), None, "two are there");
        drop(release);
        assert!(threads.finish().is_none());
        assert_eq!(sum.load(SeqCst), first * 10 + second * 100);
        assert_eq!(threads.spawn(1), None, "it has ended");
    }

    #[test]
    fn what_ends_one_thread_ends_all_and_the_first_decides() {
        for (error, expected) in [
            (Error::Exit(7), "exit 7"),
            (Error::from(Trap::Unreachable), "unreachable"),
            (Error::Exit(0), "exit 0"),
        ] {
            let threads = WasiThreads::new(2);
            let store = Store::new(&Engine::default(), ());
            threads.main(store.interrupt_handle());
            let error = Arc::new(Mutex::new(Some(error)));
            threads.on_spawn(move |_, _| {
                let error = error.clone();
                let run = move || error.lock().unwrap().take().map_or(Ok(()), Err);
                Ok(WasiThread {
                    interrupt: interrupt(),
                    run: Box::new(run),
                })
            });
            threads.spawn(0).unwrap();
            let interrupt = &store.interrupt_handle().0;
            while !interrupt.requested() {
                std::thread::yield_now();
            }
            let said = match threads.finish() {
                Some(Error::Exit(code)) => format!("exit {code}"),
                Some(error) => error.to_string(),
                None => "nothing".to_owned(),
            };
            assert_eq!(said, expected);
        }
    }
}
