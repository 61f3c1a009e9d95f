//! The types of `wasi_snapshot_preview1`: numbers, flags, and where each field of a structure lies in memory.
//!
//! Nothing here touches the operating system or a memory: structures turn into the bytes a guest sees
//! (`to_bytes`) and back. All integers are little-endian. Names are the witx file's. What the two versions of the interface
//! lay out differently is in `preview.rs`.

/// An address in the guest's memory. Arithmetic on it is done in u64, where it cannot wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ptr(pub u32);

impl Ptr {
    /// The address `offset` bytes further on. It may lie past the end of any memory; it never wraps.
    pub(super) fn at(self, offset: u64) -> u64 {
        u64::from(self.0).saturating_add(offset)
    }
}

/// A length in bytes, or a number of elements.
pub(super) type Size = u32;
/// A file descriptor, as the guest numbers it.
pub(super) type Fd = u32;
/// Nanoseconds.
pub(super) type Timestamp = u64;

macro_rules! errnos {
    ($($number:literal $name:ident $text:literal)*) => {
        /// Why a call failed. The numbers are WASI's own, not the host's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        #[allow(dead_code)] // the table is whole, whoever uses it
        pub(super) enum Errno { $($name = $number),* }

        impl Errno {
            /// The name in the specification, in capitals.
            pub(super) fn name(self) -> &'static str {
                match self { $(Errno::$name => $text),* }
            }

            /// Every errno, by number.
            pub(super) const ALL: &'static [Errno] = &[$(Errno::$name),*];
        }
    };
}

errnos! {
    0 Success "SUCCESS"          1 TooBig "2BIG"                 2 Acces "ACCES"
    3 Addrinuse "ADDRINUSE"      4 Addrnotavail "ADDRNOTAVAIL"   5 Afnosupport "AFNOSUPPORT"
    6 Again "AGAIN"              7 Already "ALREADY"             8 Badf "BADF"
    9 Badmsg "BADMSG"            10 Busy "BUSY"                  11 Canceled "CANCELED"
    12 Child "CHILD"             13 Connaborted "CONNABORTED"    14 Connrefused "CONNREFUSED"
    15 Connreset "CONNRESET"     16 Deadlk "DEADLK"              17 Destaddrreq "DESTADDRREQ"
    18 Dom "DOM"                 19 Dquot "DQUOT"                20 Exist "EXIST"
    21 Fault "FAULT"             22 Fbig "FBIG"                  23 Hostunreach "HOSTUNREACH"
    24 Idrm "IDRM"               25 Ilseq "ILSEQ"                26 Inprogress "INPROGRESS"
    27 Intr "INTR"               28 Inval "INVAL"                29 Io "IO"
    30 Isconn "ISCONN"           31 Isdir "ISDIR"                32 Loop "LOOP"
    33 Mfile "MFILE"             34 Mlink "MLINK"                35 Msgsize "MSGSIZE"
    36 Multihop "MULTIHOP"       37 Nametoolong "NAMETOOLONG"    38 Netdown "NETDOWN"
    39 Netreset "NETRESET"       40 Netunreach "NETUNREACH"      41 Nfile "NFILE"
    42 Nobufs "NOBUFS"           43 Nodev "NODEV"                44 Noent "NOENT"
    45 Noexec "NOEXEC"           46 Nolck "NOLCK"                47 Nolink "NOLINK"
    48 Nomem "NOMEM"             49 Nomsg "NOMSG"                50 Noprotoopt "NOPROTOOPT"
    51 Nospc "NOSPC"             52 Nosys "NOSYS"                53 Notconn "NOTCONN"
    54 Notdir "NOTDIR"           55 Notempty "NOTEMPTY"          56 Notrecoverable "NOTRECOVERABLE"
    57 Notsock "NOTSOCK"         58 Notsup "NOTSUP"              59 Notty "NOTTY"
    60 Nxio "NXIO"               61 Overflow "OVERFLOW"          62 Ownerdead "OWNERDEAD"
    63 Perm "PERM"               64 Pipe "PIPE"                  65 Proto "PROTO"
    66 Protonosupport "PROTONOSUPPORT"                           67 Prototype "PROTOTYPE"
    68 Range "RANGE"             69 Rofs "ROFS"                  70 Spipe "SPIPE"
    71 Srch "SRCH"               72 Stale "STALE"                73 Timedout "TIMEDOUT"
    74 Txtbsy "TXTBSY"           75 Xdev "XDEV"                  76 Notcapable "NOTCAPABLE"
}

