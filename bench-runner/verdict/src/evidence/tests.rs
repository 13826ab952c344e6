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
