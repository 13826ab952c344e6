//! What runs beside requests: judging again what a late run or an exclusion changed.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::analysis::judge::{JudgeInputs, judge};
use crate::domain::{Judgement, SeriesId};
use crate::store::{RunInputs, Store, StoreError};

/// Wakes the jobs. Clones wake the same ones.
#[derive(Debug, Clone, Default)]
pub struct Jobs {
    wake: Arc<Notify>,
}

impl Jobs {
    /// Says that there may be something to do.
    pub fn wake(&self) {
        self.wake.notify_one();
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

/// What is said of every series of a run.
pub fn judge_run(inputs: RunInputs) -> Vec<(SeriesId, Judgement)> {
    judge(&JudgeInputs {
        at: inputs.run.started_at,
        rows: inputs.rows,
        history: inputs.baseline,
    })
}

/// Judges again all runs whose history changed, oldest first. Returns how many.
pub async fn rejudge_all(store: &Store, stop: &CancellationToken) -> Result<u32, StoreError> {
    let mut count = 0;
    while let Some(next) = store.next_rejudge().await? {
        if stop.is_cancelled() {
            break;
        }
        let judged = store
            .run_inputs(next.run)
            .await?
            .map(judge_run)
            .unwrap_or_default();
        store.finish_rejudge(next, &judged).await?;
        count += 1;
    }
    if count > 0 {
        tracing::info!(run_count = count, "judged again");
    }
    Ok(count)
}
