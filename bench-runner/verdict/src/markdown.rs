//! A verdict or a comparison as Markdown: for a pull request's comment, an issue, a job's summary.
//!
//! The sentence first, the reasons behind it second, the rows that changed third; what did not
//! change is counted, with the smallest change that could have been seen. Names come from reports
//! that anybody may have sent, so everything that Markdown would take for markup is escaped.

use crate::band::Band;
use crate::comparison::Comparison;
use crate::exit::Status;
use crate::verdict::{Evidence, SeriesVerdict, Verdict, series_name};
use crate::words::{evidence_word, percent, value};

/// At most so many rows; a comment is read, not searched.
const ROWS: usize = 60;

/// At most so many reasons of a comparison: a comment may have 65,536 letters.
const REASONS: usize = 30;

/// At most so many rows of a comparison before the fold.
const COMPARED_ROWS: usize = 10;

/// The verdict on a run.
pub fn verdict(verdict: &Verdict) -> String {
    let mut out = String::new();
    opening(
        &mut out,
        verdict.status,
        verdict.exit_code.code(),
        &verdict.reasons,
    );
    let coverage = &verdict.coverage;
    line(
        &mut out,
        &format!(
            "{} of {} expected series measured.",
            coverage.measured, coverage.expected
        ),
    );
    if !verdict.red_flags.is_empty() {
        line(&mut out, "Red flags (they fail nothing):");
        list(&mut out, &verdict.red_flags);
    }
    let rows: Vec<Row> = verdict.series.iter().map(Row::of_series).collect();
    let more = table(&mut out, rows, ("baseline", "tonight"), ROWS).len();
    self::more(&mut out, more);
    out
}

/// The difference of two sides: the sentence, what was compared, the rows that matter most; all the
/// other rows that changed, and every reason, are folded.
pub fn comparison(comparison: &Comparison) -> String {
    comparison_with(comparison, &[])
}

/// [`comparison`], with lines of the caller's own after what was compared; each is Markdown.
pub fn comparison_with(comparison: &Comparison, lines: &[String]) -> String {
    let mut out = format!(
        "**{}.** (exit {})\n\n",
        escaped(&comparison.sentence),
        comparison.exit_code.code()
    );
    line(&mut out, &compared(comparison));
    for text in lines {
        line(&mut out, text);
    }
    let rows: Vec<Row> = comparison.rows.iter().map(Row::of_compared).collect();
    let folded = table(&mut out, rows, ("before", "after"), COMPARED_ROWS);
    lost(&mut out, comparison);
    let means: Vec<String> = comparison
        .geomean
        .iter()
        .filter(|mean| mean.change.is_some())
        .map(|mean| escaped(&mean.to_string()))
        .collect();
    if !means.is_empty() {
        line(
            &mut out,
            &format!(
                "Geometric mean of after ÷ before by unit, with its 95% interval: {}.",
                means.join(", ")
            ),
        );
    }
    if !folded.is_empty() {
        fold(
            &mut out,
            &format!("{} more series that changed", folded.len()),
            |out| {
                heading(out, ("before", "after"));
                for row in folded.iter().take(ROWS) {
                    row.write(out);
                }
                out.push('\n');
                more(out, folded.len().saturating_sub(ROWS));
            },
        );
    }
    if !comparison.reasons.is_empty() {
        let count = comparison.reasons.len();
        let summary = if count == 1 {
            "The reason".to_owned()
        } else {
            format!("The {count} reasons")
        };
        fold(&mut out, &summary, |out| {
            let told = comparison.reasons.len().min(REASONS);
            list(out, &comparison.reasons[..told]);
            more(out, comparison.reasons.len() - told);
        });
    }
    out
}

/// `178 of 180 series compared (1 missing, 1 failed), head `b` against base `a`, paired.`
fn compared(comparison: &Comparison) -> String {
    let coverage = &comparison.coverage;
    let (missing, failed) = (coverage.missing.len(), coverage.failed.len());
    let lost = if missing + failed > 0 {
        format!(" ({missing} missing, {failed} failed)")
    } else {
        String::new()
    };
    let how = if comparison.paired {
        "paired, round by round"
    } else {
        "not paired"
    };
    format!(
        "{} of {} series compared{lost}: {} → {}, {how}.",
        coverage.measured,
        coverage.expected,
        escaped(&comparison.base.name),
        escaped(&comparison.head.name)
    )
}

