//! What a bisect found, as JSON: what `bisect --json` prints. Its numbers are those of the text.
//!
//! | field | |
//! |---|---|
//! | `series` | as verdicts name it |
//! | `good`, `bad` | whole commits |
//! | `found` | `culprit`, `nothing` (the bad revision is no worse), `unproven` (its pairs do not prove that it is), `unmeasured` (it does not build or run) |
//! | `commits` | the first bad commit, or the several that it is one of, oldest first; all but the last could not be measured |
//! | `sure` | whether every step was decided by its 95% interval |
//! | `effect` | `{"change", "interval"}`: of the culprit, or else of the bad revision; fractions, positive is worse; absent of `unmeasured` |
//! | `measured`, `skipped` | how many commits were measured, and `{"commit", "why"}` of those passed over |
//! | `exit_code` | as the shell sees it |

use bench_verdict::exit::ExitCode;
use serde::Serialize;

use super::{Effect, Found};

/// What a bisect found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// As verdicts name it.
    pub series: String,
    /// The good revision's commit.
    pub good: String,
    /// The bad revision's commit.
    pub bad: String,
    /// What was found.
    pub found: Word,
    /// The first bad commit is one of these, oldest first.
    pub commits: Vec<Commit>,
    /// Whether every step was decided by its pairs.
    pub sure: bool,
    /// Of the culprit, or else of the bad revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Size>,
    /// How many commits were measured.
    pub measured: usize,
    /// Commits that were passed over.
    pub skipped: Vec<Skipped>,
    /// The outcome as the shell sees it.
    pub exit_code: ExitCode,
}

/// What was found, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// The first bad commit, or one of several.
    Culprit,
    /// The bad revision is no worse than the good one.
    Nothing,
    /// The bad revision looks worse, and its pairs do not prove it.
    Unproven,
    /// The bad revision cannot be measured.
    Unmeasured,
}

/// A commit, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Commit {
    /// Its whole hash.
    pub commit: String,
    /// The first line of its message.
    pub subject: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
}

/// By how much something is worse.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Size {
    /// As a fraction, positive being worse.
    pub change: f64,
    /// Its 95% interval, where there were pairs enough for one.
    pub interval: Option<[f64; 2]>,
}

/// A commit that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its whole hash.
    pub commit: String,
    /// Why.
    pub why: String,
}

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The series.
    pub series: &'a str,
    /// The good revision's commit.
    pub good: &'a str,
    /// The bad revision's commit.
    pub bad: &'a str,
}

impl Found {
    /// 0 where one culprit is sure, 3 where not, 4 where the bad revision cannot be measured.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Found::Culprit(culprit) if culprit.sure && culprit.commits.len() == 1 => ExitCode::Fine,
            Found::Culprit(_) | Found::Nothing(_) | Found::Unproven(_) => ExitCode::Inconclusive,
            Found::BadBroken(_) => ExitCode::Incomplete,
        }
    }
}

impl Answer {
    /// What was found of what was asked; `describe` says what git knows of a commit.
    pub fn of(asked: &Asked<'_>, found: &Found, describe: impl Fn(&str) -> Commit) -> Self {
        let whole = |effect: &Effect| Size::of(effect.log_ratio, effect.interval);
        let (word, effect) = match found {
            Found::Nothing(effect) => (Word::Nothing, Some(whole(effect))),
            Found::Unproven(effect) => (Word::Unproven, Some(whole(effect))),
            Found::BadBroken(_) => (Word::Unmeasured, None),
            Found::Culprit(culprit) => {
                let (log_ratio, interval) = culprit.effect();
                (Word::Culprit, Some(Size::of(log_ratio, interval)))
            }
        };
        let skipped = |(commit, why): &(String, String)| Skipped {
            commit: commit.clone(),
            why: why.clone(),
        };
        let (commits, sure, measured, skipped) = match found {
            Found::Culprit(culprit) => (
                culprit.commits.iter().map(|one| describe(one)).collect(),
                culprit.sure,
                culprit.measured,
                culprit.skipped.iter().map(skipped).collect(),
            ),
            Found::BadBroken(why) => {
                let bad = (asked.bad.to_owned(), why.clone());
                (Vec::new(), false, 0, vec![skipped(&bad)])
            }
            Found::Nothing(_) | Found::Unproven(_) => (Vec::new(), false, 1, Vec::new()),
        };
        Self {
            series: asked.series.to_owned(),
            good: asked.good.to_owned(),
            bad: asked.bad.to_owned(),
            found: word,
            commits,
            sure,
            effect,
            measured,
            skipped,
            exit_code: found.exit_code(),
        }
    }
}

impl Size {
    fn of(log_ratio: f64, interval: Option<[f64; 2]>) -> Self {
        Self {
            change: log_ratio.exp_m1(),
            interval: interval.map(|ends| ends.map(f64::exp_m1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bisect::Culprit;

    fn told(found: &Found) -> serde_json::Value {
        let asked = Asked {
            series: "Work latency cpu=2",
            good: "aa",
            bad: "dd",
        };
        let describe = |commit: &str| Commit {
            commit: commit.to_owned(),
            subject: Some(format!("subject of {commit}")),
            author: None,
        };
        serde_json::to_value(Answer::of(&asked, found, describe)).unwrap_or_default()
    }

    fn effect(log_ratio: f64) -> Effect {
        Effect {
            log_ratio,
            interval: Some([log_ratio, log_ratio]),
            pairs: 8,
        }
    }

    #[test]
    fn a_sure_culprit_is_told_with_what_it_did_and_what_was_passed_over() {
        let found = Found::Culprit(Culprit {
            commits: vec!["cc".to_owned()],
            before: None,
            after: effect(0.0),
            sure: true,
            measured: 3,
            skipped: vec![("bb".to_owned(), "it does not build: no".to_owned())],
        });
        let want = serde_json::json!({
            "series": "Work latency cpu=2", "good": "aa", "bad": "dd", "found": "culprit",
            "commits": [{"commit": "cc", "subject": "subject of cc", "author": null}],
            "sure": true, "effect": {"change": 0.0, "interval": [0.0, 0.0]}, "measured": 3,
            "skipped": [{"commit": "bb", "why": "it does not build: no"}], "exit_code": 0,
        });
        assert_eq!(told(&found), want);
    }

    #[test]
    fn each_outcome_has_its_word_and_its_code() {
        let several = Found::Culprit(Culprit {
            commits: vec!["bb".to_owned(), "cc".to_owned()],
            before: Some(effect(0.1)),
            after: effect(0.3),
            sure: true,
            measured: 2,
            skipped: Vec::new(),
        });
        let broken = Found::BadBroken("it does not run: no".to_owned());
        for (found, word, code) in [
            (several, "culprit", 3),
            (Found::Nothing(effect(0.0)), "nothing", 3),
            (Found::Unproven(effect(0.2)), "unproven", 3),
            (broken, "unmeasured", 4),
        ] {
            let told = told(&found);
            assert_eq!(
                (&told["found"], &told["exit_code"]),
                (&word.into(), &code.into())
            );
            assert_eq!(told["effect"].is_object(), word != "unmeasured");
            if word == "unmeasured" {
                assert_eq!(told["skipped"][0]["commit"], "dd");
            }
        }
    }
}
