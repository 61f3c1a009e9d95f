//! The same sources compiled natively, each time in a process of its own: what every interpreter gives away.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::Result;
use crate::clock::Spent;

/// Runs `program`, gives it `stdin`, and returns what it printed and what it took, starting the process included.
pub fn run(program: &Path, args: &[String], stdin: &str) -> Result<(Vec<u8>, Spent)> {
    let (wall, cpu) = (Instant::now(), children_ms()?);
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    // Scripts fit into the pipe's buffer, so writing them waits for nobody.
    child.stdin.take().ok_or("no pipe")?.write_all(stdin.as_bytes())?;
    let output = child.wait_with_output()?;
    let spent = Spent {
        wall_ms: wall.elapsed().as_secs_f64() * 1e3,
        cpu_ms: children_ms()? - cpu,
    };
    if !output.status.success() {
        return Err(format!("natively: {}", output.status).into());
    }
    Ok((output.stdout, spent))
}

/// CPU time of all children that have ended.
fn children_ms() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(micros as f64 / 1e3)
}
