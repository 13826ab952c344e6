//! The table at the end of a run: one row a metric, aligned, each value with its unit.

use bench_report::metric::{Kind, Scale, Target, Unit, format_change, params_text};
use bench_report::report::{Metric, Report, Status};

use super::style::{Meaning, Style};
use super::wrap::{WIDTH, wrapped};

/// What the columns are.
const LEGEND: &str = "Medians of n samples; ± half the distance between their quartiles; exact: the same in every pass.";

/// The whole table.
pub fn table(report: &Report, style: Style) -> String {
    let mut text = String::new();
    let all: Vec<Vec<Row>> = report
        .benchmarks
        .iter()
        .map(|benchmark| benchmark.metrics.iter().filter_map(row).collect())
        .collect();
    let widths = widths(&all);
    for (benchmark, rows) in report.benchmarks.iter().zip(&all) {
        let params = params_text(&benchmark.params);
        let name = format!("{} {params}", benchmark.name);
        text.push_str(&style.paint(Meaning::Heading, name.trim_end()));
        text.push('\n');
        if let (Some(error), true) = (&benchmark.error, benchmark.status != Status::Ok) {
            let (word, meaning) = match benchmark.status {
                Status::Failed => ("failed", Meaning::Bad),
                _ => ("not available", Meaning::Dim),
            };
            text.push_str(&format!(
                "  {}\n",
                style.paint(meaning, &format!("{word}: {error}"))
            ));
        }
        write_rows(rows, widths, style, &mut text);
        for disturbance in &benchmark.disturbed {
            let line = format!("disturbed: {disturbance}");
            text.push_str(&format!("  {}\n", style.paint(Meaning::Doubt, &line)));
        }
    }
    if all.iter().any(|rows| !rows.is_empty()) {
        for line in wrapped(LEGEND, WIDTH) {
            text.push_str(&format!("{}\n", style.paint(Meaning::Dim, &line)));
        }
    }
    let benchmarks = &report.benchmarks;
    let disturbed = benchmarks.iter().filter(|one| !one.disturbed.is_empty());
    let disturbed = disturbed.count();
    if disturbed > 0 {
        let told = format!(
            "disturbed while it ran: {disturbed} of {} benchmarks; what it measured says less. What to \
             do about this machine: `bench-runner doctor`.",
            benchmarks.len()
        );
        for line in wrapped(&told, WIDTH) {
            text.push_str(&format!("{}\n", style.paint(Meaning::Doubt, &line)));
        }
    }
    text
}

struct Row {
    cells: [String; 5],
    target: Option<(String, bool)>,
}

/// Widths of the columns, the same for every benchmark.
fn widths(all: &[Vec<Row>]) -> [usize; 5] {
    let width = |cell: usize| {
        let rows = all.iter().flatten();
        rows.map(|row| row.cells[cell].chars().count())
            .max()
            .unwrap_or(0)
    };
    [0, 1, 2, 3, 4].map(width)
}

fn write_rows(rows: &[Row], widths: [usize; 5], style: Style, text: &mut String) {
    for row in rows {
        let [name, number, unit, spread, count] = &row.cells;
        let line = format!(
            "  {}  {} {}  {}  {}",
            left(name, widths[0]),
            right(number, widths[1]),
            left(unit, widths[2]),
            right(spread, widths[3]),
            right(count, widths[4]),
        );
        text.push_str(line.trim_end());
        if let Some((target, met)) = &row.target {
            let (word, meaning) = if *met {
                ("met", Meaning::Dim)
            } else {
                ("missed", Meaning::Bad)
            };
            text.push_str("  ");
            text.push_str(&style.paint(meaning, &format!("target {target} {word}")));
        }
        text.push('\n');
    }
}

fn row(metric: &Metric) -> Option<Row> {
    let center = median(&metric.samples)?;
    let unit = Unit::parse(&metric.unit).ok()?;
    let scale = Scale::of(unit, center);
    let reading = scale.reading(center);
    let spread = match (metric.kind, spread(&metric.samples, center)) {
        (Kind::Count, _) => "exact".to_owned(),
        (_, Some(spread)) => format!("±{}", format_change(spread).trim_start_matches('+')),
        (_, None) => String::new(),
    };
    let target = metric
        .target
        .map(|target| (target_text(target, unit), target.is_met_by(center)));
    let count = format!("n={}", metric.samples.len());
    let cells = [
        metric.name.clone(),
        reading.number,
        reading.unit.to_owned(),
        spread,
        count,
    ];
    Some(Row { cells, target })
}

fn target_text(target: Target, unit: Unit) -> String {
    let goal = Scale::of(unit, target.value).reading(target.value);
    format!("{} {goal}", target.op.as_str())
}

/// The middle of the samples; `None` without any.
fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (
        sorted.get(sorted.len().saturating_sub(1) / 2)?,
        sorted.get(sorted.len() / 2)?,
    );
    Some((low + high) / 2.0)
}

/// Half the distance between the quartiles, over the median: what half of the samples keep within.
/// `None` for fewer than four samples, or around zero.
fn spread(samples: &[f64], center: f64) -> Option<f64> {
    if samples.len() < 4 || center == 0.0 {
        return None;
    }
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    Some((at(0.75) - at(0.25)).abs() / 2.0 / center.abs())
}

fn left(text: &str, width: usize) -> String {
    format!(
        "{text}{}",
        " ".repeat(width.saturating_sub(text.chars().count()))
    )
}

fn right(text: &str, width: usize) -> String {
    format!(
        "{}{text}",
        " ".repeat(width.saturating_sub(text.chars().count()))
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::collect::gather::tests::{gathered, sample};
    use crate::measure::sampler::Moment;

    fn report() -> Report {
        let mut gathered = gathered(Some("ProcessingLatency"), &[0, 1]);
        for value in [2_000.0, 2_040.0, 1_980.0, 2_020.0] {
            gathered.add(0, sample(value), Moment::default(), Moment::default());
        }
        gathered.fail(1, "thread 0 panicked: planted".to_owned());
        gathered.report(Timestamp::UNIX_EPOCH, true)
    }

    #[test]
    fn values_stand_under_each_other_with_their_units() {
        insta::assert_snapshot!(table(&report(), Style::Plain), @r"
        KVEventProcessingLatency cpu=1
          latency_p50    2,010 ns    ±0.5%  n=4  target < 500.0 µs met
          allocs_per_op      2 1/op  exact  n=4
        KVEventProcessingLatency cpu=2
          failed: thread 0 panicked: planted
        KVEventProcessingLatency cpu=4
          not available: cpu=4 needs 4 processors; this machine has 2
        Medians of n samples; ± half the distance between their quartiles; exact: the
        same in every pass.
        ");
    }

    #[test]
    fn what_was_disturbed_is_counted_and_where_to_look_is_said() {
        let mut report = report();
        report.benchmarks[0].disturbed = vec!["steal 4.1%".to_owned()];
        let table = table(&report, Style::Plain);
        assert!(table.contains("\n  disturbed: steal 4.1%\n"), "{table}");
        let end: Vec<&str> = table.lines().rev().take(2).collect();
        insta::assert_snapshot!(format!("{}\n{}", end[1], end[0]), @"
        disturbed while it ran: 1 of 3 benchmarks; what it measured says less. What to
        do about this machine: `bench-runner doctor`.
        ");
    }

    #[test]
    fn colour_says_the_same_as_plain_text() {
        let coloured = table(&report(), Style::Colour);
        assert!(coloured.contains("\u{1b}[31mfailed"));
        let mut plain = coloured;
        for code in ["\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[0m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, table(&report(), Style::Plain));
    }
}
