//! What the guest of these tests has, and arguments with which each function succeeds.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;

use wasmrun::{Stdin, WasiEnv};

use crate::calls::{Calls, signature};

/// Names and numbers of the specification.
pub const ERRNOS: [(&str, u32); 35] = [
    ("success", 0),
    ("2big", 1),
    ("acces", 2),
    ("again", 6),
    ("badf", 8),
    ("busy", 10),
    ("connreset", 15),
    ("dquot", 19),
    ("exist", 20),
    ("fault", 21),
    ("fbig", 22),
    ("ilseq", 25),
    ("inval", 28),
    ("io", 29),
    ("isdir", 31),
    ("loop", 32),
    ("mfile", 33),
    ("nametoolong", 37),
    ("noent", 44),
    ("nomem", 48),
    ("nospc", 51),
    ("nosys", 52),
    ("notconn", 53),
    ("notdir", 54),
    ("notempty", 55),
    ("notsock", 57),
    ("notsup", 58),
    ("nxio", 60),
    ("overflow", 61),
    ("perm", 63),
    ("pipe", 64),
    ("rofs", 69),
    ("spipe", 70),
    ("xdev", 75),
    ("notcapable", 76),
];

/// Every right.
pub const ALL: u64 = (1 << 30) - 1;
/// The descriptor of the listening socket.
pub const LISTENER: u64 = 6;

/// Where things stand in the guest's memory.
const PATHS: u32 = 0x1000;
const IOVECS: u32 = 0x8000;
const DATA: u32 = 0x9000;
const SUBSCRIPTIONS: u32 = 0xa000;
const RESULTS: u32 = 0xb000;

/// A guest and all around it.
///
/// 0 is a pipe on which `input` came, 1 takes 16 bytes, 3 is a directory with all rights, 4 the same to look at, 5 is /dev,
/// 6 a listening socket to which somebody has connected and sent `hi`.
pub struct World {
    pub calls: Calls,
    _client: TcpStream,
    paths: u32,
    _pipe: std::io::PipeWriter,
    _outer: tempfile::TempDir,
}

