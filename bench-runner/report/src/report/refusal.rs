//! What is wrong with a report, and where.

use std::fmt;

use jiff::Timestamp;
use thiserror::Error;

use super::{ArtifactError, FORMAT, HistogramError, RunKind, Status};
use crate::metric::UnknownUnit;

/// One thing that is wrong with a report.
#[derive(Debug, Error)]
#[error("{}: {problem}", self.place())]
pub struct Refusal {
    /// Where, as a JSON pointer (RFC 6901); empty for the report as a whole.
    pub pointer: String,
    /// What.
    #[source]
    pub problem: Problem,
}

impl Refusal {
    fn place(&self) -> &str {
        if self.pointer.is_empty() {
            "the report"
        } else {
            &self.pointer
        }
    }
}

/// What can be wrong with a report. Each text names the thing, the value, the limit and what to do.
#[derive(Debug, Error)]
pub enum Problem {
    /// No JSON, or not of this shape.
    #[error("{0}")]
    Json(#[source] serde_json::Error),
    /// Another format.
    #[error(
        "the report has format {found} and this program reads format {FORMAT}: use versions of bench-runner and kvmark that belong together"
    )]
    Format {
        /// The number that it has.
        found: u64,
    },
    /// Too long.
    #[error("it has {bytes} bytes and the limit is {limit}: leave out artifacts, or split it")]
    Size {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A name or a text that is too long.
    #[error("{thing} has {bytes} bytes and the limit is {limit}: shorten it ({value:?})")]
    Long {
        /// Such as `the benchmark's name`.
        thing: &'static str,
        /// Its beginning.
        value: String,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A name without a letter.
    #[error("{thing} is empty: give it one")]
    Empty {
        /// Such as `the benchmark's name`.
        thing: &'static str,
    },
    /// A control character.
    #[error("{thing} holds the control character {character:?}: leave it out ({value:?})")]
    Control {
        /// Such as `the benchmark's name`.
        thing: &'static str,
        /// The beginning of the text.
        value: String,
        /// The character.
        character: char,
    },
    /// A list that is too long.
    #[error("there are {count} {things} and the limit is {limit}: send fewer")]
    Many {
        /// Such as `samples`.
        things: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// An empty list where there must be something.
    #[error("there are no {things}: {remedy}")]
    Nothing {
        /// Such as `samples`.
        things: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Not a number.
    #[error(
        "{thing} is {value}, and must be a finite number: leave out what could not be measured"
    )]
    NotFinite {
        /// Such as `the sample`.
        thing: &'static str,
        /// The value.
        value: f64,
    },
    /// Less than nothing.
    #[error("{thing} is {value}, and is never negative: check how it was measured")]
    Negative {
        /// Such as `the time`.
        thing: &'static str,
        /// The value.
        value: f64,
    },
    /// Not in the vocabulary.
    #[error(transparent)]
    Unit(#[from] UnknownUnit),
    /// A time that has not come yet.
    #[error(
        "{thing} is {time}, more than a day after {now}: set the clock of the machine that measured"
    )]
    Future {
        /// Such as `started_at`.
        thing: &'static str,
        /// The time.
        time: Timestamp,
        /// The present.
        now: Timestamp,
    },
    /// The end lies before the beginning.
    #[error(
        "finished_at is {finished}, before started_at, which is {started}: check the clock of the machine that measured"
    )]
    Backwards {
        /// The beginning.
        started: Timestamp,
        /// The end.
        finished: Timestamp,
    },
    /// Not a hash.
    #[error("{thing} is {value:?}, and must be {expected}")]
    Hash {
        /// Such as `the commit`.
        thing: &'static str,
        /// The beginning of the text.
        value: String,
        /// Such as `7 to 64 lower-case hex digits`.
        expected: &'static str,
    },
    /// A key that names nothing.
    #[error(
        "the run key has no bit set, so that it would be equal to that of other runs: make a random UUID"
    )]
    NilKey,
    /// A thing that stands there twice.
    #[error("{thing} {name:?} is there twice, first at {first}: give each one entry")]
    Repeated {
        /// Such as `the benchmark`.
        thing: &'static str,
        /// Which.
        name: String,
        /// Where it is first.
        first: String,
    },
    /// A failed or skipped benchmark without a reason.
    #[error("the benchmark is {status} and `error` does not say why: give the reason")]
    NoReason {
        /// How it ended.
        status: Status,
    },
    /// A failed or skipped benchmark with metrics.
    #[error("the benchmark is {status} and has metrics: leave them out, or call it ok")]
    HasMetrics {
        /// How it ended.
        status: Status,
    },
    /// One side of a pair that does not say of which.
    #[error("the run's kind is {kind} and `pair` is missing: say of which pair it is which side")]
    NoPair {
        /// The kind.
        kind: RunKind,
    },
    /// Samples that are not one a round.
    #[error(
        "there are {samples} samples and the pair has {rounds} rounds: send one sample a round (counts excepted)"
    )]
    Rounds {
        /// How many samples.
        samples: usize,
        /// How many rounds.
        rounds: usize,
    },
    /// A planted slowdown where figures must be real.
    #[error(
        "{planted:?} was planted in a run of kind {kind}: only canary, ab, aa and manual runs may hold that"
    )]
    Planted {
        /// What.
        planted: String,
        /// The run's kind.
        kind: RunKind,
    },
    /// A distribution that cannot be read.
    #[error("the histogram cannot be taken: {0}")]
    Histogram(#[from] HistogramError),
    /// A file that cannot be taken.
    #[error("the artifact cannot be taken: {0}")]
    Artifact(#[from] ArtifactError),
    /// x falls.
    #[error("x falls from {before} to {x}: sort the points by x")]
    Falling {
        /// The point's x.
        x: f64,
        /// That of the point before.
        before: f64,
    },
    /// A report that can be read offline and not be stored.
    #[error(
        "the report names no {missing}, so that it has no place in a history: import it again with `{remedy}`"
    )]
    NoPlace {
        /// Such as `commit`.
        missing: &'static str,
        /// Such as `--commit C`.
        remedy: &'static str,
    },
}

/// What is wrong with a report: at least one thing, at most [`Refusals::SHOWN`].
#[derive(Debug, Error)]
pub struct Refusals {
    first: Box<Refusal>,
    rest: Vec<Refusal>,
    /// How many were found beyond those that are kept.
    pub more: usize,
}

impl Refusals {
    /// How many are kept; what is beyond is only counted.
    pub const SHOWN: usize = 20;

    /// The first in the order of the report.
    pub fn first(&self) -> &Refusal {
        &self.first
    }

    /// Those that are kept, in the order of the report.
    pub fn iter(&self) -> impl Iterator<Item = &Refusal> {
        std::iter::once(&*self.first).chain(&self.rest)
    }

    /// `Err` if there is any.
    pub(super) fn check(found: Vec<Refusal>, more: usize) -> Result<(), Refusals> {
        let mut found = found.into_iter();
        match found.next() {
            None => Ok(()),
            Some(first) => Err(Refusals {
                first: Box::new(first),
                rest: found.collect(),
                more,
            }),
        }
    }
}

impl From<Refusal> for Refusals {
    fn from(refusal: Refusal) -> Refusals {
        Refusals {
            first: Box::new(refusal),
            rest: Vec::new(),
            more: 0,
        }
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        for refusal in &self.rest {
            write!(f, "\n{refusal}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}
