//! Makes a failing case smaller: generators make less of fewer bytes, so bytes are taken away while it still fails.

use crate::case::{Case, Kind, entropy};
use crate::compare::compare;

/// The smallest case found that still shows a difference in the configuration.
pub fn shrink(seed: u64, kind: Kind, setup: &str) -> Option<Case> {
    let fails = |bytes: &[u8]| {
        let case = Case::from_entropy(seed, kind, bytes).ok()?;
        compare(&case, Some(setup)).difference.is_some().then_some(case)
    };
    let mut bytes = entropy(seed, kind);
    let mut best = fails(&bytes)?;
    let mut chunk = bytes.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < bytes.len() {
            let end = (at + chunk).min(bytes.len());
            let mut without = bytes.clone();
            without.drain(at..end);
            let mut zeroed = bytes.clone();
            zeroed[at..end].fill(0);
            let smaller = |case: &Case| size(case) <= size(&best);
            if let Some(case) = fails(&without).filter(smaller) {
                (bytes, best) = (without, case);
            } else if zeroed != bytes
                && let Some(case) = fails(&zeroed).filter(|case| size(case) < size(&best))
            {
                (bytes, best) = (zeroed, case);
                at = end;
            } else {
                at = end;
            }
        }
        chunk /= 2;
    }
    Some(best)
}

fn size(case: &Case) -> usize {
    case.units.iter().map(|unit| unit.wasm.len()).sum()
}