impl World {
    pub fn new() -> World {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("granted");
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(outer.path().join("secret"), "canary").unwrap();
        for file in ["f", "g"] {
            std::fs::write(dir.join(file), "0123456789").unwrap();
        }
        for sub in ["d", "empty"] {
            std::fs::create_dir(dir.join(sub)).unwrap();
        }
        std::fs::write(dir.join("d/f"), "").unwrap();
        for (to, link) in [("f", "l"), ("loop", "loop"), ("../secret", "out")] {
            symlink(to, dir.join(link)).unwrap();
        }
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, dir.join("fifo"), fifo, 0o600.into(), 0).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"hi").unwrap();
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"input").unwrap();
        let env = WasiEnv::builder()
            .args(["program"])
            .env("A", "1")
            .stdin(Stdin::file(std::fs::File::from(std::os::fd::OwnedFd::from(reader))))
            .capture_stdout()
            .capture_limit(16)
            .dir(&dir, "/")
            .unwrap()
            .dir_read_only(&dir, "/ro")
            .unwrap()
            .dir("/dev", "/dev")
            .unwrap()
            .listener(listener)
            .unwrap()
            .max_open_files(16)
            .build();
        let mut world = World {
            calls: Calls::new(&env, wasmrun::wasi::MODULE),
            _client: client,
            paths: PATHS,
            _pipe: writer,
            _outer: outer,
        };
        // One iovec of 8 bytes; one subscription for writing to 2, which is ready always.
        world
            .calls
            .put(IOVECS, &[DATA.to_le_bytes(), 8u32.to_le_bytes()].concat());
        world.calls.put(SUBSCRIPTIONS + 8, &[2]);
        world.calls.put(SUBSCRIPTIONS + 16, &[2]);
        world
    }

    /// Puts a path into the memory: its address and length.
    pub fn path(&mut self, path: impl AsRef<[u8]>) -> [u64; 2] {
        let at = self.paths;
        self.paths += path.as_ref().len() as u32 + 16;
        assert!(self.paths < IOVECS);
        self.calls.put(at, path.as_ref());
        [at.into(), path.as_ref().len() as u64]
    }

    /// Iovecs of `len` bytes: their address and number.
    pub fn iovec(&mut self, len: u32) -> [u64; 2] {
        self.calls.put(IOVECS + 4, &len.to_le_bytes());
        [IOVECS.into(), 1]
    }

    /// A call that must succeed, for what it leaves.
    pub fn ok(&mut self, function: &str, words: &[u64]) {
        assert_eq!(self.calls.call(function, words).unwrap(), 0, "{function} {words:?}");
    }

    fn open_from(&mut self, dir: u64, path: &str, oflags: u64, rights: u64, fdflags: u64) -> u64 {
        let [at, len] = self.path(path);
        let words = [dir, 1, at, len, oflags, rights, ALL, fdflags, RESULTS.into()];
        self.ok("path_open", &words);
        let memory = self.calls.app.memory().unwrap();
        memory.read_u32(RESULTS).unwrap().into()
    }

    /// Opens a file with rights and flags.
    pub fn open(&mut self, path: &str, rights: u64, fdflags: u64) -> u64 {
        self.open_from(3, path, 0, rights, fdflags)
    }

    /// Opens a file in the directory that is for looking at, or in /dev.
    pub fn open_in(&mut self, dir: u64, path: &str, rights: u64) -> u64 {
        self.open_from(dir, path, 0, rights, 0)
    }

    /// Opens a directory with rights.
    pub fn open_directory(&mut self, path: &str, rights: u64) -> u64 {
        self.open_from(3, path, 2, rights, 0)
    }

    /// Takes the connection.
    pub fn connection(&mut self) -> u64 {
        self.ok("sock_accept", &[LISTENER, 0, RESULTS.into()]);
        let memory = self.calls.app.memory().unwrap();
        memory.read_u32(RESULTS).unwrap().into()
    }

    /// Opens descriptors until there may be no more.
    pub fn fill(&mut self) {
        let [at, len] = self.path("f");
        while self
            .calls
            .call("path_open", &[3, 0, at, len, 0, 2, 0, 0, RESULTS.into()])
            .unwrap()
            == 0
        {}
    }

    /// Arguments with which the function succeeds.
    pub fn good(&mut self, function: &str) -> Vec<u64> {
        let fd = match function {
            "fd_prestat_get" | "fd_prestat_dir_name" | "fd_readdir" => 3,
            "sock_accept" => LISTENER,
            _ if function.starts_with("path_") => 3,
            _ if function.starts_with("sock_") => self.connection(),
            _ if function.starts_with("fd_") => self.open("f", ALL, 0),
            _ => 0,
        };
        let other = match function {
            "fd_renumber" => self.open("g", ALL, 0),
            _ => 3,
        };
        let (first, second) = match function {
            "path_create_directory" => ("new", ""),
            "path_readlink" => ("l", ""),
            "path_remove_directory" => ("empty", ""),
            _ => ("f", "new"),
        };
        let (mut fds, mut names) = ([fd, other].into_iter(), [first, second].into_iter());
        let mut length = 8;
        let mut words = Vec::new();
        for (at, kind) in signature(function).chars().enumerate() {
            words.push(match kind {
                'f' => fds.next().unwrap(),
                'p' => u64::from(RESULTS) + 256 * (at as u64 + 1),
                'P' => {
                    let [at, len] = self.path(names.next().unwrap());
                    length = len;
                    at
                }
                'v' => {
                    length = 1;
                    IOVECS.into()
                }
                's' => {
                    length = 1;
                    SUBSCRIPTIONS.into()
                }
                'n' => length,
                _ => 0,
            });
        }
        match function {
            "fd_allocate" => words[2] = 16,
            "fd_prestat_dir_name" => words[2] = 1,
            "fd_readdir" => words[2] = 200,
            "path_readlink" => words[4] = 8,
            "sock_shutdown" => words[1] = 1,
            _ => {}
        }
        words
    }
}
