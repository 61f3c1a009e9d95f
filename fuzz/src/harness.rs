//! One world, and random calls in it. What must hold whatever is called: no panic, no error but an errno of the
//! specification or an exit, nothing read or changed outside the granted directories, nothing changed in the one that is
//! for looking at, and no call that lasts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use wasmrun::wasi::{MemFs, Profile};
use wasmrun::{Error, WasiEnv};

use crate::calls::{Calls, MEMORY, SIGNATURES, signature};

/// Stands in a file outside; no guest may ever have it in its memory.
const CANARY: &[u8] = b"canary 7f3a91c0d2";
/// Bytes that the files in memory may have.
const IN_MEMORY: u64 = 1 << 16;
/// Calls of one seed.
const CALLS: u32 = 256;
/// Nothing lasts longer, on a busy machine either: who waits is interrupted.
const TOO_LONG: Duration = Duration::from_secs(20);

/// Descriptors of this process, where the system tells.
#[allow(dead_code)] // the tests run beside others that open some
pub fn open_files() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}

/// Makes the calls of a seed and returns how many; in words, what went wrong.
pub fn run(seed: u64) -> Result<u32, String> {
    let mut random = Random(seed);
    let version = random.pick(&["wasi_snapshot_preview1", "wasi_unstable"]);
    let mut world = World::new(version, &mut random);
    for _ in 0..random.below(4) {
        world.scatter(&mut random);
    }
    for made in 0..CALLS {
        let (function, _) = random.pick(&SIGNATURES);
        if version == "wasi_unstable" && function == "sock_accept" {
            continue;
        }
        let words = world.words(function, &mut random);
        world.call(function, &words)?;
        if made % 16 == 0 {
            world
                .check_memory()
                .map_err(|what| format!("after {function} {words:?}: {what}"))?;
            world.scatter(&mut random);
        }
    }
    world.check_memory()?;
    world.check_outside()?;
    Ok(CALLS)
}

/// Replays calls written down: lines of `put ADDRESS HEX` and `FUNCTION WORD...`, `#` before comments, an empty line
/// before a new world.
#[allow(dead_code)] // the program makes new calls only
pub fn replay(text: &str) -> Result<u32, String> {
    let mut made = 0;
    for part in text.split("\n\n") {
        for version in ["wasi_snapshot_preview1", "wasi_unstable"] {
            let mut world = World::new(version, &mut Random(0));
            let lines = part.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            for line in lines {
                let mut words = line.split_whitespace();
                let function = words.next().unwrap_or_default();
                if function == "put" {
                    let at = number(words.next().unwrap_or_default()) as u32;
                    let hex = words.next().unwrap_or_default();
                    let pairs = (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16));
                    world.calls.put(
                        at,
                        &pairs.collect::<Result<Vec<u8>, _>>().map_err(|err| err.to_string())?,
                    );
                } else if version != "wasi_unstable" || function != "sock_accept" {
                    world.call(function, &words.map(number).collect::<Vec<_>>())?;
                    made += 1;
                }
            }
            world.check_memory()?;
            world.check_outside()?;
        }
    }
    Ok(made)
}

fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    }
    .expect("a number")
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
    /// An address: mostly somewhere in the memory, else where it hurts.
    fn pointer(&mut self) -> u64 {
        match self.below(8) {
            0 => u64::from(MEMORY).wrapping_sub(self.below(70)) & 0xffff_ffff,
            1 => u64::from(u32::MAX) - self.below(70),
            2 => self.next() & 0xffff_ffff,
            _ => self.below(MEMORY.into()) & !7,
        }
    }
    fn length(&mut self) -> u64 {
        match self.below(8) {
            0 => u64::from(u32::MAX) - self.below(70),
            1 => self.next() & 0xffff_ffff,
            2 => self.below(MEMORY.into()),
            _ => self.below(300),
        }
    }
    fn number(&mut self) -> u64 {
        match self.below(8) {
            0 => u64::MAX - self.below(70),
            1 => self.next(),
            2 => 1 << self.below(64),
            3 => (1 << 30) - 1,
            _ => self.below(20),
        }
    }
}

