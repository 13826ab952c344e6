//! `list`: the suite, as data or in words.

use std::fmt::Write as _;

use bench_report::metric::{Scale, params_text};
use bench_verdict::exit::ExitCode;

use super::failure::{Failure, OrExit as _};
use crate::suite::{BenchmarkInfo, MetricInfo, When, catalogue};

/// Core counts that are listed.
const CPUS: [u32; 4] = [1, 2, 4, 8];
/// Width of a paragraph.
const WIDTH: usize = 96;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    if args.json {
        println!("{}", serde_json::to_string_pretty(&catalogue()).or_usage()?);
    } else {
        print!("{}", catalogue().map(text).join("\n"));
    }
    Ok(ExitCode::Fine)
}

fn text(info: &'static BenchmarkInfo) -> String {
    let mut text = format!("{}\n", info.name);
    for line in wrapped(info.description) {
        let _ = writeln!(text, "  {line}");
    }
    for param in info.params {
        let mut values: Vec<String> = Vec::new();
        for case in info.cases(&CPUS) {
            if let Some(value) = case.get(param.name).filter(|value| !values.contains(value)) {
                values.push(value.clone());
            }
        }
        let _ = writeln!(
            text,
            "  {} = {}: {}",
            param.name,
            values.join(", "),
            param.about
        );
    }
    let width = info
        .metrics
        .iter()
        .map(|metric| metric.name.len())
        .max()
        .unwrap_or(0);
    for metric in info.metrics {
        let _ = writeln!(text, "    {:width$}  {}", metric.name, line(info, metric));
    }
    text
}

fn line(info: &BenchmarkInfo, metric: &MetricInfo) -> String {
    let mut line = format!(
        "{}, {} is better, {}; {}",
        metric.unit.as_str(),
        metric.better,
        metric.kind,
        metric.about
    );
    match metric.when {
        When::Always => {}
        When::Is(name, value) => line.push_str(&format!("; with {name}={value}")),
        When::Not(name, value) => line.push_str(&format!("; not with {name}={value}")),
    }
    let mut targets: Vec<String> = Vec::new();
    for case in info.cases(&CPUS) {
        if let (true, Some(goal)) = (metric.when.holds(&case), metric.goal(&case)) {
            let value = Scale::of(metric.unit, goal.value).reading(goal.value);
            let mut target = format!("{} {value}", goal.op.as_str());
            if goal.when != When::Always {
                target.push_str(&format!(" ({})", params_text(&case)));
            }
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
    }
    if !targets.is_empty() {
        line.push_str(&format!("; target {}", targets.join(", ")));
    }
    line
}

fn wrapped(paragraph: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_listed_with_unit_and_target() {
        let all = catalogue().map(text).join("\n");
        for info in catalogue() {
            assert!(info.metrics.iter().all(|metric| all.contains(metric.name)));
        }
        assert!(all.contains("target < 20.0%"), "{all}");
        assert!(all.lines().all(|line| !line.ends_with(' ')));
    }
}
