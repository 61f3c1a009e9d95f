//! What can go wrong, by stage. [`Error`] joins the stages for the embedder.
//!
//! Texts are lower case, without a full stop: what failed, on what, both numbers, then what to do.

use std::fmt;

use super::exception::Exception;
use super::memory::MemoryError;
use super::signal::Signal;
use super::trap::{Escaped, Trap, TrapReport};
use super::types::{ExternType, FuncType};

/// Any way in which loading, linking or running a module fails.
///
/// Stays small (three words), because every host call returns it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a module this engine accepts.
    #[error(transparent)]
    Decode(Box<DecodeError>),
    /// Imports are missing or have another type.
    #[error(transparent)]
    Link(Box<LinkError>),
    /// The module could not be instantiated for another reason than its imports or a trap.
    #[error(transparent)]
    Instantiate(Box<InstantiateError>),
    /// The guest did what the specification answers with a trap.
    #[error(transparent)]
    Trap(Box<TrapReport>),
    /// An exception that nothing caught. A host function that returns it throws it in its caller.
    #[error(transparent)]
    Exception(Box<Exception>),
    /// The guest asked to end with this exit code. Code 0 is a success that ended early.
    #[error("the guest exited with code {0}")]
    Exit(u32),
    /// The guest ended itself with this signal. (`ABRT` is a trap instead, [`Trap::Abort`], and has a backtrace.)
    #[error("the guest ended itself with signal {0}")]
    Signal(Signal),
    /// A host function failed with an error of its own.
    #[error("a host function failed: {0}")]
    Host(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another thread asked the run to stop.
    #[error("interrupted: another thread asked the run to stop")]
    Interrupted,
    /// The fuel is used up.
    #[error("out of fuel: give the store more with `set_fuel`")]
    OutOfFuel,
    /// A host function suspended the run, but the call was not made as a resumable one.
    #[error("a host function suspended the run: call with `call_resumable` to go on later")]
    Suspended,
    /// A limit of the store or the engine is reached.
    #[error(transparent)]
    Limit(Box<LimitError>),
    /// The host looked outside a guest's memory.
    #[error(transparent)]
    Memory(Box<MemoryError>),
    /// Values, types or handles do not fit what they are used for.
    #[error(transparent)]
    Type(Box<TypeError>),
    /// There is no export of that name, or it is something else.
    #[error(transparent)]
    Export(Box<ExportError>),
    /// A file could not be read.
    #[error("cannot read {}: {}", Escaped(&.0.path), .0.source)]
    Io(#[source] Box<IoError>),
}

impl Error {
    /// A failure of the host, as a host function returns it.
    #[cold]
    pub fn host(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Host(error.into())
    }

    /// The trap, if it is one.
    pub fn trap(&self) -> Option<Trap> {
        match self {
            Error::Trap(report) => Some(report.trap),
            _ => None,
        }
    }

    #[cold]
    pub(crate) fn instantiate(message: impl Into<String>) -> Error {
        Error::Instantiate(Box::new(InstantiateError(message.into())))
    }

    #[cold]
    pub(crate) fn type_error(message: impl Into<String>) -> Error {
        Error::Type(Box::new(TypeError(message.into())))
    }

    #[cold]
    pub(crate) fn limit(what: &'static str, unit: &'static str, limit: u64, asked: u64, hint: &'static str) -> Error {
        Error::Limit(Box::new(LimitError {
            what,
            unit,
            limit,
            asked,
            hint,
        }))
    }

    /// A handle used in a store it does not come from.
    #[cold]
    pub(crate) fn wrong_store(what: &str) -> Error {
        Error::type_error(format!(
            "the {what} belongs to another store: handles are valid in the store that made them"
        ))
    }
}

impl From<Trap> for Error {
    #[cold]
    fn from(trap: Trap) -> Error {
        Error::Trap(Box::new(TrapReport::new(trap)))
    }
}

impl From<TrapReport> for Error {
    #[cold]
    fn from(report: TrapReport) -> Error {
        Error::Trap(Box::new(report))
    }
}

impl From<Exception> for Error {
    fn from(exception: Exception) -> Error {
        Error::Exception(Box::new(exception))
    }
}

impl From<MemoryError> for Error {
    #[cold]
    fn from(error: MemoryError) -> Error {
        Error::Memory(Box::new(error))
    }
}

impl From<std::io::Error> for Error {
    #[cold]
    fn from(error: std::io::Error) -> Error {
        Error::Host(Box::new(error))
    }
}

impl From<Box<dyn std::error::Error + Send + Sync>> for Error {
    #[cold]
    fn from(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
        Error::Host(error)
    }
}

/// Why bytes were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// The file or module name, when it is known.
    pub name: Option<String>,
    /// Where in the file, in bytes from its start; `None` for the text format.
    pub offset: Option<u64>,
    /// What is wrong.
    pub reason: DecodeReason,
}

