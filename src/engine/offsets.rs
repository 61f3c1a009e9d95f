//! Code position → byte offset in the module, delta-coded with leb128: two small numbers per instruction.

/// Where the instructions of one function came from.
pub(crate) struct OffsetMap {
    /// Pairs: words since the previous instruction (unsigned), bytes since its origin (signed).
    bytes: Vec<u8>,
}

impl OffsetMap {
    /// From pairs of word index and byte offset, in the order of the words.
    pub(crate) fn new(pairs: impl IntoIterator<Item = (u32, u32)>) -> OffsetMap {
        let mut bytes = Vec::new();
        let (mut last_word, mut last_offset) = (0, 0i64);
        for (word, offset) in pairs {
            leb128::write::unsigned(&mut bytes, (word - last_word) as u64).expect("a vector takes every byte");
            leb128::write::signed(&mut bytes, offset as i64 - last_offset).expect("a vector takes every byte");
            (last_word, last_offset) = (word, offset as i64);
        }
        OffsetMap { bytes }
    }

    /// The byte offset of the instruction that covers `word`: the last one that begins at or before it.
    pub(crate) fn get(&self, word: u32) -> Option<u32> {
        let mut rest = &self.bytes[..];
        let (mut at, mut offset) = (0u64, 0i64);
        let mut found = None;
        while !rest.is_empty() {
            at += leb128::read::unsigned(&mut rest).ok()?;
            offset += leb128::read::signed(&mut rest).ok()?;
            if at > word as u64 {
                break;
            }
            found = Some(offset as u32);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_instruction_that_covers_a_word() {
        let map = OffsetMap::new([(0, 100), (3, 107), (5, 103), (500, 4_000_000)]);
        assert_eq!(map.get(0), Some(100));
        assert_eq!(map.get(4), Some(107));
        assert_eq!(map.get(5), Some(103));
        assert_eq!(map.get(499), Some(103));
        assert_eq!(map.get(9999), Some(4_000_000));
        assert_eq!(OffsetMap::new([]).get(0), None);
    }
}
