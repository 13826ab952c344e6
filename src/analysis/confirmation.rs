//! What the pairs of a night come to: what was asked for and is settled, and whether the canary
//! sang.

use std::collections::HashMap;

use bench_report::metric::Direction;
pub use bench_verdict::confirmation::Answer;
use bench_verdict::confirmation::{Answered, Confirmation, Outcome, identical_deviation, judge};
use bench_verdict::stats::paired::Pairs;
use bench_verdict::verdict::Confirm;
use bench_verdict::words::percent;

use crate::domain::confirmation::{JudgedPairs, NewPaired, Paired, Proofs, Purpose};
use crate::domain::{Judged, Series, SeriesId};

/// What judges pairs: `base` and `head` in pairs, and the spread of identical sides. A function, so
/// that a test can switch it off and see the canary fall silent.
pub type PairJudge = fn(&Pairs, Option<f64>) -> Confirmation;

/// The rule.
pub const JUDGE: PairJudge = judge;

/// Judges the pairs of a series, whose identical pairs so far had these logarithms of ratios. None
/// where there are no ratios: a value is zero.
pub fn judged(
    series: SeriesId,
    new: &NewPaired,
    identical: &[f64],
    judge: PairJudge,
) -> Option<JudgedPairs> {
    let pairs = Pairs::new(&new.base, &new.head)?;
    Some(JudgedPairs {
        series,
        numbers: judge(&pairs, identical_deviation(identical)),
        log_ratios: pairs.log_ratios().to_vec(),
    })
}

/// The difference as a change: positive is worse.
pub fn change(better: Direction, numbers: &Confirmation) -> f64 {
    let ratio = numbers.log_ratio.exp_m1();
    match better {
        Direction::Lower => ratio,
        Direction::Higher => -ratio,
    }
}

/// What an answer says of a series.
pub fn answered(series: &Series, numbers: Confirmation) -> Answered {
    Answered {
        series_id: series.id.0,
        benchmark: series.key.benchmark.clone(),
        params: series.key.params.clone(),
        metric: series.key.metric.clone(),
        change: change(series.better, &numbers),
        numbers,
    }
}

/// Of each series and purpose the pairs that count: the most, which are all that were measured.
pub fn last_words(paired: &[Paired]) -> Vec<&Paired> {
    let mut best: HashMap<(Purpose, SeriesId), &Paired> = HashMap::new();
    for one in paired {
        let own = best.entry((one.purpose, one.series)).or_insert(one);
        if one.numbers.pairs >= own.numbers.pairs {
            *own = one;
        }
    }
    let mut words: Vec<&Paired> = best.into_values().collect();
    words.sort_by_key(|one| (one.confirmation, one.series));
    words
}

/// What is still asked for of a series: nothing once pairs have said all that they can.
pub fn asked(proofs: &Proofs, series: SeriesId) -> Option<Confirm> {
    let ask = proofs.asks.iter().find(|ask| ask.series == series)?;
    let words = last_words(&proofs.paired);
    let settled = words.iter().any(|one| {
        one.purpose == Purpose::Confirm
            && one.series == series
            && one.numbers.outcome != Outcome::MorePairs
    });
    (!settled).then(|| Confirm {
        against_commit: ask.against_commit.clone(),
        why: ask.why.clone(),
    })
}

/// Whether a turn of the canary went as it must: what was planted is confirmed as worse, and what
/// is identical is not confirmed at all.
pub fn is_right(better: Direction, paired: &Paired) -> bool {
    let confirmed = paired.numbers.outcome == Outcome::Confirmed;
    match paired.purpose {
        Purpose::Canary => confirmed && change(better, &paired.numbers) > 0.0,
        _ => !confirmed,
    }
}

/// What the canary of a run missed, or where it sang without a cause; none where it did neither.
pub fn canary_missed(rows: &[Judged], proofs: &Proofs) -> Option<String> {
    let texts = last_words(&proofs.paired).into_iter().filter_map(|one| {
        let series = &rows.iter().find(|row| row.series.id == one.series)?.series;
        let canary = matches!(one.purpose, Purpose::Canary | Purpose::Aa);
        if !canary || is_right(series.better, one) {
            return None;
        }
        let name = bench_verdict::verdict::series_name(
            &series.key.benchmark,
            &series.key.params,
            &series.key.metric,
        );
        let size = percent(change(series.better, &one.numbers));
        let pairs = one.numbers.pairs;
        Some(match &one.planted {
            Some(planted) => {
                format!("{name}: {planted} was planted and not confirmed ({size}, {pairs} pairs)")
            }
            None => format!("{name}: two equal sides were told apart ({size}, {pairs} pairs)"),
        })
    });
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}
