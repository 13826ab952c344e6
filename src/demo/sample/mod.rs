//! A year of generated history, so that every page has something to show.
//!
//! It is labelled as sample data wherever it shows: its kind is `sample`, its machine is named
//! `sample`, its commits say so, and its series belong to a machine of their own, so that it never
//! meets a real result.
//!
//! # Layout
//! - here: the nights, as reports.
//! - `pull`: a sample pull request. `level`: what a series usually is. `story`: what happened to it.
//! - `recorded`: distributions. `burst`: a queue over time. `profile`: call stacks. `commits`: what
//!   each night measured. `canary`: pairs with a planted slowdown.
//! - `random`: seeded numbers.

mod burst;
mod canary;
mod commits;
mod level;
mod profile;
mod pull;
mod random;
mod recorded;
mod story;

use std::collections::BTreeMap;

use bench_report::metric::{Direction, Kind, Target, Unit};
use bench_report::report::{
    Artifact, Benchmark, Conditions, Environment, Expected, FORMAT, Histogram, Metric, Options,
    Params, Report, RunKind, Runner, Status, Suite,
};
use jiff::{Timestamp, ToSpan};

pub(super) use self::canary::{NIGHTS as CANARY_NIGHTS, canaries};
use self::level::{Level, level};
pub(super) use self::pull::{BASE_NIGHT, PULL, pull_reports};
use self::random::Random;
pub(super) use self::story::{ACCEPTED, Accepted};

/// The name of the sample machine.
pub(super) const MACHINE: &str = "sample";

/// Core counts of the sample machine's series.
pub(super) const CPUS: [u32; 4] = [1, 2, 4, 8];

/// Raw samples a series and night: the fewest that have a 95% interval of their median.
const SAMPLES: usize = 6;

/// A series of the suite, as data.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SampleSeries {
    pub(super) benchmark: String,
    pub(super) params: Params,
    pub(super) metric: String,
    pub(super) unit: String,
    pub(super) better: Direction,
    pub(super) kind: Kind,
    pub(super) floor: Option<f64>,
    pub(super) target: Option<Target>,
}

/// The suite that the history is made of.
#[derive(Debug, Clone)]
pub(super) struct SampleSuite {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) series: Vec<SampleSeries>,
}

/// A year of nightly reports up to `now`, oldest first. The same seed, suite and day give the same
/// reports.
pub(super) fn reports(
    suite: &SampleSuite,
    seed: u64,
    now: Timestamp,
) -> impl Iterator<Item = Report> + Send + use<> {
    let mut course = Course::new(suite.clone(), seed, now);
    (0..story::NIGHTS)
        .rev()
        .filter_map(move |nights_ago| course.night(nights_ago))
}

/// The year as it passes.
struct Course {
    suite: SampleSuite,
    levels: Vec<Level>,
    /// What each series carries over from the night before, in deviations.
    memory: Vec<f64>,
    seed: u64,
    newest: Timestamp,
    commits: commits::Course,
}

impl Course {
    fn new(suite: SampleSuite, seed: u64, now: Timestamp) -> Self {
        Self {
            levels: suite.series.iter().map(level).collect(),
            memory: vec![0.0; suite.series.len()],
            suite,
            seed,
            newest: newest_night(now),
            commits: commits::Course::default(),
        }
    }

    /// The report of a night; none where nothing ran.
    fn night(&mut self, nights_ago: i64) -> Option<Report> {
        let mut random = Random::new(self.seed, &format!("night {nights_ago}"));
        self.commits.pass(&mut random);
        let values = self.values(nights_ago, &mut random);
        if story::MISSING.contains(&nights_ago) {
            return None;
        }
        let wander = (random.unit() * 900.0) as i64;
        let started_at = self.newest - (nights_ago * 24).hours() + wander.seconds();
        let old_suite = nights_ago >= story::OLD_SUITE_UNTIL;
        Some(Report {
            format: FORMAT,
            run_key: uuid::Builder::from_random_bytes(bytes(&mut random)).into_uuid(),
            kind: RunKind::Sample,
            suite: Suite {
                name: self.suite.name.clone(),
                version: if old_suite {
                    "0".to_owned()
                } else {
                    self.suite.version.clone()
                },
            },
            runner: Runner {
                name: "sample data".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                binary_sha256: None,
            },
            options: Options {
                benchtime: Some("1s".to_owned()),
                count: Some(SAMPLES as u32),
                cpu: CPUS.to_vec(),
                warmup: None,
                seed: Some(self.seed),
                quick: false,
                planted: None,
            },
            revision: self.commits.measure(self.seed, started_at),
            environment: environment(nights_ago),
            conditions: Conditions {
                load_1m: Some((random.unit() * 40.0).round() / 100.0),
                ..Conditions::default()
            },
            started_at,
            finished_at: started_at + 38.minutes(),
            expected: self.expected(),
            benchmarks: self.benchmarks(nights_ago, &values, &mut random),
            pair: None,
            artifacts: self.profiles(nights_ago),
        })
    }

