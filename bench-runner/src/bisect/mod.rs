//! Which commit made it slower: the first bad one between a good and a bad revision, found by
//! measuring pairs against the good one.
//!
//! Half of the whole difference is the line: a commit whose pairs lie surely above it is bad, surely
//! below it good. What does not build is passed over for its nearest neighbour that does; where no
//! other is left, the culprit is one of several, and all are named.
//!
//! - here: the search. [`answer`]: what it found, as JSON.

pub mod answer;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What pairs of a commit and the good revision say: `ln(commit / good)`, up being worse.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The centre.
    pub log_ratio: f64,
    /// Its interval, where there were pairs enough for one.
    pub interval: Option<[f64; 2]>,
    /// How many pairs.
    pub pairs: u32,
}

impl Effect {
    /// On which side of a line it lies: true is above; and whether that is sure.
    pub fn above(&self, line: f64) -> (bool, bool) {
        match self.interval {
            Some([low, high]) if low > line || high < line => (self.log_ratio > line, true),
            _ => (self.log_ratio > line, false),
        }
    }
}

/// What became of one commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    /// It was measured.
    Measured(Effect),
    /// It does not build, or does not run: why.
    Broken(String),
}

/// Measures commits.
pub trait Lab {
    /// Why measuring stopped altogether.
    type Error;
    /// Measures a commit in pairs with the good revision, until the pairs lie on one side of `line`.
    fn see(&mut self, commit: &str, line: f64) -> Result<Seen, Self::Error>;
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// The bad revision is no worse than the good one: there is nothing to find.
    Nothing(Effect),
    /// The bad revision looks worse, but its pairs do not prove it: no commit could be told from
    /// another by them.
    Unproven(Effect),
    /// The bad revision cannot be measured.
    BadBroken(String),
    /// The first bad commit, or one of several that lie together.
    Culprit(Culprit),
}

/// The first bad commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Culprit {
    /// It is one of these, the oldest first; all but the last could not be measured.
    pub commits: Vec<String>,
    /// What the last good commit has; none where that is the good revision itself.
    pub before: Option<Effect>,
    /// What the last of `commits` has.
    pub after: Effect,
    /// Whether every step on the way was decided by its pairs.
    pub sure: bool,
    /// How many commits were measured.
    pub measured: usize,
    /// Commits that were passed over, with why.
    pub skipped: Vec<(String, String)>,
}

impl Culprit {
    /// By how much the culprit made it worse, as a logarithm, with its interval: the difference of
    /// what is after and before it, whose errors add up as squares.
    pub fn effect(&self) -> (f64, Option<[f64; 2]>) {
        let Some(before) = self.before else {
            return (self.after.log_ratio, self.after.interval);
        };
        let centre = self.after.log_ratio - before.log_ratio;
        let half = |effect: &Effect| {
            effect
                .interval
                .map(|[low, high]| (high - effect.log_ratio).max(effect.log_ratio - low))
        };
        let interval = half(&self.after).zip(half(&before)).map(|(one, other)| {
            let half = one.hypot(other);
            [centre - half, centre + half]
        });
        (centre, interval)
    }
}

/// Finds the first bad one of `commits`, which lead from the good revision (not among them) to the
/// bad one, their last, along first parents. `threshold`: a change below it is none, as a fraction.
pub fn bisect<L: Lab>(commits: &[String], threshold: f64, lab: &mut L) -> Result<Found, L::Error> {
    let mut seen: BTreeMap<usize, Seen> = BTreeMap::new();
    let Some(bad) = commits.len().checked_sub(1) else {
        let none = Effect {
            log_ratio: 0.0,
            interval: None,
            pairs: 0,
        };
        return Ok(Found::Nothing(none));
    };
    let whole = match lab.see(&commits[bad], threshold.ln_1p())? {
        Seen::Measured(effect) => effect,
        Seen::Broken(why) => return Ok(Found::BadBroken(why)),
    };
    match whole.above(threshold.ln_1p()) {
        (false, _) => return Ok(Found::Nothing(whole)),
        (true, false) => return Ok(Found::Unproven(whole)),
        (true, true) => {}
    }
    let mut sure = true;
    let line = whole.log_ratio / 2.0;
    // The culprit is among `from..=to`: `to` is bad, what comes before `from` is good.
    let (mut from, mut to) = (0, bad);
    let (mut before, mut after) = (None, whole);
    while let Some(at) = next(from, to, &seen) {
        let what = lab.see(&commits[at], line)?;
        if let Seen::Measured(effect) = &what {
            let (is_bad, is_sure) = effect.above(line);
            sure &= is_sure;
            if is_bad {
                (to, after) = (at, *effect);
            } else {
                (from, before) = (at + 1, Some(*effect));
            }
        }
        seen.insert(at, what);
    }
    let broken = |at: usize| match seen.get(&at) {
        Some(Seen::Broken(why)) => Some((commits[at].clone(), why.clone())),
        _ => None,
    };
    Ok(Found::Culprit(Culprit {
        commits: commits[from..=to].to_vec(),
        before,
        after,
        sure,
        measured: 1 + seen
            .values()
            .filter(|seen| matches!(seen, Seen::Measured(_)))
            .count(),
        skipped: (0..commits.len()).filter_map(broken).collect(),
    }))
}

