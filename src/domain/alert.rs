//! What somebody must look at: one cause of worsenings, and its life.

use std::fmt;

pub use bench_verdict::confirmation::{Confirmation, Outcome};
pub use bench_verdict::regression::{By, How, News, Numbers};
use serde::{Deserialize, Serialize};

use super::bridge::{Bridged, Bridges};
use super::{AlertId, AnnotationId, EnvironmentId, Millis, RunId, SeriesId};

/// One cause: series of one machine that got worse at the same revision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// Its number; 0 before it is stored.
    pub id: AlertId,
    /// Names the cause wherever it is talked about: machine, suite, its version, first bad commit.
    /// 16 hexadecimal digits.
    pub fingerprint: String,
    /// The machine.
    pub environment: EnvironmentId,
    /// Suite name.
    pub suite: String,
    /// Suite version: what is measured by another one is not compared.
    pub suite_version: String,
    /// What it has come to: derived from its events.
    pub state: AlertState,
    /// Who takes care of it.
    pub owner: Option<String>,
    /// Raised with every change, whoever makes it: who changes it says which one he has seen.
    pub version: u32,
    /// The night that opened it first.
    pub opened_at: Millis,
    /// Its last event.
    pub changed_at: Millis,
    /// The first night with the bad revision.
    pub first_bad: Night,
    /// The night before it: the suspects are the commits after its commit, up to the first bad
    /// one. Absent where nothing before it is known.
    pub last_good: Option<Night>,
    /// The series of this cause, in the order in which they were confirmed.
    pub series: Vec<AlertSeries>,
    /// Its life, in the order of time.
    pub events: Vec<AlertEvent>,
}

impl Alert {
    /// Whether somebody has still to do something about it.
    pub fn is_active(&self) -> bool {
        self.state.is_active()
    }

    /// The largest worsening in it, where one has a size; those that are not over come first.
    pub fn size(&self) -> Option<f64> {
        let over = |want: bool| {
            let sizes = self
                .series
                .iter()
                .filter(move |one| one.ended.is_some() == want);
            sizes.filter_map(|one| one.change).max_by(f64::total_cmp)
        };
        over(false).or_else(|| over(true))
    }

    /// The series in it that are not over.
    pub fn open_series(&self) -> impl Iterator<Item = &AlertSeries> {
        self.series.iter().filter(|one| one.ended.is_none())
    }

    /// What was said last by whoever brought it into its state, such as the reason of a dismissal.
    pub fn reason(&self) -> Option<&str> {
        let decided = self.events.iter().rev().find(|event| {
            matches!(event.what, What::Accepted | What::Dismissed) && event.who.is_some()
        });
        let closed = matches!(self.state, AlertState::Accepted | AlertState::Dismissed);
        decided
            .filter(|_| closed)
            .and_then(|event| event.text.as_deref())
    }
}

/// A run of the main branch that an alert speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Night {
    /// The run.
    pub run: RunId,
    /// Its time.
    pub at: Millis,
    /// Its full commit hash.
    pub commit: String,
}

/// One series in an alert. Values are in the metric's unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlertSeries {
    /// The series.
    pub series: SeriesId,
    /// The first bad night.
    pub since: Night,
    /// The night before it.
    pub last_good: Option<Night>,
    /// The night that confirmed it.
    pub confirmed_at: Millis,
    /// What confirmed it.
    pub by: By,
    /// The level before the change.
    pub frozen_baseline: f64,
    /// It is over when the median of the last three nights is not worse than this.
    pub limit: f64,
    /// Its size when it was confirmed, positive being worse; absent where the level before is zero.
    pub change: Option<f64>,
    /// What confirmed it, in numbers; absent for a count.
    pub numbers: Option<Numbers>,
    /// Where it is over: when and how.
    pub ended: Option<(Millis, How)>,
    /// Where its epoch has ended and is bridged: what it is carried on as.
    pub bridged: Option<Bridged>,
}

impl AlertSeries {
    /// What measures it now, and the levels there: those of the epoch that a bridge carries it on
    /// to, where one does.
    pub fn now(&self) -> Levels {
        match &self.bridged {
            Some(there) => Levels {
                series: there.series,
                from: there.begun_at,
                frozen_baseline: there.frozen_baseline,
                limit: there.limit,
            },
            None => Levels {
                series: self.series,
                from: self.since.at,
                frozen_baseline: self.frozen_baseline,
                limit: self.limit,
            },
        }
    }
}

/// What a worsening is measured by. Values are in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// The series.
    pub series: SeriesId,
    /// Its first bad night, or the first one of the epoch that it is carried on to.
    pub from: Millis,
    /// The level before the change.
    pub frozen_baseline: f64,
    /// It is over when the median of the last three nights is not worse than this.
    pub limit: f64,
}

