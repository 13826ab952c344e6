//! Two sides of one series: how far apart, how sure, and how small a difference could have been
//! seen.

use bench_report::metric::Direction;

use crate::band::{self, Band};
use crate::stats::hodges_lehmann::{Shift, shift_interval};
use crate::stats::mann_whitney::{MannWhitney, mann_whitney, samples_needed, smallest_p};
use crate::stats::normal;
use crate::stats::paired::Pairs;
use crate::stats::sample::Sample;
use crate::stats::signed_rank;
use crate::stats::summary::{Summary, summary};
use crate::verdict::Evidence;

/// Differences with a p above this are not called differences.
pub const ALPHA: f64 = 0.05;

/// A change that could have been seen is one that would be found this often.
const POWER: f64 = 0.8;

/// How two sides are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// Which way is better.
    pub better: Direction,
    /// A count: any difference is real, no test is made.
    pub exact: bool,
    /// Both sides are one and the same program: any difference is noise by definition.
    pub identical: bool,
    /// The least amount that matters, in the metric's unit.
    pub floor: Option<f64>,
    /// The gate's threshold: a comparison that could not have seen it is inconclusive.
    pub threshold: f64,
}

impl Question {
    /// A plain question with the gate's own threshold.
    pub fn new(better: Direction) -> Question {
        Question {
            better,
            exact: false,
            identical: false,
            floor: None,
            threshold: crate::gate::DEFAULT_THRESHOLD,
        }
    }
}

/// Two sides compared. Changes are fractions, positive is worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// The side compared with.
    pub old: Summary,
    /// The side judged.
    pub new: Summary,
    /// The test; absent where none was made.
    pub test: Option<MannWhitney>,
    /// Of the medians (of the pairs' ratios, where paired).
    pub change: Option<f64>,
    /// The size of it.
    pub band: Band,
    /// The Hodges-Lehmann ratio of the sides as a change: what `interval` is of. None where no
    /// statistics are needed, or of a change from zero.
    pub effect: Option<f64>,
    /// 95% interval of the effect.
    pub interval: Option<[f64; 2]>,
    /// How sure.
    pub evidence: Evidence,
    /// The smallest change that would have been found four times in five.
    pub detectable_change: Option<f64>,
    /// Half the width of what noise alone does here.
    pub noise_floor: Option<f64>,
    /// Present when the samples are too few to decide: how many a side would do.
    pub samples_needed: Option<usize>,
}

impl Compared {
    /// `new / old - 1` as benchstat prints it, whichever direction is better. None where it prints
    /// `~` (no difference that the test can tell from noise) or `?` (a change from zero).
    pub fn delta(&self) -> Option<f64> {
        if !self.is_significant() {
            return None;
        }
        let (old, new) = (self.old.median, self.new.median);
        if old == new {
            Some(0.0)
        } else {
            (old != 0.0).then(|| new / old - 1.0)
        }
    }

    /// The same numbers as evidence of nothing: the sides were measured in different environments.
    pub fn incomparable(self) -> Compared {
        Compared {
            evidence: Evidence::Incomparable,
            samples_needed: None,
            ..self
        }
    }

    /// Whether the test rejects; a comparison without a test always does.
    pub fn is_significant(&self) -> bool {
        self.test.is_none_or(|test| test.p <= ALPHA)
    }
}

