//! `poll_oneoff`: waiting for clocks and descriptors, all in one poll(2) of the host's.

use std::time::Duration;

use super::abi::{
    Clockid, Errno, Event, Eventrwflags, Eventtype, Fd, Ptr, Rights, Size, Subclockflags, Subscription,
    SubscriptionKind, Timestamp,
};
use super::call::{Call, Stop};
use super::clock::Begun;
use super::ctx;
use super::descriptor::{Descriptor, Object};
use super::host::{Interest, Ready};

/// Subscriptions of one call. More than a program can have descriptors by default need no answer.
const MAX_SUBSCRIPTIONS: Size = 1024;
/// Room reported for what is ready for writing: what a pipe takes at least.
const ROOM: u64 = 4096;

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
/// `notsup` for a CPU clock that is not there yet: it stands still while one waits for it.
pub(super) fn oneoff(cx: &mut Call<'_>, input: Ptr, out: Ptr, nsubscriptions: Size, nevents: Ptr) -> Result<(), Stop> {
    if nsubscriptions == 0 || nsubscriptions > MAX_SUBSCRIPTIONS {
        return Err(Errno::Inval.into());
    }
    let preview = cx.preview;
    let memory = cx.memory();
    memory.check(out, u64::from(nsubscriptions) * Event::SIZE)?;
    memory.check(nevents, 4)?;
    let mut subscriptions = Vec::with_capacity(nsubscriptions as usize);
    for index in 0..u64::from(nsubscriptions) {
        subscriptions.push(preview.read_subscription(&memory, input, index)?);
    }
    let begun = match cx.take_state::<Begun>() {
        Some(begun) => begun,
        None => cx.ctx.clocks.begin(),
    };
    // What is there already, then what comes.
    let mut wait = false;
    let events = loop {
        let events = match look(cx, &subscriptions, begun, wait) {
            Err(Stop::Interrupted) => return Err(cx.interrupted(begun)),
            other => other?,
        };
        if !events.is_empty() {
            break events;
        }
        wait = true;
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

/// Looks, or waits once if `wait`, and returns what has happened: maybe nothing.
fn look(cx: &mut Call<'_>, subscriptions: &[Subscription], begun: Begun, wait: bool) -> Result<Vec<Event>, Stop> {
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
    // How long the host waits. A clock may have its own way of waiting; before it is asked, descriptors have their turn.
    let timeout = match timeout {
        _ if !wait && standings.iter().any(|standing| matches!(standing, Standing::Asked(..))) => Some(Duration::ZERO),
        None => None,
        Some(0) => Some(Duration::ZERO),
        Some(left) => Some(cx.ctx.clocks.wait(left)),
    };
    let mut waitables = Vec::new();
    for standing in &standings {
        if let Standing::Asked(fd, interest) = standing
            && let Some(waitable) = cx.ctx.table.get(*fd)?.object.waitable(*interest)
        {
            waitables.push(waitable);
        }
    }
    ctx::wait(cx.host, &wake, &mut waitables, timeout)?;
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
fn stand(cx: &mut Call<'_>, subscription: &Subscription, begun: Begun) -> Standing {
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
                // A read waits for what comes: who is first, it or the clock, must not be a matter of chance.
                object if cx.ctx.always_waits(object) => event(Eventtype::FdRead, Errno::Success, 1),
                object if object.waitable(Interest::Read).is_some() => Standing::Asked(fd, Interest::Read),
                Object::File(file) => event(Eventtype::FdRead, Errno::Success, file.readable_bytes()),
                Object::Bytes(bytes, at) => event(Eventtype::FdRead, Errno::Success, (bytes.len() - at) as u64),
                Object::Reader(_) => event(Eventtype::FdRead, Errno::Success, 1),
                _ => event(Eventtype::FdRead, Errno::Success, 0),
            },
        },
        SubscriptionKind::FdWrite(fd) => match descriptor(cx, fd, Rights::FD_WRITE, Rights::FD_WRITE) {
            Err(errno) => event(Eventtype::FdWrite, errno, 0),
            Ok(descriptor) => match &descriptor.object {
                object if object.waitable(Interest::Write).is_some() => Standing::Asked(fd, Interest::Write),
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
    begun: Begun,
) -> Result<Timestamp, Errno> {
    let clock = Clockid::from_number(id)?;
    if !Subclockflags::ALL.has(flags) {
        return Err(Errno::Inval);
    }
    let clocks = &mut cx.ctx.clocks;
    match (clock, flags.has(Subclockflags::ABSTIME)) {
        // A clock that is set meanwhile makes an absolute time come sooner or later, and a relative one not.
        (clock, true) => clocks.left_until(clock, timeout).ok_or(Errno::Notsup),
        (Clockid::ProcessCputime | Clockid::ThreadCputime, false) if timeout > 0 => Err(Errno::Notsup),
        (_, false) => Ok(clocks.left_since(begun, timeout)),
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Instant;

    use super::*;
    use crate::wasi::WasiEnv;
    use crate::wasi::host::{self, HostFile};
    use crate::wasi::testing::{Guest, MEMORY, OUT, interrupt_soon, plain};

    const IN: u32 = 0x1000;
    const EVENTS: u32 = 0x4000;
    const MS: u64 = 1_000_000;

    fn clock(id: u32, timeout: u64, flags: u16) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[16..20].copy_from_slice(&id.to_le_bytes());
        bytes[24..32].copy_from_slice(&timeout.to_le_bytes());
        bytes[40..42].copy_from_slice(&flags.to_le_bytes());
        bytes
    }

    fn fd(eventtype: u8, fd: u32) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[8] = eventtype;
        bytes[16..20].copy_from_slice(&fd.to_le_bytes());
        bytes
    }

    /// Puts subscriptions down; each one's number is its userdata.
    fn subscribe(guest: &mut Guest, subscriptions: &[[u8; 48]]) -> Size {
        for (index, bytes) in subscriptions.iter().enumerate() {
            guest.put(IN + 48 * index as u32, bytes);
            guest.put(IN + 48 * index as u32, &(index as u64).to_le_bytes());
        }
        subscriptions.len() as Size
    }

    /// Events as (userdata, errno, nbytes, flags).
    fn poll(guest: &mut Guest, subscriptions: &[[u8; 48]]) -> Vec<(u64, u16, u64, u16)> {
        let count = subscribe(guest, subscriptions);
        assert_eq!(guest.call(|cx| oneoff(cx, Ptr(IN), Ptr(EVENTS), count, OUT)), Ok(()));
        let happened = guest.u32_at(OUT);
        assert!(happened > 0);
        (0..happened)
            .map(|index| {
                let at = EVENTS + 32 * index;
                let memory = guest.memory();
                let userdata = memory.read_u64(at).unwrap();
                let (errno, flags) = (memory.read_u16(at + 8).unwrap(), memory.read_u16(at + 24).unwrap());
                (userdata, errno, memory.read_u64(at + 16).unwrap(), flags)
            })
            .collect()
    }

    fn with_pipe() -> (Guest, std::io::PipeWriter) {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut guest = Guest::new(plain());
        let file = Object::File(Box::new(HostFile::shared(reader.into())));
        assert_eq!(guest.insert(Descriptor::stream(file, Rights::FD_READ)), 3);
        (guest, writer)
    }

    #[test]
    fn an_event_is_32_bytes() {
        let mut guest = Guest::new(plain().with_stdin("abc"));
        subscribe(&mut guest, &[fd(1, 0)]);
        guest.put(IN, b"userdata");
        assert_eq!(guest.call(|cx| oneoff(cx, Ptr(IN), Ptr(EVENTS), 1, OUT)), Ok(()));
        guest.expect(EVENTS, b"userdata\0\0\x01\0\0\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn clocks_relative_and_absolute() {
        let mut guest = Guest::new(plain());
        let begun = Instant::now();
        assert_eq!(poll(&mut guest, &[clock(1, 30 * MS, 0)]), [(0, 0, 0, 0)]);
        assert!(begun.elapsed() >= Duration::from_millis(30));
        let begun = Instant::now();
        // The earlier of two, and one whose time is past already.
        assert_eq!(
            poll(&mut guest, &[clock(0, u64::MAX, 0), clock(1, 20 * MS, 0)]),
            [(1, 0, 0, 0)]
        );
        assert_eq!(
            poll(&mut guest, &[clock(0, 1, 1), clock(1, u64::MAX, 1)]),
            [(0, 0, 0, 0)]
        );
        let soon = host::realtime() + 20 * MS;
        assert_eq!(poll(&mut guest, &[clock(0, soon, 1)]), [(0, 0, 0, 0)]);
        assert!(host::realtime() >= soon);
        let now = guest.env.with(|ctx| ctx.clocks.now(Clockid::Monotonic));
        assert_eq!(poll(&mut guest, &[clock(1, now + 20 * MS, 1)]), [(0, 0, 0, 0)]);
        assert!(begun.elapsed() >= Duration::from_millis(60));
    }

    #[test]
    fn cpu_clocks_happen_when_they_are_there_and_are_not_waited_for() {
        let mut guest = Guest::new(plain());
        let polls = [clock(2, 0, 0), clock(2, 1, 1), clock(3, u64::MAX, 1), clock(3, 1, 0)];
        // Something is executed in any case.
        guest
            .env
            .with(|ctx| while ctx.clocks.now(Clockid::ThreadCputime) == 0 {});
        let errnos: Vec<u16> = poll(&mut guest, &polls).iter().map(|event| event.1).collect();
        assert_eq!(errnos, [0, 0, Errno::Notsup as u16, Errno::Notsup as u16]);
    }

    #[test]
    fn waits_end_at_multiples_of_the_resolution() {
        let coarse = WasiEnv::builder().clock_resolution(Duration::from_millis(40)).build();
        let mut guest = Guest::new(coarse);
        let now = |guest: &Guest| guest.env.with(|ctx| ctx.clocks.now(Clockid::Monotonic));
        let before = now(&guest);
        assert_eq!(poll(&mut guest, &[clock(1, MS, 0)]), [(0, 0, 0, 0)]);
        let after = now(&guest);
        assert!(after > before && after % (40 * MS) == 0, "{before} {after}");
        // From one edge to the next one.
        assert_eq!(poll(&mut guest, &[clock(1, MS, 0)]), [(0, 0, 0, 0)]);
        let next = now(&guest);
        assert!(next >= after + 40 * MS && next % (40 * MS) == 0, "{after} {next}");
        assert_eq!(
            poll(&mut guest, &[clock(1, 0, 0)]),
            [(0, 0, 0, 0)],
            "and no wait is none"
        );
    }

    #[test]
    fn a_fixed_clock_lets_no_time_pass_for_descriptors_that_are_ready() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let env = WasiEnv::builder().clock(crate::wasi::FixedClock::new(0)).build();
        let mut guest = Guest::new(env);
        let file = Object::File(Box::new(HostFile::shared(reader.into())));
        assert_eq!(guest.insert(Descriptor::stream(file, Rights::FD_READ)), 3);
        let hour = 3600 * 1000 * MS;
        let now = |guest: &Guest| guest.env.with(|ctx| ctx.clocks.now(Clockid::Monotonic));
        writer.write_all(b"1").unwrap();
        assert_eq!(poll(&mut guest, &[fd(1, 3), clock(1, hour, 0)]), [(0, 0, 1, 0)]);
        assert!(now(&guest) < MS);
        let begun = Instant::now();
        assert_eq!(poll(&mut guest, &[clock(1, hour, 0)]), [(0, 0, 0, 0)]);
        assert_eq!(poll(&mut guest, &[clock(0, 2 * hour, 1)]), [(0, 0, 0, 0)]);
        assert!(now(&guest) >= 2 * hour);
        assert_eq!(
            poll(&mut guest, &[clock(1, u64::MAX, 0)]),
            [(0, 0, 0, 0)],
            "the longest wait"
        );
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_deterministic_guest_waits_for_its_input_where_it_reads() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut guest = Guest::new(WasiEnv::builder().deterministic(0).build());
        let file = Object::File(Box::new(HostFile::shared(reader.into())));
        let mut stream = Descriptor::stream(file, Rights::FD_READ);
        stream.flags = crate::wasi::abi::Fdflags::NONBLOCK;
        assert_eq!(guest.insert(stream), 3);
        assert_eq!(poll(&mut guest, &[fd(1, 3), clock(1, MS, 0)]), [(0, 0, 1, 0)]);
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            writer.write_all(b"12345").unwrap();
        });
        let (iovs, len) = guest.iovec(0x10, 8);
        assert_eq!(
            guest.call(|cx| crate::wasi::fd::read_write::read(cx, 3, iovs, len, OUT)),
            Ok(())
        );
        guest.expect(0x10, b"12345");
        thread.join().unwrap();
    }

    #[test]
    fn what_can_never_happen_is_an_event_with_its_errno() {
        let dir = tempfile::tempdir().unwrap();
        let mut guest = Guest::in_dir(dir.path());
        let hopeless = [
            clock(2, 1, 0),
            clock(9, 1, 0),
            clock(1, 1, 2),
            fd(1, 99),
            fd(2, 0),
            fd(1, 1),
            fd(1, 3),
        ];
        let far = clock(1, u64::MAX, 0);
        let events = poll(&mut guest, &[&hopeless[..], &[far]].concat());
        let errnos: Vec<u16> = events.iter().map(|event| event.1).collect();
        use Errno::{Badf, Inval, Isdir, Notsup};
        assert_eq!(
            errnos,
            [Notsup, Inval, Inval, Badf, Badf, Badf, Isdir].map(|errno| errno as u16)
        );
    }

    #[test]
    fn files_captures_and_embedders_bytes_are_ready_always() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "0123").unwrap();
        let env = WasiEnv::builder()
            .dir(dir.path(), "/")
            .unwrap()
            .stdin("abc")
            .capture_stdout()
            .build();
        let mut guest = Guest::new(env);
        let file = guest.create("f");
        let ready = [
            fd(1, 0),
            fd(2, 1),
            fd(2, 2),
            fd(1, file),
            fd(2, file),
            clock(1, u64::MAX, 0),
        ];
        let events = poll(&mut guest, &ready);
        assert_eq!(
            events,
            [
                (0, 0, 3, 0),
                (1, 0, ROOM, 0),
                (2, 0, ROOM, 0),
                (3, 0, 4, 0),
                (4, 0, ROOM, 0)
            ]
        );
    }

    #[test]
    fn a_pipe_is_ready_when_something_comes_and_hangs_up_when_nobody_writes() {
        let (mut guest, mut writer) = with_pipe();
        assert_eq!(poll(&mut guest, &[fd(1, 3), clock(1, 10 * MS, 0)]), [(1, 0, 0, 0)]);
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            writer.write_all(b"12345").unwrap();
            writer
        });
        assert_eq!(
            poll(&mut guest, &[fd(1, 3), fd(1, 3), clock(1, u64::MAX, 0)]),
            [(0, 0, 5, 0), (1, 0, 5, 0)]
        );
        drop(thread.join().unwrap());
        assert_eq!(poll(&mut guest, &[fd(1, 3)]), [(0, 0, 5, 1)]);
    }

    #[test]
    fn the_longest_sleep_ends_when_a_stop_is_requested_and_goes_on_when_resumed() {
        let (mut guest, _writer) = with_pipe();
        let count = subscribe(&mut guest, &[clock(1, u64::MAX, 0), fd(1, 3)]);
        let thread = interrupt_soon(&guest.interrupt_handle());
        let stop = guest.stop(|cx| oneoff(cx, Ptr(IN), Ptr(EVENTS), count, OUT));
        assert!(matches!(stop, Err(Stop::Interrupted)));
        thread.join().unwrap();
        // 600 ms of 800 are over when it is resumed: it must not take 800 more.
        let mut guest = Guest::new(plain());
        let count = subscribe(&mut guest, &[clock(1, 800 * MS, 0)]);
        guest.interrupt_handle().interrupt();
        let begun = Instant::now();
        assert!(matches!(
            guest.stop(|cx| oneoff(cx, Ptr(IN), Ptr(EVENTS), count, OUT)),
            Err(Stop::Interrupted)
        ));
        std::thread::sleep(Duration::from_millis(600));
        guest.resume();
        let resumed = Instant::now();
        assert_eq!(guest.call(|cx| oneoff(cx, Ptr(IN), Ptr(EVENTS), count, OUT)), Ok(()));
        assert!(begun.elapsed() >= Duration::from_millis(800));
        assert!(resumed.elapsed() < Duration::from_millis(700));
    }

    #[test]
    fn errnos() {
        let mut guest = Guest::new(plain());
        subscribe(&mut guest, &[clock(1, 1, 0)]);
        let mut go =
            |input, out, count, nevents| guest.call(|cx| oneoff(cx, Ptr(input), Ptr(out), count, Ptr(nevents)));
        assert_eq!(go(IN, EVENTS, 0, 0), Err(Errno::Inval));
        assert_eq!(go(IN, EVENTS, u32::MAX, 0), Err(Errno::Inval));
        assert_eq!(go(IN, EVENTS, 1025, 0), Err(Errno::Inval));
        assert_eq!(go(MEMORY - 47, EVENTS, 1, 0), Err(Errno::Fault));
        assert_eq!(go(IN, MEMORY - 31, 1, 0), Err(Errno::Fault));
        assert_eq!(go(IN, EVENTS, 1, MEMORY - 3), Err(Errno::Fault));
        subscribe(&mut guest, &[fd(3, 0)]);
        assert_eq!(
            guest.call(|cx| oneoff(cx, Ptr(IN), Ptr(EVENTS), 1, OUT)),
            Err(Errno::Inval)
        );
    }
}
