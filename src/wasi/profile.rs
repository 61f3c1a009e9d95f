//! Profiles: which functions a guest may call at all, before it is asked what was granted to it. One table.
//!
//! What is refused stays linked and answers, because the runtimes of languages call some of it before a program begins:
//! without directories, arguments or sockets they go on; without the functions they would not load.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::abi::Errno;
use super::proc::ProcExit;

/// A kind of program, by what it may do. See [`WasiEnvBuilder::profile`](crate::WasiEnvBuilder::profile).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// A program on the command line: everything, as far as it was granted.
    #[default]
    Cli,
    /// A function of a server, called per request: everything but sockets, and coarse clocks.
    Function,
    /// As a page in a browser: a console, coarse clocks, randomness.
    Browser,
    /// A process that gets capabilities instead of arguments, variables and files.
    Cell,
}

/// Functions that are allowed or refused together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Family {
    /// `args_*`
    Arguments,
    /// `environ_*`
    Environment,
    /// `clock_*`
    Clocks,
    /// `random_get`
    Random,
    /// `poll_oneoff`, `sched_yield`
    Waiting,
    /// `proc_*`
    Process,
    /// `fd_*` on what is open.
    Streams,
    /// `fd_prestat_*`: which directories are granted.
    Grants,
    /// `path_*`, and what only directories and files have.
    Files,
    /// `sock_*`
    Sockets,
}

/// What a call of a function answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// It does what it does.
    Full,
    /// It succeeds, and there are none.
    Empty,
    /// It does nothing and answers the errno of this name.
    Denied(&'static str),
}

/// As people read it: `yes`, `empty`, or the errno.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Access::Full => "yes",
            Access::Empty => "empty",
            Access::Denied(errno) => errno,
        })
    }
}

const YES: Access = Access::Full;
const NONE: Access = Access::Empty;
/// Where C libraries look for granted directories: this ends their search, anything else is taken for a failure.
const BADF: Access = Access::Denied("badf");
const NO: Access = Access::Denied("notcapable");