/// What should have been measured and was not is never folded.
fn lost(out: &mut String, comparison: &Comparison) {
    let coverage = &comparison.coverage;
    let lines: Vec<String> = coverage
        .failed
        .iter()
        .map(|what| format!("failed: {what}"))
        .chain(
            coverage
                .missing
                .iter()
                .map(|what| format!("missing: {what}")),
        )
        .collect();
    if lines.is_empty() {
        return;
    }
    let more = lines.len().saturating_sub(COMPARED_ROWS);
    let mut lines = lines;
    lines.truncate(COMPARED_ROWS);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    list(out, &lines);
}

/// How many are not listed; nothing where all are.
fn more(out: &mut String, count: usize) {
    if count > 0 {
        line(out, &format!("… and {count} more."));
    }
}

/// What GitHub shows when its summary is clicked.
fn fold(out: &mut String, summary: &str, content: impl FnOnce(&mut String)) {
    out.push_str(&format!("<details><summary>{summary}</summary>\n\n"));
    content(out);
    out.push_str("</details>\n\n");
}

fn opening(out: &mut String, status: Status, exit_code: u8, reasons: &[String]) {
    let sentence = match status {
        Status::Pass => "Nothing got slower",
        Status::Fail => "Something got worse",
        Status::Inconclusive => "The data cannot decide",
        Status::Incomplete => "Something that should be here was not measured",
        Status::Incomparable => "The environments differ",
    };
    out.push_str(&format!("**{sentence}** (exit {exit_code})\n\n"));
    if !reasons.is_empty() {
        list(out, reasons);
    }
}

fn list(out: &mut String, items: &[String]) {
    for item in items {
        out.push_str(&format!("- {}\n", escaped(item)));
    }
    out.push('\n');
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push_str("\n\n");
}

struct Row {
    name: String,
    old: Option<String>,
    new: String,
    change: Option<f64>,
    interval: Option<[f64; 2]>,
    band: Band,
    evidence: Evidence,
    detectable: Option<f64>,
}

impl Row {
    fn of_series(series: &SeriesVerdict) -> Row {
        Row {
            name: series.name(),
            old: series
                .baseline
                .map(|baseline| value(baseline, &series.unit)),
            new: value(series.value, &series.unit),
            change: series.change,
            interval: series.interval,
            band: series.band,
            evidence: series.evidence,
            detectable: series.detectable_change,
        }
    }

    fn of_compared(row: &crate::comparison::Row) -> Row {
        Row {
            name: series_name(&row.benchmark, &row.params, &row.metric),
            old: Some(value(row.old.median, &row.unit)),
            new: value(row.new.median, &row.unit),
            change: row.change,
            interval: row.interval,
            band: row.band,
            evidence: row.evidence,
            detectable: row.detectable_change,
        }
    }

    /// Counts first, for they need no statistics; then the worst band, the surest, the largest.
    fn place(&self) -> (bool, std::cmp::Reverse<u8>, Evidence, i64) {
        let size = self
            .change
            .map_or(i64::MIN, |change| -(change.abs() * 1e9) as i64);
        let exact = self.evidence == Evidence::Exact;
        (
            !exact,
            std::cmp::Reverse(self.band.severity()),
            self.evidence,
            size,
        )
    }

    fn write(&self, out: &mut String) {
        let interval = self.interval.map_or_else(String::new, |[low, high]| {
            bench_report::metric::format_change_interval(low, high)
        });
        out.push_str(&format!(
            "| {} | {} | {} | {} | {interval} | {} {}, {} |\n",
            escaped(&self.name),
            self.old
                .as_deref()
                .map_or_else(|| "not available".to_owned(), escaped),
            escaped(&self.new),
            self.change.map_or_else(|| "from 0".to_owned(), percent),
            mark(self.band),
            self.band.word(),
            evidence_word(self.evidence),
        ));
    }

    /// Worth a row: a band that is more than noise, or no band for a reason.
    fn is_shown(&self) -> bool {
        let differs = self.change.is_none_or(|change| change != 0.0);
        match self.evidence {
            Evidence::Exact => differs,
            Evidence::Noise => false,
            _ => self.band != Band::None,
        }
    }
}

fn heading(out: &mut String, (old, new): (&str, &str)) {
    out.push_str(&format!(
        "| series | {old} | {new} | change | 95% | verdict |\n"
    ));
    out.push_str("|---|--:|--:|--:|---|---|\n");
}

/// Writes the rows worth it, at most `most`, and how many are quiet. Returns those beyond `most`.
fn table(out: &mut String, rows: Vec<Row>, columns: (&str, &str), most: usize) -> Vec<Row> {
    let (mut shown, quiet): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(Row::is_shown);
    shown.sort_by_key(Row::place);
    let rest = shown.split_off(shown.len().min(most));
    if !shown.is_empty() {
        heading(out, columns);
        for row in &shown {
            row.write(out);
        }
        out.push('\n');
    }
    quiet_rows(out, &quiet);
    rest
}

