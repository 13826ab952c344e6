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
    table(&mut out, rows, "baseline", "tonight");
    out
}

/// The difference of two sides.
pub fn comparison(comparison: &Comparison) -> String {
    let mut out = String::new();
    opening(
        &mut out,
        comparison.status,
        comparison.exit_code.code(),
        &comparison.reasons,
    );
    let how = if comparison.paired {
        "paired, round by round"
    } else {
        "not paired"
    };
    let (base, head) = (
        escaped(&comparison.base.name),
        escaped(&comparison.head.name),
    );
    line(&mut out, &format!("{base} → {head}, {how}."));
    let rows: Vec<Row> = comparison.rows.iter().map(Row::of_compared).collect();
    table(&mut out, rows, "old", "new");
    let means: Vec<String> = comparison
        .geomean
        .iter()
        .filter_map(|mean| Some(format!("{} {}", escaped(&mean.unit), percent(mean.change?))))
        .collect();
    if !means.is_empty() {
        line(
            &mut out,
            &format!("Geometric mean of new ÷ old by unit: {}.", means.join(", ")),
        );
    }
    out
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

fn table(out: &mut String, rows: Vec<Row>, old: &str, new: &str) {
    let (mut shown, quiet): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(Row::is_shown);
    shown.sort_by_key(Row::place);
    if !shown.is_empty() {
        out.push_str(&format!(
            "| series | {old} | {new} | change | 95% | verdict |\n"
        ));
        out.push_str("|---|--:|--:|--:|---|---|\n");
    }
    let count = shown.len();
    for row in shown.iter().take(ROWS) {
        let interval = row.interval.map_or_else(String::new, |[low, high]| {
            bench_report::metric::format_change_interval(low, high)
        });
        out.push_str(&format!(
            "| {} | {} | {} | {} | {interval} | {} {}, {} |\n",
            escaped(&row.name),
            row.old
                .as_deref()
                .map_or_else(|| "not available".to_owned(), escaped),
            escaped(&row.new),
            row.change.map_or_else(|| "from 0".to_owned(), percent),
            mark(row.band),
            row.band.word(),
            evidence_word(row.evidence),
        ));
    }
    if count > 0 {
        out.push('\n');
    }
    if count > ROWS {
        line(out, &format!("… and {} more.", count - ROWS));
    }
    quiet_rows(out, &quiet);
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
fn escaped(text: &str) -> String {
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
        **Something got worse** (exit 1)

        - Slow latency\_p99 cpu=2: +30.0% against its baseline (critical), confirmed
        - Allocations latency\_p99 cpu=2: +14.3% against its baseline (warning), exact

        main → pull, not paired.

        | series | old | new | change | 95% | verdict |
        |---|--:|--:|--:|---|---|
        | Allocations latency\_p99 cpu=2 | 7.000 ns | 8.000 ns | +14.3% |  | ▲ warning, exact |
        | Slow latency\_p99 cpu=2 | 102.5 ns | 133.2 ns | +30.0% | [+26.3, +33.8] | ■ critical, confirmed |
        | Fast latency\_p99 cpu=2 | 102.5 ns | 82.00 ns | −20.0% | [−22.3, −17.6] | ▽ improved, confirmed |

        1 series without a change beyond noise; changes from +4.2% on could have been seen in half of them, from +4.2% on in all.

        Geometric mean of new ÷ old by unit: ns +4.4%.
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