macro_rules! flags {
    ($(#[$doc:meta])* $type:ident: $int:ty { $($name:ident = $bit:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(super) struct $type(pub $int);

        #[allow(dead_code)] // the flags are whole, whoever uses them
        impl $type {
            $(pub(super) const $name: $type = $type(1 << $bit);)*
            /// Every bit that means something.
            pub(super) const ALL: $type = $type(0 $(| 1 << $bit)*);
            pub(super) const NONE: $type = $type(0);
            /// What the bits are called, from the lowest.
            pub(super) const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Whether every bit of `other` is set.
            pub(super) const fn has(self, other: $type) -> bool {
                self.0 & other.0 == other.0
            }
            /// Whether some bit of `other` is set.
            pub(super) const fn has_any(self, other: $type) -> bool {
                self.0 & other.0 != 0
            }
            pub(super) const fn or(self, other: $type) -> $type {
                $type(self.0 | other.0)
            }
            pub(super) const fn and(self, other: $type) -> $type {
                $type(self.0 & other.0)
            }
            pub(super) const fn without(self, other: $type) -> $type {
                $type(self.0 & !other.0)
            }
        }
    };
}

flags! {
    /// What a descriptor may be used for.
    Rights: u64 {
        FD_DATASYNC = 0 FD_READ = 1 FD_SEEK = 2 FD_FDSTAT_SET_FLAGS = 3 FD_SYNC = 4 FD_TELL = 5 FD_WRITE = 6
        FD_ADVISE = 7 FD_ALLOCATE = 8 PATH_CREATE_DIRECTORY = 9 PATH_CREATE_FILE = 10 PATH_LINK_SOURCE = 11
        PATH_LINK_TARGET = 12 PATH_OPEN = 13 FD_READDIR = 14 PATH_READLINK = 15 PATH_RENAME_SOURCE = 16
        PATH_RENAME_TARGET = 17 PATH_FILESTAT_GET = 18 PATH_FILESTAT_SET_SIZE = 19 PATH_FILESTAT_SET_TIMES = 20
        FD_FILESTAT_GET = 21 FD_FILESTAT_SET_SIZE = 22 FD_FILESTAT_SET_TIMES = 23 PATH_SYMLINK = 24
        PATH_REMOVE_DIRECTORY = 25 PATH_UNLINK_FILE = 26 POLL_FD_READWRITE = 27 SOCK_SHUTDOWN = 28 SOCK_ACCEPT = 29
    }
}
flags! {
    /// How an open file behaves.
    Fdflags: u16 { APPEND = 0 DSYNC = 1 NONBLOCK = 2 RSYNC = 3 SYNC = 4 }
}
flags! {
    /// How `path_open` opens.
    Oflags: u16 { CREAT = 0 DIRECTORY = 1 EXCL = 2 TRUNC = 3 }
}
flags! {
    /// How a path's last component is looked up.
    Lookupflags: u32 { SYMLINK_FOLLOW = 0 }
}
flags! {
    /// Which file times to change, and to what.
    Fstflags: u16 { ATIM = 0 ATIM_NOW = 1 MTIM = 2 MTIM_NOW = 3 }
}
flags! {
    /// How a clock subscription counts.
    Subclockflags: u16 { ABSTIME = 0 }
}
flags! {
    /// State of a descriptor in an event.
    Eventrwflags: u16 { HANGUP = 0 }
}
flags! {
    /// How `sock_recv` receives.
    Riflags: u16 { RECV_PEEK = 0 RECV_WAITALL = 1 }
}
flags! {
    /// Which ways of a socket to shut down.
    Sdflags: u8 { RD = 0 WR = 1 }
}

impl Rights {
    /// What changes the file system: a read-only directory, and all that is opened through it, never has these.
    /// A hard link made from a read-only directory would be a writable name for the same file, so its source
    /// counts, too.
    pub(super) const MUTATING: Rights = Rights::FD_WRITE
        .or(Rights::FD_ALLOCATE)
        .or(Rights::FD_FILESTAT_SET_SIZE)
        .or(Rights::FD_FILESTAT_SET_TIMES)
        .or(Rights::PATH_CREATE_DIRECTORY)
        .or(Rights::PATH_CREATE_FILE)
        .or(Rights::PATH_LINK_SOURCE)
        .or(Rights::PATH_LINK_TARGET)
        .or(Rights::PATH_RENAME_SOURCE)
        .or(Rights::PATH_RENAME_TARGET)
        .or(Rights::PATH_FILESTAT_SET_SIZE)
        .or(Rights::PATH_FILESTAT_SET_TIMES)
        .or(Rights::PATH_SYMLINK)
        .or(Rights::PATH_REMOVE_DIRECTORY)
        .or(Rights::PATH_UNLINK_FILE);
    /// What only an open file needs to have been opened for writing for.
    pub(super) const NEEDS_WRITE: Rights = Rights::FD_WRITE
        .or(Rights::FD_ALLOCATE)
        .or(Rights::FD_FILESTAT_SET_SIZE);
    /// What makes sense on a regular file.
    pub(super) const FILE: Rights = Rights::FD_DATASYNC
        .or(Rights::FD_READ)
        .or(Rights::FD_SEEK)
        .or(Rights::FD_FDSTAT_SET_FLAGS)
        .or(Rights::FD_SYNC)
        .or(Rights::FD_TELL)
        .or(Rights::FD_WRITE)
        .or(Rights::FD_ADVISE)
        .or(Rights::FD_ALLOCATE)
        .or(Rights::FD_FILESTAT_GET)
        .or(Rights::FD_FILESTAT_SET_SIZE)
        .or(Rights::FD_FILESTAT_SET_TIMES)
        .or(Rights::POLL_FD_READWRITE);
    /// What makes sense on a stream of bytes that has no positions: a pipe, a terminal.
    pub(super) const STREAM: Rights = Rights::FILE
        .without(Rights::FD_SEEK)
        .without(Rights::FD_TELL)
        .without(Rights::FD_ADVISE)
        .without(Rights::FD_ALLOCATE)
        .without(Rights::FD_FILESTAT_SET_SIZE);
    /// What makes sense on a connected socket.
    pub(super) const SOCKET: Rights = Rights::FD_READ
        .or(Rights::FD_WRITE)
        .or(Rights::FD_FDSTAT_SET_FLAGS)
        .or(Rights::FD_FILESTAT_GET)
        .or(Rights::POLL_FD_READWRITE)
        .or(Rights::SOCK_SHUTDOWN);
    /// What makes sense on a socket that waits for connections.
    pub(super) const LISTENER: Rights = Rights::SOCK_ACCEPT
        .or(Rights::FD_FDSTAT_SET_FLAGS)
        .or(Rights::FD_FILESTAT_GET)
        .or(Rights::POLL_FD_READWRITE);
    /// What makes sense on a directory. wasi-libc tells a directory's access mode by FD_READDIR, and Rust's and
    /// C's tests look for most of the others; FD_READ, FD_WRITE and FD_SEEK do not belong here.
    pub(super) const DIRECTORY: Rights = Rights::FD_DATASYNC
        .or(Rights::FD_FDSTAT_SET_FLAGS)
        .or(Rights::FD_SYNC)
        .or(Rights::PATH_CREATE_DIRECTORY)
        .or(Rights::PATH_CREATE_FILE)
        .or(Rights::PATH_LINK_SOURCE)
        .or(Rights::PATH_LINK_TARGET)
        .or(Rights::PATH_OPEN)
        .or(Rights::FD_READDIR)
        .or(Rights::PATH_READLINK)
        .or(Rights::PATH_RENAME_SOURCE)
        .or(Rights::PATH_RENAME_TARGET)
        .or(Rights::PATH_FILESTAT_GET)
        .or(Rights::PATH_FILESTAT_SET_SIZE)
        .or(Rights::PATH_FILESTAT_SET_TIMES)
        .or(Rights::FD_FILESTAT_GET)
        .or(Rights::FD_FILESTAT_SET_TIMES)
        .or(Rights::PATH_SYMLINK)
        .or(Rights::PATH_REMOVE_DIRECTORY)
        .or(Rights::PATH_UNLINK_FILE);
    /// What a preopened directory hands on: to directories and to files opened through it.
    pub(super) const DIRECTORY_INHERITING: Rights = Rights::DIRECTORY.or(Rights::FILE);
}

/// Which clock. 2 and 3 measure the guest's own execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clockid {
    Realtime,
    Monotonic,
    ProcessCputime,
    ThreadCputime,
}