const PATHS: [&[u8]; 24] = [
    b"f",
    b"g",
    b"new",
    b"d",
    b"d/f",
    b"d/new",
    b".",
    b"..",
    b"../secret",
    b"/etc/passwd",
    b"l",
    b"up",
    b"up/secret",
    b"abs",
    b"loop",
    b"dangling",
    b"d/../f",
    b"f/",
    b"d/",
    b"./d/./f",
    b"",
    b"\xff\xfe",
    b"a\0b",
    b"up/../../secret",
];

struct World {
    calls: Calls,
    files: MemFs,
    outer: tempfile::TempDir,
    stop: Arc<AtomicBool>,
    interrupter: Option<std::thread::JoinHandle<()>>,
}

impl World {
    fn new(version: &str, random: &mut Random) -> World {
        let outer = tempfile::tempdir().expect("a directory");
        let path = |name: &str| outer.path().join(name);
        for dir in ["rw", "rw/d", "ro", "ro/d"] {
            std::fs::create_dir(path(dir)).expect("a directory");
        }
        std::fs::write(path("secret"), CANARY).expect("a file");
        for file in ["rw/f", "rw/g", "rw/d/f", "ro/f", "ro/d/f"] {
            std::fs::write(path(file), "0123456789").expect("a file");
        }
        #[cfg(unix)]
        for dir in ["rw", "ro"] {
            let secret = path("secret").display().to_string();
            for (link, to) in [
                ("l", "../secret"),
                ("up", ".."),
                ("abs", secret.as_str()),
                ("loop", "loop"),
                ("dangling", "no"),
            ] {
                std::os::unix::fs::symlink(to, path(dir).join(link)).expect("a link");
            }
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let files = MemFs::with_limit(IN_MEMORY);
        files.write("f", "0123456789").expect("there is room");
        files.write("d/f", "0123456789").expect("there is room");
        files.symlink("loop", "loop").expect("a link");
        files.symlink("../../secret", "up").expect("a link");
        let mut env = WasiEnv::builder()
            .args(["program", "argument"])
            .env("KEY", "value")
            .stdin("some input")
            .capture_stdout()
            .capture_stderr()
            .capture_limit(1 << 16)
            .dir(path("rw"), "/")
            .and_then(|env| env.dir_read_only(path("ro"), "/ro"))
            .and_then(|env| env.mount(&files, "/mem").file(path("rw/f"), "/files/f"))
            .and_then(|env| env.listener(listener))
            .expect("what can be granted")
            .max_open_files(24)
            .trace(wasmrun::wasi::TraceFilter::ALL, |line| {
                assert!(line.len() < 1 << 16, "a line of {}", line.len())
            });
        // Every second world has one more limit.
        env = match random.below(12) {
            0 => env.max_output(1000),
            1 => env.max_file_size(5000),
            2 => env.max_disk(20_000),
            3 => env.deterministic(1),
            4 => env.clock_resolution(Duration::from_millis(1)),
            // These refuse what was granted, so nothing is.
            5 => WasiEnv::builder().capture_stdout().profile(random.pick(&[
                Profile::Function,
                Profile::Browser,
                Profile::Cell,
            ])),
            _ => env,
        };
        let calls = Calls::new(&env.build(), version);
        let stop = Arc::new(AtomicBool::new(false));
        let (handle, stopped) = (calls.app.interrupt_handle(), stop.clone());
        let interrupter = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::park_timeout(Duration::from_millis(20));
                handle.interrupt();
            }
        });
        World {
            calls,
            files,
            outer,
            stop,
            interrupter: Some(interrupter),
        }
    }

    /// Puts things that calls read into the memory, here and there.
    fn scatter(&mut self, random: &mut Random) {
        for _ in 0..random.below(16) {
            let at = random.below(u64::from(MEMORY) - 256) as u32;
            let bytes: Vec<u8> = match random.below(3) {
                0 => random.pick(&PATHS).to_vec(),
                1 => (0..random.below(256)).map(|_| random.next() as u8).collect(),
                _ => [random.pointer() as u32, random.length() as u32]
                    .map(u32::to_le_bytes)
                    .concat(),
            };
            self.calls.put(at, &bytes);
        }
    }

    /// Arguments: often sensible, never surely.
    fn words(&mut self, function: &str, random: &mut Random) -> Vec<u64> {
        let mut length = random.length();
        let mut words = Vec::new();
        for kind in signature(function).chars() {
            let sensible = random.below(5) > 0;
            words.push(match kind {
                'f' if sensible => random.below(12),
                'f' => random.next() & 0xffff_ffff,
                'n' => length,
                'P' if sensible => {
                    let path = random.pick(&PATHS);
                    length = path.len() as u64;
                    self.place(path, random)
                }
                'v' if sensible => {
                    let count = random.below(12);
                    let iovecs: Vec<u8> = (0..2 * count)
                        .map(|at| if at % 2 == 0 { random.pointer() } else { random.length() } as u32)
                        .flat_map(u32::to_le_bytes)
                        .collect();
                    length = count;
                    self.place(&iovecs, random)
                }
                's' if sensible => {
                    let count = random.below(4);
                    let bytes: Vec<u8> = (0..count).flat_map(|_| subscription(random)).collect();
                    let at = self.place(&bytes, random);
                    // The length is the next parameter but one.
                    length = count;
                    at
                }
                'P' | 'p' | 'v' | 's' => random.pointer(),
                'i' => random.number() & 0xffff_ffff,
                _ => random.number(),
            });
        }
        // On a real disk: it would take what it is asked for.
        if function == "fd_allocate" {
            words[1] %= 1 << 20;
            words[2] %= 1 << 20;
        }
        words
    }

    fn place(&mut self, bytes: &[u8], random: &mut Random) -> u64 {
        let at = random.below(u64::from(MEMORY) - bytes.len() as u64) & !7;
        self.calls.put(at as u32, bytes);
        at
    }

    fn call(&mut self, function: &str, words: &[u64]) -> Result<(), String> {
        let begun = Instant::now();
        let outcome = self.calls.call(function, words);
        let wrong = match outcome {
            Ok(errno) if errno <= 76 => None,
            Ok(errno) => Some(format!("ended with {errno}, which is no errno")),
            Err(Error::Interrupted) => None,
            // An exit, or a signal.
            Err(_) if function.starts_with("proc_") => None,
            Err(err) => Some(format!("ended with an error: {err}")),
        };
        if let Some(wrong) = wrong {
            return Err(format!("{function} {words:?} {wrong}"));
        }
        if begun.elapsed() > TOO_LONG {
            return Err(format!("{function} {words:?} took {:?}", begun.elapsed()));
        }
        Ok(())
    }

    fn check_memory(&mut self) -> Result<(), String> {
        let memory = self.calls.app.memory().expect("it is exported").data();
        let mut rest = memory;
        while let Some(at) = rest.iter().position(|byte| *byte == CANARY[0]) {
            if rest[at..].starts_with(CANARY) {
                return Err("the guest has read a file outside".to_owned());
            }
            rest = &rest[at + 1..];
        }
        Ok(())
    }

    /// Everything outside, and everything that is for looking at, is as it was.
    fn check_outside(&self) -> Result<(), String> {
        let list = |dir: &Path| {
            let entries = std::fs::read_dir(dir).expect("it is there");
            let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
            names.sort();
            names
        };
        let path = |name: &str| self.outer.path().join(name);
        let held = list(self.outer.path()) == ["ro", "rw", "secret"]
            && list(&path("ro")) == ["abs", "d", "dangling", "f", "l", "loop", "up"]
            && list(&path("ro/d")) == ["f"]
            && std::fs::read(path("secret")).is_ok_and(|bytes| bytes == CANARY)
            && ["ro/f", "ro/d/f"]
                .iter()
                .all(|file| std::fs::read(path(file)).is_ok_and(|bytes| bytes == b"0123456789"));
        if self.files.used() > IN_MEMORY {
            return Err(format!("{} bytes in memory, {IN_MEMORY} allowed", self.files.used()));
        }
        if held {
            Ok(())
        } else {
            Err("something outside, or for looking at, has changed".to_owned())
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.interrupter.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// A subscription in one layout or the other, for little time.
fn subscription(random: &mut Random) -> Vec<u8> {
    let (bytes, id) = random.pick(&[(48, 16), (56, 24)]);
    let mut subscription = vec![0; bytes];
    subscription[8] = random.below(4) as u8;
    subscription[16] = random.below(8) as u8;
    subscription[id] = random.below(5) as u8;
    let timeout = if random.below(8) == 0 {
        random.number()
    } else {
        random.below(1_000_000)
    };
    subscription[id + 8..id + 16].copy_from_slice(&timeout.to_le_bytes());
    subscription[id + 23] = random.below(3) as u8;
    subscription
}
