//! The layers of docs/architecture.md as a test: `engine` ← `wasi`; each file names only layers to its left.
//!
//! `cli` needs no rule: it belongs to the binary, which sees the public API only.

use std::path::{Path, PathBuf};

/// A folder or file of `src/`, and the layers its files may not name.
const RULES: &[(&str, &[&str])] = &[("engine", &["wasi", "cli"]), ("wasi", &["cli"])];

#[test]
fn layers_name_only_what_is_below_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (layer, above) in RULES {
        let files = files(&src.join(layer));
        assert!(!files.is_empty(), "src/{layer} has moved: change the rule");
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a source file");
            let name = file.strip_prefix(&src).expect("a file in src").display().to_string();
            for (at, line) in text.lines().enumerate() {
                for above in above.iter().filter(|above| names(line, above)) {
                    wrong.push(format!(
                        "src/{name}:{} is in `{layer}` and names `{above}`, a layer above it",
                        at + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_path_names_a_layer_and_a_comment_does_not() {
    assert!(names("use crate::wasi::WasiEnv;", "wasi"));
    assert!(names("    super::super::wasi::abi::Errno", "wasi"));
    assert!(names("use crate::{engine::Error, wasi};", "wasi"));
    assert!(!names("use super::memory; // not wasi::memory", "wasi"));
    assert!(!names("/// See [`crate::wasi::WasiEnv`].", "wasi"));
    assert!(!names(
        "linker.wasi(&env)?; let wasip1 = crate::engine::wasip1;",
        "wasi"
    ));
}

/// Whether code in the line goes through the module `layer`: as a step of a path, or in a `use` of several.
fn names(line: &str, layer: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(layer).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + layer.len()..]);
        let whole = !before.ends_with(part_of_name) && !after.starts_with(part_of_name);
        let in_use = code.trim_start().starts_with("use ") || code.trim_start().starts_with("pub use ");
        whole && (after.starts_with("::") || before.ends_with("::") || in_use)
    })
}

/// All Rust files in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of src") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
