//! The issue of one cause: pure functions from what should be said and what is there to the steps
//! in between.
//!
//! # Invariants
//! 1. One issue a cause: it is found by number, else by its marker, and made only where neither
//!    finds one, and only while the cause is there.
//! 2. A note is told once: its marker is looked for among the comments before it is told, and what
//!    had happened before the issue was made is told by its body alone.
//! 3. Only a note opens or closes the issue: what a person closed or reopened stays so until
//!    something new happens.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::marker;
use crate::domain::Millis;

/// GitHub takes 65,536 characters; bytes are never fewer.
pub const BODY_LIMIT: usize = 65_000;
/// GitHub takes 256 characters.
const TITLE_LIMIT: usize = 250;
/// Every issue carries it.
pub const LABEL: &str = "kvmark";

/// What should stand at GitHub about one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueWish {
    /// What makes the cause itself, over the years.
    pub fingerprint: String,
    /// What it is called there.
    pub title: String,
    /// Everything as it stands now, in Markdown.
    pub body: String,
    /// Whether the cause is there now.
    pub is_open: bool,
    /// When the cause was first seen: its issue is not older.
    pub since: Millis,
    /// What happened after the cause was first seen, oldest first.
    pub notes: Vec<Note>,
}

/// Something that happened, told as a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What makes it itself among the notes of its issue.
    pub id: String,
    /// When it happened.
    pub at: Millis,
    /// In Markdown.
    pub text: String,
    /// What becomes of the issue with it.
    pub then: Then,
}

/// What a note does to its issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Nothing.
    Nothing,
    /// It is solved: closed as completed.
    Close,
    /// It will not be worked on: closed as not planned.
    Dismiss,
    /// It is back.
    Reopen,
}

/// An issue as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// Its body.
    pub body: String,
    /// Whether it is open.
    pub is_open: bool,
    /// The markers of the notes beneath it; only looked up where [`is_news`].
    pub notes: BTreeSet<String>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the issue.
    Create {
        /// Its title.
        title: String,
        /// Its body.
        body: String,
    },
    /// Tell a note.
    Comment {
        /// Its text.
        body: String,
    },
    /// Close, or open again.
    State {
        /// `open` or `closed`.
        state: &'static str,
        /// `completed`, `not_planned` or `reopened`.
        reason: &'static str,
    },
    /// Say it all anew.
    Edit {
        /// The title.
        title: String,
        /// The body.
        body: String,
    },
}

/// Whether an issue with that body does not say all of it yet.
pub fn is_news(wish: &IssueWish, body: &str) -> bool {
    body.trim_end() != self::body(wish, told_until(wish, body)).trim_end()
}

/// What to do, in order.
pub fn plan(wish: &IssueWish, found: Option<&Found>) -> Vec<Step> {
    let title = title(&wish.title);
    let Some(found) = found else {
        let told_until = wish.notes.iter().map(|note| note.at).max();
        let body = body(wish, told_until.unwrap_or(wish.since));
        // Nobody needs to hear of what came and went while GitHub was away.
        return if wish.is_open {
            vec![Step::Create { title, body }]
        } else {
            Vec::new()
        };
    };
    let mut steps = Vec::new();
    let told_until = told_until(wish, &found.body);
    let mut is_open = found.is_open;
    for note in wish.notes.iter().filter(|note| note.at > told_until) {
        let marker = marker::note(&wish.fingerprint, &note.id);
        if found.notes.contains(&marker) {
            continue;
        }
        let change = match note.then {
            Then::Nothing => None,
            Then::Close => Some(("closed", "completed")),
            Then::Dismiss => Some(("closed", "not_planned")),
            Then::Reopen => Some(("open", "reopened")),
        };
        // Before the comment: a note that was told has had its effect.
        if let Some((state, reason)) = change
            && is_open != (state == "open")
        {
            is_open = state == "open";
            steps.push(Step::State { state, reason });
        }
        let text = marker::cut(&note.text, BODY_LIMIT - marker.len() - 1);
        steps.push(Step::Comment {
            body: format!("{marker}\n{text}"),
        });
    }
    let is_news = is_news(wish, &found.body);
    if is_news || found.title != title {
        let body = body(wish, told_until);
        steps.push(Step::Edit { title, body });
    }
    steps
}

/// Up to when the issue's first body told everything. Where a person removed the marker, everything
/// is looked for among the comments.
fn told_until(wish: &IssueWish, body: &str) -> Millis {
    marker::told_until(body, &wish.fingerprint).unwrap_or(wish.since)
}

fn title(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(TITLE_LIMIT).collect()
}

