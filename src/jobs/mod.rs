//! What runs beside requests: judging again what a late run or an exclusion changed.
//!
//! # Layout
//! - here: judging again. [`mod@github`]: the outbox.

pub mod github;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::analysis::alerts;
use crate::analysis::carried::Carried;
use crate::analysis::follow::{Beside, follow_all};
use crate::analysis::judge::{JudgeInputs, judge, judge_night};
use crate::domain::alert::SeriesNews;
use crate::domain::{Judgement, Millis, RunId, SeriesId};
use crate::store::{
    AlertStep, ConfirmInputs, Epoch, EpochVerdicts, RunInputs, SeriesFilter, Store, StoreError,
    Verdicts,
};

/// Wakes the jobs. Clones wake the same ones.
#[derive(Debug, Clone, Default)]
pub struct Jobs {
    wake: Arc<Notify>,
    outbox: Arc<Notify>,
}

impl Jobs {
    /// Says that there may be something to do.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Says that something was put into the outbox.
    pub fn wake_outbox(&self) {
        self.outbox.notify_one();
    }

    async fn outbox_filled(&self) {
        self.outbox.notified().await;
    }

    /// Works whenever there is something to do, until `stop`. What was left by an earlier server is
    /// done first. A failure is logged, and tried again with the next wake.
    pub async fn run(self, store: Store, stop: CancellationToken) {
        loop {
            if let Err(error) = rejudge_all(&store, &stop).await {
                let error: &dyn std::error::Error = &error;
                tracing::error!(%error, cause = ?error.source(), "judging again failed");
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }
}

/// What is said of every series of a run: by the rule and, where what the night before left is at
/// hand, by the nights before.
pub fn judge_run(inputs: RunInputs) -> Verdicts {
    let forms_baseline = inputs.forms_baseline;
    let carried = inputs.carried.as_deref().and_then(carried_from);
    let night = JudgeInputs {
        at: inputs.run.started_at,
        rows: inputs.rows,
        history: inputs.baseline,
    };
    let Some(carried) = carried else {
        return Verdicts {
            judged: judge(&night),
            again: true,
            ..Verdicts::default()
        };
    };
    let judged = judge_night(&night, carried, forms_baseline);
    Verdicts {
        judged: judged.judgements,
        carried: judged.carried.map(|carried| carried.to_bytes()),
        alerts: Some(AlertStep {
            news: judged.news,
            settle: alerts::after_night,
        }),
        again: false,
    }
}

/// What it means for a night that pairs confirmed worsenings of `series`: those that the night asked
/// to have confirmed are alerts at once. For [`Store::save_pair_verdicts`].
pub fn judge_pairs(inputs: &ConfirmInputs, series: &[SeriesId]) -> Verdicts {
    let Some(mut carried) = inputs.carried.as_deref().and_then(carried_from) else {
        return Verdicts {
            again: true,
            ..Verdicts::default()
        };
    };
    let mut news = Vec::new();
    for id in series {
        let known = carried.series.get_mut(id);
        let confirmed = known.and_then(|carried| carried.watch.confirm());
        news.extend(confirmed.map(|news| SeriesNews { series: *id, news }));
    }
    Verdicts {
        carried: Some(carried.to_bytes()),
        alerts: Some(AlertStep {
            news,
            settle: alerts::after_night,
        }),
        ..Verdicts::default()
    }
}

/// Nothing was carried to the first night.
fn carried_from(bytes: &[u8]) -> Option<Carried> {
    if bytes.is_empty() {
        return Some(Carried::default());
    }
    Carried::from_bytes(bytes)
}

/// Judges again all runs whose history changed. Returns of how many something else is said now.
pub async fn rejudge_all(store: &Store, stop: &CancellationToken) -> Result<usize, StoreError> {
    let mut count = 0;
    while let Some((epoch, asked)) = store.next_rejudge().await? {
        if stop.is_cancelled() {
            break;
        }
        let verdicts = judge_epoch(store, &epoch).await?;
        store.finish_rejudge(&epoch, &asked, &verdicts).await?;
        count += verdicts.changes.len();
    }
    if count > 0 {
        tracing::info!(run_count = count, "judged again");
    }
    Ok(count)
}

/// Judges all runs of an epoch from its whole history, night by night.
pub async fn judge_epoch(store: &Store, epoch: &Epoch) -> Result<EpochVerdicts, StoreError> {
    /// Series whose histories are in memory at once.
    const SERIES: usize = 64;
    let filter = SeriesFilter {
        suite: Some(epoch.suite.clone()),
        environment: Some(epoch.environment),
        ..SeriesFilter::default()
    };
    let all = store.series_of(&filter).await?;
    let mut accepted = store.accepted_times(epoch.environment).await?;
    let mut confirmed = store.confirmed_times(epoch).await?;
    let mut news = Vec::new();
    let mut carried = Carried::default();
    let mut newest: Option<(Millis, RunId)> = None;
    let mut changes: BTreeMap<RunId, Vec<(SeriesId, Judgement)>> = BTreeMap::new();
    for series in all.chunks(SERIES) {
        let mut histories = Vec::with_capacity(series.len());
        for series in series {
            let points = store
                .points_of_version(series.id, &epoch.suite_version)
                .await?;
            let nights = points.iter().filter(|point| point.forms_baseline);
            newest = newest.max(nights.map(|point| (point.time, point.run)).max());
            let beside = Beside {
                accepted: accepted.remove(&series.id).unwrap_or_default(),
                confirmed: confirmed.remove(&series.id).unwrap_or_default(),
            };
            histories.push((series.clone(), points, beside));
        }
        let followed = tokio::task::spawn_blocking(move || follow_all(&histories)).await;
        // The task is never aborted; a panic in it is one here.
        let followed = followed.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()));
        for series in followed {
            for (run, judgement) in series.changes {
                changes
                    .entry(run)
                    .or_default()
                    .push((series.series, judgement));
            }
            news.extend(series.news);
            if !series.carried.nights.is_empty() {
                carried.series.insert(series.series, series.carried);
            }
        }
    }
    carried.through = newest.map(|(time, _)| time);
    Ok(EpochVerdicts {
        changes: changes.into_iter().collect(),
        carried: newest.map(|(_, run)| (run, carried.to_bytes())),
        alerts: Some(AlertStep {
            news,
            settle: alerts::again,
        }),
    })
}
