//! What runs beside requests: judging again what a late run or an exclusion changed.
//!
//! # Layout
//! - here: judging again. [`bridge`]: alerts of ended epochs. [`mod@github`]: the outbox. [`issues`]:
//!   alerts into it.

pub mod bridge;
pub mod github;
pub mod issues;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::analysis::alerts;
use crate::analysis::carried::Carried;
use crate::analysis::confirmation::{PairJudge, change, judged, last_words};
use crate::analysis::follow::{Beside, follow_all};
use crate::analysis::judge::{JudgeInputs, judge, judge_night};
use crate::domain::alert::{PairVerdict, SeriesNews};
use crate::domain::bridge::Bridges;
use crate::domain::confirmation::{JudgedPairs, NewAsk, NewConfirmation, Paired, Purpose};
use crate::domain::{JudgedRun, Judgement, Millis, RunId, SeriesId};
use crate::store::{
    AlertStep, ConfirmInputs, Epoch, EpochVerdicts, Outcome, RunInputs, SeriesFilter, Store,
    StoreError, Verdicts,
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

    /// Works whenever there is something to do, until `stop`. What was left by an earlier server is
    /// done first. A failure is logged, and tried again with the next wake.
    pub async fn run(self, store: Store, stop: CancellationToken) {
        loop {
            if let Err(error) = rejudge_all(&store, &stop).await {
                let error: &dyn std::error::Error = &error;
                tracing::error!(%error, cause = ?error.source(), "judging again failed");
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

/// What it means for a night that pairs confirmed worsenings of `series`: those that the night asked
/// to have confirmed are alerts at once. For [`Store::save_pair_verdicts`].
pub fn judge_pairs(inputs: &ConfirmInputs, series: &[SeriesId]) -> Verdicts {
    let Some(mut carried) = inputs.carried.as_deref().and_then(carried_from) else {
        return Verdicts::later();
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
            bridges: Bridges::new(),
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
        bridge::beside(store, &epoch, None).await?;
        count += verdicts.changes.len();
    }
    if count > 0 {
        tracing::info!(run_count = count, "judged again");
    }
    Ok(count)
}

/// Stores pairs of the night of a run with what they say, and judges that night and those after it
/// again where they confirm or refute.
pub async fn confirm(
    store: &Store,
    run: &JudgedRun,
    new: &NewConfirmation,
    judge: PairJudge,
    now: Millis,
    stop: &CancellationToken,
) -> Result<Outcome, StoreError> {
    if let Some(known) = store.confirmation(&new.pair_key, &new.sha256).await? {
        return Ok(known);
    }
    let judged = pairs_of(store, run, new, None, judge).await?;
    let outcome = store
        .insert_confirmation(run.run.id, new, &judged, now)
        .await?;
    if outcome == Outcome::New && new.purpose == Purpose::Confirm {
        let better = |id| {
            let row = run.rows.iter().find(|row| row.series.id == id);
            row.map(|row| row.series.better)
        };
        let verdicts = judged.iter().filter_map(|pairs| {
            Some(PairVerdict {
                series: pairs.series,
                is_worse: change(better(pairs.series)?, &pairs.numbers) > 0.0,
                confirmation: pairs.numbers,
                against_commit: new.base_commit.clone(),
            })
        });
        let verdicts: Vec<PairVerdict> = verdicts.collect();
        // What they confirm or refute changes what is said of that night and of those after it.
        let again = |_| Verdicts::later();
        let id = run.run.id;
        store.save_pair_verdicts(id, &verdicts, now, again).await?;
    }
    rejudge_all(store, stop).await?;
    Ok(outcome)
}

/// What pairs say of the series that the run has too. `before`: the stored confirmation, where it is
/// judged anew.
pub async fn pairs_of(
    store: &Store,
    run: &JudgedRun,
    new: &NewConfirmation,
    before: Option<i64>,
    judge: PairJudge,
) -> Result<Vec<JudgedPairs>, StoreError> {
    let mut all = Vec::new();
    for pairs in &new.series {
        let of_run = run.rows.iter().find(|row| {
            let key = &row.series.key;
            (&key.benchmark, &key.metric, &key.params, &key.unit)
                == (
                    &pairs.name.benchmark,
                    &pairs.name.metric,
                    &pairs.name.params,
                    &pairs.unit,
                )
        });
        let Some(row) = of_run else { continue };
        let identical = store.identical_ratios(row.series.id, before).await?;
        all.extend(judged(row.series.id, pairs, &identical, judge));
    }
    Ok(all)
}

/// What people and pairs said of the series of an epoch, beside its runs.
async fn besides(store: &Store, epoch: &Epoch) -> Result<BTreeMap<SeriesId, Beside>, StoreError> {
    let mut paired: BTreeMap<RunId, Vec<Paired>> = BTreeMap::new();
    for (run, one) in store.confirmations_of(epoch).await? {
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
    let mut all = besides(store, epoch).await?;
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
    let mut beside = besides(store, epoch).await?;
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
            let nights = points.iter().filter(|point| point.forms_baseline);
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
