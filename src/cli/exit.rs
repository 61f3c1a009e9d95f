//! How the program ended → its exit status. Nothing else picks one.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It did what it was asked to.
    Done,
    /// The guest ended with a code of its own.
    Guest(u32),
    /// The guest trapped, threw what nobody caught, or ran out of fuel or stack.
    Trap,
    /// The guest ended itself with this signal.
    Signal(u8),
    /// `--timeout` ended the guest.
    Timeout,
    /// The command line is wrong.
    Usage,
    /// The host could not do it: no such file, not a valid module, an unknown import; or a script failed.
    Failure,
}

impl Ending {
    /// The exit status, which is what scripts see.
    pub fn status(self) -> u8 {
        match self {
            Ending::Done => 0,
            // As a process would: the system keeps the low 8 bits of an exit code.
            Ending::Guest(code) => (code & 0xff) as u8,
            // 128 + SIGABRT, which is how a shell reports an aborted native program; wasmtime says the same.
            Ending::Trap => 134,
            // What a shell reports of a native program that a signal ended.
            Ending::Signal(number) => 128 + (number & 0x7f),
            // What coreutils' `timeout` says.
            Ending::Timeout => 124,
            // What clap and most Unix tools say.
            Ending::Usage => 2,
            Ending::Failure => 1,
        }
    }
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> ExitCode {
        ExitCode::from(ending.status())
    }
}

#[cfg(test)]
mod tests {
    use super::Ending;

    #[test]
    fn statuses_are_as_documented() {
        let codes = [0, 1, 7, 255, 256, u32::MAX].map(|code| Ending::Guest(code).status());
        assert_eq!(codes, [0, 1, 7, 255, 0, 255]);
        assert_eq!([9, 15].map(|number| Ending::Signal(number).status()), [137, 143]);
        let others = [
            Ending::Done,
            Ending::Trap,
            Ending::Timeout,
            Ending::Usage,
            Ending::Failure,
        ];
        assert_eq!(others.map(Ending::status), [0, 134, 124, 2, 1]);
    }
}
