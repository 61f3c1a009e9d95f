//! A guest without a module: a memory full of `?`, an environment, and calls made straight to the handlers.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use super::abi::{Errno, Fd, Fdflags, Lookupflags, Oflags, Ptr, Rights, Size};
use super::call::{Call, Host, Stop};
use super::descriptor::Descriptor;
use super::env::WasiEnv;
use super::memory::GuestMemory;
use super::path::open::open;
use super::preview::{PREVIEW1, Preview};
use crate::engine::{Engine, Interrupt, InterruptHandle, LinearMemory, Memory, MemoryType, Store};

/// Where the fixture itself puts paths, iovecs and results. Tests use lower addresses.
const PATHS: u32 = 0x8000;
const RESULT: Ptr = Ptr(0xf000);
const IOVECS: Ptr = Ptr(0xf100);
/// Bytes of the memory.
pub(super) const MEMORY: u32 = 0x1_0000;

struct TestHost {
    store: Store<()>,
    memory: Memory,
    interrupt: InterruptHandle,
    state: Option<Box<dyn Any + Send>>,
}

impl Host for TestHost {
    fn memory(&mut self) -> GuestMemory<'_> {
        if let Ok(Some(memory)) = self.memory.shared(&self.store) {
            return GuestMemory::Shared(memory);
        }
        self.memory
            .data_mut(&mut self.store)
            .map_or(GuestMemory::None, GuestMemory::Own)
    }
    fn has_threads(&self) -> bool {
        matches!(self.memory.shared(&self.store), Ok(Some(_)))
    }
    fn interrupt(&self) -> &Interrupt {
        &self.interrupt.0
    }
    fn call_state(&mut self) -> &mut Option<Box<dyn Any + Send>> {
        &mut self.state
    }
}

pub(super) struct Guest {
    pub(super) env: WasiEnv,
    host: TestHost,
    /// The version in which it makes its calls.
    pub(super) preview: &'static Preview,
}

impl Guest {
    pub(super) fn new(env: WasiEnv) -> Guest {
        Guest::with_pages(env, 1)
    }

    /// A guest whose memory has so many pages.
    pub(super) fn with_pages(env: WasiEnv, pages: u32) -> Guest {
        let mut store = Store::new(&Engine::default(), ());
        let memory = Memory::new(&mut store, MemoryType::new(pages.into(), Some(pages.into()))).unwrap();
        memory
            .data_mut(&mut store)
            .unwrap()
            .fill(0u32, pages * MEMORY, b'?')
            .unwrap();
        let interrupt = store.interrupt_handle();
        Guest {
            env,
            host: TestHost {
                store,
                memory,
                interrupt,
                state: None,
            },
            preview: &PREVIEW1,
        }
    }

    /// A guest to which `dir` is granted as descriptor 3.
    pub(super) fn in_dir(dir: &Path) -> Guest {
        Guest::new(WasiEnv::builder().dir(dir, "/").unwrap().build())
    }

    /// A guest to which a file system in memory is granted as descriptor 3.
    pub(super) fn in_memory() -> Guest {
        Guest::new(WasiEnv::builder().mount(&crate::MemFs::new(), "/").build())
    }

    /// A guest to which `dir` is granted as descriptor 3, to look at.
    pub(super) fn in_read_only_dir(dir: &Path) -> Guest {
        Guest::new(WasiEnv::builder().dir_read_only(dir, "/").unwrap().build())
    }

