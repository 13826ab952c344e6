use super::*;
use crate::evidence::Thresholds;
use crate::simulation::{DAY_MS, Simulation};
use crate::tonight::tonight;

/// A series' worsenings, as the server follows them.
#[derive(Default)]
struct Life {
    watch: Watch,
    news: Vec<(usize, News)>,
}

impl Life {
    fn count(&self, what: What) -> usize {
        self.news
            .iter()
            .filter(|(_, news)| news.what == what)
            .count()
    }

    fn open(&self) -> Option<&Regression> {
        self.watch.open().next()
    }
}

/// Follows a simulation; what is carried travels as JSON between the nights, as it does in a
/// store.
fn live(simulation: &Simulation) -> Life {
    let thresholds = Thresholds::default();
    let mut life = Life::default();
    let mut state = State::default();
    for end in 1..=simulation.len() {
        let history = simulation.history_until(end);
        let told = tonight(&history, &mut state, &thresholds);
        let nights: Vec<(i64, f64)> = history
            .nights()
            .iter()
            .map(|night| (night.time_ms, night.value))
            .collect();
        let text = serde_json::to_string(&life.watch).unwrap_or_default();
        life.watch = serde_json::from_str(&text).unwrap_or_default();
        let judged = Judged {
            nights: &nights,
            better: history.metric().better,
            floor: history.metric().floor,
            tonight: told.as_ref(),
            state: &state,
            baseline: told.as_ref().and_then(|told| told.baseline),
            band: told.as_ref().map_or(Band::Warming, |told| told.band),
        };
        let news = life.watch.night(&judged);
        life.news.extend(news.into_iter().map(|news| (end, news)));
    }
    life
}

fn count(seeds: u64, holds: impl Fn(u64) -> bool) -> usize {
    (0..seeds).filter(|seed| holds(*seed)).count()
}

fn quiet(seed: u64, noise: f64) -> Simulation {
    Simulation::new(seed).noise(noise).nights(60)
}

#[test]
fn a_step_that_nobody_fixes_is_still_open_after_sixty_nights() {
    let first_bad = 60 * DAY_MS + DAY_MS / 8;
    let (mut open, mut exact) = (0, 0);
    for seed in 0..100 {
        let life = live(&quiet(seed, 0.01).step(1.25).nights(60));
        let large = |one: &&Regression| {
            (one.frozen_baseline / 1000.0 - 1.0).abs() < 0.02
                && one
                    .change
                    .is_some_and(|change| (change - 0.25).abs() < 0.04)
        };
        let Some(one) = life.watch.open().find(large) else {
            continue;
        };
        open += 1;
        exact += usize::from(one.since_ms == first_bad);
        assert_eq!(one.last_good_ms, Some(one.since_ms - DAY_MS));
    }
    assert!(open >= 95, "{open} of 100");
    // The night before can look bad by itself.
    assert!(exact >= 85, "{exact} of 100");
}

#[test]
fn throughput_that_falls_is_a_worsening_with_a_limit_below_its_level() {
    let life = live(
        &quiet(7, 0.01)
            .better(Direction::Higher)
            .step(0.8)
            .nights(10),
    );
    let one = life.open().copied();
    assert!(
        one.is_some_and(|one| one.limit < one.frozen_baseline && one.change > Some(0.17)),
        "{one:?}"
    );
    let life = live(
        &quiet(7, 0.01)
            .better(Direction::Higher)
            .step(1.25)
            .nights(10),
    );
    assert!(life.news.is_empty(), "{:?}", life.news);
}

#[test]
fn a_fixed_step_is_over_within_five_nights_at_one_percent_noise() {
    let over = count(100, |seed| {
        let broken = quiet(seed, 0.01).step(1.25).nights(20);
        let life = live(&broken.step(0.8).nights(5));
        life.count(What::Opened) == 1
            && life.open().is_none()
            && life.news.iter().any(|(night, news)| {
                *night > 80 && news.regression.ended.map(|ended| ended.how) == Some(How::Recovered)
            })
    });
    assert!(over >= 95, "{over} of 100");
}

#[test]
fn a_fixed_step_is_over_within_ten_nights_at_five_percent_noise() {
    let over = count(100, |seed| {
        let broken = quiet(seed, 0.05).step(1.25).nights(20);
        let life = live(&broken.step(0.8).nights(10));
        life.count(What::Opened) >= 1 && life.open().is_none()
    });
    assert!(over >= 90, "{over} of 100");
}

