//! A verdict for the terminal: the sentence, the reasons, the rows that changed.

use bench_report::metric::{NOT_AVAILABLE, Scale, Unit, format_change_interval};
use bench_verdict::band::Band;
use bench_verdict::exit::Status;
use bench_verdict::gate::FailOn;
use bench_verdict::stats::order;
use bench_verdict::verdict::{Evidence, SeriesVerdict, Verdict};
use bench_verdict::words::{list, percent, value};

use super::Checked;
use crate::output::{Line, Meaning, Style, grouped, hanging, judged, meaning};

/// The whole answer.
pub fn to_table(checked: &Checked, style: Style) -> String {
    let verdict = &checked.verdict;
    let mut text = opening(verdict, style);
    for reason in &verdict.reasons {
        text.push_str(&hanging("  ", reason));
    }
    if checked.one_value_each {
        text.push_str(&hanging(
            "",
            "The files hold one value a series, so noise cannot be told from change and the band \
             alone decides (--no-noise-guard).",
        ));
    }
    text.push('\n');
    text.push_str(&hanging("", &coverage(verdict)));
    text.push_str(&changed(verdict, style));
    for flag in &verdict.red_flags {
        text.push_str(&hanging("red flag: ", flag));
    }
    text
}

fn opening(verdict: &Verdict, style: Style) -> String {
    let (meaning, word, sentence) = match verdict.status {
        Status::Pass => (Meaning::Good, "pass", "nothing got worse"),
        Status::Fail => (Meaning::Bad, "fail", "something got worse"),
        Status::Inconclusive => (Meaning::Doubt, "inconclusive", "the data cannot decide"),
        Status::Incomplete => (
            Meaning::Doubt,
            "incomplete",
            "something that should be here was not measured",
        ),
        Status::Incomparable => (Meaning::Doubt, "incomparable", "the environments differ"),
    };
    let band = match verdict.fail_on {
        FailOn::Info => "info",
        FailOn::Warning => "warning",
        FailOn::Critical => "critical",
    };
    let (threshold, code) = (percent(verdict.threshold), verdict.exit_code.code());
    let limit = format!("(exit {code}; fails above {threshold}, from band {band} on)");
    let text = hanging("", &format!("{word}: {sentence} {limit}"));
    text.replacen(word, &style.paint(meaning, word), 1)
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
    text
}

const COLUMNS: [&str; 7] = [
    "series",
    "baseline",
    "current",
    "change",
    "95% interval",
    "sees",
    "verdict",
];

/// The series whose band says something, what is sure and worst first; the rest in a sentence.
pub fn changed(verdict: &Verdict, style: Style) -> String {
    let (mut shown, quiet): (Vec<&SeriesVerdict>, Vec<&SeriesVerdict>) = verdict
        .series
        .iter()
        .partition(|row| row.band != Band::None);
    shown.sort_by(|a, b| {
        let size = |row: &SeriesVerdict| row.change.map_or(f64::INFINITY, f64::abs);
        let place = |row: &SeriesVerdict| (is_sure(row), row.band.severity(), size(row));
        place(b)
            .partial_cmp(&place(a))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let lines: Vec<Line<7>> = shown.iter().map(|row| line(row)).collect();
    let mut text = String::new();
    if !lines.is_empty() {
        text.push_str(&grouped(COLUMNS, &[(String::new(), lines)], style));
        text.push_str(&hanging("", LEGEND));
    }
    if !quiet.is_empty() {
        text.push_str(&hanging("", &within(&quiet)));
    }
    text
}

/// What the columns say.
const LEGEND: &str = "change: + is worse; sees: the smallest change that these samples would show.";

fn line(row: &SeriesVerdict) -> Line<7> {
    let [baseline, current] = levels(row);
    let (word, meaning) = word(row);
    let change = match (row.change, row.baseline) {
        (Some(change), _) => percent(change),
        (None, Some(_)) => "from 0".to_owned(),
        (None, None) => String::new(),
    };
    let interval = row.interval;
    let seen = row.detectable_change;
    Line {
        cells: [
            row.name(),
            baseline,
            current,
            change,
            interval.map_or_else(String::new, |[low, high]| format_change_interval(low, high)),
            seen.map_or_else(String::new, size),
            word,
        ],
        meaning,
    }
}

/// How many moved by less than a band, and how small a change would have been seen in those that
/// needed statistics.
fn within(quiet: &[&SeriesVerdict]) -> String {
    let needed = quiet.iter().filter(|row| row.evidence != Evidence::Exact);
    let mut seen: Vec<f64> = needed.filter_map(|row| row.detectable_change).collect();
    seen.sort_by(f64::total_cmp);
    let smallest = match (order::median_sorted(&seen), seen.last()) {
        (Some(median), Some(largest)) if percent(median) == percent(*largest) => {
            format!(" (a change of {} would have been seen)", size(median))
        }
        (Some(median), Some(largest)) => format!(
            " (a change of {} would have been seen in half of them, of {} in all)",
            size(median),
            size(*largest)
        ),
        _ => String::new(),
    };
    format!(
        "{} series within 5% of their baseline{smallest}",
        quiet.len()
    )
}

/// `5.1%`, with no sign: a change either way.
fn size(change: f64) -> String {
    percent(change).trim_start_matches('+').to_owned()
}

fn is_sure(row: &SeriesVerdict) -> bool {
    matches!(row.evidence, Evidence::Exact | Evidence::Confirmed) || has_one_value(row)
}

/// Then the band alone decides.
fn has_one_value(row: &SeriesVerdict) -> bool {
    row.samples <= 1 && row.evidence == Evidence::Inconclusive
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

fn word(row: &SeriesVerdict) -> (String, Option<Meaning>) {
    if has_one_value(row) {
        return (row.band.word().to_owned(), meaning(row.band));
    }
    match row.samples_needed {
        Some(needed) => (format!("needs {needed} samples"), Some(Meaning::Doubt)),
        None => {
            let (word, meaning) = judged(row.evidence, row.band);
            (word.to_owned(), meaning)
        }
    }
}
