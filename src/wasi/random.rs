//! `random_get`: random bytes.

use std::io;

use super::abi::{Errno, Ptr, Size};
use super::call::{Call, Stop};

/// Bytes got from the source at once: between two chunks a request to stop is seen. A multiple of 8, so that what a seed
/// gives does not depend on it.
const CHUNK: u64 = 1 << 20;

/// How far an interrupted call came.
struct Filled(u64);

/// What an embedder fills bytes with.
type Fill = dyn FnMut(&mut [u8]) -> io::Result<()> + Send;

/// Where random bytes come from.
pub(super) enum Random {
    /// The operating system's generator.
    Host,
    /// A seed: the same bytes each time, and nothing secret about them.
    Seeded(Xoshiro256),
    /// The embedder's.
    Embedder(Box<Fill>),
}

impl Random {
    pub(super) fn seeded(seed: u64) -> Random {
        Random::Seeded(Xoshiro256::new(seed))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        match self {
            Random::Host => getrandom::fill(bytes).map_err(|_| Errno::Io),
            Random::Seeded(generator) => {
                generator.fill(bytes);
                Ok(())
            }
            Random::Embedder(fill) => Ok(fill(bytes)?),
        }
    }
}

/// xoshiro256++ 1.0 of Blackman and Vigna, its state made from the seed by splitmix64: what a seed gives is the same on
/// every machine and in every release. Not for secrets.
pub(super) struct Xoshiro256([u64; 4]);

impl Xoshiro256 {
    fn new(seed: u64) -> Xoshiro256 {
        let mut state = seed;
        Xoshiro256(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ mixed >> 31
        }))
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// Each call begins with a new word.
    fn fill(&mut self, bytes: &mut [u8]) {
        for word in bytes.chunks_mut(8) {
            let random = self.next().to_le_bytes();
            word.iter_mut().zip(random).for_each(|(byte, random)| *byte = random);
        }
    }
}

/// `random_get`: fills `buf_len` bytes from `buf` with random ones, from the operating system's generator unless the
/// embedder says otherwise.
///
/// # Errors
/// `fault` if the range leaves the memory; nothing is written then. `io` if the host has no randomness: weaker bytes
/// are never given instead.
pub(super) fn get(cx: &mut Call<'_>, buf: Ptr, buf_len: Size) -> Result<(), Stop> {
    let len = u64::from(buf_len);
    cx.memory().check(buf, len)?;
    let mut done = cx.take_state::<Filled>().map_or(0, |filled| filled.0);
    while done < len {
        let part = CHUNK.min(len - done);
        let random = &mut cx.ctx.random;
        cx.host.memory().fill(buf, done, part, |bytes| random.fill(bytes))?;
        done += part;
        // After a chunk, so that a call gets on however often it is interrupted.
        if done < len && cx.host.interrupt().requested() {
            return Err(cx.interrupted(Filled(done)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::WasiEnv;
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

    #[test]
    fn a_seed_gives_the_same_bytes_each_time_and_another_one_others() {
        let bytes = |seed| {
            let mut guest = Guest::new(WasiEnv::builder().random_seed(seed).build());
            assert_eq!(guest.call(|cx| get(cx, Ptr(0x10), 100)), Ok(()));
            assert_eq!(guest.call(|cx| get(cx, Ptr(0x74), 3)), Ok(()));
            guest.bytes(0x10, 103)
        };
        assert_eq!(bytes(7), bytes(7));
        assert_ne!(bytes(7), bytes(8));
        // The reference implementation's first words for this seed.
        let first: Vec<u64> = {
            let mut generator = Xoshiro256::new(0);
            (0..2).map(|_| generator.next()).collect()
        };
        assert_eq!(first, [0x53175d61490b23df, 0x61da6f3dc380d507]);
        assert_eq!(bytes(0)[..8], 0x53175d61490b23df_u64.to_le_bytes());
    }

    #[test]
    fn every_byte_is_about_as_frequent_whatever_the_source() {
        for mut random in [Random::Host, Random::seeded(0), Random::seeded(u64::MAX)] {
            let mut bytes = vec![0; 1 << 20];
            assert_eq!(random.fill(&mut bytes), Ok(()));
            let mut counts = [0u32; 256];
            bytes.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
            // 4096 are expected of each; the standard deviation is 64.
            assert!(counts.iter().all(|count| (3600..4600).contains(count)), "{counts:?}");
        }
    }

    #[test]
    fn an_embedders_source_may_fail() {
        let env = WasiEnv::builder().random(|bytes| {
            bytes.fill(7);
            if bytes.len() > 4 {
                Err(io::ErrorKind::Other.into())
            } else {
                Ok(())
            }
        });
        let mut guest = Guest::new(env.build());
        assert_eq!(guest.call(|cx| get(cx, Ptr(0x10), 4)), Ok(()));
        guest.expect(0x10, &[7; 4]);
        assert_eq!(guest.call(|cx| get(cx, Ptr(0x10), 5)), Err(Errno::Io));
    }

    #[test]
    fn an_interrupted_call_goes_on_where_it_stood() {
        let pages = 64;
        let mut guest = Guest::with_pages(WasiEnv::builder().random_seed(1).build(), pages);
        let len = pages * 0x1_0000;
        let plain = |guest: &mut Guest| guest.call(|cx| get(cx, Ptr(0), len));
        assert_eq!(plain(&mut guest), Ok(()));
        let expected = guest.bytes(0, len);
        // The request is there from the start: it is seen after the first chunk, and between any two.
        let mut guest = Guest::with_pages(WasiEnv::builder().random_seed(1).build(), pages);
        let mut rounds = 0;
        loop {
            guest.interrupt_handle().interrupt();
            match guest.stop(|cx| get(cx, Ptr(0), len)) {
                Err(Stop::Interrupted) => rounds += 1,
                other => {
                    assert!(matches!(other, Ok(())), "{other:?}");
                    break;
                }
            }
            guest.resume();
        }
        assert!(rounds > 1, "{rounds}");
        assert!(guest.bytes(0, len) == expected);
    }
}