#[test]
fn one_percent_a_night_is_found_by_the_tenth_night() {
    let found = count(100, |seed| {
        live(&quiet(seed, 0.01).drift(10, 0.01)).count(What::Opened) > 0
    });
    assert!(found >= 95, "{found} of 100");
}

#[test]
fn one_outlier_night_opens_nothing() {
    let silent = count(100, |seed| {
        live(&quiet(seed, 0.01).night(1400.0).nights(20))
            .news
            .is_empty()
    });
    assert!(silent >= 99, "{silent} of 100");
}

#[test]
fn what_recovered_by_luck_returns() {
    // Three lucky nights in the middle of a level that stays bad.
    let life = live(
        &quiet(3, 0.01)
            .step(1.1)
            .nights(15)
            .night(1000.0)
            .night(1001.0)
            .nights(12),
    );
    let what: Vec<What> = life.news.iter().map(|(_, news)| news.what).collect();
    assert_eq!(
        what,
        [What::Opened, What::Ended, What::Returned],
        "{:?}",
        life.news
    );
    let since: Vec<i64> = life
        .news
        .iter()
        .map(|(_, news)| news.regression.since_ms)
        .collect();
    assert!(since.iter().all(|time| *time == since[0]), "{since:?}");
    assert!(life.open().is_some());
}

#[test]
fn what_is_over_does_not_come_and_go_with_the_noise() {
    // Small steps in noise as large as they are: three lucky nights end an alert, and three unlucky
    // ones must not open it again.
    let (mut opened, mut while_bad, mut after_the_fix) = (0, 0, 0);
    for (step, noise) in [(1.08, 0.05), (1.06, 0.03)] {
        for seed in 0..100 {
            let broken = quiet(seed, noise).step(step).nights(30);
            let life = live(&broken.step(1.0 / step).nights(60));
            opened += life.count(What::Opened);
            for (night, _) in life.news.iter().filter(|(_, n)| n.what == What::Returned) {
                let is_fixed = *night > 60 + 30 + NIGHTS;
                *(if is_fixed {
                    &mut after_the_fix
                } else {
                    &mut while_bad
                }) += 1;
            }
        }
    }
    assert!(opened >= 150, "{opened} opened");
    assert!(
        after_the_fix <= 2,
        "{after_the_fix} returns of what was fixed"
    );
    assert!(
        4 * while_bad <= 5 * opened,
        "{while_bad} returns of {opened}"
    );
}

#[test]
fn a_second_worsening_is_one_of_its_own_and_a_whole_fix_ends_both() {
    let broken = quiet(5, 0.01).step(1.15).nights(15).step(1.2).nights(15);
    let life = live(&broken);
    assert_eq!(life.watch.open().count(), 2, "{:?}", life.news);
    let frozen: Vec<f64> = life.watch.open().map(|one| one.frozen_baseline).collect();
    assert!(frozen[1] > 1.1 * frozen[0], "{frozen:?}");
    let life = live(&broken.step(1.0 / (1.15 * 1.2)).nights(6));
    assert_eq!((life.count(What::Ended), life.watch.open().count()), (2, 0));
}

#[test]
fn an_accepted_level_ends_what_is_open_and_says_so_once() {
    let mut life = live(&quiet(5, 0.01).step(1.25).nights(10));
    let at_ms = 71 * DAY_MS;
    let news = life.watch.accept(at_ms);
    assert_eq!(news.len(), 1);
    let how = How::Accepted;
    assert_eq!(news[0].regression.ended, Some(Ended { at_ms, how }));
    assert!(life.watch.accept(at_ms).is_empty());
    assert!(life.watch.is_empty());
}

