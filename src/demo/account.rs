//! What the demo prints: for somebody who has never seen this program.

use std::path::Path;

use bench_report::metric::{NOT_AVAILABLE, Unit, format_count, format_value};
use bench_verdict::verdict::Band;

use super::fill::Filled;
use crate::analysis::overview::TargetRow;
use crate::analysis::{targets, verdict};
use crate::domain::{Judged, JudgedRun, RunId};

pub(super) fn opening(url: &str, database: &Path) {
    println!("kvmark demo");
    println!("  dashboard  {url}");
    println!("  database   {}", database.display());
}

pub(super) fn filled(filled: &Filled) {
    println!();
    println!("1. Sample data: a year in the life of a made-up machine named \"sample\"");
    if filled.runs == 0 {
        println!("   is in this database already.");
        return;
    }
    println!(
        "   {} nights of {} series are stored ({:.1} s). Nothing of it was measured, and every page",
        format_count(filled.runs as u64),
        format_count(filled.series as u64),
        filled.took.as_secs_f64(),
    );
    println!("   says so. In it: a regression that is not fixed yet, one that was, a slow creep,");
    println!("   outliers, missing nights, a change of machine and of the suite.");
}

pub(super) fn measuring() {
    println!();
    println!("2. This machine, measured for real: the quick form of the whole suite, by a process");
    println!("   of its own, in about a minute.");
}

pub(super) fn watch(url: &str, run: RunId) {
    println!("   Watch it: {url}/runs/{run}");
}

pub(super) fn no_repository(stand_in: &str) {
    println!(
        "   There is no git repository here: the program's checksum {} stands for the commit.",
        stand_in.get(..12).unwrap_or(stand_in)
    );
}

pub(super) fn measured(run: &JudgedRun) {
    print!("{}", outcome(run));
}

/// The outcome of the measured run: coverage, and every target.
fn outcome(judged: &JudgedRun) -> String {
    let run = &judged.run;
    let coverage = &run.coverage;
    let seconds = (run.finished_at.0 - run.started_at.0) as f64 / 1000.0;
    let mut benchmarks: Vec<&str> = judged
        .rows
        .iter()
        .map(|row| row.series.key.benchmark.as_str())
        .collect();
    benchmarks.dedup();
    let mut text = format!(
        "\n3. Measured: {} benchmarks, {} of {} series, in {seconds:.0} s (run {}, environment {})\n",
        benchmarks.len(),
        coverage.measured,
        coverage.expected,
        run.id,
        run.environment_name,
    );
    for lost in coverage.missing.iter().chain(&coverage.failed) {
        text += &format!("   no value: {lost}\n");
    }
    let rows = targets::rows(judged);
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    text += &format!(
        "\n   {:<width$}  {:>14}  {:>14}\n",
        "target", "limit", "measured"
    );
    for row in &rows {
        text += &target_line(row, width);
    }
    let gate = verdict::gate(judged);
    text += &format!(
        "\n   The gate says: {}, exit {}",
        gate.status, gate.exit_code
    );
    let warming = |row: &Judged| row.judgement.band == Band::Warming;
    if coverage.is_complete() && judged.rows.iter().all(warming) {
        text += ". A first run has nothing to be compared with: that is never green.";
    } else if let Some(reason) = gate.reasons.first() {
        text += &format!(" ({reason})");
    }
    text.push('\n');
    text
}

fn target_line(row: &TargetRow, width: usize) -> String {
    let read = |value: f64| match Unit::parse(&row.unit) {
        Ok(unit) => format_value(value, unit).to_string(),
        Err(_) => value.to_string(),
    };
    let limit = format!("{} {}", row.target.op.as_str(), read(row.target.value));
    let value = row.value.map_or_else(|| NOT_AVAILABLE.to_owned(), read);
    let outcome = match (row.met, &row.why_not) {
        (Some(true), _) => "met".to_owned(),
        (Some(false), _) => "not met".to_owned(),
        (None, Some(why)) => format!("({why})"),
        (None, None) => String::new(),
    };
    format!(
        "   {:<width$}  {limit:>14}  {value:>14}  {outcome}\n",
        row.name
    )
}

pub(super) fn where_to_look(url: &str, run: RunId, trend: Option<&str>) {
    println!();
    println!("Where to look");
    println!("  {url}/");
    println!("      is main healthy? This machine first, then the sample");
    println!("  {url}/runs/{run}");
    println!("      everything that was just measured");
    if let Some(trend) = trend {
        println!("  {url}{trend}");
        println!("      a trend over the sample's year");
    }
    println!("  {url}/pulls/{}", super::sample::PULL);
    println!("      a sample pull request: two pushes, each against its merge base");
}

pub(super) fn kept(database: &Path) {
    println!();
    println!("The database is kept: look at it again with");
    println!("  kvmark serve --database {}", database.display());
}

pub(super) fn until_interrupt(database: &Path) {
    println!();
    if super::is_temporary(database) {
        println!(
            "Ctrl-C ends the dashboard; the database stays until the temporary folder is cleared."
        );
    } else {
        println!("Ctrl-C ends the dashboard; the database stays.");
    }
}
