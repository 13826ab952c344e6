//! The sample history gets into the store: by the same reading and judging as an upload.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::people;
use super::sample::{self, SampleSuite};
use crate::analysis::published::published;
use crate::domain::{Millis, NewRun};
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
    while let Some(new) = receive.recv().await {
        store
            .insert_judged(&new, now, |_| Verdicts::later())
            .await?;
        filled.runs += 1;
    }
    maker
        .await
        .context("the sample history could not be made")??;
    // All nights at once, each seeing the nights before it only: the same answers for a small part
    // of the time.
    people::accept(store, now).await?;
    jobs::rejudge_all(store, &CancellationToken::new()).await?;
    people::take(store, now).await?;
    filled.took = begun.elapsed();
    Ok(filled)
}

fn make(
    suite: &SampleSuite,
    now: Timestamp,
    send: &tokio::sync::mpsc::Sender<NewRun>,
) -> Result<()> {
    let pull = sample::pull_reports(suite, SEED, now);
    for report in sample::reports(suite, SEED, now).chain(pull) {
        let new = ingest::read(report.to_json().into_bytes(), now, published)
            .context("a sample report is refused")?;
        if send.blocking_send(new).is_err() {
            // Nobody stores any more: the demo was stopped.
            break;
        }
    }
    Ok(())
}
