//! From what a URL names (a run, a commit, a branch, a pull request) to two runs, compared.

use std::sync::Arc;

use bench_verdict::gate::GateOptions;
use futures::stream::{self, StreamExt, TryStreamExt};
use futures::try_join;

use super::{AppState, WebError};
use crate::analysis::compare::{RunComparison, RunSide, compare};
use crate::analysis::pull::{self, BaseChoice, Bases, ComparedPush};
use crate::domain::{Run, RunId, RunKind};
use crate::store::{MainRuns, Memo, RunFilter, Stamp};
use crate::web::pages::environment_or_unknown;

/// So many runs of a commit or a branch are looked through for two that compare.
const CANDIDATES: u32 = 60;

/// A commit is named by so many hex digits at least.
const LEAST_DIGITS: usize = 4;

/// The two runs that `base` and `head` name. Of several runs of a commit or a branch, the newest
/// two that compare: sides of one pair, else of one machine and suite version; else the newest of
/// each, which then say that they do not compare.
pub async fn resolve(state: &AppState, base: &str, head: &str) -> Result<(Run, Run), WebError> {
    let bases = candidates(state, "base", base).await?;
    let heads = candidates(state, "head", head).await?;
    for head in &heads {
        let Some(other) = state.store.other_side(head.id).await? else {
            continue;
        };
        if let Some(base) = bases.iter().find(|base| base.id == other) {
            return Ok((base.clone(), head.clone()));
        }
    }
    for head in &heads {
        let comparable = |base: &&Run| {
            base.id != head.id
                && base.environment == head.environment
                && base.suite == head.suite
                && base.suite_version == head.suite_version
        };
        let earlier = |base: &&Run| base.started_at <= head.started_at;
        let mut of = bases.iter().filter(comparable);
        let first = of.clone().find(earlier).or_else(|| of.next());
        if let Some(base) = first {
            return Ok((base.clone(), head.clone()));
        }
    }
    match (bases.into_iter().next(), heads.into_iter().next()) {
        (Some(base), Some(head)) => Ok((base, head)),
        (None, _) => Err(unknown("base", base)),
        (_, None) => Err(unknown("head", head)),
    }
}

/// The runs that a text names, newest first; never none.
async fn candidates(state: &AppState, side: &str, text: &str) -> Result<Vec<Run>, WebError> {
    if text.is_empty() {
        return Err(WebError::bad_request(format!(
            "{side} is empty: give a run's number, a commit or a branch"
        )));
    }
    if let Ok(id) = text.parse::<i64>()
        && let Some(run) = state.store.run(RunId(id)).await?
    {
        return Ok(vec![run]);
    }
    let is_hex = text.chars().all(|c| c.is_ascii_hexdigit());
    if is_hex && (LEAST_DIGITS..=64).contains(&text.len()) {
        let filter = RunFilter {
            commit: Some(text.to_ascii_lowercase()),
            limit: Some(CANDIDATES),
            ..RunFilter::default()
        };
        let runs = usable(state.store.runs(&filter).await?);
        let mut commits: Vec<&str> = runs.iter().map(|r| r.revision.commit.as_str()).collect();
        commits.sort_unstable();
        commits.dedup();
        if commits.len() > 1 {
            let named: Vec<String> = commits
                .iter()
                .map(|c| c.chars().take(12).collect())
                .collect();
            return Err(WebError::bad_request(format!(
                "{side} is {text:?}, which {} commits begin with: {}; give more of it",
                commits.len(),
                named.join(", ")
            )));
        }
        if !runs.is_empty() {
            return Ok(runs);
        }
    }
    let filter = RunFilter {
        branch: Some(text.to_owned()),
        limit: Some(CANDIDATES),
        ..RunFilter::default()
    };
    let runs = usable(state.store.runs(&filter).await?);
    if runs.is_empty() {
        return Err(unknown(side, text));
    }
    Ok(runs)
}

fn unknown(side: &str, text: &str) -> WebError {
    WebError::not_found(
        "run, commit or branch",
        format_args!(
            "{text:?} ({side}): give a run's number, a commit that was measured, or a branch"
        ),
    )
}

/// A canary is slowed on purpose, and identical binaries say nothing of a commit: they are compared
/// by their numbers only.
fn usable(mut runs: Vec<Run>) -> Vec<Run> {
    runs.retain(|run| !matches!(run.kind, RunKind::Canary | RunKind::Aa));
    runs
}

/// A run with all that a comparison looks at.
async fn load(state: &AppState, id: RunId) -> Result<Arc<RunSide>, WebError> {
    let stamp = state.store.stamp(id);
    if let Some(side) = state.sides.get(&stamp, &id) {
        return Ok(side);
    }
    let store = &state.store;
    let (run, samples, pair, environments) = try_join!(
        store.judged_run(id),
        store.all_samples(id),
        store.pair(id),
        store.environments(),
    )?;
    let run = run.ok_or_else(|| WebError::not_found("run", id))?;
    let side = Arc::new(RunSide {
        samples: samples.into_iter().collect(),
        pair,
        environment: environment_or_unknown(&environments, run.run.environment),
        run,
    });
    state.sides.keep(stamp, id, side.clone());
    Ok(side)
}

