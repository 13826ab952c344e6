//! The life of an alert: what nights make of it, and what people do.

use std::collections::BTreeMap;

use bench_report::metric::Kind;
use kvmark::analysis::alerts::act::{self, Refused, Wish, act};
use kvmark::analysis::alerts::{after_night, again, state};
use kvmark::analysis::carried::Carried;
use kvmark::analysis::follow::{Beside, Seen, follow};
use kvmark::analysis::judge::{JudgeInputs, judge_night};
use kvmark::domain::alert::{
    Alert, AlertEvent, AlertInputs, AlertState, By, Night, SeriesNews, What,
};
use kvmark::domain::time::DAY_MS;
use kvmark::domain::{AlertId, EnvironmentId, Measurement, Millis, RunId, Series, SeriesId};
use proptest::prelude::*;

use super::builders::{TONIGHT, series};

/// Nights of several series, one value each.
struct World {
    series: Vec<Series>,
    values: Vec<Vec<f64>>,
}

impl World {
    fn nights(&self) -> usize {
        self.values[0].len()
    }

    fn at(&self, night: usize) -> Millis {
        let ago = i64::try_from(self.nights() - night).unwrap();
        Millis(TONIGHT.0 - ago * DAY_MS)
    }

    fn night(&self, night: usize) -> Night {
        Night {
            run: RunId(i64::try_from(night).unwrap() + 1),
            at: self.at(night),
            // Two nights of each commit.
            commit: format!("{:040x}", night / 2),
        }
    }

    fn inputs(&self, alerts: Vec<Alert>) -> AlertInputs {
        AlertInputs {
            environment: EnvironmentId(1),
            fingerprint: "aa".to_owned(),
            suite: "kv-sync".to_owned(),
            suite_version: "1".to_owned(),
            alerts,
            nights: (0..self.nights()).map(|night| self.night(night)).collect(),
            bridges: Default::default(),
            oldest: Some(self.at(0)),
        }
    }

    /// What uploads one after the other would have made, and the state after each night of the
    /// alert that `watch` picks.
    fn one_by_one(&self) -> Vec<Alert> {
        let mut carried = Carried::default();
        let mut alerts: Vec<Alert> = Vec::new();
        for night in 0..self.nights() {
            let at = self.at(night);
            let history = self
                .series
                .iter()
                .zip(&self.values)
                .map(|(series, values)| {
                    let before = (0..night).filter(|before| self.at(*before) >= at.minus_days(7));
                    (
                        series.id,
                        before
                            .map(|before| (self.at(before), values[before]))
                            .collect(),
                    )
                });
            let rows = self
                .series
                .iter()
                .zip(&self.values)
                .map(|(series, values)| {
                    let measurement = Measurement {
                        series: series.id,
                        run: self.night(night).run,
                        value: values[night],
                        sample_count: 10,
                        interval: None,
                    };
                    (series.clone().into(), measurement)
                });
            let inputs = JudgeInputs {
                at,
                rows: rows.collect(),
                history: history.collect(),
            };
            let judged = judge_night(&inputs, carried, true);
            carried = Carried::from_bytes(&judged.carried.unwrap().to_bytes()).unwrap();
            for alert in after_night(self.inputs(alerts.clone()), &judged.news) {
                store(&mut alerts, alert);
            }
        }
        alerts
    }

    fn news(&self, until: usize, beside: &Beside) -> Vec<SeriesNews> {
        let mut all = Vec::new();
        for (series, values) in self.series.iter().zip(&self.values) {
            let runs: Vec<Seen> = (0..until)
                .map(|night| Seen {
                    run: self.night(night).run,
                    time: self.at(night),
                    value: values[night],
                    forms_baseline: true,
                })
                .collect();
            let mut news = Vec::new();
            let (_, last) = follow(series, &runs, beside, |said| news.extend(said.news));
            news.extend(last);
            let of_series = |news| SeriesNews {
                series: series.id,
                news,
            };
            all.extend(news.into_iter().map(of_series));
        }
        all
    }

    fn at_once(&self, known: Vec<Alert>) -> Vec<Alert> {
        let mut alerts = known.clone();
        let news = self.news(self.nights(), &Beside::default());
        for alert in again(self.inputs(known), &news) {
            store(&mut alerts, alert);
        }
        alerts
    }
}