fn quiet_rows(out: &mut String, quiet: &[Row]) {
    if quiet.is_empty() {
        return;
    }
    let mut seen: Vec<f64> = quiet.iter().filter_map(|row| row.detectable).collect();
    seen.sort_by(f64::total_cmp);
    let smallest = match (crate::stats::order::median_sorted(&seen), seen.last()) {
        (Some(median), Some(largest)) => format!(
            "; changes from {} on could have been seen in half of them, from {} on in all",
            percent(median),
            percent(*largest)
        ),
        _ => String::new(),
    };
    line(
        out,
        &format!(
            "{} series without a change beyond noise{smallest}.",
            quiet.len()
        ),
    );
}

/// The shape of a band; its word always stands beside it.
fn mark(band: Band) -> &'static str {
    match band {
        Band::Critical => "■",
        Band::Warning => "▲",
        Band::Info => "●",
        Band::Improved => "▽",
        Band::None => "–",
        Band::Warming | Band::Undefined => "○",
    }
}

/// Text that Markdown and HTML take for nothing but text, on one line.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(character);
            }
            // A zero-width joiner keeps a name from calling a person or a team.
            '@' => out.push_str("@\u{200d}"),
            _ if character.is_control() => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use bench_report::metric::Direction;

    use super::*;
    use crate::compare::{Question, compare};
    use crate::comparison::{Side, Sides, Subject};
    use crate::gate::GateOptions;
    use crate::stats::sample::Sample;
    use crate::verdict::Coverage;

    fn row(
        benchmark: &str,
        exact: bool,
        old: [f64; 6],
        new: [f64; 6],
    ) -> (Subject, crate::compare::Compared) {
        let subject = Subject {
            benchmark: benchmark.to_owned(),
            params: [("cpu".to_owned(), "2".to_owned())].into(),
            metric: "latency_p99".to_owned(),
            unit: "ns".to_owned(),
            better: Direction::Lower,
        };
        let question = Question {
            exact,
            ..Question::new(Direction::Lower)
        };
        let (old, new) = (Sample::new(&old).unwrap(), Sample::new(&new).unwrap());
        (subject, compare(&old, &new, &question))
    }

    #[test]
    fn a_comparison_reads_as_a_comment() {
        let quiet = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0];
        let rows = [
            row("Same", false, quiet, quiet),
            row("Slow", false, quiet, quiet.map(|value| value * 1.3)),
            row("Allocations", true, [7.0; 6], [8.0; 6]),
            row("Fast", false, quiet, quiet.map(|value| value * 0.8)),
        ];
        let side = |name: &str| Side {
            name: name.to_owned(),
            ..Side::default()
        };
        let coverage = Coverage {
            expected: 4,
            measured: 4,
            ..Coverage::default()
        };
        let sides = Sides {
            base: side("main"),
            head: side("pull"),
            coverage,
            ..Sides::default()
        };
        let judged = Comparison::judge(sides, &rows, &GateOptions::default());
        insta::assert_snapshot!(comparison(&judged), @r"
        **Slower in 2 series, faster in 1; 2 slowdowns above 10% are confirmed, so the gate fails.** (exit 1)

        4 of 4 series compared: main → pull, not paired.

        | series | before | after | change | 95% | verdict |
        |---|--:|--:|--:|---|---|
        | Allocations latency\_p99 cpu=2 | 7.000 ns | 8.000 ns | +14.3% |  | ▲ warning, exact |
        | Slow latency\_p99 cpu=2 | 102.5 ns | 133.2 ns | +30.0% | [+26.3, +33.8] | ■ critical, confirmed |
        | Fast latency\_p99 cpu=2 | 102.5 ns | 82.00 ns | −20.0% | [−22.3, −17.6] | ▽ improved, confirmed |

        1 series without a change beyond noise; changes from +4.2% on could have been seen in half of them, from +4.2% on in all.

        Geometric mean of after ÷ before by unit, with its 95% interval: ns +4.4% (−20.0% to +30.0%).

        <details><summary>The 2 reasons</summary>

        - Slow latency\_p99 cpu=2: +30.0% against its baseline (critical), confirmed
        - Allocations latency\_p99 cpu=2: +14.3% against its baseline (warning), exact

        </details>
        ");
    }

    #[test]
    fn names_cannot_become_markup() {
        let text = escaped("<script>alert(1)</script> | `x` **y** [a](b) @team #12\nnext");
        assert!(
            !text.contains('<') && !text.contains("\n") && !text.contains("@team"),
            "{text}"
        );
        assert!(text.contains("\\|") && text.contains("\\`x\\`") && text.contains("\\[a\\]"));
    }
}
