//! `--stats`: where time and space went, on stderr when the run is over.

use std::fmt::Write as _;
use std::time::Duration;

use wasmrun::{Module, Store};

use super::report;

/// Lines of each list of instructions.
#[cfg(feature = "stats")]
const LINES: usize = 60;

/// Prints what is known of the module and of the run, which took `running`.
pub fn print(module: &Module, store: &Store, running: Duration) {
    report::print(&text(module, store, running));
}

fn text(module: &Module, store: &Store, running: Duration) -> String {
    let stats = module.stats();
    let translated = stats.translated;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let mut text = format!(
        "time: decode {:.2} ms, validate {:.2} ms, translate {:.2} ms, run {:.2} ms",
        ms(stats.decoding),
        ms(stats.validation),
        ms(translated.time),
        ms(running.saturating_sub(translated.time)),
    );
    let _ = write!(
        text,
        "\ncode: {} of {} functions translated, {} bytes of {} in the module, to {} bytes of internal code",
        translated.functions, stats.functions, translated.body_bytes, stats.bytes, translated.code_bytes,
    );
    if translated.body_bytes > 0 {
        let ratio = translated.code_bytes as f64 / translated.body_bytes as f64;
        let _ = write!(text, " ({ratio:.1} per byte)");
    }
    execution(&mut text, store);
    text
}

#[cfg(feature = "stats")]
fn execution(text: &mut String, store: &Store) {
    let stats = store.execution_stats();
    let _ = write!(text, "\ninstructions executed: {}", stats.total);
    let lists = [
        ("operations", &stats.operations),
        ("forms (operation, classes of sources > of destination)", &stats.forms),
        ("pairs", &stats.pairs),
        ("triples", &stats.triples),
    ];
    for (title, list) in lists {
        let _ = write!(text, "\n\n{title}");
        for (what, count) in list.iter().take(LINES) {
            let percent = *count as f64 * 100.0 / stats.total.max(1) as f64;
            let _ = write!(text, "\n{percent:6.2} % {count:>14}  {what}");
        }
    }
}

#[cfg(not(feature = "stats"))]
fn execution(text: &mut String, _: &Store) {
    text.push_str(
        "\ninstructions: not counted in this build; `cargo build --release --features stats` makes one that does",
    );
}
