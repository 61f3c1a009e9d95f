//! What a program writes: where it goes, how much it may be, what is kept of it; and the lines of a trace.

use std::io::Write;
use std::str::Utf8Error;
use std::sync::Arc;

use super::{WasiEnv, WasiEnvBuilder, inherited};
use crate::engine::Error;
use crate::wasi::ctx::WasiCtx;
use crate::wasi::descriptor::Object;
use crate::wasi::host::HostFile;
use crate::wasi::outlet::Budget;
use crate::wasi::stdio::OutputChunk;
use crate::wasi::trace::{Trace, TraceFilter};

impl WasiEnv {
    /// What the program has written to standard output, if it is captured. Also after a trap.
    pub fn get_stdout(&self) -> Vec<u8> {
        self.inner.stdout.bytes()
    }

    /// What the program has written to standard error, if it is captured. Also after a trap.
    pub fn get_stderr(&self) -> Vec<u8> {
        self.inner.stderr.bytes()
    }

    /// What the program has written to both outputs, as far as they are captured, in the order in which it wrote it.
    /// Also after a trap.
    ///
    /// ```
    /// use wasmrun::{Engine, Error, Linker, Module, WasiEnv, wasi::OutputStream};
    ///
    /// # fn main() -> Result<(), Error> {
    /// let engine = Engine::default();
    /// let program = Module::new(&engine, r#"(module
    ///     (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    ///     (memory (export "memory") 1)
    ///     (data (i32.const 0) "\08\00\00\00\02\00\00\00hi")
    ///     (func (export "_start")
    ///         (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 16)))
    ///         (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
    ///         unreachable))"#)?;
    /// let env = WasiEnv::new();
    /// let mut linker = Linker::new(&engine);
    /// linker.wasi(&env)?;
    /// assert!(linker.instantiate(&program)?.run().is_err());
    /// let streams: Vec<OutputStream> = env.get_output().iter().map(|chunk| chunk.stream).collect();
    /// assert_eq!(streams, [OutputStream::Stderr, OutputStream::Stdout]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_output(&self) -> Vec<OutputChunk> {
        self.inner.stdout.chunks()
    }

    /// What the program has written to standard output, as text.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn stdout_str(&self) -> Result<String, Error> {
        into_text(self.get_stdout(), "standard output")
    }

    /// What the program has written to standard error, as text.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn stderr_str(&self) -> Result<String, Error> {
        into_text(self.get_stderr(), "standard error")
    }

    /// Whether output was refused because a capture was full or [`WasiEnvBuilder::max_output`] was reached. The program
    /// saw `nospc`.
    pub fn output_truncated(&self) -> bool {
        let limited = |ctx: &mut WasiCtx| ctx.budget.as_ref().is_some_and(|budget| budget.exceeded());
        self.inner.stdout.truncated() || self.with(limited)
    }
}

impl WasiEnvBuilder {
    /// Keeps what is written to standard output: see [`WasiEnv::get_stdout`].
    #[must_use]
    pub fn capture_stdout(self) -> Self {
        let capture = Object::Capture(self.env.inner.stdout.clone());
        self.change(|ctx| ctx.set_stream(1, capture))
    }

    /// Keeps what is written to standard error: see [`WasiEnv::get_stderr`].
    #[must_use]
    pub fn capture_stderr(self) -> Self {
        let capture = Object::Capture(self.env.inner.stderr.clone());
        self.change(|ctx| ctx.set_stream(2, capture))
    }

    /// Keeps at most so many bytes of each captured stream (64 MiB unless set). The program then sees `nospc`.
    #[must_use]
    pub fn capture_limit(self, bytes: u64) -> Self {
        self.env.inner.stdout.set_limit(bytes);
        self
    }

    /// Lets the program write at most so many bytes to standard output and standard error together, wherever they lead.
    /// The write that goes beyond is cut, and the next ones see `nospc`: see [`WasiEnv::output_truncated`].
    #[must_use]
    pub fn max_output(self, bytes: u64) -> Self {
        self.change(|ctx| ctx.budget = Some(Arc::new(Budget::new(bytes))))
    }

    /// Lets terminals get what the program writes as it is. Otherwise escape sequences other than colours and cursor
    /// movement are taken out, because they can change the terminal's title and settings, put text into the clipboard
    /// or make the terminal type answers. What goes to pipes and files is never changed.
    #[must_use]
    pub fn raw_terminal(self) -> Self {
        self.change(|ctx| ctx.raw_terminal = true)
    }

    /// Passes standard output through to this process's, unbuffered.
    #[must_use]
    pub fn inherit_stdout(self) -> Self {
        self.change(|ctx| ctx.set_stream(1, inherited(HostFile::stdout())))
    }

    /// Passes standard error through to this process's, unbuffered.
    #[must_use]
    pub fn inherit_stderr(self) -> Self {
        self.change(|ctx| ctx.set_stream(2, inherited(HostFile::stderr())))
    }

    /// Lets the program use all three of this process's standard streams.
    #[must_use]
    pub fn inherit_stdio(self) -> Self {
        self.inherit_stdin().inherit_stdout().inherit_stderr()
    }

    /// Sends standard output to `writer`, flushed after each write.
    #[must_use]
    pub fn stdout(self, writer: impl Write + Send + 'static) -> Self {
        self.change(|ctx| ctx.set_stream(1, Object::Writer(Box::new(writer))))
    }

    /// Sends standard error to `writer`, flushed after each write.
    #[must_use]
    pub fn stderr(self, writer: impl Write + Send + 'static) -> Self {
        self.change(|ctx| ctx.set_stream(2, Object::Writer(Box::new(writer))))
    }

    /// Hands `sink` a line for each call of the functions that `filter` shows, when the call has ended: its name, its
    /// arguments decoded, and what came of it. What is the guest's in it is escaped and cut.
    ///
    /// ```
    /// use wasmrun::{WasiEnv, wasi::TraceFilter};
    ///
    /// let env = WasiEnv::builder().trace(TraceFilter::ALL, |line| eprintln!("{line}")).build();
    /// ```
    ///
    /// The environment is locked meanwhile: the sink must not use it.
    #[must_use]
    pub fn trace(self, filter: TraceFilter, sink: impl FnMut(&str) + Send + 'static) -> Self {
        let sink = Box::new(sink);
        self.change(|ctx| ctx.trace = Some(Box::new(Trace { filter, sink })))
    }
}

fn into_text(bytes: Vec<u8>, what: &str) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|err| {
        let at: Utf8Error = err.utf8_error();
        Error::host(format!(
            "the guest's {what} is not UTF-8 from byte {} on",
            at.valid_up_to()
        ))
    })
}
