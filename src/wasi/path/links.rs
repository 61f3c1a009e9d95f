//! `path_link`, `path_symlink`, `path_readlink`.

use super::resolve;
use crate::wasi::abi::{Errno, Fd, Lookupflags, Ptr, Rights, Size};
use crate::wasi::call::{Call, Stop};

/// `path_link`: gives a file a second name (a hard link). A symbolic link is linked itself, not what it leads to.
///
/// # Errors
/// As `resolve` in `path/mod.rs`, for both ends: a read-only directory is neither linked from nor to; `inval` with
/// SYMLINK_FOLLOW; `noent`; `exist`; `perm` for a directory, or if a way leads out; `xdev` between file systems;
/// `dquot`.
#[allow(clippy::too_many_arguments)] // the function's own parameters
pub(in crate::wasi) fn link(
    cx: &mut Call<'_>,
    old_fd: Fd,
    old_flags: Lookupflags,
    old: Ptr,
    old_len: Size,
    new_fd: Fd,
    new: Ptr,
    new_len: Size,
) -> Result<(), Stop> {
    let (_, old) = resolve(cx, old_fd, Rights::PATH_LINK_SOURCE, old, old_len)?;
    let (_, new) = resolve(cx, new_fd, Rights::PATH_LINK_TARGET, new, new_len)?;
    if old_flags != Lookupflags::NONE {
        return Err(Errno::Inval.into());
    }
    let from = cx.ctx.table.get(old_fd)?.dir(Rights::PATH_LINK_SOURCE)?;
    let to = cx.ctx.table.get(new_fd)?.dir(Rights::PATH_LINK_TARGET)?;
    Ok(cx.ctx.quota.name(&new, 0, || from.link(&old, to, &new))?)
}

/// `path_symlink`: creates a symbolic link at `new` that contains `old`.
///
/// # Errors
/// As `resolve` in `path/mod.rs`; `exist`; `noent` for an empty `old`, or on the way; `perm` for an absolute `old`, or if
/// the way leads out; `dquot`.
pub(in crate::wasi) fn symlink(
    cx: &mut Call<'_>,
    old: Ptr,
    old_len: Size,
    fd: Fd,
    new: Ptr,
    new_len: Size,
) -> Result<(), Stop> {
    cx.ctx.table.get(fd)?.dir(Rights::PATH_SYMLINK)?;
    let old = cx.memory().read_path(old, old_len)?;
    let (_, new) = resolve(cx, fd, Rights::PATH_SYMLINK, new, new_len)?;
    let dir = cx.ctx.table.get(fd)?.dir(Rights::PATH_SYMLINK)?;
    Ok(cx.ctx.quota.name(&new, old.len() as u64, || dir.symlink(&old, &new))?)
}

