//! What both sides have, compared by the rules.

use std::collections::{HashMap, HashSet};

use bench_report::metric::{Kind, Params};
use bench_verdict::band;
use bench_verdict::compare::{Compared, Question};
use bench_verdict::comparison::{self, Comparison, Sides, Subject};
use bench_verdict::gate::GateOptions;
use bench_verdict::stats::sample::{Sample, SampleError};
use bench_verdict::verdict::Coverage;
use thiserror::Error;

use super::side::{Measured, Side};

/// A series whose samples cannot be compared.
#[derive(Debug, Error)]
#[error("{side}: {series}: {source}")]
pub struct PairError {
    side: String,
    series: String,
    source: SampleError,
}

/// One series of the old or the new side, or both.
#[derive(Debug, Clone)]
pub struct Paired {
    /// The old side.
    pub old: Option<Measured>,
    /// The new side.
    pub new: Option<Measured>,
    /// What both are together; absent where one side is missing.
    pub compared: Option<Compared>,
}

impl Paired {
    /// Whichever side there is, the old one first.
    pub fn any(&self) -> Option<&Measured> {
        self.old.as_ref().or(self.new.as_ref())
    }
}

/// Two sides compared.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The side compared with.
    pub old: Side,
    /// The side judged.
    pub new: Side,
    /// Every series of either, the old side's first, in the order of the files.
    pub rows: Vec<Paired>,
    /// What the old side has, or the report expects, and the new one has not.
    pub coverage: Coverage,
    /// What tells the machines apart, where something known to both does.
    pub environments_differ: Option<String>,
}

type Key<'a> = (&'a str, &'a Params, &'a str, &'a str);

fn key(measured: &Measured) -> Key<'_> {
    (
        &measured.benchmark,
        &measured.params,
        &measured.metric,
        &measured.unit,
    )
}

/// Compares two sides.
pub fn compare(old: Side, new: Side, options: &GateOptions) -> Result<Pair, PairError> {
    let identical = old.binary_sha256.is_some() && old.binary_sha256 == new.binary_sha256;
    let by_key: HashMap<Key<'_>, &Measured> = new
        .measured
        .iter()
        .map(|measured| (key(measured), measured))
        .collect();
    let mut rows = Vec::new();
    for measured in &old.measured {
        let other = by_key.get(&key(measured)).copied();
        let compared = match other {
            Some(other) => Some(one(&old, measured, &new, other, identical, options)?),
            None => None,
        };
        rows.push(Paired {
            old: Some(measured.clone()),
            new: other.cloned(),
            compared,
        });
    }
    let known: HashSet<Key<'_>> = old.measured.iter().map(key).collect();
    let only_new = new
        .measured
        .iter()
        .filter(|measured| !known.contains(&key(measured)));
    rows.extend(only_new.map(|measured| Paired {
        old: None,
        new: Some(measured.clone()),
        compared: None,
    }));
    let coverage = coverage(&old, &new, &rows);
    let environments_differ = differences(&old, &new);
    Ok(Pair {
        old,
        new,
        rows,
        coverage,
        environments_differ,
    })
}

fn one(
    old_side: &Side,
    old: &Measured,
    new_side: &Side,
    new: &Measured,
    identical: bool,
    options: &GateOptions,
) -> Result<Compared, PairError> {
    let sample = |side: &Side, measured: &Measured| {
        Sample::new(&measured.samples).map_err(|source| PairError {
            side: side.name.clone(),
            series: measured.name(),
            source,
        })
    };
    let question = Question {
        better: new.better,
        exact: new.kind == Kind::Count,
        identical,
        floor: new.floor,
        threshold: options.threshold,
    };
    let new_sample = sample(new_side, new)?;
    let old_sample = sample(old_side, old)?;
    let mut compared = bench_verdict::compare::compare(&old_sample, &new_sample, &question);
    if let Some(level) = old.level {
        // A baseline's level is the mean of its runs' values: that is what the band compares with.
        let judged = band::judge(new_sample.median(), Some(level), new.better, new.floor);
        (compared.band, compared.change) = (judged.band, judged.change);
    }
    Ok(compared)
}

