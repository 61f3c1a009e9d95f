//! The whole of Preview 1 on one page: name, parameters, handler, and how far it is there, in the order of the witx.
//!
//! The table makes the function types in both versions of the interface (`preview.rs`), turns slots into typed arguments
//! and what a handler returned into a result, and says how calls are shown (`trace.rs`).

use std::fmt;

use super::abi::{Fd, Fdflags, Fstflags, Lookupflags, Oflags, Ptr, Riflags, Rights, Sdflags, Size, Timestamp};
use super::call::{Call, Stop, again, finish, is_unfinished};
use super::ctx::WasiCtx;
use super::preview::{self, PREVIEW0, PREVIEW1};
use super::trace::{
    self, Advice, Ciovecs, Clockid, Dircookie, Exitcode, Filedelta, Filesize, Iovecs, Kind, OutBytes, OutEvents,
    OutFdstat, OutFilestat, OutName, OutPrestat, OutSize, OutText, OutU64, Param, Path, Siflags, Signal, Subscriptions,
    Whence,
};
use super::{args, clock, environ, fd, missed, path, poll, proc, random, sched, sock};
use crate::engine::{Caller, Error, Halt, Linker, WasmTy};

/// The name of the module that guests import the functions from.
pub const MODULE: &str = PREVIEW1.module;

/// The name of the module that guests of the older version, preview 0, import them from; it has all but `sock_accept`.
pub const UNSTABLE_MODULE: &str = PREVIEW0.module;

/// How far a function is there. `docs/wasi.md` says the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// As the specification has it.
    Done,
    /// There, with a limit that the documentation names.
    Partial,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Done => "done",
            State::Partial => "partial",
        })
    }
}

/// A function guests can import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Function {
    /// Its name in [`MODULE`].
    pub name: &'static str,
    /// How far it is there.
    pub state: State,
}

/// How the functions reach the environment they work on.
pub(super) trait World: Clone + Send + Sync + 'static {
    fn with<R>(&self, work: impl FnOnce(&mut WasiCtx) -> R) -> R;
}

/// A parameter's type, made from its WebAssembly type.
trait Arg {
    type Wasm: WasmTy;
    fn from_word(word: u64) -> Self;
}

macro_rules! args {
    ($($ty:ty: $wasm:ty, |$value:ident| $make:expr;)*) => {
        $(impl Arg for $ty {
            type Wasm = $wasm;
            fn from_word(word: u64) -> $ty {
                let $value = word as $wasm;
                $make
            }
        })*
    };
}

args! {
    u32: u32, |value| value;
    u64: u64, |value| value;
    i64: i64, |value| value;
    Ptr: u32, |value| Ptr(value);
    Rights: u64, |value| Rights(value);
    Lookupflags: u32, |value| Lookupflags(value);
    // Flags are narrower than their WebAssembly type. Bits that do not fit are unknown flags like others.
    Fdflags: u32, |value| Fdflags(value.try_into().unwrap_or(u16::MAX));
    Oflags: u32, |value| Oflags(value.try_into().unwrap_or(u16::MAX));
    Fstflags: u32, |value| Fstflags(value.try_into().unwrap_or(u16::MAX));
    Riflags: u32, |value| Riflags(value.try_into().unwrap_or(u16::MAX));
    Sdflags: u32, |value| Sdflags(value.try_into().unwrap_or(u8::MAX));
}

