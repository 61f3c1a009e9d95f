//! Signals: the other way, beside an exit code, in which a guest may end itself.
//!
//! Numbers are those that guests use, which is the order in which POSIX systems came to have them. None is ever raised in
//! this process.

use std::fmt;

macro_rules! signals {
    ($($number:literal $name:ident $text:literal, $(#[$doc:meta])*)*) => {
        /// A signal with which a guest ended itself: see [`Error::Signal`](crate::Error::Signal).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Signal {
            $($(#[$doc])* $name = $number,)*
        }

        impl Signal {
            /// All of them, by number from 1 on.
            pub const ALL: &[Signal] = &[$(Signal::$name),*];

            /// Its name in capitals, without the `SIG` in front: `TERM`.
            pub const fn name(self) -> &'static str {
                match self { $(Signal::$name => $text),* }
            }
        }
    };
}

signals! {
    1 Hup "HUP", /** The terminal or the other end is gone. */
    2 Int "INT", /** Interrupted from the terminal. */
    3 Quit "QUIT", /** Ended from the terminal. */
    4 Ill "ILL", /** An instruction that is none. */
    5 Trap "TRAP", /** A breakpoint. */
    6 Abrt "ABRT", /** The program found itself in a state it cannot be in. */
    7 Bus "BUS", /** An access that memory does not take. */
    8 Fpe "FPE", /** Arithmetic without a result. */
    9 Kill "KILL", /** To be ended without being asked. */
    10 Usr1 "USR1", /** For the program's own use. */
    11 Segv "SEGV", /** An access outside of memory. */
    12 Usr2 "USR2", /** For the program's own use. */
    13 Pipe "PIPE", /** Nobody reads what is written. */
    14 Alrm "ALRM", /** A timer is over. */
    15 Term "TERM", /** To be ended. */
    16 Chld "CHLD", /** A child ended. */
    17 Cont "CONT", /** To go on after a stop. */
    18 Stop "STOP", /** To stop without being asked. */
    19 Tstp "TSTP", /** To stop, from the terminal. */
    20 Ttin "TTIN", /** A background process reads from the terminal. */
    21 Ttou "TTOU", /** A background process writes to the terminal. */
    22 Urg "URG", /** Urgent data on a socket. */
    23 Xcpu "XCPU", /** More processor time than allowed. */
    24 Xfsz "XFSZ", /** A file longer than allowed. */
    25 Vtalrm "VTALRM", /** A timer of processor time is over. */
    26 Prof "PROF", /** The profiler's timer is over. */
    27 Winch "WINCH", /** The terminal's size changed. */
    28 Poll "POLL", /** Something can be read or written. */
    29 Pwr "PWR", /** Power is about to fail. */
    30 Sys "SYS", /** A system call that is none. */
}

impl Signal {
    /// The signal of that number, if there is one.
    pub fn from_number(number: u32) -> Option<Signal> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Signal::ALL.get(index).copied()
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// Its name: `TERM`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_to_their_signals() {
        assert_eq!(Signal::ALL.len(), 30);
        for &signal in Signal::ALL {
            assert_eq!(Signal::from_number(signal.number().into()), Some(signal));
        }
        assert_eq!((Signal::from_number(0), Signal::from_number(31)), (None, None));
        assert_eq!(Signal::from_number(15).map(Signal::name), Some("TERM"));
    }
}
