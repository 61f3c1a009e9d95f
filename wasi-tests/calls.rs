//! Any function of WASI with any arguments: a guest that passes on what it is called with, and knows which parameters are
//! descriptors, pointers, paths. (The fuzzer in `fuzz/` uses this file as well.)

use wasmrun::{Engine, Error, Executor, Linker, Module, Val, WasiEnv};

/// Bytes of the guest's memory.
pub const MEMORY: u32 = 2 << 16;

/// What the parameters of each function are: `f` a descriptor, `p` a place for what comes out, `P` a path and `n` its
/// length, `v` iovecs and `n` their number, `s` subscriptions, `i` and `I` other numbers of 32 and 64 bits.
pub const SIGNATURES: [(&str, &str); 46] = [
    ("args_get", "pp"),
    ("args_sizes_get", "pp"),
    ("environ_get", "pp"),
    ("environ_sizes_get", "pp"),
    ("clock_res_get", "ip"),
    ("clock_time_get", "iIp"),
    ("fd_advise", "fIIi"),
    ("fd_allocate", "fII"),
    ("fd_close", "f"),
    ("fd_datasync", "f"),
    ("fd_fdstat_get", "fp"),
    ("fd_fdstat_set_flags", "fi"),
    ("fd_fdstat_set_rights", "fII"),
    ("fd_filestat_get", "fp"),
    ("fd_filestat_set_size", "fI"),
    ("fd_filestat_set_times", "fIIi"),
    ("fd_pread", "fvnIp"),
    ("fd_prestat_get", "fp"),
    ("fd_prestat_dir_name", "fpn"),
    ("fd_pwrite", "fvnIp"),
    ("fd_read", "fvnp"),
    ("fd_readdir", "fpnIp"),
    ("fd_renumber", "ff"),
    ("fd_seek", "fIip"),
    ("fd_sync", "f"),
    ("fd_tell", "fp"),
    ("fd_write", "fvnp"),
    ("path_create_directory", "fPn"),
    ("path_filestat_get", "fiPnp"),
    ("path_filestat_set_times", "fiPnIIi"),
    ("path_link", "fiPnfPn"),
    ("path_open", "fiPniIIip"),
    ("path_readlink", "fPnpnp"),
    ("path_remove_directory", "fPn"),
    ("path_rename", "fPnfPn"),
    ("path_symlink", "PnfPn"),
    ("path_unlink_file", "fPn"),
    ("poll_oneoff", "spnp"),
    ("proc_exit", "i"),
    ("proc_raise", "i"),
    ("sched_yield", ""),
    ("random_get", "pn"),
    ("sock_accept", "fip"),
    ("sock_recv", "fvnipp"),
    ("sock_send", "fvnip"),
    ("sock_shutdown", "fi"),
];

/// What the parameters of a function are.
pub fn signature(function: &str) -> &'static str {
    let found = SIGNATURES.iter().find(|(name, _)| *name == function);
    found.expect("a function of Preview 1").1
}

/// A guest through which any function can be called.
pub struct Calls {
    pub app: Executor,
}

impl Calls {
    /// A guest that imports from `version`.
    pub fn new(env: &WasiEnv, version: &str) -> Calls {
        let (mut imports, mut exports) = (String::new(), String::new());
        for (name, signature) in SIGNATURES {
            if version == "wasi_unstable" && name == "sock_accept" {
                continue;
            }
            let types: Vec<&str> = signature
                .chars()
                .map(|c| if c == 'I' { "i64" } else { "i32" })
                .collect();
            let result = if name == "proc_exit" { "" } else { "(result i32)" };
            let ty = format!("(param {}) {result}", types.join(" "));
            imports += &format!("(import \"{version}\" \"{name}\" (func ${name} {ty}))\n");
            let args: String = (0..types.len()).map(|at| format!("(local.get {at})")).collect();
            exports += &format!("(func (export \"{name}\") {ty} (call ${name} {args}))\n");
        }
        let text = format!(
            "(module {imports} (memory (export \"memory\") {}) {exports})",
            MEMORY >> 16
        );
        let engine = Engine::default();
        let module = Module::new(&engine, text).expect("a valid module");
        let mut linker = Linker::new(&engine);
        linker.wasi(env).expect("an environment without faults");
        let app = linker.instantiate(&module).expect("all imports are there");
        Calls { app }
    }

    /// Makes a call and returns its errno. `proc_exit` has none: it ends with an error.
    pub fn call(&mut self, function: &str, words: &[u64]) -> Result<u32, Error> {
        let values: Vec<Val> = signature(function)
            .chars()
            .zip(words)
            .map(|(kind, word)| {
                if kind == 'I' {
                    Val::I64(*word as i64)
                } else {
                    Val::I32(*word as i32)
                }
            })
            .collect();
        let results = self.app.invoke(function, &values)?;
        Ok(results.first().and_then(Val::i32).expect("an errno") as u32)
    }

    /// Puts bytes into the guest's memory.
    pub fn put(&mut self, at: u32, bytes: &[u8]) {
        self.app
            .memory()
            .expect("it is exported")
            .write(at, bytes)
            .expect("it has room");
    }
}