/// A function of the table: what calling it takes.
pub(super) struct Row {
    name: &'static str,
    params: &'static [Param],
    handler: fn(&mut Call<'_>, &[u64]) -> Result<(), Stop>,
}

impl Row {
    /// Makes a call whose arguments are `words`, and says so if the environment is traced.
    pub(super) fn call(&self, cx: &mut Call<'_>, words: &[u64]) -> Result<(), Stop> {
        let shown = cx.ctx.trace.as_ref().is_some_and(|trace| trace.filter.shows(self.name));
        let line = shown.then(|| trace::begin(cx, self.name, self.params, words));
        let refusal = cx.ctx.profile.refusal(self.name);
        let result = match refusal {
            None => (self.handler)(cx, words),
            Some(errno) => Err(errno.into()),
        };
        if let Some(line) = line
            && !is_unfinished(cx.host, &result)
        {
            trace::end(cx, line, self.params, words, &result);
        }
        // What the profile refuses, no directory would change.
        if let (None, Err(Stop::Errno(errno))) = (refusal, &result) {
            missed::note(cx, self.name, self.params, words, *errno);
        }
        cx.ctx.missed.begun |= !self.name.starts_with("fd_prestat");
        result
    }
}

macro_rules! wasi_funcs {
    ($($name:ident($($param:ident: $ty:ident),*) $(-> $never:tt)? => $handler:path, $state:ident;)*) => {
        /// Every function of Preview 1.
        pub const FUNCTIONS: &[Function] = &[$(Function { name: stringify!($name), state: State::$state }),*];

        /// How each is called.
        #[allow(non_upper_case_globals, unused_mut, unused_variables)]
        mod rows {
            use super::*;
            $(pub(super) static $name: Row = Row {
                name: stringify!($name),
                params: &[$((stringify!($param), Kind::$ty)),*],
                handler: |cx, words| {
                    let mut words = words.iter().copied();
                    $(let $param = <$ty as Arg>::from_word(words.next().unwrap_or_default());)*
                    $handler(cx, $($param),*)
                },
            };)*
        }

        /// The rows by name, for tests that know no types.
        #[cfg(test)]
        const ROWS: &[&Row] = &[$(&rows::$name),*];

        /// Defines all functions in both versions, working on `world`.
        pub(super) fn define<T: Send + 'static>(linker: &mut Linker<T>, world: &impl World) -> Result<(), Error> {
            // What is the same in both is made once: a server links for each request.
            for (preview, differs) in [(&PREVIEW1, false), (&PREVIEW1, true), (&PREVIEW0, true)] {
                $(if preview::differs(stringify!($name)) == differs
                    && preview.has(stringify!($name))
                    && !world.with(|ctx| ctx.withholds(stringify!($name)))
                {
                    let world = world.clone();
                    linker.func_with(
                        preview.module,
                        stringify!($name),
                        move |caller: &mut Caller<'_, T>, $($param: <$ty as Arg>::Wasm),*| -> wasi_funcs!(@ty $($never)?) {
                            let words: &[u64] = &[$($param as u64),*];
                            let result = loop {
                                let result = world.with(|ctx| {
                                    rows::$name.call(&mut Call { ctx, host: caller, preview }, words)
                                });
                                if !again(caller, &result) {
                                    break result;
                                }
                            };
                            wasi_funcs!(@result $($never)? result)
                        },
                    )?;
                })*
                if !differs {
                    linker.alias(PREVIEW1.module, PREVIEW0.module)?;
                }
            }
            Ok(())
        }
    };
    (@ty) => { Result<i32, Halt> };
    (@ty !) => { Result<(), Halt> };
    (@result $result:ident) => { finish($result) };
    (@result ! $result:ident) => { finish($result).map(|_| ()) };
}

/// The row of that name.
#[cfg(test)]
pub(super) fn row(name: &str) -> &'static Row {
    ROWS.iter()
        .find(|row| row.name == name)
        .expect("a function of Preview 1")
}

