//! Which benchmarks are to be measured, how, and which cannot be measured here.

use std::sync::Arc;
use std::time::Duration;

use bench_report::metric::Params;
use bench_report::report::Options;
use regex::Regex;
use thiserror::Error;

use crate::measure::alloc;
use crate::measure::looping::Budget;
use crate::suite::plant::Plant;
use crate::suite::recorded::{self, Recording};
use crate::suite::{BenchmarkInfo, MetricInfo, catalogue, operation_of};

/// How a run is to be made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which benchmarks: those whose name, or name and params, it matches. `None`: all.
    pub bench: Option<Regex>,
    /// How long one sample is.
    pub benchtime: Benchtime,
    /// Samples of each benchmark.
    pub count: u32,
    /// Core counts.
    pub cpu: Vec<u32>,
    /// The longest time to warm up, a sample.
    pub warmup: Duration,
    /// Seed of the workloads and of the order.
    pub seed: u64,
    /// Whether this is the short form.
    pub quick: bool,
    /// A planted slowdown; none but where a gate proves itself.
    pub plant: Option<Plant>,
    /// A recording to be measured, too.
    pub recording: Option<Arc<Recording>>,
}

/// How long a sample is, with the text that said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Benchtime {
    /// How long.
    pub budget: Budget,
    /// `10s`, `100ms` or `1000x`.
    pub text: String,
}

/// A benchmark with its params.
#[derive(Debug, Clone)]
pub struct Case {
    /// Which.
    pub info: &'static BenchmarkInfo,
    /// With what.
    pub params: Params,
    /// What it gives in this program.
    pub metrics: Vec<&'static MetricInfo>,
    /// The processors that it uses.
    pub cpus: Vec<usize>,
    /// Why it cannot be measured here, if so.
    pub skipped: Option<String>,
}

/// Why there is no plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// Nothing matches.
    #[error("no benchmark matches --bench {pattern:?}; the names are {names}")]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// What there is.
        names: String,
    },
    /// Something is planted in an operation that a benchmark does not repeat.
    #[error(
        "{plant} cannot be planted in {case}: choose benchmarks that repeat that operation with --bench"
    )]
    NotPlanted {
        /// What.
        plant: Plant,
        /// Where.
        case: String,
    },
}

impl Settings {
    /// The settings as the report carries them.
    pub fn options(&self) -> Options {
        Options {
            benchtime: Some(self.benchtime.text.clone()),
            count: Some(self.count),
            cpu: self.cpu.clone(),
            warmup: Some(duration_text(self.warmup)),
            seed: Some(self.seed),
            quick: self.quick,
            planted: self.plant.map(|plant| plant.to_string()),
        }
    }
}

impl Case {
    /// `KVEventConcurrency concurrency=10 cpu=2`.
    pub fn text(&self) -> String {
        let params = bench_report::metric::params_text(&self.params);
        format!("{} {params}", self.info.name).trim_end().to_owned()
    }
}

/// Everything to be measured, in the order of the catalogue. `processors` are those that may be
/// used.
pub fn plan(settings: &Settings, processors: &[usize]) -> Result<Vec<Case>, PlanError> {
    let counts_allocations = alloc::is_installed();
    let mut cases = Vec::new();
    let recorded = settings.recording.iter();
    let recorded = recorded.map(|recording| (&recorded::INFO, vec![recording.params()]));
    let synthetic = catalogue().map(|info| (info, info.cases(&settings.cpu)));
    for (info, all_params) in synthetic.into_iter().chain(recorded) {
        for params in all_params {
            let mut case = Case {
                info,
                metrics: info
                    .metrics_of(&params)
                    .filter(|metric| counts_allocations || !metric.needs_counting_allocator)
                    .filter(|metric| !metric.needs_instructions)
                    .collect(),
                cpus: Vec::new(),
                skipped: None,
                params,
            };
            let wanted = |pattern: &Regex| pattern.is_match(&case.text());
            if !settings.bench.as_ref().is_none_or(wanted) {
                continue;
            }
            if let Some(plant) = settings.plant
                && operation_of(info.name, &case.params) != Some(plant.operation)
            {
                return Err(PlanError::NotPlanted {
                    plant,
                    case: case.text(),
                });
            }
            match processors_for(&case.params, processors) {
                Ok(cpus) => case.cpus = cpus,
                Err(reason) => case.skipped = Some(reason),
            }
            if case.metrics.is_empty() {
                let reason = "this program does not count its allocations";
                case.skipped.get_or_insert_with(|| reason.to_owned());
            }
            cases.push(case);
        }
    }
    match (&settings.bench, cases.is_empty()) {
        (Some(pattern), true) => Err(PlanError::NoMatch {
            pattern: pattern.to_string(),
            names: catalogue().map(|info| info.name).join(", "),
        }),
        _ => Ok(cases),
    }
}

