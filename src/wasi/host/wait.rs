//! Waiting for descriptors, and being woken from another thread meanwhile. The only place that sleeps.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno as Os;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wasi) enum Interest {
    Read,
    Write,
}

/// How a descriptor stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::wasi) struct Ready {
    /// The call waited for would not block, be it because it fails.
    pub(in crate::wasi) ready: bool,
    /// The other end is gone.
    pub(in crate::wasi) hangup: bool,
}

/// A descriptor to wait for.
pub(in crate::wasi) struct Waitable<'a> {
    pub(in crate::wasi) fd: BorrowedFd<'a>,
    pub(in crate::wasi) interest: Interest,
    /// Set by [`wait`].
    pub(in crate::wasi) outcome: Ready,
}

/// Waits until one of `waitables` is ready, `timeout` is over (`None`: never), or `wake` was notified.
///
/// Returns whether `wake` was notified. May also return early for no reason: callers look at the time themselves.
pub(in crate::wasi) fn wait(
    waitables: &mut [Waitable<'_>],
    timeout: Option<Duration>,
    wake: Option<&Wake>,
) -> io::Result<bool> {
    let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(waitables.len() + 1);
    for waitable in waitables.iter() {
        let events = match waitable.interest {
            Interest::Read => PollFlags::IN,
            Interest::Write => PollFlags::OUT,
        };
        fds.push(PollFd::from_borrowed_fd(waitable.fd, events));
    }
    if let Some(wake) = wake {
        fds.push(PollFd::new(&wake.read, PollFlags::IN));
    }
    let timeout = timeout.map(|left| Timespec {
        tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    });
    match poll(&mut fds, timeout.as_ref()) {
        // A signal of the host's; nothing the guest waits for.
        Err(Os::INTR) => return Ok(false),
        Err(err) => return Err(err.into()),
        Ok(_) => {}
    }
    for (waitable, fd) in waitables.iter_mut().zip(&fds) {
        let events = fd.revents();
        waitable.outcome = Ready {
            ready: !events.is_empty(),
            hangup: events.contains(PollFlags::HUP),
        };
    }
    let woken = wake.is_some() && fds.last().is_some_and(|fd| !fd.revents().is_empty());
    Ok(woken)
}

/// Lets another thread end a [`wait`]: a descriptor that is waited for beside the others.
pub(in crate::wasi) struct Wake {
    read: OwnedFd,
    #[cfg(not(target_os = "linux"))]
    write: OwnedFd,
}

impl Wake {
    pub(in crate::wasi) fn new() -> io::Result<Wake> {
        #[cfg(target_os = "linux")]
        {
            use rustix::event::{EventfdFlags, eventfd};
            Ok(Wake {
                read: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            })
        }
        #[cfg(not(target_os = "linux"))]
        {
            let (read, write) = rustix::pipe::pipe()?;
            for end in [&read, &write] {
                rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
                rustix::fs::fcntl_setfl(end, rustix::fs::OFlags::NONBLOCK)?;
            }
            Ok(Wake { read, write })
        }
    }

    /// Ends the wait that is going on, or the next one. Needs no lock, and cannot block.
    pub(in crate::wasi) fn notify(&self) {
        #[cfg(target_os = "linux")]
        let end = self.read.as_fd();
        #[cfg(not(target_os = "linux"))]
        let end = self.write.as_fd();
        // A full counter or pipe is notified already, so that a failure changes nothing.
        let _ = rustix::io::write(end, &1u64.to_ne_bytes());
    }

    /// Forgets notifications.
    pub(in crate::wasi) fn clear(&self) {
        let mut sink = [0u8; 64];
        while rustix::io::read(&self.read, &mut sink).is_ok_and(|count| count == sink.len()) {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_notification_ends_a_wait() {
        let wake = Arc::new(Wake::new().unwrap());
        let other = wake.clone();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            other.notify();
        });
        assert!(wait(&mut [], Some(Duration::from_secs(20)), Some(&wake)).unwrap());
        thread.join().unwrap();
        wake.clear();
        let start = Instant::now();
        assert!(!wait(&mut [], Some(Duration::from_millis(10)), Some(&wake)).unwrap());
        assert!(start.elapsed() >= Duration::from_millis(10));
    }

    #[test]
    fn the_longest_wait_a_guest_can_ask_for_is_accepted() {
        let wake = Wake::new().unwrap();
        wake.notify();
        assert!(wait(&mut [], Some(Duration::from_nanos(u64::MAX)), Some(&wake)).unwrap());
    }
}
