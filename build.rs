//! Decides how handlers are dispatched: by tail calls where LLVM turns them into jumps, else through a loop.
//!
//! `cfg(tail)` is a guess from outside: debug assertions are looked at again with `cfg!` in the crate
//! (`engine/run/dispatch.rs`), because a profile may combine `opt-level = 2` with debug assertions.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(tail)");
    println!("cargo::rerun-if-changed=build.rs");
    let env = |key: &str| std::env::var(key).unwrap_or_default();
    let optimised = matches!(env("OPT_LEVEL").as_str(), "2" | "3" | "s" | "z");
    let arch = matches!(env("CARGO_CFG_TARGET_ARCH").as_str(), "x86_64" | "aarch64");
    let asserting = std::env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_some();
    let asked_portable = std::env::var_os("CARGO_FEATURE_PORTABLE_DISPATCH").is_some();
    // Frame pointers give every handler a prologue, which costs more than the loop.
    let flags = env("CARGO_ENCODED_RUSTFLAGS");
    let frame_pointers = flags.contains("force-frame-pointers") && !flags.contains("force-frame-pointers=no");
    if frame_pointers && optimised && arch && !asked_portable {
        println!("cargo::warning=force-frame-pointers gives every handler a prologue: wasmrun uses its portable loop");
    }
    if optimised && arch && !asserting && !asked_portable && !frame_pointers {
        println!("cargo::rustc-cfg=tail");
    }
    println!("cargo::rustc-env=WASMRUN_TARGET={}", env("TARGET"));
    println!("cargo::rustc-env=WASMRUN_OPT_LEVEL={}", env("OPT_LEVEL"));
    let git = std::process::Command::new("git")
        .args(["rev-parse", "--short=10", "HEAD"])
        .output()
        .ok()
        .filter(|out| out.status.success())
        .and_then(|out| String::from_utf8(out.stdout).ok())
        .unwrap_or_default();
    println!("cargo::rustc-env=WASMRUN_GIT={}", git.trim());
}