#[test]
fn pairs_confirm_what_the_night_asked_for_and_the_nights_after_do_not_open_it_again() {
    let mut simulation = quiet(9, 0.01).step(1.15).nights(1);
    let mut life = live(&simulation);
    assert!(life.news.is_empty());
    let news = life.watch.confirm();
    let Some(news) = news else {
        panic!("nothing was asked for");
    };
    assert_eq!((news.what, news.regression.by), (What::Opened, By::Pairs));
    assert!((news.regression.frozen_baseline / 1000.0 - 1.0).abs() < 0.01);
    assert_eq!(life.watch.confirm(), None, "it is known by now");
    // The same nights go on; what the pairs said is carried.
    let thresholds = Thresholds::default();
    let mut state = crate::tonight::replay(&simulation.history(), &thresholds);
    for _ in 0..6 {
        simulation = simulation.nights(1);
        let history = simulation.history();
        let told = tonight(&history, &mut state, &thresholds);
        let nights: Vec<(i64, f64)> = history
            .nights()
            .iter()
            .map(|night| (night.time_ms, night.value))
            .collect();
        let news = life.watch.night(&Judged {
            nights: &nights,
            better: Direction::Lower,
            floor: 0.0,
            tonight: told.as_ref(),
            state: &state,
            baseline: None,
            band: Band::None,
        });
        assert!(news.is_empty(), "{news:?}");
    }
    assert_eq!(life.watch.open().count(), 1);
    assert_eq!(state.changes.len(), 1, "the nights confirmed it, too");
}

fn counted(values: &[f64]) -> Vec<News> {
    let nights: Vec<(i64, f64)> = (0..)
        .zip(values)
        .map(|(day, value)| (day * DAY_MS, *value))
        .collect();
    let points: Vec<band::Point> = nights
        .iter()
        .map(|&(time_ms, value)| band::Point { time_ms, value })
        .collect();
    let (mut watch, mut news) = (Watch::default(), Vec::new());
    for end in 1..=nights.len() {
        let baseline = band::baseline(&points[..end - 1], nights[end - 1].0);
        let value = nights[end - 1].1;
        let judged = band::judge(value, baseline.mean, Direction::Lower, Some(0.0));
        news.extend(watch.night(&Judged {
            nights: &nights[..end],
            better: Direction::Lower,
            floor: 0.0,
            tonight: None,
            state: &State::default(),
            baseline: baseline.mean,
            band: judged.band,
        }));
    }
    news
}

#[test]
fn a_count_opens_on_its_first_night_once_and_is_over_after_two_nights_back() {
    let mut values = vec![100.0; 10];
    values.extend([108.0; 9]);
    let open = counted(&values);
    assert_eq!(open.len(), 1, "{open:?}");
    let one = open[0].regression;
    assert_eq!((one.by, one.frozen_baseline), (By::Count, 100.0));
    assert!(
        one.change
            .is_some_and(|change| (change - 0.08).abs() < 1e-9)
    );
    assert_eq!(
        (one.since_ms, one.last_good_ms),
        (10 * DAY_MS, Some(9 * DAY_MS))
    );
    values.extend([100.0; 2]);
    assert_eq!(counted(&values).len(), 2);
}

#[test]
fn a_count_that_steps_twice_opens_twice_and_one_that_moves_a_little_does_not() {
    let mut values = vec![100.0; 10];
    values.extend([110.0; 3]);
    values.extend([140.0; 3]);
    let frozen: Vec<f64> = counted(&values)
        .iter()
        .map(|n| n.regression.frozen_baseline)
        .collect();
    assert_eq!(frozen, [100.0, 110.0]);
    values.truncate(10);
    values.extend([104.0; 5]);
    assert!(counted(&values).is_empty());
}

#[test]
fn a_count_whose_level_was_accepted_is_not_opened_by_the_average_of_the_nights_before() {
    let (mut watch, nights) = (Watch::default(), [(0, 100.0), (1, 112.0), (2, 112.0)]);
    let night = |watch: &mut Watch, end: usize| {
        watch.night(&Judged {
            nights: &nights[..end],
            better: Direction::Lower,
            floor: 0.0,
            tonight: None,
            state: &State::default(),
            baseline: Some(100.0),
            band: Band::Warning,
        })
    };
    assert_eq!(night(&mut watch, 2).len(), 1);
    watch.accept(1);
    assert!(night(&mut watch, 3).is_empty());
}

#[test]
fn errors_that_appear_where_there_were_none_open_without_a_size() {
    let mut values = vec![0.0; 6];
    values.extend([3.0; 2]);
    let news = counted(&values);
    assert_eq!(news.len(), 1, "{news:?}");
    let one = news[0].regression;
    assert_eq!((one.frozen_baseline, one.change), (0.0, None));
}
