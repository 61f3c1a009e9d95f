//! What may reach a terminal: text, colours, and moving the cursor.
//!
//! A terminal obeys what is printed on it: escape sequences set its title and the clipboard, make it type answers that the
//! shell reads as input, or hide what was printed before. So what a guest prints there passes through a [`Filter`]:
//!
//! | What | Becomes |
//! |---|---|
//! | printable text in UTF-8, tab, new line, return, backspace, bell | itself |
//! | `CSI … m` (colours), cursor movement (`CSI` with A-H, d, f), `CSI … K` (the rest of the line) | itself |
//! | any other complete `CSI` sequence | nothing |
//! | ESC before anything else: OSC, DCS, APC, PM, SOS, charsets, resets | `^[` and what follows, as text |
//! | other control characters | `^` and a letter |
//! | C1 control characters, bytes that are not UTF-8 | U+FFFD |
//!
//! A sequence that is cut off by the end of a write is held back until the rest of it comes: two streams that lead to
//! the same terminal cannot put one together, and no part of one is printed that is not known to be harmless.

/// The longest sequence that is waited for the end of. What is allowed is shorter.
const MAX_HELD: usize = 64;

/// Takes the power out of a stream of bytes for a terminal.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// The beginning of an escape sequence or of a character.
    held: Vec<u8>,
}

impl Filter {
    /// Appends to `out` what may be printed of `bytes`.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            // A byte that ends what is held without belonging to it is looked at again on its own.
            while !self.take(byte, out) {}
        }
    }

    /// Looks at a byte; false if it only ended what was held.
    fn take(&mut self, byte: u8, out: &mut Vec<u8>) -> bool {
        match (self.held.as_slice(), byte) {
            ([], 0x1b) | ([], 0xc2..=0xf4) => self.held.push(byte),
            ([], b' '..=b'~' | b'\t' | b'\n' | b'\r' | 0x07 | 0x08) => out.push(byte),
            ([], 0x00..=0x7f) => out.extend([b'^', byte ^ 0x40]),
            ([], _) => replace(out),
            ([0x1b], b'[') => self.held.push(byte),
            // Parameters and intermediates.
            ([0x1b, _, ..], 0x20..=0x3f) if self.held.len() < MAX_HELD => self.held.push(byte),
            ([0x1b, _, parameters @ ..], 0x40..=0x7e) => {
                let plain = |byte: &u8| matches!(byte, b'0'..=b'9' | b';' | b':');
                if matches!(byte, b'm' | b'A'..=b'H' | b'd' | b'f' | b'K') && parameters.iter().all(plain) {
                    out.extend(&self.held);
                    out.push(byte);
                }
                self.held.clear();
            }
            ([0x1b, rest @ ..], _) => {
                out.extend(b"^[");
                out.extend(rest);
                self.held.clear();
                return false;
            }
            _ => return self.take_utf8(byte, out),
        }
        true
    }

    /// Looks at a byte that should go on with the character that is held.
    fn take_utf8(&mut self, byte: u8, out: &mut Vec<u8>) -> bool {
        self.held.push(byte);
        let belongs = match std::str::from_utf8(&self.held) {
            // U+0080 to U+009F are the C1 controls: another way to write ESC and a letter.
            Ok(text) if text.chars().all(char::is_control) => {
                replace(out);
                true
            }
            Ok(text) => {
                out.extend(text.bytes());
                true
            }
            Err(err) if err.error_len().is_none() => return true,
            Err(_) => {
                replace(out);
                false
            }
        };
        self.held.clear();
        belongs
    }
}

