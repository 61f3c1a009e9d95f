//! Runs `wasmrun` in a directory of its own, with time and memory watched.

use std::ffi::OsStr;
use std::fmt;
use std::io::{BufRead, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Nothing here takes as long, even in a debug build on a busy machine.
pub const GIVE_UP: Duration = Duration::from_secs(60);

/// Where a guest of `wasi-tests/guests` is.
pub fn guest(name: &str) -> String {
    format!("{}/wasi-tests/guests/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A directory with files for one test.
pub struct Dir(TempDir);

impl Dir {
    /// An empty one.
    pub fn new() -> Dir {
        Dir(TempDir::new().expect("a directory for the test"))
    }

    /// One with a single file.
    pub fn with(name: &str, contents: impl AsRef<[u8]>) -> Dir {
        let dir = Dir::new();
        dir.write(name, contents);
        dir
    }

    /// Adds a file, and the directories above it.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("below the directory")).expect("directories");
        std::fs::write(path, contents).expect("a file");
    }

    /// Where a file is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A run of `wasmrun` in this directory, without variables, its stdin empty.
    pub fn wasmrun<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmrun"));
        command.args(args).current_dir(self.0.path()).env_clear();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Run {
            command,
            input: Input::Null,
        }
    }
}

enum Input {
    Null,
    Bytes(Vec<u8>),
    Silence,
}

/// A run to be.
pub struct Run {
    command: Command,
    input: Input,
}

impl Run {
    /// Sets a variable of the host.
    pub fn env(mut self, key: &str, value: &str) -> Run {
        self.command.env(key, value);
        self
    }

    /// What stdin contains.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Run {
        self.command.stdin(Stdio::piped());
        self.input = Input::Bytes(bytes.into());
        self
    }

    /// A stdin on which nothing ever comes, and which nobody closes.
    pub fn silent_stdin(mut self) -> Run {
        self.command.stdin(Stdio::piped());
        self.input = Input::Silence;
        self
    }

    /// A stdin that is a file of the directory.
    pub fn stdin_file(mut self, name: &str) -> Run {
        let dir = self.command.get_current_dir().expect("every run has one");
        let file = std::fs::File::open(dir.join(name)).expect("the file is there");
        self.command.stdin(file);
        self
    }

    /// No stdin at all: descriptor 0 is closed. The standard library cannot ask for that, a shell can.
    pub fn closed_stdin(mut self) -> Run {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec \"$0\" \"$@\" <&-"]);
        command.arg(self.command.get_program()).args(self.command.get_args());
        command.current_dir(self.command.get_current_dir().expect("every run has one"));
        command.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command = command;
        self
    }

    /// A stdout that nobody reads any more.
    pub fn broken_stdout(mut self) -> Run {
        self.command.stdout(broken_pipe());
        self
    }

    /// Where stdout and stderr go, instead of into the result.
    pub fn outputs(mut self, stdout: impl Into<Stdio>, stderr: impl Into<Stdio>) -> Run {
        self.command.stdout(stdout).stderr(stderr);
        self
    }

    /// A stderr that nobody reads any more.
    pub fn broken_stderr(mut self) -> Run {
        self.command.stderr(broken_pipe());
        self
    }

    /// Starts a server: see [`Server`].
    pub fn start(mut self) -> Server {
        let mut child = self.command.spawn().expect("wasmrun starts");
        let stderr = child.stderr.take().expect("piped");
        let (sender, lines) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let mut lines = std::io::BufReader::new(stderr).lines();
            while let Some(Ok(line)) = lines.next() {
                // A test that has failed listens no more.
                let _ = sender.send(line);
            }
        });
        let stdout = read_all(child.stdout.take());
        let start = Instant::now();
        Server {
            child,
            lines,
            stdout: Some(stdout),
            start,
        }
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Output {
        let start = Instant::now();
        let mut child = self.command.spawn().expect("wasmrun starts");
        let mut stdin = child.stdin.take();
        if let Input::Bytes(bytes) = self.input {
            let mut stdin = stdin.take().expect("piped");
            // A guest need not read it all.
            thread::spawn(move || stdin.write_all(&bytes));
        }
        let stdout = read_all(child.stdout.take());
        let stderr = read_all(child.stderr.take());
        let (status, peak_kib) = watch(&mut child, start);
        drop(stdin);
        let text = |reader: thread::JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&reader.join().expect("the reader does not panic")).into_owned()
        };
        let output = Output {
            stdout: text(stdout),
            stderr: text(stderr),
            status,
            peak_kib,
            time: start.elapsed(),
        };
        assert!(!output.stderr.contains("panicked at"), "{output}");
        output
    }
}

/// A run with `--listen HOST:0`, which goes on while the test talks to it.
pub struct Server {
    child: Child,
    /// Of stderr.
    lines: std::sync::mpsc::Receiver<String>,
    stdout: Option<thread::JoinHandle<Vec<u8>>>,
    start: Instant,
}

impl Server {
    /// Where it listens, as it says itself.
    pub fn addresses(&self, count: usize) -> Vec<SocketAddr> {
        let address = |_| {
            let line = self.lines.recv_timeout(GIVE_UP).expect("wasmrun says where it listens");
            let address = line.strip_prefix("note: listening on ");
            address.unwrap_or_else(|| panic!("{line}")).parse().expect("an address")
        };
        (0..count).map(address).collect()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Output {
        let (status, peak_kib) = watch(&mut self.child, self.start);
        let stdout = self
            .stdout
            .take()
            .expect("taken once")
            .join()
            .expect("the reader does not panic");
        Output {
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: self.lines.iter().collect::<Vec<_>>().join("\n"),
            status,
            peak_kib,
            time: self.start.elapsed(),
        }
    }
}

impl Drop for Server {
    /// A test that has failed leaves no server behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn broken_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn read_all(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).expect("the pipe can be read");
        }
        bytes
    })
}

/// Waits for the end, and looks again and again how much memory the process has had at most.
fn watch(child: &mut Child, start: Instant) -> (ExitStatus, u64) {
    let mut peak_kib = 0;
    loop {
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            return (status, peak_kib);
        }
        peak_kib = peak_kib.max(peak(child.id()).unwrap_or(0));
        if start.elapsed() > GIVE_UP {
            let _ = child.kill();
            panic!("wasmrun still runs after {GIVE_UP:?}");
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The most memory a process has had in RAM so far, in KiB; `None` where the system does not tell.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// How a run ended.
pub struct Output {
    pub stdout: String,
    pub stderr: String,
    pub status: ExitStatus,
    /// Memory in RAM at most, as far as it was seen.
    pub peak_kib: u64,
    pub time: Duration,
}

impl Output {
    /// The exit status; a signal is a fault.
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| panic!("ended by a signal: {self}"))
    }

    /// Fails unless memory stayed below.
    #[track_caller]
    pub fn assert_below_mib(&self, mib: u64) {
        assert!(
            self.peak_kib < mib * 1024,
            "{} KiB in RAM, {mib} MiB allowed\n{self}",
            self.peak_kib
        );
    }

    /// Fails unless it took less.
    #[track_caller]
    pub fn assert_within(&self, time: Duration) {
        assert!(self.time < time, "took {:?}, {time:?} allowed\n{self}", self.time);
    }
}

/// What snapshots show.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status.code() {
            Some(code) => write!(f, "status {code}")?,
            None => write!(f, "{}", self.status)?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "\n--- {name}\n{text}")?;
            }
        }
        Ok(())
    }
}
