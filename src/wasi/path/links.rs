//! `path_link`, `path_symlink`, `path_readlink`.

use super::resolve;
use crate::wasi::abi::{Errno, Fd, Lookupflags, Ptr, Rights, Size};
use crate::wasi::call::{Call, Stop};

/// `path_link`: gives a file a second name (a hard link). A symbolic link is linked itself, not what it leads to.
///
/// # Errors
/// As `resolve` in `path/mod.rs`, for both ends: a read-only directory is neither linked from nor to; `inval` with
/// SYMLINK_FOLLOW; `noent`; `exist`; `perm` for a directory, or if a way leads out; `xdev` between file systems.
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
    Ok(from.link(&old, to, &new)?)
}

/// `path_symlink`: creates a symbolic link at `new` that contains `old`.
///
/// # Errors
/// As `resolve` in `path/mod.rs`; `exist`; `noent` for an empty `old`, or on the way; `perm` for an absolute `old`, or if
/// the way leads out.
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
    let (dir, new) = resolve(cx, fd, Rights::PATH_SYMLINK, new, new_len)?;
    Ok(dir.symlink(&old, &new)?)
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
