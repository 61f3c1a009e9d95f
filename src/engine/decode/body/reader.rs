//! The bytes of a body, and the numbers in them. `None`: not what wasmparser would read.

/// The bytes of a body.
pub(super) struct Reader<'b> {
    pub bytes: &'b [u8],
    pub at: usize,
}

impl Reader<'_> {
    #[inline(always)]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline(always)]
    pub fn byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.at += count;
        (self.at <= self.bytes.len()).then_some(())
    }

    /// Spec: binary/values.html#integers
    #[inline(always)]
    pub fn u32(&mut self) -> Option<u32> {
        let byte = self.byte()?;
        if byte < 0x80 {
            return Some(u32::from(byte));
        }
        self.long_u32(u32::from(byte & 0x7f))
    }

    fn long_u32(&mut self, mut value: u32) -> Option<u32> {
        for shift in [7, 14, 21, 28] {
            let byte = self.byte()?;
            // Of the fifth byte four bits are left.
            if shift == 28 && byte > 0x0f {
                return None;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A signed integer of 32, 33 or 64 bits.
    #[inline(always)]
    pub fn signed(&mut self, bits: u32) -> Option<i64> {
        let byte = self.byte()?;
        if byte < 0x80 {
            return Some(i64::from((byte << 1) as i8 >> 1));
        }
        self.long_signed(bits, i64::from(byte & 0x7f))
    }

    fn long_signed(&mut self, bits: u32, mut value: i64) -> Option<i64> {
        let mut shift = 7;
        loop {
            let byte = self.byte()?;
            let left = bits - shift;
            if left < 7 {
                // The last byte there may be: its unused bits are copies of the sign.
                let sign = (byte << 1) as i8 >> left;
                if byte >= 0x80 || (sign != 0 && sign != -1) {
                    return None;
                }
            }
            value |= i64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                let unused = 64u32.saturating_sub(shift);
                return Some(value << unused >> unused);
            }
        }
    }
}
