//! Function names as their source languages write them.

use std::fmt::{self, Write};

use cpp_demangle::{DemangleOptions, ParseOptions, Symbol};

/// Bytes a demangled name may grow to. Back references let a short hostile name stand for an endless one.
const MAX_BYTES: usize = 4096;

/// Demangles Rust and C++ names; anything else stays as it is.
pub fn demangle(name: &str) -> String {
    if name.len() > MAX_BYTES {
        return name.to_owned();
    }
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        let mut out = Bounded(String::new());
        // The alternate form leaves the hash out.
        let _ = write!(out, "{rust:#}");
        return out.0;
    }
    cpp(name).unwrap_or_else(|| name.to_owned())
}

fn cpp(name: &str) -> Option<String> {
    // cpp_demangle also takes names without the prefix for encodings of types: `main` must stay `main`.
    if !name.starts_with("_Z") {
        return None;
    }
    let options = ParseOptions::default().recursion_limit(64);
    let symbol = Symbol::new_with_options(name, &options).ok()?;
    let mut out = Bounded(String::new());
    let options = DemangleOptions::new().recursion_limit(64);
    // What was written before the limit was reached is still worth showing.
    let _ = symbol.structured_demangle(&mut out, &options);
    (!out.0.is_empty()).then_some(out.0)
}

/// A text that refuses to grow past [`MAX_BYTES`].
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_and_cpp_names_are_read_and_others_left_alone() {
        assert_eq!(
            demangle("_ZN4core9panicking5panic17h0123456789abcdefE"),
            "core::panicking::panic"
        );
        assert_eq!(demangle("_RNvC6_123foo3bar"), "123foo::bar");
        assert_eq!(
            demangle("_ZNSt6vectorIiSaIiEE9push_backERKi"),
            "std::vector<int, std::allocator<int> >::push_back(int const&)"
        );
        for other in ["main", "_start", "i", "v", "_Znonsense", "runtime.main", ""] {
            assert_eq!(demangle(other), other);
        }
    }

    #[test]
    fn a_name_that_doubles_again_and_again_is_cut() {
        // Each pair refers to the one before it twice: 2^25 names when written out.
        let mut name = String::from("_Z1fISt4pairIiiE");
        for step in 0..25 {
            let back = if step == 0 {
                "S0_".to_owned()
            } else {
                format!("S{}_", base36(step))
            };
            name.push_str(&format!("St4pairI{back}{back}E"));
        }
        name.push_str("Evv");
        assert!(demangle(&name).len() <= MAX_BYTES.max(name.len()));
    }

    fn base36(number: usize) -> char {
        char::from_digit(number as u32, 36)
            .expect("below 36")
            .to_ascii_uppercase()
    }
}
