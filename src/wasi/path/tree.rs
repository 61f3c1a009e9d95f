//! Making, moving and removing names: `path_create_directory`, `path_remove_directory`, `path_unlink_file`,
//! `path_rename`.

use super::resolve;
use crate::wasi::abi::{Fd, Ptr, Rights, Size};
use crate::wasi::call::{Call, Stop};

/// `path_create_directory`: creates a directory. A trailing slash is allowed.
///
/// # Errors
/// As `resolve` in `path/mod.rs`; `exist`; `noent` or `notdir` on the way; `perm` if the way leads out; `dquot`.
pub(in crate::wasi) fn create_directory(cx: &mut Call<'_>, fd: Fd, path: Ptr, len: Size) -> Result<(), Stop> {
    let (_, path) = resolve(cx, fd, Rights::PATH_CREATE_DIRECTORY, path, len)?;
    let dir = cx.ctx.table.get(fd)?.dir(Rights::PATH_CREATE_DIRECTORY)?;
    Ok(cx.ctx.quota.name(&path, 0, || dir.create_directory(&path))?)
}

/// `path_remove_directory`: removes an empty directory.
///
/// # Errors
/// As `resolve` in `path/mod.rs`; `noent`; `notdir`; `notempty`; `perm` if the way leads out.
pub(in crate::wasi) fn remove_directory(cx: &mut Call<'_>, fd: Fd, path: Ptr, len: Size) -> Result<(), Stop> {
    let (dir, path) = resolve(cx, fd, Rights::PATH_REMOVE_DIRECTORY, path, len)?;
    Ok(dir.remove_directory(&path)?)
}

/// `path_unlink_file`: removes a name that is not a directory; a symbolic link itself, not what it leads to.
///
/// # Errors
/// As `resolve` in `path/mod.rs`; `noent`; `isdir` for a directory; `notdir` for a file with a trailing slash; `perm` if
/// the way leads out.
pub(in crate::wasi) fn unlink_file(cx: &mut Call<'_>, fd: Fd, path: Ptr, len: Size) -> Result<(), Stop> {
    let (dir, path) = resolve(cx, fd, Rights::PATH_UNLINK_FILE, path, len)?;
    Ok(dir.unlink_file(&path)?)
}