/// A family's functions, and what they answer under each profile, in the order of [`Profile::ALL`].
type Row = (Family, &'static str, &'static [&'static str], [Access; 4]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                                                                                    cli  function browser cell
    (Family::Arguments, "arguments", &["args_get", "args_sizes_get"],                     [YES, YES, NONE, NONE]),
    (Family::Environment, "environment", &["environ_get", "environ_sizes_get"],           [YES, YES, NONE, NONE]),
    (Family::Clocks, "clocks", &["clock_res_get", "clock_time_get"],                      [YES, YES, YES, YES]),
    (Family::Random, "random", &["random_get"],                                           [YES, YES, YES, YES]),
    (Family::Waiting, "waiting", &["poll_oneoff", "sched_yield"],                         [YES, YES, YES, YES]),
    (Family::Process, "process", &["proc_exit", "proc_raise"],                            [YES, YES, YES, YES]),
    (Family::Streams, "streams", &[
        "fd_close", "fd_datasync", "fd_fdstat_get", "fd_fdstat_set_flags", "fd_fdstat_set_rights", "fd_filestat_get",
        "fd_read", "fd_renumber", "fd_seek", "fd_sync", "fd_tell", "fd_write",
    ],                                                                                    [YES, YES, YES, YES]),
    (Family::Grants, "grants", &["fd_prestat_get", "fd_prestat_dir_name"],                [YES, YES, BADF, BADF]),
    (Family::Files, "files", &[
        "fd_advise", "fd_allocate", "fd_filestat_set_size", "fd_filestat_set_times", "fd_pread", "fd_pwrite",
        "fd_readdir", "path_create_directory", "path_filestat_get", "path_filestat_set_times", "path_link",
        "path_open", "path_readlink", "path_remove_directory", "path_rename", "path_symlink", "path_unlink_file",
    ],                                                                                    [YES, YES, NO, NO]),
    (Family::Sockets, "sockets", &["sock_accept", "sock_recv", "sock_send", "sock_shutdown"], [YES, NO, NO, NO]),
];

impl Family {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Family> {
        TABLE.iter().map(|row| row.0)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The functions in it.
    pub fn functions(self) -> &'static [&'static str] {
        TABLE.iter().find(|row| row.0 == self).map_or(&[], |row| row.2)
    }

    /// The family of the function of that name.
    pub fn of(function: &str) -> Option<Family> {
        TABLE.iter().find(|row| row.2.contains(&function)).map(|row| row.0)
    }
}

impl Profile {
    /// All of them.
    pub const ALL: [Profile; 4] = [Profile::Cli, Profile::Function, Profile::Browser, Profile::Cell];

    /// Its name: `cli`, `function`, `browser` or `cell`.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Cli => "cli",
            Profile::Function => "function",
            Profile::Browser => "browser",
            Profile::Cell => "cell",
        }
    }

    /// What the functions of a family answer.
    pub fn access(self, family: Family) -> Access {
        let row = TABLE.iter().find(|row| row.0 == family);
        let access = row.and_then(|row| row.3.get(self as usize)).copied();
        access.unwrap_or(NO)
    }

    /// How fine its clocks are, unless the embedder says otherwise.
    ///
    /// 100 µs is what browsers give pages. It makes timing attacks harder, not impossible: a program can count how often
    /// it goes around a loop between two readings.
    pub fn clock_resolution(self) -> Duration {
        match self {
            Profile::Cli => Duration::from_nanos(1),
            Profile::Function | Profile::Browser | Profile::Cell => Duration::from_micros(100),
        }
    }

    /// What `proc_exit` does, unless the embedder says otherwise.
    pub fn proc_exit(self) -> ProcExit {
        match self {
            Profile::Cell => ProcExit::Trap,
            _ => ProcExit::Allow,
        }
    }

    /// Whether standard input may be something. It is empty otherwise.
    pub fn stdin(self) -> bool {
        self != Profile::Browser
    }

    /// What a function that is refused answers.
    pub(super) fn refusal(self, function: &str) -> Option<Errno> {
        // The usual profile refuses nothing: what is asked in every call.
        if self == Profile::Cli {
            return None;
        }
        match self.access(Family::of(function)?) {
            Access::Denied("badf") => Some(Errno::Badf),
            Access::Denied(_) => Some(Errno::Notcapable),
            Access::Full | Access::Empty => None,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// There is no profile of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a profile: use cli, function, browser or cell")]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Profile, UnknownProfile> {
        let known = Profile::ALL.into_iter().find(|profile| profile.name() == name);
        known.ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::FUNCTIONS;

    #[test]
    fn each_function_is_in_one_family_and_each_profile_can_be_named() {
        let mut listed: Vec<&str> = Family::all()
            .flat_map(|family| family.functions().iter().copied())
            .collect();
        let mut functions: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
        listed.sort_unstable();
        functions.sort_unstable();
        assert_eq!(listed, functions);
        for profile in Profile::ALL {
            assert_eq!(profile.to_string().parse(), Ok(profile));
        }
        assert!("Cell".parse::<Profile>().is_err());
    }

    #[test]
    fn refusals_are_those_of_the_table() {
        for function in FUNCTIONS {
            assert_eq!(Profile::Cli.refusal(function.name), None);
        }
        assert_eq!(Profile::Function.refusal("sock_accept"), Some(Errno::Notcapable));
        assert_eq!(Profile::Function.refusal("path_open"), None);
        assert_eq!(Profile::Cell.refusal("path_open"), Some(Errno::Notcapable));
        assert_eq!(Profile::Browser.refusal("fd_prestat_get"), Some(Errno::Badf));
        assert_eq!(
            Profile::Cell.refusal("args_get"),
            None,
            "there are none, and that is no error"
        );
        for family in Family::all() {
            for profile in Profile::ALL {
                if let Access::Denied(name) = profile.access(family) {
                    let refusal = profile.refusal(family.functions()[0]).unwrap();
                    assert!(refusal.name().eq_ignore_ascii_case(name), "the table says {name}");
                }
            }
        }
    }
}