impl Clockid {
    /// # Errors
    /// `inval` for a number that names no clock.
    pub(super) fn from_number(number: u32) -> Result<Clockid, Errno> {
        match number {
            0 => Ok(Clockid::Realtime),
            1 => Ok(Clockid::Monotonic),
            2 => Ok(Clockid::ProcessCputime),
            3 => Ok(Clockid::ThreadCputime),
            _ => Err(Errno::Inval),
        }
    }
}

/// Where `fd_seek` counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whence {
    Set,
    Cur,
    End,
}

/// How a guest means to use a range of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    Normal,
    Sequential,
    Random,
    Willneed,
    Dontneed,
    Noreuse,
}

impl Advice {
    /// # Errors
    /// `inval` for a number that names no advice.
    pub(super) fn from_number(number: u32) -> Result<Advice, Errno> {
        match number {
            0 => Ok(Advice::Normal),
            1 => Ok(Advice::Sequential),
            2 => Ok(Advice::Random),
            3 => Ok(Advice::Willneed),
            4 => Ok(Advice::Dontneed),
            5 => Ok(Advice::Noreuse),
            _ => Err(Errno::Inval),
        }
    }
}

/// What a descriptor or a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(dead_code)] // the enumeration is whole, whoever uses it
pub(super) enum Filetype {
    /// Also pipes, for which Preview 1 has no number.
    Unknown = 0,
    BlockDevice = 1,
    CharacterDevice = 2,
    Directory = 3,
    RegularFile = 4,
    SocketDgram = 5,
    SocketStream = 6,
    SymbolicLink = 7,
}

