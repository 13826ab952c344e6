use bench_report::metric::Direction;

use super::*;
use crate::simulation::{DAY_MS, Simulation};

/// One alert's life, as the server leads it: opened by a confirmed worsening, closed when the last
/// nights are back or the change was taken back.
#[derive(Default)]
struct Life {
    state: State,
    open: Option<LevelChange>,
    opened: usize,
    closed_at: Option<usize>,
    last: Option<Tonight>,
}

fn live(simulation: &Simulation) -> Life {
    let thresholds = Thresholds::default();
    let mut life = Life::default();
    for end in 1..=simulation.len() {
        let history = simulation.history_until(end);
        let Some(night) = tonight(&history, &mut life.state, &thresholds) else {
            continue;
        };
        if night
            .retracted
            .iter()
            .any(|change| life.open == Some(*change))
        {
            life.open = None;
        }
        if let Some(change) = night.confirmed.filter(|change| change.change > 0.0) {
            life.opened += 1;
            life.open = Some(change);
        }
        if let (Some(open), Some(context)) = (life.open, night.context)
            && is_recovered(
                &history,
                open.frozen_baseline,
                &context.noise,
                context.reading,
            )
        {
            life.open = None;
            life.closed_at = Some(end);
        }
        life.last = Some(night);
    }
    life
}

fn count(seeds: u64, holds: impl Fn(u64) -> bool) -> usize {
    (0..seeds).filter(|seed| holds(*seed)).count()
}

#[test]
fn a_step_that_nobody_fixes_is_still_open_after_sixty_nights() {
    let open = count(100, |seed| {
        let life = live(
            &Simulation::new(seed)
                .noise(0.01)
                .nights(60)
                .step(1.25)
                .nights(60),
        );
        let frozen = life
            .open
            .map(|open| open.frozen_baseline)
            .unwrap_or_default();
        let gone_dark = life.last.is_some_and(|night| night.band == Band::None);
        (frozen / 1000.0 - 1.0).abs() < 0.02 && gone_dark
    });
    assert!(open >= 95, "{open} of 100");
}

#[test]
fn a_fixed_step_closes_by_itself_within_five_nights_at_one_percent_noise() {
    let closed = count(100, |seed| {
        let broken = Simulation::new(seed)
            .noise(0.01)
            .nights(60)
            .step(1.25)
            .nights(20);
        let life = live(&broken.step(0.8).nights(5));
        life.opened == 1 && life.closed_at.is_some_and(|night| night > 80)
    });
    assert!(closed >= 95, "{closed} of 100");
}

#[test]
fn a_fixed_step_closes_within_ten_nights_at_five_percent_noise() {
    let closed = count(100, |seed| {
        let broken = Simulation::new(seed)
            .noise(0.05)
            .nights(60)
            .step(1.25)
            .nights(20);
        let life = live(&broken.step(0.8).nights(10));
        life.opened >= 1 && life.open.is_none()
    });
    assert!(closed >= 90, "{closed} of 100");
}

#[test]
fn one_percent_a_night_is_flagged_by_the_tenth_night() {
    let flagged = count(100, |seed| {
        live(&Simulation::new(seed).noise(0.01).nights(60).drift(10, 0.01)).opened > 0
    });
    assert!(flagged >= 95, "{flagged} of 100");
}

#[test]
fn one_outlier_opens_nothing() {
    let quiet = count(100, |seed| {
        live(
            &Simulation::new(seed)
                .noise(0.01)
                .nights(60)
                .night(1400.0)
                .nights(20),
        )
        .opened
            == 0
    });
    assert!(quiet >= 99, "{quiet} of 100");
}

#[test]
fn half_a_year_of_nights_and_the_state_give_what_the_whole_history_gives() {
    let thresholds = Thresholds::default();
    for seed in 0..12 {
        let better = if seed % 2 == 0 {
            Direction::Lower
        } else {
            Direction::Higher
        };
        let simulation = Simulation::new(seed)
            .better(better)
            .noise(0.02 + 0.01 * (seed % 3) as f64)
            .nights(70)
            .step(1.2)
            .nights(90)
            .step(0.8)
            .nights(60)
            .drift(60, 0.002)
            .epoch()
            .step(1.5)
            .nights(50)
            .night(0.0)
            .nights(40)
            .step(1.3)
            .nights(80);
        let whole = simulation.history();
        let mut detector = Detector::new(&whole, thresholds);
        let mut state = State::default();
        for end in 1..=whole.len() {
            let mut news = Vec::new();
            detector.step(&mut news);
            let from = end.saturating_sub(thresholds.window());
            let nights = whole.nights()[from..end].to_vec();
            let window = History::new(nights, *whole.metric());
            // The state travels as JSON between the nights, as it does in a store.
            let text = serde_json::to_string(&state).unwrap_or_default();
            state = serde_json::from_str(&text).unwrap_or_default();
            let night = tonight(&window, &mut state, &thresholds);
            let tails = night.map(|night| night.tails).unwrap_or_default();
            let whole_tails = detector.tails();
            assert_eq!(tails.len(), whole_tails.len(), "seed {seed}, night {end}");
            for (looked, same) in tails.iter().zip(&whole_tails) {
                let (tail, whole_tail) = (&looked.tail, &same.tail);
                assert_eq!(tail, whole_tail, "seed {seed}, night {end}");
            }
            let starts = |times: &[Standing]| times.iter().map(|s| s.since_ms).collect::<Vec<_>>();
            let since = window.nights()[0].time_ms;
            let standing: Vec<i64> = detector
                .changes()
                .iter()
                .map(|change| whole.nights()[change.start].time_ms)
                .filter(|time| *time >= since)
                .collect();
            assert_eq!(starts(&state.changes), standing, "seed {seed}, night {end}");
        }
        assert_eq!(replay(&whole, &thresholds), state);
        assert!(state.changes.len() <= 2);
    }
}

