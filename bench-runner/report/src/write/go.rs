//! Reports as Go benchmark text: one line a sample, so that benchstat reads everything.
//!
//! What is no part of Go's own text stands behind `# `: benchstat compares only results whose
//! `key: value` lines are equal, and a commit or a time never is.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write};

use crate::metric::{Direction, Kind, Unit, escaped};
use crate::read::foreign;
use crate::read::go::{ARCHITECTURES, OWN_HEADER, name::is_cpu_count};
use crate::report::{Benchmark, Metric, Params, Report, Status};

/// The text of a report. [`crate::read`] gives the same series and samples back.
pub fn to_text(report: &Report) -> String {
    let mut text = String::new();
    write_report(&mut text, report).expect("writing to a String does not fail");
    text
}

fn write_report(out: &mut String, report: &Report) -> fmt::Result {
    let units = UnitTexts::of(report);
    write_header(out, report)?;
    units.write(out)?;
    for benchmark in &report.benchmarks {
        write_benchmark(out, benchmark, &units)?;
    }
    Ok(())
}

fn write_header(out: &mut String, report: &Report) -> fmt::Result {
    let (revision, environment) = (&report.revision, &report.environment);
    writeln!(out, "{OWN_HEADER}")?;
    let started = report.started_at.to_string();
    let finished = report.finished_at.to_string();
    let committed = revision.committed_at.map(|time| time.to_string());
    let notes = [
        ("suite-version", Some(&report.suite.version)),
        ("runner-version", Some(&report.runner.version)),
        ("repository", revision.repository.as_ref()),
        ("commit", revision.commit.as_ref()),
        ("commit-time", committed.as_ref()),
        ("branch", revision.branch.as_ref()),
        ("environment", environment.name.as_ref()),
        ("planted", report.options.planted.as_ref()),
        ("started", Some(&started)),
        ("finished", Some(&finished)),
    ];
    for (key, value) in notes {
        if let Some(value) = value {
            writeln!(out, "# {key}: {value}")?;
        }
    }
    let go_name = |arch: &str| {
        ARCHITECTURES
            .iter()
            .find(|(_, ours)| *ours == arch)
            .map(|(go, _)| *go)
    };
    let arch = environment
        .arch
        .as_deref()
        .map(|arch| go_name(arch).unwrap_or(arch));
    let lines = [
        ("goos", environment.os.as_deref()),
        ("goarch", arch),
        ("pkg", Some(report.suite.name.as_str())),
        ("cpu", environment.cpu_model.as_deref()),
    ];
    for (key, value) in lines {
        if let Some(value) = value {
            writeln!(out, "{key}: {value}")?;
        }
    }
    Ok(())
}

fn write_benchmark<'a>(
    out: &mut String,
    benchmark: &'a Benchmark,
    units: &UnitTexts<'a>,
) -> fmt::Result {
    let name = format!("Benchmark{}", name_text(&benchmark.name, &benchmark.params));
    let ending = match benchmark.status {
        Status::Ok => None,
        Status::Failed => Some("FAIL"),
        Status::Skipped => Some("SKIP"),
    };
    if let Some(ending) = ending {
        writeln!(out, "--- {ending}: {name}")?;
        for line in benchmark.error.iter().flat_map(|error| error.lines()) {
            writeln!(out, "    {line}")?;
        }
    }
    let lines = benchmark
        .metrics
        .iter()
        .map(|metric| metric.samples.len())
        .max()
        .unwrap_or(0);
    for index in 0..lines {
        write!(out, "{name}\t{:>8}", benchmark.iterations.max(1))?;
        for metric in &benchmark.metrics {
            if let Some(sample) = metric.samples.get(index) {
                write!(out, "\t{:>12} {}", Number(*sample), units.of_metric(metric))?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// `KVEventConcurrency/concurrency=100-2`. What Go's text has no place for (white space, a
/// `/` in a value, a name that ends as if it had a core count) is written as `%XX`.
pub(super) fn name_text(name: &str, params: &Params) -> String {
    let cpu = params.get("cpu").filter(|cpu| is_cpu_count(cpu));
    let mut text = escaped(name, "/");
    for (key, value) in params {
        if key == "cpu" && cpu.is_some() {
            continue;
        }
        let _ = write!(text, "/{}={}", escaped(key, "/="), escaped(value, "/"));
    }
    match cpu {
        Some(cpu) => {
            let _ = write!(text, "-{cpu}");
        }
        None => {
            if let Some((before, count)) = text
                .rsplit_once('-')
                .filter(|(_, count)| is_cpu_count(count))
            {
                text = format!("{before}%2D{count}");
            }
        }
    }
    text
}

/// A number that keeps every bit, in the shortest text that does.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WHOLE: f64 = 1e15;
        let is_whole = self.0.fract() == 0.0
            && self.0.abs() < WHOLE
            && !(self.0 == 0.0 && self.0.is_sign_negative());
        let text = if is_whole {
            format!("{:.0}", self.0)
        } else {
            format!("{:?}", self.0)
        };
        f.pad(&text)
    }
}

/// What makes two metrics the same column of Go text.
type Key<'a> = (&'a str, &'a str, Kind, Direction);

fn key(metric: &Metric) -> Key<'_> {
    (&metric.name, &metric.unit, metric.kind, metric.better)
}

/// The unit's text of each metric.
struct UnitTexts<'a> {
    texts: HashMap<Key<'a>, String>,
    order: Vec<Key<'a>>,
}

