//! Counts executed instructions with what was executed before them. Only in builds with the feature `stats`.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Counts by the addresses of three consecutive instructions.
#[derive(Default)]
pub(crate) struct Profile {
    counts: HashMap<[usize; 3], u64, BuildHasherDefault<AddressHasher>>,
    before: [usize; 2],
}

impl Profile {
    /// The instruction at `ip` is about to be executed.
    #[inline]
    pub(crate) fn count(&mut self, ip: usize) {
        let [first, second] = self.before;
        *self.counts.entry([first, second, ip]).or_default() += 1;
        self.before = [second, ip];
    }

    /// Addresses of three instructions in the order of execution (0: nothing was before), and how often.
    pub(crate) fn triples(&self) -> impl Iterator<Item = ([usize; 3], u64)> {
        self.counts.iter().map(|(&ips, &count)| (ips, count))
    }
}

/// A hash for addresses: this is on the way of every instruction.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = (self.0.rotate_left(20) ^ u64::from_ne_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }
}
