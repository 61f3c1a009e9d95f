//! The two frozen versions of the interface, and the one table of what differs between them.
//!
//! `wasi_unstable` is what came to be called preview 0. The two witx files were compared type by type and function by
//! function: everything that is not a field of [`Preview`] is the same in both, and so are the handlers. A program may
//! import from both; each call is answered in the layout of the version it is made in.

use super::abi::{Errno, Filestat, Ptr, Rights, Subclockflags, Subscription, SubscriptionKind, Whence, put, take};
use super::memory::GuestMemory;

/// One version of the interface: what it has that the other has not.
pub(super) struct Preview {
    /// The module that guests import the functions from.
    pub(super) module: &'static str,
    /// Functions it does not have yet.
    lacks: &'static [&'static str],
    /// Where `fd_seek` counts from, by number.
    whence: [Whence; 3],
    /// Bytes of a `filestat`, and where its link count and what follows it lie.
    filestat: FilestatLayout,
    /// Bytes of a `subscription`.
    pub(super) subscription_size: u64,
    /// Where in it the clock's id lies; timeout, precision and flags follow at the same distances in both.
    clock_id: usize,
    /// The rights it has names for.
    rights: Rights,
}

struct FilestatLayout {
    bytes: usize,
    nlink: usize,
    nlink_bytes: usize,
    size: usize,
    atim: usize,
    mtim: usize,
    ctim: usize,
}

/// `wasi_snapshot_preview1`.
pub(super) static PREVIEW1: Preview = Preview {
    module: "wasi_snapshot_preview1",
    lacks: &[],
    whence: [Whence::Set, Whence::Cur, Whence::End],
    filestat: FilestatLayout {
        bytes: 64,
        nlink: 24,
        nlink_bytes: 8,
        size: 32,
        atim: 40,
        mtim: 48,
        ctim: 56,
    },
    subscription_size: 48,
    clock_id: 16,
    rights: Rights::ALL,
};

/// `wasi_unstable`: its `linkcount` is a u32, and a clock subscription begins with a u64 that identifies the clock.
pub(super) static PREVIEW0: Preview = Preview {
    module: "wasi_unstable",
    lacks: &["sock_accept"],
    whence: [Whence::Cur, Whence::End, Whence::Set],
    filestat: FilestatLayout {
        bytes: 56,
        nlink: 20,
        nlink_bytes: 4,
        size: 24,
        atim: 32,
        mtim: 40,
        ctim: 48,
    },
    subscription_size: 56,
    clock_id: 24,
    rights: Rights::ALL.without(Rights::SOCK_ACCEPT),
};

/// Whether the function is another one in each version: one that looks at [`super::call::Call::preview`], or that one of
/// them lacks. All others are called in the name of [`PREVIEW1`].
pub(super) fn differs(function: &str) -> bool {
    matches!(
        function,
        "fd_fdstat_get" | "fd_filestat_get" | "fd_seek" | "path_filestat_get" | "poll_oneoff" | "sock_accept"
    )
}

impl Preview {
    /// Whether it has the function.
    pub(super) fn has(&self, function: &str) -> bool {
        !self.lacks.contains(&function)
    }

    /// # Errors
    /// `inval` for a number that names no place.
    pub(super) fn whence(&self, number: u32) -> Result<Whence, Errno> {
        self.whence.get(number as usize).copied().ok_or(Errno::Inval)
    }

    /// Of `rights`, those the guest can know of.
    pub(super) fn rights(&self, rights: Rights) -> Rights {
        rights.and(self.rights)
    }

    /// Writes what is known of a file.
    pub(super) fn write_filestat(&self, memory: &mut GuestMemory<'_>, buf: Ptr, stat: &Filestat) -> Result<(), Errno> {
        let layout = &self.filestat;
        let mut out = [0; 64];
        put(&mut out, 0, &stat.dev.to_le_bytes());
        put(&mut out, 8, &stat.ino.to_le_bytes());
        put(&mut out, 16, &[stat.filetype as u8]);
        let most = u64::MAX >> (64 - 8 * layout.nlink_bytes);
        let nlink = stat.nlink.min(most).to_le_bytes();
        put(
            &mut out,
            layout.nlink,
            nlink.get(..layout.nlink_bytes).unwrap_or_default(),
        );
        put(&mut out, layout.size, &stat.size.to_le_bytes());
        put(&mut out, layout.atim, &stat.atim.to_le_bytes());
        put(&mut out, layout.mtim, &stat.mtim.to_le_bytes());
        put(&mut out, layout.ctim, &stat.ctim.to_le_bytes());
        memory.write(buf, out.get(..layout.bytes).unwrap_or_default())
    }

    /// Bytes of a filestat.
    pub(super) fn filestat_bytes(&self) -> u64 {
        self.filestat.bytes as u64
    }

    /// The size in the bytes of a filestat.
    pub(super) fn file_size(&self, filestat: &[u8]) -> u64 {
        u64::from_le_bytes(take(filestat, self.filestat.size))
    }