/// Compares two samples measured one after the other.
pub fn compare(old: &Sample, new: &Sample, question: &Question) -> Compared {
    let judged = band::judge(
        new.median(),
        Some(old.median()),
        question.better,
        question.floor,
    );
    let mut compared = Compared {
        old: summary(old),
        new: summary(new),
        test: None,
        change: judged.change,
        band: judged.band,
        effect: None,
        interval: None,
        evidence: Evidence::Exact,
        detectable_change: None,
        noise_floor: None,
        samples_needed: None,
    };
    if question.exact {
        compared.detectable_change = Some(0.0);
        compared.noise_floor = Some(0.0);
        return compared;
    }
    let test = mann_whitney(old, new);
    let scale = Scale::of(old, new);
    let shift = shift_interval(&scale.read(old), &scale.read(new), ALPHA);
    compared.test = Some(test);
    // Of a change from zero there is no percentage, and so no interval of it.
    let effect = shift.filter(|_| judged.change.is_some());
    compared.effect = effect.map(|shift| scale.change(shift.centre, question.better));
    compared.interval = effect
        .and_then(|shift| shift.interval)
        .map(|ends| scale.interval(ends, question.better));
    if let Some(half) = shift.as_ref().and_then(half_width) {
        compared.noise_floor = Some(scale.fraction(half));
        compared.detectable_change = Some(scale.fraction(half * powerful()));
    }
    let needed = needed(
        old.len(),
        new.len(),
        compared.detectable_change,
        question.threshold,
    );
    compared.evidence = evidence(&compared, test.p <= ALPHA, needed, question);
    compared.samples_needed = needed.filter(|_| compared.evidence == Evidence::Inconclusive);
    compared
}

/// Compares two sides measured in pairs. None where they are no pairs; see [`Pairs::new`].
pub fn compare_paired(base: &[f64], head: &[f64], question: &Question) -> Option<Compared> {
    let pairs = Pairs::new(base, head)?;
    let (old, new) = (Sample::new(base).ok()?, Sample::new(head).ok()?);
    let ratio = pairs.ratio(ALPHA);
    let scale = Scale::Log;
    let change = scale.change(ratio.log_ratio, question.better);
    let shift = Shift {
        centre: ratio.log_ratio,
        interval: ratio.interval,
    };
    let half = half_width(&shift);
    let mut compared = Compared {
        old: summary(&old),
        new: summary(&new),
        test: None,
        change: Some(change),
        band: Band::of(change),
        effect: Some(change),
        interval: ratio
            .interval
            .map(|ends| scale.interval(ends, question.better)),
        evidence: Evidence::Inconclusive,
        detectable_change: half.map(|half| scale.fraction(half * powerful())),
        noise_floor: half.map(|half| scale.fraction(half)),
        samples_needed: None,
    };
    let excludes = compared
        .interval
        .is_some_and(|[low, high]| low > 0.0 || high < 0.0);
    let needed = match compared.detectable_change {
        None => Some(signed_rank::values_needed(ALPHA)),
        seen => samples_for(seen, ratio.pairs, question.threshold),
    };
    compared.evidence = evidence(&compared, excludes, needed, question);
    compared.samples_needed = needed.filter(|_| compared.evidence == Evidence::Inconclusive);
    Some(compared)
}

fn evidence(
    compared: &Compared,
    differs: bool,
    needed: Option<usize>,
    question: &Question,
) -> Evidence {
    // A change from zero has no interval. One that ends at zero does not exclude it.
    let excludes_zero = compared
        .interval
        .is_none_or(|[low, high]| low > 0.0 || high < 0.0);
    let beyond_an_edge = !matches!(compared.band, Band::None | Band::Undefined);
    if question.identical {
        Evidence::Noise
    } else if differs && excludes_zero && beyond_an_edge {
        Evidence::Confirmed
    } else if differs {
        Evidence::Likely
    } else if needed.is_some() {
        Evidence::Inconclusive
    } else {
        Evidence::Noise
    }
}

/// How many samples a side are needed where the present ones cannot decide.
fn needed(n1: usize, n2: usize, detectable: Option<f64>, threshold: f64) -> Option<usize> {
    if smallest_p(n1, n2) > ALPHA {
        return Some(samples_needed(ALPHA).max(n1.min(n2) + 1));
    }
    samples_for(detectable, n1.min(n2), threshold)
}

