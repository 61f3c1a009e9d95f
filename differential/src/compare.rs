//! Runs a case under every engine and configuration, and says where they part.
//!
//! What is right is said by the plain interpreter of `reference`, because wasmi is not always: where those two differ
//! is counted, so that an error of the interpreter would be seen.

use std::fmt;

use crate::case::{Case, Unit};
use crate::engines::reference::Reference;
use crate::engines::wasmi::Wasmi;
use crate::engines::wasmrun::{Mode, SETUPS, Setup, Wasmrun};
use crate::engines::{History, play};
use crate::value::Ending;

/// Where a configuration of wasmrun and the others part.
#[derive(Clone)]
pub struct Difference {
    pub setup: String,
    /// Nothing: at instantiation.
    pub call: Option<String>,
    pub expected: String,
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  configuration  {}", self.setup)?;
        writeln!(
            f,
            "  call           {}",
            self.call.as_deref().unwrap_or("none: instantiation")
        )?;
        writeln!(f, "  expected       {}", self.expected)?;
        write!(f, "  wasmrun        {}", self.found)
    }
}

/// What a case showed.
#[derive(Default)]
pub struct Verdict {
    pub difference: Option<Difference>,
    /// Calls compared, and how many of them returned.
    pub calls: usize,
    pub returned: usize,
    /// A stack was exhausted, so that not all was compared.
    pub cut_short: bool,
    /// It takes too long, so nothing was compared.
    pub skipped: bool,
    /// wasmi and the reference differ.
    pub wasmi_differs: bool,
}

/// What happens under every engine and configuration.
pub fn histories(case: &Case) -> Vec<(&'static str, History)> {
    let mut histories = vec![("reference", reference(case))];
    if histories[0].1.steps.iter().any(|(ending, _)| ending.too_long()) {
        return histories;
    }
    histories.push(("wasmi", play(case, Wasmi::new(&case.units))));
    histories.extend(
        SETUPS
            .iter()
            .map(|setup| (setup.name, play(case, Wasmrun::new(*setup, case.seed, &case.units)))),
    );
    histories
}

/// Compares all configurations of wasmrun, or the named one, with the other engines.
pub fn compare(case: &Case, only: Option<&str>) -> Verdict {
    let mut runs: Vec<(String, Setup, &[Unit])> = Vec::new();
    for setup in SETUPS {
        // What is called back cannot pause.
        if !(case.calls_back && matches!(setup.mode, Mode::Starved | Mode::Stopped)) {
            runs.push((setup.name.to_owned(), *setup, &case.units));
        }
    }
    for setup in [SETUPS[0], SETUPS[4]] {
        if let Some(padded) = &case.padded {
            runs.push((format!("{}, padded", setup.name), setup, padded));
        }
    }
    let expected = reference(case);
    let mut verdict = Verdict::default();
    let mut endings = expected
        .refused
        .iter()
        .chain(expected.steps.iter().map(|(ending, _)| ending));
    if endings.any(Ending::too_long) {
        verdict.skipped = true;
        return verdict;
    }
    let wasmi = play(case, Wasmi::new(&case.units));
    verdict.wasmi_differs = judge(case, "wasmi", &expected, &wasmi).parted.is_some();
    for (name, setup, units) in runs.iter().filter(|(name, ..)| only.is_none_or(|only| name == only)) {
        let found = play(case, Wasmrun::new(*setup, case.seed, units));
        let judgement = judge(case, name, &expected, &found);
        verdict.cut_short |= judgement.cut_short;
        if judgement.parted.is_some() {
            verdict.difference = judgement.parted;
            break;
        }
    }
    verdict.calls = expected.steps.len();
    verdict.returned = expected
        .steps
        .iter()
        .filter(|(ending, _)| matches!(ending, Ending::Returned(_)))
        .count();
    verdict
}

/// The plain interpreter calls itself for calls, and its frames are big in debug builds.
fn reference(case: &Case) -> History {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 20);
        let thread = thread.spawn_scoped(scope, || play(case, Reference::new(&case.units)));
        thread
            .expect("a thread can be made")
            .join()
            .expect("the reference does not panic")
    })
}

/// What the comparison of two histories gives.
struct Judgement {
    parted: Option<Difference>,
    cut_short: bool,
}

const AGREED: Judgement = Judgement {
    parted: None,
    cut_short: false,
};

/// Where two histories part.
fn judge(case: &Case, setup: &str, expected: &History, found: &History) -> Judgement {
    let differ = |call: Option<usize>, expected: String, found: String| {
        let call = call.map(|at| {
            let call = &case.calls[at];
            format!("{at}: {}.{}{:?}", case.units[call.unit].name, call.func, call.args)
        });
        let parted = Some(Difference {
            setup: setup.to_owned(),
            call,
            expected,
            found,
        });
        Judgement {
            parted,
            cut_short: false,
        }
    };
    match (&expected.refused, &found.refused) {
        (None, None) => {}
        (Some(a), Some(b)) if a.agrees(b) || a.exhausted() || b.exhausted() => return AGREED,
        (a, b) => return differ(None, format!("{a:?}"), format!("{b:?}")),
    }
    for (at, (a, b)) in expected.steps.iter().zip(&found.steps).enumerate() {
        if a.0.exhausted() || b.0.exhausted() {
            return Judgement {
                cut_short: true,
                ..AGREED
            };
        }
        if !a.0.agrees(&b.0) {
            return differ(Some(at), format!("{:?}", a.0), format!("{:?}", b.0));
        }
        if let Some((name, theirs, ours)) = a.1.difference(&b.1) {
            let expected = format!("{:?}, and then {name} is {theirs}", a.0);
            return differ(Some(at), expected, format!("{name} is {ours}"));
        }
    }
    AGREED
}
