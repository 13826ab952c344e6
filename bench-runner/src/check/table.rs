//! A verdict for the terminal: the sentence, the reasons, the rows that changed.

use bench_report::metric::{NOT_AVAILABLE, Scale, Unit, format_change_interval};
use bench_verdict::band::Band;
use bench_verdict::exit::Status;
use bench_verdict::gate::FailOn;
use bench_verdict::stats::order;
use bench_verdict::verdict::{Evidence, SeriesVerdict, Verdict};
use bench_verdict::words::{evidence_word, list, percent, value};

use super::Checked;

/// The whole answer.
pub fn to_table(checked: &Checked) -> String {
    let verdict = &checked.verdict;
    let mut text = opening(verdict);
    for reason in &verdict.reasons {
        text.push_str(&format!("  {reason}\n"));
    }
    if checked.one_value_each {
        text.push_str(
            "The files hold one value a series, so noise cannot be told from change and the band \
             alone decides (--no-noise-guard).\n",
        );
    }
    text.push('\n');
    text.push_str(&coverage(verdict));
    text.push_str(&changed(verdict));
    for flag in &verdict.red_flags {
        text.push_str(&format!("red flag: {flag}\n"));
    }
    text
}

fn opening(verdict: &Verdict) -> String {
    let sentence = match verdict.status {
        Status::Pass => "pass: nothing got worse",
        Status::Fail => "fail: something got worse",
        Status::Inconclusive => "inconclusive: the data cannot decide",
        Status::Incomplete => "incomplete: something that should be here was not measured",
        Status::Incomparable => "incomparable: the environments differ",
    };
    let band = match verdict.fail_on {
        FailOn::Info => "info",
        FailOn::Warning => "warning",
        FailOn::Critical => "critical",
    };
    let (threshold, code) = (percent(verdict.threshold), verdict.exit_code.code());
    format!("{sentence} (exit {code}; fails above {threshold}, from band {band} on)\n")
}

fn coverage(verdict: &Verdict) -> String {
    let coverage = &verdict.coverage;
    let mut text = format!(
        "{} of {} expected series measured",
        coverage.measured, coverage.expected
    );
    if !coverage.new.is_empty() {
        text.push_str(&format!(
            "; {} new: {}",
            coverage.new.len(),
            list(&coverage.new)
        ));
    }
    if !coverage.not_available.is_empty() {
        let count = coverage.not_available.len();
        text.push_str(&format!("; {count} not available here"));
    }
    text.push('\n');
    text
}

const COLUMNS: [&str; 8] = [
    "series",
    "baseline",
    "current",
    "change",
    "95%",
    "noise",
    "detectable",
    "verdict",
];

/// The series whose band says something, the worst first; the rest in a sentence.
pub fn changed(verdict: &Verdict) -> String {
    let (mut shown, quiet): (Vec<&SeriesVerdict>, Vec<&SeriesVerdict>) = verdict
        .series
        .iter()
        .partition(|row| row.band != Band::None);
    shown.sort_by(|a, b| {
        let size = |row: &SeriesVerdict| row.change.map_or(f64::INFINITY, f64::abs);
        (b.band.severity(), size(b))
            .partial_cmp(&(a.band.severity(), size(a)))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut table = vec![COLUMNS.map(str::to_owned)];
    table.extend(shown.iter().map(|row| {
        let [baseline, current] = levels(row);
        [
            row.name(),
            baseline,
            current,
            match (row.change, row.baseline) {
                (Some(change), _) => percent(change),
                (None, Some(_)) => "from 0".to_owned(),
                (None, None) => String::new(),
            },
            row.interval
                .map_or_else(String::new, |[low, high]| format_change_interval(low, high)),
            row.noise_floor
                .map_or_else(String::new, |floor| format!("±{:.1}%", 100.0 * floor)),
            row.detectable_change
                .map_or_else(String::new, |least| format!("{:.1}%", 100.0 * least)),
            word(row),
        ]
    }));
    let mut text = if shown.is_empty() {
        String::new()
    } else {
        layout(&table)
    };
    if !quiet.is_empty() {
        let mut seen: Vec<f64> = quiet
            .iter()
            .filter_map(|row| row.detectable_change)
            .collect();
        seen.sort_by(f64::total_cmp);
        let smallest = match (order::median_sorted(&seen), seen.last()) {
            (Some(median), Some(largest)) if percent(median) == percent(*largest) => {
                format!(" (a change of {} would have been seen)", percent(median))
            }
            (Some(median), Some(largest)) => format!(
                " (a change of {} would have been seen in half of them, of {} in all)",
                percent(median),
                percent(*largest)
            ),
            _ => String::new(),
        };
        text.push_str(&format!(
            "{} series within 5% of their baseline{smallest}\n",
            quiet.len()
        ));
    }
    text
}

/// Baseline and value in one unit, so that they can be compared at a glance.
fn levels(row: &SeriesVerdict) -> [String; 2] {
    let Ok(unit) = Unit::parse(&row.unit) else {
        let read = |level| value(level, &row.unit);
        return [
            row.baseline.map_or_else(|| NOT_AVAILABLE.to_owned(), read),
            read(row.value),
        ];
    };
    let scale = Scale::common(unit, row.baseline.into_iter().chain([row.value]));
    let read = |level| scale.reading(level).to_string();
    [
        row.baseline.map_or_else(|| NOT_AVAILABLE.to_owned(), read),
        read(row.value),
    ]
}

fn word(row: &SeriesVerdict) -> String {
    let band = row.band.word();
    match (row.samples_needed, row.evidence) {
        _ if row.samples <= 1 && row.evidence == Evidence::Inconclusive => band.to_owned(),
        (Some(needed), _) => format!("{band}, {needed} samples a side would decide"),
        (None, evidence) => format!("{band}, {}", evidence_word(evidence)),
    }
}

/// In columns; one that says nothing of any row is left out.
fn layout(table: &[[String; COLUMNS.len()]]) -> String {
    let says = |column: usize| table.iter().skip(1).any(|cells| !cells[column].is_empty());
    let widths: [usize; COLUMNS.len()] = std::array::from_fn(|column| {
        table
            .iter()
            .map(|cells| cells[column].chars().count())
            .max()
            .unwrap_or(0)
    });
    let mut text = String::new();
    for cells in table {
        let mut line = String::new();
        let columns = cells.iter().zip(widths).enumerate();
        for (column, (cell, width)) in columns.filter(|(column, _)| says(*column)) {
            let padding = " ".repeat(width - cell.chars().count());
            let to_the_right = (1..=3).contains(&column) || (5..=6).contains(&column);
            line.push_str(if column > 0 { "  " } else { "" });
            line.push_str(&if to_the_right {
                padding + cell
            } else {
                cell.clone() + &padding
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
