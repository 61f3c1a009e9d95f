//! `wasmrun wast`: runs spec scripts from disk and prints counts.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use serde_json::json;
use wasmrun::{Config, Features};

use super::args::WastArgs;
use super::exit::Ending;
use super::report;
use super::script::{self, ScriptReport};

/// Runs the scripts and prints what became of them, on stdout: no guest owns it here.
pub fn run(args: &WastArgs) -> Ending {
    let mut files = Vec::new();
    for path in &args.paths {
        if let Err(error) = collect(path, &mut files) {
            report::error(&format!("cannot read {}: {error}", path.display()));
            return Ending::Failure;
        }
    }
    if files.is_empty() {
        report::error("no .wast files there");
        return Ending::Failure;
    }
    let reports = run_all(&files, args.features.0);
    let text = if args.json {
        as_json(&files, &reports)
    } else {
        as_text(&files, &reports)
    };
    if let Err(error) = std::io::stdout().lock().write_all(text.as_bytes()) {
        report::error(&format!("cannot write the results: {error}"));
        return Ending::Failure;
    }
    let held = reports.iter().all(|report| report.failed.is_empty());
    if held { Ending::Done } else { Ending::Failure }
}

/// A file counts whatever its name is; in directories only `.wast` files do, in the order of their names.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.metadata()?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = std::fs::read_dir(path)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() || entry.extension().is_some_and(|extension| extension == "wast") {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

/// One report per file, in order; the work is shared by all processors.
fn run_all(files: &[PathBuf], features: Features) -> Vec<ScriptReport> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(files.len());
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else { return };
                    let report = match std::fs::read_to_string(file) {
                        Ok(text) => script::run(&text, Config::new(), features),
                        Err(error) => ScriptReport::broken(1, format!("cannot be read: {error}")),
                    };
                    let _ = sender.send((index, report));
                }
            });
        }
    });
    drop(sender);
    let mut reports: Vec<(usize, ScriptReport)> = receiver.into_iter().collect();
    reports.sort_by_key(|(index, _)| *index);
    reports.into_iter().map(|(_, report)| report).collect()
}

fn as_text(files: &[PathBuf], reports: &[ScriptReport]) -> String {
    let mut text = String::from(" passed  failed  skipped  file\n");
    for (file, report) in files.iter().zip(reports) {
        let (file, failed, skipped) = (file.display(), report.failed.len(), report.skipped_count());
        let _ = write!(text, "{:7} {failed:7} {skipped:8}  {file}", report.passed);
        if skipped > 0 {
            let _ = write!(text, " (skipped: {})", report.skip_reasons());
        }
        text.push('\n');
        for failure in &report.failed {
            let _ = writeln!(
                text,
                "    {file}:{}: {}: {}",
                failure.line, failure.directive, failure.message
            );
        }
    }
    let total = Total::of(reports);
    let files_word = if files.len() == 1 { "file" } else { "files" };
    let _ = writeln!(
        text,
        "{:7} {:7} {:8}  in {} {files_word}",
        total.passed,
        total.failed,
        total.skipped,
        files.len()
    );
    report::escape_lines(&text)
}

fn as_json(files: &[PathBuf], reports: &[ScriptReport]) -> String {
    let rows: Vec<serde_json::Value> = files
        .iter()
        .zip(reports)
        .map(|(file, report)| {
            let failures: Vec<serde_json::Value> = report
                .failed
                .iter()
                .map(|failure| {
                    json!({ "line": failure.line, "directive": failure.directive, "message": failure.message })
                })
                .collect();
            json!({
                "file": file.to_string_lossy(),
                "passed": report.passed,
                "failed": report.failed.len(),
                "skipped": report.skipped_count(),
                "skip_reasons": report.skipped,
                "failures": failures,
            })
        })
        .collect();
    let total = Total::of(reports);
    let document = json!({
        "passed": total.passed,
        "failed": total.failed,
        "skipped": total.skipped,
        "files": rows,
    });
    format!("{document:#}\n")
}

struct Total {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Total {
    fn of(reports: &[ScriptReport]) -> Total {
        Total {
            passed: reports.iter().map(|report| u64::from(report.passed)).sum(),
            failed: reports.iter().map(|report| report.failed.len() as u64).sum(),
            skipped: reports.iter().map(|report| u64::from(report.skipped_count())).sum(),
        }
    }
}
