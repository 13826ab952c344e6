//! What pairs measured on the same night do to what the nights say: a change that they confirm
//! stands from that night on, and tails that they refute count no more.

use serde::{Deserialize, Serialize};

use super::{State, Tonight, evidence_of};
use crate::confirmation::Outcome;
use crate::evidence::Thresholds;
use crate::evidence::detector::Change;
use crate::evidence::refuted::Refuted;
use crate::history::History;
use crate::verdict::Evidence;
use bench_report::metric::Direction;

/// What the pairs of a night came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// The time of the run whose revision was the good side.
    pub against_ms: i64,
    /// What the pairs say.
    pub outcome: Outcome,
    /// The centre of `ln(tonight / good)`, whichever direction is better.
    pub log_ratio: f64,
}

/// Takes in what the pairs of night `last` came to. `told` is what was said of that night, `state`
/// what it left.
pub(super) fn settle(
    history: &History,
    last: usize,
    state: &mut State,
    told: &mut Tonight,
    settled: &Settled,
    thresholds: &Thresholds,
) {
    match settled.outcome {
        Outcome::Confirmed => confirmed(history, last, state, told, settled, thresholds),
        Outcome::Refuted => refuted(history, last, state, told, settled),
        Outcome::Open => told.confirm = None,
        Outcome::MorePairs => {}
    }
}

fn confirmed(
    history: &History,
    last: usize,
    state: &mut State,
    told: &mut Tonight,
    settled: &Settled,
    thresholds: &Thresholds,
) {
    told.confirm = None;
    let worse = (settled.log_ratio > 0.0) == (history.metric().better == Direction::Lower);
    let agrees = |z: f64| (z > 0.0) == worse;
    let known = state
        .changes
        .iter()
        .any(|standing| standing.since_ms > settled.against_ms && agrees(standing.change.tail.z));
    if !known {
        let nights = history.nights();
        let since = |at: usize| {
            nights
                .get(at)
                .is_some_and(|night| night.time_ms > settled.against_ms)
        };
        let tails = told
            .tails
            .iter()
            .map(|looked| (looked.context, looked.tail));
        let tails = tails.filter(|(context, tail)| since(context.at) && agrees(tail.z));
        // A difference that no night shows in that direction is no change of the level.
        let Some((context, tail)) = tails.max_by(|a, b| a.1.z.abs().total_cmp(&b.1.z.abs())) else {
            return;
        };
        let change = Change {
            start: context.at,
            confirmed_at: last,
            context,
            tail,
            early: 0,
            late: 0,
            paired: true,
        };
        told.confirmed = Some(super::confirm(history, state, change, thresholds));
        state.fill_levels(history, last);
    }
    told.evidence = evidence_of(
        history.nights()[last].time_ms,
        state,
        told.band,
        told.tonight_z,
        thresholds,
    );
}

