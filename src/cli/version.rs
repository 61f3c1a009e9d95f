//! What `-V` and `--version` say.

use std::sync::LazyLock;

use wasmrun::Features;

/// Version and commit.
pub fn short() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| match env!("WASMRUN_GIT") {
        "" => env!("CARGO_PKG_VERSION").to_owned(),
        commit => format!("{} ({commit})", env!("CARGO_PKG_VERSION")),
    });
    &TEXT
}

/// The same and how it was built: what a report of a fault should contain.
pub fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let features: Vec<&str> = Features::default().names().collect();
        format!(
            "{}\ntarget: {}, opt-level {}{}\ndispatch: {}\nfeatures: {}",
            short(),
            env!("WASMRUN_TARGET"),
            env!("WASMRUN_OPT_LEVEL"),
            if cfg!(debug_assertions) {
                ", with assertions"
            } else {
                ""
            },
            wasmrun::dispatch_kind(),
            features.join(", ")
        )
    });
    &TEXT
}
