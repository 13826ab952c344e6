//! What alerts promise, on simulated histories: a quiet two months, then something happens. The
//! same functions as on the server: nights followed, alerts made of the news, the gate asked.

use bench_verdict::exit::Status;
use bench_verdict::gate::GateOptions;
use bench_verdict::stats::random::Random;
use kvmark::analysis::alerts::again;
use kvmark::analysis::follow::{Beside, Said, Seen, follow};
use kvmark::analysis::verdict::of_run;
use kvmark::domain::alert::{Alert, AlertInputs, AlertState, Night, SeriesNews};
use kvmark::domain::time::DAY_MS;
use kvmark::domain::{
    EnvironmentId, Judged, Judgement, Measurement, Millis, RunId, Series, standing,
};

use super::builders::{TONIGHT, night, series};

const SEEDS: u64 = 100;
const QUIET: usize = 60;

/// Log-normal noise about levels.
fn simulate(seed: u64, noise: f64, levels: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut random = Random::new(seed);
    let mut normal = || {
        // Box and Muller, 1958.
        let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * random.unit()).cos()
    };
    levels
        .map(|level| 1000.0 * level * (noise * normal()).exp())
        .collect()
}

/// The nights of a series, all of them looked back on from the last.
struct Lived {
    series: Series,
    values: Vec<f64>,
    judgements: Vec<Judgement>,
    alerts: Vec<Alert>,
}

fn at(night: usize) -> Millis {
    Millis(TONIGHT.0 + i64::try_from(night).unwrap() * DAY_MS)
}

fn live(values: Vec<f64>) -> Lived {
    let series = series(1, "B", "latency_p99", "");
    let runs: Vec<Seen> = values
        .iter()
        .enumerate()
        .map(|(night, value)| Seen {
            run: RunId(i64::try_from(night).unwrap() + 1),
            time: at(night),
            value: *value,
            forms_baseline: true,
        })
        .collect();
    let (mut judgements, mut news) = (Vec::new(), Vec::new());
    follow(&series, &runs, &Beside::default(), |said: Said<'_>| {
        judgements.push(said.judgement);
        let of_series = |news| SeriesNews {
            series: series.id,
            news,
        };
        news.extend(said.news.into_iter().map(of_series));
    });
    let inputs = AlertInputs {
        environment: EnvironmentId(1),
        fingerprint: "aa".to_owned(),
        suite: "kv-sync".to_owned(),
        suite_version: "1".to_owned(),
        alerts: Vec::new(),
        bridges: Default::default(),
        nights: runs
            .iter()
            .map(|run| Night {
                run: run.run,
                at: run.time,
                commit: format!("{:040x}", run.run.0),
            })
            .collect(),
        oldest: Some(at(0)),
    };
    let alerts = again(inputs, &news);
    Lived {
        series,
        values,
        judgements,
        alerts,
    }
}

impl Lived {
    fn is_open(&self) -> bool {
        self.alerts.iter().any(Alert::is_active)
    }

    /// What CI is told of the last night.
    fn gate(&self) -> Status {
        let last = self.values.len() - 1;
        let standing = standing(&self.alerts, "1", at(last));
        let row = Judged {
            measurement: Measurement {
                series: self.series.id,
                run: RunId(1),
                value: self.values[last],
                sample_count: 10,
                interval: None,
            },
            judgement: self.judgements[last],
            standing: standing.get(&self.series.id).copied(),
            decided: None,
            series: self.series.clone().into(),
        };
        of_run(&night(vec![row]), &GateOptions::default()).status
    }
}

fn quiet() -> impl Iterator<Item = f64> {
    std::iter::repeat_n(1.0, QUIET)
}

fn count(holds: impl Fn(u64) -> bool) -> usize {
    (0..SEEDS).filter(|seed| holds(*seed)).count()
}

#[test]
fn a_quarter_more_that_nobody_fixes_is_open_and_red_after_sixty_nights() {
    let held = count(|seed| {
        let lived = live(simulate(seed, 0.01, quiet().chain([1.25; 60])));
        lived.is_open() && lived.gate() == Status::Fail
    });
    assert!(held >= 95, "{held} of {SEEDS}");
}

#[test]
fn one_percent_a_night_is_flagged_by_night_ten() {
    let drift = (1..=10).map(|night| 1.01_f64.powi(night));
    let held = count(|seed| live(simulate(seed, 0.01, quiet().chain(drift.clone()))).is_open());
    assert!(held >= 95, "{held} of {SEEDS}");
}

#[test]
fn what_is_fixed_closes_by_itself_within_five_nights() {
    let held = count(|seed| {
        let levels = quiet().chain([1.25; 20]).chain([1.0; 5]);
        let lived = live(simulate(seed, 0.01, levels));
        let resolved = |alert: &Alert| alert.state == AlertState::Resolved;
        !lived.is_open() && lived.alerts.iter().any(resolved) && lived.gate() != Status::Fail
    });
    assert!(held >= 95, "{held} of {SEEDS}");
}

#[test]
fn one_outlier_night_opens_nothing() {
    let held = count(|seed| {
        let levels = quiet().chain([1.4]).chain([1.0; 20]);
        live(simulate(seed, 0.01, levels)).alerts.is_empty()
    });
    assert!(held >= 95, "{held} of {SEEDS}");
}

#[test]
fn at_five_percent_noise_what_is_fixed_closes_within_ten_nights() {
    let held = count(|seed| {
        let levels = quiet().chain([1.25; 20]).chain([1.0; 10]);
        let lived = live(simulate(seed, 0.05, levels));
        !lived.alerts.is_empty() && !lived.is_open()
    });
    assert!(held >= 90, "{held} of {SEEDS}");
}
