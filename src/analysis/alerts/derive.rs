//! From what became of each series to alerts, one a cause.
//!
//! Series that step on the same night, or on different nights of the same revision, have one cause.
//! Noise can make a change look as if it had begun a night earlier or later than it did; so one
//! whose nights would have confirmed it as well from an alert's first bad night on
//! ([`Regression::earliest_ms`]) belongs to that alert.

use std::collections::BTreeSet;

use bench_verdict::regression::{self, Regression};
use sha2::{Digest, Sha256};

use super::bridge::carry_on;
use super::settle;
use crate::domain::alert::{
    Alert, AlertEvent, AlertInputs, AlertSeries, AlertState, By, How, Night, SeriesNews, What,
};
use crate::domain::{AlertId, EnvironmentId, Millis, SeriesId};

/// The alerts that a night's news change or make. All news are of one night.
pub fn after_night(inputs: AlertInputs, news: &[SeriesNews]) -> Vec<Alert> {
    let mut book = Book::new(inputs);
    book.take(news);
    book.changed()
}

/// The alerts that bridges carry on from their ended epoch, or that those bridges resolve; there are
/// no news of it.
pub fn over_bridges(inputs: AlertInputs, _: &[SeriesNews]) -> Vec<Alert> {
    let bridges = inputs.bridges.clone();
    let mut book = Book::new(inputs);
    for alert in &mut book.alerts {
        carry_on(alert, &bridges);
    }
    book.changed()
}

/// The alerts that the news of a whole history change or make: what [`after_night`] would have made
/// of them night by night. An alert that the history no longer shows is retracted, for there may be
/// words of people and links to it.
pub fn again(inputs: AlertInputs, news: &[SeriesNews]) -> Vec<Alert> {
    anew(inputs, news, |alert| {
        alert.series.clear();
        alert.events.retain(|event| event.who.is_some());
    })
}

/// The alerts that all that pairs opened on the newest night changes or makes, whatever of it is
/// known already. No other news of that night may be of these series' opening.
pub fn after_pairs(inputs: AlertInputs, news: &[SeriesNews]) -> Vec<Alert> {
    let opened: BTreeSet<(SeriesId, Millis)> = news
        .iter()
        .map(|one| (one.series, Millis(one.news.at_ms)))
        .collect();
    anew(inputs, news, |alert| {
        alert
            .series
            .retain(|one| one.by != By::Pairs || !opened.contains(&(one.series, one.confirmed_at)));
        alert.events.retain(|event| {
            let of_pairs = event.what == What::Confirmed && event.who.is_none();
            let series = event.series.filter(|_| of_pairs);
            series.is_none_or(|series| !opened.contains(&(series, event.at)))
        });
    })
}

/// The alerts that news change or make once `forget` has made alerts as they were before them.
fn anew(mut inputs: AlertInputs, news: &[SeriesNews], forget: impl Fn(&mut Alert)) -> Vec<Alert> {
    let before = std::mem::take(&mut inputs.alerts);
    inputs.alerts.clone_from(&before);
    inputs.alerts.iter_mut().for_each(forget);
    let (oldest, bridges) = (inputs.oldest, inputs.bridges.clone());
    let mut book = Book::new(inputs);
    book.take(news);
    for (at, alert) in book.alerts.iter_mut().enumerate() {
        match before.get(at).filter(|_| alert.series.is_empty()) {
            Some(before) => {
                let is_lost = oldest.is_some_and(|oldest| before.first_bad.at <= oldest);
                withdraw(alert, before, is_lost);
            }
            None => carry_on(alert, &bridges),
        }
        settle(alert);
    }
    book.before = before;
    book.changed()
}

/// What the history no longer shows; what it no longer reaches back to stays as it was.
fn withdraw(alert: &mut Alert, before: &Alert, is_lost: bool) {
    alert.series.clone_from(&before.series);
    alert.events.clone_from(&before.events);
    if is_lost {
        return;
    }
    let by_rules = before.events.iter().filter(|event| event.who.is_none());
    let at = by_rules.map(|event| event.at).max();
    for series in &mut alert.series {
        if series.ended.is_none() {
            let at = at.unwrap_or(series.confirmed_at);
            series.ended = Some((at, How::Retracted));
            alert.events.push(AlertEvent {
                at,
                who: None,
                what: What::Retracted,
                series: Some(series.series),
                text: Some("the history changed and no longer shows it".to_owned()),
            });
        }
    }
}