/// `path_readlink`: writes what a symbolic link contains, cut to `buf_len` bytes and without a NUL, and how many bytes
/// that is as a u32.
///
/// # Errors
/// As `resolve` in `path/mod.rs`; `noent`; `inval` for what is no symbolic link; `perm` if the way leads out; `fault`.
pub(in crate::wasi) fn readlink(
    cx: &mut Call<'_>,
    fd: Fd,
    path: Ptr,
    len: Size,
    buf: Ptr,
    buf_len: Size,
    bufused: Ptr,
) -> Result<(), Stop> {
    let (dir, path) = resolve(cx, fd, Rights::PATH_READLINK, path, len)?;
    let content = dir.readlink(&path)?;
    let cut = content.get(..buf_len as usize).unwrap_or(&content);
    let mut memory = cx.memory();
    memory.write(buf, cut)?;
    Ok(memory.write_u32(bufused, cut.len() as u32)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::testing::{Guest, MEMORY, OUT};

    fn make_link(guest: &mut Guest, from: Fd, old: &str, to: Fd, new: &str) -> Result<(), Errno> {
        let (old, old_len) = guest.path(old);
        let (new, new_len) = guest.other_path(new);
        guest.call(|cx| link(cx, from, Lookupflags::NONE, old, old_len, to, new, new_len))
    }
    fn make_symlink(guest: &mut Guest, old: &str, fd: Fd, new: &str) -> Result<(), Errno> {
        let (old, old_len) = guest.path(old);
        let (new, new_len) = guest.other_path(new);
        guest.call(|cx| symlink(cx, old, old_len, fd, new, new_len))
    }
    fn read_link(guest: &mut Guest, path: &str, buf: u32, buf_len: u32) -> Result<u32, Errno> {
        let (at, len) = guest.path(path);
        guest.call(|cx| readlink(cx, 3, at, len, Ptr(buf), buf_len, OUT))?;
        Ok(guest.u32_at(OUT))
    }

    #[test]
    fn links_are_read_and_cut_to_the_buffer() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        assert_eq!(make_symlink(&mut guest, "target", 3, "link"), Ok(()));
        assert_eq!(read_link(&mut guest, "link", 0x20, 10), Ok(6));
        guest.expect(0x20, b"target");
        assert_eq!(read_link(&mut guest, "link", 0x40, 4), Ok(4));
        guest.expect(0x40, b"targ");
        assert_eq!(read_link(&mut guest, "link", 0x60, 0), Ok(0));
        guest.create("file");
        assert_eq!(read_link(&mut guest, "file", 0x20, 10), Err(Errno::Inval));
        assert_eq!(read_link(&mut guest, "nothing", 0x20, 10), Err(Errno::Noent));
        assert_eq!(read_link(&mut guest, "../x", 0x20, 10), Err(Errno::Perm));
        assert_eq!(read_link(&mut guest, "link", MEMORY - 5, 10), Err(Errno::Fault));
    }

    #[test]
    fn symlinks_are_made_where_nothing_is() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        guest.create("file");
        std::fs::create_dir(dir.path().join("d")).unwrap();
        assert_eq!(make_symlink(&mut guest, "x", 3, "file"), Err(Errno::Exist));
        assert_eq!(make_symlink(&mut guest, "x", 3, "file/"), Err(Errno::Notdir));
        assert_eq!(make_symlink(&mut guest, "x", 3, "d/"), Err(Errno::Exist));
        assert_eq!(make_symlink(&mut guest, "x", 3, "new/"), Err(Errno::Noent));
        assert_eq!(make_symlink(&mut guest, "", 3, "new"), Err(Errno::Noent));
        assert_eq!(make_symlink(&mut guest, "/etc", 3, "new"), Err(Errno::Perm));
        assert_eq!(make_symlink(&mut guest, "x", 3, "../new"), Err(Errno::Perm));
        assert_eq!(make_symlink(&mut guest, "x", 1, "new"), Err(Errno::Notdir));
    }

    #[test]
    fn a_hard_link_is_the_same_file() {
        use std::os::unix::fs::MetadataExt;
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        guest.create("f");
        std::fs::create_dir(dir.path().join("d")).unwrap();
        assert_eq!(make_link(&mut guest, 3, "f", 3, "d/g"), Ok(()));
        assert_eq!(std::fs::metadata(dir.path().join("d/g")).unwrap().nlink(), 2);
        assert_eq!(make_link(&mut guest, 3, "f", 3, "d/g"), Err(Errno::Exist));
        assert_eq!(make_link(&mut guest, 3, "d", 3, "e"), Err(Errno::Perm));
        assert_eq!(make_link(&mut guest, 3, "nothing", 3, "e"), Err(Errno::Noent));
        assert_eq!(make_link(&mut guest, 3, "f", 3, "e/"), Err(Errno::Noent));
        assert_eq!(make_link(&mut guest, 3, "f", 3, "../e"), Err(Errno::Perm));
        assert_eq!(make_link(&mut guest, 3, "../f", 3, "e"), Err(Errno::Perm));
        assert_eq!(make_symlink(&mut guest, "nothing", 3, "dangling"), Ok(()));
        assert_eq!(
            make_link(&mut guest, 3, "dangling", 3, "second"),
            Ok(()),
            "the link, not what it leads to"
        );
        let ((old, old_len), (new, new_len)) = (guest.path("f"), guest.other_path("h"));
        let follow = Lookupflags::SYMLINK_FOLLOW;
        assert_eq!(
            guest.call(|cx| link(cx, 3, follow, old, old_len, 3, new, new_len)),
            Err(Errno::Inval)
        );
    }

    #[test]
    fn no_second_name_makes_a_read_only_file_writable() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "text").unwrap();
        let builder = crate::WasiEnv::builder().dir(dir.path(), "/rw").unwrap();
        let mut guest = Guest::new(builder.dir_read_only(dir.path(), "/ro").unwrap().build());
        assert_eq!(make_link(&mut guest, 4, "f", 3, "g"), Err(Errno::Rofs));
        assert_eq!(make_link(&mut guest, 3, "f", 4, "g"), Err(Errno::Rofs));
        assert_eq!(make_symlink(&mut guest, "f", 4, "g"), Err(Errno::Rofs));
    }
}
