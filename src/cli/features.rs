//! The text form of a feature set: `wasm2,tail-call`.

use std::str::FromStr;

use wasmrun::Features;

/// A feature set as typed.
#[derive(Debug, Clone, Copy)]
pub struct FeatureSet(pub Features);

type Setter = fn(Features, bool) -> Features;

/// Each proposal and the name it goes by on the command line.
const NAMES: &[(&str, Setter)] = &[
    ("mutable-global", Features::mutable_global),
    (
        "nontrapping-float-to-int-conversions",
        Features::saturating_float_to_int,
    ),
    ("sign-extension-ops", Features::sign_extension),
    ("multi-value", Features::multi_value),
    ("bulk-memory-operations", Features::bulk_memory),
    ("reference-types", Features::reference_types),
    ("tail-call", Features::tail_call),
    ("extended-const", Features::extended_const),
    ("multi-memory", Features::multi_memory),
    ("exceptions", Features::exceptions),
    ("legacy-exceptions", Features::legacy_exceptions),
    ("memory64", Features::memory64),
    ("custom-page-sizes", Features::custom_page_sizes),
    ("wide-arithmetic", Features::wide_arithmetic),
    ("threads", Features::threads),
    ("simd", Features::simd),
    ("relaxed-simd", Features::relaxed_simd),
    ("atomics", Features::atomics),
    ("function-references", Features::function_references),
    ("gc", Features::gc),
];

impl FromStr for FeatureSet {
    type Err = String;

    fn from_str(text: &str) -> Result<FeatureSet, String> {
        let mut words = text.split(',');
        let mut features = match words.next().unwrap_or_default() {
            "wasm1" => Features::wasm1(),
            "wasm2" => Features::wasm2(),
            "wasm3" => Features::wasm3(),
            "all" => Features::default(),
            other => {
                return Err(format!(
                    "`{other}` is not one of wasm1, wasm2, wasm3, all, with which a set begins"
                ));
            }
        };
        for word in words {
            let (name, on) = match word.strip_prefix('-') {
                Some(name) => (name, false),
                None => (word, true),
            };
            let Some((_, set)) = NAMES.iter().find(|(known, _)| *known == name) else {
                let known: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
                return Err(format!("`{name}` is not one of {}", known.join(", ")));
            };
            features = set(features, on);
        }
        Ok(FeatureSet(features))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_a_base_and_what_is_added_or_taken_away() {
        let names = |text: &str| {
            text.parse::<FeatureSet>()
                .map(|set| set.0.names().collect::<Vec<_>>().join(" "))
        };
        assert_eq!(names("wasm1"), Ok("mutable-global".into()));
        assert_eq!(names("wasm1,tail-call,-mutable-global"), Ok("tail-call".into()));
        assert!(names("all,-tail-call").is_ok_and(|names| !names.contains("tail-call")));
        assert!(names("").is_err());
        assert!(names("tail-call").is_err());
        assert!(names("all,nonsense").is_err());
    }

    #[test]
    fn every_feature_of_the_engine_can_be_named() {
        let ours: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        assert_eq!(Features::default().threads(true).names().collect::<Vec<_>>(), ours);
    }
}