/// The alerts of a machine and suite version while news are taken in.
struct Book {
    fingerprint: String,
    environment: EnvironmentId,
    suite: String,
    suite_version: String,
    nights: Vec<Night>,
    alerts: Vec<Alert>,
    before: Vec<Alert>,
}

impl Book {
    fn new(inputs: AlertInputs) -> Self {
        Self {
            fingerprint: inputs.fingerprint,
            environment: inputs.environment,
            suite: inputs.suite,
            suite_version: inputs.suite_version,
            nights: inputs.nights,
            before: inputs.alerts.clone(),
            alerts: inputs.alerts,
        }
    }

    /// Takes news in, in the order of time; of one time, what nights and counts say before what
    /// pairs say.
    fn take(&mut self, news: &[SeriesNews]) {
        let key = |one: &SeriesNews| {
            let by_pairs =
                one.news.what == regression::What::Opened && one.news.regression.by == By::Pairs;
            (one.news.at_ms, by_pairs, one.series)
        };
        let mut news = news.to_vec();
        news.sort_by_key(key);
        for batch in news.chunk_by(|a, b| (key(a).0, key(a).1) == (key(b).0, key(b).1)) {
            let opened = |one: &&SeriesNews| one.news.what == regression::What::Opened;
            for one in batch.iter().filter(|one| !opened(one)) {
                self.follow(one);
            }
            self.open(batch.iter().filter(opened).copied().collect());
        }
    }

    /// What is over, or returned, is so in the alert that has it.
    fn follow(&mut self, one: &SeriesNews) {
        let regression = &one.news.regression;
        let has = |alert: &&mut Alert| {
            let mut series = alert.series.iter();
            series.any(|s| s.series == one.series && s.since.at.0 == regression.since_ms)
        };
        // The newest, where one cause came twice.
        let found = self.alerts.iter_mut().filter(has);
        let Some(alert) = found.max_by_key(|alert| alert.first_bad.at) else {
            // What was over on the night that confirmed it woke nobody; now it is there.
            if one.news.what == regression::What::Returned {
                self.open(vec![*one]);
            }
            return;
        };
        let series = alert.series.iter_mut().find(|s| s.series == one.series);
        if let Some(series) = series {
            series.ended = ended(regression);
        }
        let what = match regression.ended.map(|ended| ended.how) {
            None => What::Returned,
            Some(How::Recovered) => What::Recovered,
            Some(How::Retracted) => What::Retracted,
            Some(How::Accepted) => What::Accepted,
        };
        alert.events.push(event(one, what));
        settle(alert);
    }

    /// Series that were confirmed on one night: first those that belong to an alert that is there;
    /// then the night that most of the others may have begun on is the first bad night of an alert
    /// of its own, and so on.
    fn open(&mut self, mut opened: Vec<SeriesNews>) {
        opened.retain(|one| !self.join(one));
        while !opened.is_empty() {
            let may_begin = |one: &SeriesNews, at: i64| {
                let regression = &one.news.regression;
                (regression.earliest_ms..=regression.latest_ms).contains(&at)
            };
            let nights = opened.iter().map(|one| one.news.regression.since_ms);
            // Of nights with the same number of series the latest, for noise before a step is more
            // likely to join it than a step is to be missed.
            let first_bad = nights
                .max_by_key(|at| {
                    let series = opened.iter().filter(|one| may_begin(one, *at)).count();
                    (series, *at)
                })
                .unwrap_or_default();
            let leads = |one: &&SeriesNews| one.news.regression.since_ms == first_bad;
            let Some(leader) = opened.iter().find(leads).copied() else {
                return;
            };
            self.begin(&leader);
            opened.retain(|one| one.series != leader.series && !self.join(one));
        }
    }

