//! What an alert says where its epoch has ended.

use crate::domain::alert::Alert;
use crate::domain::{Millis, RunId};
use crate::store::Epoch;
use crate::text;
use crate::web::pages::{environment_or_unknown, links};
use crate::web::{AppState, WebError};

/// How the epoch of an alert has ended.
pub(super) struct Ended {
    /// `The last night was 20 Nov; since 21 Nov ci-b measures, and does not compare`.
    pub(super) sentence: String,
    /// Whether it is open with something that nothing carries on.
    pub(super) is_left: bool,
    /// What carries it on, each bridging run once.
    pub(super) bridges: Vec<Line>,
    /// The command that carries it on, where something is left that nothing carries on.
    pub(super) command: Option<String>,
}

/// A bridging run.
pub(super) struct Line {
    pub(super) text: String,
    pub(super) run: RunId,
    pub(super) url: String,
}

/// None while the epoch goes on, and of an alert that was over before it ended.
pub(super) async fn ended(
    state: &AppState,
    alert: &Alert,
    server: &str,
    now: Millis,
) -> Result<Option<Ended>, WebError> {
    let was_carried_on = alert.series.iter().any(|one| one.bridged.is_some());
    if !alert.is_active() && !was_carried_on {
        return Ok(None);
    }
    let Some(end) = state.store.epoch_end(&Epoch::from(alert)).await? else {
        return Ok(None);
    };
    let machines = state.store.environments().await?;
    let own = environment_or_unknown(&machines, alert.environment);
    let what = match end.environment == alert.environment {
        true => format!("version {} of the suite measures", end.suite_version),
        false => "another machine of its name measures".to_owned(),
    };
    let (last, begun) = (
        text::day_near(end.last_night, now),
        text::day_near(end.begun_at, now),
    );
    let left = alert.open_series().any(|one| one.bridged.is_none());
    let so = match left {
        true => "its series are measured no more",
        false => "a bridge carries it on",
    };
    let is_left = alert.is_active() && left;
    Ok(Some(Ended {
        sentence: format!("The last night was {last}; since {begun} {what}: {so}"),
        bridges: lines(alert, now),
        is_left,
        command: (is_left && !own.is_sample).then(|| {
            let name = shell_word(&own.name);
            format!("bench-runner bridge --environment {name} --server {server}")
        }),
    }))
}

fn lines(alert: &Alert, now: Millis) -> Vec<Line> {
    let mut lines: Vec<(RunId, Line)> = Vec::new();
    for there in alert.series.iter().filter_map(|one| one.bridged.as_ref()) {
        if lines.iter().any(|(run, _)| *run == there.run) {
            continue;
        }
        let factors = alert.series.iter().filter_map(|one| one.bridged.as_ref());
        let factors = factors
            .filter(|one| one.run == there.run)
            .map(|one| one.factor);
        let (low, high) = factors.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), one| {
            (low.min(one), high.max(one))
        });
        let times = match format!("{low:.2}") == format!("{high:.2}") {
            true => format!("{low:.2}\u{d7}"),
            false => format!("{low:.2}\u{d7} to {high:.2}\u{d7}"),
        };
        let commit = there.commit.get(..7).unwrap_or(&there.commit);
        let day = text::day_near(there.measured_at, now);
        let line = Line {
            text: format!("On {day} the same code, {commit}, read {times} there:"),
            run: there.run,
            url: links::run(there.run),
        };
        lines.push((there.run, line));
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// A word as a shell reads it back.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