/// The last processors: the first ones are those that most systems send their interrupts to.
fn processors_for(params: &Params, processors: &[usize]) -> Result<Vec<usize>, String> {
    let wanted: usize = params
        .get("cpu")
        .and_then(|cpu| cpu.parse().ok())
        .unwrap_or(1);
    match processors.len().checked_sub(wanted) {
        Some(first) => Ok(processors[first..].to_vec()),
        None => Err(format!(
            "cpu={wanted} needs {wanted} processors; this machine has {}",
            processors.len()
        )),
    }
}

/// Reads `10s`, `100ms`, `2m` or `1000x`.
pub fn parse_benchtime(text: &str) -> Result<Benchtime, String> {
    let budget = match text.strip_suffix('x') {
        Some(count) => match count.parse() {
            Ok(count) if count > 0 => Budget::Count(count),
            _ => {
                return Err(
                    "give a number of operations above zero before the x, as in 1000x".to_owned(),
                );
            }
        },
        None => Budget::Time(parse_duration(text)?),
    };
    if budget == Budget::Time(Duration::ZERO) {
        return Err("a sample needs some time: give 10ms or more, or 1000x".to_owned());
    }
    Ok(Benchtime {
        budget,
        text: text.to_owned(),
    })
}

/// Reads `10s`, `1.5s`, `100ms`, `500us` or `2m`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err("give a number and a unit: us, ms, s, m or h, as in 10s".to_owned()),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("{number:?} is not a number, as in 10s"))?;
    Duration::try_from_secs_f64(number * seconds)
        .ok()
        .filter(|&time| time <= Duration::from_secs(86_400))
        .ok_or_else(|| "give a time from 0 to 24h".to_owned())
}

pub(crate) fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds >= 1.0 || duration.is_zero() {
        format!("{seconds}s")
    } else {
        format!("{}ms", seconds * 1e3)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn settings(bench: Option<&str>) -> Settings {
        Settings {
            bench: bench.map(|pattern| Regex::new(pattern).unwrap()),
            benchtime: parse_benchtime("100x").unwrap(),
            count: 3,
            cpu: vec![1, 2, 4],
            warmup: Duration::from_millis(50),
            seed: 7,
            quick: false,
            plant: None,
            recording: None,
        }
    }

    #[test]
    fn all_eight_benchmarks_are_planned() {
        let cases = plan(&settings(None), &[0, 1, 2, 3]).unwrap();
        let mut names: Vec<&str> = cases.iter().map(|case| case.info.name).collect();
        names.dedup();
        assert_eq!(names.len(), 8);
        assert!(cases.iter().all(|case| case.skipped.is_none()));
    }

    #[test]
    fn what_is_planted_must_reach_every_benchmark() {
        let planted = |bench| Settings {
            plant: Some(crate::suite::plant::parse("lookup=15%").unwrap()),
            ..settings(Some(bench))
        };
        assert!(plan(&planted("RoutingDecision"), &[0]).is_ok());
        let error = plan(&planted("BurstLoad"), &[0]).unwrap_err().to_string();
        assert!(
            error.starts_with("lookup=15% cannot be planted in KVEventBurstLoad"),
            "{error}"
        );
    }

    #[test]
    fn what_needs_more_processors_is_skipped_with_that_reason() {
        let cases = plan(&settings(Some("Latency")), &[0, 1]).unwrap();
        let skipped: Vec<_> = cases
            .iter()
            .filter_map(|case| case.skipped.clone())
            .collect();
        assert_eq!(skipped, ["cpu=4 needs 4 processors; this machine has 2"]);
        assert_eq!(cases[0].cpus, [1]);
        assert_eq!(cases[1].cpus, [0, 1]);
    }

    #[test]
    fn a_pattern_sees_the_params_too() {
        let cases = plan(&settings(Some("Concurrency concurrency=500 cpu=1$")), &[0]).unwrap();
        assert_eq!(cases.len(), 1);
        assert_eq!(cases[0].text(), "KVEventConcurrency concurrency=500 cpu=1");
    }

    #[test]
    fn a_pattern_that_matches_nothing_says_what_there_is() {
        let error = plan(&settings(Some("Nothing")), &[0])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("\"Nothing\"") && error.contains("KVEventBurstLoad"),
            "{error}"
        );
    }

    #[test]
    fn times_and_counts_are_read_and_nonsense_is_explained() {
        assert_eq!(
            parse_benchtime("1000x").unwrap().budget,
            Budget::Count(1_000)
        );
        let time = |text: &str| parse_benchtime(text).unwrap().budget;
        assert_eq!(time("10s"), Budget::Time(Duration::from_secs(10)));
        assert_eq!(time("1.5ms"), Budget::Time(Duration::from_micros(1_500)));
        for nonsense in [
            "", "10", "x", "0x", "0s", "-1s", "ten s", "99999h", "NaNs", "infs",
        ] {
            assert!(parse_benchtime(nonsense).is_err(), "{nonsense:?}");
        }
    }

    #[test]
    fn the_report_carries_how_it_was_run() {
        let options = settings(None).options();
        assert_eq!(options.benchtime.as_deref(), Some("100x"));
        assert_eq!(options.warmup.as_deref(), Some("50ms"));
        assert_eq!((options.count, options.seed), (Some(3), Some(7)));
    }
}