/// What an alert has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// Nobody has taken it.
    Open,
    /// Somebody knows of it.
    Acknowledged,
    /// The series are back at their levels.
    Resolved,
    /// The new levels are the accepted ones.
    Accepted,
    /// A person said that it is nothing.
    Dismissed,
    /// Later nights, or nights that came late or were taken out, no longer show it.
    Retracted,
}

impl AlertState {
    /// All states, those first that somebody has to do something about.
    pub const ALL: [Self; 6] = [
        Self::Open,
        Self::Acknowledged,
        Self::Resolved,
        Self::Accepted,
        Self::Dismissed,
        Self::Retracted,
    ];

    /// Whether somebody has still to do something about it.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Open | Self::Acknowledged)
    }

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Accepted => "accepted",
            Self::Dismissed => "dismissed",
            Self::Retracted => "retracted",
        }
    }
}

impl fmt::Display for AlertState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something that happened to an alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlertEvent {
    /// When: a night's time, or the moment when a person said something.
    pub at: Millis,
    /// Who; absent: the rules.
    pub who: Option<String>,
    /// What.
    pub what: What,
    /// The series that it happened to, where it was one.
    pub series: Option<SeriesId>,
    /// A reason, a note, a name.
    pub text: Option<String>,
}

/// What can happen to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// A series' worsening was confirmed: the first opens the alert, others join it.
    Confirmed,
    /// A series is back at its level.
    Recovered,
    /// A series' change was taken back.
    Retracted,
    /// A series that had recovered is bad again.
    Returned,
    /// A series' new level is the accepted one; or a person accepts those of the whole alert.
    Accepted,
    /// The epoch has ended and a bridging run carries a series on to the next.
    Bridged,
    /// A person knows of it.
    Acknowledged,
    /// A person says that it is nothing, and why.
    Dismissed,
    /// A person takes back what was said: it is open.
    Reopened,
    /// A person takes care of it, or, without a text, nobody does.
    Assigned,
    /// A person wrote something down.
    Noted,
    /// A bisect ended: the text has the commits of which one is the first bad one, spaces between.
    Bisected,
}

impl AlertEvent {
    /// The commits that a bisect left, the newest first; none where it is something else.
    pub fn bisected(&self) -> Vec<&str> {
        let text = self.text.as_deref().filter(|_| self.what == What::Bisected);
        text.map_or_else(Vec::new, |text| text.split_ascii_whitespace().collect())
    }
}

/// A night's news of a series, before they are an alert's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesNews {
    /// The series.
    pub series: SeriesId,
    /// What happened, and the worsening as it is now.
    pub news: News,
}

/// What the alerts of a machine and suite version are made from, as they are stored.
#[derive(Debug, Clone)]
pub struct AlertInputs {
    /// The machine.
    pub environment: EnvironmentId,
    /// The machine's fingerprint.
    pub fingerprint: String,
    /// Suite name.
    pub suite: String,
    /// Suite version.
    pub suite_version: String,
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// The runs that the news speak of, in the order of time.
    pub nights: Vec<Night>,
    /// The oldest night that is stored; what began before it cannot be derived again.
    pub oldest: Option<Millis>,
    /// Where the epoch has ended: what bridges it.
    pub bridges: Bridges,
}

/// What pairs said that were measured again on the night of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairVerdict {
    /// The series.
    pub series: SeriesId,
    /// What they say, in numbers: of `ln(tonight / good)`.
    pub confirmation: Confirmation,
    /// Whether tonight is the worse side.
    pub is_worse: bool,
    /// The good revision, full hash.
    pub against_commit: String,
}

impl PairVerdict {
    /// Whether they confirm a worsening.
    pub fn confirms(&self) -> bool {
        self.is_worse && self.confirmation.outcome == Outcome::Confirmed
    }
}

/// What somebody wrote at a moment of a series, or of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Annotation {
    /// Its number.
    pub id: AnnotationId,
    /// The moment that it is about.
    pub at: Millis,
    /// Its series; absent: all.
    pub series: Option<SeriesId>,
    /// The run, where it is about one.
    pub run: Option<RunId>,
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub who: String,
    /// When.
    pub created_at: Millis,
}

/// A level that a person or a release accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AcceptedLevel {
    /// The series.
    pub series: SeriesId,
    /// From when on.
    pub at: Millis,
    /// Who accepted it.
    pub who: String,
    /// Why.
    pub reason: String,
    /// The release, where one was accepted.
    pub tag: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_the_words_that_json_has() {
        for state in AlertState::ALL {
            let json = serde_json::to_value(state).ok();
            assert_eq!(json.as_ref().and_then(|v| v.as_str()), Some(state.name()));
        }
    }
}
