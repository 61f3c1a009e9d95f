//! What can be typed: clap types only. What it means is in `exec` and `wast`; how texts become values is in `units`.

mod files;
mod world;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use wasmrun::wasi::TraceFilter;

pub use self::files::FilesArgs;
pub use self::world::{ExitPolicy, ProfilesArgs, WasiArgs, WorldArgs};
use super::features::FeatureSet;
use super::units::{self, Input, Listen, Variable};

/// Runs WebAssembly programs: an interpreter with WASI Preview 1 built in.
#[derive(Debug, Parser)]
#[command(
    name = "wasmrun",
    version = super::version::short(),
    long_version = super::version::long(),
    override_usage = "wasmrun [OPTIONS] FILE [ARGS]...\n       wasmrun <COMMAND>",
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "`wasmrun FILE ARGS` is short for `wasmrun exec FILE ARGS`; the options are those of `wasmrun exec -h`.",
    after_long_help = EXAMPLES
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
`wasmrun FILE ARGS` is short for `wasmrun exec FILE ARGS`.

Examples:
  wasmrun app.wasm --flag value            run a program; everything after the file is the program's
  wasmrun --dir . app.wasm notes.txt       let it use the files of this directory
  wasmrun exec --invoke add math.wat 2 3   call one function and print what it returns
  wasmrun wast spec/test/core              run the official test suite

As cargo's runner:
  CARGO_TARGET_WASM32_WASIP1_RUNNER=\"wasmrun exec --dir=.\" cargo test --target wasm32-wasip1";

#[derive(Debug, Subcommand)]
pub enum Command {
    Exec(Box<ExecArgs>),
    Wast(WastArgs),
    Listing(ListingArgs),
    Profiles(ProfilesArgs),
    Wasi(WasiArgs),
}

/// Run a program, or one function of a module
#[derive(Debug, Args)]
#[command(
    override_usage = "wasmrun exec [OPTIONS] FILE [ARGS]...",
    after_help = "Exit status: the program's own (low 8 bits); 134 trap; 128+N signal N; 124 timeout; 2 usage; 1 other failure.",
    after_long_help = EXEC_EXAMPLES
)]
pub struct ExecArgs {
    #[command(flatten)]
    pub files: FilesArgs,

    /// Let the program accept connections on an address: 127.0.0.1:8080
    ///
    /// HOST:PORT; port 0 means a free one, told on stderr. Listeners get the descriptors after the directories', the first
    /// is 3 if there are none; the variable LISTEN_FDS has their number. ADDR::nonblock for programs that expect
    /// non-blocking mode to be set, as Go's do.
    #[arg(long, value_name = "ADDR[::nonblock]", value_parser = units::listen)]
    pub listen: Vec<Listen>,

    /// Set a variable, or pass on the one of that name
    ///
    /// KEY=VALUE sets it, VALUE may be empty. KEY alone passes ours on, if it is set. The last one of a name counts.
    #[arg(long, value_name = "KEY[=VALUE]", value_parser = units::variable())]
    pub env: Vec<Variable>,

    /// Pass on all environment variables (none otherwise)
    #[arg(long)]
    pub inherit_env: bool,

    /// What the program reads: null, inherit or a file [default: inherit]
    ///
    /// `null` is empty, `inherit` is our own standard input. Any other word is a file (`./null` for one called null).
    #[arg(long, value_name = "SOURCE", value_parser = units::input())]
    pub stdin: Option<Input>,

    /// Bytes the program may write to stdout and stderr together: 64K, 1M
    ///
    /// Counted as with --max-memory; no limit otherwise. The write that goes beyond is cut, and the next ones fail with
    /// `nospc` (no space left on device). The program goes on and ends with a status of its own.
    #[arg(long, hide_short_help = true, value_name = "SIZE", value_parser = units::size)]
    pub max_output: Option<u64>,

    /// Let escape sequences of the program through to the terminal
    ///
    /// Otherwise, where stdout or stderr is a terminal, colours and cursor movement pass and nothing else: not what sets
    /// the title, fills the clipboard or makes the terminal type. Pipes and files get every byte in any case.
    #[arg(long, hide_short_help = true)]
    pub raw_terminal: bool,

    /// Show on stderr what the program does: wasi, wasi=fs,clock
    ///
    /// One line for each call of WASI, with its arguments and what came of it. After `=` stand the families to show: args,
    /// environ, clock, fs (fd and path), poll, proc, random, sched, sock.
    #[arg(long, value_name = "WHAT", value_parser = units::trace)]
    pub trace: Option<TraceFilter>,

    /// The program's argv[0] (otherwise the file's base name)
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    pub argv0: Option<OsString>,

    /// Call this exported function with ARGS as numbers, print results
    ///
    /// `_initialize` runs first if the module has it. Each ARG is read by the type of its parameter: integers in
    /// decimal or hexadecimal (0x), floats also as inf, nan or nan:0x200000, references as null. Each result is a line
    /// on stdout.
    #[arg(long, value_name = "FUNCTION")]
    pub invoke: Option<String>,

