//! What the page of one run says.

use std::collections::BTreeMap;

use bench_verdict::suite_rules::RedFlag;
use bench_verdict::verdict::{Band, Evidence};
use serde::Serialize;

use super::overview::{Counts, Gate, Headline, TargetRow, mark};
use super::{order, targets, verdict, words};
use crate::domain::{Environment, Judged, JudgedRun, Run, RunKind};

/// What a report is made from.
#[derive(Debug, Clone)]
pub struct RunInputs {
    /// The run with all its rows.
    pub run: JudgedRun,
    /// Its machine.
    pub environment: Environment,
    /// The run before it: the newest earlier one of the same suite, branch and kind, and its
    /// machine (of the same name, whatever its fingerprint).
    pub before: Option<(Run, Environment)>,
}

/// What the page of one run says.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The sentence that opens the page.
    pub headline: Headline,
    /// What CI was told.
    pub gate: Gate,
    /// How many series have which band and evidence.
    pub counts: Counts,
    /// Benchmark by benchmark, in the order of their names.
    pub benchmarks: Vec<BenchmarkRow>,
    /// How many rows left their band.
    pub flagged: usize,
    /// All rows, the worst first.
    pub rows: Vec<Judged>,
    /// What differs from the run before, in the order environment, suite, options, conditions;
    /// empty without a run before.
    pub differs: Vec<Difference>,
    /// The guide's and the mission's targets.
    pub targets: Vec<TargetRow>,
    /// The guide's red flags.
    pub red_flags: Vec<RedFlag>,
}

/// One benchmark of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BenchmarkRow {
    /// Its name.
    pub name: String,
    /// Series measured.
    pub series: usize,
    /// Series that left their band.
    pub flagged: usize,
    /// Expected series without a value.
    pub lost: usize,
    /// The worst certain band, if any.
    pub mark: Option<(Band, Evidence)>,
}

/// A fact of this run that the run before had otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Such as `Load at start`.
    pub label: String,
    /// In this run; absent: not known.
    pub now: Option<String>,
    /// In the run before; absent: not known.
    pub before: Option<String>,
}

/// Makes the report.
pub fn run_report(inputs: RunInputs) -> RunReport {
    let RunInputs {
        run: judged,
        environment,
        before,
    } = inputs;
    let gate = verdict::gate(&judged);
    let headline = headline(&judged, environment.is_sample);
    let counts = Counts::of_rows(&judged.rows);
    let benchmarks = benchmarks(&judged);
    let targets = targets::rows(&judged);
    let red_flags = targets::red_flags(&judged);
    let differs = before
        .map(|(run, machine)| differences(&judged.run, &environment, &run, &machine))
        .unwrap_or_default();
    let mut rows = judged.rows;
    rows.sort_by(order::worst_first);
    RunReport {
        headline,
        gate,
        counts,
        benchmarks,
        flagged: rows
            .iter()
            .filter(|row| order::left_band(&row.judgement))
            .count(),
        rows,
        differs,
        targets,
        red_flags,
    }
}

/// `Run 1482 measured all 180 series; three are confirmed slower than their baseline`.
fn headline(judged: &JudgedRun, is_sample: bool) -> Headline {
    let run = &judged.run;
    let coverage = &run.coverage;
    let generated = is_sample || run.kind == RunKind::Sample;
    let whole = coverage.is_complete() && coverage.measured >= coverage.expected;
    let series = match coverage.measured {
        0 => "nothing".to_owned(),
        1 if whole => "its only series".to_owned(),
        n if whole => format!("all {n} series"),
        n => format!("{n} of {} series", coverage.expected),
    };
    let what = if generated {
        format!("Sample run {} holds generated values for {series}", run.id)
    } else {
        format!("Run {} measured {series}", run.id)
    };
    let text = match finding(&judged.rows) {
        Some(finding) => format!("{what}; {finding}"),
        None => what,
    };
    Headline {
        text,
        mark: mark(judged),
    }
}

