//! `path_filestat_get`, `path_filestat_set_times`.

use super::{follow, resolve};
use crate::wasi::abi::{Fd, Fstflags, Lookupflags, Ptr, Rights, Size, Timestamp};
use crate::wasi::call::{Call, Stop};
use crate::wasi::fd::stat::set_times;

/// `path_filestat_get`: what is known of a file, in 64 bytes: see `fd_filestat_get`.
///
/// # Errors
/// As `resolve` in `path/mod.rs`; `inval` for an unknown flag; `noent`; `notdir` for a file with a trailing slash;
/// `loop`; `perm` if the way leads out; `fault`.
pub(in crate::wasi) fn filestat_get(
    cx: &mut Call<'_>,
    fd: Fd,
    flags: Lookupflags,
    path: Ptr,
    len: Size,
    buf: Ptr,
) -> Result<(), Stop> {
    let (dir, path) = resolve(cx, fd, Rights::PATH_FILESTAT_GET, path, len)?;
    let stat = dir.stat(&path, follow(flags)?)?;
    Ok(cx.memory().write(buf, &stat.to_bytes())?)
}

/// `path_filestat_set_times`: changes a file's times, to those given or to now.
///
/// # Errors
/// As `resolve` in `path/mod.rs`; `inval` for an unknown flag, or for one time set in two ways; `noent`; `loop`; `perm`
/// if the way leads out, or for a file of somebody else's.
#[allow(clippy::too_many_arguments)] // the function's own parameters
pub(in crate::wasi) fn filestat_set_times(
    cx: &mut Call<'_>,
    fd: Fd,
    flags: Lookupflags,
    path: Ptr,
    len: Size,
    atim: Timestamp,
    mtim: Timestamp,
    fst_flags: Fstflags,
) -> Result<(), Stop> {
    let (dir, path) = resolve(cx, fd, Rights::PATH_FILESTAT_SET_TIMES, path, len)?;
    let (atim, mtim) = set_times(atim, mtim, fst_flags)?;
    Ok(dir.set_times(&path, follow(flags)?, atim, mtim)?)
}