fn refuted(
    history: &History,
    last: usize,
    state: &mut State,
    told: &mut Tonight,
    settled: &Settled,
) {
    told.confirm = None;
    let refuted = Refuted {
        after_ms: settled.against_ms,
        through_ms: history.nights()[last].time_ms,
    };
    let gone: Vec<_> = state
        .changes
        .iter()
        .filter(|standing| refuted.holds(standing.since_ms))
        .copied()
        .collect();
    for standing in gone {
        let start = history
            .nights()
            .partition_point(|night| night.time_ms < standing.since_ms);
        let change = Change {
            start,
            ..standing.change
        };
        let taken_back = super::retract(history, state, &change);
        // What tonight alone has confirmed was never told.
        if told
            .confirmed
            .is_some_and(|own| own.since_ms == standing.since_ms)
        {
            told.confirmed = None;
        } else {
            told.retracted.push(taken_back);
        }
    }
    state.refuted.push(refuted);
    if matches!(told.evidence, Evidence::Confirmed | Evidence::Likely) {
        told.evidence = Evidence::Noise;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;
    use crate::history::{Metric, Night};
    use crate::stats::random::Random;
    use crate::tonight::{Walk, tonight};
    use crate::verdict::Band;

    const DAY_MS: i64 = 86_400_000;

    /// Nights with 1% of noise about 100; from night `from` on `factor` times as much.
    fn nights(count: usize, from: usize, factor: f64) -> History {
        let mut random = Random::new(5);
        let night = |at: usize| {
            let level = if at >= from { 100.0 * factor } else { 100.0 };
            Night {
                time_ms: at as i64 * DAY_MS,
                value: level * (1.0 + 0.02 * (random.unit() - 0.5)),
                epoch: 0,
            }
        };
        History::new(
            (0..count).map(night).collect(),
            Metric::new(Direction::Lower),
        )
    }

    fn settled(outcome: Outcome, against: usize, log_ratio: f64) -> Settled {
        Settled {
            against_ms: against as i64 * DAY_MS,
            outcome,
            log_ratio,
        }
    }

    /// The first night of a step of 15%, at night 40 of 40, settled.
    fn first_night(history: &History, how: Option<Settled>) -> (State, Tonight) {
        let mut walk = Walk::new(history, Thresholds::default());
        let mut told = None;
        for _ in 0..=40 {
            told = walk.next();
        }
        let mut told = told.unwrap();
        if let Some(how) = how {
            walk.settle(&how, &mut told);
        }
        (walk.state().clone(), told)
    }

    #[test]
    fn a_step_is_confirmed_on_its_first_night() {
        let history = nights(60, 40, 1.15);
        let (_, alone) = first_night(&history, None);
        assert_eq!(
            (alone.band, alone.evidence),
            (Band::Warning, Evidence::Likely)
        );
        assert_eq!(alone.confirm.as_ref().unwrap().against_ms, 36 * DAY_MS);
        let how = settled(Outcome::Confirmed, 36, 1.15_f64.ln());
        let (state, told) = first_night(&history, Some(how));
        assert_eq!((told.evidence, told.confirm), (Evidence::Confirmed, None));
        let change = told.confirmed.unwrap();
        assert_eq!(change.since_ms, 40 * DAY_MS);
        assert!((change.frozen_baseline - 100.0).abs() < 1.0, "{change:?}");
        assert_eq!(state.changes.len(), 1);
    }

    #[test]
    fn pairs_that_say_the_opposite_confirm_nothing() {
        let history = nights(60, 40, 1.15);
        let how = settled(Outcome::Confirmed, 36, -(1.15_f64.ln()));
        let (state, told) = first_night(&history, Some(how));
        assert!(told.confirmed.is_none() && state.changes.is_empty());
    }

    #[test]
    fn a_refuted_night_is_noise_and_starts_no_tail_any_more() {
        let history = nights(60, 40, 1.15);
        let how = settled(Outcome::Refuted, 36, 0.0);
        let (mut state, told) = first_night(&history, Some(how));
        assert_eq!((told.evidence, told.confirm), (Evidence::Noise, None));
        // The next night asks again, for itself; the refuted one is no part of it.
        let next = History::new(history.nights()[..42].to_vec(), *history.metric());
        let told = tonight(&next, &mut state, &Thresholds::default()).unwrap();
        assert!(told.tails.iter().all(|looked| looked.context.at != 40));
        assert!(told.tails.iter().any(|looked| looked.context.at == 41));
        assert!(told.confirmed.is_none());
    }

    #[test]
    fn what_the_nights_confirmed_is_taken_back_by_pairs_that_refute_it() {
        let history = nights(60, 40, 1.15);
        let mut walk = Walk::new(&history, Thresholds::default());
        for _ in 0..60 {
            let mut told = walk.next().unwrap();
            if told.confirmed.is_some() {
                assert_eq!(walk.state().changes.len(), 1);
                let against_ms = told.confirm.as_ref().unwrap().against_ms;
                let how = Settled {
                    against_ms,
                    ..settled(Outcome::Refuted, 0, 0.0)
                };
                walk.settle(&how, &mut told);
                assert!(told.confirmed.is_none() && told.retracted.is_empty());
                assert!(walk.state().changes.is_empty());
                return;
            }
        }
        panic!("a step of 15% is confirmed by the nights");
    }

    #[test]
    fn a_walk_and_a_carried_state_agree_after_a_confirmation() {
        let history = nights(60, 40, 1.15);
        let how = settled(Outcome::Confirmed, 36, 1.15_f64.ln());
        let mut walk = Walk::new(&history, Thresholds::default());
        let mut carried = State::default();
        for at in 0..60 {
            let mut told = walk.next().unwrap();
            if at == 40 {
                walk.settle(&how, &mut told);
                carried = walk.state().clone();
            } else if at > 40 {
                let until = History::new(history.nights()[..=at].to_vec(), *history.metric());
                let own = tonight(&until, &mut carried, &Thresholds::default()).unwrap();
                assert_eq!(
                    (own.evidence, own.confirmed),
                    (told.evidence, told.confirmed),
                    "{at}"
                );
                assert_eq!(&carried, walk.state(), "{at}");
            }
        }
        assert_eq!(carried.changes.len(), 1, "it stands");
    }
}
