//! `poll_oneoff`: waiting for clocks and descriptors, all in one poll(2) of the host's.

use std::time::Duration;

use super::abi::{
    Clockid, Errno, Event, Eventrwflags, Eventtype, Fd, Ptr, Rights, Size, Subclockflags, Subscription,
    SubscriptionKind, Timestamp,
};
use super::call::{Call, Stop};
use super::ctx;
use super::descriptor::{Descriptor, Object};
use super::host::{self, Interest, Ready};

/// Subscriptions of one call. More than a program can have descriptors by default need no answer.
const MAX_SUBSCRIPTIONS: Size = 1024;
/// Room reported for what is ready for writing: what a pipe takes at least.
const ROOM: u64 = 4096;

/// When an interrupted call began, on the host's monotonic clock: relative times go on counting from there.
struct Begun(Timestamp);

/// `poll_oneoff`: waits until at least one of `nsubscriptions` subscriptions has happened, writes an event for each
/// that has, in the order of the subscriptions, and their number as a u32.
///
/// A subscription that can never happen (a closed descriptor, an unknown clock) is an event at once, with its errno.
/// Regular files, embedder's streams and captures are ready always. A clock event and a descriptor event:
/// ```text
///   in ──► u64 userdata, u8 0 (7 bytes of padding), u32 id (4), u64 timeout, u64 precision, u16 flags (6)
///          u64 userdata, u8 1 or 2 (7), u32 fd (28)
///  out ──► u64 userdata, u16 errno, u8 type (5), u64 nbytes, u16 flags (6)
/// ```
/// # Errors
/// `inval` for no subscription, for more than 1024, or for an unknown event type; `fault` if an array or `nevents`
/// leaves the memory: nothing is waited for then. In events: `badf`, `isdir`, `inval` for an unknown clock or flag,
/// `notsup` for a CPU clock, which stands still while one waits for it.
pub(super) fn oneoff(cx: &mut Call<'_>, input: Ptr, out: Ptr, nsubscriptions: Size, nevents: Ptr) -> Result<(), Stop> {
    if nsubscriptions == 0 || nsubscriptions > MAX_SUBSCRIPTIONS {
        return Err(Errno::Inval.into());
    }
    let memory = cx.memory();
    memory.check(out, u64::from(nsubscriptions) * Event::SIZE)?;
    memory.check(nevents, 4)?;
    let mut subscriptions = Vec::with_capacity(nsubscriptions as usize);
    for index in 0..u64::from(nsubscriptions) {
        subscriptions.push(Subscription::from_bytes(
            &memory.read(input, index * Subscription::SIZE)?,
        )?);
    }
    let begun = cx.take_state::<Begun>().map_or_else(host::monotonic, |begun| begun.0);
    let events = loop {
        let events = match look(cx, &subscriptions, begun) {
            Err(Stop::Interrupted) => return Err(cx.interrupted(Begun(begun))),
            other => other?,
        };
        if !events.is_empty() {
            break events;
        }
    };
    let mut memory = cx.memory();
    for (index, event) in events.iter().enumerate() {
        memory.write_at(out, index as u64 * Event::SIZE, &event.to_bytes())?;
    }
    Ok(memory.write_u32(nevents, events.len() as u32)?)
}

/// How one subscription stands before the host is asked.
enum Standing {
    /// An event, whatever the host says.
    Happened(Event),
    /// Happens after so many nanoseconds.
    In(Timestamp),
    /// The host knows.
    Asked(Fd, Interest),
}

/// Waits once, and returns what has happened: maybe nothing.
fn look(cx: &mut Call<'_>, subscriptions: &[Subscription], begun: Timestamp) -> Result<Vec<Event>, Stop> {
    let wake = cx.ctx.wake()?;
    let mut timeout: Option<Timestamp> = None;
    let mut standings = Vec::with_capacity(subscriptions.len());
    for subscription in subscriptions {
        let standing = stand(cx, subscription, begun);
        let left = match &standing {
            Standing::Happened(_) => Some(0),
            Standing::In(left) => Some(*left),
            Standing::Asked(..) => None,
        };
        timeout = timeout.into_iter().chain(left).min();
        standings.push(standing);
    }
    let mut waitables = Vec::new();
    for standing in &standings {
        if let Standing::Asked(fd, interest) = standing
            && let Object::File(file) | Object::Listener(file) = &cx.ctx.table.get(*fd)?.object
        {
            waitables.push(file.waitable(*interest));
        }
    }
    ctx::wait(cx.host, &wake, &mut waitables, timeout.map(Duration::from_nanos))?;
    let outcomes: Vec<Ready> = waitables.into_iter().map(|waitable| waitable.outcome).collect();
    let mut outcomes = outcomes.into_iter();
    let mut events = Vec::new();
    for (subscription, standing) in subscriptions.iter().zip(standings) {
        let event = match standing {
            Standing::Happened(event) => Some(event),
            Standing::In(_) => match stand(cx, subscription, begun) {
                Standing::Happened(event) => Some(event),
                _ => None,
            },
            Standing::Asked(fd, interest) => {
                let outcome = outcomes.next().unwrap_or_default();
                outcome.ready.then(|| ready(cx, subscription, fd, interest, outcome))
            }
        };
        events.extend(event);
    }
    Ok(events)
}

