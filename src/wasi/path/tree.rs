//! Making, moving and removing names: `path_create_directory`, `path_remove_directory`, `path_unlink_file`,
//! `path_rename`.

use super::resolve;
use crate::wasi::abi::{Fd, Ptr, Rights, Size};
use crate::wasi::call::{Call, Stop};

/// `path_create_directory`: creates a directory. A trailing slash is allowed.
///
/// # Errors
/// As `resolve` in `path/mod.rs`; `exist`; `noent` or `notdir` on the way; `perm` if the way leads out.
pub(in crate::wasi) fn create_directory(cx: &mut Call<'_>, fd: Fd, path: Ptr, len: Size) -> Result<(), Stop> {
    let (dir, path) = resolve(cx, fd, Rights::PATH_CREATE_DIRECTORY, path, len)?;
    Ok(dir.create_directory(&path)?)
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
