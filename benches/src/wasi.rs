//! As much of WASI Preview 1 as the real programs ask for, the same under every engine, so that what is compared is the
//! engines and not their hosts. wasmrun's own WASI is not used here either.
//!
//! There are arguments, standard input and output in memory, no files and no environment. Time advances by a
//! microsecond each time it is asked for and random bytes are a fixed sequence, so every run does the same work.

use std::sync::{Arc, Mutex, MutexGuard};

/// Memory 0 of the calling instance, as an engine's adapter can reach it. Outside of it is an error.
pub trait Memory {
    fn read(&self, at: u32, bytes: &mut [u8]) -> Result<(), OutOfBounds>;
    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), OutOfBounds>;
}

pub struct OutOfBounds;

/// Why a call does not return to the program: it has asked to end. The engine is told by an error of its own.
pub struct Exited;

/// A function of `wasi_snapshot_preview1`: parameters as they are on the stack, zero-extended; the result is an errno.
pub type Function = fn(&mut State, &[u64], &mut dyn Memory) -> Result<u32, Stop>;

pub enum Stop {
    Fault,
    Exit,
}

impl From<OutOfBounds> for Stop {
    fn from(_: OutOfBounds) -> Stop {
        Stop::Fault
    }
}

const SUCCESS: u32 = 0;
const BADF: u32 = 8;
const FAULT: u32 = 21;
const NOSYS: u32 = 52;
const SPIPE: u32 = 70;

/// A program's host. Clones are the same host: the engine's imports hold one, the benchmark another.
#[derive(Clone)]
pub struct Wasi(Arc<Mutex<State>>);

pub struct State {
    args: Vec<String>,
    stdin: Vec<u8>,
    /// How much of `stdin` has been read.
    stdin_read: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    exit_code: Option<u32>,
    nanoseconds: u64,
    random: u32,
}