/// As the store does: by fingerprint, with a number of its own.
fn store(alerts: &mut Vec<Alert>, mut alert: Alert) {
    match alerts
        .iter_mut()
        .find(|known| known.fingerprint == alert.fingerprint)
    {
        Some(known) => *known = alert,
        None => {
            alert.id = AlertId(i64::try_from(alerts.len()).unwrap() + 1);
            alerts.push(alert);
        }
    }
}

/// What is derived of alerts, by cause.
fn derived(alerts: &[Alert]) -> BTreeMap<String, Alert> {
    let bare = |alert: &Alert| Alert {
        id: AlertId(0),
        version: 0,
        ..alert.clone()
    };
    alerts
        .iter()
        .map(|alert| (alert.fingerprint.clone(), bare(alert)))
        .collect()
}

fn world(nights: usize, steps: &[(usize, f64)], noise: f64) -> World {
    let value = |series: usize, night: usize| {
        let level = steps
            .iter()
            .filter(|(at, _)| night >= *at)
            .map(|(_, by)| by);
        let wave = ((night * 7919 + series * 104_729) % 1009) as f64 / 504.0 - 1.0;
        100.0 * level.product::<f64>() * (1.0 + noise * wave)
    };
    World {
        series: (0..3)
            .map(|id| series(id + 1, "B", "latency_p50", &format!("cpu={id}")))
            .collect(),
        values: (0..3)
            .map(|series| (0..nights).map(|night| value(series, night)).collect())
            .collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn nights_one_by_one_and_a_whole_history_give_the_same_alerts(
        noise in proptest::collection::vec(-1.0_f64..1.0, 3 * 110),
        steps in proptest::collection::vec((20_usize..105, 0.75_f64..1.35, 0_usize..4), 1..4),
        has_count in any::<bool>(),
    ) {
        let nights = 110;
        let mut world = world(nights, &[], 0.0);
        if has_count {
            world.series[2].kind = Kind::Count;
        }
        for (id, values) in world.values.iter_mut().enumerate() {
            for (night, value) in values.iter_mut().enumerate() {
                let is_count = has_count && id == 2;
                let noise = if is_count { 0.0 } else { 0.02 * noise[id * nights + night] };
                let level: f64 = steps
                    .iter()
                    .filter(|(at, _, only)| night >= *at && (*only == 3 || *only == id))
                    .map(|(_, by, _)| by)
                    .product();
                *value = 100.0 * level * (1.0 + noise);
            }
        }
        let one_by_one = world.one_by_one();
        let at_once = world.at_once(Vec::new());
        prop_assert_eq!(derived(&one_by_one), derived(&at_once));
        // Once more from the whole history, nothing is otherwise.
        let news = world.news(nights, &Beside::default());
        let changed = again(world.inputs(at_once.clone()), &news);
        prop_assert!(changed.is_empty(), "{:?}", changed);
    }
}

#[test]
fn series_that_step_on_one_night_are_one_alert_with_its_suspects() {
    let alerts = world(50, &[(40, 1.25)], 0.004).one_by_one();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let alert = &alerts[0];
    assert_eq!((alert.state, alert.series.len()), (AlertState::Open, 3));
    assert_eq!(alert.first_bad.run, RunId(41));
    assert_eq!(
        alert.last_good.as_ref().map(|night| night.run),
        Some(RunId(40))
    );
    assert!(
        alert
            .series
            .iter()
            .all(|one| one.by == By::Nights && (one.frozen_baseline - 100.0).abs() < 1.0)
    );
    assert!(alert.size().is_some_and(|size| (size - 0.25).abs() < 0.02));
    assert_eq!(alert.fingerprint.len(), 16);
}

#[test]
fn steps_at_different_revisions_are_different_alerts() {
    let mut world = world(70, &[(40, 1.25)], 0.004);
    for value in &mut world.values[0][50..] {
        *value *= 1.3;
    }
    let alerts = world.one_by_one();
    assert_eq!(alerts.len(), 2, "{alerts:?}");
    assert_eq!(alerts[1].series.len(), 1);
    assert!(alerts[1].series[0].frozen_baseline > 120.0);
}

#[test]
fn a_fixed_cause_is_resolved_and_tells_its_life_in_order() {
    let alerts = world(60, &[(40, 1.25), (52, 0.8)], 0.004).one_by_one();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0].state, AlertState::Resolved);
    let times: Vec<Millis> = alerts[0].events.iter().map(|event| event.at).collect();
    assert!(times.is_sorted());
    let what = |what| {
        alerts[0]
            .events
            .iter()
            .filter(|event| event.what == what)
            .count()
    };
    assert_eq!((what(What::Confirmed), what(What::Recovered)), (3, 3));
}