/// The worst thing that is certain of the rows, else what they were compared with.
fn finding(rows: &[Judged]) -> Option<String> {
    let number = |wanted: &dyn Fn(&Judged) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let certain = |row: &Judged| order::is_certain(row.judgement.evidence);
    let worse = number(&|row| certain(row) && order::is_worse(row.judgement.band));
    let better = number(&|row| certain(row) && row.judgement.band == Band::Improved);
    let open = number(&|row| {
        matches!(row.judgement.band, Band::Critical | Band::Warning)
            && !certain(row)
            && row.judgement.evidence != Evidence::Noise
    });
    let warming = number(&|row| row.judgement.band == Band::Warming);
    let are = |n: usize| if n == 1 { "is" } else { "are" };
    if rows.is_empty() {
        None
    } else if warming == rows.len() {
        Some("there is no baseline yet".to_owned())
    } else if worse > 0 {
        let n = words::count(worse);
        let whose = if worse == 1 { "its" } else { "their" };
        Some(format!(
            "{n} {} confirmed worse than {whose} baseline",
            are(worse)
        ))
    } else if open > 0 {
        let n = words::count(open);
        let sure = if open == 1 { "not" } else { "none" };
        Some(format!(
            "{n} {} worse by 10% or more, {sure} confirmed",
            are(open)
        ))
    } else if better > 0 {
        let n = words::count(better);
        Some(format!(
            "{n} {} confirmed better, none confirmed worse",
            are(better)
        ))
    } else {
        Some("none is confirmed worse than its baseline".to_owned())
    }
}

fn benchmarks(judged: &JudgedRun) -> Vec<BenchmarkRow> {
    let mut by_name: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    for row in &judged.rows {
        by_name
            .entry(&row.series.key.benchmark)
            .or_default()
            .push(row);
    }
    let coverage = &judged.run.coverage;
    let mut lost: BTreeMap<&str, usize> = BTreeMap::new();
    for name in coverage.missing.iter().chain(&coverage.failed) {
        let benchmark = name.split([' ', '/', ':']).next().unwrap_or(name);
        by_name.entry(benchmark).or_default();
        *lost.entry(benchmark).or_default() += 1;
    }
    by_name
        .into_iter()
        .map(|(name, rows)| BenchmarkRow {
            name: name.to_owned(),
            series: rows.len(),
            flagged: rows
                .iter()
                .filter(|row| order::left_band(&row.judgement))
                .count(),
            lost: lost.get(name).copied().unwrap_or(0),
            mark: worst_mark(&rows),
        })
        .collect()
}

fn worst_mark(rows: &[&Judged]) -> Option<(Band, Evidence)> {
    rows.iter()
        .map(|row| (row.judgement.band, row.judgement.evidence))
        .filter(|(band, evidence)| {
            (order::is_worse(*band) || *band == Band::Improved) && order::is_certain(*evidence)
        })
        .min_by_key(|(band, evidence)| (order::band_rank(*band), order::evidence_rank(*evidence)))
}

fn differences(
    run: &Run,
    machine: &Environment,
    run_before: &Run,
    machine_before: &Environment,
) -> Vec<Difference> {
    let mut all = diff(&machine.facts, &machine_before.facts);
    let version = |run: &Run| {
        vec![(
            "Suite".to_owned(),
            format!("{} {}", run.suite, run.suite_version),
        )]
    };
    all.extend(diff(&version(run), &version(run_before)));
    all.extend(diff(&run.options, &run_before.options));
    all.extend(diff(&run.conditions, &run_before.conditions));
    all
}

/// Labels whose values differ: those of `now` in their order, then what only `before` has.
fn diff(now: &[(String, String)], before: &[(String, String)]) -> Vec<Difference> {
    fn value<'a>(facts: &'a [(String, String)], label: &str) -> Option<&'a String> {
        facts
            .iter()
            .find(|fact| fact.0 == label)
            .map(|fact| &fact.1)
    }
    let gone = before.iter().filter(|fact| value(now, &fact.0).is_none());
    now.iter()
        .chain(gone)
        .map(|(label, _)| Difference {
            label: label.clone(),
            now: value(now, label).cloned(),
            before: value(before, label).cloned(),
        })
        .filter(|difference| difference.now != difference.before)
        .collect()
}
