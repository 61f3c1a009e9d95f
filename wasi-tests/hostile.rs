//! What no honest program does: each probe ends in an errno, in bounded memory and time.

use wasmrun::{Engine, Error, Executor, Linker, WasiEnv};

use crate::runner::guest;

const EILSEQ: i32 = 25;
const EINVAL: i32 = 28;
const EFAULT: i32 = 21;
const EBADF: i32 = 8;
const EMFILE: i32 = 33;
const ENAMETOOLONG: i32 = 37;
const ENOSPC: i32 = 51;
const EPERM: i32 = 63;

struct Probe {
    app: Executor,
    env: WasiEnv,
    _outer: tempfile::TempDir,
}

fn probe() -> Probe {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("granted");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(outer.path().join("secret"), "canary").unwrap();
    let builder = WasiEnv::builder()
        .dir(&inner, "/")
        .unwrap()
        .stdin("input")
        .capture_stdout();
    let env = builder.capture_limit(1 << 20).build();
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.wasi(&env).unwrap();
    let app = linker.instantiate(&guest(&engine, "hostile.wat")).unwrap();
    Probe {
        app,
        env,
        _outer: outer,
    }
}

impl Probe {
    fn errno(&mut self, name: &str) -> Result<i32, Error> {
        self.app.func::<(), i32>(name)?.call(())
    }
}

/// Peak memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn each_probe_ends_in_an_errno() {
    let mut probe = probe();
    for (name, errno) in [
        ("random_huge_oob", EFAULT),
        ("random_past_end", EFAULT),
        ("poll_huge", EINVAL),
        ("poll_many", EINVAL),
        ("iovs_huge", EINVAL),
        ("iovs_huge_read", EINVAL),
        ("iovs_empty", 0),
        ("readdir_huge", EFAULT),
        ("readdir_bogus_cookie", 0),
        ("renumber_huge", EBADF),
        ("renumber_from_huge", EBADF),
        ("escape_dotdot", EPERM),
        ("bad_utf8_path", EILSEQ),
        ("long_path", ENAMETOOLONG),
        ("path_past_end", EFAULT),
        ("symlink_long_target", ENAMETOOLONG),
        ("open_flood", EMFILE),
    ] {
        assert_eq!(probe.errno(name).unwrap(), errno, "{name}");
    }
}

#[test]
fn output_ends_at_the_limit_however_it_is_asked_for() {
    let mut probe = probe();
    assert_eq!(probe.errno("iovs_alias").unwrap(), 0);
    let memory = probe.app.memory().unwrap();
    assert_eq!(memory.read_u32(0u32).unwrap(), 1 << 20, "a short write");
    assert_eq!(probe.errno("output_flood").unwrap(), ENOSPC);
    assert_eq!(probe.env.get_stdout().len(), 1 << 20);
    assert!(probe.env.output_truncated());
}

#[test]
fn reading_into_the_whole_memory_moves_what_there_is() {
    let mut probe = probe();
    assert_eq!(probe.errno("read_all").unwrap(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn guest_chosen_lengths_allocate_nothing() {
    let before = peak();
    let mut probe = probe();
    for name in [
        "random_huge_oob",
        "poll_huge",
        "poll_many",
        "iovs_huge",
        "iovs_empty",
        "readdir_huge",
        "long_path",
    ] {
        probe.errno(name).unwrap();
    }
    // Other tests run beside this one; what is excluded is anything near the gigabytes asked for.
    assert!(peak() - before < 300 << 20);
}
