//! The commits that may have done it.

use crate::domain::alert::{Alert, AlertEvent};
use crate::domain::github::GithubPages;
use crate::text;
use crate::web::pages::links;
use crate::web::{AppState, WebError};

/// Folders of a commit that are named.
const FOLDERS: usize = 2;

/// A commit.
#[derive(Default)]
pub(super) struct Suspect {
    /// Its whole hash.
    hash: String,
    pub(super) commit: String,
    pub(super) subject: String,
    pub(super) author: String,
    /// The folders that it changes; empty where they are not known.
    pub(super) touches: String,
    pub(super) note: &'static str,
    /// What a bisect says of it.
    pub(super) bisect: &'static str,
    /// Whether a bisect left it, alone or with others.
    pub(super) is_left: bool,
    /// The run that measured it.
    pub(super) run: Option<String>,
    /// Its page on GitHub.
    pub(super) github: Option<String>,
}

/// The commits that may have done it, and what is known of them all.
pub(super) struct Suspects {
    /// The newest first; the last good one is the last.
    pub(super) rows: Vec<Suspect>,
    pub(super) note: String,
    /// Whether it is known of any what it changes.
    pub(super) has_touches: bool,
    /// Whether a bisect ended.
    pub(super) has_bisect: bool,
}

/// The commits that came with the first bad night, where its report lists them; else what is known
/// of the two nights.
pub(super) async fn suspects(
    state: &AppState,
    alert: &Alert,
    github: Option<&GithubPages>,
) -> Result<Suspects, WebError> {
    let store = &state.store;
    let suspect = |commit: &str| Suspect {
        hash: commit.to_owned(),
        commit: short(commit).to_owned(),
        github: github.map(|github| github.commit(commit)),
        ..Suspect::default()
    };
    let listed = store.commits(alert.first_bad.run).await?;
    let mut rows: Vec<Suspect> = Vec::with_capacity(listed.len() + 2);
    for commit in &listed {
        let is_first = commit.commit == alert.first_bad.commit;
        rows.push(Suspect {
            subject: commit.subject.clone(),
            author: commit.author.clone(),
            touches: folders(&commit.touches),
            note: if is_first { "first bad night" } else { "" },
            run: is_first.then(|| links::run(alert.first_bad.run)),
            ..suspect(&commit.commit)
        });
    }
    let nights = [
        (Some(&alert.first_bad), "first bad night"),
        (alert.last_good.as_ref(), "last good night"),
    ];
    for (night, note) in nights {
        let Some(night) = night else { continue };
        if listed.iter().any(|known| known.commit == night.commit) {
            continue;
        }
        let run = store.run(night.run).await?;
        let own = store.commits(night.run).await?;
        let own = own.iter().find(|one| one.commit == night.commit);
        let revision = run.as_ref().map(|run| &run.revision);
        rows.push(Suspect {
            subject: revision.and_then(|r| r.subject.clone()).unwrap_or_default(),
            author: revision.and_then(|r| r.author.clone()).unwrap_or_default(),
            touches: own.map_or_else(String::new, |one| folders(&one.touches)),
            note,
            run: run.as_ref().map(|run| links::run(run.id)),
            ..suspect(&night.commit)
        });
    }
    let mut events = alert.events.iter().rev().map(AlertEvent::bisected);
    let left = events.find(|left| !left.is_empty()).unwrap_or_default();
    bisected(&mut rows, &left);
    let note = match (listed.len(), &alert.last_good) {
        (0, Some(good)) if good.commit == alert.first_bad.commit => {
            "the same commit was good the night before: look at the machine".to_owned()
        }
        (0, Some(_)) => {
            "after the last good night, up to the first bad one; the night lists no commits"
                .to_owned()
        }
        (0, None) => "no good night is known before it".to_owned(),
        (n, _) => format!(
            "{} since the night before, newest first",
            text::plural(n as u64, "commit", "commits")
        ),
    };
    Ok(Suspects {
        note,
        has_touches: rows.iter().any(|row| !row.touches.is_empty()),
        has_bisect: !left.is_empty(),
        rows,
    })
}

/// Writes beside each commit what a bisect says of it: those that it left, those after them and those
/// before.
fn bisected(rows: &mut [Suspect], left: &[&str]) {
    let is_left = |row: &Suspect| left.iter().any(|left| row.hash.starts_with(left));
    let Some(first) = rows.iter().position(is_left) else {
        return;
    };
    let mut seen = false;
    for (at, row) in rows.iter_mut().enumerate() {
        row.is_left = is_left(row);
        seen |= row.is_left;
        row.bisect = match (row.is_left, left.len()) {
            (true, 1) => "first bad",
            (true, _) => "may be the first bad",
            (false, _) if at < first => "bad",
            (false, _) if seen => "good",
            (false, _) => "",
        };
    }
}

/// The first folders of a commit, and how many more.
fn folders(touches: &[String]) -> String {
    let named: Vec<&str> = touches.iter().take(FOLDERS).map(String::as_str).collect();
    let mut text = named.join(", ");
    if touches.len() > FOLDERS {
        text += &format!(" and {} more", touches.len() - FOLDERS);
    }
    text
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bisect_left_divides_the_bad_from_the_good() {
        let mut rows: Vec<Suspect> = ["d4", "c3", "b2", "a1"]
            .map(|hash| Suspect {
                hash: format!("{hash}ffffff"),
                ..Suspect::default()
            })
            .into();
        bisected(&mut rows, &["c3fffff"]);
        let said: Vec<&str> = rows.iter().map(|row| row.bisect).collect();
        assert_eq!(said, ["bad", "first bad", "good", "good"]);
        bisected(&mut rows, &["c3fffff", "b2fffff"]);
        let said: Vec<&str> = rows.iter().map(|row| row.bisect).collect();
        let may = "may be the first bad";
        assert_eq!(said, ["bad", may, may, "good"]);
        bisected(&mut rows, &["99fffff"]);
        assert_eq!(
            rows[0].bisect, "bad",
            "a commit that is not here says nothing"
        );
    }

    #[test]
    fn many_folders_are_counted() {
        let of = |names: &[&str]| folders(&names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&[]), "");
        assert_eq!(of(&["src/index", "docs"]), "src/index, docs");
        assert_eq!(of(&["a", "b", "c", "d"]), "a, b and 2 more");
    }
}