/// How many samples would have seen the threshold: intervals narrow with the root of their number.
fn samples_for(detectable: Option<f64>, n: usize, threshold: f64) -> Option<usize> {
    let detectable = detectable.filter(|detectable| band::exceeds(*detectable, threshold))?;
    let times = (detectable.ln_1p() / threshold.max(1e-6).ln_1p()).powi(2);
    Some((n as f64 * times).ceil().min(1e6) as usize)
}

/// A difference at the edge of an interval is found half the time; one this much larger is found
/// with [`POWER`].
fn powerful() -> f64 {
    let edge = normal::quantile(1.0 - 0.5 * ALPHA);
    (edge + normal::quantile(POWER)) / edge
}

fn half_width(shift: &Shift) -> Option<f64> {
    shift
        .interval
        .map(|[low, high]| (high - shift.centre).max(shift.centre - low))
}

/// No value is more than so many parts of the typical size.
const MOST_PARTS: f64 = 1e100;

/// How values are read so that differences are relative.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    /// All values are positive: logarithms.
    Log,
    /// Some are not: parts of the larger typical size.
    Parts(f64),
}

impl Scale {
    fn of(old: &Sample, new: &Sample) -> Scale {
        if old.min() > 0.0 && new.min() > 0.0 {
            return Scale::Log;
        }
        let ends = [old.min(), old.max(), new.min(), new.max()];
        let largest = ends.map(f64::abs).into_iter().fold(0.0, f64::max);
        let typical = [old.median().abs(), new.median().abs(), largest];
        let size = typical.into_iter().find(|size| *size > 0.0).unwrap_or(1.0);
        // Beyond so many parts differences leave the range of numbers.
        Scale::Parts(size.max(largest / MOST_PARTS))
    }

    fn read(self, sample: &Sample) -> Vec<f64> {
        let value = |value: &f64| match self {
            Scale::Log => value.ln(),
            Scale::Parts(size) => value / size,
        };
        sample.values().iter().map(value).collect()
    }

    /// A width as a fraction.
    fn fraction(self, width: f64) -> f64 {
        match self {
            // An infinity does not travel as JSON.
            Scale::Log => width.exp_m1().min(f64::MAX),
            Scale::Parts(_) => width,
        }
    }

    /// A shift as a change, positive being worse.
    fn change(self, shift: f64, better: Direction) -> f64 {
        let ratio = self.fraction(shift);
        if better == Direction::Lower {
            ratio
        } else {
            -ratio
        }
    }

    fn interval(self, [low, high]: [f64; 2], better: Direction) -> [f64; 2] {
        let (low, high) = (self.change(low, better), self.change(high, better));
        [low.min(high), low.max(high)]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    fn sample(values: &[f64]) -> Sample {
        Sample::new(values).unwrap()
    }

    fn around(level: f64, spread: f64, count: usize, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed);
        (0..count)
            .map(|_| level * (1.0 + spread * (random.unit() - 0.5)))
            .collect()
    }

    fn lower(old: &[f64], new: &[f64]) -> Compared {
        compare(&sample(old), &sample(new), &Question::new(Direction::Lower))
    }

    #[test]
    fn a_clear_slowdown_is_confirmed_with_an_interval_around_it() {
        let got = lower(&around(100.0, 0.02, 10, 1), &around(115.0, 0.02, 10, 2));
        assert_eq!(
            (got.band, got.evidence),
            (Band::Warning, Evidence::Confirmed)
        );
        let [low, high] = got.interval.unwrap();
        assert!(low > 0.13 && high < 0.17, "{got:?}");
        assert!((got.delta().unwrap() - 0.15).abs() < 0.01);
        assert_eq!(got.samples_needed, None);
    }

