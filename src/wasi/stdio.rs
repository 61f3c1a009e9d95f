//! What stands behind descriptors 0, 1 and 2 when it is not the host's own stream.

use std::fmt;
use std::io::{IoSlice, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::abi::Errno;

/// Bytes of output kept per stream, unless the embedder says otherwise: 64 MiB.
pub(super) const DEFAULT_CAPTURE_LIMIT: u64 = 64 << 20;

/// Where a guest's standard input comes from. Bytes and text convert into it.
pub struct Stdin(pub(super) Source);

pub(super) enum Source {
    Empty,
    Inherit,
    Bytes(Vec<u8>),
    Reader(Box<dyn Read + Send>),
}

impl Stdin {
    /// Ends at once.
    pub fn empty() -> Stdin {
        Stdin(Source::Empty)
    }

    /// This process's standard input.
    pub fn inherit() -> Stdin {
        Stdin(Source::Inherit)
    }

    /// Whatever `reader` gives. A read that waits inside `reader` cannot be interrupted, and `poll_oneoff` takes it
    /// for ready always.
    pub fn reader(reader: impl Read + Send + 'static) -> Stdin {
        Stdin(Source::Reader(Box::new(reader)))
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Empty => "Stdin::empty",
            Source::Inherit => "Stdin::inherit",
            Source::Bytes(_) => "Stdin (bytes)",
            Source::Reader(_) => "Stdin::reader",
        })
    }
}

impl From<Vec<u8>> for Stdin {
    fn from(bytes: Vec<u8>) -> Stdin {
        Stdin(Source::Bytes(bytes))
    }
}

impl From<&[u8]> for Stdin {
    fn from(bytes: &[u8]) -> Stdin {
        bytes.to_vec().into()
    }
}

impl<const N: usize> From<&[u8; N]> for Stdin {
    fn from(bytes: &[u8; N]) -> Stdin {
        bytes.to_vec().into()
    }
}

impl From<String> for Stdin {
    fn from(text: String) -> Stdin {
        text.into_bytes().into()
    }
}

impl From<&str> for Stdin {
    fn from(text: &str) -> Stdin {
        text.as_bytes().into()
    }
}

/// Output kept in memory. Clones are the same buffer, so that the embedder reads what the guest wrote whenever it
/// likes: while the guest runs, and after it trapped.
#[derive(Clone)]
pub(super) struct Capture(Arc<Mutex<Captured>>);

struct Captured {
    bytes: Vec<u8>,
    limit: u64,
    truncated: bool,
}

impl Capture {
    pub(super) fn new(limit: u64) -> Capture {
        Capture(Arc::new(Mutex::new(Captured {
            bytes: Vec::new(),
            limit,
            truncated: false,
        })))
    }

    fn with<R>(&self, look: impl FnOnce(&mut Captured) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_limit(&self, limit: u64) {
        self.with(|captured| captured.limit = limit);
    }

    /// What was written so far.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.with(|captured| captured.bytes.clone())
    }

    /// Whether bytes were refused because of the limit.
    pub(super) fn truncated(&self) -> bool {
        self.with(|captured| captured.truncated)
    }

    /// Appends what fits, and returns how many bytes that is.
    ///
    /// # Errors
    /// `nospc` when nothing fits any more.
    pub(super) fn write(&self, bufs: &[IoSlice<'_>]) -> Result<usize, Errno> {
        self.with(|captured| {
            let mut written = 0;
            for buf in bufs {
                let room = captured.limit.saturating_sub(captured.bytes.len() as u64);
                let fits = (buf.len() as u64).min(room) as usize;
                let part = buf.get(..fits).unwrap_or_default();
                captured.bytes.try_reserve(part.len()).map_err(|_| Errno::Nomem)?;
                captured.bytes.extend_from_slice(part);
                written += fits;
                if fits < buf.len() {
                    captured.truncated = true;
                    return if written > 0 { Ok(written) } else { Err(Errno::Nospc) };
                }
            }
            Ok(written)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_capture_takes_what_fits_and_then_nothing() {
        let capture = Capture::new(5);
        let text = [IoSlice::new(b"abc"), IoSlice::new(b""), IoSlice::new(b"defg")];
        assert_eq!(capture.write(&text), Ok(5));
        assert!(capture.truncated());
        assert_eq!(capture.write(&text), Err(Errno::Nospc));
        assert_eq!(capture.write(&[IoSlice::new(b"")]), Ok(0));
        assert_eq!(capture.bytes(), b"abcde");
    }
}
