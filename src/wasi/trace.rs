//! One line per call, as strace(1) shows a process's: `path_open(fd=3, dirflags=0, path="a.txt", oflags=CREAT, …) = 4`.
//!
//! A line is made from the row of the function in `funcs.rs`: the type of each parameter says how it is shown. What the
//! guest passes in is read before the call and what it gets after it; an address or length that is not in its memory is
//! shown as a number. Bytes of the guest's are escaped, and cut: a line is some kilobytes at most, whatever is asked for.
//! Environments that are not traced have no [`Trace`], and a call looks at that and at nothing else.

mod show;

use std::fmt::Write as _;
use std::str::FromStr;

use super::abi::Ptr;
use super::call::{Call, Stop};
use super::preview::PREVIEW1;
use show::{input, outputs};

macro_rules! kinds {
    ($($plain:ident)*; $($(#[$doc:meta])* $name:ident = $ty:ty;)*) => {
        /// What a parameter is, and so how it is shown. Each is named as the type that stands in the function's row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind { $($plain,)* $($(#[$doc])* $name),* }
        $($(#[$doc])* pub(super) type $name = $ty;)*
    };
}

kinds! {
    Fd Size Timestamp Lookupflags Oflags Fdflags Fstflags Riflags Sdflags Rights;
    /// A path; its length is the next parameter.
    Path = Ptr;
    /// Iovecs with bytes to be written; their number is the next parameter.
    Ciovecs = Ptr;
    /// Iovecs to be filled; their number is the next parameter.
    Iovecs = Ptr;
    /// Subscriptions; their number is the next parameter but one.
    Subscriptions = Ptr;
    /// A buffer to be filled with what nobody wants to see.
    OutBytes = Ptr;
    /// A buffer to be filled with text; how many bytes of it count comes out as well.
    OutText = Ptr;
    /// A buffer to be filled with text, of exactly the next parameter's length.
    OutName = Ptr;
    /// A place for a u32.
    OutSize = Ptr;
    /// A place for a u64.
    OutU64 = Ptr;
    /// A place for an fdstat.
    OutFdstat = Ptr;
    /// A place for a filestat.
    OutFilestat = Ptr;
    /// A place for a prestat.
    OutPrestat = Ptr;
    /// Room for events; their number comes out as well.
    OutEvents = Ptr;
    /// A clock's number.
    Clockid = u32;
    /// Where to count from, by the number of the version in use.
    Whence = u32;
    /// How a file will be used, by number.
    Advice = u32;
    /// A signal's number.
    Signal = u32;
    /// What the program ends with.
    Exitcode = u32;
    /// Flags of `sock_send`, of which there are none.
    Siflags = u32;
    /// A place or a length in a file.
    Filesize = u64;
    /// A way to go in a file.
    Filedelta = i64;
    /// A place in a directory.
    Dircookie = u64;
}

/// A parameter's name and what it is.
pub(super) type Param = (&'static str, Kind);

/// The first words of functions' names.
const FAMILIES: [&str; 10] = [
    "args", "environ", "clock", "fd", "path", "poll", "proc", "random", "sched", "sock",
];

/// Which calls to show: see [`WasiEnvBuilder::trace`](super::WasiEnvBuilder::trace).
///
/// A family is the first word of its functions' names: `args`, `environ`, `clock`, `fd`, `path`, `poll`, `proc`,
/// `random`, `sched`, `sock`. `fs` is `fd` and `path`, `all` is all. Several are separated by commas.
///
/// ```
/// use wasmrun::wasi::TraceFilter;
///
/// let filter: TraceFilter = "fs,clock".parse().unwrap();
/// assert!(filter.shows("path_open") && !filter.shows("random_get"));
/// assert!("fs,disk".parse::<TraceFilter>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceFilter(u16);

impl TraceFilter {
    /// Every call.
    pub const ALL: TraceFilter = TraceFilter((1 << FAMILIES.len()) - 1);

    /// Whether calls of the function are shown.
    pub fn shows(self, function: &str) -> bool {
        let family = function.split('_').next().unwrap_or_default();
        FAMILIES
            .iter()
            .position(|known| *known == family)
            .is_some_and(|at| self.0 & 1 << at != 0)
    }
}

impl FromStr for TraceFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<TraceFilter, String> {
        let mut bits = 0;
        for word in text.split(',') {
            bits |= match (word, FAMILIES.iter().position(|known| *known == word)) {
                ("all", _) => TraceFilter::ALL.0,
                ("fs", _) => TraceFilter::from_str("fd,path")?.0,
                (_, Some(at)) => 1 << at,
                _ => {
                    return Err(format!(
                        "`{}` is not a family of calls: use all, fs, {}",
                        word.escape_debug(),
                        FAMILIES.join(", ")
                    ));
                }
            };
        }
        Ok(TraceFilter(bits))
    }
}

/// Where lines go, and for which calls there are any.
pub(super) struct Trace {
    pub(super) filter: TraceFilter,
    pub(super) sink: Box<dyn FnMut(&str) + Send>,
}

/// The line up to the `=`: made before the call, which may overwrite what it was passed.
pub(super) fn begin(cx: &mut Call<'_>, name: &str, params: &[Param], words: &[u64]) -> String {
    let mut line = String::with_capacity(120);
    if !std::ptr::eq(cx.preview, &PREVIEW1) {
        line.push_str(cx.preview.module);
        line.push('.');
    }
    line.push_str(name);
    line.push('(');
    let preview = cx.preview;
    let memory = cx.memory();
    let mut first = true;
    let mut consumed = false;
    for (index, &(param, kind)) in params.iter().enumerate() {
        let counted = std::mem::replace(&mut consumed, takes_next(kind));
        if counted || is_output(kind) {
            continue;
        }
        if !std::mem::take(&mut first) {
            line.push_str(", ");
        }
        let _ = write!(line, "{param}=");
        input(&mut line, &memory, preview, kind, word(words, index), |next| {
            word(words, index + next)
        });
    }
    line.push(')');
    line
}

/// Completes the line and hands it on.
pub(super) fn end(cx: &mut Call<'_>, mut line: String, params: &[Param], words: &[u64], result: &Result<(), Stop>) {
    line.push_str(" = ");
    match result {
        Ok(()) => {
            let preview = cx.preview;
            outputs(&mut line, &cx.memory(), preview, params, words);
        }
        Err(Stop::Errno(errno)) => line.push_str(&errno.name().to_ascii_lowercase()),
        Err(Stop::Interrupted) => line.push_str("? interrupted"),
        Err(_) => line.push('?'),
    }
    if let Some(trace) = &mut cx.ctx.trace {
        (trace.sink)(&line);
    }
}

fn word(words: &[u64], index: usize) -> u64 {
    words.get(index).copied().unwrap_or_default()
}

/// Whether the next parameter is this one's length.
fn takes_next(kind: Kind) -> bool {
    matches!(kind, Kind::Path | Kind::Ciovecs | Kind::Iovecs)
}

/// Whether a parameter is a place for what comes out.
fn is_output(kind: Kind) -> bool {
    use Kind::*;
    matches!(
        kind,
        OutBytes | OutText | OutName | OutSize | OutU64 | OutFdstat | OutFilestat | OutPrestat | OutEvents
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::wasi::WasiEnv;
    use crate::wasi::funcs::row;
    use crate::wasi::testing::{Guest, OUT};

    /// A guest all of whose calls are shown, and where.
    fn traced(env: crate::WasiEnvBuilder) -> (Guest, Arc<Mutex<Vec<String>>>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = lines.clone();
        let env = env.trace(TraceFilter::ALL, move |line| sink.lock().unwrap().push(line.to_owned()));
        (Guest::new(env.build()), lines)
    }

    /// Makes a call through the table, as guests do, and returns its line.
    fn line(guest: &mut Guest, lines: &Mutex<Vec<String>>, name: &str, words: &[u64]) -> String {
        let _ = guest.stop(|cx| row(name).call(cx, words));
        lines.lock().unwrap().pop().unwrap()
    }

    #[test]
    fn what_is_passed_in_and_what_comes_out() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "text\n").unwrap();
        let (mut guest, lines) = traced(WasiEnv::builder().dir(dir.path(), "/d").unwrap().capture_stdout());
        let (path, len) = guest.path("f");
        let (path, len) = (path.0.into(), len.into());
        let out = u64::from(OUT.0);
        let say = |guest: &mut Guest, name: &str, words: &[u64]| line(guest, &lines, name, words);
        assert_eq!(
            say(&mut guest, "fd_prestat_get", &[3, 0x100]),
            "fd_prestat_get(fd=3) = dir of 2 bytes"
        );
        assert_eq!(
            say(&mut guest, "fd_prestat_dir_name", &[3, 0x100, 2]),
            r#"fd_prestat_dir_name(fd=3, path_len=2) = "/d""#
        );
        assert_eq!(
            say(&mut guest, "path_open", &[3, 1, path, len, 9, 6, 0x3fff_fffd, 4, out]),
            "path_open(fd=3, dirflags=SYMLINK_FOLLOW, path=\"f\", oflags=CREAT|TRUNC, base=FD_READ|FD_SEEK, \
             inheriting=~(FD_READ), fdflags=NONBLOCK) = 4"
        );
        std::fs::write(dir.path().join("f"), "text\n").unwrap();
        let (iovs, count) = guest.iovecs(&[(0x200, 3), (0x300, 8)]);
        let (iovs, count) = (iovs.0.into(), count.into());
        assert_eq!(
            say(&mut guest, "fd_read", &[4, iovs, count, out]),
            r#"fd_read(fd=4, iovs=[3, 8]) = "tex"..., 5"#
        );
        guest.put(0x200, b"\x1b]0;");
        assert_eq!(
            say(&mut guest, "fd_write", &[1, iovs, 1, out]),
            r#"fd_write(fd=1, iovs=[3 "\u{1b}]0"]) = 3"#
        );
        assert_eq!(
            say(&mut guest, "fd_seek", &[4, u64::MAX, 1, out]),
            "fd_seek(fd=4, offset=-1, whence=cur) = 4"
        );
        let stat = say(&mut guest, "path_filestat_get", &[3, 0, path, len, 0x400]);
        assert!(
            stat.starts_with(r#"path_filestat_get(fd=3, flags=0, path="f") = regular_file ino="#),
            "{stat}"
        );
        assert!(stat.ends_with(" size=5"), "{stat}");
        assert_eq!(say(&mut guest, "fd_close", &[4]), "fd_close(fd=4) = success");
        assert_eq!(
            say(&mut guest, "fd_close", &[u64::from(u32::MAX)]),
            "fd_close(fd=-1) = badf"
        );
        assert_eq!(say(&mut guest, "proc_exit", &[7]), "proc_exit(code=7) = ?");
    }

    #[test]
    fn waiting_is_shown_with_what_is_waited_for() {
        let (mut guest, lines) = traced(WasiEnv::builder());
        let mut subscription = [0u8; 48];
        subscription[16] = 1;
        subscription[24..32].copy_from_slice(&5_000_000_000u64.to_le_bytes());
        guest.put(0x100, &subscription);
        subscription[8] = 1;
        guest.put(0x130, &subscription);
        assert_eq!(
            line(&mut guest, &lines, "poll_oneoff", &[0x100, 0x200, 2, 0x300]),
            "poll_oneoff(input=[monotonic +5000000000, read 1], nsubscriptions=2) = [read badf], 1"
        );
    }

    #[test]
    fn what_is_not_in_the_memory_is_shown_as_a_number_and_long_things_are_cut() {
        let (mut guest, lines) = traced(WasiEnv::builder().capture_stdout());
        let huge = u64::from(u32::MAX);
        let say = |guest: &mut Guest, name: &str, words: &[u64]| line(guest, &lines, name, words);
        assert_eq!(
            say(&mut guest, "path_unlink_file", &[9, huge, huge]),
            "path_unlink_file(fd=9, path=0xffffffff+4294967295) = badf"
        );
        let bomb = say(&mut guest, "fd_write", &[1, 0, huge, 0]);
        assert!(bomb.ends_with("... 4294967295 in all]) = inval"), "{bomb}");
        assert!(bomb.len() < 1000, "{bomb}");
        let poll = say(&mut guest, "poll_oneoff", &[huge, huge, huge, huge]);
        assert!(poll.contains("[?, ?"), "{poll}");
        let long = say(&mut guest, "path_unlink_file", &[9, 0, 5000]);
        assert!(long.ends_with(r#"???"...) = badf"#) && long.len() < 700, "{long}");
    }

    #[test]
    fn only_the_families_asked_for() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = lines.clone();
        let filter = "fs,clock".parse().unwrap();
        let env = WasiEnv::builder().trace(filter, move |line| sink.lock().unwrap().push(line.to_owned()));
        let mut guest = Guest::new(env.build());
        for (name, words) in [
            ("random_get", &[0, 1][..]),
            ("fd_close", &[9]),
            ("clock_res_get", &[9, 0]),
        ] {
            let _ = guest.stop(|cx| row(name).call(cx, words));
        }
        assert_eq!(
            *lines.lock().unwrap(),
            ["fd_close(fd=9) = badf", "clock_res_get(id=9) = inval"]
        );
        guest.preview = &crate::wasi::preview::PREVIEW0;
        let _ = guest.stop(|cx| row("fd_seek").call(cx, &[0, 1, 2, 0]));
        assert_eq!(
            lines.lock().unwrap()[2],
            "wasi_unstable.fd_seek(fd=0, offset=1, whence=set) = spipe"
        );
    }

    #[test]
    fn every_word_is_a_family_or_refused() {
        assert_eq!("all".parse(), Ok(TraceFilter::ALL));
        for family in FAMILIES {
            assert!(family.parse::<TraceFilter>().is_ok());
        }
        for wrong in ["", "fs,", "FS", "fd_read"] {
            assert!(wrong.parse::<TraceFilter>().is_err(), "{wrong}");
        }
        for function in crate::wasi::FUNCTIONS {
            assert!(TraceFilter::ALL.shows(function.name), "{}", function.name);
        }
    }
}