    #[test]
    fn where_more_is_better_the_sign_turns_and_the_delta_does_not() {
        let question = Question::new(Direction::Higher);
        let (old, new) = (around(100.0, 0.02, 10, 1), around(80.0, 0.02, 10, 2));
        let got = compare(&sample(&old), &sample(&new), &question);
        assert!((got.change.unwrap() - 0.2).abs() < 0.01, "{got:?}");
        assert!(got.delta().unwrap() < -0.18);
        let [low, high] = got.interval.unwrap();
        assert!(low < 0.2 && 0.2 < high && low > 0.17, "{got:?}");
    }

    #[test]
    fn the_effect_is_the_centre_of_its_interval_and_not_of_the_medians() {
        // Most of the new samples are a fifth more, and a lucky half of them is not.
        let old = [100.0, 100.1, 100.2, 100.3, 100.4, 100.5, 100.6, 100.7];
        let new = [100.0, 100.1, 100.2, 120.0, 120.1, 120.2, 120.3, 120.4];
        let got = lower(&old, &new);
        let (change, effect) = (got.change.unwrap(), got.effect.unwrap());
        let [low, high] = got.interval.unwrap();
        assert!(low <= effect && effect <= high, "{got:?}");
        let ratios = old
            .iter()
            .flat_map(|a| new.iter().map(move |b| b / a - 1.0));
        let median = crate::stats::order::median(&ratios.collect::<Vec<f64>>()).unwrap();
        assert!((effect - median).abs() < 1e-4, "{effect} {median}");
        assert!((effect - change).abs() > 1e-3, "{effect} {change}");
        assert_eq!(lower(&[0.0; 8], &[16.0; 8]).effect, None);
    }

    #[test]
    fn an_interval_that_ends_at_zero_confirms_nothing() {
        // A coarse timer: the ties make p small, and no difference is among those that the interval
        // holds.
        let old = [10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 12.0, 12.0];
        let new = [10.0, 10.0, 12.0, 12.0, 12.0, 12.0, 12.0, 12.0];
        let got = lower(&old, &new);
        assert_eq!(got.interval.map(|[low, _]| low), Some(0.0), "{got:?}");
        assert_eq!(got.band, Band::Warning, "{got:?}");
        assert_ne!(got.evidence, Evidence::Confirmed, "{got:?}");
    }

    #[test]
    fn no_difference_says_how_small_a_one_would_have_been_seen() {
        let got = lower(&around(100.0, 0.02, 10, 3), &around(100.0, 0.02, 10, 4));
        assert_eq!((got.band, got.evidence), (Band::None, Evidence::Noise));
        let detectable = got.detectable_change.unwrap();
        assert!((0.005..0.03).contains(&detectable), "{detectable}");
        assert!(got.noise_floor.unwrap() < detectable);
        assert_eq!(got.delta(), None);
    }

    #[test]
    fn what_could_not_have_seen_the_threshold_is_inconclusive_and_says_what_would() {
        let got = lower(&around(100.0, 0.6, 8, 5), &around(100.0, 0.6, 8, 6));
        assert_eq!(got.evidence, Evidence::Inconclusive);
        assert!(got.samples_needed.unwrap() > 8, "{got:?}");
    }

    #[test]
    fn three_samples_a_side_cannot_decide_and_four_can() {
        let three = lower(&[100.0, 101.0, 102.0], &[200.0, 201.0, 202.0]);
        assert_eq!(
            (three.evidence, three.samples_needed),
            (Evidence::Inconclusive, Some(4))
        );
        assert_eq!(three.band, Band::Critical, "the band is shown all the same");
        let four = lower(&[100.0, 101.0, 102.0, 103.0], &[200.0, 201.0, 202.0, 203.0]);
        assert_eq!(four.evidence, Evidence::Confirmed);
        let lopsided = lower(&[100.0], &[200.0; 9]);
        assert!(lopsided.samples_needed.is_some(), "{lopsided:?}");
    }

