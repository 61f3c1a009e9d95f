//! Texts on the command line → values: sizes, times, directories, variables.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use wasmrun::wasi::TraceFilter;

/// A directory or a file for the guest: `HOST[::GUEST][::ro]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Where it is.
    pub host: PathBuf,
    /// What the guest calls it.
    pub guest: String,
    /// Whether the guest may only look at it.
    pub read_only: bool,
}

/// A variable for the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// `KEY=VALUE`.
    Set(OsString, OsString),
    /// `KEY`: ours, if we have it.
    PassOn(OsString),
}

/// Where the guest's standard input comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// It is empty.
    Null,
    /// It is ours.
    Inherit,
    /// It is this file.
    File(PathBuf),
}

/// A parser for [`Input`].
pub fn input() -> impl TypedValueParser<Value = Input> {
    OsStringValueParser::new().map(|text| match text.to_str() {
        Some("null") => Input::Null,
        Some("inherit") => Input::Inherit,
        _ => Input::File(text.into()),
    })
}

/// Reads what `--trace` shows: `wasi`, `wasi=fs,clock`.
pub fn trace(text: &str) -> Result<TraceFilter, String> {
    match text.split_once('=') {
        None if text == "wasi" => Ok(TraceFilter::ALL),
        Some(("wasi", families)) => families.parse(),
        _ => Err("it is `wasi`, or `wasi=` and families of calls: wasi=fs,clock".to_owned()),
    }
}

/// Where the guest may accept connections: `HOST:PORT[::nonblock]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// As `std::net` takes it, with a port.
    pub address: String,
    /// Whether the guest finds the listener in non-blocking mode.
    pub nonblock: bool,
}

/// Reads `HOST:PORT[::nonblock]`.
pub fn listen(text: &str) -> Result<Listen, String> {
    let (address, nonblock) = match text.strip_suffix("::nonblock") {
        Some(address) => (address, true),
        None => (text, false),
    };
    // An IPv6 address needs its brackets: `::1` alone would be an address without a host and a port 1.
    let port = address.rsplit_once(':').filter(|(host, _)| {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        !host.is_empty() && (bracketed || !host.contains(':'))
    });
    match port.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(_)) => Ok(Listen {
            address: address.to_owned(),
            nonblock,
        }),
        _ => Err("it must be HOST:PORT, for example 127.0.0.1:8080, [::1]:8080 or localhost:0".to_owned()),
    }
}

/// A parser for [`Granted`].
pub fn granted() -> impl TypedValueParser<Value = Granted> {
    OsStringValueParser::new().try_map(|text| parse_granted(&text))
}

/// A parser for [`Variable`].
pub fn variable() -> impl TypedValueParser<Value = Variable> {
    OsStringValueParser::new().try_map(|text| parse_variable(&text))
}

fn parse_granted(text: &OsStr) -> Result<Granted, String> {
    let whole = text.as_encoded_bytes();
    // `HOST::ro` too: taken for a name, it would give away more than was meant.
    let (bytes, read_only) = match whole.strip_suffix(b"::ro") {
        Some(bytes) => (bytes, true),
        None => (whole, false),
    };
    // The first `::`, as a host path with one in it is rarer than a guest path with one.
    let (host, guest) = match bytes.windows(2).position(|pair| pair == b"::") {
        Some(at) => (sub_string(text, ..at), sub_string(text, at + 2..bytes.len())),
        None => (sub_string(text, ..bytes.len()), sub_string(text, ..bytes.len())),
    };
    let guest = guest
        .into_string()
        .map_err(|_| "the guest's name for it must be UTF-8".to_owned())?;
    if host.is_empty() {
        return Err("the host's path is empty".to_owned());
    }
    if guest.is_empty() {
        return Err("the guest's name for it is empty".to_owned());
    }
    let host = host.into();
    Ok(Granted { host, guest, read_only })
}

fn parse_variable(text: &OsStr) -> Result<Variable, String> {
    let bytes = text.as_encoded_bytes();
    let variable = match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) => Variable::Set(sub_string(text, ..at), sub_string(text, at + 1..)),
        None => Variable::PassOn(text.to_owned()),
    };
    match &variable {
        Variable::Set(key, _) | Variable::PassOn(key) if key.is_empty() => Err("the variable has no name".to_owned()),
        _ => Ok(variable),
    }
}

