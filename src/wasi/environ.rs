//! `environ_get`, `environ_sizes_get`: the program's environment variables.

use super::abi::Ptr;
use super::args::{check, write_sizes, write_strings};
use super::call::{Call, Stop};

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
        &mut cx.host.memory(),
        cx.ctx.variables(),
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
    Ok(write_sizes(&mut cx.host.memory(), cx.ctx.variables(), count, buf_size)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::WasiEnv;
    use crate::wasi::abi::Errno;
    use crate::wasi::testing::{Guest, MEMORY};

    fn guest() -> Guest {
        Guest::new(
            WasiEnv::new()
                .with_env("A".into(), "1".into())
                .with_env("B".into(), String::new()),
        )
    }

    #[test]
    fn variables_and_their_pointers() {
        let mut guest = guest();
        assert_eq!(guest.call(|cx| get(cx, Ptr(0x20), Ptr(0x10))), Ok(()));
        guest.expect(0x10, b"A=1\0B=\0");
        guest.expect(0x20, b"\x10\0\0\0\x14\0\0\0");
        assert_eq!(guest.call(|cx| get(cx, Ptr(MEMORY - 4), Ptr(0x10))), Err(Errno::Fault));
    }

    #[test]
    fn their_number_and_bytes() {
        let mut guest = guest();
        assert_eq!(guest.call(|cx| sizes_get(cx, Ptr(0x10), Ptr(0x14))), Ok(()));
        guest.expect(0x10, b"\x02\0\0\0\x07\0\0\0");
        assert_eq!(
            guest.call(|cx| sizes_get(cx, Ptr(0x10), Ptr(MEMORY - 3))),
            Err(Errno::Fault)
        );
    }
}
