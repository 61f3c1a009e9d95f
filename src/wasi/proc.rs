//! `proc_exit`, `proc_raise`: the program ends.

use super::abi::Errno;
use super::call::{Call, Stop};
use crate::engine::{Error, Signal, Trap, TrapReport};

/// What `proc_exit` does: see [`WasiEnvBuilder::proc_exit`](crate::WasiEnvBuilder::proc_exit).
///
/// Whichever it is, the program does not go on after the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProcExit {
    /// The run ends with [`Error::Exit`] and the program's code.
    #[default]
    Allow,
    /// The run ends with the trap [`Trap::ExitRefused`], whatever the code. Returning is then the one way to end well.
    Trap,
    /// The function is not provided: a program that could call it is refused when it is linked.
    Deny,
}

/// What a signal does to a program that raises it. There are no handlers in Preview 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Nothing.
    Ignore,
    /// Nothing, but the embedder is told.
    Report,
    /// The run ends with [`Error::Signal`].
    End,
    /// The run ends with the trap [`Trap::Abort`].
    Abort,
}

/// As on POSIX systems, but for signals that end a process there and are used for other things by programs that handle
/// them, and for those that stop it, which nobody could undo: both are reported.
fn action(signal: Signal) -> Action {
    use Signal::*;
    match signal {
        Abrt => Action::Abort,
        Hup | Int | Quit | Kill | Pipe | Term => Action::End,
        Ill | Trap | Bus | Fpe | Segv | Sys | Xcpu | Xfsz => Action::End,
        Chld | Cont | Urg | Winch => Action::Ignore,
        Usr1 | Usr2 | Alrm | Vtalrm | Prof | Poll | Pwr | Stop | Tstp | Ttin | Ttou => Action::Report,
    }
}

/// `proc_exit`: ends the program with `code`. Does not return: compilers put `unreachable` after the call.
///
/// The run ends with `Error::Exit(code)`, a value and not a text, so that no wrapping hides it. The code is passed on
/// whole; how much of it an exit status can show is the command line's business. An embedder can have it trap instead.
pub(super) fn exit(cx: &mut Call<'_>, code: u32) -> Result<(), Stop> {
    match cx.ctx.proc_exit {
        ProcExit::Allow => Err(Stop::Exit(code)),
        ProcExit::Trap | ProcExit::Deny => {
            let detail = format!("the program asked to end with code {code}, and may not end itself");
            Err(trap(Trap::ExitRefused, detail))
        }
    }
}

/// `proc_raise`: the program sends itself a signal. Nothing of the host's is ever raised.
///
/// 0 and what is harmless (`CHLD`, `CONT`, `URG`, `WINCH`) does nothing; `USR1` and others that mean something only to a
/// handler do nothing, and the embedder is told; `TERM`, `KILL`, `SEGV` and their like end the run with `Error::Signal`;
/// `ABRT` is a trap.
/// # Errors
/// `inval` for a number above 30.
pub(super) fn raise(cx: &mut Call<'_>, signal: u32) -> Result<(), Stop> {
    if signal == 0 {
        return Ok(());
    }
    let signal = Signal::from_number(signal).ok_or(Errno::Inval)?;
    match action(signal) {
        Action::Ignore => Ok(()),
        Action::Report => {
            if let Some(report) = &mut cx.ctx.on_ignored_signal {
                report(signal);
            }
            Ok(())
        }
        Action::End => Err(Stop::Host(Error::Signal(signal))),
        Action::Abort => Err(trap(Trap::Abort, String::from("the program raised the signal ABRT"))),
    }
}

fn trap(trap: Trap, detail: String) -> Stop {
    let mut report = TrapReport::new(trap);
    report.detail = Some(detail);
    Stop::Host(report.into())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::wasi::WasiEnv;
    use crate::wasi::testing::{Guest, plain};

    #[test]
    fn every_signal_ignores_reports_or_ends_and_other_numbers_are_inval() {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let sink = reported.clone();
        let env = WasiEnv::builder().on_ignored_signal(move |signal| sink.lock().unwrap().push(signal.number()));
        let mut guest = Guest::new(env.build());
        let mut outcome = |number| match guest.stop(|cx| raise(cx, number)) {
            Ok(()) if reported.lock().unwrap().pop() == Some(number as u8) => 'r',
            Ok(()) => '-',
            Err(Stop::Errno(Errno::Inval)) => 'i',
            Err(Stop::Host(Error::Signal(signal))) if u32::from(signal.number()) == number => 'e',
            Err(Stop::Host(Error::Trap(report))) if report.trap == Trap::Abort => 'a',
            other => panic!("{number}: {other:?}"),
        };
        let outcomes: String = (0..=31).map(&mut outcome).collect();
        //                    none ... abrt kill usr1 ... term chld cont stop ...       winch ... sys
        assert_eq!(outcomes, "-eeeeeaeeererer".to_owned() + "e--rrrr-eerr-rrei");
        assert_eq!(outcome(u32::MAX), 'i');
    }

    #[test]
    fn exits_can_be_refused_and_never_return() {
        let mut guest = Guest::new(plain());
        assert!(matches!(guest.stop(|cx| exit(cx, 7)), Err(Stop::Exit(7))));
        for policy in [ProcExit::Trap, ProcExit::Deny] {
            let mut guest = Guest::new(WasiEnv::builder().proc_exit(policy).build());
            let Err(Stop::Host(Error::Trap(report))) = guest.stop(|cx| exit(cx, 0)) else {
                panic!("{policy:?}: a trap")
            };
            assert_eq!(report.trap, Trap::ExitRefused);
        }
    }
}