    /// Makes a call.
    pub(super) fn stop(&mut self, call: impl FnOnce(&mut Call<'_>) -> Result<(), Stop>) -> Result<(), Stop> {
        let host = &mut self.host;
        let preview = self.preview;
        let result = self.env.with(|ctx| call(&mut Call { ctx, host, preview }));
        if !matches!(result, Err(Stop::Interrupted)) {
            self.host.state = None;
        }
        result
    }

    /// Makes a call that ends with an errno.
    pub(super) fn call(&mut self, call: impl FnOnce(&mut Call<'_>) -> Result<(), Stop>) -> Result<(), Errno> {
        match self.stop(call) {
            Ok(()) => Ok(()),
            Err(Stop::Errno(errno)) => Err(errno),
            Err(other) => panic!("the call ended with {other:?}"),
        }
    }

    /// With it another thread asks the guest to stop.
    pub(super) fn interrupt_handle(&self) -> InterruptHandle {
        self.host.interrupt.clone()
    }

    /// Forgets the request to stop, as resuming a run does.
    pub(super) fn resume(&mut self) {
        self.host.interrupt = Store::new(&Engine::default(), ()).interrupt_handle();
    }

    pub(super) fn memory(&mut self) -> &mut LinearMemory {
        self.host.memory.data_mut(&mut self.host.store).unwrap()
    }

    pub(super) fn put(&mut self, at: u32, bytes: &[u8]) {
        self.memory().write(at, bytes).unwrap();
    }

    pub(super) fn bytes(&mut self, at: u32, len: u32) -> Vec<u8> {
        self.memory().slice(at, len).unwrap().to_vec()
    }

    /// Checks what stands from `at` on, a guard byte on either side included.
    #[track_caller]
    pub(super) fn expect(&mut self, at: u32, bytes: &[u8]) {
        let mut guarded = vec![b'?'];
        guarded.extend_from_slice(bytes);
        guarded.push(b'?');
        let found = self.bytes(at - 1, guarded.len() as u32);
        assert_eq!(found.escape_ascii().to_string(), guarded.escape_ascii().to_string());
    }

    /// The u32 the last call left at the place `result` names.
    pub(super) fn u32_at(&mut self, at: Ptr) -> u32 {
        self.memory().read_u32(at.0).unwrap()
    }

    pub(super) fn u64_at(&mut self, at: Ptr) -> u64 {
        self.memory().read_u64(at.0).unwrap()
    }

    /// Puts a path into the memory.
    pub(super) fn path(&mut self, path: impl AsRef<[u8]>) -> (Ptr, Size) {
        self.path_at(PATHS, path)
    }

    /// Puts a second path into the memory.
    pub(super) fn other_path(&mut self, path: impl AsRef<[u8]>) -> (Ptr, Size) {
        self.path_at(PATHS + 0x2000, path)
    }

    fn path_at(&mut self, at: u32, path: impl AsRef<[u8]>) -> (Ptr, Size) {
        self.put(at, path.as_ref());
        (Ptr(at), path.as_ref().len() as u32)
    }

    /// Opens below descriptor 3 with all rights that fit, following links.
    pub(super) fn open(&mut self, path: &str, oflags: Oflags, rights: Rights) -> Result<Fd, Errno> {
        self.open_with(path, oflags, rights, Fdflags::NONE)
    }

    pub(super) fn open_with(&mut self, path: &str, o: Oflags, rights: Rights, flags: Fdflags) -> Result<Fd, Errno> {
        let (at, len) = self.path(path);
        let follow = Lookupflags::SYMLINK_FOLLOW;
        self.call(|cx| open(cx, 3, follow, at, len, o, rights, rights, flags, RESULT))?;
        Ok(self.u32_at(RESULT))
    }

    /// Opens a file below descriptor 3 for reading and writing, creating it.
    pub(super) fn create(&mut self, path: &str) -> Fd {
        self.open(path, Oflags::CREAT, Rights::FILE).unwrap()
    }

    /// Writes one iovec over `at..at + len` and returns where it stands.
    pub(super) fn iovec(&mut self, at: u32, len: u32) -> (Ptr, Size) {
        self.iovecs(&[(at, len)])
    }

    pub(super) fn iovecs(&mut self, ranges: &[(u32, u32)]) -> (Ptr, Size) {
        for (index, (at, len)) in ranges.iter().enumerate() {
            let place = IOVECS.0 + 8 * index as u32;
            self.put(place, &at.to_le_bytes());
            self.put(place + 4, &len.to_le_bytes());
        }
        (IOVECS, ranges.len() as u32)
    }

    /// Adds a descriptor the way no call can.
    pub(super) fn insert(&mut self, descriptor: Descriptor) -> Fd {
        self.env.with(|ctx| ctx.table.insert(descriptor)).unwrap()
    }
}

/// Asks for a stop after a while.
pub(super) fn interrupt_soon(handle: &InterruptHandle) -> std::thread::JoinHandle<()> {
    let handle = handle.clone();
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(30));
        handle.interrupt();
    })
}

/// The result's place, for tests that make a call themselves.
pub(super) const OUT: Ptr = RESULT;

/// The environment of most tests.
pub(super) fn plain() -> WasiEnv {
    WasiEnv::new()
}

#[test]
fn interrupts_are_per_store() {
    let mut guest = Guest::new(plain());
    let old: Arc<Interrupt> = guest.interrupt_handle().0;
    guest.interrupt_handle().interrupt();
    assert!(old.requested());
    guest.resume();
    assert!(!guest.host.interrupt().requested());
}
