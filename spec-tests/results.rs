//! `results.tsv`: what each script is expected to do, in a form whose changes show in review.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::script::ScriptReport;

/// The first line of the file.
const HEADER: &str = "file\tpassed\tfailed\tskipped\treason";

/// Counts of directives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    passed: u32,
    failed: u32,
    skipped: u32,
    /// Why directives were skipped; empty when none were.
    reason: String,
}

impl Row {
    /// The row of a script that did this.
    pub fn of(report: &ScriptReport) -> Row {
        Row {
            passed: report.passed,
            failed: report.failed.len() as u32,
            skipped: report.skipped_count(),
            reason: report.skip_reasons(),
        }
    }

    fn parse(line: &str) -> Option<(String, Row)> {
        let mut cells = line.split('\t');
        let name = cells.next()?.to_owned();
        let mut number = || cells.next()?.parse().ok();
        let (passed, failed, skipped) = (number()?, number()?, number()?);
        let reason = cells.next()?.to_owned();
        cells.next().is_none().then_some((
            name,
            Row {
                passed,
                failed,
                skipped,
                reason,
            },
        ))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )?;
        if self.reason.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", self.reason)
        }
    }
}

/// Rows by the name of the script.
#[derive(Debug, Default)]
pub struct Results(BTreeMap<String, Row>);

impl Results {
    fn path() -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "spec-tests", "results.tsv"]
            .iter()
            .collect()
    }

    /// Reads the checked-in file; a file that is not there has no rows.
    pub fn read() -> Result<Results, String> {
        let path = Results::path();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Results::default());
            }
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        let mut rows = BTreeMap::new();
        for (index, line) in text.lines().enumerate().skip(1) {
            let (name, row) = Row::parse(line).ok_or_else(|| format!("{}:{}: not a row", path.display(), index + 1))?;
            rows.insert(name, row);
        }
        Ok(Results(rows))
    }

    /// Writes the file.
    pub fn write(&self) -> Result<(), String> {
        let mut text = format!("{HEADER}\n");
        for (name, row) in &self.0 {
            text.push_str(&format!(
                "{name}\t{}\t{}\t{}\t{}\n",
                row.passed, row.failed, row.skipped, row.reason
            ));
        }
        let path = Results::path();
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Adds a row.
    pub fn insert(&mut self, name: String, row: Row) {
        self.0.insert(name, row);
    }

    /// The row of a script.
    pub fn get(&self, name: &str) -> Option<&Row> {
        self.0.get(name)
    }

    /// The scripts that have a row.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All rows added up.
    pub fn total(&self) -> Row {
        let mut total = Row::default();
        for row in self.0.values() {
            total.passed += row.passed;
            total.failed += row.failed;
            total.skipped += row.skipped;
        }
        total
    }
}
