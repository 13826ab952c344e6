//! `check`: the offline regression check of one file against a baseline.
//!
//! # Layout
//! - here: what is judged, and how strictly.
//! - `table`: the answer for the terminal.

mod table;

use bench_verdict::comparison::series_verdict;
use bench_verdict::gate::{GateInput, GateOptions, gate};
use bench_verdict::suite_rules::{self, Measured};
use bench_verdict::verdict::{Evidence, SeriesVerdict, TargetResult, Verdict};

pub use self::table::{changed, to_table};
use crate::compare::{Pair, PairError, Side, compare};

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The verdict.
    pub verdict: Verdict,
    /// The band alone decided, because the files hold one value a series: there is nothing to tell
    /// noise from.
    pub one_value_each: bool,
}

/// Judges a side against a baseline.
pub fn check(baseline: Side, current: Side, options: &GateOptions) -> Result<Checked, PairError> {
    let memory_limit = current.memory_limit_bytes;
    let pair = compare(baseline, current, options)?;
    let series = rows(&pair);
    let one_value_each = has_one_value_each(&series);
    let options = GateOptions {
        noise_guard: options.noise_guard && !one_value_each,
        ..*options
    };
    let measured: Vec<Measured<'_>> = series.iter().map(Measured::from).collect();
    let rules = suite_rules::absolute_rules(&measured, memory_limit);
    let red_flags = suite_rules::raised(&suite_rules::red_flags(&measured));
    let verdict = gate(
        GateInput {
            rules,
            red_flags,
            coverage: pair.coverage,
            series,
            environments_differ: pair.environments_differ,
            ..GateInput::default()
        },
        &options,
    );
    Ok(Checked {
        verdict,
        one_value_each,
    })
}

fn rows(pair: &Pair) -> Vec<SeriesVerdict> {
    let environment = pair.new.environment_hash.clone().unwrap_or_default();
    let measured = pair
        .rows
        .iter()
        .filter_map(|row| row.new.as_ref().filter(|_| row.compared.is_some()));
    let levels = pair
        .rows
        .iter()
        .filter(|row| row.compared.is_some())
        .map(|row| row.old.as_ref().and_then(|old| old.level));
    pair.compared()
        .iter()
        .zip(measured.zip(levels))
        .map(|((subject, compared), (new, level))| {
            let mut series = series_verdict(subject, compared, &environment);
            series.baseline = level.or(series.baseline);
            series.target = new.target.map(|target| TargetResult {
                op: target.op,
                value: target.value,
                met: target.is_met_by(series.value),
            });
            series
        })
        .collect()
}

/// Counts need no noise; of the others, if any, each has one value on a side.
fn has_one_value_each(series: &[SeriesVerdict]) -> bool {
    let mut others = series
        .iter()
        .filter(|row| row.evidence != Evidence::Exact)
        .peekable();
    others.peek().is_some() && others.all(|row| row.samples <= 1)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use bench_report::metric::{Direction, Kind, Op, Target};
    use bench_verdict::exit::Status;

    use super::*;
    use crate::compare::Measured;

    fn measured(metric: &str, better: Direction, samples: &[f64]) -> Measured {
        Measured {
            config: Vec::new(),
            benchmark: "KVEventConcurrency".to_owned(),
            params: [("cpu".to_owned(), "2".to_owned())].into(),
            metric: metric.to_owned(),
            unit: "1".to_owned(),
            better,
            kind: Kind::Ratio,
            floor: None,
            target: None,
            samples: samples.to_vec(),
            level: None,
        }
    }

    fn side(name: &str, measured: Vec<Measured>) -> Side {
        Side {
            name: name.to_owned(),
            measured,
            ..Side::default()
        }
    }

    fn status(baseline: Measured, current: Measured) -> Status {
        let (old, new) = (side("old", vec![baseline]), side("new", vec![current]));
        check(old, new, &GateOptions::default())
            .unwrap()
            .verdict
            .status
    }

    #[test]
    fn one_value_each_is_judged_by_the_band_alone_strictly_above_the_threshold() {
        let lower = |value| measured("latency", Direction::Lower, &[value]);
        assert_eq!(status(lower(100.0), lower(110.0)), Status::Pass);
        assert_eq!(status(lower(100.0), lower(110.1)), Status::Fail);
        let higher = |value| measured("throughput", Direction::Higher, &[value]);
        assert_eq!(status(higher(100.0), higher(90.0)), Status::Pass);
        assert_eq!(status(higher(100.0), higher(89.9)), Status::Fail);
    }

    #[test]
    fn many_samples_ask_for_evidence() {
        let noisy = [80.0, 90.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0];
        let base = measured("latency", Direction::Lower, &noisy);
        let mut slower = base.clone();
        slower.samples.iter_mut().for_each(|sample| *sample *= 1.12);
        assert_eq!(status(base.clone(), slower), Status::Inconclusive);
        let mut twice = base.clone();
        twice.samples.iter_mut().for_each(|sample| *sample *= 2.0);
        assert_eq!(status(base, twice), Status::Fail);
    }

    #[test]
    fn what_the_baseline_has_and_the_current_file_has_not_is_incomplete() {
        let both = measured("latency", Direction::Lower, &[100.0]);
        let gone = measured("gone", Direction::Lower, &[1.0]);
        let old = side("old", vec![both.clone(), gone]);
        let checked = check(old, side("new", vec![both]), &GateOptions::default()).unwrap();
        assert_eq!(checked.verdict.status, Status::Incomplete);
        assert_eq!(
            checked.verdict.coverage.missing,
            ["KVEventConcurrency gone cpu=2"]
        );
        assert!(checked.one_value_each);
    }

    #[test]
    fn files_with_nothing_in_common_are_incomplete() {
        let a = side("a", vec![measured("a", Direction::Lower, &[1.0])]);
        let b = side("b", vec![measured("b", Direction::Lower, &[1.0])]);
        let checked = check(a, b, &GateOptions::default()).unwrap();
        assert_eq!(checked.verdict.status, Status::Incomplete);
    }

    #[test]
    fn another_machine_is_named() {
        let machine = |model: &str| Side {
            environment: [("cpu_model".to_owned(), model.into())].into(),
            ..side("x", vec![measured("latency", Direction::Lower, &[1.0])])
        };
        let checked = check(machine("A"), machine("B"), &GateOptions::default()).unwrap();
        assert_eq!(checked.verdict.status, Status::Incomparable);
        let reasons = checked.verdict.reasons;
        assert_eq!(reasons, ["the environments differ: cpu_model is A and B"]);
    }

    #[test]
    fn a_target_that_the_baseline_met_is_kept() {
        let mut current = measured("latency", Direction::Lower, &[103.0]);
        current.target = Some(Target {
            op: Op::Less,
            value: 102.0,
        });
        assert_eq!(
            status(measured("latency", Direction::Lower, &[100.0]), current),
            Status::Fail
        );
    }

    #[test]
    fn a_baselines_level_is_what_the_band_compares_with() {
        let baseline = Measured {
            level: Some(90.0),
            ..measured("latency", Direction::Lower, &[80.0, 100.0, 100.0])
        };
        let (old, new) = (
            side("old", vec![baseline]),
            side("new", vec![measured("latency", Direction::Lower, &[100.0])]),
        );
        let checked = check(old, new, &GateOptions::default()).unwrap();
        let row = &checked.verdict.series[0];
        assert_eq!(row.baseline, Some(90.0));
        assert!((row.change.unwrap() - 1.0 / 9.0).abs() < 1e-12);
        assert_eq!(checked.verdict.status, Status::Fail);
    }
}
