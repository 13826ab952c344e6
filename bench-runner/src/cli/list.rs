//! `list`: the suite, as data or in words.

use bench_report::metric::Scale;
use bench_verdict::exit::ExitCode;

use super::failure::{Failure, OrExit as _};
use crate::output::hanging;
use crate::suite::{BenchmarkInfo, MetricInfo, When, catalogue};

/// Core counts that are listed.
const CPUS: [u32; 4] = [1, 2, 4, 8];

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
    text.push_str(&hanging("  ", info.description));
    for param in info.params {
        let mut values: Vec<String> = Vec::new();
        for case in info.cases(&CPUS) {
            if let Some(value) = case.get(param.name).filter(|value| !values.contains(value)) {
                values.push(value.clone());
            }
        }
        let label = format!("  {} = {}: ", param.name, values.join(", "));
        text.push_str(&hanging(&label, param.about));
    }
    let width = info
        .metrics
        .iter()
        .map(|metric| metric.name.len())
        .max()
        .unwrap_or(0);
    for metric in info.metrics {
        let label = format!("    {:width$}  ", metric.name);
        text.push_str(&hanging(&label, &line(info, metric)));
    }
    text
}

fn line(info: &'static BenchmarkInfo, metric: &MetricInfo) -> String {
    let mut line = format!(
        "{}, {} is better, {}; {}",
        metric.unit.as_str(),
        metric.better,
        metric.kind,
        metric.about
    );
    if let Some(when) = condition(metric.when) {
        line.push_str(&format!("; {when}"));
    }
    let targets = targets(info, metric);
    if !targets.is_empty() {
        line.push_str(&format!("; target {}", targets.join(", ")));
    }
    line
}

/// `with cpu=1`.
fn condition(when: When) -> Option<String> {
    match when {
        When::Always => None,
        When::Is(name, value) => Some(format!("with {name}={value}")),
        When::Not(name, value) => Some(format!("not with {name}={value}")),
    }
}

/// Each value that is aimed at, with the conditions under which it is.
fn targets(info: &'static BenchmarkInfo, metric: &MetricInfo) -> Vec<String> {
    let mut targets: Vec<(String, Vec<String>)> = Vec::new();
    for case in info.cases(&CPUS) {
        let Some(goal) = metric.goal(&case).filter(|_| metric.when.holds(&case)) else {
            continue;
        };
        let value = Scale::of(metric.unit, goal.value).reading(goal.value);
        let target = format!("{} {value}", goal.op.as_str());
        let place = targets.iter().position(|(other, _)| *other == target);
        let place = place.unwrap_or_else(|| {
            targets.push((target, Vec::new()));
            targets.len() - 1
        });
        let conditions = &mut targets[place].1;
        conditions.extend(condition(goal.when).filter(|when| !conditions.contains(when)));
    }
    let text = |(target, conditions): (String, Vec<String>)| match conditions.as_slice() {
        [] => target,
        several => format!("{target} ({})", several.join(" or ")),
    };
    targets.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::WIDTH;

    #[test]
    fn every_metric_is_listed_with_unit_and_target() {
        let all = catalogue().map(text).join("\n");
        for info in catalogue() {
            assert!(info.metrics.iter().all(|metric| all.contains(metric.name)));
        }
        assert!(all.contains("target < 20.0%"), "{all}");
        assert!(all.lines().all(|line| !line.ends_with(' ')));
        assert!(all.lines().all(|line| line.chars().count() <= WIDTH));
    }
}