/// `path_rename`: moves a file or directory in one step, replacing a file by a file, an empty directory by a directory.
///
/// # Errors
/// As `resolve` in `path/mod.rs`, for both ends: a read-only directory is neither moved from nor to; `noent`; `notempty`;
/// `isdir` or `notdir` where the kinds differ; `inval` into itself; `xdev` between file systems; `perm` if a way leads
/// out.
pub(in crate::wasi) fn rename(
    cx: &mut Call<'_>,
    fd: Fd,
    old: Ptr,
    old_len: Size,
    new_fd: Fd,
    new: Ptr,
    new_len: Size,
) -> Result<(), Stop> {
    let (_, old) = resolve(cx, fd, Rights::PATH_RENAME_SOURCE, old, old_len)?;
    let (_, new) = resolve(cx, new_fd, Rights::PATH_RENAME_TARGET, new, new_len)?;
    let from = cx.ctx.table.get(fd)?.dir(Rights::PATH_RENAME_SOURCE)?;
    let to = cx.ctx.table.get(new_fd)?.dir(Rights::PATH_RENAME_TARGET)?;
    Ok(from.rename(&old, to, &new)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::abi::Errno;
    use crate::wasi::testing::Guest;

    fn mkdir(guest: &mut Guest, path: &str) -> Result<(), Errno> {
        let (at, len) = guest.path(path);
        guest.call(|cx| create_directory(cx, 3, at, len))
    }
    fn rmdir(guest: &mut Guest, path: &str) -> Result<(), Errno> {
        let (at, len) = guest.path(path);
        guest.call(|cx| remove_directory(cx, 3, at, len))
    }
    fn unlink(guest: &mut Guest, path: &str) -> Result<(), Errno> {
        let (at, len) = guest.path(path);
        guest.call(|cx| unlink_file(cx, 3, at, len))
    }
    fn mv(guest: &mut Guest, from: Fd, old: &str, to: Fd, new: &str) -> Result<(), Errno> {
        let (old, old_len) = guest.path(old);
        let (new, new_len) = guest.other_path(new);
        guest.call(|cx| rename(cx, from, old, old_len, to, new, new_len))
    }

    #[test]
    fn directories_are_made_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        assert_eq!(mkdir(&mut guest, "d"), Ok(()));
        assert_eq!(mkdir(&mut guest, "d/e/"), Ok(()));
        assert_eq!(mkdir(&mut guest, "d"), Err(Errno::Exist));
        assert_eq!(mkdir(&mut guest, "x/y"), Err(Errno::Noent));
        assert_eq!(rmdir(&mut guest, "d"), Err(Errno::Notempty));
        assert_eq!(rmdir(&mut guest, "d/e/"), Ok(()));
        assert_eq!(rmdir(&mut guest, "d/e"), Err(Errno::Noent));
        guest.create("f");
        assert_eq!(rmdir(&mut guest, "f"), Err(Errno::Notdir));
        assert_eq!(rmdir(&mut guest, "f/"), Err(Errno::Notdir));
        assert_eq!(mkdir(&mut guest, "f/d"), Err(Errno::Notdir));
    }

    #[test]
    fn files_are_unlinked_and_directories_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        guest.create("f");
        assert_eq!(mkdir(&mut guest, "d"), Ok(()));
        assert_eq!(unlink(&mut guest, "d"), Err(Errno::Isdir));
        assert_eq!(unlink(&mut guest, "d/"), Err(Errno::Isdir));
        assert_eq!(unlink(&mut guest, "f/"), Err(Errno::Notdir));
        assert_eq!(unlink(&mut guest, "f"), Ok(()));
        assert_eq!(unlink(&mut guest, "f"), Err(Errno::Noent));
    }

    #[test]
    fn renaming_replaces_like_by_like() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        guest.create("f");
        guest.create("g");
        for name in ["d", "e", "full", "full/in"] {
            assert_eq!(mkdir(&mut guest, name), Ok(()));
        }
        assert_eq!(mv(&mut guest, 3, "f", 3, "g"), Ok(()));
        assert_eq!(mv(&mut guest, 3, "f", 3, "g"), Err(Errno::Noent));
        assert_eq!(mv(&mut guest, 3, "d/", 3, "e"), Ok(()));
        assert_eq!(mv(&mut guest, 3, "e", 3, "new/"), Ok(()));
        assert_eq!(mv(&mut guest, 3, "new", 3, "full"), Err(Errno::Notempty));
        assert_eq!(mv(&mut guest, 3, "new", 3, "g"), Err(Errno::Notdir));
        assert_eq!(mv(&mut guest, 3, "g", 3, "new"), Err(Errno::Isdir));
        assert_eq!(mv(&mut guest, 3, "full", 3, "full/in/x"), Err(Errno::Inval));
    }

    #[test]
    fn nothing_is_made_moved_or_removed_outside() {
        let outer = tempfile::tempdir().unwrap();
        let granted = outer.path().join("granted");
        std::fs::create_dir(&granted).unwrap();
        std::fs::write(outer.path().join("secret"), "canary").unwrap();
        std::fs::create_dir(outer.path().join("empty")).unwrap();
        std::os::unix::fs::symlink("..", granted.join("up")).unwrap();
        let mut guest = Guest::in_dir(&granted);
        guest.create("f");
        for base in ["../", "up/", "/", "/tmp/", "x/../../", "./../"] {
            let out = |name: &str| format!("{base}{name}");
            let refused = |result| matches!(result, Err(Errno::Perm | Errno::Noent));
            assert!(refused(mkdir(&mut guest, &out("new"))), "{base}");
            assert!(refused(rmdir(&mut guest, &out("empty"))), "{base}");
            assert!(refused(unlink(&mut guest, &out("secret"))), "{base}");
            assert!(refused(mv(&mut guest, 3, &out("secret"), 3, "got")), "{base}");
            assert!(refused(mv(&mut guest, 3, "f", 3, &out("out"))), "{base}");
        }
        let mut left: Vec<_> = std::fs::read_dir(outer.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["empty", "granted", "secret"]);
    }

    #[test]
    fn nothing_moves_out_of_or_into_a_read_only_directory() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "text").unwrap();
        // The same directory twice: one view must not lend the other its rights.
        let builder = crate::WasiEnv::builder().dir(dir.path(), "/rw").unwrap();
        let mut guest = Guest::new(builder.dir_read_only(dir.path(), "/ro").unwrap().build());
        assert_eq!(mv(&mut guest, 4, "f", 3, "g"), Err(Errno::Rofs));
        assert_eq!(mv(&mut guest, 3, "f", 4, "g"), Err(Errno::Rofs));
        let (at, len) = guest.path("f");
        assert_eq!(guest.call(|cx| create_directory(cx, 4, at, len)), Err(Errno::Rofs));
        assert_eq!(guest.call(|cx| remove_directory(cx, 4, at, len)), Err(Errno::Rofs));
        assert_eq!(guest.call(|cx| unlink_file(cx, 4, at, len)), Err(Errno::Rofs));
    }

    #[test]
    fn errnos_of_descriptors() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        assert_eq!(mv(&mut guest, 3, "a", 9, "b"), Err(Errno::Badf));
        assert_eq!(mv(&mut guest, 1, "a", 3, "b"), Err(Errno::Notdir));
        let (at, len) = guest.path("a");
        for (fd, errno) in [(1, Errno::Notdir), (9, Errno::Badf)] {
            assert_eq!(guest.call(|cx| create_directory(cx, fd, at, len)), Err(errno));
            assert_eq!(guest.call(|cx| unlink_file(cx, fd, at, len)), Err(errno));
        }
        let kept = Rights::PATH_OPEN;
        assert_eq!(
            guest.call(|cx| crate::wasi::fd::stat::fdstat_set_rights(cx, 3, kept, kept)),
            Ok(())
        );
        for call in [create_directory, remove_directory, unlink_file] {
            assert_eq!(guest.call(|cx| call(cx, 3, at, len)), Err(Errno::Notcapable));
        }
    }
}
