//! What a program asked for in vain because no directory was granted: so that its user can be told which option is
//! missing, where the program's own message is about a bad descriptor.

use super::abi::{Errno, Fd, Ptr};
use super::call::Call;
use super::memory::PATH_MAX;
use super::trace::{Kind, Param};

/// See the module.
#[derive(Default)]
pub(super) struct Missed {
    /// The first path that no directory was granted for.
    pub(super) path: Option<String>,
    /// The program went through the granted directories to their end.
    pub(super) searched: bool,
    /// It did so after it had done something else: for a path.
    pub(super) searched_late: bool,
    /// It has made a call other than to look for directories.
    pub(super) begun: bool,
}

/// Looks at a call that failed.
pub(super) fn note(cx: &mut Call<'_>, name: &str, params: &[Param], words: &[u64], errno: Errno) {
    if name == "fd_prestat_get" {
        let missed = &mut cx.ctx.missed;
        missed.searched |= errno == Errno::Badf;
        missed.searched_late |= errno == Errno::Badf && missed.begun;
        return;
    }
    if cx.ctx.missed.path.is_some() || !matches!(errno, Errno::Badf | Errno::Perm | Errno::Notcapable) {
        return;
    }
    let mut fd = None;
    for (index, (_, kind)) in params.iter().enumerate() {
        let word = |at: usize| words.get(at).copied().unwrap_or_default();
        match (kind, fd) {
            (Kind::Fd, _) => fd = Some(word(index) as Fd),
            (Kind::Path, Some(fd)) => {
                let (at, len) = (Ptr(word(index) as u32), word(index + 1));
                let descriptor = cx.ctx.table.get(fd).ok();
                let (open, from) = (descriptor.is_some(), descriptor.and_then(|dir| dir.preopen.clone()));
                let memory = cx.memory();
                let Ok(bytes) = memory.bytes(at, 0, len.min(PATH_MAX.into())) else {
                    return;
                };
                let path = String::from_utf8_lossy(&bytes).into_owned();
                if !open || (errno != Errno::Badf && leads_out(&path)) {
                    cx.ctx.missed.path = Some(join(from.as_deref().unwrap_or_default(), &path));
                    return;
                }
            }
            _ => {}
        }
    }
}

/// What a path that starts from the directory granted as `from` means to the program.
fn join(from: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let absolute = from.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in from.split('/').chain(path.split('/')) {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", None) if absolute => {}
            ("..", Some(&last)) if last != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}

fn leads_out(path: &str) -> bool {
    path.starts_with('/') || path.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use crate::wasi::funcs::row;
    use crate::wasi::testing::{Guest, OUT, plain};

    fn open(guest: &mut Guest, fd: u64, path: &str) {
        let (at, len) = guest.path(path);
        let words = [fd, 0, at.0.into(), len.into(), 0, 2, 0, 0, OUT.0.into()];
        let _ = guest.stop(|cx| row("path_open").call(cx, &words));
    }

    #[test]
    fn the_first_path_without_a_directory_is_kept() {
        let mut guest = Guest::new(plain());
        assert_eq!(guest.env.ungranted_path(), None);
        open(&mut guest, 3, "notes.txt");
        open(&mut guest, 3, "other.txt");
        assert_eq!(guest.env.ungranted_path().as_deref(), Some("notes.txt"));
    }

    #[test]
    fn a_path_that_leads_out_of_its_directory_counts_and_one_that_is_not_there_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        open(&mut guest, 3, "notes.txt");
        assert_eq!(guest.env.ungranted_path(), None);
        open(&mut guest, 3, "../notes.txt");
        assert_eq!(guest.env.ungranted_path().as_deref(), Some("/notes.txt"));
    }

    #[test]
    fn a_path_is_told_as_the_program_means_it() {
        for (from, path, joined) in [
            ("", "a/./b", "a/b"),
            (".", "../a", "../a"),
            ("data", "../../a", "../a"),
            ("/d/e", "../a", "/d/a"),
            ("/d", "../../../a/", "/a"),
            ("/d", "/etc/x", "/etc/x"),
            ("..", "../a", "../../a"),
        ] {
            assert_eq!(super::join(from, path), joined, "{from} {path}");
        }
    }

    #[test]
    fn a_search_at_the_start_need_not_be_for_a_path() {
        for (first, late) in [("fd_prestat_get", false), ("args_sizes_get", true)] {
            let mut guest = Guest::new(plain());
            for name in [first, "fd_prestat_get"] {
                let words = [if name == "fd_prestat_get" { 3 } else { 0x10 }, 0x20];
                let _ = guest.stop(|cx| row(name).call(cx, &words));
            }
            assert!(guest.env.looked_for_directories());
            assert_eq!(guest.env.wanted_a_directory(), late, "{first}");
        }
    }
}