/// The kinds of refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeReason {
    /// Not a module, or one that breaks a rule of validation.
    Invalid(String),
    /// A module that needs a proposal which is not there or not switched on.
    Unsupported {
        /// The proposal's name, as its repository spells it.
        proposal: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// The text format could not be parsed.
    Text(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Escaped(self.name.as_deref().unwrap_or("the module"));
        let offset = self.offset.map(|at| format!("byte {at:#x}")).unwrap_or_default();
        match &self.reason {
            DecodeReason::Invalid(message) if self.name.is_some() => write!(f, "{name}: {message} ({offset})"),
            DecodeReason::Invalid(message) => write!(f, "{message} ({offset})"),
            DecodeReason::Unsupported { proposal, hint } => {
                write!(f, "{name} uses {proposal} ({offset}), which is not supported: {hint}")
            }
            DecodeReason::Text(message) => write!(f, "{name}: {message}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Every import that is missing or has another type than the one given.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LinkError {
    /// The file or module name, when it is known.
    pub name: Option<String>,
    /// Imports of the module in all.
    pub imports: usize,
    /// The ones in the way, in the module's order.
    pub problems: Vec<ImportProblem>,
}

/// One import in the way.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ImportProblem {
    /// First part of the import's name.
    pub module: String,
    /// Second part of the import's name.
    pub field: String,
    /// The type the module asks for.
    pub expected: ExternType,
    /// The type of what the linker has; `None` when it has nothing.
    pub given: Option<ExternType>,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{}: ", Escaped(name))?;
        }
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        let missing = self.problems.iter().filter(|problem| problem.given.is_none()).count();
        if self.imports > 1 {
            let found = self.imports - missing;
            write!(
                f,
                "\n  the module has {} imports; {found} are provided, {missing} are not",
                self.imports
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (module, field) = (Escaped(&self.module), Escaped(&self.field));
        match &self.given {
            None => write!(f, "unknown import: `{module}` `{field}` {}", self.expected),
            Some(given) => write!(
                f,
                "incompatible import type: `{module}` `{field}` is {given}, the module asks for {}",
                self.expected
            ),
        }
    }
}

impl std::error::Error for LinkError {}

/// Why a module with all its imports could not become an instance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InstantiateError(pub(crate) String);

/// What was used as something it is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TypeError(pub(crate) String);

/// A limit that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitError {
    /// What is limited: "memory", "table elements".
    pub what: &'static str,
    /// What the numbers count.
    pub unit: &'static str,
    /// The limit.
    pub limit: u64,
    /// What was asked for, in all.
    pub asked: u64,
    /// Where the limit is set.
    pub hint: &'static str,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitError {
            what,
            unit,
            limit,
            asked,
            hint,
        } = self;
        write!(
            f,
            "{what} limit reached: {asked} {unit} asked for, the limit is {limit} {unit}: {hint}"
        )
    }
}

impl std::error::Error for LimitError {}

/// An export that is not there or not of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportError {
    /// The name asked for.
    pub name: String,
    /// What was asked for: "function", "memory".
    pub wanted: &'static str,
    /// What the export is instead; `None` when there is none of that name.
    pub found: Option<ExternType>,
    /// Names of exports of the kind asked for.
    pub available: Vec<String>,
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Escaped(&self.name);
        match &self.found {
            Some(found) => write!(f, "export `{name}` is {found}, not a {}", self.wanted)?,
            None => write!(f, "no export `{name}`")?,
        }
        match self.available.as_slice() {
            [] => write!(f, ": the module exports no {}", self.wanted),
            names => {
                let shown: Vec<String> = names
                    .iter()
                    .take(20)
                    .map(|name| format!("`{}`", Escaped(name)))
                    .collect();
                write!(f, ": the module exports the {}s {}", self.wanted, shown.join(", "))?;
                match names.len().saturating_sub(20) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
        }
    }
}

impl std::error::Error for ExportError {}

/// A file that could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct IoError {
    /// The file.
    pub path: String,
    /// Why.
    pub source: std::io::Error,
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl std::error::Error for IoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// A function type that differs from the one it is used as.
#[cold]
pub(crate) fn signature_mismatch(name: &str, have: &FuncType, asked: &FuncType) -> Error {
    Error::type_error(format!("{name} has type {have}, not {asked}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::types::{MemoryType, ValType};

    #[test]
    fn errors_stay_three_words() {
        assert!(size_of::<Error>() <= 24);
        assert!(size_of::<Result<(), Error>>() <= 24);
    }

    #[test]
    fn all_import_problems_stand_in_one_message() {
        let func = |params: &[ValType]| ExternType::Func(FuncType::new(params.iter().copied(), []));
        let error = LinkError {
            name: Some("app.wasm".into()),
            imports: 3,
            problems: vec![
                ImportProblem {
                    module: "env".into(),
                    field: "log".into(),
                    expected: func(&[ValType::I32, ValType::I32]),
                    given: None,
                },
                ImportProblem {
                    module: "env".into(),
                    field: "memory".into(),
                    expected: ExternType::Memory(MemoryType::new(2, None)),
                    given: Some(ExternType::Memory(MemoryType::new(1, None))),
                },
            ],
        };
        assert_eq!(
            error.to_string(),
            "app.wasm: unknown import: `env` `log` (func (param i32 i32))\n\
             incompatible import type: `env` `memory` is (memory 1), the module asks for (memory 2)\n  \
             the module has 3 imports; 2 are provided, 1 are not"
        );
    }

    #[test]
    fn a_refused_proposal_is_named_with_its_place() {
        let error = DecodeError {
            name: Some("app.wasm".into()),
            offset: Some(0x5f),
            reason: DecodeReason::Unsupported {
                proposal: "exception-handling",
                hint: "rebuild without exceptions",
            },
        };
        assert_eq!(
            error.to_string(),
            "app.wasm uses exception-handling (byte 0x5f), which is not supported: rebuild without exceptions"
        );
    }
}