#[test]
fn what_people_said_outlives_a_history_that_no_longer_shows_it() {
    let good = world(60, &[], 0.004);
    let bad = world(60, &[(40, 1.25)], 0.004);
    let mut alert = bad.one_by_one().remove(0);
    alert.id = AlertId(7);
    let note = Wish {
        note: Some("lock order".to_owned()),
        owner: Some("a.k.".to_owned()),
        state: Some(AlertState::Acknowledged),
        ..Wish::default()
    };
    let alert = act(alert, &note, "token 3", TONIGHT).unwrap();
    let alerts = good.at_once(vec![alert.clone()]);
    assert_eq!(alerts.len(), 1);
    assert_eq!(
        (alerts[0].id, alerts[0].state),
        (AlertId(7), AlertState::Retracted)
    );
    assert_eq!(alerts[0].owner.as_deref(), Some("a.k."));
    assert!(good.at_once(alerts.clone()) == alerts, "once is enough");
    // It shows it again: as if nothing had been.
    let back = bad.at_once(alerts);
    assert_eq!(back[0].state, AlertState::Acknowledged);
    assert_eq!(derived(&back), derived(&[alert]));
}

#[test]
fn what_returns_without_ever_having_been_an_alert_is_one_now() {
    let world = world(50, &[(40, 1.25)], 0.004);
    let mut news = world.news(50, &Beside::default());
    news.truncate(1);
    news[0].news.what = bench_verdict::regression::What::Returned;
    let alerts = after_night(world.inputs(Vec::new()), &news);
    assert_eq!((alerts.len(), alerts[0].state), (1, AlertState::Open));
}

#[test]
fn an_accepted_level_closes_the_alert_for_all_of_its_series() {
    let world = world(60, &[(40, 1.25)], 0.004);
    let beside = Beside {
        accepted: vec![Millis(world.at(55).0 + 1)],
        confirmed: Vec::new(),
        ..Beside::default()
    };
    let alerts = again(world.inputs(Vec::new()), &world.news(60, &beside));
    assert_eq!((alerts.len(), alerts[0].state), (1, AlertState::Accepted));
}

#[test]
fn pairs_open_an_alert_on_the_first_bad_night() {
    let world = world(41, &[(40, 1.25)], 0.004);
    assert!(
        again(
            world.inputs(Vec::new()),
            &world.news(41, &Beside::default())
        )
        .is_empty()
    );
    let beside = Beside {
        accepted: Vec::new(),
        confirmed: vec![world.at(40)],
        ..Beside::default()
    };
    let alerts = again(world.inputs(Vec::new()), &world.news(41, &beside));
    assert_eq!(alerts.len(), 1);
    assert_eq!(
        (alerts[0].series.len(), alerts[0].series[0].by),
        (3, By::Pairs)
    );
    assert_eq!(alerts[0].first_bad.run, RunId(41));
}

fn event(day: i64, who: Option<&str>, what: What, series: Option<i64>) -> AlertEvent {
    AlertEvent {
        at: Millis(day * DAY_MS),
        who: who.map(str::to_owned),
        what,
        series: series.map(SeriesId),
        text: Some("because".to_owned()),
    }
}

#[track_caller]
fn check(events: &[(Option<&str>, What, Option<i64>)], expected: AlertState) {
    let events: Vec<AlertEvent> = (0..)
        .zip(events)
        .map(|(day, (who, what, series))| event(day, *who, *what, *series))
        .collect();
    assert_eq!(state(&events), expected, "{events:#?}");
}