    /// Reads the `index`th subscription of an array.
    ///
    /// # Errors
    /// `inval` for an event type that does not exist, `fault` outside the memory.
    pub(super) fn read_subscription(
        &self,
        memory: &GuestMemory<'_>,
        array: Ptr,
        index: u64,
    ) -> Result<Subscription, Errno> {
        let bytes = memory.bytes(array, index * self.subscription_size, self.subscription_size)?;
        let userdata = u64::from_le_bytes(take(&bytes, 0));
        let fd = u32::from_le_bytes(take(&bytes, 16));
        let kind = match take::<1>(&bytes, 8) {
            [0] => SubscriptionKind::Clock {
                id: u32::from_le_bytes(take(&bytes, self.clock_id)),
                timeout: u64::from_le_bytes(take(&bytes, self.clock_id + 8)),
                // The precision lies between: we never wake early, and late by the host's timer slack only.
                flags: Subclockflags(u16::from_le_bytes(take(&bytes, self.clock_id + 24))),
            },
            [1] => SubscriptionKind::FdRead(fd),
            [2] => SubscriptionKind::FdWrite(fd),
            _ => return Err(Errno::Inval),
        };
        Ok(Subscription { userdata, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasi::abi::Filetype;
    use crate::wasi::testing::{Guest, plain};

    const STAT: Filestat = Filestat {
        dev: 1,
        ino: 2,
        filetype: Filetype::SymbolicLink,
        nlink: 3,
        size: 4,
        atim: 5,
        mtim: 6,
        ctim: 8,
    };

    fn filestat(preview: &Preview, stat: &Filestat) -> Vec<u8> {
        let mut guest = Guest::new(plain());
        guest.memory().fill(0u32, 128, 0xee).unwrap();
        let write =
            |cx: &mut crate::wasi::call::Call<'_>| Ok(preview.write_filestat(&mut cx.memory(), Ptr(0), stat)?);
        assert_eq!(guest.call(write), Ok(()));
        guest.bytes(0, 128)
    }

    /// The places of marker bytes, and how many bytes were written.
    fn places(bytes: &[u8]) -> (Vec<usize>, usize) {
        let place = |marker| bytes.iter().position(|byte| *byte == marker).unwrap();
        ([1, 2, 7, 3, 4, 5, 6, 8].map(place).to_vec(), place(0xee))
    }

    #[test]
    fn filestat_fields_lie_where_each_witx_puts_them() {
        let (fields, bytes) = places(&filestat(&PREVIEW1, &STAT));
        assert_eq!((fields, bytes), (vec![0, 8, 16, 24, 32, 40, 48, 56], 64));
        let (fields, bytes) = places(&filestat(&PREVIEW0, &STAT));
        assert_eq!((fields, bytes), (vec![0, 8, 16, 20, 24, 32, 40, 48], 56));
    }

    #[test]
    fn a_link_count_that_does_not_fit_is_the_greatest_that_does() {
        let stat = Filestat {
            nlink: (1 << 32) + 1,
            ..STAT
        };
        assert_eq!(filestat(&PREVIEW0, &stat)[20..24], [0xff; 4]);
        assert_eq!(filestat(&PREVIEW1, &stat)[24..32], [1, 0, 0, 0, 1, 0, 0, 0]);
    }

    fn subscription(preview: &Preview, bytes: &[u8]) -> Result<Subscription, Errno> {
        let mut guest = Guest::new(plain());
        guest.put(0x10, bytes);
        let mut read = Err(Errno::Fault);
        guest
            .call(|cx| {
                read = preview.read_subscription(&cx.memory(), Ptr(0x10), 0);
                Ok(())
            })
            .unwrap();
        read
    }

    #[test]
    fn subscriptions_are_read_where_each_witx_puts_them() {
        for (preview, id, bytes) in [(&PREVIEW1, 16, 48), (&PREVIEW0, 24, 56)] {
            assert_eq!(preview.subscription_size, bytes);
            let mut bytes = vec![0; bytes as usize];
            bytes[0] = 7;
            if id == 24 {
                bytes[16] = 0xee; // the clock's identifier: the guest's own
            }
            bytes[id] = 1;
            bytes[id + 8] = 9;
            bytes[id + 16] = 0xff; // precision: ignored
            bytes[id + 24] = 1;
            let clock = SubscriptionKind::Clock {
                id: 1,
                timeout: 9,
                flags: Subclockflags::ABSTIME,
            };
            let expected = |kind| Ok(Subscription { userdata: 7, kind });
            assert_eq!(subscription(preview, &bytes), expected(clock));
            bytes[8] = 2;
            bytes[16] = 5;
            assert_eq!(subscription(preview, &bytes), expected(SubscriptionKind::FdWrite(5)));
            bytes[8] = 3;
            assert_eq!(subscription(preview, &bytes), Err(Errno::Inval));
        }
    }

    #[test]
    fn whence_is_numbered_differently() {
        let numbers = |preview: &Preview| [0, 1, 2, 3].map(|number| preview.whence(number));
        use Whence::{Cur, End, Set};
        assert_eq!(numbers(&PREVIEW1), [Ok(Set), Ok(Cur), Ok(End), Err(Errno::Inval)]);
        assert_eq!(numbers(&PREVIEW0), [Ok(Cur), Ok(End), Ok(Set), Err(Errno::Inval)]);
    }
}
