//! How each kind of parameter is shown. Nothing is believed: what is not in the guest's memory is a number.

use std::fmt::{self, Write as _};

use super::{Kind, Param, word};
use crate::wasi::abi::{
    self, Errno, Event, Fdflags, Filetype, Fstflags, Lookupflags, Oflags, Ptr, Riflags, Rights, Sdflags,
};
use crate::wasi::memory::GuestMemory;
use crate::wasi::preview::Preview;

/// Bytes of a path that are shown.
const MAX_PATH: u64 = 512;
/// Bytes of one iovec, or of a text that comes out, that are shown.
const MAX_DATA: u64 = 64;
/// Elements of an array that are shown.
const MAX_ELEMENTS: u32 = 8;

/// Shows what is passed in. `next(n)` is the nth parameter after it.
pub(super) fn input(
    line: &mut String,
    memory: &GuestMemory<'_>,
    preview: &Preview,
    kind: Kind,
    value: u64,
    next: impl Fn(usize) -> u64,
) {
    let at = Ptr(value as u32);
    let number = value as u32;
    let written = match kind {
        Kind::Path => text(line, memory, at, next(1), MAX_PATH),
        Kind::Ciovecs => iovecs(line, memory, at, next(1) as u32, true),
        Kind::Iovecs => iovecs(line, memory, at, next(1) as u32, false),
        Kind::Subscriptions => subscriptions(line, memory, preview, at, next(2) as u32),
        Kind::Fd => write!(line, "{}", number as i32),
        Kind::Filedelta => write!(line, "{}", value as i64),
        Kind::Rights => flags(line, Rights::NAMES, value),
        Kind::Lookupflags => flags(line, Lookupflags::NAMES, value),
        Kind::Oflags => flags(line, Oflags::NAMES, value),
        Kind::Fdflags => flags(line, Fdflags::NAMES, value),
        Kind::Fstflags => flags(line, Fstflags::NAMES, value),
        Kind::Riflags => flags(line, Riflags::NAMES, value),
        Kind::Sdflags => flags(line, Sdflags::NAMES, value),
        Kind::Clockid => named(line, clock(number), number),
        Kind::Whence => named(
            line,
            preview.whence(number).ok().map(|whence| format!("{whence:?}")),
            number,
        ),
        Kind::Advice => {
            let advice = abi::Advice::from_number(number);
            named(line, advice.ok().map(|advice| format!("{advice:?}")), number)
        }
        // Numbers. What comes out is shown after the call.
        _ => write!(line, "{value}"),
    };
    // Writing to a string does not fail.
    let _ = written;
}

/// Shows all that came out, `success` if nothing did.
pub(super) fn outputs(line: &mut String, memory: &GuestMemory<'_>, preview: &Preview, params: &[Param], words: &[u64]) {
    let before = line.len();
    // The count that the text, or the bytes read, are as long as.
    let count = params
        .iter()
        .position(|(_, kind)| *kind == Kind::OutSize)
        .and_then(|index| u32_at(memory, Ptr(word(words, index) as u32)));
    for (index, &(_, kind)) in params.iter().enumerate() {
        let at = Ptr(word(words, index) as u32);
        let mut part = String::new();
        let _ = match kind {
            Kind::OutSize => match u32_at(memory, at) {
                Some(value) => write!(part, "{value}"),
                None => Ok(()),
            },
            Kind::OutU64 => match memory.bytes(at, 0, 8) {
                Ok(bytes) => write!(part, "{}", u64::from_le_bytes(abi::take(&bytes, 0))),
                Err(_) => Ok(()),
            },
            Kind::OutName => text(&mut part, memory, at, word(words, index + 1), MAX_DATA),
            Kind::OutText => text(&mut part, memory, at, count.unwrap_or(0).into(), MAX_DATA),
            Kind::Iovecs => filled(&mut part, memory, at, word(words, index + 1) as u32, count.unwrap_or(0)),
            Kind::OutFdstat => fdstat(&mut part, memory, at),
            Kind::OutFilestat => match memory.bytes(at, 0, preview.filestat_bytes()) {
                Ok(bytes) => filestat(&mut part, preview, &bytes),
                Err(_) => Ok(()),
            },
            Kind::OutPrestat => match u32_at(memory, Ptr(at.0.saturating_add(4))) {
                Some(len) => write!(part, "dir of {len} bytes"),
                None => Ok(()),
            },
            Kind::OutEvents => events(&mut part, memory, at, count.unwrap_or(0)),
            _ => Ok(()),
        };
        if !part.is_empty() {
            if line.len() > before {
                line.push_str(", ");
            }
            line.push_str(&part);
        }
    }
    if line.len() == before {
        line.push_str("success");
    }
}