/// Two runs compared, with what they were compared from.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The side compared with.
    pub base: Arc<RunSide>,
    /// The side judged.
    pub head: Arc<RunSide>,
    /// What came of it.
    pub result: Arc<RunComparison>,
}

/// Comparisons by base and head.
pub type Comparisons = Memo<(RunId, RunId), Arc<Compared>, (Stamp, Stamp)>;

/// Compares two runs. Nothing changes a comparison but a write that touches one of them, so those
/// under the gate's usual options are kept until then.
pub async fn compare_runs(
    state: &AppState,
    base: RunId,
    head: RunId,
    options: &GateOptions,
) -> Result<Arc<Compared>, WebError> {
    let stamps = (state.store.stamp(base), state.store.stamp(head));
    let key = (base, head);
    let is_usual = *options == GateOptions::default();
    if is_usual && let Some(compared) = state.comparisons.get(&stamps, &key) {
        return Ok(compared);
    }
    let (base, head) = try_join!(load(state, base), load(state, head))?;
    let result = Arc::new(compare(&base, &head, options));
    let compared = Arc::new(Compared { base, head, result });
    if is_usual {
        state.comparisons.keep(stamps, key, compared.clone());
    }
    Ok(compared)
}

/// The base of a run: a pull request's merge base by the rules of [`pull::choose`].
pub async fn base_of(state: &AppState, head: &Run) -> Result<Option<(Run, BaseChoice)>, WebError> {
    let store = &state.store;
    let mut bases = Bases::default();
    if let Some(id) = store.other_side(head.id).await? {
        bases.paired = store.run(id).await?;
    }
    if bases.paired.is_none() {
        if let Some(commit) = &head.revision.base_commit {
            let filter = RunFilter {
                commit: Some(commit.clone()),
                environment: Some(head.environment),
                limit: Some(CANDIDATES),
                ..RunFilter::default()
            };
            let at = usable(store.runs(&filter).await?);
            bases.merge_base = at.into_iter().find(|run| {
                run.id != head.id
                    && run.revision.commit == *commit
                    && run.suite == head.suite
                    && run.suite_version == head.suite_version
                    && !run.revision.dirty
                    && run.excluded.is_none()
            });
            if let Some(first) = store.first_main_run_with(commit).await? {
                let of = main_runs(head, first.started_at);
                bases.ancestor = store.main_run_before(of).await?;
            }
        }
        let of = main_runs(head, head.started_at);
        bases.main_before = store.main_run_before(of).await?;
    }
    Ok(pull::choose(head, bases))
}

fn main_runs(head: &Run, before: crate::domain::Millis) -> MainRuns<'_> {
    MainRuns {
        environment: head.environment,
        suite: &head.suite,
        suite_version: &head.suite_version,
        before,
    }
}

/// A pull request's newest pushes, each compared with its base, in the order of time.
#[derive(Debug)]
pub struct Pushes {
    /// The newest of them.
    pub pushes: Vec<ComparedPush>,
    /// How many older ones there are beside.
    pub earlier: usize,
}

/// So many pushes are compared.
const MOST_PUSHES: usize = 12;

/// So many of them are read at once: with their base, no more than are kept.
const AT_ONCE: usize = 3;

/// Compares the pushes of a pull request. 404 where none was measured.
pub async fn pushes(
    state: &AppState,
    number: u64,
    options: &GateOptions,
) -> Result<Pushes, WebError> {
    let runs = state.store.pull_runs(number).await?;
    // A commit that was measured again counts by its newest run, at its first place.
    let mut heads: Vec<Run> = Vec::new();
    for run in runs {
        match heads
            .iter_mut()
            .find(|known| known.revision.commit == run.revision.commit)
        {
            Some(known) => *known = run,
            None => heads.push(run),
        }
    }
    if heads.is_empty() {
        return Err(WebError::not_found("measured run of pull request", number));
    }
    let earlier = heads.len().saturating_sub(MOST_PUSHES);
    let mut heads = heads.split_off(earlier).into_iter();
    let mut pushes = Vec::with_capacity(heads.len());
    // The base that they share is read with the first; the others are read while one is compared.
    if let Some(first) = heads.next() {
        pushes.push(push(state, first, options).await?);
    }
    let rest = stream::iter(heads).map(|run| push(state, run, options));
    pushes.extend(rest.buffered(AT_ONCE).try_collect::<Vec<_>>().await?);
    Ok(Pushes { pushes, earlier })
}

/// Compares a push with its base.
async fn push(state: &AppState, run: Run, options: &GateOptions) -> Result<ComparedPush, WebError> {
    let Some((base, choice)) = base_of(state, &run).await? else {
        let series = state.store.judged_run(run.id).await?;
        let series = series.map_or(0, |run| run.rows.len());
        return Ok(ComparedPush {
            base: None,
            compared: Arc::new(pull::without_base(&run, series, options)),
            run,
        });
    };
    let compared = compare_runs(state, base.id, run.id, options).await?;
    Ok(ComparedPush {
        base: Some(choice),
        compared: compared.result.clone(),
        run,
    })
}
