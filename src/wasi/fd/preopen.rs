//! `fd_prestat_get`, `fd_prestat_dir_name`: how a guest finds the directories it was granted.
//!
//! wasi-libc asks for 3, 4, 5 … until the answer is `badf`, so that this is the only answer for what is not granted.

use crate::wasi::abi::{Errno, Fd, Prestat, Ptr, Size};
use crate::wasi::call::{Call, Stop};
use crate::wasi::memory::GuestMemory;

/// `fd_prestat_get`: the kind of a granted descriptor (always a directory) and the length of its name.
///
/// For a directory granted as `/tmp`:
/// ```text
///   buf ──► 00 .. .. ..  04 00 00 00      (u8 tag, 3 bytes of padding, u32 pr_name_len)
/// ```
/// # Errors
/// `badf` if it is not open or was not granted; `fault` outside the memory.
pub(in crate::wasi) fn get(cx: &mut Call<'_>, fd: Fd, buf: Ptr) -> Result<(), Stop> {
    let name = cx.ctx.table.get(fd)?.preopen.as_ref().ok_or(Errno::Badf)?;
    let prestat = Prestat {
        pr_name_len: u32::try_from(name.len()).map_err(|_| Errno::Overflow)?,
    };
    Ok(cx.memory().write(buf, &prestat.to_bytes())?)
}

/// `fd_prestat_dir_name`: the name under which a directory was granted, without a NUL.
///
/// # Errors
/// `badf` if it is not open or was not granted; `nametoolong` if `path_len` is less than the name's length;
/// `fault` outside the memory.
pub(in crate::wasi) fn dir_name(cx: &mut Call<'_>, fd: Fd, path: Ptr, path_len: Size) -> Result<(), Stop> {
    let name = cx.ctx.table.get(fd)?.preopen.as_ref().ok_or(Errno::Badf)?;
    if name.len() as u64 > u64::from(path_len) {
        return Err(Errno::Nametoolong.into());
    }
    Ok(GuestMemory::new(cx.host.memory()).write(path, name.as_bytes())?)
}
