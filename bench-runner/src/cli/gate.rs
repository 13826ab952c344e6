//! `gate`: the server's verdict on a run or a pull request, as an exit code.

use bench_report::metric::{format_change, format_change_interval};
use bench_verdict::band::Band;
use bench_verdict::comparison::{Comparison, Row};
use bench_verdict::exit::ExitCode;
use bench_verdict::gate::FailOn;
use bench_verdict::markdown;
use bench_verdict::verdict::{Verdict, series_name};

use super::failure::{Failure, OrExit as _};
use super::server_args::ServerArgs;
use super::word::word;
use crate::output::{Line, Style, grouped, hanging, judged};
use crate::upload::server::Server;

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["run", "pull"])))]
pub(super) struct Args {
    /// The run's number, as `upload` prints it
    #[arg(long, value_name = "ID")]
    run: Option<i64>,
    /// A pull request's number: its newest push against its base
    #[arg(long, value_name = "NUMBER")]
    pull: Option<u64>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    gate: GateArgs,
}

/// How the gate judges, and how it answers.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct GateArgs {
    /// The least band that fails: info (for thresholds below 10%), warning or critical [default: the server's, warning]
    #[arg(long, value_name = "BAND", value_parser = fail_on)]
    fail_on: Option<FailOn>,
    /// A change must exceed this to fail, as a fraction [default: the server's, 0.1]
    #[arg(long, value_parser = threshold)]
    threshold: Option<f64>,
    /// How to say it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// How a verdict is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For the terminal.
    Table,
    /// As the server has it, for programs.
    Json,
    /// For a comment or a job's summary.
    Markdown,
}

impl GateArgs {
    fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

pub(super) fn fail_on(text: &str) -> Result<FailOn, String> {
    serde_json::from_value(serde_json::Value::from(text))
        .map_err(|_| "give info, warning or critical".to_owned())
}

pub(super) fn threshold(text: &str) -> Result<f64, String> {
    let fraction: Option<f64> = text.parse().ok();
    fraction
        .filter(|fraction| (0.0..=10.0).contains(fraction))
        .ok_or_else(|| "give a fraction from 0 to 10: 0.1 is 10%".to_owned())
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let server = args.server.server()?;
    match (args.run, args.pull) {
        (Some(run), _) => ask(&server, run, &args.gate),
        (None, Some(pull)) => ask_pull(&server, pull, &args.gate),
        (None, None) => unreachable!("the group `what` is required"),
    }
}

/// Asks for the verdict on a run and prints it; its exit code is ours.
pub(super) fn ask(server: &Server, run: i64, args: &GateArgs) -> Result<ExitCode, Failure> {
    let verdict = server.verdict(run, &query(args)).or_asked()?;
    match args.format() {
        Format::Json => println!("{}", serde_json::to_string_pretty(&verdict).or_usage()?),
        Format::Markdown => print!("{}", markdown::verdict(&verdict)),
        Format::Table => print!("{}", text(run, &verdict)),
    }
    Ok(verdict.exit_code)
}

/// Asks for the report of a pull request and prints it; its exit code is ours.
fn ask_pull(server: &Server, pull: u64, args: &GateArgs) -> Result<ExitCode, Failure> {
    let query = query(args);
    let path = format!("/api/v1/pulls/{pull}/report{query}");
    let json = server.get(&path).or_asked()?;
    let comparison: Comparison = serde_json::from_slice(&json).or_server()?;
    match args.format() {
        Format::Json => {
            // All of it, what this program does not know of as well.
            let whole: serde_json::Value = serde_json::from_slice(&json).or_server()?;
            println!("{}", serde_json::to_string_pretty(&whole).or_usage()?);
        }
        Format::Markdown => {
            let sign = if query.is_empty() { '?' } else { '&' };
            let text = server
                .get(&format!("{path}{sign}format=markdown"))
                .or_server()?;
            print!("{}", String::from_utf8_lossy(&text));
        }
        Format::Table => {
            let style = Style::of(&std::io::stdout());
            print!("{}", pull_text(pull, &comparison, style));
        }
    }
    Ok(comparison.exit_code)
}

fn query(args: &GateArgs) -> String {
    let threshold = args
        .threshold
        .map(|threshold| format!("threshold={threshold}"));
    let fail_on = args.fail_on.map(|band| format!("fail_on={}", word(band)));
    let parts: Vec<String> = threshold.into_iter().chain(fail_on).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("?{}", parts.join("&"))
    }
}