/// How a subscription stands at this moment.
fn stand(cx: &mut Call<'_>, subscription: &Subscription, begun: Timestamp) -> Standing {
    let userdata = subscription.userdata;
    let event = |eventtype, error, nbytes| {
        Standing::Happened(Event {
            userdata,
            error,
            eventtype,
            nbytes,
            flags: Eventrwflags::NONE,
        })
    };
    match subscription.kind {
        SubscriptionKind::Clock { id, timeout, flags } => match time_left(cx, id, timeout, flags, begun) {
            Ok(0) => event(Eventtype::Clock, Errno::Success, 0),
            Ok(left) => Standing::In(left),
            Err(errno) => event(Eventtype::Clock, errno, 0),
        },
        SubscriptionKind::FdRead(fd) => match descriptor(cx, fd, Rights::FD_READ, Rights::SOCK_ACCEPT) {
            Err(errno) => event(Eventtype::FdRead, errno, 0),
            Ok(descriptor) => match &descriptor.object {
                Object::File(_) | Object::Listener(_) => Standing::Asked(fd, Interest::Read),
                Object::Bytes(bytes, at) => event(Eventtype::FdRead, Errno::Success, (bytes.len() - at) as u64),
                Object::Reader(_) => event(Eventtype::FdRead, Errno::Success, 1),
                _ => event(Eventtype::FdRead, Errno::Success, 0),
            },
        },
        SubscriptionKind::FdWrite(fd) => match descriptor(cx, fd, Rights::FD_WRITE, Rights::FD_WRITE) {
            Err(errno) => event(Eventtype::FdWrite, errno, 0),
            Ok(descriptor) => match &descriptor.object {
                Object::File(_) | Object::Listener(_) => Standing::Asked(fd, Interest::Write),
                _ => event(Eventtype::FdWrite, Errno::Success, ROOM),
            },
        },
    }
}

/// The descriptor of a subscription, if it has one of two rights. The right to read or write is the right to wait
/// for that, too.
fn descriptor<'c>(cx: &'c Call<'_>, fd: Fd, right: Rights, or: Rights) -> Result<&'c Descriptor, Errno> {
    let descriptor = cx.ctx.table.get(fd)?;
    match &descriptor.object {
        Object::Dir(..) => Err(Errno::Isdir),
        _ if descriptor.require(or).is_ok() => Ok(descriptor),
        _ => descriptor.require(right).map(|()| descriptor),
    }
}

/// Nanoseconds until a clock subscription happens.
fn time_left(
    cx: &mut Call<'_>,
    id: u32,
    timeout: Timestamp,
    flags: Subclockflags,
    begun: Timestamp,
) -> Result<Timestamp, Errno> {
    let clock = Clockid::from_number(id)?;
    if !Subclockflags::ALL.has(flags) {
        return Err(Errno::Inval);
    }
    let waited = host::monotonic().saturating_sub(begun);
    match (clock, flags.has(Subclockflags::ABSTIME)) {
        (Clockid::ProcessCputime | Clockid::ThreadCputime, _) => Err(Errno::Notsup),
        // A clock that is set meanwhile makes an absolute time come sooner or later, and a relative one not.
        (clock, true) => Ok(timeout.saturating_sub(cx.ctx.clocks.now(clock))),
        (_, false) => Ok(timeout.saturating_sub(waited)),
    }
}

/// The event of a descriptor the host says is ready.
fn ready(cx: &Call<'_>, subscription: &Subscription, fd: Fd, interest: Interest, outcome: Ready) -> Event {
    let nbytes = match (interest, cx.ctx.table.get(fd).map(|descriptor| &descriptor.object)) {
        (Interest::Read, Ok(Object::File(file))) => file.readable_bytes(),
        // One connection to accept.
        (Interest::Read, _) => 1,
        (Interest::Write, _) => ROOM,
    };
    Event {
        userdata: subscription.userdata,
        error: Errno::Success,
        eventtype: if interest == Interest::Read {
            Eventtype::FdRead
        } else {
            Eventtype::FdWrite
        },
        nbytes,
        flags: if outcome.hangup {
            Eventrwflags::HANGUP
        } else {
            Eventrwflags::NONE
        },
    }
}