    /// The middle of every series on a night.
    fn values(&mut self, nights_ago: i64, random: &mut Random) -> Vec<f64> {
        // A part of the noise is the machine's, and shared by all; another part lasts.
        let shared = random.normal();
        let weekly = if self.is_weekend(nights_ago) {
            -0.009
        } else {
            0.0036
        };
        let each = self
            .suite
            .series
            .iter()
            .zip(&self.levels)
            .zip(&mut self.memory);
        each.map(|((series, level), memory)| {
            *memory = 0.35 * *memory + 0.937 * random.normal();
            let worse = level.noise * (0.8 * *memory + 0.35 * shared);
            let worse = if level.noise > 0.0 {
                worse + weekly
            } else {
                0.0
            };
            let sign = if series.better == Direction::Lower {
                1.0
            } else {
                -1.0
            };
            let fixed = level.noise < 0.001;
            let factor = if fixed {
                level.noise * *memory
            } else {
                sign * worse
            }
            .exp();
            level.value * factor * story::factor(series, nights_ago)
        })
        .collect()
    }

    /// Whether the machine's neighbours are quiet.
    fn is_weekend(&self, nights_ago: i64) -> bool {
        // 1970 began on a Thursday.
        let day = self.newest.as_second().div_euclid(86_400) - nights_ago;
        matches!((day + 4).rem_euclid(7), 0 | 6)
    }

    /// What the night's passes for profiles saw; numbers of their own, so that no figure depends on them.
    fn profiles(&self, nights_ago: i64) -> Vec<Artifact> {
        if nights_ago >= profile::NIGHTS {
            return Vec::new();
        }
        let mut random = Random::new(self.seed, &format!("profile {nights_ago}"));
        let moved = |series: &SampleSeries| story::factor(series, nights_ago);
        profile::profiles(&self.suite.series, &moved, &mut random)
    }

    fn expected(&self) -> Vec<Expected> {
        let groups = groups(&self.suite.series);
        let each = groups.into_iter().map(|((name, params), series)| Expected {
            name: name.to_owned(),
            params: params.clone(),
            metrics: series.iter().map(|(_, s)| s.metric.clone()).collect(),
        });
        each.collect()
    }

    fn benchmarks(&self, nights_ago: i64, values: &[f64], random: &mut Random) -> Vec<Benchmark> {
        let mut benchmarks = Vec::new();
        let mut bursts = Random::new(self.seed, &format!("burst {nights_ago}"));
        for ((name, params), series) in groups(&self.suite.series) {
            let failed = nights_ago == story::FAILED_NIGHT && name == story::FAILED_BENCHMARK;
            let metrics = series.iter().map(|(index, series)| {
                let middle = values.get(*index).copied().unwrap_or(0.0);
                let noise = self.levels.get(*index).map_or(0.0, |level| level.noise);
                metric(series, middle, noise, random)
            });
            benchmarks.push(Benchmark {
                name: name.to_owned(),
                params: params.clone(),
                status: if failed { Status::Failed } else { Status::Ok },
                error: failed.then(|| "the worker fell behind and was stopped".to_owned()),
                iterations: if failed { 0 } else { 100_000 },
                conditions: None,
                disturbed: Vec::new(),
                metrics: if failed {
                    Vec::new()
                } else {
                    metrics.collect()
                },
                histograms: if failed || nights_ago >= recorded::NIGHTS {
                    Vec::new()
                } else {
                    distributions(series.iter().filter_map(|(index, series)| {
                        let value = values.get(*index).copied()?;
                        Some((series.metric.as_str(), series.unit.as_str(), value))
                    }))
                },
                curves: if failed || nights_ago >= recorded::NIGHTS {
                    Vec::new()
                } else {
                    Vec::from_iter(burst::queue_depth(&series, values, &mut bursts))
                },
            });
        }
        benchmarks
    }
}

