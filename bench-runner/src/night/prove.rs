//! Pairs, sent until the server has heard enough.

use std::time::{Duration, Instant};

use bench_report::metric::SeriesName;
use bench_report::report::Report;
use bench_verdict::confirmation::{Answer, FIRST_PAIRS, MOST_PAIRS, Outcome};
use jiff::Timestamp;
use thiserror::Error;
use uuid::Uuid;

use crate::ab::report::{Told, reports};
use crate::ab::rounds::{Budget, Pairs, go_on};
use crate::ab::side::{Side, SideError};
use crate::interrupt::Stopped;
use crate::upload::server::{Server, ServerError};

/// Why pairs came to nothing.
#[derive(Debug, Error)]
pub enum ProveError {
    /// A side gave no figures.
    #[error(transparent)]
    Side(#[from] SideError),
    /// The server could not be told.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Somebody stopped it.
    #[error("{0}")]
    Stopped(#[source] Stopped),
    /// The sides have none of the series.
    #[error("neither side measures {0}")]
    Nothing(String),
    /// There is no time for any pairs.
    #[error("there is no time left for {pairs} more pairs: raise --confirm-budget")]
    NoTime {
        /// How many are needed.
        pairs: usize,
    },
}

/// How long pairs may take, all together.
#[derive(Debug)]
pub struct Purse {
    /// What was given.
    pub budget: Duration,
    spent: Duration,
}

impl Purse {
    /// So much, all of it left.
    pub fn new(budget: Duration) -> Self {
        Self {
            budget,
            spent: Duration::ZERO,
        }
    }

    /// What is left.
    pub fn left(&self) -> Duration {
        self.budget.saturating_sub(self.spent)
    }
}

/// What is to be proven.
#[derive(Debug)]
pub struct Claim<'a> {
    /// The good side, or the plain one.
    pub base: &'a Side,
    /// Tonight's side, or the planted one.
    pub head: &'a Side,
    /// The series that are looked at; all others that the sides measure are left out.
    pub series: &'a [SeriesName],
    /// What the reports say beside that.
    pub told: Told,
    /// Draws the order.
    pub seed: u64,
}

/// Measures [`FIRST_PAIRS`] pairs and sends them; where the server asks for more, goes on to
/// [`MOST_PAIRS`] and sends them all. What is known not to fit into the
/// purse is not begun; of the first pair nothing is known. `heard` is told each answer.
pub fn prove(
    claim: &Claim<'_>,
    server: &Server,
    run: i64,
    purse: &mut Purse,
    mut heard: impl FnMut(&Answer),
) -> Result<(), ProveError> {
    let mut pairs = Pairs::default();
    for rounds in [FIRST_PAIRS, MOST_PAIRS] {
        let more = rounds as u32 - pairs.rounds;
        // Before the first pair nothing is known of what one takes.
        let needed = (pairs.rounds > 0).then(|| pairs.took / pairs.rounds * more);
        if purse.left().is_zero() || needed.is_some_and(|needed| needed > purse.left()) {
            return Err(ProveError::NoTime {
                pairs: more as usize,
            });
        }
        let budget = Budget {
            rounds: rounds as u32,
            threshold: 0.0,
            seed: claim.seed,
            identical: false,
            early: false,
        };
        let start = Instant::now();
        let measured = go_on(
            &mut pairs,
            budget,
            |is_head| {
                if is_head {
                    claim.head.turn()
                } else {
                    claim.base.turn()
                }
            },
            |_| true,
        );
        purse.spent += start.elapsed();
        pairs.took += start.elapsed();
        measured?;
        if pairs.stopped {
            return Err(ProveError::Stopped(Stopped));
        }
        pairs.keep(claim.series);
        let told = Told {
            pair_key: Uuid::new_v4(),
            ..claim.told.clone()
        };
        let [base, head] = reports(&pairs, &told, Timestamp::now())
            .ok_or_else(|| ProveError::Nothing(names(claim.series)))?;
        let answer = server.confirm(run, &body(&base, &head))?;
        heard(&answer);
        let open = |outcome| outcome == Outcome::MorePairs;
        if !answer
            .series
            .iter()
            .any(|series| open(series.numbers.outcome))
        {
            break;
        }
    }
    Ok(())
}

fn body(base: &Report, head: &Report) -> String {
    format!(r#"{{"base":{},"head":{}}}"#, base.to_json(), head.to_json())
}

/// The names of series, for people.
pub fn names(series: &[SeriesName]) -> String {
    const SHOWN: usize = 3;
    let mut names: Vec<String> = series.iter().take(SHOWN).map(ToString::to_string).collect();
    if series.len() > SHOWN {
        names.push(format!("{} more", series.len() - SHOWN));
    }
    names.join(", ")
}