wasi_funcs! {
    args_get(argv: OutBytes, argv_buf: OutBytes) => args::get, Done;
    args_sizes_get(argc: OutSize, argv_buf_size: OutSize) => args::sizes_get, Done;
    environ_get(environ: OutBytes, environ_buf: OutBytes) => environ::get, Done;
    environ_sizes_get(count: OutSize, buf_size: OutSize) => environ::sizes_get, Done;
    clock_res_get(id: Clockid, resolution: OutU64) => clock::res_get, Done;
    clock_time_get(id: Clockid, precision: Timestamp, time: OutU64) => clock::time_get, Done;
    fd_advise(fd: Fd, offset: Filesize, len: Filesize, advice: Advice) => fd::table::advise, Done;
    fd_allocate(fd: Fd, offset: Filesize, len: Filesize) => fd::table::allocate, Done;
    fd_close(fd: Fd) => fd::table::close, Done;
    fd_datasync(fd: Fd) => fd::table::datasync, Done;
    fd_fdstat_get(fd: Fd, buf: OutFdstat) => fd::stat::fdstat_get, Done;
    fd_fdstat_set_flags(fd: Fd, flags: Fdflags) => fd::stat::fdstat_set_flags, Partial;
    fd_fdstat_set_rights(fd: Fd, base: Rights, inheriting: Rights) => fd::stat::fdstat_set_rights, Done;
    fd_filestat_get(fd: Fd, buf: OutFilestat) => fd::stat::filestat_get, Done;
    fd_filestat_set_size(fd: Fd, size: Filesize) => fd::stat::filestat_set_size, Done;
    fd_filestat_set_times(fd: Fd, atim: Timestamp, mtim: Timestamp, flags: Fstflags)
        => fd::stat::filestat_set_times, Done;
    fd_pread(fd: Fd, iovs: Iovecs, iovs_len: Size, offset: Filesize, nread: OutSize) => fd::read_write::pread, Done;
    fd_prestat_get(fd: Fd, buf: OutPrestat) => fd::preopen::get, Done;
    fd_prestat_dir_name(fd: Fd, path: OutName, path_len: Size) => fd::preopen::dir_name, Done;
    fd_pwrite(fd: Fd, iovs: Ciovecs, iovs_len: Size, offset: Filesize, nwritten: OutSize) => fd::read_write::pwrite, Done;
    fd_read(fd: Fd, iovs: Iovecs, iovs_len: Size, nread: OutSize) => fd::read_write::read, Done;
    fd_readdir(fd: Fd, buf: OutBytes, buf_len: Size, cookie: Dircookie, bufused: OutSize) => fd::readdir::readdir, Done;
    fd_renumber(fd: Fd, to: Fd) => fd::table::renumber, Done;
    fd_seek(fd: Fd, offset: Filedelta, whence: Whence, newoffset: OutU64) => fd::table::seek, Done;
    fd_sync(fd: Fd) => fd::table::sync, Done;
    fd_tell(fd: Fd, offset: OutU64) => fd::table::tell, Done;
    fd_write(fd: Fd, iovs: Ciovecs, iovs_len: Size, nwritten: OutSize) => fd::read_write::write, Done;
    path_create_directory(fd: Fd, path: Path, len: Size) => path::tree::create_directory, Done;
    path_filestat_get(fd: Fd, flags: Lookupflags, path: Path, len: Size, buf: OutFilestat) => path::stat::filestat_get, Done;
    path_filestat_set_times(
        fd: Fd, flags: Lookupflags, path: Path, len: Size, atim: Timestamp, mtim: Timestamp, fst_flags: Fstflags
    ) => path::stat::filestat_set_times, Done;
    path_link(old_fd: Fd, old_flags: Lookupflags, old: Path, old_len: Size, new_fd: Fd, new: Path, new_len: Size)
        => path::links::link, Done;
    path_open(
        fd: Fd, dirflags: Lookupflags, path: Path, path_len: Size, oflags: Oflags, base: Rights, inheriting: Rights,
        fdflags: Fdflags, opened: OutSize
    ) => path::open::open, Done;
    path_readlink(fd: Fd, path: Path, len: Size, buf: OutText, buf_len: Size, bufused: OutSize) => path::links::readlink, Done;
    path_remove_directory(fd: Fd, path: Path, len: Size) => path::tree::remove_directory, Done;
    path_rename(fd: Fd, old: Path, old_len: Size, new_fd: Fd, new: Path, new_len: Size) => path::tree::rename, Done;
    path_symlink(old: Path, old_len: Size, fd: Fd, new: Path, new_len: Size) => path::links::symlink, Done;
    path_unlink_file(fd: Fd, path: Path, len: Size) => path::tree::unlink_file, Done;
    poll_oneoff(input: Subscriptions, out: OutEvents, nsubscriptions: Size, nevents: OutSize) => poll::oneoff, Done;
    proc_exit(code: Exitcode) -> ! => proc::exit, Done;
    proc_raise(signal: Signal) => proc::raise, Done;
    sched_yield() => sched::yield_now, Done;
    random_get(buf: OutBytes, buf_len: Size) => random::get, Done;
    sock_accept(fd: Fd, flags: Fdflags, opened: OutSize) => sock::accept, Done;
    sock_recv(fd: Fd, ri_data: Iovecs, ri_data_len: Size, ri_flags: Riflags, received: OutSize, ro_flags: OutBytes)
        => sock::recv, Done;
    sock_send(fd: Fd, si_data: Ciovecs, si_data_len: Size, si_flags: Siflags, sent: OutSize) => sock::send, Done;
    sock_shutdown(fd: Fd, how: Sdflags) => sock::shutdown, Done;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::abi::Errno;
    use crate::wasi::testing::{Guest, MEMORY};

    #[test]
    fn all_of_preview_1_is_linked() {
        assert_eq!(FUNCTIONS.len(), 46);
    }

    #[test]
    fn the_documentation_and_this_table_agree() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/wasi.md");
        let text = std::fs::read_to_string(path).unwrap();
        let rows = text.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|');
            let name = cells.next()?.trim().strip_suffix('`')?;
            Some((
                name.to_owned(),
                cells.next()?.trim().to_owned(),
                cells.next()?.to_owned(),
            ))
        });
        let documented: Vec<_> = rows.collect();
        let ours: Vec<_> = FUNCTIONS
            .iter()
            .map(|function| (function.name, function.state.to_string()))
            .collect();
        let theirs: Vec<_> = documented
            .iter()
            .map(|(name, state, _)| (name.as_str(), state.clone()))
            .collect();
        assert_eq!(theirs, ours);
        // The errnos of the table exist; none of them says that a function is not there.
        for (name, _, errnos) in &documented {
            let errnos: Vec<&str> = errnos
                .split_whitespace()
                .map(|errno| errno.trim_matches(['*', '`']))
                .collect();
            for errno in &errnos {
                let known = Errno::ALL.iter().any(|known| known.name().eq_ignore_ascii_case(errno));
                assert!(known, "{name}: no errno is called {errno}");
            }
            assert!(!errnos.contains(&"nosys"), "{name}");
        }
    }

    /// Words such as a hostile or broken guest passes: small numbers, ends of the memory, ends of the integers.
    fn word(random: &mut impl FnMut() -> u64) -> u64 {
        let near = random() % 70;
        match random() % 8 {
            0 => random(),
            1 => random() & 0xffff_ffff,
            2 => (u64::from(MEMORY) + 35).wrapping_sub(near),
            3 => u64::MAX.wrapping_sub(near),
            4 => u64::from(u32::MAX).wrapping_sub(near),
            5 => 1 << (random() % 64),
            6 => random() & 0xffff,
            _ => near % 12,
        }
    }

    #[test]
    fn no_arguments_and_no_memory_make_a_call_panic_or_escape() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("granted");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(outer.path().join("secret"), "canary").unwrap();
        std::os::unix::fs::symlink("../secret", inner.join("l")).unwrap();
        std::os::unix::fs::symlink("..", inner.join("u")).unwrap();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..40 {
            let builder = crate::WasiEnv::builder()
                .dir(&inner, "/")
                .unwrap()
                .dir_read_only(&inner, "/ro")
                .unwrap();
            let env = builder
                .stdin("some input")
                .capture_stdout()
                .capture_limit(1 << 20)
                .max_open_files(40)
                .build();
            let mut guest = Guest::new(env);
            // What would wait, ends.
            guest.interrupt_handle().interrupt();
            for at in (0..MEMORY).step_by(8) {
                let word = word(&mut random);
                guest.put(at, &word.to_le_bytes());
            }
            for (at, path) in [
                "f",
                "d/f",
                "l",
                "u/secret",
                "../x",
                "d",
                "/",
                ".",
                "u/../secret",
                "\u{e9}",
            ]
            .iter()
            .enumerate()
            {
                guest.put(at as u32, path.as_bytes());
            }
            for _ in 0..1000 {
                let row = ROWS[(random() % ROWS.len() as u64) as usize];
                let words: [u64; 9] = std::array::from_fn(|_| word(&mut random));
                guest.preview = [&PREVIEW1, &PREVIEW0][(random() % 2) as usize];
                // Not on a real disk: it would take what it is asked for.
                if row.name != "fd_allocate" {
                    let result = guest.stop(|cx| row.call(cx, &words));
                    let raised = row.name == "proc_raise";
                    assert!(
                        !matches!(result, Err(Stop::Host(_))) || raised,
                        "{} {words:?}",
                        row.name
                    );
                }
            }
        }
        let mut beside: Vec<_> = std::fs::read_dir(outer.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        beside.sort();
        assert_eq!(beside, ["granted", "secret"]);
        assert_eq!(std::fs::read(outer.path().join("secret")).unwrap(), b"canary");
    }
}
