//! `WasiEnv`: what the embedder grants a program, and where its output is found afterwards.

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
use super::fs::granted::{GrantedFile, GrantedFiles};
use super::fs::{Directory, MemFs};
use super::host::HostFile;
use super::sandbox::Dir;
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
        self.with(|ctx| grant(ctx, host.as_ref(), guest.into(), false))?;
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

    /// Grants a directory of the host's, with everything in it, under the name `guest`.
    ///
    /// # Errors
    /// [`Error::Host`] if it cannot be opened.
    pub fn dir(self, host: impl AsRef<Path>, guest: impl Into<String>) -> Result<Self, Error> {
        self.env.with(|ctx| grant(ctx, host.as_ref(), guest.into(), false))?;
        Ok(self)
    }

    /// Grants a directory of the host's for looking at only: whatever would change something in it fails with `rofs`.
    ///
    /// # Errors
    /// [`Error::Host`] if it cannot be opened.
    pub fn dir_read_only(self, host: impl AsRef<Path>, guest: impl Into<String>) -> Result<Self, Error> {
        self.env.with(|ctx| grant(ctx, host.as_ref(), guest.into(), true))?;
        Ok(self)
    }

    /// Grants a single file of the host's under the name `guest`, a path such as `/etc/app.conf`.
    ///
    /// The program finds it in a directory that has nothing else in it but other files granted so, and in which nothing
    /// can be made, moved or removed. Replacing the file by another one of the same name is seen by the program.
    ///
    /// # Errors
    /// [`Error::Host`] if it cannot be reached, or is no file, or if `guest` names no file.
    pub fn file(self, host: impl AsRef<Path>, guest: impl AsRef<str>) -> Result<Self, Error> {
        self.grant_file(host.as_ref(), guest.as_ref(), false)
    }

    /// Grants a single file of the host's for looking at only. Else as [`WasiEnvBuilder::file`].
    ///
    /// # Errors
    /// As [`WasiEnvBuilder::file`].
    pub fn file_read_only(self, host: impl AsRef<Path>, guest: impl AsRef<str>) -> Result<Self, Error> {
        self.grant_file(host.as_ref(), guest.as_ref(), true)
    }

    fn grant_file(mut self, host: &Path, guest: &str, read_only: bool) -> Result<Self, Error> {
        let failed = |why: &dyn fmt::Display| {
            Error::host(format!(
                "cannot grant the file `{}` as `{}`: {why}",
                host.display().to_string().escape_debug(),
                guest.escape_debug()
            ))
        };
        let (above, name) = match guest.rsplit_once('/') {
            Some(("", name)) => ("/", name),
            Some((above, name)) => (above, name),
            None => (".", guest),
        };
        if matches!(name, "" | "." | "..") {
            return Err(failed(&"the guest's name for it names no file"));
        }
        // Where it really is: that directory is held, and the file looked up in it.
        let found = host.canonicalize().map_err(|err| failed(&err))?;
        if found.is_dir() {
            return Err(failed(&"it is a directory"));
        }
        let (Some(dir), Some(name_there)) = (found.parent(), found.file_name()) else {
            return Err(failed(&"it is no file"));
        };
        let Some(name_there) = name_there.to_str() else {
            return Err(failed(&"its name is not UTF-8"));
        };
        let file = GrantedFile {
            name: name.to_owned(),
            dir: Box::new(Dir::grant(dir).map_err(|err| failed(&err))?),
            name_there: name_there.to_owned(),
            read_only,
        };
        match self.files.iter_mut().find(|(known, _)| known == above) {
            None => self.files.push((above.to_owned(), vec![file])),
            Some((_, files)) if files.iter().any(|known| known.name == name) => {
                return Err(failed(&"another file is granted under this name"));
            }
            Some((_, files)) => files.push(file),
        }
        Ok(self)
    }

    /// Grants a file system in memory under the name `guest`.
    ///
    /// See [`MemFs`] for an example.
    #[must_use]
    pub fn mount(self, files: &MemFs, guest: impl Into<String>) -> Self {
        self.change(|ctx| mount(ctx, files.directory(), guest.into(), false))
    }

    /// Grants a file system in memory for looking at only: whatever would change something in it fails with `rofs`.
    #[must_use]
    pub fn mount_read_only(self, files: &MemFs, guest: impl Into<String>) -> Self {
        self.change(|ctx| mount(ctx, files.directory(), guest.into(), true))
    }

    /// Lets no file grow beyond so many bytes (no limit unless set). The program then sees `fbig`.
    #[must_use]
    pub fn max_file_size(self, bytes: u64) -> Self {
        self.change(|ctx| ctx.quota.max_file_size = bytes)
    }

    /// Lets all files together grow by so many bytes (no limit unless set), on disks and in memory. The program then
    /// sees `dquot`.
    ///
    /// What is counted is growth: bytes beyond a file's end, and for each name made (of a file, a directory or a link)
    /// its length and 256 bytes. Cutting and removing give nothing back.
    #[must_use]
    pub fn max_disk(self, bytes: u64) -> Self {
        self.change(|ctx| ctx.quota.set_max_disk(bytes))
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

    /// Sets how many descriptors the program may have open at once (1024 unless set), those granted included.
    #[must_use]
    pub fn max_open_files(self, count: u32) -> Self {
        self.change(|ctx| ctx.table.set_limit(count))
    }

    /// The environment.
    #[must_use]
    pub fn build(self) -> WasiEnv {
        let (files, listeners) = (self.files, self.listeners);
        self.env.with(|ctx| {
            settings::apply_profile(ctx, !files.is_empty(), !listeners.is_empty());
            ctx.finish_streams();
            for (above, files) in files {
                if ctx.table.grants(&above) {
                    ctx.reject(format!(
                        "the file `{}` cannot be granted in `{above}`, which is a directory granted as a whole",
                        files.first().map_or("", |file| &file.name)
                    ));
                }
                mount(ctx, Box::new(GrantedFiles::new(files)), above, false);
            }
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

fn grant(ctx: &mut WasiCtx, host: &Path, guest: String, read_only: bool) -> Result<(), Error> {
    let failed = |why: &dyn fmt::Display| {
        Error::host(format!(
            "cannot grant the directory `{}`: {why}",
            host.display().to_string().escape_debug()
        ))
    };
    let dir = Dir::grant(host).map_err(|err| {
        if host.is_file() {
            failed(&"it is a file; grant it as one")
        } else {
            failed(&err)
        }
    })?;
    let full = |_| failed(&"too many descriptors are open");
    ctx.table
        .insert(Descriptor::preopened(Box::new(dir), guest, read_only))
        .map_err(full)?;
    Ok(())
}

fn mount(ctx: &mut WasiCtx, dir: Box<dyn Directory>, guest: String, read_only: bool) {
    if ctx.table.insert(Descriptor::preopened(dir, guest, read_only)).is_err() {
        ctx.reject(String::from(
            "more directories are granted than descriptors may be open",
        ));
    }
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