#[test]
fn events_lead_to_states() {
    use What::{
        Accepted, Acknowledged, Confirmed, Dismissed, Noted, Recovered, Reopened, Retracted,
        Returned,
    };
    let me = Some("token 1");
    let open = (None, Confirmed, Some(1));
    check(&[open], AlertState::Open);
    check(&[open, (me, Noted, None)], AlertState::Open);
    check(&[open, (me, Acknowledged, None)], AlertState::Acknowledged);
    check(
        &[open, (me, Acknowledged, None), (me, Reopened, None)],
        AlertState::Open,
    );
    check(&[open, (None, Recovered, Some(1))], AlertState::Resolved);
    check(&[open, (None, Retracted, Some(1))], AlertState::Retracted);
    check(&[open, (None, Accepted, Some(1))], AlertState::Accepted);
    check(&[open, (me, Accepted, None)], AlertState::Accepted);
    check(&[open, (me, Dismissed, None)], AlertState::Dismissed);
    // The last of several series closes it; one that recovered says more than one that was wrong.
    let second = (None, Confirmed, Some(2));
    check(
        &[open, second, (None, Recovered, Some(1))],
        AlertState::Open,
    );
    let both = [
        open,
        second,
        (None, Recovered, Some(1)),
        (None, Retracted, Some(2)),
    ];
    check(&both, AlertState::Resolved);
    // It returns.
    check(
        &[open, (None, Recovered, Some(1)), (None, Returned, Some(1))],
        AlertState::Open,
    );
    let dismissed = (me, Dismissed, None);
    check(
        &[
            open,
            dismissed,
            (None, Recovered, Some(1)),
            (None, Returned, Some(1)),
        ],
        AlertState::Dismissed,
    );
    // A series that nobody had seen when it was dismissed.
    check(&[open, dismissed, second], AlertState::Open);
    // What a person says too late changes nothing.
    check(
        &[open, (None, Recovered, Some(1)), (me, Acknowledged, None)],
        AlertState::Resolved,
    );
    check(
        &[open, (None, Recovered, Some(1)), (me, Reopened, None)],
        AlertState::Resolved,
    );
    check(&[open, dismissed, (me, Reopened, None)], AlertState::Open);
}

fn open_alert() -> Alert {
    let mut alert = world(50, &[(40, 1.25)], 0.004).one_by_one().remove(0);
    alert.id = AlertId(4);
    alert
}

#[test]
fn a_change_that_was_decided_on_an_older_version_is_refused() {
    let alert = open_alert();
    let seen = alert.version;
    let wish = |version| Wish {
        version: Some(version),
        state: Some(AlertState::Acknowledged),
        ..Wish::default()
    };
    let taken = act(alert, &wish(seen), "token 1", TONIGHT).unwrap();
    assert_eq!(taken.version, seen + 1);
    let refused = act(taken, &wish(seen), "token 2", TONIGHT).unwrap_err();
    assert_eq!(
        refused,
        Refused::Changed {
            id: 4,
            seen,
            is: seen + 1
        }
    );
}

#[test]
fn a_transition_that_there_is_not_names_those_that_there_are() {
    let resolved = Wish {
        state: Some(AlertState::Resolved),
        ..Wish::default()
    };
    let refused = act(open_alert(), &resolved, "token 1", TONIGHT).unwrap_err();
    insta::assert_snapshot!(refused, @"alert 4 is open and cannot become resolved: it may become acknowledged, accepted, dismissed");
    let dismissed = Wish {
        state: Some(AlertState::Dismissed),
        ..Wish::default()
    };
    let refused = act(open_alert(), &dismissed, "token 1", TONIGHT).unwrap_err();
    assert_eq!(refused, Refused::NoReason(AlertState::Dismissed));
    assert_eq!(
        act(open_alert(), &Wish::default(), "token 1", TONIGHT).unwrap_err(),
        Refused::Nothing
    );
}

#[test]
fn a_dismissal_keeps_its_reason_and_can_be_taken_back_while_it_is_bad() {
    let wish = Wish {
        state: Some(AlertState::Dismissed),
        reason: Some(" fan broken ".to_owned()),
        ..Wish::default()
    };
    let alert = act(open_alert(), &wish, "token 1", TONIGHT).unwrap();
    assert_eq!(
        (alert.state, alert.reason()),
        (AlertState::Dismissed, Some("fan broken"))
    );
    assert_eq!(act::allowed(&alert), [AlertState::Open]);
    let open = Wish {
        state: Some(AlertState::Open),
        ..Wish::default()
    };
    let alert = act(alert, &open, "token 1", TONIGHT).unwrap();
    assert_eq!((alert.state, alert.reason()), (AlertState::Open, None));
}

#[test]
fn an_owner_is_given_and_taken_back() {
    let owner = |name: &str| Wish {
        owner: Some(name.to_owned()),
        ..Wish::default()
    };
    let alert = act(open_alert(), &owner(" a.k. "), "token 1", TONIGHT).unwrap();
    assert_eq!(alert.owner.as_deref(), Some("a.k."));
    let same = act(alert.clone(), &owner("a.k."), "token 2", TONIGHT).unwrap();
    assert_eq!(same, alert);
    let alert = act(alert, &owner(""), "token 1", TONIGHT).unwrap();
    assert_eq!(alert.owner, None);
}
