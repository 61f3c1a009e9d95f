//! `WasiEnv`: what the embedder grants a program, and where its output is found afterwards.

mod files;
mod output;
mod settings;

use std::ffi::OsStr;
use std::fmt;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::abi::{Fdflags, Rights};
use super::ctx::WasiCtx;
use super::descriptor::{Descriptor, Object};
use super::fs::granted::GrantedFile;
use super::host::HostFile;
use super::stdio::{Capture, DEFAULT_CAPTURE_LIMIT, Source, Stdin};
use crate::engine::Error;

/// The world of one WASI program: arguments, variables, directories, streams.
///
/// Nothing is granted unless it is asked for: no variable of this process, no directory, no input. [`WasiEnv::new`]
/// captures both outputs; [`WasiEnv::builder`] leaves them to be chosen, and drops them otherwise.
///
/// Clones are the same environment: descriptors opened by a guest are seen through all of them. Give each program
/// that runs an environment of its own, since one that waits for input holds it.
#[derive(Clone)]
pub struct WasiEnv {
    inner: Arc<Inner>,
}

struct Inner {
    ctx: Mutex<WasiCtx>,
    stdout: Capture,
    stderr: Capture,
}

impl WasiEnv {
    /// An environment without arguments, variables, directories or input, that keeps what is written to standard
    /// output and error: see [`WasiEnv::get_stdout`].
    pub fn new() -> WasiEnv {
        let (stdout, stderr) = Capture::pair(DEFAULT_CAPTURE_LIMIT);
        let ctx = WasiCtx::captured(&stdout, &stderr);
        WasiEnv {
            inner: Arc::new(Inner {
                ctx: Mutex::new(ctx),
                stdout,
                stderr,
            }),
        }
    }

    /// An environment to be granted things one by one.
    ///
    /// ```
    /// # fn main() -> Result<(), wasmrun::Error> {
    /// let env = wasmrun::WasiEnv::builder()
    ///     .args(["app", "--greet"])
    ///     .env("LANG", "C")
    ///     .dir_read_only(".", "/data")?
    ///     .stdin("some input")
    ///     .capture_stdout()
    ///     .build();
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> WasiEnvBuilder {
        let env = WasiEnv::new();
        env.with(|ctx| {
            ctx.set_stream(1, Object::Null);
            ctx.set_stream(2, Object::Null);
        });
        WasiEnvBuilder {
            env,
            files: Vec::new(),
            listeners: Vec::new(),
        }
    }

    /// Sets the arguments; the first is the program's name. A NUL in one is reported when the environment is linked.
    #[must_use]
    pub fn with_args(self, args: Vec<String>) -> WasiEnv {
        self.with(|ctx| {
            ctx.args.clear();
            args.into_iter().for_each(|arg| push_arg(ctx, arg.into_bytes()));
        });
        self
    }

    /// Sets an environment variable. A name or value that cannot be one is reported when the environment is linked.
    #[must_use]
    pub fn with_env(self, key: String, value: String) -> WasiEnv {
        self.with(|ctx| push_env(ctx, key.as_bytes(), value.as_bytes()));
        self
    }

    /// Sets what the program reads from standard input: bytes, text, or a [`Stdin`].
    #[must_use]
    pub fn with_stdin(self, stdin: impl Into<Stdin>) -> WasiEnv {
        self.with(|ctx| set_stdin(ctx, stdin.into()));
        self
    }

    /// Grants a directory of the host's, with everything in it, under the name `guest`.
    ///
    /// # Errors
    /// [`Error::Host`] if it cannot be opened.
    pub fn with_preopen(self, host: impl AsRef<Path>, guest: impl Into<String>) -> Result<WasiEnv, Error> {
        self.with(|ctx| files::grant(ctx, host.as_ref(), guest.into(), false))?;
        Ok(self)
    }

    /// The first path the program wanted something of although no directory was granted for it: through a descriptor that
    /// is not open, or leading out of the directory it started from. As the program gave it, to be escaped where shown.
    pub fn ungranted_path(&self) -> Option<String> {
        self.with(|ctx| ctx.missed.path.clone())
    }