    #[test]
    fn a_count_needs_no_test() {
        let question = Question {
            exact: true,
            ..Question::new(Direction::Lower)
        };
        let got = compare(&sample(&[1000.0]), &sample(&[1001.0]), &question);
        assert_eq!((got.evidence, got.test), (Evidence::Exact, None));
        assert!((got.delta().unwrap() - 0.001).abs() < 1e-12);
        let more = compare(&sample(&[1000.0]), &sample(&[1300.0]), &question);
        assert_eq!(
            (more.band, more.evidence),
            (Band::Critical, Evidence::Exact)
        );
    }

    #[test]
    fn identical_programs_never_differ() {
        let question = Question {
            identical: true,
            ..Question::new(Direction::Lower)
        };
        let got = compare(&sample(&[100.0; 9]), &sample(&[150.0; 9]), &question);
        assert_eq!(got.evidence, Evidence::Noise);
    }

    #[test]
    fn zero_and_equal_samples_are_answered() {
        let zeros = lower(&[0.0; 8], &[0.0; 8]);
        assert_eq!((zeros.band, zeros.delta()), (Band::None, None));
        let appeared = lower(&[0.0; 8], &[16.0; 8]);
        assert_eq!(
            (appeared.band, appeared.evidence),
            (Band::Critical, Evidence::Confirmed)
        );
        assert_eq!((appeared.delta(), appeared.is_significant()), (None, true));
        let constant = lower(&[50.0; 8], &[60.0; 8]);
        assert_eq!(
            (constant.band, constant.evidence),
            (Band::Warning, Evidence::Confirmed)
        );
    }

    #[test]
    fn whatever_finite_samples_are_compared_all_that_is_said_is_a_finite_number() {
        let all = crate::stats::degenerate::samples();
        let odd = ("mostly zero", [[0.0; 6].as_slice(), &[5.0; 2]].concat());
        let all: Vec<_> = all.into_iter().chain([odd]).collect();
        for (name, old) in all.iter().filter(|(_, values)| !values.is_empty()) {
            for (other, new) in all.iter().filter(|(_, values)| !values.is_empty()) {
                for better in [Direction::Lower, Direction::Higher] {
                    let question = Question::new(better);
                    let unpaired = compare(&sample(old), &sample(new), &question);
                    let paired = compare_paired(old, new, &question);
                    for got in [Some(unpaired), paired].into_iter().flatten() {
                        let numbers = [got.change, got.effect];
                        let numbers = numbers
                            .into_iter()
                            .chain(got.interval.map(|i| i.map(Some)).into_iter().flatten());
                        let numbers = numbers.chain([got.detectable_change, got.noise_floor]);
                        for number in numbers.flatten() {
                            assert!(number.is_finite(), "{name} and {other}: {got:?}");
                        }
                        assert!(got.samples_needed.is_none_or(|needed| needed > 0));
                    }
                }
            }
        }
    }

    #[test]
    fn pairs_see_through_drift_that_samples_do_not() {
        let base: Vec<f64> = (0..12).map(|round| 100.0 * 1.05_f64.powi(round)).collect();
        let noise = around(1.0, 0.01, 12, 8);
        let head: Vec<f64> = base
            .iter()
            .zip(&noise)
            .map(|(base, n)| base * 1.06 * n)
            .collect();
        let question = Question::new(Direction::Lower);
        let paired = compare_paired(&base, &head, &question).unwrap();
        assert_eq!(
            (paired.band, paired.evidence),
            (Band::Info, Evidence::Confirmed)
        );
        let unpaired = compare(&sample(&base), &sample(&head), &question);
        assert_ne!(unpaired.evidence, Evidence::Confirmed);
    }

    #[test]
    fn three_pairs_are_too_few() {
        let question = Question::new(Direction::Lower);
        let got = compare_paired(&[1.0, 1.0, 1.0], &[2.0, 2.0, 2.0], &question).unwrap();
        assert_eq!(
            (got.evidence, got.samples_needed),
            (Evidence::Inconclusive, Some(6))
        );
        assert_eq!(compare_paired(&[0.0], &[1.0], &question), None);
    }
}
