//! Samples become the report, at any moment: what was measured so far is always a whole report.

use std::collections::BTreeMap;

use bench_report::metric::Kind;
use bench_report::report::{
    Benchmark, Commit, Curve, Environment, Expected, FORMAT, Histogram, Metric, Report, Revision,
    RunKind, Runner, Status, Suite,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::plan::{Case, Settings};
use crate::environment;
use crate::measure::histogram::Latencies;
use crate::measure::sampler::{Moment, Observation};
use crate::suite::{SUITE, SUITE_VERSION, Sample};

/// What a report says beside its measurements.
#[derive(Debug, Clone)]
pub struct Header {
    /// Names the run.
    pub run_key: Uuid,
    /// Why it is made.
    pub kind: RunKind,
    /// What is measured.
    pub revision: Revision,
    /// Where.
    pub environment: Environment,
    /// When the first benchmark began.
    pub started_at: Timestamp,
}

/// What was measured so far.
#[derive(Debug)]
pub struct Gathered {
    header: Header,
    settings: Settings,
    conditions: bench_report::report::Conditions,
    binary_sha256: Option<String>,
    cases: Vec<(Case, Results)>,
}

/// Results of one case.
#[derive(Debug, Default)]
struct Results {
    iterations: Vec<u64>,
    samples: BTreeMap<&'static str, Vec<f64>>,
    histograms: Vec<(&'static str, hdrhistogram::Histogram<u64>)>,
    curves: Vec<Curve>,
    differing: Vec<&'static str>,
    warmed: usize,
    unsteady: usize,
    observation: Observation,
    error: Option<String>,
}

impl Gathered {
    /// Nothing yet.
    pub fn new(header: Header, settings: Settings, cases: Vec<Case>) -> Self {
        Self {
            header,
            settings,
            conditions: environment::conditions(),
            binary_sha256: environment::binary_sha256(),
            cases: cases
                .into_iter()
                .map(|case| (case, Results::default()))
                .collect(),
        }
    }

    /// How the run is made.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Lists the commits since the run before.
    pub fn cover(&mut self, commits: Vec<Commit>) {
        self.header.revision.commits = commits;
    }

    /// Whose run it is.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The cases, in the order of the plan.
    pub fn cases(&self) -> impl ExactSizeIterator<Item = &Case> {
        self.cases.iter().map(|(case, _)| case)
    }

    /// Samples taken of a case.
    pub fn sample_count(&self, case: usize) -> usize {
        self.cases[case].1.iterations.len()
    }

    /// Whether a case failed.
    pub fn failure(&self, case: usize) -> Option<&str> {
        self.cases[case].1.error.as_deref()
    }

    /// Adds a sample of a case, taken between two moments.
    pub fn add(&mut self, case: usize, sample: Sample, from: Moment, to: Moment) {
        let results = &mut self.cases[case].1;
        results.observation.add(from, to);
        results.iterations.push(sample.iterations);
        for (name, value) in sample.values {
            results.samples.entry(name).or_default().push(value);
        }
        for (name, latencies) in sample.histograms {
            let all = match results.histograms.iter().position(|(own, _)| *own == name) {
                Some(place) => place,
                None => {
                    results.histograms.push((name, Latencies::wide()));
                    results.histograms.len() - 1
                }
            };
            latencies.add_to(&mut results.histograms[all].1);
        }
        // A course over time belongs to one sample: the last one's is kept.
        if !sample.curves.is_empty() {
            results.curves = sample.curves;
        }
        results.differing.extend(sample.differing);
        results.warmed += usize::from(sample.steady.is_some());
        results.unsteady += usize::from(sample.steady == Some(false));
    }

    /// Notes that a case gave no further sample.
    pub fn fail(&mut self, case: usize, error: String) {
        self.cases[case].1.error.get_or_insert(error);
    }

    /// The report of what there is. `interrupted`: what has no sample yet will not get one.
    pub fn report(&self, finished_at: Timestamp, interrupted: bool) -> Report {
        let mut conditions = self.conditions.clone();
        let mut whole = Observation::default();
        self.cases
            .iter()
            .for_each(|(_, results)| whole.join(&results.observation));
        conditions.steal_percent = whole.steal_percent();
        let measurable = self.cases.iter().filter(|(case, _)| case.skipped.is_none());
        Report {
            format: FORMAT,
            run_key: self.header.run_key,
            kind: self.header.kind,
            suite: Suite {
                name: SUITE.to_owned(),
                version: SUITE_VERSION.to_owned(),
            },
            runner: Runner {
                name: "bench-runner".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                binary_sha256: self.binary_sha256.clone(),
            },
            options: self.settings.options(),
            revision: self.header.revision.clone(),
            environment: self.header.environment.clone(),
            conditions,
            started_at: self.header.started_at,
            finished_at: finished_at.max(self.header.started_at),
            expected: measurable
                .map(|(case, _)| Expected {
                    name: case.info.name.to_owned(),
                    params: case.params.clone(),
                    metrics: case
                        .metrics
                        .iter()
                        .map(|metric| metric.name.to_owned())
                        .collect(),
                })
                .collect(),
            benchmarks: self
                .cases
                .iter()
                .filter_map(|(case, results)| results.benchmark(case, interrupted))
                .collect(),
            pair: None,
            artifacts: Vec::new(),
        }
    }
}

impl Results {
    /// The case in the report; `None` while it has neither a sample nor a reason to have none.
    fn benchmark(&self, case: &Case, interrupted: bool) -> Option<Benchmark> {
        let measured = !self.iterations.is_empty();
        let metrics = self.metrics(case);
        let nothing =
            || (measured && metrics.is_empty()).then(|| "it gave none of its metrics".to_owned());
        let interruption = || {
            (interrupted && !measured).then(|| "the run ended before its first sample".to_owned())
        };
        let (status, error) = match (
            &case.skipped,
            self.error.clone().or_else(interruption).or_else(nothing),
        ) {
            (Some(reason), _) => (Status::Skipped, Some(reason.clone())),
            (None, Some(error)) => (Status::Failed, Some(error)),
            (None, None) if measured => (Status::Ok, None),
            (None, None) => return None,
        };
        Some(Benchmark {
            name: case.info.name.to_owned(),
            params: case.params.clone(),
            status,
            error: error.map(|error| error.chars().take(1_000).collect()),
            iterations: median(&self.iterations),
            conditions: measured.then(|| self.observation.conditions()),
            disturbed: self.disturbances(),
            metrics,
            histograms: self
                .histograms
                .iter()
                // One that is too long for the format is left out: its quantiles are metrics.
                .filter_map(|(name, all)| Histogram::encode(name, "ns", all).ok())
                .collect(),
            curves: self.curves.clone(),
        })
    }

    fn metrics(&self, case: &Case) -> Vec<Metric> {
        let measured = case.metrics.iter().filter_map(|info| {
            let samples = self.samples.get(info.name)?;
            let is_exact = samples.windows(2).all(|pair| pair[0] == pair[1])
                && !self.differing.contains(&info.name);
            Some(Metric {
                name: info.name.to_owned(),
                unit: info.unit.as_str().to_owned(),
                better: info.better,
                // What differs between passes of one run is no count.
                kind: if info.kind == Kind::Count && !is_exact {
                    Kind::Ratio
                } else {
                    info.kind
                },
                samples: samples.clone(),
                floor: info.floor,
                target: info.target(&case.params),
            })
        });
        measured.collect()
    }

    fn disturbances(&self) -> Vec<String> {
        let mut disturbances = self.observation.disturbances();
        // One sample that was not steady is noise among the others; half of them are no accident.
        if self.warmed > 0 && 2 * self.unsteady >= self.warmed {
            disturbances.push(format!(
                "not steady after warming up, {} of {}",
                self.unsteady, self.warmed
            ));
        }
        disturbances
    }
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(crate) mod tests {
    use super::super::plan::plan;
    use super::super::plan::tests::settings;
    use super::*;

    pub(crate) fn gathered(bench: Option<&str>, processors: &[usize]) -> Gathered {
        let settings = settings(bench);
        let cases = plan(&settings, processors).unwrap();
        let header = Header {
            run_key: Uuid::from_u128(7),
            kind: RunKind::Manual,
            revision: Revision::default(),
            environment: environment::environment(None),
            started_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        };
        Gathered::new(header, settings, cases)
    }

    pub(crate) fn sample(value: f64) -> Sample {
        let mut latencies = Latencies::new();
        latencies.record(value as u64);
        Sample {
            iterations: 10,
            values: vec![("latency_p50", value), ("allocs_per_op", 2.0)],
            histograms: vec![("latency", latencies)],
            ..Sample::default()
        }
    }

    fn add(gathered: &mut Gathered, case: usize, sample: Sample) {
        gathered.add(case, sample, Moment::default(), Moment::default());
    }

    #[test]
    fn samples_are_kept_raw_and_in_order() {
        let mut gathered = gathered(Some("ProcessingLatency"), &[0]);
        for value in [30.0, 10.0, 20.0] {
            add(&mut gathered, 0, sample(value));
        }
        let now = Timestamp::now();
        let report = gathered.report(now, false);
        report.validate(now).unwrap();
        let benchmark = &report.benchmarks[0];
        assert_eq!((benchmark.status, benchmark.iterations), (Status::Ok, 10));
        assert_eq!(benchmark.metrics[0].samples, [30.0, 10.0, 20.0]);
        assert_eq!(benchmark.histograms[0].decode().unwrap().len(), 3);
    }

    #[test]
    fn a_count_that_differs_is_called_a_ratio() {
        let kind_of = |samples: &[(f64, bool)]| {
            let mut gathered = gathered(Some("ProcessingLatency cpu=1"), &[0]);
            for &(allocs, differs) in samples {
                let mut sample = sample(1.0);
                sample.values[1].1 = allocs;
                sample.differing.extend(differs.then_some("allocs_per_op"));
                add(&mut gathered, 0, sample);
            }
            gathered.report(Timestamp::now(), false).benchmarks[0].metrics[1].kind
        };
        assert_eq!(kind_of(&[(2.0, false), (2.0, false)]), Kind::Count);
        assert_eq!(kind_of(&[(2.0, true)]), Kind::Ratio);
        assert_eq!(kind_of(&[(2.0, false), (3.0, false)]), Kind::Ratio);
    }

    #[test]
    fn what_cannot_be_measured_here_is_skipped_and_not_expected() {
        let gathered = gathered(Some("ProcessingLatency"), &[0]);
        let report = gathered.report(Timestamp::now(), true);
        let statuses: Vec<Status> = report.benchmarks.iter().map(|one| one.status).collect();
        assert_eq!(statuses, [Status::Failed, Status::Skipped, Status::Skipped]);
        assert_eq!(report.expected.len(), 1);
        assert!(report.benchmarks.iter().all(|one| one.error.is_some()));
    }

    #[test]
    fn a_failure_keeps_the_samples_before_it() {
        let mut gathered = gathered(Some("ProcessingLatency cpu=1"), &[0]);
        add(&mut gathered, 0, sample(5.0));
        gathered.fail(0, "planted".to_owned());
        let report = gathered.report(Timestamp::now(), false);
        let benchmark = &report.benchmarks[0];
        assert_eq!(benchmark.status, Status::Failed);
        assert_eq!(benchmark.error.as_deref(), Some("planted"));
        assert_eq!(benchmark.metrics[0].samples, [5.0]);
    }
}