    /// Whether the program went through the granted directories to their end. C libraries do so at the start or for the
    /// first path, and make no call that shows the path if no directory fits.
    pub fn looked_for_directories(&self) -> bool {
        self.with(|ctx| ctx.missed.searched)
    }

    /// Whether it did so when it was under way already, and so for some path.
    pub fn wanted_a_directory(&self) -> bool {
        self.with(|ctx| ctx.missed.searched_late)
    }

    /// Works on the state. A thread that panicked while it did cannot have left anything half done that matters.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut WasiCtx) -> R) -> R {
        work(&mut self.inner.ctx.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// # Errors
    /// If the embedder gave something that cannot be passed to a guest.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.with(|ctx| match &ctx.invalid {
            Some(problem) => Err(Error::host(problem.clone())),
            None => Ok(()),
        })
    }
}

impl Default for WasiEnv {
    fn default() -> WasiEnv {
        WasiEnv::new()
    }
}

impl fmt::Debug for WasiEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments and variables can be secrets.
        f.debug_struct("WasiEnv").finish_non_exhaustive()
    }
}

/// Grants things to a [`WasiEnv`], one by one.
pub struct WasiEnvBuilder {
    env: WasiEnv,
    /// Single files, by the guest's name of the directory they are in.
    files: Vec<(String, Vec<GrantedFile>)>,
    /// They come after the directories: wasi-libc stops looking for directories at the first other descriptor.
    /// With each, whether the guest finds it in non-blocking mode.
    listeners: Vec<(HostFile, bool)>,
}

impl WasiEnvBuilder {
    fn change(self, change: impl FnOnce(&mut WasiCtx)) -> Self {
        self.env.with(change);
        self
    }

    /// Adds an argument. The first is the program's name.
    #[must_use]
    pub fn arg(self, arg: impl AsRef<OsStr>) -> Self {
        self.change(|ctx| push_arg(ctx, arg.as_ref().as_encoded_bytes().to_vec()))
    }

    /// Adds arguments. The first is the program's name.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.change(|ctx| push_env(ctx, key.as_ref().as_encoded_bytes(), value.as_ref().as_encoded_bytes()))
    }

    /// Sets environment variables.
    #[must_use]
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(self, variables: impl IntoIterator<Item = (K, V)>) -> Self {
        variables
            .into_iter()
            .fold(self, |builder, (key, value)| builder.env(key, value))
    }

    /// Passes on every environment variable of this process.
    #[must_use]
    pub fn inherit_env(self) -> Self {
        self.envs(std::env::vars_os())
    }

    /// Sets what the program reads from standard input: bytes, text, or a [`Stdin`].
    #[must_use]
    pub fn stdin(self, stdin: impl Into<Stdin>) -> Self {
        self.change(|ctx| set_stdin(ctx, stdin.into()))
    }

    /// Lets the program read this process's standard input.
    #[must_use]
    pub fn inherit_stdin(self) -> Self {
        self.stdin(Stdin::inherit())
    }

    /// Lets the program accept connections. Listeners get the descriptors after the directories', in the order of the
    /// calls. One in non-blocking mode has NONBLOCK set, and the guest does not wait in `sock_accept` but with
    /// `poll_oneoff`: Go's runtime expects that. The guest can change it.
    ///
    /// # Errors
    /// [`Error::Host`] if the socket cannot be made non-blocking, which is how the host keeps it.
    pub fn listener(mut self, listener: TcpListener) -> Result<Self, Error> {
        let nonblock = super::host::is_nonblocking(&listener)?;
        listener.set_nonblocking(true)?;
        self.listeners.push((HostFile::opened(listener.into())?, nonblock));
        Ok(self)
    }

    /// The environment.
    #[must_use]
    pub fn build(self) -> WasiEnv {
        let (files, listeners) = (self.files, self.listeners);
        self.env.with(|ctx| {
            settings::apply_profile(ctx, !files.is_empty(), !listeners.is_empty());
            ctx.finish_streams();
            files::mount_single_files(ctx, files);
            for (file, nonblock) in listeners {
                let mut descriptor = Descriptor::new(Object::Listener(file), Rights::ALL, Rights::ALL, false);
                if nonblock {
                    descriptor.flags = Fdflags::NONBLOCK;
                }
                if ctx.table.insert(descriptor).is_err() {
                    ctx.reject(String::from("more listeners are granted than descriptors may be open"));
                }
            }
        });
        self.env
    }
}

