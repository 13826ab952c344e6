//! Histories for the tests of this folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use bench_report::metric::{Direction, Kind};
use bench_verdict::verdict::{Band, Evidence};

use crate::analysis::history::{History, HistoryInputs, build};
use crate::domain::{
    Environment, EnvironmentId, Judgement, Millis, OfRun, Point, RunId, Series, SeriesId, SeriesKey,
};

/// 24 Nov 2026, 01:30 UTC.
pub(crate) const TONIGHT: Millis = Millis(1_795_483_800_000);

/// A series of nanoseconds, lower is better.
pub(crate) fn series() -> Series {
    Series {
        id: SeriesId(7),
        key: SeriesKey {
            suite: "kv-sync".to_owned(),
            benchmark: "KVEventConcurrency".to_owned(),
            params: BTreeMap::from([("concurrency".to_owned(), "100".to_owned())]),
            metric: "latency_p99".to_owned(),
            unit: "ns".to_owned(),
            environment: EnvironmentId(1),
        },
        better: Direction::Lower,
        kind: Kind::Time,
        floor: None,
        target: None,
    }
}

/// One night, `ago` days before [`TONIGHT`], in a band and with an evidence.
pub(crate) fn night(ago: i64, value: f64, band: Band, evidence: Evidence) -> Point {
    Point {
        run: RunId(1000 - ago),
        time: TONIGHT.minus_days(ago),
        value,
        sample_count: 10,
        of: Arc::new(OfRun {
            commit: "9f3c2ab4d1e0aa00aa00aa00aa00aa00aa00aa00".into(),
            subject: Some("Count removals per worker".into()),
            author: Some("Ada Keller".into()),
            suite_version: "4".into(),
            forms_baseline: true,
        }),
        judgement: Judgement {
            baseline: Some(205_000.0),
            baseline_runs: 7,
            change: Some(value / 205_000.0 - 1.0),
            band,
            evidence,
            noise_floor: None,
            detectable_change: None,
            accepted_level: None,
            creep: None,
            inputs: None,
        },
    }
}

/// The history of these points over the days before [`TONIGHT`].
pub(crate) fn history(points: Vec<Point>, days: i64) -> History {
    build(HistoryInputs {
        series: series(),
        environment: Environment {
            id: EnvironmentId(1),
            fingerprint: "aa".to_owned(),
            name: "ci-a".to_owned(),
            facts: Vec::new(),
            first_seen: TONIGHT.minus_days(days),
            last_seen: TONIGHT,
            is_sample: false,
        },
        points,
        earlier: Vec::new(),
        from: TONIGHT.minus_days(days),
        to: TONIGHT,
    })
}
