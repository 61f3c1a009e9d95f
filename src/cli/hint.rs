//! The one hint after a program failed: that it had no directory for a path it wanted. A program says at most that a
//! descriptor is bad, because its C library looks through the granted directories and finds none that fits.

use std::ffi::OsString;
use std::path::Path;

use wasmrun::WasiEnv;

/// The hint for a program that failed, if there is one. `granted` are the directories it knows, `words` its arguments
/// after argv[0].
pub fn ungranted(env: &WasiEnv, granted: &[&str], words: &[OsString]) -> Option<String> {
    if let Some(path) = env.ungranted_path() {
        return Some(text(&path));
    }
    if !env.looked_for_directories() {
        return None;
    }
    let wanted = words
        .iter()
        .filter_map(|word| word.to_str())
        .find(|word| is_path(word) && !granted.iter().any(|dir| covers(dir, word)));
    match wanted {
        Some(path) => Some(text(path)),
        None if granted.is_empty() && env.wanted_a_directory() => Some(String::from(
            "hint: the program looked for a directory, and none was granted; --dir . gives it this one",
        )),
        None => None,
    }
}

fn text(path: &str) -> String {
    format!(
        "hint: no directory was granted for \"{}\"; {} gives the program one",
        path.escape_debug(),
        option(path).escape_debug()
    )
}

/// The option that grants the directory a path is in, under the name the program uses.
fn option(path: &str) -> String {
    let parent = match path.trim_end_matches('/').rsplit_once('/') {
        None => ".",
        Some(("", _)) => "/",
        Some((parent, _)) => parent,
    };
    // Not all there is on this machine, whatever the program would like.
    if parent != "/" && Path::new(parent).is_dir() {
        format!("--dir {parent}")
    } else {
        format!("--dir HOST::{parent}")
    }
}

/// Whether a word of the command line is meant as a path, as far as one can tell: many an expression has slashes.
fn is_path(word: &str) -> bool {
    word.starts_with('/') || (!word.starts_with('-') && Path::new(word).exists())
}

/// Whether a directory that the program knows as `guest` has the path.
fn covers(guest: &str, path: &str) -> bool {
    let simple = |path: &str| -> Vec<String> {
        let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
        parts.map(str::to_owned).collect()
    };
    let (guest_parts, path_parts) = (simple(guest), simple(path));
    guest.starts_with('/') == path.starts_with('/')
        && path_parts.starts_with(&guest_parts)
        && path_parts.get(guest_parts.len()).is_none_or(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_names_the_directory_the_path_is_in() {
        assert_eq!(option("notes.txt"), "--dir .");
        assert_eq!(option("src/main.rs"), "--dir src");
        assert_eq!(option("no-such-place/main.rs"), "--dir HOST::no-such-place");
        assert_eq!(option("../main.rs"), "--dir ..");
        assert_eq!(option("/tmp/x"), "--dir /tmp");
        assert_eq!(option("/x"), "--dir HOST::/");
        assert_eq!(option("/no-such-place/x/"), "--dir HOST::/no-such-place");
        assert_eq!(
            text("a\x1b\"b"),
            "hint: no directory was granted for \"a\\u{1b}\\\"b\"; --dir . gives the program one"
        );
    }

    #[test]
    fn a_directory_has_what_is_below_its_name() {
        for (guest, path) in [
            (".", "a"),
            ("./", "a/b"),
            ("a", "./a/b"),
            ("/", "/a"),
            ("/a", "/a"),
            ("..", "../a"),
        ] {
            assert!(covers(guest, path), "{guest} {path}");
        }
        for (guest, path) in [
            (".", "/a"),
            (".", "../a"),
            ("a", "ab"),
            ("/a", "a"),
            ("/a", "/b"),
            ("..", "../../a"),
        ] {
            assert!(!covers(guest, path), "{guest} {path}");
        }
    }
}