impl fmt::Debug for WasiEnvBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiEnvBuilder").finish_non_exhaustive()
    }
}

fn push_arg(ctx: &mut WasiCtx, arg: Vec<u8>) {
    // Refused rather than cut: to a guest in C the argument would end there.
    if arg.contains(&0) {
        ctx.reject(format!("argument {} for the guest contains a NUL byte", ctx.args.len()));
    }
    ctx.args.push(arg);
}

fn push_env(ctx: &mut WasiCtx, key: &[u8], value: &[u8]) {
    if key.is_empty() || key.contains(&b'=') || key.contains(&0) || value.contains(&0) {
        let key = String::from_utf8_lossy(key).escape_debug().to_string();
        ctx.reject(format!(
            "`{key}` cannot be an environment variable for the guest: a name has no `=`, neither part a NUL"
        ));
    }
    let variable = [key, b"=", value].concat();
    // The last one counts, in the place of the first, as with setenv(3).
    match ctx
        .environ
        .iter_mut()
        .find(|known| known.get(..=key.len()) == variable.get(..=key.len()))
    {
        Some(known) => *known = variable,
        None => ctx.environ.push(variable),
    }
}

fn set_stdin(ctx: &mut WasiCtx, stdin: Stdin) {
    let object = match stdin.0 {
        Source::Empty => Object::Null,
        Source::Inherit => inherited(HostFile::stdin()),
        Source::Bytes(bytes) => Object::Bytes(bytes, 0),
        Source::File(file) => inherited(HostFile::given(file.into())),
        Source::Reader(reader) => Object::Reader(reader),
    };
    ctx.set_stream(0, object);
}

/// A standard stream of this process; one that is closed reads as empty and swallows what is written.
fn inherited(file: std::io::Result<HostFile>) -> Object {
    file.map_or(Object::Null, |file| Object::File(Box::new(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_replace_each_other_by_their_whole_name() {
        let env = WasiEnv::builder()
            .env("A", "1")
            .env("AB", "2")
            .env("A", "3")
            .env("EMPTY", "")
            .build();
        let environ = env.with(|ctx| ctx.environ.clone());
        assert_eq!(environ, [b"A=3".to_vec(), b"AB=2".to_vec(), b"EMPTY=".to_vec()]);
        assert!(env.check().is_ok());
    }

    #[test]
    fn what_a_guest_would_see_cut_is_refused() {
        for env in [
            WasiEnv::new().with_args(vec!["a".into(), "b\0c".into()]),
            WasiEnv::new().with_env("A=B".into(), "1".into()),
            WasiEnv::new().with_env(String::new(), "1".into()),
            WasiEnv::new().with_env("A".into(), "\0".into()),
        ] {
            assert!(env.check().is_err());
        }
        let env = WasiEnv::new().with_args(vec!["a".into(), "b\0c".into()]);
        assert_eq!(
            env.check().unwrap_err().to_string(),
            "a host function failed: argument 1 for the guest contains a NUL byte"
        );
    }

    #[test]
    fn environments_can_be_handed_to_other_threads() {
        fn check<T: Send + Sync>() {}
        check::<WasiEnv>();
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let err = WasiEnv::builder().dir("/no/such\u{1b}dir", "/").unwrap_err();
        assert!(err.to_string().contains("`/no/such\\u{1b}dir`"), "{err}");
    }
}
