//! A little of what `fuzz/` does for as long as one likes, and what it or others have found.

use crate::harness;

#[test]
fn random_calls_do_no_harm() {
    for seed in 0..24 {
        harness::run(seed).unwrap_or_else(|found| panic!("seed {seed}: {found}"));
    }
}

#[test]
fn calls_that_did_harm_do_none_any_more() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/regressions.txt");
    let made = harness::replay(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(made > 40, "{made}");
}