/// The commit to look at next: of those between that were not looked at, the one nearest to the
/// middle.
fn next(from: usize, to: usize, seen: &BTreeMap<usize, Seen>) -> Option<usize> {
    let middle = from + (to - from) / 2;
    (from..to)
        .filter(|at| !seen.contains_key(at))
        .min_by_key(|at| at.abs_diff(middle))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Commits 0.. of which those from `culprit` on are 10% slower; some do not build.
    struct Double {
        culprit: usize,
        broken: Vec<usize>,
        looked: usize,
        /// Half the width of every interval.
        doubt: f64,
    }

    impl Lab for Double {
        type Error = std::convert::Infallible;

        fn see(&mut self, commit: &str, _line: f64) -> Result<Seen, Self::Error> {
            self.looked += 1;
            let number: usize = commit.parse().unwrap();
            if self.broken.contains(&number) {
                return Ok(Seen::Broken("it does not build".to_owned()));
            }
            let log_ratio = if number >= self.culprit {
                1.1_f64.ln()
            } else {
                0.0
            };
            let interval = Some([log_ratio - self.doubt, log_ratio + self.doubt]);
            Ok(Seen::Measured(Effect {
                log_ratio,
                interval,
                pairs: 6,
            }))
        }
    }

    fn found(count: usize, culprit: usize, broken: &[usize]) -> (Found, usize) {
        let commits: Vec<String> = (0..count).map(|number| number.to_string()).collect();
        let broken = broken.to_vec();
        let mut lab = Double {
            culprit,
            broken,
            looked: 0,
            doubt: 0.01,
        };
        (bisect(&commits, 0.03, &mut lab).unwrap(), lab.looked)
    }

    #[test]
    fn every_culprit_of_every_range_is_found_in_few_steps() {
        for count in 1..40 {
            for culprit in 0..count {
                let (Found::Culprit(found), looked) = found(count, culprit, &[]) else {
                    panic!("{count} {culprit}");
                };
                assert_eq!(found.commits, [culprit.to_string()]);
                assert!(
                    found.sure && looked <= 2 + count.ilog2() as usize + 1,
                    "{count} {looked}"
                );
                let (effect, interval) = found.effect();
                assert!((effect - 1.1_f64.ln()).abs() < 1e-9 && interval.is_some());
            }
        }
    }

    #[test]
    fn a_bad_revision_that_is_not_surely_worse_is_not_walked_towards() {
        let commits: Vec<String> = (0..16).map(|number| number.to_string()).collect();
        let mut lab = Double {
            culprit: 5,
            broken: Vec::new(),
            looked: 0,
            doubt: 0.2,
        };
        let found = bisect(&commits, 0.03, &mut lab).unwrap();
        assert!(matches!(found, Found::Unproven(_)), "{found:?}");
        assert_eq!(lab.looked, 1);
    }

    #[test]
    fn what_does_not_build_is_passed_over() {
        let (Found::Culprit(found), _) = found(16, 5, &[7, 8, 3]) else {
            panic!("there is a culprit");
        };
        assert_eq!(found.commits, ["5"]);
        assert!(
            found
                .skipped
                .iter()
                .all(|(_, why)| why == "it does not build")
        );
    }

    #[test]
    fn a_culprit_among_what_does_not_build_is_one_of_several() {
        let (Found::Culprit(found), _) = found(16, 5, &[4, 5]) else {
            panic!("there is a culprit");
        };
        assert_eq!(found.commits, ["4", "5", "6"]);
    }

    #[test]
    fn where_nothing_changed_nothing_is_found() {
        assert!(matches!(found(8, 99, &[]).0, Found::Nothing(_)));
        assert!(matches!(found(8, 2, &[7]).0, Found::BadBroken(_)));
        assert!(matches!(found(0, 0, &[]).0, Found::Nothing(_)));
    }
}
