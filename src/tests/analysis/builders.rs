//! Runs, series and rows, made with few words.

use std::sync::Arc;

use bench_report::metric::{Direction, Kind};
use bench_verdict::verdict::{Band, Evidence};
use kvmark::analysis::overview::{self, BlockInputs};
use kvmark::domain::time::DAY_MS;
use kvmark::domain::{
    Coverage, Environment, EnvironmentId, Judged, JudgedRun, Judgement, Measurement, Millis, OfRun,
    Patterns, Point, Revision, Run, RunId, RunKind, Series, SeriesId, SeriesKey,
};

/// 24 November 2026, 01:30 UTC.
pub(crate) const TONIGHT: Millis = Millis(1_795_483_800_000);

/// The morning after.
pub(crate) const MORNING: Millis = Millis(TONIGHT.0 + 6 * 60 * 60 * 1000);

pub(crate) fn environment() -> Environment {
    Environment {
        id: EnvironmentId(1),
        fingerprint: "ab12".to_owned(),
        name: "ci-a".to_owned(),
        facts: vec![("CPU".to_owned(), "EPYC 7B13".to_owned())],
        first_seen: TONIGHT.minus_days(100),
        last_seen: TONIGHT,
        is_sample: false,
    }
}

pub(crate) fn run(id: i64, started_at: Millis) -> Run {
    Run {
        id: RunId(id),
        run_key: format!("key-{id}"),
        kind: RunKind::Nightly,
        suite: "kv-sync".to_owned(),
        suite_version: "1".to_owned(),
        environment: EnvironmentId(1),
        environment_name: "ci-a".to_owned(),
        revision: Revision {
            commit: format!("{id:040x}"),
            branch: Some("main".to_owned()),
            ..Revision::default()
        },
        started_at,
        finished_at: started_at,
        received_at: started_at,
        options: Vec::new(),
        conditions: Vec::new(),
        binary_sha256: None,
        memory_limit_bytes: None,
        rule: Some(bench_verdict::RULE.to_owned()),
        is_rejudged: false,
        coverage: Coverage::default(),
        excluded: None,
    }
}

/// A series of a benchmark; `params` as `cpu=2 items=1000`.
pub(crate) fn series(id: i64, benchmark: &str, metric: &str, params: &str) -> Series {
    let rate = metric.ends_with("_per_second");
    Series {
        id: SeriesId(id),
        key: SeriesKey {
            suite: "kv-sync".to_owned(),
            benchmark: benchmark.to_owned(),
            params: params
                .split_whitespace()
                .filter_map(|pair| pair.split_once('='))
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
            metric: metric.to_owned(),
            unit: if rate { "1/s" } else { "ns" }.to_owned(),
            environment: EnvironmentId(1),
        },
        better: if rate {
            Direction::Higher
        } else {
            Direction::Lower
        },
        kind: if rate { Kind::Rate } else { Kind::Time },
        floor: None,
        target: None,
    }
}

/// A row that says `band` for sure or not; the change is the middle of the band.
pub(crate) fn row(id: i64, band: Band, evidence: Evidence) -> Judged {
    let series = series(
        id,
        "KVEventConcurrency",
        "latency_p99",
        &format!("concurrency={id}"),
    );
    let change = match band {
        Band::Critical => Some(0.3),
        Band::Warning => Some(0.15),
        Band::Info => Some(0.07),
        Band::None => Some(0.01),
        Band::Improved => Some(-0.1),
        Band::Warming | Band::Undefined => None,
    };
    measured(
        series,
        100.0 * (1.0 + change.unwrap_or(0.0)),
        change,
        band,
        evidence,
    )
}

/// A row of a given series and value.
pub(crate) fn measured(
    series: Series,
    value: f64,
    change: Option<f64>,
    band: Band,
    evidence: Evidence,
) -> Judged {
    Judged {
        measurement: Measurement {
            series: series.id,
            run: RunId(1),
            value,
            sample_count: 10,
            interval: None,
        },
        judgement: Judgement {
            baseline: change.map(|_| 100.0),
            baseline_runs: if change.is_some() { 7 } else { 0 },
            change,
            band,
            evidence,
            noise_floor: Some(0.02),
            detectable_change: Some(0.06),
            accepted_level: None,
            creep: None,
            inputs: None,
        },
        series: series.into(),
        standing: None,
        decided: None,
    }
}

/// A complete night with these rows.
pub(crate) fn night(rows: Vec<Judged>) -> JudgedRun {
    let mut run = run(1482, TONIGHT);
    let count = u32::try_from(rows.len()).unwrap();
    run.coverage = Coverage {
        expected: count,
        measured: count,
        ..Coverage::default()
    };
    JudgedRun {
        run,
        rows,
        rules: Patterns::default(),
        left_open: Vec::new(),
        proofs: kvmark::domain::confirmation::Proofs::default(),
    }
}

/// `n` rows that are as before.
pub(crate) fn quiet(n: i64) -> Vec<Judged> {
    (0..n)
        .map(|id| row(1000 + id, Band::None, Evidence::Noise))
        .collect()
}

/// What a block is made from: this night and nothing else.
pub(crate) fn inputs(night: JudgedRun) -> BlockInputs {
    BlockInputs {
        environment: environment(),
        tonight: Some(night),
        earlier: Vec::new(),
        points: Vec::new(),
        alerts: Vec::new(),
    }
}

/// The one block of these inputs, seen in the morning after.
pub(crate) fn block(inputs: BlockInputs) -> overview::Block {
    overview::blocks(&[inputs], MORNING).pop().unwrap()
}

/// A point `nights` before tonight.
pub(crate) fn point(nights: i64, value: f64, band: Band) -> Point {
    Point {
        run: RunId(1482 - nights),
        time: Millis(TONIGHT.0 - nights * DAY_MS),
        value,
        sample_count: 10,
        of: Arc::new(OfRun {
            commit: "c0ffee".into(),
            subject: None,
            author: None,
            suite_version: "1".into(),
            forms_baseline: true,
        }),
        judgement: row(1, band, Evidence::Confirmed).judgement,
    }
}
