//! The sample history gets into the store: by the same reading and judging as an upload.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bench_report::report::Report;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::people;
use super::sample::{self, SampleSuite};
use crate::analysis::confirmation::JUDGE;
use crate::analysis::published::published;
use crate::domain::confirmation::NewConfirmation;
use crate::domain::{Millis, NewRun, RunId};
use crate::ingest;
use crate::jobs;
use crate::store::{Store, Verdicts};

/// The seed of the sample history.
const SEED: u64 = 7;

/// Reports that are read ahead of the store.
const AHEAD: usize = 4;

/// What was stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Filled {
    /// Runs; 0 where the history was there already.
    pub(super) runs: usize,
    /// Series of the newest run.
    pub(super) series: usize,
    /// How long it took.
    pub(super) took: Duration,
}

/// Stores a year of sample history up to `now`, unless the store has one.
pub(super) async fn fill(store: &Store, suite: &SampleSuite, now: Millis) -> Result<Filled> {
    let begun = Instant::now();
    let mut filled = Filled {
        runs: 0,
        series: suite.series.len(),
        took: Duration::ZERO,
    };
    if store
        .environments()
        .await?
        .iter()
        .any(|machine| machine.is_sample)
    {
        return Ok(filled);
    }
    // One thread makes and reads reports, another stores them.
    let (send, mut receive) = tokio::sync::mpsc::channel::<NewRun>(AHEAD);
    let suite = suite.clone();
    let maker = tokio::task::spawn_blocking(move || make(&suite, now.timestamp(), &send));
    let mut runs = HashMap::new();
    while let Some(new) = receive.recv().await {
        let stored = store
            .insert_judged(&new, now, |_| Verdicts::later())
            .await?;
        runs.insert(new.run_key, stored.run_id);
        filled.runs += 1;
    }
    let canaries = maker
        .await
        .context("the sample history could not be made")??;
    // All nights at once, each seeing the nights before it only: the same answers for a small part
    // of the time.
    people::accept(store, now).await?;
    jobs::rejudge_all(store, &CancellationToken::new()).await?;
    confirm(store, &runs, &canaries, now).await?;
    people::take(store, now).await?;
    filled.took = begun.elapsed();
    Ok(filled)
}

/// Canaries of a night, by the run's key.
type Canaries = Vec<(String, Vec<NewConfirmation>)>;

/// Makes and reads everything, sends the runs, and returns the canaries: pairs are judged against runs
/// that are.
fn make(
    suite: &SampleSuite,
    now: Timestamp,
    send: &tokio::sync::mpsc::Sender<NewRun>,
) -> Result<Canaries> {
    let mut newest: VecDeque<Report> = VecDeque::new();
    for report in sample::reports(suite, SEED, now) {
        if !upload(&report, now, send)? {
            return Ok(Vec::new());
        }
        newest.push_front(report);
        newest.truncate(sample::CANARY_NIGHTS);
    }
    let base = newest.get(sample::BASE_NIGHT);
    let pushes = base.map(|base| sample::pull_reports(suite, base, SEED, now));
    for report in pushes.unwrap_or_default() {
        if !upload(&report, now, send)? {
            return Ok(Vec::new());
        }
    }
    let mut canaries = Vec::new();
    // The oldest first, as they came.
    for (nights_ago, night) in newest.iter().enumerate().rev() {
        let bodies = sample::canaries(night, nights_ago, SEED).into_iter();
        let read = bodies.map(|body| ingest::read_confirmation(body, now));
        let read = read.collect::<Result<Vec<_>, _>>();
        let read = read.context("a sample canary is refused")?;
        canaries.push((night.run_key.to_string(), read));
    }
    Ok(canaries)
}

/// Reads a report as an upload is read. False where nobody stores any more: the demo was stopped.
fn upload(
    report: &Report,
    now: Timestamp,
    send: &tokio::sync::mpsc::Sender<NewRun>,
) -> Result<bool> {
    let new = ingest::read(report.to_json().into_bytes(), now, published)
        .context("a sample report is refused")?;
    Ok(send.blocking_send(new).is_ok())
}

/// Stores the canaries of the nights.
async fn confirm(
    store: &Store,
    runs: &HashMap<String, RunId>,
    canaries: &Canaries,
    now: Millis,
) -> Result<()> {
    let stop = CancellationToken::new();
    for (key, pairs) in canaries {
        let Some(id) = runs.get(key) else { continue };
        let Some(run) = store.judged_run(*id).await? else {
            continue;
        };
        for new in pairs {
            jobs::confirm::confirm(store, &run, new, JUDGE, now, &stop).await?;
        }
    }
    Ok(())
}
