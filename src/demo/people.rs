//! What people did in the sample year: a level that was accepted, an alert that was taken. Both are
//! said as people say them, and the rules make of them what they make of everything.

use anyhow::Result;

use super::sample::{ACCEPTED, Accepted};
use crate::analysis::alerts::act::{Wish, act};
use crate::domain::Millis;
use crate::domain::alert::AlertState;
use crate::store::{Accepting, AlertFilter, SeriesFilter, Store};

/// Who did it.
const WHO: &str = "a.k. (sample data)";

/// Before the nights are judged: levels that were accepted.
pub(super) async fn accept(store: &Store, now: Millis) -> Result<()> {
    let Accepted {
        benchmark,
        metric,
        nights_ago,
        reason,
    } = ACCEPTED;
    let filter = SeriesFilter {
        benchmark: Some(benchmark.to_owned()),
        metric: Some(metric.to_owned()),
        ..SeriesFilter::default()
    };
    let series = store.series_of(&filter).await?;
    let ids: Vec<_> = series.iter().map(|series| series.id).collect();
    let at = now.minus_days(nights_ago);
    let accepting = Accepting {
        at,
        who: WHO,
        reason,
        tag: None,
    };
    store.accept_levels(&ids, &accepting, at).await?;
    Ok(())
}

/// After they are judged: somebody takes the alert with the most series.
pub(super) async fn take(store: &Store, now: Millis) -> Result<()> {
    let filter = AlertFilter {
        states: vec![AlertState::Open],
        ..AlertFilter::default()
    };
    let open = store.alerts(&filter).await?;
    let Some(alert) = open.iter().max_by_key(|alert| alert.series.len()) else {
        return Ok(());
    };
    // A bisect went through the commits of its night, and left the second.
    let commits = store.commits(alert.first_bad.run).await?;
    let left = commits.get(1).or(commits.first());
    let wish = Wish {
        bisected: left.map(|one| one.commit.clone()).into_iter().collect(),
        state: Some(AlertState::Acknowledged),
        owner: Some("a.k.".to_owned()),
        note: Some("lock order in the removal path, looking".to_owned()),
        ..Wish::default()
    };
    // Somebody else is faster only where somebody else is there.
    let taken = store.change_alert(alert.id, WHO, now, |alert| act(alert, &wish, WHO, now));
    if let Some(Err(refused)) = taken.await? {
        tracing::warn!(%refused, "the sample alert is not taken");
    }
    Ok(())
}