/// What a case with several percentiles of one quantity records: `latency` of `latency_p50`,
/// `latency_p99` and so on. Metrics are given with unit and value.
fn distributions<'a>(metrics: impl Iterator<Item = (&'a str, &'a str, f64)>) -> Vec<Histogram> {
    let mut by_name: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for (metric, unit, value) in metrics {
        let Some((name, percentile)) = metric.rsplit_once("_p") else {
            continue;
        };
        // `p999` is 99.9%: a point after the second digit.
        let digits: Option<f64> = percentile.parse().ok();
        let part = digits.map(|digits| digits / 10_f64.powi(percentile.len() as i32));
        if let (Some(part), "ns") = (part, unit) {
            by_name.entry(name).or_default().push((part, value));
        }
    }
    by_name
        .into_iter()
        .filter_map(|(name, mut percentiles)| {
            percentiles.sort_by(|a, b| a.0.total_cmp(&b.0));
            recorded::recorded(name, &percentiles)
        })
        .collect()
}

/// 01:30 UTC of the day of `now`, or of the day before where that night's run would still be under
/// way.
fn newest_night(now: Timestamp) -> Timestamp {
    let ended = now - (90 + 15 + 38).minutes();
    let midnight = ended.as_second().div_euclid(86_400) * 86_400;
    Timestamp::from_second(midnight).unwrap_or(ended) + 90.minutes()
}

type Groups<'a> = BTreeMap<(&'a str, &'a Params), Vec<(usize, &'a SampleSeries)>>;

/// Series by benchmark and params, each with its place in the suite.
fn groups(series: &[SampleSeries]) -> Groups<'_> {
    let mut groups = Groups::new();
    for (index, series) in series.iter().enumerate() {
        let case = (series.benchmark.as_str(), &series.params);
        groups.entry(case).or_default().push((index, series));
    }
    groups
}

fn metric(series: &SampleSeries, middle: f64, noise: f64, random: &mut Random) -> Metric {
    // Within a night values differ by less than from night to night.
    let sample = |random: &mut Random| middle * (0.5 * noise * random.normal()).exp();
    let cap = match (Unit::parse(&series.unit), series.better) {
        (Ok(Unit::Percent), Direction::Higher) => 100.0,
        _ => f64::MAX,
    };
    Metric {
        name: series.metric.clone(),
        unit: series.unit.clone(),
        better: series.better,
        kind: series.kind,
        samples: (0..SAMPLES)
            .map(|_| five_digits(sample(random)).min(cap))
            .collect(),
        floor: series.floor,
        target: series.target,
    }
}

/// The middle of samples; 0 of none.
fn middle(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// What an instrument would give: five significant digits.
fn five_digits(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let power = 10_f64.powf(4.0 - value.abs().log10().floor());
    let rounded = (value * power).round() / power;
    if rounded.is_finite() { rounded } else { value }
}

fn environment(nights_ago: i64) -> Environment {
    let old = nights_ago >= story::OLD_MACHINE_UNTIL;
    Environment {
        name: Some(MACHINE.to_owned()),
        os: Some("linux".to_owned()),
        arch: Some("x86_64".to_owned()),
        kernel: Some(if old { "5.15.0-91" } else { "6.8.0-47" }.to_owned()),
        cpu_model: Some(
            if old {
                "Sample CPU, first machine"
            } else {
                "Sample CPU, second machine"
            }
            .to_owned(),
        ),
        cpu_count: Some(8),
        memory_bytes: Some(32 << 30),
        compiler: Some("rustc 1.95.0".to_owned()),
        allocator: Some("system".to_owned()),
        ..Environment::default()
    }
}

fn bytes(random: &mut Random) -> [u8; 16] {
    (u128::from(random.bits()) << 64 | u128::from(random.bits())).to_be_bytes()
}

#[cfg(test)]
mod tests;