impl Wasi {
    pub fn new(args: &[String], stdin: &str) -> Wasi {
        Wasi(Arc::new(Mutex::new(State {
            args: args.to_vec(),
            stdin: stdin.as_bytes().to_vec(),
            stdin_read: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            exit_code: None,
            nanoseconds: 1_700_000_000_000_000_000,
            random: 0x2545_f491,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no call panics, so none leaves the lock poisoned")
    }

    /// Calls `function` for the program: an errno, or the wish to end.
    pub fn call(&self, function: Function, args: &[u64], memory: &mut dyn Memory) -> Result<u32, Exited> {
        match function(&mut self.state(), args, memory) {
            Ok(errno) => Ok(errno),
            Err(Stop::Fault) => Ok(FAULT),
            Err(Stop::Exit) => Err(Exited),
        }
    }

    /// What `proc_exit` was called with.
    pub fn exit_code(&self) -> Option<u32> {
        self.state().exit_code
    }

    pub fn stdout(&self) -> Vec<u8> {
        self.state().stdout.clone()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.state().stderr).into_owned()
    }
}

/// The function behind an import; `None` when it is not one of WASI's. Those that need what is not here (files,
/// sockets) answer as a host without them.
pub fn function(module: &str, name: &str) -> Option<Function> {
    if module != "wasi_snapshot_preview1" {
        return None;
    }
    Some(match name {
        "args_sizes_get" => |state, args, memory| {
            let bytes: usize = state.args.iter().map(|arg| arg.len() + 1).sum();
            memory.write(args[0] as u32, &(state.args.len() as u32).to_le_bytes())?;
            memory.write(args[1] as u32, &(bytes as u32).to_le_bytes())?;
            Ok(SUCCESS)
        },
        "args_get" => args_get,
        "environ_sizes_get" => |_, args, memory| {
            memory.write(args[0] as u32, &0u32.to_le_bytes())?;
            memory.write(args[1] as u32, &0u32.to_le_bytes())?;
            Ok(SUCCESS)
        },
        "environ_get" => |_, _, _| Ok(SUCCESS),
        "clock_res_get" => |_, args, memory| {
            memory.write(args[1] as u32, &1000u64.to_le_bytes())?;
            Ok(SUCCESS)
        },
        "clock_time_get" => |state, args, memory| {
            state.nanoseconds += 1000;
            memory.write(args[2] as u32, &state.nanoseconds.to_le_bytes())?;
            Ok(SUCCESS)
        },
        "random_get" => random_get,
        "proc_exit" => |state, args, _| {
            state.exit_code = Some(args[0] as u32);
            Err(Stop::Exit)
        },
        "fd_read" => fd_read,
        "fd_write" => fd_write,
        "fd_fdstat_get" => fd_fdstat_get,
        "fd_filestat_get" => fd_filestat_get,
        "fd_seek" | "fd_tell" => |_, args, _| Ok(if is_stdio(args[0]) { SPIPE } else { BADF }),
        "fd_close" | "fd_fdstat_set_flags" | "fd_sync" | "fd_datasync" => {
            |_, args, _| Ok(if is_stdio(args[0]) { SUCCESS } else { BADF })
        }
        "sched_yield" => |_, _, _| Ok(SUCCESS),
        name if name.starts_with("fd_") || name.starts_with("path_") || name.starts_with("sock_") => |_, _, _| Ok(BADF),
        _ => |_, _, _| Ok(NOSYS),
    })
}

fn is_stdio(fd: u64) -> bool {
    fd <= 2
}

fn args_get(state: &mut State, args: &[u64], memory: &mut dyn Memory) -> Result<u32, Stop> {
    let (mut pointer, mut text) = (args[0] as u32, args[1] as u32);
    for arg in &state.args {
        memory.write(pointer, &text.to_le_bytes())?;
        memory.write(text, arg.as_bytes())?;
        text += arg.len() as u32;
        memory.write(text, &[0])?;
        text += 1;
        pointer += 4;
    }
    Ok(SUCCESS)
}

fn random_get(state: &mut State, args: &[u64], memory: &mut dyn Memory) -> Result<u32, Stop> {
    for i in 0..args[1] as u32 {
        state.random ^= state.random << 13;
        state.random ^= state.random >> 17;
        state.random ^= state.random << 5;
        memory.write(args[0] as u32 + i, &[state.random as u8])?;
    }
    Ok(SUCCESS)
}

/// The `count` iovecs at `at`: address and length each.
fn iovecs(memory: &dyn Memory, at: u64, count: u64) -> Result<Vec<(u32, u32)>, Stop> {
    let word = |at: u32| {
        let mut bytes = [0; 4];
        memory.read(at, &mut bytes).map(|()| u32::from_le_bytes(bytes))
    };
    let at = at as u32;
    (0..count as u32)
        .map(|i| Ok((word(at + 8 * i)?, word(at + 8 * i + 4)?)))
        .collect()
}

fn fd_read(state: &mut State, args: &[u64], memory: &mut dyn Memory) -> Result<u32, Stop> {
    if args[0] != 0 {
        return Ok(BADF);
    }
    let mut done = 0;
    for (at, length) in iovecs(memory, args[1], args[2])? {
        let rest = &state.stdin[state.stdin_read..];
        let count = rest.len().min(length as usize);
        memory.write(at, &rest[..count])?;
        state.stdin_read += count;
        done += count as u32;
    }
    memory.write(args[3] as u32, &done.to_le_bytes())?;
    Ok(SUCCESS)
}

fn fd_write(state: &mut State, args: &[u64], memory: &mut dyn Memory) -> Result<u32, Stop> {
    let vectors = iovecs(memory, args[1], args[2])?;
    let out = match args[0] {
        1 => &mut state.stdout,
        2 => &mut state.stderr,
        _ => return Ok(BADF),
    };
    let before = out.len();
    for (at, length) in vectors {
        let start = out.len();
        out.resize(start + length as usize, 0);
        memory.read(at, &mut out[start..])?;
    }
    let done = (out.len() - before) as u32;
    memory.write(args[3] as u32, &done.to_le_bytes())?;
    Ok(SUCCESS)
}

/// `fdstat` of a stream: neither a file nor a terminal (0 is "unknown", which is what a pipe is), readable or writable.
fn fd_fdstat_get(_: &mut State, args: &[u64], memory: &mut dyn Memory) -> Result<u32, Stop> {
    const FD_READ_AND_WRITE: u64 = 1 << 1 | 1 << 6;
    if !is_stdio(args[0]) {
        return Ok(BADF);
    }
    let mut fdstat = [0; 24];
    fdstat[8..16].copy_from_slice(&FD_READ_AND_WRITE.to_le_bytes());
    memory.write(args[1] as u32, &fdstat)?;
    Ok(SUCCESS)
}

/// `filestat` of a stream: all unknown.
fn fd_filestat_get(_: &mut State, args: &[u64], memory: &mut dyn Memory) -> Result<u32, Stop> {
    if !is_stdio(args[0]) {
        return Ok(BADF);
    }
    memory.write(args[1] as u32, &[0; 64])?;
    Ok(SUCCESS)
}

impl Memory for &mut [u8] {
    fn read(&self, at: u32, bytes: &mut [u8]) -> Result<(), OutOfBounds> {
        let source = self.get(at as usize..).and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(source.ok_or(OutOfBounds)?);
        Ok(())
    }

    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        let target = self.get_mut(at as usize..).and_then(|rest| rest.get_mut(..bytes.len()));
        target.ok_or(OutOfBounds)?.copy_from_slice(bytes);
        Ok(())
    }
}
