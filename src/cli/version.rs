//! What `-V` and `--version` say.

use wasmrun::Features;

/// Version and commit.
pub fn short() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match env!("WASMRUN_GIT") {
        "" => version.to_owned(),
        commit => format!("{version} ({commit})"),
    }
}

/// The same and how it was built: what a report of a fault should contain.
pub fn long() -> String {
    let features: Vec<&str> = Features::default().names().collect();
    format!(
        "{}\ntarget: {}, opt-level {}{}\ndispatch: {}\nfeatures: {}",
        short(),
        env!("WASMRUN_TARGET"),
        env!("WASMRUN_OPT_LEVEL"),
        if cfg!(debug_assertions) { ", with assertions" } else { "" },
        wasmrun::dispatch_kind(),
        features.join(", ")
    )
}
