//! `args_get`, `args_sizes_get`: the program's arguments. `environ.rs` has the same shape and uses the same two steps.

use super::abi::{Errno, Ptr};
use super::call::{Call, Stop};
use super::memory::GuestMemory;
use crate::engine::Error;

/// `args_get`: the arguments, as an array of pointers and the NUL-terminated strings they point to.
///
/// For the arguments `a`, `bc`, with `argv` at 0x20 and `argv_buf` at 0x10:
/// ```text
///   argv ──► 10 00 00 00  12 00 00 00        argv_buf ──► 61 00  62 63 00
/// ```
/// Nothing follows the last pointer: the count comes from `args_sizes_get`.
/// # Errors
/// `fault` if either array leaves the memory; what was written before stays.
pub(super) fn get(cx: &mut Call<'_>, argv: Ptr, argv_buf: Ptr) -> Result<(), Stop> {
    check(cx)?;
    Ok(write_strings(
        &mut cx.host.memory(),
        cx.ctx.arguments(),
        argv,
        argv_buf,
    )?)
}

/// `args_sizes_get`: how many arguments there are and how many bytes they need.
///
/// Writes two u32; the two places need not be adjacent. For the arguments `a`, `bc`:
/// ```text
///   argc ──► 02 00 00 00        argv_buf_size ──► 05 00 00 00    ("a\0bc\0")
/// ```
/// # Errors
/// `fault` if either write leaves the memory; nothing is written past the first failure. `overflow` past 4 GiB.
pub(super) fn sizes_get(cx: &mut Call<'_>, argc: Ptr, argv_buf_size: Ptr) -> Result<(), Stop> {
    check(cx)?;
    Ok(write_sizes(
        &mut cx.host.memory(),
        cx.ctx.arguments(),
        argc,
        argv_buf_size,
    )?)
}

/// A string with a NUL inside would reach the guest cut; the embedder is told instead.
pub(super) fn check(cx: &Call<'_>) -> Result<(), Stop> {
    match &cx.ctx.invalid {
        Some(problem) => Err(Stop::Host(Error::host(problem.clone()))),
        None => Ok(()),
    }
}

/// Writes pointers to `strings` at `pointers` and the strings, NUL-terminated, at `buf`.
pub(super) fn write_strings(
    memory: &mut GuestMemory<'_>,
    strings: &[Vec<u8>],
    pointers: Ptr,
    buf: Ptr,
) -> Result<(), Errno> {
    let mut offset = 0;
    for (index, string) in strings.iter().enumerate() {
        let address = u32::try_from(buf.at(offset)).map_err(|_| Errno::Fault)?;
        memory.write_at(pointers, 4 * index as u64, &address.to_le_bytes())?;
        memory.write_at(buf, offset, string)?;
        memory.write_at(buf, offset + string.len() as u64, &[0])?;
        offset += string.len() as u64 + 1;
    }
    Ok(())
}

/// Writes the number of `strings` and the bytes they need with their NULs.
pub(super) fn write_sizes(
    memory: &mut GuestMemory<'_>,
    strings: &[Vec<u8>],
    count: Ptr,
    buf_size: Ptr,
) -> Result<(), Errno> {
    let bytes: usize = strings.iter().map(|string| string.len() + 1).sum();
    memory.write_u32(count, u32::try_from(strings.len()).map_err(|_| Errno::Overflow)?)?;
    memory.write_u32(buf_size, u32::try_from(bytes).map_err(|_| Errno::Overflow)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::WasiEnv;
    use crate::wasi::testing::{Guest, MEMORY, plain};

    fn guest() -> Guest {
        Guest::new(WasiEnv::new().with_args(vec!["a".into(), "bc".into(), String::new()]))
    }

    #[test]
    fn arguments_and_their_pointers() {
        let mut guest = guest();
        assert_eq!(guest.call(|cx| get(cx, Ptr(0x20), Ptr(0x10))), Ok(()));
        guest.expect(0x10, b"a\0bc\0\0");
        guest.expect(0x20, b"\x10\0\0\0\x12\0\0\0\x15\0\0\0");
    }

    #[test]
    fn their_number_and_bytes() {
        let mut guest = guest();
        assert_eq!(guest.call(|cx| sizes_get(cx, Ptr(0x20), Ptr(0x10))), Ok(()));
        guest.expect(0x20, b"\x03\0\0\0");
        guest.expect(0x10, b"\x06\0\0\0");
    }

    #[test]
    fn none_write_nothing() {
        let mut guest = Guest::new(plain());
        assert_eq!(guest.call(|cx| get(cx, Ptr(0x20), Ptr(0x10))), Ok(()));
        guest.expect(0x10, b"????????");
        guest.expect(0x20, b"????????");
    }

    #[test]
    fn fault_outside_the_memory() {
        let mut guest = guest();
        for (argv, argv_buf) in [
            (MEMORY - 11, 0x10),
            (0x20, MEMORY - 5),
            (u32::MAX, 0),
            (0, u32::MAX),
            (MEMORY, MEMORY),
        ] {
            assert_eq!(guest.call(|cx| get(cx, Ptr(argv), Ptr(argv_buf))), Err(Errno::Fault));
        }
        assert_eq!(
            guest.call(|cx| sizes_get(cx, Ptr(MEMORY - 3), Ptr(0x10))),
            Err(Errno::Fault)
        );
        assert_eq!(
            guest.call(|cx| sizes_get(cx, Ptr(0x30), Ptr(u32::MAX - 2))),
            Err(Errno::Fault)
        );
    }

    #[test]
    fn what_cannot_be_passed_on_ends_the_run() {
        let mut guest = Guest::new(WasiEnv::new().with_args(vec!["a\0b".into()]));
        let stop = guest.stop(|cx| sizes_get(cx, Ptr(0), Ptr(4)));
        assert!(matches!(stop, Err(Stop::Host(_))));
    }
}