    /// Whether there is an alert that it belongs to: then it is in it.
    fn join(&mut self, one: &SeriesNews) -> bool {
        let regression = &one.news.regression;
        let commit = self.night(regression.since_ms).map(|night| night.commit);
        let same = |alert: &Alert| Some(&alert.first_bad.commit) == commit.as_ref();
        let near = |alert: &&Alert| {
            let first_bad = alert.first_bad.at.0;
            (regression.earliest_ms..=regression.latest_ms).contains(&first_bad)
                && !alert.series.is_empty()
        };
        let distance = |alert: &&Alert| {
            let first_bad = alert.first_bad.at.0;
            (first_bad.abs_diff(regression.since_ms), first_bad)
        };
        let at = self.alerts.iter().position(same).or_else(|| {
            let nearest = self.alerts.iter().filter(near).min_by_key(distance)?;
            self.alerts
                .iter()
                .position(|alert| alert.fingerprint == nearest.fingerprint)
        });
        let Some(at) = at else {
            return false;
        };
        self.put(at, one);
        true
    }

    fn begin(&mut self, one: &SeriesNews) {
        let regression = &one.news.regression;
        let first_bad = self.night_or_unknown(regression.since_ms);
        let last_good = regression.last_good_ms.and_then(|at| self.night(at));
        let environment = self.environment;
        self.alerts.push(Alert {
            id: AlertId(0),
            fingerprint: self.name(&first_bad.commit),
            environment,
            suite: self.suite.clone(),
            suite_version: self.suite_version.clone(),
            state: AlertState::Open,
            owner: None,
            version: 0,
            opened_at: Millis(one.news.at_ms),
            changed_at: Millis(one.news.at_ms),
            first_bad,
            last_good,
            series: Vec::new(),
            events: Vec::new(),
        });
        self.put(self.alerts.len() - 1, one);
    }

    fn put(&mut self, at: usize, one: &SeriesNews) {
        let regression = &one.news.regression;
        let series = AlertSeries {
            series: one.series,
            since: self.night_or_unknown(regression.since_ms),
            last_good: regression.last_good_ms.and_then(|at| self.night(at)),
            confirmed_at: Millis(regression.confirmed_ms),
            by: regression.by,
            frozen_baseline: regression.frozen_baseline,
            limit: regression.limit,
            change: regression.change,
            numbers: regression.numbers,
            ended: ended(regression),
            bridged: None,
        };
        let alert = &mut self.alerts[at];
        if alert.series.is_empty() {
            // What people spoke of may have begun on another night than the history says now.
            alert.first_bad = series.since.clone();
            alert.last_good.clone_from(&series.last_good);
        }
        match alert.series.iter_mut().find(|s| s.series == one.series) {
            // One that is still there was sized against the level before all of it.
            Some(known) if known.ended.is_none() => {}
            Some(known) => *known = series,
            None => alert.series.push(series),
        }
        alert.events.push(event(one, What::Confirmed));
        settle(alert);
    }

    fn night(&self, at: i64) -> Option<Night> {
        let found = self.nights.iter().rev().find(|night| night.at.0 == at);
        found.cloned()
    }

    /// A night that is stored no more can only be named by its time.
    fn night_or_unknown(&self, at: i64) -> Night {
        self.night(at).unwrap_or_else(|| Night {
            run: crate::domain::RunId(0),
            at: Millis(at),
            commit: format!("unknown-{at}"),
        })
    }

    fn name(&self, commit: &str) -> String {
        let parts = [&self.fingerprint, &self.suite, &self.suite_version, commit];
        let hash = Sha256::digest(parts.join("\n").as_bytes());
        hash.iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The alerts that are otherwise than before.
    fn changed(self) -> Vec<Alert> {
        let mut before = self.before.into_iter();
        let alerts = self.alerts.into_iter();
        alerts
            .filter_map(|mut alert| {
                let before = before.next();
                let version = before.as_ref().map_or(0, |before| before.version);
                alert.version = version;
                if before.as_ref() == Some(&alert) {
                    return None;
                }
                alert.version = version + 1;
                Some(alert)
            })
            .collect()
    }
}

fn ended(regression: &Regression) -> Option<(Millis, How)> {
    regression
        .ended
        .map(|ended| (Millis(ended.at_ms), ended.how))
}

fn event(one: &SeriesNews, what: What) -> AlertEvent {
    AlertEvent {
        at: Millis(one.news.at_ms),
        who: None,
        what,
        series: Some(one.series),
        text: None,
    }
}
