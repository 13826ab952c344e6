//! What a person may do with an alert, and what it does.

use super::{is_bad, settle};
use crate::domain::Millis;
use crate::domain::alert::{Alert, AlertEvent, AlertState, What};

/// What a person wants of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// The version that he has seen.
    pub version: Option<u32>,
    /// The state that it shall have.
    pub state: Option<AlertState>,
    /// Why; needed to accept or to dismiss.
    pub reason: Option<String>,
    /// Who shall take care of it; an empty text: nobody.
    pub owner: Option<String>,
    /// Something to write down.
    pub note: Option<String>,
    /// The commits that a bisect left; one of them is the first bad one. Empty: nothing is said.
    pub bisected: Vec<String>,
}

/// Commits that a bisect may leave: more is no finding.
const MOST_LEFT: usize = 20;

/// Why a wish is not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Somebody else, or a night, changed it meanwhile.
    #[error(
        "alert {id} is at version {is} by now, and version {seen} was seen: read it again, then \
         decide"
    )]
    Changed {
        /// The alert.
        id: i64,
        /// The version that the person has seen.
        seen: u32,
        /// Its version now.
        is: u32,
    },
    /// It cannot get there from here.
    #[error(
        "alert {id} is {is} and cannot become {wanted}: {}",
        allowed_words(allowed)
    )]
    Transition {
        /// The alert.
        id: i64,
        /// Its state.
        is: AlertState,
        /// What was wished.
        wanted: AlertState,
        /// What it may become.
        allowed: Vec<AlertState>,
    },
    /// Accepting and dismissing need a reason.
    #[error("an alert is {0} for a reason: give it")]
    NoReason(AlertState),
    /// A bisect leaves commits.
    #[error("{0:?} is no commit: give 1 to {MOST_LEFT} of 7 to 64 hex digits each")]
    NoCommit(String),
    /// Nothing was wished.
    #[error("nothing is to be changed: give a state, an owner, a note or what a bisect found")]
    Nothing,
}

fn allowed_words(allowed: &[AlertState]) -> String {
    if allowed.is_empty() {
        return "only nights change it from here, and an owner or a note can be added".to_owned();
    }
    let words: Vec<&str> = allowed.iter().map(|state| state.name()).collect();
    format!("it may become {}", words.join(", "))
}

/// The states that a person may give it now.
pub fn allowed(alert: &Alert) -> Vec<AlertState> {
    use AlertState::{Accepted, Acknowledged, Dismissed, Open};
    match alert.state {
        Open => vec![Acknowledged, Accepted, Dismissed],
        Acknowledged => vec![Open, Accepted, Dismissed],
        // What is over by the nights is not opened by hand: the nights do it when it returns.
        Accepted | Dismissed if is_bad(alert) => vec![Open],
        Accepted | Dismissed | AlertState::Resolved | AlertState::Retracted => Vec::new(),
    }
}

/// Does what a person wishes, in his name.
pub fn act(mut alert: Alert, wish: &Wish, who: &str, now: Millis) -> Result<Alert, Refused> {
    let is = alert.version;
    if let Some(seen) = wish.version.filter(|seen| *seen != is) {
        let id = alert.id.0;
        return Err(Refused::Changed { id, seen, is });
    }
    let text = |text: &Option<String>| {
        let text = text
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let reason = text(&wish.reason);
    let mut events = Vec::new();
    if let Some(owner) = &wish.owner {
        let owner = Some(owner.trim().to_owned()).filter(|owner| !owner.is_empty());
        if owner != alert.owner {
            events.push((What::Assigned, owner));
        }
    }
    if let Some(note) = text(&wish.note) {
        events.push((What::Noted, Some(note)));
    }
    if !wish.bisected.is_empty() {
        let is_commit = |text: &&String| {
            (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let wrong = wish.bisected.iter().find(|text| !is_commit(text));
        let wrong = wrong.or(wish.bisected.get(MOST_LEFT));
        if let Some(wrong) = wrong {
            return Err(Refused::NoCommit(wrong.clone()));
        }
        events.push((What::Bisected, Some(wish.bisected.join(" "))));
    }
    if let Some(wanted) = wish.state.filter(|wanted| *wanted != alert.state) {
        let allowed = allowed(&alert);
        let what = match wanted {
            _ if !allowed.contains(&wanted) => None,
            AlertState::Open => Some(What::Reopened),
            AlertState::Acknowledged => Some(What::Acknowledged),
            AlertState::Accepted => Some(What::Accepted),
            AlertState::Dismissed => Some(What::Dismissed),
            AlertState::Resolved | AlertState::Retracted => None,
        };
        let Some(what) = what else {
            return Err(Refused::Transition {
                id: alert.id.0,
                is: alert.state,
                wanted,
                allowed,
            });
        };
        if matches!(what, What::Accepted | What::Dismissed) && reason.is_none() {
            return Err(Refused::NoReason(wanted));
        }
        events.push((what, reason));
    } else if events.is_empty() && wish.state.is_none() && wish.owner.is_none() {
        return Err(Refused::Nothing);
    }
    if events.is_empty() {
        // It is as wished already.
        return Ok(alert);
    }
    // A person speaks of what he has seen, whatever his clock says of the nights.
    let last = alert.events.last().map(|event| event.at);
    let at = last.map_or(now, |last| last.max(now));
    let who = Some(who.to_owned());
    alert
        .events
        .extend(events.into_iter().map(|(what, text)| AlertEvent {
            at,
            who: who.clone(),
            what,
            series: None,
            text,
        }));
    alert.version += 1;
    settle(&mut alert);
    Ok(alert)
}