/// A part of a text that ends and begins next to ASCII characters, which is where an `OsStr` may be cut.
#[cfg(unix)]
fn sub_string(text: &OsStr, range: impl std::slice::SliceIndex<[u8], Output = [u8]>) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(&text.as_bytes()[range]).to_owned()
}

/// Elsewhere the text goes through UTF-8: `OsStr` cannot be cut without `unsafe`.
#[cfg(not(unix))]
fn sub_string(text: &OsStr, range: impl std::slice::SliceIndex<[u8], Output = [u8]>) -> OsString {
    String::from_utf8_lossy(&text.as_encoded_bytes()[range])
        .into_owned()
        .into()
}

/// Reads a number of bytes: `65536`, `64K`, `64KiB`, `256M`, `1G`.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split_unit(text);
    let shift = match unit {
        "" | "B" => 0,
        "K" | "k" | "KiB" => 10,
        "M" | "m" | "MiB" => 20,
        "G" | "g" | "GiB" => 30,
        _ => {
            return Err(format!(
                "`{unit}` is not a unit: use K, M or G (1024 bytes and its powers), or none for bytes"
            ));
        }
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "a size is a whole number and K, M, G or nothing".to_owned())?;
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "the size is too big".to_owned())
}

/// Reads a time: `100us`, `300ms`, `1s`, `1.5s`, `2m`, `1h`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split_unit(text);
    let seconds_per_unit = match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "" => return Err("the unit is missing: 300ms, 1.5s, 2m".to_owned()),
        _ => return Err(format!("`{unit}` is not a unit: use ns, us, ms, s, m or h")),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "a time is a number and a unit: 300ms, 1.5s, 2m".to_owned())?;
    let duration = Duration::try_from_secs_f64(number * seconds_per_unit).map_err(|_| "the time is too long")?;
    if duration.is_zero() {
        return Err("the time must be more than nothing".to_owned());
    }
    Ok(duration)
}

/// Where the guest's time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSource {
    /// The host.
    Host,
    /// This moment, in nanoseconds since 1970.
    Fixed(u64),
}

/// Reads `host` or `fixed=TIME`.
pub fn clock(text: &str) -> Result<ClockSource, String> {
    match text.split_once('=') {
        None if text == "host" => Ok(ClockSource::Host),
        Some(("fixed", time)) => Ok(ClockSource::Fixed(moment(time)?)),
        _ => Err("a clock is `host`, or `fixed=` and a time such as 2020-01-01T00:00:00Z".to_owned()),
    }
}

/// Reads a moment, in UTC: `2020-01-01`, `2020-01-01T12:00:00Z`, seconds since 1970.
fn moment(text: &str) -> Result<u64, String> {
    let day_alone = text.len() == "2020-01-01".len() && text.matches('-').count() == 2;
    let since_1970 = if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let seconds = text.parse().map_err(|_| "the seconds since 1970 are no number")?;
        Duration::try_from_secs_f64(seconds).map_err(|_| "the time is too late")?
    } else {
        let text = if day_alone {
            format!("{text}T00:00:00Z")
        } else {
            text.to_owned()
        };
        let time = humantime::parse_rfc3339(&text).map_err(|error| {
            format!("{error}: a time is 2020-01-01, 2020-01-01T12:00:00Z (UTC), or seconds since 1970")
        })?;
        time.duration_since(std::time::UNIX_EPOCH)
            .map_err(|_| "the time is before 1970")?
    };
    u64::try_from(since_1970.as_nanos()).map_err(|_| "the time is after the year 2554".to_owned())
}