/// The outcome, every reason, and the rows that left their band.
fn pull_text(pull: u64, comparison: &Comparison, style: Style) -> String {
    let mut text = format!(
        "pull request {pull}: {} (exit {}); {} of {} series measured{}",
        word(comparison.status),
        comparison.exit_code.code(),
        comparison.coverage.measured,
        comparison.coverage.expected,
        if comparison.paired { ", in pairs" } else { "" },
    );
    text = hanging("", &text);
    for reason in &comparison.reasons {
        text.push_str(&hanging("  ", reason));
    }
    let mut changed: Vec<&Row> = comparison
        .rows
        .iter()
        .filter(|row| row.band != Band::None)
        .collect();
    changed.sort_by_key(|row| std::cmp::Reverse(row.band.severity()));
    let lines: Vec<Line<4>> = changed.into_iter().map(line).collect();
    if !lines.is_empty() {
        text.push_str(&grouped(COLUMNS, &[(String::new(), lines)], style));
    }
    text
}

/// The columns of a pull request's rows.
const COLUMNS: [&str; 4] = ["series", "change", "interval", "verdict"];

fn line(row: &Row) -> Line<4> {
    let change = row
        .change
        .map_or_else(|| "from 0".to_owned(), format_change);
    let interval = row
        .interval
        .map_or_else(String::new, |[low, high]| format_change_interval(low, high));
    let name = series_name(&row.benchmark, &row.params, &row.metric);
    let verdict = format!("{} {}", row.band.word(), word(row.evidence));
    Line {
        cells: [name, change, interval, verdict],
        meaning: judged(row.evidence, row.band).1,
    }
}

fn text(run: i64, verdict: &Verdict) -> String {
    let coverage = &verdict.coverage;
    let counts = &verdict.counts;
    let mut text = format!(
        "run {run}: {} (exit {}); {} of {} series measured; {} critical, {} warning, {} info, {} improved",
        word(verdict.status),
        verdict.exit_code.code(),
        coverage.measured,
        coverage.expected,
        counts.critical,
        counts.warning,
        counts.info,
        counts.improved,
    );
    text = hanging("", &text);
    for reason in verdict.reasons.iter().chain(&verdict.red_flags) {
        text.push_str(&hanging("  ", reason));
    }
    text.push_str(&crate::check::changed(
        verdict,
        Style::of(&std::io::stdout()),
    ));
    text
}

#[cfg(test)]
mod tests {
    use bench_report::metric::{Direction, Params};
    use bench_verdict::compare::{Question, compare};
    use bench_verdict::comparison::{Sides, Subject};
    use bench_verdict::gate::GateOptions;
    use bench_verdict::stats::sample::Sample;
    use bench_verdict::verdict::Coverage;

    use super::*;
    use crate::output::WIDTH;

    #[test]
    fn the_rows_of_a_pull_request_fit_a_terminal_whatever_their_names() {
        let rows: Vec<_> = [("concurrency", 1.3), ("c", 0.8), ("quiet", 1.0)]
            .into_iter()
            .filter_map(|(param, factor)| {
                let old = [100.0, 100.2, 100.4, 100.6, 100.8, 101.0];
                let new = old.map(|value| value * factor);
                let params = [(param, "100"), ("cpu", "2"), ("distribution", "zipf")];
                let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
                let subject = Subject {
                    benchmark: "KVEventConcurrency".to_owned(),
                    params: params.into_iter().map(owned).collect::<Params>(),
                    metric: "latency_p99".to_owned(),
                    unit: "ns".to_owned(),
                    better: Direction::Lower,
                };
                let (old, new) = (Sample::new(&old).ok()?, Sample::new(&new).ok()?);
                let question = Question::new(Direction::Lower);
                Some((subject, compare(&old, &new, &question)))
            })
            .collect();
        let sides = Sides {
            coverage: Coverage {
                expected: rows.len(),
                measured: rows.len(),
                ..Coverage::default()
            },
            paired: true,
            ..Sides::default()
        };
        let judged = Comparison::judge(sides, &rows, &GateOptions::default());
        let text = pull_text(12, &judged, Style::Plain);
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        insta::assert_snapshot!(text, @r"
        pull request 12: fail (exit 1); 3 of 3 series measured, in pairs
          KVEventConcurrency latency_p99 concurrency=100 cpu=2 distribution=zipf: +30.0%
          against its baseline (critical), confirmed
          series  change        interval  verdict
          KVEventConcurrency latency_p99 concurrency=100 cpu=2 distribution=zipf
                  +30.0%  [+29.2, +30.8]  critical confirmed
          KVEventConcurrency latency_p99 c=100 cpu=2 distribution=zipf
                  −20.0%  [−20.5, −19.5]  improved confirmed
        ");
    }
}
