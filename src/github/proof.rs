//! The nights that prove that an alert is over: its issue is closed with them, and not before.
//!
//! An alert is over when the median of the last three nights is back, which two good nights after a
//! bad one make so. An issue that closed then could open again on the next night; it waits until
//! [`NIGHTS`] nights in a row were good.

use bench_report::metric::Direction;
use bench_verdict::markdown::escaped;

use super::alert::{AlertFacts, NightValue, SeriesFacts, run_link, value_text};
use crate::domain::Millis;
use crate::domain::alert::{AlertSeries, How};

/// So many good nights in a row are the proof.
pub const NIGHTS: usize = 3;
/// Series at most that are listed.
const MOST_ROWS: usize = 100;

/// What proves that all series of an alert are back.
pub(super) struct Proof<'a> {
    rows: Vec<(&'a AlertSeries, &'a SeriesFacts, &'a [NightValue])>,
}

impl<'a> Proof<'a> {
    /// Of an alert that was over at `at`, from the nights before `until`, when it was there again.
    /// What was accepted or taken back needs no proof.
    pub(super) fn new(facts: &'a AlertFacts, at: Millis, until: Option<Millis>) -> Self {
        let until = until.unwrap_or(Millis(i64::MAX));
        let recovers = |one: &&AlertSeries| {
            let how = one.ended.map(|(_, how)| how);
            one.confirmed_at < until && !matches!(how, Some(How::Accepted | How::Retracted))
        };
        let series = facts.alert.series.iter().filter(recovers);
        let rows = series.filter_map(|one| {
            let known = facts.series.get(&one.series)?;
            Some((one, known, nights(one, known, at, until)))
        });
        Self {
            rows: rows.collect(),
        }
    }

    /// Good nights in a row of the series that has the fewest, [`NIGHTS`] at most.
    pub(super) fn nights(&self) -> usize {
        let counts = self.rows.iter().map(|(.., nights)| nights.len());
        counts.min().unwrap_or(NIGHTS)
    }

    /// Whether nothing is missing.
    pub(super) fn is_whole(&self) -> bool {
        self.nights() == NIGHTS
    }

    /// As a table in Markdown.
    pub(super) fn write(&self, out: &mut String, facts: &AlertFacts) {
        out.push_str(
            "| series | level before | good means | three good nights | runs |\n\
             |---|--:|--:|---|---|\n",
        );
        for (one, known, nights) in self.rows.iter().take(MOST_ROWS) {
            let text = |value: f64| value_text(value, &known.unit);
            let than = match known.better {
                Direction::Lower => "at most",
                Direction::Higher => "at least",
            };
            let values: Vec<String> = nights.iter().map(|night| text(night.value)).collect();
            let runs: Vec<String> = nights.iter().map(|n| run_link(facts, n.run)).collect();
            out.push_str(&format!(
                "| {} | {} | {than} {} | {} | {} |\n",
                escaped(&known.name),
                text(one.now().frozen_baseline),
                text(one.now().limit),
                values.join(", "),
                runs.join(", "),
            ));
        }
    }
}

/// The first good nights in a row, [`NIGHTS`] of them, of which the last is not before `at`; where
/// there are none yet, the good ones up to the newest.
fn nights<'a>(
    one: &AlertSeries,
    known: &'a SeriesFacts,
    at: Millis,
    until: Millis,
) -> &'a [NightValue] {
    let end = known.nights.partition_point(|night| night.at < until);
    let nights = &known.nights[..end];
    let limit = one.now().limit;
    let mut good = 0;
    for (place, night) in nights.iter().enumerate() {
        let is_good = match known.better {
            Direction::Lower => night.value <= limit,
            Direction::Higher => night.value >= limit,
        };
        good = if is_good { good + 1 } else { 0 };
        if good >= NIGHTS && night.at >= at {
            return &nights[place + 1 - NIGHTS..=place];
        }
    }
    &nights[end - good.min(NIGHTS)..]
}
