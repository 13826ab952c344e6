//! The gate's proof of itself, on a machine's block: when its runner was last heard of, and what
//! became of the canary.

use crate::chart::canary::{Planting, canary_strip};
use crate::domain::{EnvironmentId, Millis};
use crate::text;
use crate::web::api::confirmation::{Turn, turns};
use crate::web::{AppState, WebError};

use super::links;

/// Nights whose canaries are counted.
const NIGHTS: u32 = 30;

/// What a block says of its runner and its canary.
#[derive(Debug, Default)]
pub(super) struct ProofView {
    /// When a report of any kind last came, and how long ago that is.
    pub(super) heard: String,
    /// What the newest night's canary found; empty without any.
    pub(super) found: String,
    /// Whether all of it is as it must be.
    pub(super) is_right: bool,
    /// The machine's canaries.
    pub(super) url: String,
    /// The turns of the last nights, drawn; empty without any.
    pub(super) strip: String,
    /// How many nights had a canary that was right, of how many; empty without any.
    pub(super) nights: String,
}

/// One turn of a canary.
#[derive(Debug)]
pub(super) struct TurnView {
    pub(super) text: String,
    pub(super) is_right: bool,
}

/// The proof of a machine whose newest report came at `heard`.
pub(super) async fn load(
    state: &AppState,
    environment: EnvironmentId,
    heard: Millis,
    now: Millis,
) -> Result<ProofView, WebError> {
    let all = turns(state, environment, NIGHTS).await?;
    Ok(ProofView {
        url: format!("{}#canary", links::environment(environment)),
        ..view(&all, heard, now)
    })
}

fn view(all: &[Turn], heard: Millis, now: Millis) -> ProofView {
    let newest = all.last().map(|turn| turn.run_id);
    let last = all.iter().filter(|turn| Some(turn.run_id) == newest);
    let last: Vec<&Turn> = last.collect();
    let mut runs: Vec<_> = all.iter().map(|turn| turn.run_id).collect();
    runs.dedup();
    let is_right = |run| {
        all.iter()
            .filter(|turn| turn.run_id == run)
            .all(|turn| turn.right)
    };
    let right = runs.iter().filter(|run| is_right(**run)).count();
    ProofView {
        heard: format!("{}, {}", text::day_clock(heard), text::age(heard, now)),
        found: found(&last),
        is_right: last.iter().all(|turn| turn.right),
        url: String::new(),
        strip: if all.is_empty() {
            String::new()
        } else {
            canary_strip(&plantings(all))
        },
        nights: if runs.is_empty() {
            String::new()
        } else {
            format!("{right} of the last {} nights with a canary", runs.len())
        },
    }
}

/// `found 2 of 2 planted slowdowns, was quiet on 2 of 2 equal pairs`.
fn found(last: &[&Turn]) -> String {
    let part = |is_planted: bool, what: &str| {
        let of: Vec<_> = last
            .iter()
            .filter(|turn| turn.planted.is_some() == is_planted)
            .collect();
        let right = of.iter().filter(|turn| turn.right).count();
        (!of.is_empty()).then(|| format!("{} {right} of {}", what, of.len()))
    };
    let planted = part(true, "found").map(|text| format!("{text} planted slowdowns"));
    let equal = part(false, "was quiet on").map(|text| format!("{text} equal pairs"));
    let parts: Vec<String> = planted.into_iter().chain(equal).collect();
    parts.join(", ")
}

/// The turns as a chart takes them.
pub(super) fn plantings(turns: &[Turn]) -> Vec<Planting> {
    turns
        .iter()
        .map(|turn| Planting {
            time: turn.at,
            is_planted: turn.planted.is_some(),
            change: turn.change,
            interval: (turn.interval[0], turn.interval[1]),
            is_right: turn.right,
        })
        .collect()
}

pub(super) fn turn_view(turn: &Turn) -> TurnView {
    let name = bench_report::metric::series_text(&turn.benchmark, &turn.metric, &turn.params);
    let size = bench_report::metric::format_change(turn.change);
    let text = match (&turn.planted, turn.right) {
        (Some(planted), true) => format!("found {planted} in {name} as {size}"),
        (Some(planted), false) => format!("missed {planted} in {name}, seen as {size}"),
        (None, true) => format!("was quiet on {name} against itself ({size})"),
        (None, false) => format!("called {name} against itself changed, by {size}"),
    };
    TurnView {
        text,
        is_right: turn.right,
    }
}
