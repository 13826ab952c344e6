//! `explain`: every number behind a verdict, as the server makes it again.

use bench_verdict::exit::ExitCode;
use bench_verdict::explain::Explanation;
use bench_verdict::verdict::SeriesVerdict;
use jiff::Timestamp;

use super::failure::{Failure, OrExit as _, usage};
use super::server_args::ServerArgs;
use crate::upload::server::Server;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run's number, as `upload` prints it
    #[arg(long, value_name = "ID")]
    run: i64,
    /// The series: its number, or its name as reasons write it ("KVEventConcurrency latency_p99 cpu=2")
    #[arg(long, value_name = "SERIES")]
    series: String,
    #[command(flatten)]
    server: ServerArgs,
    /// How to say it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For the terminal.
    Table,
    /// For programs.
    Json,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    if args.series.trim().is_empty() {
        return Err(usage(
            "--series is empty: give its number, or its name as reasons write it",
        ));
    }
    let server = args.server.server()?;
    let series = match args.series.trim().parse() {
        Ok(number) => number,
        Err(_) => number_of(&server, args.run, args.series.trim())?,
    };
    let explanation = server.explain(args.run, series).or_asked()?;
    match args.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&explanation).or_usage()?),
        Format::Table => print!("{}", text(&explanation)),
    }
    Ok(ExitCode::Fine)
}

/// The number of a series that is named.
fn number_of(server: &Server, run: i64, name: &str) -> Result<i64, Failure> {
    let verdict = server.verdict(run, "").or_asked()?;
    let named = verdict.series.iter().find(|series| series.name() == name);
    named.map(|series| series.series_id).ok_or_else(|| {
        let benchmark = name.split(' ').next().unwrap_or(name);
        let near: Vec<String> = verdict
            .series
            .iter()
            .filter(|series| series.benchmark == benchmark)
            .map(SeriesVerdict::name)
            .collect();
        let hint = if near.is_empty() {
            format!("it has {} others", verdict.series.len())
        } else {
            format!(
                "of that benchmark it has {}",
                bench_verdict::words::list(&near)
            )
        };
        usage(format!("run {run} has no series {name:?}: {hint}"))
    })
}

fn text(explanation: &Explanation) -> String {
    let rows = explanation.rows(moment);
    let wide = |of: &dyn Fn(&bench_verdict::explain::Row) -> usize| {
        rows.iter().map(of).max().unwrap_or_default()
    };
    let part = wide(&|row| row.part.len());
    let label = wide(&|row| row.label.chars().count());
    let value = wide(&|row| row.value.chars().count());
    let mut text = format!("{}, run {}\n", explanation.name(), explanation.run_id);
    let mut last = "";
    for row in &rows {
        let shown = if row.part == last { "" } else { row.part };
        last = row.part;
        let line = format!(
            "{shown:part$}  {:label$}  {:>value$}  {}",
            row.label, row.value, row.note
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `2026-11-24 02:00`, UTC.
fn moment(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| ms.to_string(),
        |time| time.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}