impl Filetype {
    /// The name in the specification of what a number stands for.
    pub(super) fn name_of(number: u8) -> &'static str {
        let names = [
            "unknown",
            "block_device",
            "character_device",
            "directory",
            "regular_file",
            "socket_dgram",
            "socket_stream",
            "symbolic_link",
        ];
        names.get(usize::from(number)).unwrap_or(&"?")
    }
}

/// Copies `bytes` into `out` at `offset`. The offsets are constants of layouts, so that they always fit.
pub(super) fn put(out: &mut [u8], offset: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(offset..offset + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Reads `N` bytes at `offset`; zeros where `bytes` is too short, which its callers exclude by their types.
pub(super) fn take<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    bytes
        .get(offset..offset + N)
        .and_then(|part| part.try_into().ok())
        .unwrap_or([0; N])
}

/// A range of the guest's memory to read into or to write from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Iovec {
    pub(super) buf: u32,
    pub(super) len: u32,
}

impl Iovec {
    pub(super) const SIZE: u64 = 8;

    pub(super) fn from_bytes(bytes: &[u8; 8]) -> Iovec {
        Iovec {
            buf: u32::from_le_bytes(take(bytes, 0)),
            len: u32::from_le_bytes(take(bytes, 4)),
        }
    }
}

/// What `fd_prestat_get` says of a preopened directory.
pub(super) struct Prestat {
    /// Bytes of the directory's name, without a NUL.
    pub(super) pr_name_len: u32,
}

impl Prestat {
    pub(super) fn to_bytes(&self) -> [u8; 8] {
        let mut out = [0; 8];
        out[0] = 0; // preopentype: dir
        put(&mut out, 4, &self.pr_name_len.to_le_bytes());
        out
    }
}

/// What `fd_fdstat_get` says of a descriptor.
pub(super) struct Fdstat {
    pub(super) filetype: Filetype,
    pub(super) flags: Fdflags,
    pub(super) rights_base: Rights,
    pub(super) rights_inheriting: Rights,
}

impl Fdstat {
    pub(super) fn to_bytes(&self) -> [u8; 24] {
        let mut out = [0; 24];
        out[0] = self.filetype as u8;
        put(&mut out, 2, &self.flags.0.to_le_bytes());
        put(&mut out, 8, &self.rights_base.0.to_le_bytes());
        put(&mut out, 16, &self.rights_inheriting.0.to_le_bytes());
        out
    }
}

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filestat {
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) filetype: Filetype,
    pub(super) nlink: u64,
    pub(super) size: u64,
    pub(super) atim: Timestamp,
    pub(super) mtim: Timestamp,
    pub(super) ctim: Timestamp,
}

/// The head of a directory entry; the name follows it, without a NUL.
pub(super) struct Dirent {
    /// The cookie that continues after this entry.
    pub(super) d_next: u64,
    pub(super) d_ino: u64,
    pub(super) d_namlen: u32,
    pub(super) d_type: Filetype,
}

impl Dirent {
    pub(super) const SIZE: usize = 24;