    /// End the program with a trap after about N instructions
    #[arg(long, value_name = "N")]
    pub fuel: Option<u64>,

    /// End the program after this time: 300ms, 1.5s, 2m
    ///
    /// Counted from when the module starts to run. Waiting for input or a clock is ended too. The exit status is 124.
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub timeout: Option<Duration>,

    /// Memory the program may have: 65536, 64K, 256M, 1G [default: 4G]
    ///
    /// In bytes, or in KiB, MiB, GiB with K, M, G. Memory is taken from the system when it is touched.
    #[arg(long, value_name = "SIZE", value_parser = units::size)]
    pub max_memory: Option<u64>,

    /// Memory the program's garbage-collected objects may take: 64M, 1G [default: 1G]
    ///
    /// Bytes as with --max-memory. A program that needs more at one time is ended by a trap.
    #[arg(long, value_name = "SIZE", value_parser = units::size, hide_short_help = true)]
    pub max_gc_heap: Option<u64>,

    /// Stack for the calls of the program: 512K, 8M [default: 8M]
    ///
    /// Bytes as with --max-memory. It does not depend on the system's stack limit.
    #[arg(long, value_name = "SIZE", value_parser = units::size)]
    pub max_stack: Option<u64>,

    /// Let the program have threads, N at a time (64 without =N)
    ///
    /// Those of wasi-threads; none otherwise. Modules may then use shared memories and atomic instructions. The main thread does not count. An exit or a trap of
    /// any thread ends the program.
    #[arg(
        long,
        hide_short_help = true,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "64",
        value_parser = clap::value_parser!(u32).range(1..=4096)
    )]
    pub threads: Option<u32>,

    #[command(flatten)]
    pub world: WorldArgs,

    /// Validate each function on its first call, not all before the start
    ///
    /// Big programs start sooner. One that is not valid may then run until it calls a function that is not: this ends
    /// it with status 1 and a message that names the function.
    #[arg(long, hide_short_help = true)]
    pub lazy_validation: bool,

    /// Run although imports are unknown: calling one is a trap
    #[arg(long)]
    pub allow_unknown_imports: bool,

    /// Say on stderr at the end where time and space went
    ///
    /// Times of loading, translating and running; functions translated and the bytes of their internal code. A build
    /// with the feature `stats` also counts the instructions executed, by form, in pairs and in triples.
    #[arg(long, hide_short_help = true)]
    pub stats: bool,

    /// The module (.wasm or .wat, - for stdin), then the program's arguments
    ///
    /// Everything after FILE belongs to the program, options included. A `--` right after FILE is dropped.
    // One list, because only the first value of a trailing list stops the parser from looking for our options.
    #[arg(
        value_names = ["FILE", "ARGS"],
        num_args = 1..,
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub file_and_args: Vec<OsString>,
}

const EXEC_EXAMPLES: &str = "\
Exit status: the program's own (its low 8 bits); 134 when it traps, runs out of fuel or of stack; 128 + N when it
ends itself with signal N (ABRT, 6, is a trap); 124 when --timeout ends it; 2 for a wrong command line; 1 when it cannot be run (no such file, not a valid module, an unknown import).

Examples:
  wasmrun exec app.wasm -v input.txt          `-v input.txt` goes to the program
  wasmrun exec --dir data::/data app.wasm     the directory `data`, which the program sees as /data
  wasmrun exec --listen 127.0.0.1:8080 server.wasm
  wasmrun exec --env LANG=C --env HOME app.wasm
  wasmrun exec --timeout 5s --max-memory 64M --max-output 1M untrusted.wasm
  wasmrun exec --trace wasi=fs app.wasm       show which files it opens, and what came of it
  wasmrun exec --invoke gcd math.wasm 48 36
  cat app.wasm | wasmrun exec - arg";

/// Run scripts of the official test suite (.wast) and count what held
#[derive(Debug, Args)]
pub struct WastArgs {
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,

    /// Features of WebAssembly to allow: wasm1, wasm2 or all, then changes
    ///
    /// After wasm1, wasm2 or all and a comma come features to add, or with `-` in front to take away: `wasm2,tail-call`,
    /// `all,-multi-memory`. `wasmrun --version` lists them.
    #[arg(long, value_name = "SET", default_value = "all", allow_hyphen_values = true)]
    pub features: FeatureSet,

    /// Scripts, or directories to look for scripts in
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
}

/// Show the internal code of functions beside their WebAssembly
///
/// On the left the function as text, after the byte offset of each instruction; on the right what the interpreter
/// executes for it, with where each operand lives. An instruction of ours stands beside the last one of those it does.
#[derive(Debug, Args)]
pub struct ListingArgs {
    /// The module (.wasm or .wat, - for stdin)
    #[arg(value_name = "FILE")]
    pub file: OsString,

    /// Functions, by index or name; all the module defines if there are none
    #[arg(value_name = "FUNCTION")]
    pub functions: Vec<String>,
}
