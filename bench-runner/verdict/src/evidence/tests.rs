use bench_report::metric::Direction;

use super::Thresholds;
use super::detector::{Change, Detector, News};
use crate::history::History;
use crate::simulation::Simulation;

fn run(history: &History) -> Vec<News> {
    let mut detector = Detector::new(history, Thresholds::default());
    let mut news = Vec::new();
    for _ in 0..history.len() {
        detector.step(&mut news);
    }
    news
}

fn confirmed(history: &History) -> Vec<Change> {
    run(history)
        .into_iter()
        .filter_map(|item| match item {
            News::Confirmed(change) => Some(change),
            News::Retracted(_) => None,
        })
        .collect()
}

#[test]
fn a_step_is_confirmed_within_a_few_nights_at_the_night_it_happened() {
    for better in [Direction::Lower, Direction::Higher] {
        let found: Vec<Change> = (0..40)
            .flat_map(|seed| {
                let quiet = Simulation::new(seed).better(better).noise(0.02).nights(60);
                confirmed(&quiet.step(1.12).nights(30).history())
            })
            .collect();
        assert_eq!(found.len(), 40);
        for change in found {
            assert!(change.start.abs_diff(60) <= 2, "{change:?}");
            assert!(change.confirmed_at <= 64, "{change:?}");
            let worse = better == Direction::Lower;
            assert_eq!(change.tail.z > 0.0, worse, "{change:?}");
        }
    }
}

#[test]
fn noise_alone_confirms_nothing() {
    let alarms: usize = (0..60)
        .map(|seed| {
            let noise = 0.005 * (1 + seed % 12) as f64;
            confirmed(&Simulation::new(seed).noise(noise).nights(200).history()).len()
        })
        .sum();
    assert!(alarms <= 2, "{alarms} false alarms in 12,000 nights");
}

#[test]
fn one_outlier_and_two_of_different_size_in_a_row_confirm_nothing() {
    for seed in 0..200 {
        let one = Simulation::new(seed)
            .noise(0.01)
            .nights(60)
            .night(1500.0)
            .nights(25);
        assert_eq!(confirmed(&one.history()), [], "seed {seed}");
        let two = one.night(1480.0).night(1900.0).nights(25);
        assert_eq!(confirmed(&two.history()), [], "seed {seed}");
    }
}

#[test]
fn a_step_that_goes_away_is_retracted() {
    let mut retracted = 0;
    for seed in 0..20 {
        let burst = Simulation::new(seed)
            .noise(0.02)
            .nights(60)
            .step(1.15)
            .nights(4);
        let news = run(&burst.step(1.0 / 1.15).nights(30).history());
        let back = |item: &News| matches!(item, News::Retracted(_));
        retracted += usize::from(news.iter().any(back));
    }
    assert!(retracted >= 15, "{retracted} of 20");
}

#[test]
fn a_new_epoch_is_a_boundary_and_never_an_alarm() {
    for seed in 0..30 {
        let moved = Simulation::new(seed)
            .noise(0.02)
            .nights(40)
            .epoch()
            .step(1.6)
            .nights(40);
        assert_eq!(confirmed(&moved.history()), [], "seed {seed}");
    }
}

#[test]
fn constant_series_and_series_of_zeros_are_silent_and_their_steps_are_not() {
    for level in [0.0, 5.0, 1e300] {
        let constant = (0..60).fold(Simulation::new(1), |history, _| history.night(level));
        assert_eq!(confirmed(&constant.history()), [], "{level}");
        let stepped = (0..10).fold(constant, |history, _| history.night(level * 1.5 + 1.0));
        assert_eq!(confirmed(&stepped.history()).len(), 1, "{level}");
    }
}

#[test]
fn too_short_histories_say_nothing() {
    for nights in 0..12 {
        assert_eq!(run(&Simulation::new(3).nights(nights).history()), []);
    }
}

#[test]
fn a_weekly_rhythm_is_taken_off() {
    let mut history = Simulation::new(5).noise(0.005);
    for night in 0..140 {
        let factor = if night % 7 >= 5 { 0.9 } else { 1.0 };
        history = history.step(factor).nights(1).step(1.0 / factor);
    }
    let history = history.history();
    let mut detector = Detector::new(&history, Thresholds::default());
    let mut news = Vec::new();
    for _ in 0..history.len() {
        detector.step(&mut news);
    }
    assert_eq!(news, []);
    let context = detector.tonight();
    let context = context.as_ref();
    assert!(
        context.is_some_and(|context| context.weekly.is_some()),
        "{context:?}"
    );
    assert!(
        context.is_some_and(|context| context.noise.unit < 0.01),
        "{context:?}"
    );
}

/// For each change that was taken back, how many nights after its first one; and how many were
/// confirmed.
fn taken_back(history: &History, thresholds: Thresholds) -> (Vec<usize>, usize) {
    let mut detector = Detector::new(history, thresholds);
    let (mut after, mut confirmed) = (Vec::new(), 0);
    for night in 0..history.len() {
        let mut news = Vec::new();
        detector.step(&mut news);
        for item in news {
            match item {
                News::Retracted(change) => after.push(night - change.start),
                News::Confirmed(_) => confirmed += 1,
            }
        }
    }
    (after, confirmed)
}

#[test]
fn a_deviation_that_falls_takes_a_change_back_within_its_nights_and_one_that_stays_does_not() {
    let thresholds = Thresholds {
        second_look_after: 1_000,
        ..Thresholds::default()
    };
    let (mut gone, mut kept) = (0, 0);
    for seed in 0..20 {
        let burst = Simulation::new(seed)
            .noise(0.02)
            .nights(60)
            .step(1.15)
            .nights(4);
        let (after, _) = taken_back(&burst.history_and(30, 1.0 / 1.15), thresholds);
        assert!(after.iter().all(|after| *after <= 21), "{after:?}");
        gone += usize::from(!after.is_empty());
        kept += usize::from(
            taken_back(&burst.history_and(30, 1.0), thresholds)
                .0
                .is_empty(),
        );
    }
    assert!(gone >= 15 && kept >= 19, "{gone} gone, {kept} kept of 20");
}

#[test]
fn the_second_look_takes_back_what_noise_confirmed_on_its_night_and_keeps_steps() {
    // So easily confirmed that noise does, and taken back by nothing else.
    let easy = Thresholds {
        z: 2.8,
        z_of_two: 2.8,
        retract_below: f64::NEG_INFINITY,
        ..Thresholds::default()
    };
    let (mut back, mut all) = (0, 0);
    for seed in 0..40 {
        let noise = Simulation::new(seed).noise(0.06).nights(200).history();
        let (after, confirmed) = taken_back(&noise, easy);
        assert!(after.iter().all(|after| *after == 10), "{after:?}");
        back += after.len();
        all += confirmed;
        let never = Thresholds {
            second_look_after: 1_000,
            ..easy
        };
        assert!(taken_back(&noise, never).0.is_empty());
    }
    assert!(all >= 20 && 2 * back >= all, "{back} of {all}");
    let kept = (0..20).filter(|seed| {
        let step = Simulation::new(*seed).noise(0.02).nights(60).step(1.15);
        taken_back(&step.nights(30).history(), Thresholds::default())
            .0
            .is_empty()
    });
    assert!(kept.count() >= 19);
}
