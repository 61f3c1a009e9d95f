//! Runs scripts of the official test suite (`.wast`) and reports what held.
//!
//! Used by `wasmrun wast` and by `cargo test --test spec` (which includes this folder by path, so that there is one
//! runner and the library does not carry it). It sees the crate's public API only and prints nothing.
//!
//! Each directive counts once. It passes, fails with a reason, or is skipped with a reason: only what asks for a
//! feature the engine does not have, or was told not to use, is ever skipped.

mod directive;
mod encode;
mod spectest;
mod value;
mod watchdog;

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use wasmrun::{Config, Engine, Features};
use wast::Wast;
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Span;

use watchdog::Watchdog;

/// What became of one script.
#[derive(Debug, Default)]
pub struct ScriptReport {
    /// Directives that held.
    pub passed: u32,
    /// Directives that did not, in the order of the script.
    pub failed: Vec<Failure>,
    /// Directives not carried out, by reason.
    pub skipped: BTreeMap<String, u32>,
}

/// A directive that did not hold.
#[derive(Debug)]
pub struct Failure {
    /// Line of the directive, from 1.
    pub line: usize,
    /// The directive's keyword.
    pub directive: &'static str,
    /// What was expected and what was found.
    pub message: String,
}

impl ScriptReport {
    /// The report on a script that could not be run at all.
    pub fn broken(line: usize, message: String) -> ScriptReport {
        ScriptReport {
            failed: vec![Failure {
                line,
                directive: "script",
                message,
            }],
            ..ScriptReport::default()
        }
    }

    /// How many directives were skipped.
    pub fn skipped_count(&self) -> u32 {
        self.skipped.values().sum()
    }

    /// The reasons for skipping, as one line.
    pub fn skip_reasons(&self) -> String {
        self.skipped.keys().map(String::as_str).collect::<Vec<_>>().join("; ")
    }
}

/// Why a directive did not pass.
enum Miss {
    /// It does not hold.
    Failed(String),
    /// It needs something outside the engine or the chosen features.
    Skipped(String),
}

type Verdict = Result<(), Miss>;

fn failed<T>(message: impl Into<String>) -> Result<T, Miss> {
    Err(Miss::Failed(message.into()))
}

fn skipped<T>(reason: impl Into<String>) -> Result<T, Miss> {
    Err(Miss::Skipped(reason.into()))
}

/// Runs a script under a feature set; the rest of the configuration is the caller's.
///
/// A panic of the engine is a failure of this script, not of the ones that run beside it.
pub fn run(text: &str, config: Config, features: Features) -> ScriptReport {
    catch_unwind(|| run_directives(text, Engine::new(config.features(features)))).unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or(panic.downcast_ref::<&str>().copied());
        ScriptReport::broken(1, format!("panicked: {}", words.unwrap_or("without a message")))
    })
}

fn run_directives(text: &str, engine: Engine) -> ScriptReport {
    let line_of = |span: Span| span.linecol_in(text).0 + 1;
    let buffer = match ParseBuffer::new_with_lexer(lexer(text)) {
        Ok(buffer) => buffer,
        Err(error) => return ScriptReport::broken(line_of(error.span()), error.message()),
    };
    let script = match parser::parse::<Wast<'_>>(&buffer) {
        Ok(script) => script,
        Err(error) => return ScriptReport::broken(line_of(error.span()), error.message()),
    };
    let mut state = match directive::State::new(engine) {
        Ok(state) => state,
        Err(error) => {
            return ScriptReport::broken(1, format!("the module `spectest` cannot be made: {error}"));
        }
    };
    let mut report = ScriptReport::default();
    let watchdog = Watchdog::new(state.interrupt_handle());
    for directive in script.directives {
        watchdog.directive();
        let span = directive.span();
        let keyword = directive::keyword(&directive);
        match state.carry_out(directive) {
            Ok(()) => report.passed += 1,
            Err(Miss::Skipped(reason)) => *report.skipped.entry(reason).or_default() += 1,
            Err(Miss::Failed(message)) => {
                report.failed.push(Failure {
                    line: line_of(span),
                    directive: keyword,
                    message,
                });
            }
        }
    }
    report
}

/// A lexer that takes the characters some scripts contain on purpose (text direction marks in names).
fn lexer(text: &str) -> Lexer<'_> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    lexer
}
