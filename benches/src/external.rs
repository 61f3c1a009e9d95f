//! Programs of the system that the benchmark calls: to fetch, to build, and as the native contender.

use std::process::Command;

use crate::Result;

/// Runs `command` to its end; its output is shown only when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let text = || {
        let words = [command.get_program()].into_iter().chain(command.get_args());
        let words: Vec<_> = words.take(8).map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    };
    let text = text();
    let output = command
        .output()
        .map_err(|error| format!("could not run `{text}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{text} ...` failed: {}\n{}", output.status, stderr.trim()).into())
}
