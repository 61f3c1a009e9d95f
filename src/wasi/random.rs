//! `random_get`: random bytes.

use super::abi::{Errno, Ptr, Size};
use super::call::{Call, Stop};

/// Bytes got from the host at once: between two chunks a request to stop is seen.
const CHUNK: u64 = 1 << 20;

/// How far an interrupted call came.
struct Filled(u64);

/// `random_get`: fills `buf_len` bytes from `buf` with random ones, from the operating system's generator.
///
/// # Errors
/// `fault` if the range leaves the memory; nothing is written then. `io` if the host has no randomness: weaker bytes
/// are never given instead.
pub(super) fn get(cx: &mut Call<'_>, buf: Ptr, buf_len: Size) -> Result<(), Stop> {
    let len = u64::from(buf_len);
    cx.memory().check(buf, len)?;
    let mut done = cx.take_state::<Filled>().map_or(0, |filled| filled.0);
    while done < len {
        if done > 0 && cx.host.interrupt().requested() {
            return Err(cx.interrupted(Filled(done)));
        }
        let part = CHUNK.min(len - done);
        cx.memory()
            .fill(buf, done, part, |bytes| getrandom::fill(bytes).map_err(|_| Errno::Io))?;
        done += part;
    }
    Ok(())
}
