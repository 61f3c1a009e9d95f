//! `proc_exit`, `proc_raise`: the program ends.

use super::abi::Errno;
use super::call::{Call, Stop};

/// `proc_exit`: ends the program with `code`. Does not return: compilers put `unreachable` after the call.
///
/// The run ends with `Error::Exit(code)`, a value and not a text, so that no wrapping hides it. The code is passed on
/// whole; how much of it an exit status can show is the command line's business.
pub(super) fn exit(_: &mut Call<'_>, code: u32) -> Result<(), Stop> {
    Err(Stop::Exit(code))
}

/// `proc_raise`: sends the program a signal.
///
/// # Errors
/// `nosys`, until signals have a meaning inside the interpreter. No signal of the host's is ever raised for a guest.
pub(super) fn raise(_: &mut Call<'_>, _signal: u32) -> Result<(), Stop> {
    Err(Errno::Nosys.into())
}
