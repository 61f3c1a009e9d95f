//! What stands behind descriptors 0, 1 and 2 when it is not the host's own stream.

use std::fmt;
use std::fs::File;
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
    File(File),
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

    /// A file, pipe or terminal, as if the program had been started with it as its standard input.
    pub fn file(file: File) -> Stdin {
        Stdin(Source::File(file))
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
            Source::File(_) => "Stdin::file",
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

/// Which of a program's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Bytes a program wrote to one stream before it wrote to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputChunk {
    /// Where it wrote them.
    pub stream: OutputStream,
    /// What it wrote, in one or several calls.
    pub bytes: Vec<u8>,
}

/// Output kept in memory. Clones are the same buffers, so that the embedder reads what the guest wrote whenever it
/// likes: while the guest runs, and after it trapped.
#[derive(Clone)]
pub(super) struct Capture {
    stream: OutputStream,
    kept: Arc<Mutex<Kept>>,
}

/// What both streams have kept, and in which order.
struct Kept {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// Bytes written before the stream changed, as LEB128, the first to standard output (maybe none), the next to
    /// standard error, and so on: a byte or two for each change, so that the order takes no more than the output.
    runs: Vec<u8>,
    /// The stream written to last, and how many bytes without a change.
    last: (OutputStream, u64),
    /// Bytes kept of each stream.
    limit: u64,
    truncated: bool,
}

impl Capture {
    /// Captures for standard output and standard error.
    pub(super) fn pair(limit: u64) -> (Capture, Capture) {
        let kept = Arc::new(Mutex::new(Kept {
            stdout: Vec::new(),
            stderr: Vec::new(),
            runs: Vec::new(),
            last: (OutputStream::Stdout, 0),
            limit,
            truncated: false,
        }));
        let capture = |stream| Capture {
            stream,
            kept: kept.clone(),
        };
        (capture(OutputStream::Stdout), capture(OutputStream::Stderr))
    }

    fn with<R>(&self, look: impl FnOnce(&mut Kept) -> R) -> R {
        look(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets the limit of both streams.
    pub(super) fn set_limit(&self, limit: u64) {
        self.with(|kept| kept.limit = limit);
    }

    /// What was written to this stream so far.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.with(|kept| kept.stream(self.stream).clone())
    }

    /// What was written to both streams so far, in the order of the calls.
    pub(super) fn chunks(&self) -> Vec<OutputChunk> {
        self.with(|kept| kept.chunks())
    }

    /// Whether bytes were refused, of either stream, because of the limit.
    pub(super) fn truncated(&self) -> bool {
        self.with(|kept| kept.truncated)
    }

    /// Appends what fits, and returns how many bytes that is.
    ///
    /// # Errors
    /// `nospc` when nothing fits any more.
    pub(super) fn write(&self, bufs: &[IoSlice<'_>]) -> Result<usize, Errno> {
        self.with(|kept| {
            let mut written = 0;
            for buf in bufs {
                let room = kept.limit.saturating_sub(kept.stream(self.stream).len() as u64);
                let fits = (buf.len() as u64).min(room) as usize;
                kept.append(self.stream, buf.get(..fits).unwrap_or_default())?;
                written += fits;
                if fits < buf.len() {
                    kept.truncated = true;
                    return if written > 0 { Ok(written) } else { Err(Errno::Nospc) };
                }
            }
            Ok(written)
        })
    }
}

impl Kept {
    fn stream(&mut self, stream: OutputStream) -> &mut Vec<u8> {
        match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        }
    }

    fn append(&mut self, stream: OutputStream, bytes: &[u8]) -> Result<(), Errno> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.stream(stream).try_reserve(bytes.len()).map_err(|_| Errno::Nomem)?;
        self.stream(stream).extend_from_slice(bytes);
        let (last, count) = &mut self.last;
        if *last == stream {
            *count += bytes.len() as u64;
        } else {
            // Writing to a vector does not fail.
            let _ = leb128::write::unsigned(&mut self.runs, *count);
            self.last = (stream, bytes.len() as u64);
        }
        Ok(())
    }

    fn chunks(&self) -> Vec<OutputChunk> {
        let (mut stdout, mut stderr) = (self.stdout.as_slice(), self.stderr.as_slice());
        let mut chunks = Vec::new();
        let mut runs = self.runs.as_slice();
        let mut stream = OutputStream::Stdout;
        loop {
            let run = leb128::read::unsigned(&mut runs);
            // What follows the last change is not among the runs yet.
            let count = run.as_ref().map_or(self.last.1, |count| *count) as usize;
            let (rest, next) = match stream {
                OutputStream::Stdout => (&mut stdout, OutputStream::Stderr),
                OutputStream::Stderr => (&mut stderr, OutputStream::Stdout),
            };
            let (bytes, left) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            *rest = left;
            if !bytes.is_empty() {
                let bytes = bytes.to_vec();
                chunks.push(OutputChunk { stream, bytes });
            }
            if run.is_err() {
                return chunks;
            }
            stream = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_capture_takes_what_fits_and_then_nothing() {
        let (capture, other) = Capture::pair(5);
        let text = [IoSlice::new(b"abc"), IoSlice::new(b""), IoSlice::new(b"defg")];
        assert_eq!(capture.write(&text), Ok(5));
        assert!(capture.truncated());
        assert_eq!(capture.write(&text), Err(Errno::Nospc));
        assert_eq!(capture.write(&[IoSlice::new(b"")]), Ok(0));
        assert_eq!(capture.bytes(), b"abcde");
        assert_eq!(other.write(&[IoSlice::new(b"x")]), Ok(1), "each has a limit of its own");
    }

    #[test]
    fn both_streams_come_back_in_the_order_of_the_calls() {
        use OutputStream::{Stderr, Stdout};
        let (stdout, stderr) = Capture::pair(1 << 20);
        assert_eq!(stdout.chunks(), []);
        let long = vec![b'x'; 300];
        for (capture, text) in [
            (&stderr, &b"e1"[..]),
            (&stdout, b"o1"),
            (&stdout, b"o2"),
            (&stderr, b""),
            (&stdout, b"o3"),
            (&stderr, &long),
            (&stdout, b"o4"),
        ] {
            capture.write(&[IoSlice::new(text)]).unwrap();
        }
        let chunks: Vec<_> = stdout
            .chunks()
            .into_iter()
            .map(|chunk| (chunk.stream, chunk.bytes))
            .collect();
        let expected = [
            (Stderr, &b"e1"[..]),
            (Stdout, b"o1o2o3"),
            (Stderr, &long),
            (Stdout, b"o4"),
        ];
        assert_eq!(chunks, expected.map(|(stream, bytes)| (stream, bytes.to_vec())));
        assert_eq!(stderr.chunks(), stdout.chunks());
    }

    #[test]
    fn the_order_of_many_small_writes_takes_little() {
        let (stdout, stderr) = Capture::pair(1 << 20);
        for _ in 0..1000 {
            stdout.write(&[IoSlice::new(b"o")]).unwrap();
            stderr.write(&[IoSlice::new(b"e")]).unwrap();
        }
        assert_eq!(stdout.chunks().len(), 2000);
        assert_eq!(stdout.with(|kept| kept.runs.len()), 1999);
    }
}