fn u32_at(memory: &GuestMemory<'_>, at: Ptr) -> Option<u32> {
    let bytes = memory.bytes(at, 0, 4).ok()?;
    Some(u32::from_le_bytes(abi::take(&bytes, 0)))
}

/// Bytes as a string of Rust's or C's, at most `most` of them.
pub(in crate::wasi) fn quote(out: &mut String, bytes: &[u8], most: u64) {
    let shown = bytes.get(..most as usize).unwrap_or(bytes);
    out.push('"');
    for chunk in shown.utf8_chunks() {
        out.extend(chunk.valid().escape_debug());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    if shown.len() < bytes.len() {
        out.push_str("...");
    }
}

fn text(out: &mut String, memory: &GuestMemory<'_>, at: Ptr, len: u64, most: u64) -> fmt::Result {
    // One more than is shown, to see that there is more.
    let shown = memory
        .check(at, len)
        .and_then(|()| memory.bytes(at, 0, len.min(most + 1)));
    match shown {
        Ok(bytes) => quote(out, &bytes, most),
        Err(_) => write!(out, "{:#x}+{len}", at.0)?,
    }
    Ok(())
}

/// Iovecs: how many bytes each has, and which if they are written.
fn iovecs(out: &mut String, memory: &GuestMemory<'_>, at: Ptr, count: u32, contents: bool) -> fmt::Result {
    list(out, count, |out, index| {
        let Some((buf, len)) = iovec(memory, at, index) else {
            return write!(out, "?");
        };
        write!(out, "{len}")?;
        if contents {
            out.push(' ');
            text(out, memory, Ptr(buf), len.into(), MAX_DATA)?;
        }
        Ok(())
    })
}

fn iovec(memory: &GuestMemory<'_>, array: Ptr, index: u32) -> Option<(u32, u32)> {
    let bytes = memory.bytes(array, 8 * u64::from(index), 8).ok()?;
    Some((
        u32::from_le_bytes(abi::take(&bytes, 0)),
        u32::from_le_bytes(abi::take(&bytes, 4)),
    ))
}

/// What iovecs were filled with: the first of them that got something stands for all.
fn filled(out: &mut String, memory: &GuestMemory<'_>, at: Ptr, count: u32, bytes: u32) -> fmt::Result {
    for index in 0..count.min(MAX_ELEMENTS) {
        match iovec(memory, at, index) {
            Some((buf, len)) if len > 0 && bytes > 0 => {
                text(out, memory, Ptr(buf), len.min(bytes).into(), MAX_DATA)?;
                if bytes > len && !out.ends_with("...") {
                    out.push_str("...");
                }
                return Ok(());
            }
            _ => {}
        }
    }
    Ok(())
}

fn subscriptions(out: &mut String, memory: &GuestMemory<'_>, preview: &Preview, at: Ptr, count: u32) -> fmt::Result {
    use abi::SubscriptionKind::{Clock, FdRead, FdWrite};
    list(out, count, |out, index| {
        match preview.read_subscription(memory, at, index.into()) {
            Ok(subscription) => match subscription.kind {
                Clock { id, timeout, flags } => {
                    named(out, clock(id), id)?;
                    let from_now = if flags == abi::Subclockflags::NONE { "+" } else { "" };
                    write!(out, " {from_now}{timeout}")
                }
                FdRead(fd) => write!(out, "read {}", fd as i32),
                FdWrite(fd) => write!(out, "write {}", fd as i32),
            },
            Err(_) => write!(out, "?"),
        }
    })
}

fn events(out: &mut String, memory: &GuestMemory<'_>, at: Ptr, count: u32) -> fmt::Result {
    list(out, count, |out, index| {
        let Ok(bytes) = memory.bytes(at, u64::from(index) * Event::SIZE, Event::SIZE) else {
            return write!(out, "?");
        };
        let [kind] = abi::take::<1>(&bytes, 10);
        let errno = u16::from_le_bytes(abi::take(&bytes, 8));
        out.push_str(["clock", "read", "write"].get(usize::from(kind)).unwrap_or(&"?"));
        match Errno::ALL.get(usize::from(errno)) {
            Some(Errno::Success) if kind == 0 => Ok(()),
            Some(Errno::Success) => write!(out, " {}", u64::from_le_bytes(abi::take(&bytes, 16))),
            Some(errno) => write!(out, " {}", errno.name().to_ascii_lowercase()),
            None => write!(out, " {errno}"),
        }
    })
}

fn fdstat(out: &mut String, memory: &GuestMemory<'_>, at: Ptr) -> fmt::Result {
    let Ok(bytes) = memory.bytes(at, 0, 24) else {
        return Ok(());
    };
    let [filetype] = abi::take::<1>(&bytes, 0);
    write!(out, "{} flags=", Filetype::name_of(filetype))?;
    flags(out, Fdflags::NAMES, u16::from_le_bytes(abi::take(&bytes, 2)).into())?;
    out.push_str(" base=");
    flags(out, Rights::NAMES, u64::from_le_bytes(abi::take(&bytes, 8)))?;
    out.push_str(" inheriting=");
    flags(out, Rights::NAMES, u64::from_le_bytes(abi::take(&bytes, 16)))
}

fn filestat(out: &mut String, preview: &Preview, bytes: &[u8]) -> fmt::Result {
    let [filetype] = abi::take::<1>(bytes, 16);
    let (ino, size) = (u64::from_le_bytes(abi::take(bytes, 8)), preview.file_size(bytes));
    write!(out, "{} ino={ino} size={size}", Filetype::name_of(filetype))
}

/// `[a, b, ...]`.
fn list(out: &mut String, count: u32, mut element: impl FnMut(&mut String, u32) -> fmt::Result) -> fmt::Result {
    out.push('[');
    for index in 0..count.min(MAX_ELEMENTS) {
        if index > 0 {
            out.push_str(", ");
        }
        element(out, index)?;
    }
    if count > MAX_ELEMENTS {
        write!(out, ", ... {count} in all")?;
    }
    out.push(']');
    Ok(())
}

/// Names of flags; where most are set, those that are not; what has no name as a number.
fn flags(out: &mut String, names: &[&str], value: u64) -> fmt::Result {
    let all = (1u64 << names.len()) - 1;
    let (known, unknown) = (value & all, value & !all);
    let inverted = known.count_ones() > 8 && known.count_ones() * 2 > all.count_ones();
    let shown = if inverted { !known & all } else { known };
    let mut parts: Vec<String> = (0..names.len())
        .zip(names)
        .filter(|(bit, _)| shown & 1 << bit != 0)
        .map(|(_, name)| String::from(*name))
        .collect();
    if unknown != 0 {
        parts.push(format!("{unknown:#x}"));
    }
    match (inverted, parts.is_empty()) {
        (true, true) => write!(out, "ALL"),
        (true, false) => write!(out, "~({})", parts.join("|")),
        (false, true) => write!(out, "0"),
        (false, false) => write!(out, "{}", parts.join("|")),
    }
}

fn clock(number: u32) -> Option<String> {
    let clock = abi::Clockid::from_number(number).ok()?;
    Some(format!("{clock:?}"))
}

/// A name in lower case, or the number that has none.
fn named(out: &mut String, name: Option<String>, number: u32) -> fmt::Result {
    match name {
        Some(name) => write!(out, "{}", name.to_ascii_lowercase()),
        None => write!(out, "{number}"),
    }
}
