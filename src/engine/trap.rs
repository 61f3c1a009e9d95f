//! Traps: the ways the specification lets a guest fail, and where one happened.

use std::fmt;

/// Why a guest was stopped. `Display` gives the words of the specification's test suite.
///
/// Spec: intro/overview.html#trap
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Trap {
    /// `unreachable` was executed.
    Unreachable = 1,
    /// Integer division or remainder by zero.
    IntegerDivideByZero,
    /// The quotient or the converted number does not fit.
    IntegerOverflow,
    /// A NaN was converted to an integer.
    InvalidConversionToInteger,
    /// A load, store or bulk operation reaches outside its memory or data segment.
    MemoryOutOfBounds,
    /// A table operation reaches outside its table or element segment.
    TableOutOfBounds,
    /// An indirect call through an index outside the table.
    UndefinedElement,
    /// An indirect call through a null element.
    UninitializedElement,
    /// An indirect call of a function of another type.
    IndirectCallTypeMismatch,
    /// More calls at once, or bigger frames, than the stack limit allows.
    CallStackExhausted,
    /// `ref.as_non_null` found null.
    NullReference,
    /// `call_ref` found null.
    NullFunctionReference,
    /// A struct was asked for, and there was null.
    NullStructReference,
    /// An array was asked for, and there was null.
    NullArrayReference,
    /// An integer of 31 bits was asked for, and there was null.
    NullI31Reference,
    /// `ref.cast` found something of another type.
    CastFailure,
    /// An array was asked for elements it does not have.
    ArrayOutOfBounds,
    /// The objects that are in use take as much as the store may have.
    GcHeapExhausted,
    /// `throw_ref` of null.
    NullException,
    /// A call of a function whose import was left open.
    UnknownImport,
    /// The host has no memory for what the guest asked for.
    OutOfMemory,
    /// An atomic access at an address that is not a multiple of its size.
    UnalignedAtomic,
    /// A wait on a memory that no other thread can have.
    ExpectedSharedMemory,
    /// The guest asked to exit where that is not allowed.
    ExitRefused,
    /// The guest gave up by itself: it raised the signal `ABRT`.
    Abort,
}

impl Trap {
    /// The words of the specification's test suite.
    pub const fn message(self) -> &'static str {
        match self {
            Trap::Unreachable => "unreachable",
            Trap::IntegerDivideByZero => "integer divide by zero",
            Trap::IntegerOverflow => "integer overflow",
            Trap::InvalidConversionToInteger => "invalid conversion to integer",
            Trap::MemoryOutOfBounds => "out of bounds memory access",
            Trap::TableOutOfBounds => "out of bounds table access",
            Trap::UndefinedElement => "undefined element",
            Trap::UninitializedElement => "uninitialized element",
            Trap::IndirectCallTypeMismatch => "indirect call type mismatch",
            Trap::CallStackExhausted => "call stack exhausted",
            Trap::NullReference => "null reference",
            Trap::NullFunctionReference => "null function reference",
            Trap::NullStructReference => "null structure reference",
            Trap::NullArrayReference => "null array reference",
            Trap::NullI31Reference => "null i31 reference",
            Trap::CastFailure => "cast failure",
            Trap::ArrayOutOfBounds => "out of bounds array access",
            Trap::GcHeapExhausted => "garbage-collected heap exhausted",
            Trap::NullException => "null exception reference",
            Trap::UnknownImport => "unknown import",
            Trap::OutOfMemory => "out of memory",
            Trap::UnalignedAtomic => "unaligned atomic",
            Trap::ExpectedSharedMemory => "expected shared memory",
            Trap::ExitRefused => "proc_exit refused",
            Trap::Abort => "abort",
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Trap {}

/// One function that was running when a trap happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// Index of the function in its module, imports counted first.
    pub func_index: u32,
    /// Its name from the module's name section, as it stands there (not demangled).
    pub name: Option<String>,
    /// The module's own name, or the file it was read from.
    pub module: Option<String>,
    /// Where in the file the instruction stands, in bytes from its start.
    pub offset: Option<usize>,
}

/// A trap and the functions that were running, innermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrapReport {
    /// Why.
    pub trap: Trap,
    /// More about it when there is more to say, as the addresses of an access.
    pub detail: Option<String>,
    /// Where, innermost first; at most [`TrapReport::MAX_FRAMES`].
    pub frames: Vec<Frame>,
    /// Functions that were running beyond those in `frames`.
    pub omitted: usize,
}

impl TrapReport {
    /// Frames a report keeps: deep recursion would fill the screen with copies of one line.
    pub const MAX_FRAMES: usize = 64;

    /// A report without frames.
    pub fn new(trap: Trap) -> TrapReport {
        TrapReport {
            trap,
            detail: None,
            frames: Vec::new(),
            omitted: 0,
        }
    }
}

/// The trap's words, then one line per function.
impl fmt::Display for TrapReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trap.fmt(f)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {}", Escaped(detail))?;
        }
        write_frames(f, &self.frames, self.omitted)
    }
}

/// A line for each function that was running, and how many there were beyond those.
pub(crate) fn write_frames(f: &mut fmt::Formatter<'_>, frames: &[Frame], omitted: usize) -> fmt::Result {
    for (i, frame) in frames.iter().enumerate() {
        write!(f, "\n  {} {frame}", if i == 0 { "in" } else { "called from" })?;
    }
    if omitted > 0 {
        write!(f, "\n  and {omitted} more")?;
    }
    Ok(())
}

impl std::error::Error for TrapReport {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.trap)
    }
}

/// ``func 17 `parse_header`, byte offset 0x2f41 of app.wasm``.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "func {}", self.func_index)?;
        if let Some(name) = &self.name {
            write!(f, " `{}`", Escaped(name))?;
        }
        if let Some(offset) = self.offset {
            write!(f, ", byte offset {offset:#x}")?;
        }
        if let Some(module) = &self.module {
            write!(f, " of {}", Escaped(module))?;
        }
        Ok(())
    }
}

/// Text from a guest, printed so that it cannot steer a terminal: control characters are escaped.
pub(crate) struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            // Besides C0 and C1: marks that change the direction of what follows.
            let steers = c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if steers {
                write!(f, "{}", c.escape_unicode())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_functions_innermost_first_and_escapes_them() {
        let frame = |func_index, name: &str, offset| Frame {
            func_index,
            name: Some(name.into()),
            module: Some("app.wasm".into()),
            offset: Some(offset),
        };
        let mut report = TrapReport::new(Trap::MemoryOutOfBounds);
        report.frames = vec![frame(17, "parse\x1b[2J", 0x2f41), frame(9, "main", 0x1c02)];
        report.omitted = 3;
        assert_eq!(
            report.to_string(),
            "out of bounds memory access\n  \
             in func 17 `parse\\u{1b}[2J`, byte offset 0x2f41 of app.wasm\n  \
             called from func 9 `main`, byte offset 0x1c02 of app.wasm\n  \
             and 3 more"
        );
    }
}
