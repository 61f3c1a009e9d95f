//! `environ_get`, `environ_sizes_get`: the program's environment variables.

use super::abi::Ptr;
use super::args::{check, write_sizes, write_strings};
use super::call::{Call, Stop};
use super::memory::GuestMemory;

/// `environ_get`: the variables, as an array of pointers and the `KEY=VALUE` strings they point to.
///
/// For `A=1`, with `environ` at 0x20 and `environ_buf` at 0x10:
/// ```text
///   environ ──► 10 00 00 00        environ_buf ──► 41 3d 31 00
/// ```
/// # Errors
/// `fault` if either array leaves the memory; what was written before stays.
pub(super) fn get(cx: &mut Call<'_>, environ: Ptr, environ_buf: Ptr) -> Result<(), Stop> {
    check(cx)?;
    Ok(write_strings(
        &mut GuestMemory::new(cx.host.memory()),
        &cx.ctx.environ,
        environ,
        environ_buf,
    )?)
}

/// `environ_sizes_get`: how many variables there are and how many bytes they need.
///
/// Writes two u32; the two places need not be adjacent. For `A=1`:
/// ```text
///   count ──► 01 00 00 00        buf_size ──► 04 00 00 00    ("A=1\0")
/// ```
/// # Errors
/// `fault` if either write leaves the memory; nothing is written past the first failure. `overflow` past 4 GiB.
pub(super) fn sizes_get(cx: &mut Call<'_>, count: Ptr, buf_size: Ptr) -> Result<(), Stop> {
    check(cx)?;
    Ok(write_sizes(
        &mut GuestMemory::new(cx.host.memory()),
        &cx.ctx.environ,
        count,
        buf_size,
    )?)
}