    pub(super) fn to_bytes(&self) -> [u8; Dirent::SIZE] {
        let mut out = [0; Dirent::SIZE];
        put(&mut out, 0, &self.d_next.to_le_bytes());
        put(&mut out, 8, &self.d_ino.to_le_bytes());
        put(&mut out, 16, &self.d_namlen.to_le_bytes());
        put(&mut out, 20, &[self.d_type as u8]);
        out
    }
}

/// What a guest waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubscriptionKind {
    Clock {
        id: u32,
        timeout: Timestamp,
        flags: Subclockflags,
    },
    FdRead(Fd),
    FdWrite(Fd),
}

/// One thing a guest waits for, and the word it recognises it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) userdata: u64,
    pub(super) kind: SubscriptionKind,
}

/// The type of an event, as its subscription had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Eventtype {
    Clock = 0,
    FdRead = 1,
    FdWrite = 2,
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) userdata: u64,
    pub(super) error: Errno,
    pub(super) eventtype: Eventtype,
    /// Bytes that can be read, or room there is to write. 0 for clocks.
    pub(super) nbytes: u64,
    pub(super) flags: Eventrwflags,
}

impl Event {
    pub(super) const SIZE: u64 = 32;

    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut out = [0; 32];
        put(&mut out, 0, &self.userdata.to_le_bytes());
        put(&mut out, 8, &(self.error as u16).to_le_bytes());
        put(&mut out, 10, &[self.eventtype as u8]);
        put(&mut out, 16, &self.nbytes.to_le_bytes());
        put(&mut out, 24, &self.flags.0.to_le_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of a marker byte in a structure's bytes.
    fn place(bytes: &[u8], marker: u8) -> Option<usize> {
        bytes.iter().position(|byte| *byte == marker)
    }

    #[test]
    fn errno_numbers_are_dense_and_named() {
        for (number, errno) in Errno::ALL.iter().enumerate() {
            assert_eq!(*errno as usize, number);
            assert!(!errno.name().is_empty());
        }
        assert_eq!(Errno::ALL.len(), 77);
        assert_eq!(
            (Errno::Badf as u16, Errno::Notcapable as u16, Errno::Fbig as u16),
            (8, 76, 22)
        );
    }

    #[test]
    fn fdstat_fields_lie_where_the_witx_puts_them() {
        let stat = Fdstat {
            filetype: Filetype::Directory,
            flags: Fdflags(0x11),
            rights_base: Rights(0x22),
            rights_inheriting: Rights(0x33),
        };
        let bytes = stat.to_bytes();
        assert_eq!(
            [3, 0x11, 0x22, 0x33].map(|marker| place(&bytes, marker)),
            [0, 2, 8, 16].map(Some)
        );
    }

    #[test]
    fn dirent_prestat_and_event_fields_lie_where_the_witx_puts_them() {
        let dirent = Dirent {
            d_next: 1,
            d_ino: 2,
            d_namlen: 5,
            d_type: Filetype::RegularFile,
        }
        .to_bytes();
        assert_eq!(
            [1, 2, 5, 4].map(|marker| place(&dirent, marker)),
            [0, 8, 16, 20].map(Some)
        );
        assert_eq!(Prestat { pr_name_len: 9 }.to_bytes(), [0, 0, 0, 0, 9, 0, 0, 0]);
        let event = Event {
            userdata: 0x11,
            error: Errno::Badf,
            eventtype: Eventtype::FdWrite,
            nbytes: 0x33,
            flags: Eventrwflags::HANGUP,
        };
        assert_eq!(
            [0x11, 8, 2, 0x33, 1].map(|marker| place(&event.to_bytes(), marker)),
            [0, 8, 10, 16, 24].map(Some)
        );
    }

    #[test]
    fn iovec_fields_lie_where_the_witx_puts_them() {
        assert_eq!(Iovec::from_bytes(&[1, 0, 0, 0, 2, 0, 0, 0]), Iovec { buf: 1, len: 2 });
    }

    #[test]
    fn a_read_only_directory_keeps_what_only_looks() {
        let kept = Rights::DIRECTORY_INHERITING.without(Rights::MUTATING);
        assert!(
            kept.has(
                Rights::FD_READ
                    .or(Rights::FD_READDIR)
                    .or(Rights::PATH_OPEN)
                    .or(Rights::PATH_READLINK)
            )
        );
        assert!(
            !kept.has_any(
                Rights::FD_WRITE
                    .or(Rights::PATH_LINK_SOURCE)
                    .or(Rights::PATH_RENAME_SOURCE)
            )
        );
        assert_eq!(Rights::ALL.0, (1 << 30) - 1);
    }
}
