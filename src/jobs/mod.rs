//! What runs beside requests: judging again what a late run or an exclusion changed.
//!
//! # Layout
//! - here: judging again. [`mod@confirm`]: what pairs change of their night. [`bridge`]: alerts of
//!   ended epochs. [`mod@github`]: the outbox. [`issues`]: alerts into it.

pub mod bridge;
pub mod confirm;
pub mod github;
pub mod issues;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::analysis::alerts;
use crate::analysis::carried::Carried;
use crate::analysis::confirmation::last_words;
use crate::analysis::follow::{Beside, follow_all};
use crate::analysis::judge::{JudgeInputs, judge, judge_night};
use crate::domain::bridge::Bridges;
use crate::domain::confirmation::{NewAsk, Paired};
use crate::domain::{Judgement, Millis, RunId, SeriesId};
use crate::store::{
    AlertStep, Epoch, EpochVerdicts, RunInputs, SeriesFilter, Store, StoreError, Verdicts,
};

/// What was left for later is judged when nothing more was left for so long.
const QUIET: Duration = Duration::from_secs(10);

/// Wakes the jobs. Clones wake the same ones.
#[derive(Debug, Clone, Default)]
pub struct Jobs {
    wake: Arc<Notify>,
    later: Arc<Notify>,
    outbox: Arc<Notify>,
}

impl Jobs {
    /// Says that there may be something to do.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Says that there is something to do once no more of it comes.
    pub fn wake_later(&self) {
        self.later.notify_one();
    }

    /// Until something was left for later, and nothing more for so long.
    async fn quiet(&self, pause: Duration) {
        self.later.notified().await;
        while tokio::time::timeout(pause, self.later.notified())
            .await
            .is_ok()
        {}
    }

    /// Says that something was put into the outbox.
    pub fn wake_outbox(&self) {
        self.outbox.notify_one();
    }

    async fn outbox_filled(&self) {
        self.outbox.notified().await;
    }

    /// Works whenever there is something to do, until `stop`. What was left by an earlier server,
    /// or judged by older rules, is done first. A failure is logged, and tried again with the next
    /// wake.
    pub async fn run(self, store: Store, stop: CancellationToken) {
        let failed = |error: StoreError| {
            let error: &dyn std::error::Error = &error;
            tracing::error!(%error, cause = ?error.source(), "judging again failed");
        };
        let mut knows_rules = false;
        loop {
            if !knows_rules {
                match store.ask_for_older_rules().await {
                    Ok(_) => knows_rules = true,
                    Err(error) => failed(error),
                }
            }
            if let Err(error) = rejudge_all(&store, &stop).await {
                failed(error);
            }
            // Alerts may have changed.
            self.wake_outbox();
            tokio::select! {
                () = self.wake.notified() => {}
                () = self.quiet(QUIET) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}

/// What is said of every series of a run: by the rule and, where what the night before left is at
/// hand, by the nights before.
pub fn judge_run(inputs: RunInputs) -> Verdicts {
    let forms_baseline = inputs.forms_baseline;
    let at = inputs.run.started_at;
    let carried = inputs.carried.as_deref().and_then(carried_from);
    // What knows a night of the same moment knows more than it may.
    let carried = carried.filter(|carried| carried.through.is_none_or(|through| through < at));
    let night = JudgeInputs {
        at,
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
    let asks = judged.tonight.iter().filter_map(|(series, tonight)| {
        let ask = tonight.confirm.as_ref()?;
        Some((*series, Millis(ask.against_ms), ask.why.clone()))
    });
    Verdicts {
        // Only a night of the main branch is measured again.
        asks: asks.filter(|_| forms_baseline).collect(),
        judged: judged.judgements,
        carried: judged.carried.map(|carried| carried.to_bytes()),
        alerts: Some(AlertStep {
            news: judged.news,
            bridges: Bridges::new(),
            settle: alerts::after_night,
        }),
        again: false,
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
        bridge::waiting(store).await?;
        count += verdicts.changes.len();
    }
    bridge::waiting(store).await?;
    if count > 0 {
        tracing::info!(run_count = count, "judged again");
    }
    Ok(count)
}

/// What people and pairs said of series of an epoch, beside its runs; of all, where none are named.
/// `new`: pairs that are not stored yet.
async fn besides(
    store: &Store,
    epoch: &Epoch,
    series: &[SeriesId],
    new: &[(RunId, Paired)],
) -> Result<BTreeMap<SeriesId, Beside>, StoreError> {
    let mut paired: BTreeMap<RunId, Vec<Paired>> = BTreeMap::new();
    let stored = store.confirmations_of(epoch, series).await?;
    for (run, one) in stored.into_iter().chain(new.iter().cloned()) {
        paired.entry(run).or_default().push(one);
    }
    let mut all: BTreeMap<SeriesId, Beside> = BTreeMap::new();
    for (series, times) in store.accepted_times(epoch.environment).await? {
        all.entry(series).or_default().accepted = times;
    }
    for (series, times) in store.confirmed_times(epoch).await? {
        all.entry(series).or_default().confirmed = times;
    }
    for (run, paired) in &paired {
        for one in last_words(paired) {
            let of_series = all.entry(one.series).or_default();
            of_series.settled.push((*run, one.numbers));
        }
    }
    Ok(all)
}

/// What people and pairs said of one series.
pub async fn beside(store: &Store, epoch: &Epoch, series: SeriesId) -> Result<Beside, StoreError> {
    let mut all = besides(store, epoch, &[series], &[]).await?;
    Ok(all.remove(&series).unwrap_or_default())
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
    let mut beside = besides(store, epoch, &[], &[]).await?;
    let mut asks: BTreeMap<RunId, Vec<NewAsk>> = BTreeMap::new();
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
            let nights = points.iter().filter(|point| point.of.forms_baseline);
            newest = newest.max(nights.map(|point| (point.time, point.run)).max());
            let beside = beside.remove(&series.id).unwrap_or_default();
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
            if let Some((run, ask)) = series.asked {
                let ask = (series.series, Millis(ask.against_ms), ask.why);
                asks.entry(run).or_default().push(ask);
            }
            if !series.carried.nights.is_empty() {
                carried.series.insert(series.series, series.carried);
            }
        }
    }
    carried.through = newest.map(|(time, _)| time);
    let opened: BTreeSet<SeriesId> = news.iter().map(|one| one.series).collect();
    let bridges = bridge::bridges(store, epoch, opened).await?;
    Ok(EpochVerdicts {
        changes: changes.into_iter().collect(),
        // Only the newest night's runner can still be asked for anything.
        asks: newest.and_then(|(_, run)| Some((run, asks.remove(&run)?))),
        carried: newest.map(|(_, run)| (run, carried.to_bytes())),
        alerts: Some(AlertStep {
            news,
            bridges,
            settle: alerts::again,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_left_for_later_is_done_once_nothing_more_comes() {
        let jobs = Jobs::default();
        let pause = Duration::from_millis(1);
        assert!(futures::poll!(std::pin::pin!(jobs.quiet(pause))).is_pending());
        jobs.wake_later();
        jobs.quiet(pause).await;
        assert!(futures::poll!(std::pin::pin!(jobs.quiet(pause))).is_pending());
    }
}