fn body(wish: &IssueWish, told_until: Millis) -> String {
    let notes: Vec<&str> = wish.notes.iter().map(|note| note.id.as_str()).collect();
    let marker = marker::issue(&wish.fingerprint, told_until, &notes.join(" "));
    let text = marker::cut(&wish.body, BODY_LIMIT - marker.len() - 1);
    format!("{marker}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(is_open: bool, notes: &[(&str, Then)]) -> IssueWish {
        IssueWish {
            fingerprint: "cause".to_owned(),
            title: "p99 got\nslower".to_owned(),
            body: "**Something got worse**".to_owned(),
            is_open,
            since: Millis(0),
            notes: notes
                .iter()
                .zip(1..)
                .map(|((id, then), at)| Note {
                    id: (*id).to_owned(),
                    at: Millis(at),
                    text: format!("note {id}"),
                    then: *then,
                })
                .collect(),
        }
    }

    /// The issue after the steps.
    fn after(wish: &IssueWish, mut now: Option<Found>) -> Option<Found> {
        for step in plan(wish, now.as_ref()) {
            match step {
                Step::Create { title, body } => {
                    assert!(now.is_none(), "a second issue");
                    now = Some(Found {
                        number: 1,
                        title,
                        body,
                        is_open: true,
                        notes: BTreeSet::new(),
                    });
                }
                Step::Comment { body } => {
                    let issue = now.as_mut().expect("an issue to comment on");
                    let (marker, _) = body.split_once('\n').expect("a marker");
                    assert!(issue.notes.insert(marker.to_owned()), "told twice: {body}");
                }
                Step::State { state, .. } => {
                    now.as_mut().expect("an issue to open or close").is_open = state == "open";
                }
                Step::Edit { title, body } => {
                    let issue = now.as_mut().expect("an issue to edit");
                    (issue.title, issue.body) = (title, body);
                }
            }
        }
        now
    }

    #[test]
    fn what_is_said_already_is_not_said_again() {
        let wish = wish(true, &[("grew", Then::Nothing)]);
        let issue = after(&wish, None);
        assert_eq!(
            issue.as_ref().map(|i| i.title.as_str()),
            Some("p99 got slower")
        );
        assert!(plan(&wish, issue.as_ref()).is_empty());
    }

    #[test]
    fn it_is_closed_and_reopened_by_what_happens_and_never_doubled() {
        let mut issue = after(&wish(true, &[]), None);
        let happens = [
            ("fixed", Then::Close),
            ("back", Then::Reopen),
            ("no", Then::Dismiss),
        ];
        for end in 1..=happens.len() {
            let notes = &happens[..end];
            let now = wish(notes[end - 1].1 == Then::Reopen, notes);
            issue = after(&now, issue);
            let issue = issue.as_ref().expect("it stays");
            assert_eq!((issue.is_open, issue.notes.len()), (now.is_open, end));
            assert!(plan(&now, Some(issue)).is_empty());
        }
    }

    #[test]
    fn what_a_person_closed_stays_closed_until_something_happens() {
        let mut issue = after(&wish(true, &[]), None).expect("made");
        issue.is_open = false;
        let grew = wish(true, &[("grew", Then::Nothing)]);
        let issue = after(&grew, Some(issue)).expect("it stays");
        assert!(!issue.is_open);
        let back = wish(true, &[("grew", Then::Nothing), ("back", Then::Reopen)]);
        assert!(after(&back, Some(issue)).expect("it stays").is_open);
    }

    #[test]
    fn a_stop_between_two_steps_tells_nothing_twice() {
        let wish = wish(false, &[("grew", Then::Nothing), ("fixed", Then::Close)]);
        let made = after(&self::wish(true, &[]), None).expect("made");
        let steps = plan(&wish, Some(&made));
        assert_eq!(steps.len(), 4);
        // The first comment got there, its answer did not come back.
        let mut half = made.clone();
        half.notes.insert(marker::note("cause", "grew"));
        let whole = after(&wish, Some(half)).expect("it stays");
        assert_eq!((whole.is_open, whole.notes.len()), (false, 2));
        assert!(plan(&wish, Some(&whole)).is_empty());
        // It was closed, and its comment did not get there.
        let mut half = made;
        half.notes.insert(marker::note("cause", "grew"));
        half.is_open = false;
        let whole = after(&wish, Some(half)).expect("it stays");
        assert_eq!((whole.is_open, whole.notes.len()), (false, 2));
    }

    #[test]
    fn what_came_and_went_unseen_makes_no_issue() {
        assert!(plan(&wish(false, &[("fixed", Then::Close)]), None).is_empty());
    }

    #[test]
    fn a_body_that_a_person_rewrote_is_ours_by_its_number_and_whole_again() {
        let wish = wish(true, &[("grew", Then::Nothing)]);
        let issue = after(&self::wish(true, &[]), None);
        let mut issue = after(&wish, issue).expect("made");
        assert_eq!(issue.notes.len(), 1);
        issue.body = "looking into it".to_owned();
        let issue = after(&wish, Some(issue)).expect("it stays");
        assert_eq!(issue.notes.len(), 1);
        assert!(marker::is_issue(&issue.body, "cause"));
    }
}