fn coverage(old: &Side, new: &Side, rows: &[Paired]) -> Coverage {
    let skipped: HashSet<&String> = new.skipped.iter().collect();
    let failed: HashSet<&String> = new.failed.iter().collect();
    let measured: HashSet<String> = new.measured.iter().map(Measured::name).collect();
    let benchmark_of = |name: &str| name.split(' ').next().unwrap_or_default().to_owned();
    // A benchmark that failed or was skipped whole is named without its metrics.
    let is_in = |names: &HashSet<&String>, side: &Measured| {
        let params = bench_report::metric::params_text(&side.params);
        let whole = format!("{} {params}", side.benchmark).trim_end().to_owned();
        names.contains(&side.name()) || names.contains(&whole)
    };
    let mut expected = 0;
    let mut coverage = Coverage::default();
    let mut seen: HashSet<String> = HashSet::new();
    for row in rows {
        match (&row.old, &row.new) {
            (Some(own), None) => {
                seen.insert(own.name());
                if is_in(&skipped, own) {
                    coverage.not_available.push(own.name());
                } else {
                    expected += 1;
                    let names = if is_in(&failed, own) {
                        &mut coverage.failed
                    } else {
                        &mut coverage.missing
                    };
                    names.push(own.name());
                }
            }
            (Some(own), Some(_)) => {
                seen.insert(own.name());
                expected += 1;
                coverage.measured += 1;
            }
            (None, Some(own)) => coverage.new.push(own.name()),
            (None, None) => {}
        }
    }
    for name in new.expected.iter().filter(|name| !seen.contains(*name)) {
        let whole = benchmark_of(name);
        let is_failed = failed.contains(name) || new.failed.contains(&whole);
        if measured.contains(name) || skipped.contains(name) || new.skipped.contains(&whole) {
            continue;
        }
        expected += 1;
        if is_failed {
            &mut coverage.failed
        } else {
            &mut coverage.missing
        }
        .push(name.clone());
    }
    let failed_alone = new.failed.iter().filter(|name| {
        !coverage.failed.contains(*name)
            && !coverage
                .failed
                .iter()
                .any(|other| other.starts_with(&format!("{} ", benchmark_of(name))))
    });
    let failed_alone: Vec<String> = failed_alone.cloned().collect();
    expected += failed_alone.len();
    coverage.failed.extend(failed_alone);
    coverage.expected = expected;
    if old.measured.is_empty() {
        coverage.expected = coverage.expected.max(1);
    }
    coverage
}

/// The keys that both sides know and that tell them apart.
fn differences(old: &Side, new: &Side) -> Option<String> {
    if old.environment_hash.is_some() && old.environment_hash == new.environment_hash {
        return None;
    }
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let differ: Vec<String> = old
        .environment
        .iter()
        .filter_map(|(key, own)| {
            let other = new.environment.get(key).filter(|other| *other != own)?;
            Some(format!("{key} is {} and {}", text(own), text(other)))
        })
        .collect();
    if !differ.is_empty() {
        return Some(differ.join(", "));
    }
    let of_baseline = old.environment.is_empty() || new.environment.is_empty();
    match (&old.environment_hash, &new.environment_hash) {
        (Some(own), Some(other)) if of_baseline => {
            let short = |hash: &String| hash.chars().take(12).collect::<String>();
            Some(format!(
                "machine {} and machine {}",
                short(own),
                short(other)
            ))
        }
        _ => None,
    }
}

impl Pair {
    /// The rows that both sides have, as the rules take them.
    pub fn compared(&self) -> Vec<(Subject, Compared)> {
        self.rows
            .iter()
            .filter_map(|row| {
                let new = row.new.as_ref()?;
                let subject = Subject {
                    benchmark: new.benchmark.clone(),
                    params: new.params.clone(),
                    metric: new.metric.clone(),
                    unit: new.unit.clone(),
                    better: new.better,
                };
                Some((subject, row.compared?))
            })
            .collect()
    }

    /// The whole as it travels, judged.
    pub fn judged(&self, options: &GateOptions) -> Comparison {
        let side = |side: &Side| comparison::Side {
            name: side.name.clone(),
            run_id: None,
            commit: side.commit.clone(),
            branch: side.branch.clone(),
            environment: side.environment_hash.clone(),
            started_at: side.started_at.map(|time| time.to_string()),
        };
        let sides = Sides {
            base: side(&self.old),
            head: side(&self.new),
            paired: false,
            coverage: self.coverage.clone(),
            environments_differ: self.environments_differ.clone(),
        };
        Comparison::judge(sides, &self.compared(), options)
    }
}