fn replace(out: &mut Vec<u8>) {
    out.extend("\u{fffd}".bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(parts: &[&[u8]]) -> String {
        let (mut filter, mut out) = (Filter::default(), Vec::new());
        for part in parts {
            filter.feed(part, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    /// The same whether it comes at once or byte by byte.
    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(filtered(&[bytes]), expected);
        assert_eq!(filtered(&bytes.chunks(1).collect::<Vec<_>>()), expected, "byte by byte");
    }

    #[test]
    fn text_colours_and_cursor_movement_pass() {
        for text in [
            "plain\ttext\r\n",
            "größe → 大 🦀 \u{200d}",
            "\x1b[1;31mred\x1b[0m \x1b[m \x1b[38:2:1:2:3m",
            "\x1b[2A\x1b[10;20H\x1b[5G\x1b[K\x1b[2K\x08\x07",
        ] {
            check(text.as_bytes(), text);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_or_dropped() {
        check(b"\x1b]0;title\x07", "^[]0;title\x07");
        check(b"\x1b]52;c;Y29weQ==\x1b\\", "^[]52;c;Y29weQ==^[\\");
        check(
            b"\x1bP$q\"p\x1b\\\x1b_G\x1b\\\x1b^x\x1bX",
            "^[P$q\"p^[\\^[_G^[\\^[^x^[X",
        );
        check(b"\x1bc\x1b7\x1b(0", "^[c^[7^[(0");
        // Questions that the terminal answers as if they were typed, windows, modes, clearing.
        check(b"a\x1b[6n\x1b[c\x1b[>c\x1b[21t\x1b[?1049h\x1b[2J\x1b[3J\x1b[4iz", "az");
        // Private parameters and intermediates make other sequences of the same letters.
        check(b"a\x1b[>4;2m\x1b[?5m\x1b[1 A\x1b[=1;1f\x1b[1$Kz", "az");
        check(b"\0\x05\x0e\x0f\x7f", "^@^E^N^O^?");
    }

    #[test]
    fn c1_controls_are_replaced_in_both_forms() {
        check(b"\x9b2J\x9d0;t\x9c", "\u{fffd}2J\u{fffd}0;t\u{fffd}");
        check("\u{9b}2J\u{85}\u{a0}é".as_bytes(), "\u{fffd}2J\u{fffd}\u{a0}é");
    }

    #[test]
    fn broken_sequences_end_where_they_break() {
        check(b"\x1b\x1b[31m", "^[\x1b[31m");
        check(b"\x1b[3\n1m", "^[[3\n1m");
        check(b"\x1b[1\xc3\xa4m", "^[[1äm");
        check(b"\xe2\x82x\xc3\x1b[31m\xff", "\u{fffd}x\u{fffd}\x1b[31m\u{fffd}");
        // Surrogates, overlong forms and numbers past the last character are not UTF-8.
        assert!(
            filtered(&[b"\xed\xa0\x80\xc0\x9b\xf4\x90\x80\x80"])
                .chars()
                .all(|c| c == '\u{fffd}')
        );
        let long = [&b"\x1b["[..], &[b'1'; 200], b"m"].concat();
        assert!(filtered(&[&long]).starts_with("^[[111"));
    }

    #[test]
    fn what_is_cut_off_waits_for_its_rest() {
        assert_eq!(filtered(&[b"a\x1b"]), "a");
        assert_eq!(filtered(&[b"a\x1b[3", b"1mb"]), "a\x1b[31mb");
        assert_eq!(filtered(&[b"\xf0\x9f", b"\xa6", b"\x80"]), "🦀");
        // Two streams to one terminal: what each holds back, the other cannot complete.
        assert_eq!(filtered(&[b"\x1b"]) + &filtered(&[b"]0;evil\x07"]), "]0;evil\x07");
    }

    #[test]
    fn nothing_that_steers_comes_out_of_random_bytes() {
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        let likely = b"\x1b[]P0;:?>1 mHJKc\x07\x9b\x9d\xc2\x1b\x1b[[";
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..random() % 64)
                .map(|_| match random() % 4 {
                    0 => random() as u8,
                    _ => likely[(random() % likely.len() as u64) as usize],
                })
                .collect();
            let out = filtered(&bytes.chunks(1 + (random() % 7) as usize).collect::<Vec<_>>());
            let mut rest = out.as_str();
            while let Some(at) = rest.find(|c: char| c.is_control() && !"\t\n\r\x07\x08".contains(c)) {
                let sequence = &rest[at..];
                assert!(sequence.starts_with("\x1b["), "{out:?}");
                let end = sequence[2..].find(|c: char| !"0123456789;:".contains(c)).unwrap() + 2;
                assert!("mABCDEFGHdfK".contains(&sequence[end..=end]), "{out:?}");
                rest = &sequence[end..];
            }
        }
    }
}
