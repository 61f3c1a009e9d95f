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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::testing::{Guest, MEMORY, plain};

    #[test]
    fn the_range_and_nothing_else_is_filled() {
        let mut guest = Guest::new(plain());
        assert_eq!(guest.call(|cx| get(cx, Ptr(0x10), 32)), Ok(()));
        assert_ne!(guest.bytes(0x10, 32), [b'?'; 32]);
        assert_eq!((guest.bytes(0xf, 1), guest.bytes(0x30, 1)), (vec![b'?'], vec![b'?']));
        let first = guest.bytes(0x10, 32);
        assert_eq!(guest.call(|cx| get(cx, Ptr(0x10), 32)), Ok(()));
        assert_ne!(guest.bytes(0x10, 32), first);
        assert_eq!(guest.call(|cx| get(cx, Ptr(0x100), 0)), Ok(()));
        guest.expect(0x100, b"????");
    }

    #[test]
    fn the_range_is_checked_before_a_byte_is_written() {
        let mut guest = Guest::new(plain());
        assert_eq!(guest.call(|cx| get(cx, Ptr(MEMORY - 8), 8)), Ok(()));
        for (buf, len) in [(0x10, u32::MAX), (MEMORY - 7, 8), (u32::MAX, u32::MAX), (u32::MAX, 1)] {
            assert_eq!(guest.call(|cx| get(cx, Ptr(buf), len)), Err(Errno::Fault));
        }
        guest.expect(0x10, b"????????");
    }
}
