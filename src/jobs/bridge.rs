//! Alerts of ended epochs, carried on to the epochs after them.

use crate::analysis::alerts;
use crate::analysis::alerts::bridge::legs;
use crate::analysis::epochs::Part;
use crate::domain::bridge::Bridges;
use crate::domain::{Environment, Millis, RunId, Series, SeriesId};
use crate::store::{AlertStep, Epoch, SeriesFilter, Store, StoreError};

/// Looks again at the alerts that a new run may carry on, or show to be back: those of the epochs
/// before its own.
pub async fn after_run(store: &Store, id: RunId) -> Result<(), StoreError> {
    match store.run(id).await? {
        Some(run) => beside(store, &Epoch::from(&run)).await,
        None => Ok(()),
    }
}

/// Looks again at all alerts that wait for it: what an epoch that was judged again left, and what a
/// server left that was stopped, or failed, after it had stored what is new.
pub(super) async fn waiting(store: &Store) -> Result<(), StoreError> {
    for epoch in store.beside_waiting().await? {
        beside(store, &epoch).await?;
    }
    Ok(())
}

/// Looks again at the alerts beside an epoch, where they wait for it.
async fn beside(store: &Store, epoch: &Epoch) -> Result<(), StoreError> {
    // What comes meanwhile has another mark, and waits on.
    let Some(mark) = store.beside_mark(epoch).await? else {
        return Ok(());
    };
    for other in store.alerted_beside(epoch, mark.night).await? {
        carry_on(store, &other).await?;
    }
    store.beside_done(epoch, mark).await
}

async fn carry_on(store: &Store, epoch: &Epoch) -> Result<(), StoreError> {
    loop {
        let version = store.generation();
        let series = store.alerted_series(epoch).await?;
        let step = AlertStep {
            news: Vec::new(),
            bridges: bridges(store, epoch, series).await?,
            settle: alerts::over_bridges,
        };
        // Whoever wrote meanwhile has changed what it was made from.
        if store.settle_alerts(epoch, &step, version).await? {
            return Ok(());
        }
    }
}

/// What bridges these series of an epoch to those after it. Nothing while it goes on.
pub(super) async fn bridges(
    store: &Store,
    epoch: &Epoch,
    series: impl IntoIterator<Item = SeriesId>,
) -> Result<Bridges, StoreError> {
    let mut all = Bridges::new();
    if store.epoch_end(epoch).await?.is_none() {
        return Ok(all);
    }
    let machines = store.environments().await?;
    for id in series {
        let Some(series) = store.series_by_id(id).await? else {
            continue;
        };
        let parts = parts(store, &series, &machines).await?;
        let legs = legs(&parts, id, &epoch.suite_version, series.better);
        all.extend(legs.map(|legs| (id, legs)));
    }
    Ok(all)
}

/// The parts of a series' history on all machines of its machine's name: one that was set up anew is
/// another machine with the same name.
pub async fn parts(
    store: &Store,
    series: &Series,
    machines: &[Environment],
) -> Result<Vec<Part>, StoreError> {
    let key = &series.key;
    let Some(own) = machines.iter().find(|e| e.id == key.environment) else {
        return Ok(Vec::new());
    };
    let filter = SeriesFilter {
        suite: Some(key.suite.clone()),
        benchmark: Some(key.benchmark.clone()),
        metric: Some(key.metric.clone()),
        ..SeriesFilter::default()
    };
    let mut parts = Vec::new();
    for other in store.series_of(&filter).await? {
        let machine = machines.iter().find(|machine| {
            machine.id == other.key.environment
                && machine.name == own.name
                && machine.is_sample == own.is_sample
        });
        let is_same = (&other.key.params, &other.key.unit) == (&key.params, &key.unit);
        let (Some(machine), true) = (machine, is_same) else {
            continue;
        };
        let (first, last) = (Millis(i64::MIN), Millis(i64::MAX));
        let main = Some(store.main_branch());
        let mut nights = store.points(other.id, first, last, main).await?;
        nights.retain(|night| night.of.forms_baseline);
        parts.push(Part {
            machine: machine.clone(),
            series: other.id,
            nights,
            bridges: store.bridges(other.id).await?,
        });
    }
    Ok(parts)
}
