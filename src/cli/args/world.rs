//! Options about the world a program runs in: how it tells the time, its chance, its endings, what it may ask for.

use std::time::Duration;

use clap::{Args, ValueEnum};
use wasmrun::wasi::Profile;

use crate::cli::units::{self, ClockSource};

#[derive(Debug, Args)]
pub struct WorldArgs {
    /// Restrict what the program may ask for: cli, function, browser or cell
    ///
    /// Functions a profile refuses answer an error, so that programs start all the same. `wasmrun profiles` prints what
    /// each allows; `cli`, the default, allows everything, as far as it was granted.
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    pub profile: Option<Profile>,

    /// Make runs repeat themselves byte for byte
    ///
    /// A clock that begins at 2020-01-01 and moves on by a microsecond per reading and by the time that is waited for
    /// (which passes at once), random numbers from SEED (0 unless given), sorted directories, one bit pattern for NaN.
    /// --clock and --random-seed change its parts. Random numbers are not secure then.
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true, default_missing_value = "0")]
    pub deterministic: Option<u64>,

    /// The program's clock: host, or fixed=TIME
    ///
    /// TIME is when it begins: 2020-01-01, 2020-01-01T12:00:00Z, 2020-01-01T12:00:00.5Z, or seconds since 1970. It moves
    /// on by a microsecond with each reading, and by the time that is waited for, which passes at once.
    #[arg(long, hide_short_help = true, value_name = "CLOCK", value_parser = units::clock)]
    pub clock: Option<ClockSource>,

    /// Show the program no finer time than this: 1us, 100us, 1ms
    ///
    /// Readings of all clocks, times of files and the ends of waits become multiples of it. 1ns unless given, 100us in the
    /// profiles function, browser and cell.
    #[arg(long, hide_short_help = true, value_name = "TIME", value_parser = units::duration)]
    pub clock_resolution: Option<Duration>,

    /// Make the program's random numbers from N: the same each time, NOT secure
    #[arg(long, hide_short_help = true, value_name = "N")]
    pub random_seed: Option<u64>,

    /// What becomes of a program that ends itself with an exit code
    #[arg(long, hide_short_help = true, value_name = "POLICY", value_enum)]
    pub proc_exit: Option<ExitPolicy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExitPolicy {
    /// The exit status is its code
    Allow,
    /// It traps: exit status 134
    Trap,
    /// A program that could is not run: exit status 1
    Deny,
}

/// Print what each profile allows
#[derive(Debug, Args)]
pub struct ProfilesArgs {
    /// Print the table as JSON
    #[arg(long)]
    pub json: bool,
}

/// Print the functions of WASI that programs can import
#[derive(Debug, Args)]
pub struct WasiArgs {
    /// One function per line: its name, and how far it is there
    #[arg(long, required = true)]
    pub list: bool,

    /// As a program sees them under a profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,

    /// Print the list as JSON
    #[arg(long)]
    pub json: bool,
}
