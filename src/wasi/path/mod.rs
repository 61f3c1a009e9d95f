//! The `path_*` functions. A path is relative to a directory descriptor and resolved by whoever keeps it (`sandbox.rs`,
//! `fs/`); what may be done there is decided by the descriptor's rights, before anything is looked up.

pub(super) mod links;
pub(super) mod open;
pub(super) mod stat;
pub(super) mod tree;

use super::abi::{Errno, Fd, Lookupflags, Ptr, Rights, Size};
use super::call::Call;
use super::fs::Directory;

/// Reads a path, and finds the directory it starts from if that may be used so.
///
/// # Errors
/// `badf`, `notdir`, `rofs` or `notcapable` for the descriptor; then `fault`, `nametoolong`, `ilseq` or `inval` for the
/// path: see `GuestMemory::read_path`.
fn resolve<'c>(
    cx: &'c mut Call<'_>,
    fd: Fd,
    right: Rights,
    path: Ptr,
    len: Size,
) -> Result<(&'c dyn Directory, String), Errno> {
    cx.ctx.table.get(fd)?.dir(right)?;
    let path = cx.memory().read_path(path, len)?;
    Ok((cx.ctx.table.get(fd)?.dir(right)?, path))
}

/// # Errors
/// `inval` for an unknown flag.
fn follow(flags: Lookupflags) -> Result<bool, Errno> {
    if Lookupflags::ALL.has(flags) {
        Ok(flags.has(Lookupflags::SYMLINK_FOLLOW))
    } else {
        Err(Errno::Inval)
    }
}