fn split_unit(text: &str) -> (&str, &str) {
    let digits = text
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
        .count();
    text.split_at(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_powers_of_1024() {
        assert_eq!(size("65536"), Ok(65536));
        assert_eq!(size("64K"), Ok(65536));
        assert_eq!(size("256M"), Ok(256 << 20));
        assert_eq!(size("1GiB"), Ok(1 << 30));
        for wrong in ["", "K", "-1", "1.5M", "1T", "12Kb", "99999999999G", "1 M"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for right in ["127.0.0.1:8080", "[::1]:80", "localhost:0", "example.org:65535"] {
            for nonblock in [false, true] {
                let text = format!("{right}{}", if nonblock { "::nonblock" } else { "" });
                let address = right.to_owned();
                assert_eq!(listen(&text), Ok(Listen { address, nonblock }));
            }
        }
        for wrong in [
            "",
            ":80",
            "80",
            "::1:80",
            "[::1]",
            "localhost:",
            "a:65536",
            "a:-1",
            "a:80::",
            "a:80::block",
        ] {
            assert!(listen(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_need_a_unit_and_must_not_be_zero() {
        assert_eq!(duration("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in [
            "",
            "1",
            "s",
            "-1s",
            "0s",
            "1d",
            "1e400s",
            "1..2s",
            "nan",
            "9999999999999999999999h",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn clocks_begin_at_days_at_times_and_at_seconds() {
        let fixed = |seconds: u64| Ok(ClockSource::Fixed(seconds * 1_000_000_000));
        assert_eq!(clock("host"), Ok(ClockSource::Host));
        assert_eq!(clock("fixed=2020-01-01"), fixed(1_577_836_800));
        assert_eq!(clock("fixed=2020-01-01T00:00:01Z"), fixed(1_577_836_801));
        assert_eq!(
            clock("fixed=1970-01-01T00:00:00.25Z"),
            Ok(ClockSource::Fixed(250_000_000))
        );
        assert_eq!(clock("fixed=1577836800"), fixed(1_577_836_800));
        assert_eq!(clock("fixed=0.5"), Ok(ClockSource::Fixed(500_000_000)));
        for wrong in [
            "",
            "fixed",
            "fixed=",
            "fixed=now",
            "fixed=2020-13-01",
            "fixed=1969-12-31",
            "fixed=9999-01-01",
            "fixed=1e400",
            "fixed=99999999999999999999999",
            "other=1",
            "fixed=1.2.3",
        ] {
            assert!(clock(wrong).is_err(), "{wrong}");
        }
        assert_eq!(duration("100us"), Ok(Duration::from_micros(100)));
        assert_eq!(duration("1ns"), Ok(Duration::from_nanos(1)));
    }

    #[test]
    fn what_is_granted_is_named_as_on_the_host_unless_said_otherwise() {
        let parse = |text: &str| parse_granted(OsStr::new(text)).map(|dir| (dir.host, dir.guest, dir.read_only));
        assert_eq!(parse("data"), Ok(("data".into(), "data".into(), false)));
        assert_eq!(parse("data::/d"), Ok(("data".into(), "/d".into(), false)));
        assert_eq!(parse("data::/d::ro"), Ok(("data".into(), "/d".into(), true)));
        assert_eq!(parse("data::ro"), Ok(("data".into(), "data".into(), true)));
        assert_eq!(parse("data::/ro"), Ok(("data".into(), "/ro".into(), false)));
        assert_eq!(parse("/::/"), Ok(("/".into(), "/".into(), false)));
        assert_eq!(parse("C:\\x::/d"), Ok(("C:\\x".into(), "/d".into(), false)));
        assert!(parse("::/d").is_err());
        assert!(parse("data::").is_err());
        assert!(parse("data::::ro").is_err());
        assert!(parse("::ro").is_err());
        assert!(parse("").is_err());
    }

    #[test]
    fn what_is_traced_begins_with_wasi() {
        assert_eq!(trace("wasi"), Ok(TraceFilter::ALL));
        assert_eq!(trace("wasi=fs,clock"), "fs,clock".parse());
        for wrong in ["", "wasi=", "wasi=disk", "insn", "wasi,fs"] {
            assert!(trace(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_variable_may_be_empty_but_needs_a_name() {
        let parse = |text: &str| parse_variable(OsStr::new(text));
        assert_eq!(parse("A=1=2"), Ok(Variable::Set("A".into(), "1=2".into())));
        assert_eq!(parse("A="), Ok(Variable::Set("A".into(), "".into())));
        assert_eq!(parse("A"), Ok(Variable::PassOn("A".into())));
        assert!(parse("=1").is_err());
        assert!(parse("").is_err());
    }
}
