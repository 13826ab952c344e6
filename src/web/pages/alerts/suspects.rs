//! The commits that may have done it.

use crate::domain::alert::Alert;
use crate::domain::github::GithubPages;
use crate::text;
use crate::web::pages::links;
use crate::web::{AppState, WebError};

/// A commit.
pub(super) struct Suspect {
    pub(super) commit: String,
    pub(super) subject: String,
    pub(super) author: String,
    pub(super) note: &'static str,
    /// The run that measured it.
    pub(super) run: Option<String>,
    /// Its page on GitHub.
    pub(super) github: Option<String>,
}

/// The commits that came with the first bad night, where its report lists them; else what is known
/// of the two nights.
pub(super) async fn suspects(
    state: &AppState,
    alert: &Alert,
    github: Option<&GithubPages>,
) -> Result<(Vec<Suspect>, String), WebError> {
    let store = &state.store;
    let short = |commit: &str| commit.get(..7).unwrap_or(commit).to_owned();
    let listed = store.commits(alert.first_bad.run).await?;
    let mut rows: Vec<Suspect> = listed
        .iter()
        .map(|commit| Suspect {
            commit: short(&commit.commit),
            subject: commit.subject.clone(),
            author: commit.author.clone(),
            note: if commit.commit == alert.first_bad.commit {
                "first bad night"
            } else {
                ""
            },
            run: (commit.commit == alert.first_bad.commit).then(|| links::run(alert.first_bad.run)),
            github: github.map(|github| github.commit(&commit.commit)),
        })
        .collect();
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
        let revision = run.as_ref().map(|run| &run.revision);
        rows.push(Suspect {
            commit: short(&night.commit),
            subject: revision.and_then(|r| r.subject.clone()).unwrap_or_default(),
            author: revision.and_then(|r| r.author.clone()).unwrap_or_default(),
            note,
            github: github.map(|github| github.commit(&night.commit)),
            run: run.as_ref().map(|run| links::run(run.id)),
        });
    }
    let note = match (listed.len(), &alert.last_good) {
        (0, Some(good)) if good.commit == alert.first_bad.commit => {
            "the same commit was good the night before: look at the machine".to_owned()
        }
        (0, Some(_)) => "somewhere after the last good night, up to the first bad one".to_owned(),
        (0, None) => "no good night is known before it".to_owned(),
        (n, _) => format!(
            "{} since the night before",
            text::plural(n as u64, "commit", "commits")
        ),
    };
    Ok((rows, note))
}
