//! `fd_prestat_get`, `fd_prestat_dir_name`: how a guest finds the directories it was granted.
//!
//! wasi-libc asks for 3, 4, 5 … until the answer is `badf`, so that this is the only answer for what is not granted.

use crate::wasi::abi::{Errno, Fd, Prestat, Ptr, Size};
use crate::wasi::call::{Call, Stop};

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
    Ok(cx.host.memory().write(path, name.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::testing::{Guest, MEMORY};

    #[test]
    fn a_granted_directory_has_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let env = crate::WasiEnv::builder().dir(dir.path(), "/tmp").unwrap().build();
        let mut guest = Guest::new(env);
        guest.put(0x10, &[b'?'; 8]);
        assert_eq!(guest.call(|cx| get(cx, 3, Ptr(0x10))), Ok(()));
        guest.expect(0x10, b"\0\0\0\0\x04\0\0\0");
        assert_eq!(guest.call(|cx| dir_name(cx, 3, Ptr(0x20), 4)), Ok(()));
        guest.expect(0x20, b"/tmp");
        assert_eq!(
            guest.call(|cx| dir_name(cx, 3, Ptr(0x30), 9)),
            Ok(()),
            "more room than needed"
        );
        guest.expect(0x30, b"/tmp");
    }

    #[test]
    fn badf_ends_the_search_for_granted_directories() {
        let mut guest = Guest::new(crate::WasiEnv::new());
        for fd in [0, 2, 3, u32::MAX] {
            assert_eq!(guest.call(|cx| get(cx, fd, Ptr(0x10))), Err(Errno::Badf));
            assert_eq!(guest.call(|cx| dir_name(cx, fd, Ptr(0x10), 8)), Err(Errno::Badf));
        }
    }

    #[test]
    fn nametoolong_and_fault() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        assert_eq!(guest.call(|cx| dir_name(cx, 3, Ptr(0x10), 0)), Err(Errno::Nametoolong));
        assert_eq!(guest.call(|cx| dir_name(cx, 3, Ptr(MEMORY), 1)), Err(Errno::Fault));
        assert_eq!(guest.call(|cx| get(cx, 3, Ptr(MEMORY - 7))), Err(Errno::Fault));
    }
}
