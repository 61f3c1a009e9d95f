//! The host's error numbers as WASI's.

use std::io;

use rustix::io::Errno as Os;

use crate::wasi::abi::Errno;

impl From<io::Error> for Errno {
    /// An error without a number is cap-std's refusal to leave a directory, or the standard library's.
    fn from(err: io::Error) -> Errno {
        if let Some(os) = Os::from_io_error(&err) {
            return Errno::from(os);
        }
        match err.kind() {
            io::ErrorKind::PermissionDenied => Errno::Perm,
            io::ErrorKind::NotFound => Errno::Noent,
            io::ErrorKind::AlreadyExists => Errno::Exist,
            io::ErrorKind::WouldBlock => Errno::Again,
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => Errno::Inval,
            io::ErrorKind::BrokenPipe => Errno::Pipe,
            io::ErrorKind::Interrupted => Errno::Intr,
            io::ErrorKind::Unsupported => Errno::Notsup,
            io::ErrorKind::OutOfMemory => Errno::Nomem,
            io::ErrorKind::StorageFull | io::ErrorKind::WriteZero => Errno::Nospc,
            _ => Errno::Io,
        }
    }
}

impl From<Os> for Errno {
    fn from(os: Os) -> Errno {
        match os {
            Os::TOOBIG => Errno::TooBig,
            Os::ACCESS => Errno::Acces,
            Os::ADDRINUSE => Errno::Addrinuse,
            Os::ADDRNOTAVAIL => Errno::Addrnotavail,
            Os::AFNOSUPPORT => Errno::Afnosupport,
            Os::AGAIN => Errno::Again,
            Os::ALREADY => Errno::Already,
            Os::BADF => Errno::Badf,
            Os::BADMSG => Errno::Badmsg,
            Os::BUSY => Errno::Busy,
            Os::CANCELED => Errno::Canceled,
            Os::CHILD => Errno::Child,
            Os::CONNABORTED => Errno::Connaborted,
            Os::CONNREFUSED => Errno::Connrefused,
            Os::CONNRESET => Errno::Connreset,
            Os::DEADLK => Errno::Deadlk,
            Os::DESTADDRREQ => Errno::Destaddrreq,
            Os::DOM => Errno::Dom,
            Os::DQUOT => Errno::Dquot,
            Os::EXIST => Errno::Exist,
            // The host's, not the guest's, address is meant; guest addresses are checked before.
            Os::FAULT => Errno::Fault,
            Os::FBIG => Errno::Fbig,
            Os::HOSTUNREACH => Errno::Hostunreach,
            Os::IDRM => Errno::Idrm,
            Os::ILSEQ => Errno::Ilseq,
            Os::INPROGRESS => Errno::Inprogress,
            Os::INTR => Errno::Intr,
            Os::INVAL => Errno::Inval,
            Os::IO => Errno::Io,
            Os::ISCONN => Errno::Isconn,
            Os::ISDIR => Errno::Isdir,
            Os::LOOP => Errno::Loop,
            Os::MFILE => Errno::Mfile,
            Os::MLINK => Errno::Mlink,
            Os::MSGSIZE => Errno::Msgsize,
            Os::NAMETOOLONG => Errno::Nametoolong,
            Os::NETDOWN => Errno::Netdown,
            Os::NETRESET => Errno::Netreset,
            Os::NETUNREACH => Errno::Netunreach,
            Os::NFILE => Errno::Nfile,
            Os::NOBUFS => Errno::Nobufs,
            Os::NODEV => Errno::Nodev,
            Os::NOENT => Errno::Noent,
            Os::NOEXEC => Errno::Noexec,
            Os::NOLCK => Errno::Nolck,
            Os::NOMEM => Errno::Nomem,
            Os::NOPROTOOPT => Errno::Noprotoopt,
            Os::NOSPC => Errno::Nospc,
            Os::NOSYS => Errno::Nosys,
            Os::NOTCONN => Errno::Notconn,
            Os::NOTDIR => Errno::Notdir,
            Os::NOTEMPTY => Errno::Notempty,
            Os::NOTRECOVERABLE => Errno::Notrecoverable,
            Os::NOTSOCK => Errno::Notsock,
            Os::NOTSUP => Errno::Notsup,
            Os::NOTTY => Errno::Notty,
            Os::NXIO => Errno::Nxio,
            Os::OVERFLOW => Errno::Overflow,
            Os::OWNERDEAD => Errno::Ownerdead,
            Os::PERM => Errno::Perm,
            Os::PIPE => Errno::Pipe,
            Os::PROTO => Errno::Proto,
            Os::PROTONOSUPPORT => Errno::Protonosupport,
            Os::PROTOTYPE => Errno::Prototype,
            Os::RANGE => Errno::Range,
            Os::ROFS => Errno::Rofs,
            Os::SPIPE => Errno::Spipe,
            Os::SRCH => Errno::Srch,
            Os::STALE => Errno::Stale,
            Os::TIMEDOUT => Errno::Timedout,
            Os::TXTBSY => Errno::Txtbsy,
            Os::XDEV => Errno::Xdev,
            _ => Errno::Io,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_errors_keep_their_meaning() {
        assert_eq!(Errno::from(Os::NOENT), Errno::Noent);
        assert_eq!(Errno::from(io::Error::from(Os::FBIG)), Errno::Fbig);
        assert_eq!(
            Errno::from(io::Error::new(io::ErrorKind::PermissionDenied, "outside")),
            Errno::Perm
        );
        assert_eq!(Errno::from(io::Error::other("strange")), Errno::Io);
    }
}