#[test]
fn evidence_goes_from_noise_to_likely_to_confirmed() {
    let thresholds = Thresholds::default();
    let simulation = Simulation::new(4)
        .noise(0.01)
        .nights(40)
        .step(1.15)
        .nights(6);
    let mut state = State::default();
    let mut seen = Vec::new();
    for end in 1..=simulation.len() {
        let night = tonight(&simulation.history_until(end), &mut state, &thresholds);
        seen.extend(night.map(|night| (night.band, night.evidence)));
    }
    assert_eq!(seen[2], (Band::Warming, Evidence::Inconclusive));
    assert_eq!(seen[5], (Band::None, Evidence::Inconclusive));
    assert_eq!(seen[30], (Band::None, Evidence::Noise));
    assert_eq!(seen[40], (Band::Warning, Evidence::Likely));
    let confirmed = (Band::Warning, Evidence::Confirmed);
    assert!(seen[42] == confirmed, "{:?}", &seen[40..]);
}

#[test]
fn a_night_beyond_the_noise_asks_for_a_confirmation_against_a_good_revision() {
    let thresholds = Thresholds::default();
    let simulation = Simulation::new(9)
        .noise(0.01)
        .nights(40)
        .step(1.15)
        .nights(1);
    let mut state = replay(&simulation.history_until(40), &thresholds);
    let night = tonight(&simulation.history(), &mut state, &thresholds);
    let ask = night.and_then(|night| night.confirm);
    let against = ask.as_ref().map(|ask| ask.against_ms);
    assert_eq!(against, Some(36 * DAY_MS + DAY_MS / 8), "{ask:?}");
}

#[test]
fn creep_is_told_from_the_accepted_level_and_ends_when_a_person_accepts() {
    let thresholds = Thresholds::default();
    let simulation = Simulation::new(2)
        .noise(0.01)
        .nights(30)
        .drift(120, 0.0008)
        .nights(30);
    let mut state = replay(&simulation.history_until(179), &thresholds);
    assert_eq!(state.levels.len(), 1, "{state:?}");
    let before = state.clone();
    let night = tonight(&simulation.history(), &mut state, &thresholds);
    let crept = night
        .as_ref()
        .and_then(|night| night.creep)
        .unwrap_or_default();
    assert!((0.07..0.13).contains(&crept), "{crept}");
    let accepted = night
        .and_then(|night| night.accepted_level)
        .unwrap_or_default();
    assert!((accepted / 1000.0 - 1.0).abs() < 0.02, "{accepted}");
    state = before;
    state.accept(150 * DAY_MS);
    let night = tonight(&simulation.history(), &mut state, &thresholds);
    assert_eq!(
        night.as_ref().and_then(|night| night.creep),
        None,
        "{night:?}"
    );
    assert!(night.is_some_and(|night| night.accepted_level.is_some_and(|level| level > 1070.0)));
}

#[test]
fn the_first_night_and_none_at_all_are_answered() {
    let thresholds = Thresholds::default();
    let mut state = State::default();
    assert_eq!(
        tonight(&Simulation::new(1).history(), &mut state, &thresholds),
        None
    );
    let first = tonight(
        &Simulation::new(1).nights(1).history(),
        &mut state,
        &thresholds,
    );
    assert!(first.is_some_and(|night| {
        (night.band, night.evidence) == (Band::Warming, Evidence::Inconclusive)
            && night.noise_floor.is_none()
    }));
}

#[test]
fn a_walk_says_of_each_night_what_that_night_alone_says_whatever_it_passed() {
    let thresholds = Thresholds::default();
    let histories = [
        Simulation::new(3)
            .noise(0.02)
            .nights(200)
            .step(1.2)
            .nights(30)
            .step(0.84)
            .nights(30),
        Simulation::new(4)
            .noise(0.01)
            .nights(60)
            .epoch()
            .nights(40)
            .step(0.9)
            .nights(200),
        Simulation::new(5).noise(0.03).nights(20).drift(40, 0.004),
    ];
    for simulation in histories {
        let whole = simulation.history_until(simulation.len());
        let mut walk = Walk::new(&whole, thresholds);
        let mut passing = walk.clone();
        let mut state = State::default();
        for end in 1..=simulation.len() {
            let until = simulation.history_until(end);
            let from = end.saturating_sub(thresholds.window());
            let window = History::new(until.nights()[from..].to_vec(), *until.metric());
            let alone = tonight(&window, &mut state, &thresholds);
            let walked = walk.next();
            let passed = passing.clone().next();
            passing.pass();
            assert!(alone.is_some() && walked.is_some(), "night {end}");
            let told = |night: &Tonight| {
                let noise = night.context.map(|context| context.noise);
                let tails: Vec<_> = night.tails.iter().map(|looked| looked.tail).collect();
                let creep = (night.creep, night.since_accepted, night.accepted_level);
                let change = (
                    night.confirmed,
                    night.retracted.clone(),
                    night.confirm.clone(),
                );
                (night.band, night.evidence, noise, tails, creep, change)
            };
            assert_eq!(
                alone.as_ref().map(told),
                walked.as_ref().map(told),
                "night {end}"
            );
            assert_eq!(
                passed.as_ref().map(told),
                walked.as_ref().map(told),
                "night {end}"
            );
            assert_eq!(&state, walk.state(), "night {end}");
            assert_eq!(&state, passing.state(), "night {end}");
        }
        passing.pass();
        assert!(walk.next().is_none() && passing.next().is_none());
    }
}
