//! Errors and traps as people read them, on stderr. Nothing here touches stdout, which is the guest's.

use std::fmt::Write as _;
use std::io::Write as _;

use wasmrun::{Exception, ExternType, Frame, ImportProblem, LimitError, LinkError, TrapReport};

use super::demangle::demangle;

/// Functions a trap report shows. More than a screen of them helps nobody.
const MAX_FRAMES: usize = 32;

/// Imports a message lists: all of any module that means well.
const MAX_IMPORTS: usize = 1000;

/// Characters of a function's name that are shown: C++ and Rust names can fill pages.
const MAX_NAME_CHARS: usize = 160;

/// Prints `error: MESSAGE`.
pub fn error(message: &str) {
    print(&format!("error: {message}"));
}

/// Prints `note: MESSAGE`: nothing is wrong.
pub fn note(message: &str) {
    print(&format!("note: {message}"));
}

/// Prints `warning: MESSAGE`.
pub fn warning(message: &str) {
    print(&format!("warning: {message}"));
}

/// Prints a trap and where it happened; `file` is what the user calls the module.
pub fn trap(report: &TrapReport, file: &str) {
    print(&trap_text(report, file));
}

/// Prints an exception nobody caught and where it was thrown.
pub fn exception(exception: &Exception, file: &str) {
    let mut text = format!("error: {}", one_line(&exception.message()));
    frames(&mut text, &exception.frames(), exception.omitted(), file);
    print(&text);
}

/// Prints all imports that are in the way.
pub fn link(error: &LinkError, file: &str) {
    let mut text = format!(
        "error: {file}: {} of {} imports cannot be provided",
        error.problems.len(),
        error.imports
    );
    for problem in error.problems.iter().take(MAX_IMPORTS) {
        let _ = write!(text, "\n  {}", one_line(&problem.to_string()));
    }
    if error.problems.len() > MAX_IMPORTS {
        let _ = write!(text, "\n  ... and {} more", error.problems.len() - MAX_IMPORTS);
    }
    let stubs_would_do =
        |problem: &ImportProblem| problem.given.is_none() && matches!(problem.expected, ExternType::Func(_));
    if error.problems.iter().all(stubs_would_do) {
        text.push_str(
            "\nhint: only `wasi_snapshot_preview1` and `wasi_unstable` are provided; with --allow-unknown-imports the program runs until it \
             calls something else",
        );
    }
    print(&text);
}

/// Prints which limit was reached, and the option that moves it.
pub fn limit(error: &LimitError, file: &str) {
    let LimitError {
        what,
        unit,
        limit,
        asked,
        ..
    } = error;
    let mut text =
        format!("error: {file}: {what} limit reached: {asked} {unit} asked for, the limit is {limit} {unit}");
    if *what == "memory" {
        text.push_str("\nhint: --max-memory sets the limit");
    }
    print(&text);
}

/// Prints lines on stderr, escaped, in one write. A closed stderr is no reason to fail: there is nobody to tell.
pub fn print(text: &str) {
    let mut line = escape_lines(text);
    line.push('\n');
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// Innermost function first, as the first one is usually the one to look at.
fn trap_text(report: &TrapReport, file: &str) -> String {
    let mut text = format!("error: trap: {}", report.trap);
    if let Some(detail) = &report.detail {
        let _ = write!(text, ": {}", one_line(detail));
    }
    frames(&mut text, &report.frames, report.omitted, file);
    text
}

/// A line for each function that was running.
fn frames(text: &mut String, frames: &[Frame], omitted: usize, file: &str) {
    let names: Vec<String> = frames.iter().take(MAX_FRAMES).map(name).collect();
    let widest = names
        .iter()
        .map(|name| name.chars().count())
        .filter(|&width| width <= 40)
        .max()
        .unwrap_or(0);
    for (index, (frame, name)) in frames.iter().zip(&names).enumerate() {
        let _ = write!(text, "\n  {index:>2}: {name:<widest$}  {file}");
        if let Some(offset) = frame.offset {
            let _ = write!(text, "+{offset:#x}");
        }
    }
    let left_out = frames.len() - names.len() + omitted;
    if left_out > 0 {
        let _ = write!(text, "\n  ... and {left_out} more");
    }
}

/// The name of a frame's function, or its index where the module does not say.
fn name(frame: &Frame) -> String {
    match &frame.name {
        None => format!("func[{}]", frame.func_index),
        Some(name) => {
            let name = one_line(&demangle(name));
            match name.char_indices().nth(MAX_NAME_CHARS) {
                Some((end, _)) => format!("{}...", &name[..end]),
                None => name,
            }
        }
    }
}

/// Makes text that may come from a guest harmless for a terminal, and keeps it on its line.
pub fn one_line(text: &str) -> String {
    escape(text, |_| false)
}

/// The same, line by line.
pub fn escape_lines(text: &str) -> String {
    escape(text, |c| c == '\n')
}

fn escape(text: &str, spared: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        // Besides control characters: marks that change the direction of the text after them, and line separators.
        let steers = c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if steers && !spared(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_guests_cannot_steer_the_terminal() {
        assert_eq!(
            one_line("a\x1b[2Jb\u{9b}\r\n\u{202e}c\u{7f}"),
            r"a\u{1b}[2Jb\u{9b}\r\n\u{202e}c\u{7f}"
        );
        assert_eq!(one_line("größe → 大"), "größe → 大");
        assert_eq!(escape_lines("a\nb\r"), "a\nb\\r");
    }
}
