//! What an upload makes us say on GitHub.

use bench_verdict::gate::GateOptions;

use super::{AppState, WebError, api, sides};
use crate::analysis::pull;
use crate::domain::{Run, RunKind};
use crate::github::Intent;
use crate::github::check::{self, CheckState, CheckWish};
use crate::github::comment::CommentWish;
use crate::jobs;

/// A run of a pull request is stored: its comment and the check of its newest commit say what it
/// comes to. Of a pair nothing is said before both sides are here.
pub(super) async fn pull(state: &AppState, run: &Run) -> Result<(), WebError> {
    let (Some(_), RunKind::Pull, Some(number)) = (&state.github, run.kind, run.revision.pull)
    else {
        return Ok(());
    };
    if state.store.pair(run.id).await?.is_some() && state.store.other_side(run.id).await?.is_none()
    {
        return Ok(());
    }
    // Only bases may be here yet.
    if state.store.pull_runs(number).await?.is_empty() {
        return Ok(());
    }
    let pushes = sides::pushes(state, number, &GateOptions::default()).await?;
    let Some(report) = pull::report(number, &pushes.pushes, pushes.earlier) else {
        return Ok(());
    };
    let Some(head) = pushes.pushes.last().map(|push| &push.run) else {
        return Ok(());
    };
    let page = api::compare::page(state, number);
    let markdown = report.markdown(page.as_deref());
    let commit = head.revision.commit.clone();
    let comment = Intent::Comment(CommentWish {
        pull: number,
        commit: commit.clone(),
        body: markdown.clone(),
    });
    let check = Intent::Check(CheckWish {
        run_key: head.run_key.clone(),
        commit,
        page,
        state: CheckState::Done(check::conclusion(&report.comparison, markdown)),
    });
    let now = state.now();
    for intent in [comment, check] {
        if jobs::github::wish(&state.store, &intent, now).await? {
            state.jobs.wake_outbox();
        }
    }
    Ok(())
}