impl<'a> UnitTexts<'a> {
    fn of(report: &'a Report) -> UnitTexts<'a> {
        let mut units = UnitTexts {
            texts: HashMap::new(),
            order: Vec::new(),
        };
        let mut taken = HashSet::new();
        for metric in report
            .benchmarks
            .iter()
            .flat_map(|benchmark| &benchmark.metrics)
        {
            let key = key(metric);
            if units.texts.contains_key(&key) {
                continue;
            }
            let text = unit_text(metric);
            let other = (2..).map(|number| format!("{text}-{number}"));
            let free = std::iter::once(text.clone())
                .chain(other)
                .find(|text| !taken.contains(text));
            let free = free.expect("the numbers do not end before the metrics do");
            taken.insert(free.clone());
            units.order.push(key);
            units.texts.insert(key, free);
        }
        units
    }

    fn of_metric(&self, metric: &'a Metric) -> &str {
        self.texts.get(&key(metric)).map_or("", String::as_str)
    }

    /// A `Unit` line for each text that does not say all of it by itself.
    fn write(&self, out: &mut String) -> fmt::Result {
        for key in &self.order {
            let (metric, unit, kind, better) = *key;
            let text = self.texts.get(key).map_or("", String::as_str);
            let read = foreign(text);
            let mut line = String::new();
            if text != metric {
                write!(line, " metric={}", escaped(metric, ""))?;
            }
            if read.unit.as_str() != unit {
                write!(line, " unit={unit}")?;
            }
            if read.better != better || better == Direction::Higher {
                write!(line, " better={better}")?;
            }
            if kind == Kind::Count {
                line.push_str(" assume=exact");
            } else if Unit::parse(unit).is_ok_and(|unit| unit.kind() != kind) {
                write!(line, " kind={kind}")?;
            }
            if !line.is_empty() {
                writeln!(out, "Unit {text}{line}")?;
            }
        }
        Ok(())
    }
}

/// What stands behind a metric's numbers. Go's own columns are called as Go calls them; a name that
/// does not tell its unit gets it appended where benchstat knows it, so that it scales the values.
fn unit_text(metric: &Metric) -> String {
    match (metric.name.as_str(), metric.unit.as_str()) {
        ("latency_mean", "ns") => return "ns/op".to_owned(),
        ("bytes_per_op", "B") => return "B/op".to_owned(),
        ("allocs_per_op", "1" | "1/op") => return "allocs/op".to_owned(),
        _ => {}
    }
    let name = escaped(&metric.name, "");
    let tells_unit = foreign(&metric.name).unit.as_str() == metric.unit;
    match metric.unit.as_str() {
        unit @ ("ns" | "B" | "MB") if !tells_unit => format!("{name}-{unit}"),
        _ => name,
    }
}
