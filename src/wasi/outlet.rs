//! What an output stream passes through on its way out of the guest: the limit of `max_output`, and the filter before a
//! terminal. Streams that need neither have no outlet.

use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::abi::Errno;
use super::terminal::Filter;

/// Bytes filtered at once, so that what waits for a slow terminal is little.
const PART: usize = 1024;

/// How many bytes all output streams of a guest may still write.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicU64,
    exceeded: AtomicBool,
}

impl Budget {
    pub(super) fn new(bytes: u64) -> Budget {
        Budget {
            left: AtomicU64::new(bytes),
            exceeded: AtomicBool::new(false),
        }
    }

    /// Whether bytes were refused.
    pub(super) fn exceeded(&self) -> bool {
        self.exceeded.load(Relaxed)
    }

    /// Bytes of `wanted` that may be written.
    ///
    /// # Errors
    /// `nospc` when none of some may be.
    fn allow(&self, wanted: u64) -> Result<u64, Errno> {
        let allowed = wanted.min(self.left.load(Relaxed));
        if allowed < wanted {
            self.exceeded.store(true, Relaxed);
        }
        if allowed == 0 && wanted > 0 {
            return Err(Errno::Nospc);
        }
        Ok(allowed)
    }

    fn spend(&self, bytes: usize) {
        // The environment is locked during a call: nobody else spends between `allow` and this.
        self.left.fetch_sub(bytes as u64, Relaxed);
    }
}

/// See the module.
pub(super) struct Outlet {
    budget: Option<Arc<Budget>>,
    filter: Option<Filter>,
    /// What came out of the filter and was not written yet.
    ready: Vec<u8>,
}

impl Outlet {
    /// The outlet of a stream, if it needs one.
    pub(super) fn new(budget: Option<Arc<Budget>>, filtered: bool) -> Option<Box<Outlet>> {
        let filter = filtered.then(Filter::default);
        (budget.is_some() || filtered).then(|| {
            Box::new(Outlet {
                budget,
                filter,
                ready: Vec::new(),
            })
        })
    }

    /// Whether something of what the guest wrote was not written yet.
    pub(super) fn holds(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Writes what is allowed of `bufs`, once, by `sink`, and returns how many bytes of the guest's that is.
    ///
    /// # Errors
    /// `nospc` when the limit is reached, and those of `sink`.
    pub(super) fn write(
        &mut self,
        bufs: &[IoSlice<'_>],
        mut sink: impl FnMut(&[IoSlice<'_>]) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        self.drain(&mut sink)?;
        let wanted: usize = bufs.iter().map(|buf| buf.len()).sum();
        let allowed = match &self.budget {
            Some(budget) => budget.allow(wanted as u64)? as usize,
            None => wanted,
        };
        let written = match &mut self.filter {
            None if allowed == wanted => sink(bufs)?,
            None => sink(&cut(bufs, allowed))?,
            Some(filter) => {
                let part = cut(bufs, allowed.min(PART));
                part.iter().for_each(|buf| filter.feed(buf, &mut self.ready));
                match self.drain(&mut sink) {
                    // It is taken from the guest, and goes out before anything else does.
                    Ok(()) | Err(Errno::Again) => part.iter().map(|buf| buf.len()).sum(),
                    Err(errno) => return Err(errno),
                }
            }
        };
        if let Some(budget) = &self.budget {
            budget.spend(written);
        }
        Ok(written)
    }

    /// Writes what is ready.
    fn drain(&mut self, sink: &mut impl FnMut(&[IoSlice<'_>]) -> Result<usize, Errno>) -> Result<(), Errno> {
        while !self.ready.is_empty() {
            let count = sink(&[IoSlice::new(&self.ready)])?.min(self.ready.len());
            self.ready.drain(..count);
        }
        Ok(())
    }
}

/// The first `most` bytes of `bufs`.
fn cut<'a>(bufs: &'a [IoSlice<'_>], most: usize) -> Vec<IoSlice<'a>> {
    let mut left = most;
    let mut parts = Vec::new();
    for buf in bufs.iter().take_while(|_| most > 0) {
        let part = buf.get(..left.min(buf.len())).unwrap_or_default();
        left -= part.len();
        parts.push(IoSlice::new(part));
        if left == 0 {
            break;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_cuts_a_write_and_refuses_the_next() {
        let budget = Arc::new(Budget::new(5));
        let mut stdout = Outlet::new(Some(budget.clone()), false).unwrap();
        let mut stderr = Outlet::new(Some(budget.clone()), false).unwrap();
        let mut seen = Vec::new();
        let mut sink = |bufs: &[IoSlice<'_>]| {
            bufs.iter().for_each(|buf| seen.extend_from_slice(buf));
            Ok(bufs.iter().map(|buf| buf.len()).sum())
        };
        assert_eq!(stdout.write(&[IoSlice::new(b"ab")], &mut sink), Ok(2));
        assert!(!budget.exceeded());
        assert_eq!(
            stderr.write(&[IoSlice::new(b"cd"), IoSlice::new(b"efg")], &mut sink),
            Ok(3)
        );
        assert!(budget.exceeded());
        assert_eq!(stdout.write(&[IoSlice::new(b"x")], &mut sink), Err(Errno::Nospc));
        assert_eq!(stdout.write(&[IoSlice::new(b"")], &mut sink), Ok(0));
        assert_eq!(seen, b"abcde");
    }

    #[test]
    fn what_a_slow_terminal_does_not_take_goes_out_first() {
        let mut outlet = Outlet::new(None, true).unwrap();
        let mut seen = Vec::new();
        let mut room = 3;
        let mut write = |outlet: &mut Outlet, text: &[u8], more: usize| {
            room += more;
            outlet.write(&[IoSlice::new(text)], |bufs| {
                let part = &bufs[0][..room.min(bufs[0].len())];
                room -= part.len();
                seen.extend_from_slice(part);
                if part.is_empty() {
                    Err(Errno::Again)
                } else {
                    Ok(part.len())
                }
            })
        };
        assert_eq!(write(&mut outlet, b"abcde", 0), Ok(5), "taken");
        assert!(outlet.holds());
        assert_eq!(write(&mut outlet, b"f", 0), Err(Errno::Again));
        assert_eq!(write(&mut outlet, b"f\0", 10), Ok(2));
        assert!(!outlet.holds());
        assert_eq!(seen, b"abcdef^@");
    }
}
