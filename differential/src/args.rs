//! The command line.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use differential::case::Kind;
use lexopt::prelude::*;

pub const HELP: &str = "\
Runs random modules under wasmi and under every configuration of wasmrun and compares what happens.

usage: wasmrun-differential [OPTIONS]

  --count N        seeds to try (3000)
  --first N        the first of them (0)
  --seed N         only this one, and say more about it
  --module FILE    the exports of this module instead, which may import what src/host.rs has
  --kind KIND      only modules of wasm-smith (smith) or of our own generator (aimed)
  --setup NAME     only this configuration of wasmrun, for instance `pins off`
  --seconds N      stop after that time, whatever has been tried by then
  --jobs N         processes at a time (one per processor)
  --out DIR        where modules that show a difference are written (the temporary directory)
  --keep-going     do not stop at the first difference
  --shrink         make the module of --seed smaller before it is written
  --dump           write the modules of --seed even if all agree
";

#[derive(Clone, Debug)]
pub struct Args {
    pub seeds: Range<u64>,
    pub single: bool,
    pub module: Option<PathBuf>,
    pub kind: Option<Kind>,
    pub setup: Option<String>,
    pub time: Option<Duration>,
    pub jobs: usize,
    pub out: PathBuf,
    pub keep_going: bool,
    pub shrink: bool,
    pub dump: bool,
    /// This process is one of the jobs of another.
    pub worker: bool,
}

impl Args {
    /// `None`: help was asked for.
    pub fn parse() -> Result<Option<Args>, lexopt::Error> {
        let (mut first, mut count) = (0u64, 3000u64);
        let mut args = Args {
            seeds: 0..0,
            single: false,
            module: None,
            kind: None,
            setup: None,
            time: None,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            out: std::env::temp_dir(),
            keep_going: false,
            shrink: false,
            dump: false,
            worker: false,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("count") => count = parser.value()?.parse()?,
                Long("first") => first = parser.value()?.parse()?,
                Long("seed") => {
                    (first, count) = (parser.value()?.parse()?, 1);
                    args.single = true;
                }
                Long("module") => {
                    args.module = Some(parser.value()?.into());
                    args.single = true;
                }
                Long("kind") => args.kind = Some(parser.value()?.parse_with(kind)?),
                Long("setup") => args.setup = Some(parser.value()?.parse()?),
                Long("seconds") => args.time = Some(Duration::from_secs(parser.value()?.parse()?)),
                Long("jobs") => args.jobs = parser.value()?.parse::<usize>()?.max(1),
                Long("out") => args.out = parser.value()?.into(),
                Long("keep-going") => args.keep_going = true,
                Long("shrink") => args.shrink = true,
                Long("dump") => args.dump = true,
                Long("worker") => args.worker = true,
                Long("help") | Short('h') => return Ok(None),
                _ => return Err(arg.unexpected()),
            }
        }
        args.seeds = first..first + count;
        Ok(Some(args))
    }
}

fn kind(name: &str) -> Result<Kind, String> {
    match name {
        "smith" => Ok(Kind::Smith),
        "aimed" => Ok(Kind::Aimed),
        _ => Err(format!("{name} is neither smith nor aimed")),
    }
}
