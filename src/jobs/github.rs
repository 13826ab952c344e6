//! The outbox is worked off: what should stand on GitHub is brought there, with patience.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Jobs;
use super::issues::tell_alerts;
use crate::domain::Millis;
use crate::domain::time::DAY_MS;
use crate::github::check::CheckState;
use crate::github::{Client, GithubError, Intent, deliver};
use crate::store::{OutboxEntry, Store, StoreError, Tried};

/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE_MS: i64 = 5_000;
/// The longest pause.
const LONGEST_PAUSE_MS: i64 = 3_600_000;
/// An intent that could not be delivered for so long is given up; a newer one is tried again.
const GIVE_UP_MS: i64 = 7 * DAY_MS;
/// A check whose run was neither heard of nor stored for so long is called lost: after a restart of
/// the server a runner has had time to be heard again.
const LOST_AFTER_MS: i64 = 2 * 3_600_000;
/// How long nothing may be looked at, whatever the clock says.
const LONGEST_SLEEP: Duration = Duration::from_secs(300);

/// Where the time comes from.
pub type Clock = std::sync::Arc<dyn Fn() -> Millis + Send + Sync>;

/// What the outbox is worked off with.
#[derive(Clone)]
pub struct Post {
    /// GitHub.
    pub client: Client,
    /// What should be said, and what it is about.
    pub store: Store,
    /// Whom to hear of news from.
    pub jobs: Jobs,
    /// What tells the time.
    pub clock: Clock,
    /// Where people reach this server.
    pub public_url: Option<String>,
}

/// Delivers whenever something is due, until `stop`. What an earlier server left is done first.
pub async fn run(post: Post, stop: CancellationToken) {
    loop {
        let sleep = match work(&post, &stop).await {
            Ok(sleep) => sleep,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(%error, cause = ?error.source(), "the outbox cannot be read");
                LONGEST_SLEEP
            }
        };
        tokio::select! {
            () = post.jobs.outbox_filled() => {}
            () = tokio::time::sleep(sleep) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn work(post: &Post, stop: &CancellationToken) -> Result<Duration, StoreError> {
    let Post {
        client,
        store,
        clock,
        ..
    } = post;
    give_up_on_lost_checks(store, clock()).await?;
    tell_alerts(store, post.public_url.as_deref(), clock()).await?;
    while !stop.is_cancelled() && deliver_next(client, store, clock()).await? {}
    let Some(next) = store.next_outbox_at().await? else {
        return Ok(LONGEST_SLEEP);
    };
    let ms = u64::try_from(next.0.saturating_sub(clock().0)).unwrap_or(0);
    Ok(Duration::from_millis(ms).min(LONGEST_SLEEP))
}

/// Puts in how something on GitHub should stand.
pub async fn wish(store: &Store, intent: &Intent, now: Millis) -> Result<bool, StoreError> {
    let json = serde_json::to_string(intent).expect("an intent is texts, numbers and lists");
    store.put_outbox(&intent.key(), &json, now).await
}

/// Delivers one entry that is due. False where there is none.
pub async fn deliver_next(client: &Client, store: &Store, now: Millis) -> Result<bool, StoreError> {
    let Some(entry) = store.due_outbox(now).await? else {
        return Ok(false);
    };
    let intent: Intent = match serde_json::from_str(&entry.intent) {
        Ok(intent) => intent,
        Err(error) => {
            let error = format!("the intent does not read: {error}");
            let tried = Tried::Refused { error };
            store
                .tried_outbox(&entry, entry.number, &tried, now)
                .await?;
            return Ok(true);
        }
    };
    let client = client.clone();
    let known = entry.number;
    let delivery = tokio::task::spawn_blocking(move || deliver(&client, &intent, known)).await;
    // The task is never aborted; a panic in it is one here.
    let delivery = delivery.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()));
    let tried = match &delivery.result {
        Ok(()) => Tried::Done,
        Err(error) => failed(error, &entry, now),
    };
    if let Err(error) = &delivery.result {
        tracing::warn!(key = entry.key, attempt = entry.attempts + 1, error = %error.line(), "GitHub did not take it");
    }
    store
        .tried_outbox(&entry, delivery.number, &tried, now)
        .await?;
    if let Tried::Paused { until, .. } = tried {
        store.pause_outbox(until).await?;
    }
    Ok(true)
}

/// What a failure means for the entry.
fn failed(error: &GithubError, entry: &OutboxEntry, now: Millis) -> Tried {
    let line = error.line();
    if error.is_final() {
        return Tried::Refused { error: line };
    }
    if let Some(pause) = error.pause() {
        let ms = i64::try_from(pause.as_millis()).unwrap_or(LONGEST_PAUSE_MS);
        let until = Millis(now.0.saturating_add(ms));
        return Tried::Paused { until, error: line };
    }
    let doublings = u32::try_from(entry.attempts).unwrap_or(u32::MAX).min(16);
    let pause = (FIRST_PAUSE_MS << doublings).min(LONGEST_PAUSE_MS);
    if spent(entry.attempts) > GIVE_UP_MS {
        return Tried::Refused {
            error: format!("given up after {} attempts: {line}", entry.attempts + 1),
        };
    }
    Tried::Again {
        at: Millis(now.0.saturating_add(pause)),
        error: line,
    }
}

/// The pauses after so many failures, together.
fn spent(attempts: i64) -> i64 {
    (0..attempts.min(1_000))
        .map(|n| (FIRST_PAUSE_MS << n.min(16)).min(LONGEST_PAUSE_MS))
        .sum()
}

/// Ends the checks of runs of which nothing came: else they would be in progress for ever.
async fn give_up_on_lost_checks(store: &Store, now: Millis) -> Result<(), StoreError> {
    for entry in store.outbox("check ").await? {
        if now.0.saturating_sub(entry.changed_at) < LOST_AFTER_MS {
            continue;
        }
        let Ok(Intent::Check(mut check)) = serde_json::from_str(&entry.intent) else {
            continue;
        };
        if matches!(check.state, CheckState::Running { .. }) {
            check.state = CheckState::Lost;
            wish(store, &Intent::Check(check), now).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attempts: i64) -> OutboxEntry {
        OutboxEntry {
            key: "check a".to_owned(),
            intent: String::new(),
            mark: 1,
            state: "waiting".to_owned(),
            number: None,
            attempts,
            next_at: 0,
            last_error: None,
            changed_at: 0,
        }
    }

    #[test]
    fn pauses_double_up_to_an_hour_and_end_after_a_week() {
        let error = GithubError::Unavailable {
            request: "GET x".to_owned(),
            status: 502,
            message: String::new(),
        };
        let pause = |attempts| match failed(&error, &entry(attempts), Millis(0)) {
            Tried::Again { at, .. } => Some(at.0),
            _ => None,
        };
        let pauses: Vec<_> = [0, 1, 2, 9, 10, 100].map(pause).into();
        let ms = [5_000, 10_000, 20_000, 2_560_000, 3_600_000, 3_600_000];
        assert_eq!(pauses, ms.map(Some));
        assert_eq!(pause(500), None);
    }
}
