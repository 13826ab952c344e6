//! Pairs of a run's night, and what they change of it.
//!
//! Pairs speak of a few series of the newest night. Those are followed through their histories twice,
//! without the new pairs and with them. Where all that differs is what is said of that night, and
//! what pairs opened on it, the rest of the epoch stays as it is; else it is judged again as a whole.

use std::collections::{BTreeMap, BTreeSet};

use tokio_util::sync::CancellationToken;

use super::{besides, carried_from, rejudge_all};
use crate::analysis::alerts;
use crate::analysis::confirmation::{PairJudge, change, judged};
use crate::analysis::follow::Beside;
use crate::analysis::twice::{Both, both};
use crate::domain::alert::PairVerdict;
use crate::domain::bridge::Bridges;
use crate::domain::confirmation::{JudgedPairs, NewConfirmation, Paired, Purpose};
use crate::domain::{JudgedRun, Judgement, Millis, RunId, SeriesId};
use crate::store::{AlertStep, ConfirmInputs, Epoch, Outcome, Store, StoreError, Verdicts};

/// What became of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether they changed anything.
    pub outcome: Outcome,
    /// Whether more than their night had to be judged again: its whole epoch.
    pub whole_epoch: bool,
}

/// Stores pairs of the night of a run with what they say, and judges that night again where they
/// confirm or refute.
pub async fn confirm(
    store: &Store,
    run: &JudgedRun,
    new: &NewConfirmation,
    judge: PairJudge,
    now: Millis,
    stop: &CancellationToken,
) -> Result<Taken, StoreError> {
    let mut taken = Taken {
        outcome: Outcome::Same,
        whole_epoch: false,
    };
    if let Some(outcome) = store.confirmation(&new.pair_key, &new.sha256).await? {
        return Ok(Taken { outcome, ..taken });
    }
    let judged = pairs_of(store, run, new, None, judge).await?;
    let id = run.run.id;
    let series = spoken_of(store, id, &judged).await?;
    let epoch = Epoch::from(&run.run);
    let mut said = Vec::new();
    let mut followed = Vec::new();
    if new.purpose == Purpose::Confirm {
        said = verdicts(run, new, &judged);
        let before = besides(store, &epoch, &series, &[]).await?;
        let mut after = besides(store, &epoch, &series, &paired(id, new, &judged)).await?;
        for pairs in &said {
            let confirmed = &mut after.entry(pairs.series).or_default().confirmed;
            confirmed.retain(|at| *at != run.run.started_at);
            if pairs.confirms() {
                confirmed.push(run.run.started_at);
                confirmed.sort_unstable();
            }
        }
        let mut nights = Vec::with_capacity(series.len());
        for row in run
            .rows
            .iter()
            .filter(|row| series.contains(&row.series.id))
        {
            let id = row.series.id;
            let points = store.points_of_version(id, &epoch.suite_version).await?;
            let of = |all: &BTreeMap<SeriesId, Beside>| all.get(&id).cloned().unwrap_or_default();
            nights.push((row.series.clone(), points, of(&before), of(&after)));
        }
        let both = tokio::task::spawn_blocking(move || both(nights)).await;
        // The task is never aborted; a panic in it is one here.
        followed = both.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()));
    }
    let judge = |inputs: ConfirmInputs| {
        let verdicts = judge_pairs(&inputs, &followed);
        taken.whole_epoch = verdicts.again;
        verdicts
    };
    let stored = store.insert_confirmation(id, new, (&judged, &said), now, judge);
    taken.outcome = stored.await?;
    rejudge_all(store, stop).await?;
    Ok(taken)
}

/// New pairs as they will be read of the store, the newest of it.
fn paired(run: RunId, new: &NewConfirmation, judged: &[JudgedPairs]) -> Vec<(RunId, Paired)> {
    let one = |pairs: &JudgedPairs| Paired {
        confirmation: i64::MAX,
        purpose: new.purpose,
        planted: new.planted.clone(),
        base_commit: new.base_commit.clone(),
        series: pairs.series,
        numbers: pairs.numbers,
    };
    judged.iter().map(|pairs| (run, one(pairs))).collect()
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

/// The series of a run that pairs speak of: these, and those that were here before.
async fn spoken_of(
    store: &Store,
    run: RunId,
    judged: &[JudgedPairs],
) -> Result<Vec<SeriesId>, StoreError> {
    let known = store.pair_verdicts(run).await?;
    let known = known.iter().map(|pairs| pairs.series);
    let all: BTreeSet<SeriesId> = known
        .chain(judged.iter().map(|pairs| pairs.series))
        .collect();
    Ok(all.into_iter().collect())
}

fn verdicts(run: &JudgedRun, new: &NewConfirmation, judged: &[JudgedPairs]) -> Vec<PairVerdict> {
    let verdict = |pairs: &JudgedPairs| {
        let row = run.rows.iter().find(|row| row.series.id == pairs.series)?;
        Some(PairVerdict {
            series: pairs.series,
            is_worse: change(row.series.better, &pairs.numbers) > 0.0,
            confirmation: pairs.numbers,
            against_commit: new.base_commit.clone(),
        })
    };
    judged.iter().filter_map(verdict).collect()
}

/// What pairs make of their night. Where more than that changes, or the night is no more what they
/// were followed from, all is judged again.
fn judge_pairs(inputs: &ConfirmInputs, followed: &[Both]) -> Verdicts {
    let bytes = inputs.carried.as_deref();
    let Some(mut carried) = bytes.and_then(carried_from) else {
        return Verdicts::later();
    };
    let mut judged: Vec<(SeriesId, Judgement)> = Vec::new();
    let mut opened = Vec::new();
    for both in followed {
        let id = both.with.series;
        let is_known = carried.series.get(&id) == Some(&both.without.carried);
        let night = (inputs.run.id, inputs.run.started_at);
        let Some(news) = both.opened_on(night).filter(|_| is_known) else {
            return Verdicts::later();
        };
        opened.extend(news);
        let changes = both.with.changes.iter();
        judged.extend(changes.map(|(_, judgement)| (id, *judgement)));
        carried.series.insert(id, both.with.carried.clone());
    }
    Verdicts {
        judged,
        carried: Some(carried.to_bytes()),
        alerts: (!opened.is_empty()).then_some(AlertStep {
            news: opened,
            bridges: Bridges::new(),
            settle: alerts::after_pairs,
        }),
        ..Verdicts::default()
    }
}
