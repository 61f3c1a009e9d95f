//! The plot for the documentation: one line per workload, one dot per contender, time relative to one of them.
//!
//! Written as SVG text by hand: a few shapes need no library, and the file stays readable in a diff.

use std::fmt::Write as _;

use crate::Result;
use crate::compute::{Measured, cpu};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 64.0;
const ROW: f64 = 20.0;
/// Told apart without colour vision too: the subject is dark and bigger.
const COLOURS: [&str; 8] = [
    "#1b1f24", "#e69f00", "#0072b2", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#999999",
];

/// The dots of all contenders, each at its time divided by the baseline's; on a logarithmic scale, because these are
/// ratios.
pub fn relative(measured: &Measured, baseline: Option<&str>) -> Result<String> {
    let baseline = baseline.unwrap_or("wasmi");
    let Some(base) = measured.contenders.iter().position(|name| *name == baseline) else {
        return Err(format!("the plot is relative to {baseline}, which was not measured; see --baseline").into());
    };
    let rows = rows(measured, base);
    let ratios = || rows.iter().flat_map(|row| row.dots.iter().flatten().copied());
    let scale = Scale::around(ratios());
    let height = TOP + ROW * rows.len() as f64 + 40.0;

    let mut svg = String::new();
    writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">
<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>
<text x="{LEFT}" y="20" font-size="14">CPU time relative to {baseline}, logarithmic; left is faster</text>"##
    )?;
    legend(&mut svg, measured)?;
    axis(&mut svg, &scale, height)?;
    for (r, row) in rows.iter().enumerate() {
        line(&mut svg, &scale, row, TOP + ROW * (r as f64 + 0.5), measured.subject)?;
    }
    writeln!(svg, "</svg>")?;
    Ok(svg)
}

struct Row {
    label: String,
    /// A class's mean, shown in bold.
    is_mean: bool,
    /// By contender.
    dots: Vec<Option<f64>>,
}

fn rows(measured: &Measured, base: usize) -> Vec<Row> {
    let contenders = || 0..measured.contenders.len();
    let mut rows = Vec::new();
    for class in measured.classes() {
        for (w, (name, _)) in measured
            .workloads
            .iter()
            .enumerate()
            .filter(|(_, (_, of))| *of == class)
        {
            rows.push(Row {
                label: name.to_string(),
                is_mean: false,
                dots: contenders().map(|c| measured.ratio(w, c, base, cpu)).collect(),
            });
        }
        rows.push(Row {
            label: format!("{}: mean", class.name()),
            is_mean: true,
            dots: contenders()
                .map(|c| measured.mean_ratio(Some(class), c, base, cpu))
                .collect(),
        });
    }
    rows.push(Row {
        label: "all: mean".into(),
        is_mean: true,
        dots: contenders().map(|c| measured.mean_ratio(None, c, base, cpu)).collect(),
    });
    rows
}

struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    fn around(ratios: impl Iterator<Item = f64> + Clone) -> Scale {
        Scale {
            least: ratios.clone().fold(0.9, f64::min) * 0.93,
            most: ratios.fold(1.1, f64::max) * 1.07,
        }
    }

    fn x(&self, ratio: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (ratio / self.least).ln() / (self.most / self.least).ln()
    }

    /// Round numbers within the scale, far enough apart to be read; 1 is always among them.
    fn ticks(&self) -> Vec<f64> {
        const ROUND: [f64; 20] = [
            1.0, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0,
        ];
        let mut ticks: Vec<f64> = Vec::new();
        for tick in ROUND.into_iter().filter(|tick| (self.least..self.most).contains(tick)) {
            let apart = |other: &f64| (self.x(tick) - self.x(*other)).abs() >= 28.0;
            if ticks.iter().all(apart) {
                ticks.push(tick);
            }
        }
        ticks
    }
}

fn legend(svg: &mut String, measured: &Measured) -> Result<()> {
    let mut x = LEFT;
    for (c, name) in measured.contenders.iter().enumerate() {
        let colour = COLOURS[c % COLOURS.len()];
        writeln!(
            svg,
            r##"<circle cx="{}" cy="36" r="5" fill="{colour}"/><text x="{}" y="40">{name}</text>"##,
            x + 5.0,
            x + 14.0
        )?;
        x += 34.0 + 7.0 * name.len() as f64;
    }
    Ok(())
}

fn axis(svg: &mut String, scale: &Scale, height: f64) -> Result<()> {
    let bottom = height - 34.0;
    for tick in scale.ticks() {
        let (x, colour) = (scale.x(tick), if tick == 1.0 { "#555555" } else { "#dddddd" });
        writeln!(
            svg,
            r##"<line x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{bottom}" stroke="{colour}"/><text x="{x:.1}" y="{}" text-anchor="middle" fill="#555555">{tick}</text>"##,
            bottom + 16.0
        )?;
    }
    Ok(())
}

fn line(svg: &mut String, scale: &Scale, row: &Row, y: f64, subject: usize) -> Result<()> {
    if row.is_mean {
        writeln!(
            svg,
            r##"<rect x="0" y="{}" width="{WIDTH}" height="{ROW}" fill="#000000" fill-opacity="0.06"/>"##,
            y - ROW / 2.0
        )?;
    }
    let weight = if row.is_mean { "bold" } else { "normal" };
    writeln!(
        svg,
        r##"<text x="{}" y="{}" text-anchor="end" font-weight="{weight}">{}</text>"##,
        LEFT - 12.0,
        y + 4.0,
        row.label
    )?;
    // The subject last, so that no other dot hides it.
    let dots = row.dots.iter().enumerate().filter(|(c, _)| *c != subject);
    for (c, ratio) in dots.chain([(subject, &row.dots[subject])]) {
        if let Some(ratio) = ratio {
            let (radius, colour) = (if c == subject { 5.5 } else { 4.5 }, COLOURS[c % COLOURS.len()]);
            writeln!(
                svg,
                r##"<circle cx="{:.1}" cy="{y}" r="{radius}" fill="{colour}"><title>{ratio:.2}</title></circle>"##,
                scale.x(*ratio)
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Spent;
    use crate::workload::Class;

    fn measured() -> Measured {
        let spent = |cpu_ms| {
            vec![Spent {
                wall_ms: cpu_ms,
                cpu_ms,
            }]
        };
        Measured {
            contenders: vec!["wasmrun", "wasmi"],
            subject: 0,
            workloads: vec![("fib", Class::Micro), ("lua", Class::Real)],
            spent: vec![vec![spent(1.0), spent(2.0)], vec![spent(3.0), Vec::new()]],
            rounds: 1,
            missing: Vec::new(),
            machine: String::new(),
        }
    }

    #[test]
    fn dots_are_the_ratios_and_none_stands_for_what_did_not_run() {
        let svg = relative(&measured(), None).unwrap();
        assert!(svg.contains("<title>0.50</title>"), "{svg}");
        // fib, its class and the mean of all: lua has no baseline to stand against.
        assert_eq!(svg.matches("<title>1.00</title>").count(), 3, "{svg}");
        assert!(svg.ends_with("</svg>\n"));
    }

    #[test]
    fn a_baseline_that_was_not_measured_is_an_error() {
        assert!(relative(&measured(), Some("stitch")).is_err());
    }

    #[test]
    fn one_is_always_on_the_axis() {
        assert!(Scale { least: 0.9, most: 1.2 }.ticks().contains(&1.0));
    }
}
