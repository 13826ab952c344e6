//! Statement A: the exact rule. How far a value lies from the mean of the seven days before it.
//!
//! Users know this rule and can compute it by hand, so nothing here is smoothed or guarded;
//! whether a band means anything is the business of [`crate::evidence`] and [`crate::gate`].

use bench_report::metric::Direction;
use serde::{Deserialize, Serialize};

/// The window of the rolling baseline, in milliseconds: seven days of UTC, whatever clocks did.
pub const WINDOW_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Fewer runs than this in the window are no baseline.
pub const MIN_RUNS: usize = 3;

/// A change this close to an edge is on it, so that binary fractions never decide.
pub const EDGE_TOLERANCE: f64 = 1e-9;

/// Worse by more than this is critical.
pub const CRITICAL_ABOVE: f64 = 0.20;

/// Worse by this or more is a warning.
pub const WARNING_FROM: f64 = 0.10;

/// Worse by this or more is worth knowing; better by this or more is an improvement.
pub const INFO_FROM: f64 = 0.05;

/// The size of a change. The order of its values is the order in which pages list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// Worse by more than 20%, or from zero by more than the metric's floor.
    Critical,
    /// Worse by 10 to 20%.
    Warning,
    /// Worse by 5 to 10%.
    Info,
    /// Between 5% worse and 5% better.
    None,
    /// Better by 5% or more.
    Improved,
    /// No baseline yet: never green.
    Warming,
    /// No percentage can be taken of the baseline.
    Undefined,
}

impl Band {
    /// The band of a change, positive being worse. A change that is not a number has none.
    pub fn of(change: f64) -> Band {
        if change.is_nan() {
            Band::Undefined
        } else if exceeds(change, CRITICAL_ABOVE) {
            Band::Critical
        } else if reaches(change, WARNING_FROM) {
            Band::Warning
        } else if reaches(change, INFO_FROM) {
            Band::Info
        } else if reaches(-change, INFO_FROM) {
            Band::Improved
        } else {
            Band::None
        }
    }

    /// How bad, from 0 (not worse, or not known) to 3 (critical).
    pub fn severity(self) -> u8 {
        match self {
            Band::Critical => 3,
            Band::Warning => 2,
            Band::Info => 1,
            Band::None | Band::Improved | Band::Warming | Band::Undefined => 0,
        }
    }

    /// The word that people and JSON read.
    pub fn word(self) -> &'static str {
        match self {
            Band::Critical => "critical",
            Band::Warning => "warning",
            Band::Info => "info",
            Band::None => "none",
            Band::Improved => "improved",
            Band::Warming => "warming",
            Band::Undefined => "undefined",
        }
    }
}

/// Whether `change` lies beyond `edge`, and not on it.
pub fn exceeds(change: f64, edge: f64) -> bool {
    change > edge + EDGE_TOLERANCE
}

/// Whether `change` lies on `edge` or beyond it.
pub fn reaches(change: f64, edge: f64) -> bool {
    change >= edge - EDGE_TOLERANCE
}

/// One published value: the median of a run's samples, at the run's start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since 1970, UTC.
    pub time_ms: i64,
    /// In the metric's unit; finite.
    pub value: f64,
}

/// What the window before a run holds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Baseline {
    /// How many runs.
    pub runs: usize,
    /// Their arithmetic mean; absent below [`MIN_RUNS`].
    pub mean: Option<f64>,
}

/// The baseline for a run at `at_ms`: the mean of the points in `[at_ms - 7 d, at_ms)`. The run
/// itself, and others of the same millisecond, lie outside.
///
/// `points` is sorted by time and holds what may form baselines, and nothing else.
pub fn baseline(points: &[Point], at_ms: i64) -> Baseline {
    mean_of(window(points, at_ms))
}

/// The points that [`baseline`] takes.
pub fn window(points: &[Point], at_ms: i64) -> &[Point] {
    let from = points.partition_point(|point| point.time_ms < at_ms.saturating_sub(WINDOW_MS));
    let to = points.partition_point(|point| point.time_ms < at_ms);
    points.get(from..to).unwrap_or_default()
}

/// A mean that is smaller than this part of its largest value is zero.
const CANCELLED: f64 = 1e-12;

/// The mean of given points, where they are enough.
fn mean_of(window: &[Point]) -> Baseline {
    let runs = window.len();
    let mean = (runs >= MIN_RUNS).then(|| {
        let count = runs as f64;
        let mean = window.iter().map(|point| point.value).sum::<f64>() / count;
        let largest = window.iter().map(|p| p.value.abs()).fold(0.0, f64::max);
        if mean.abs() <= CANCELLED * largest {
            // Values of both signs that cancel out leave what binary arithmetic could not hold.
            0.0
        } else if mean.is_finite() {
            mean
        } else {
            // The sum left the range of f64; dividing first stays inside.
            window.iter().map(|point| point.value / count).sum()
        }
    });
    Baseline { runs, mean }
}

/// A value against a baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The size of the change.
    pub band: Band,
    /// The change, positive being worse; absent where no percentage can be taken.
    pub change: Option<f64>,
}

/// Judges a value. `floor` is the least amount that matters, in the metric's unit: where better is
/// lower and the baseline is zero, more than that is critical, so that errors which appear out of
/// nothing do not pass.
pub fn judge(value: f64, baseline: Option<f64>, better: Direction, floor: Option<f64>) -> Judged {
    let Some(baseline) = baseline else {
        return Judged {
            band: Band::Warming,
            change: None,
        };
    };
    if let Some(change) = change(value, baseline, better) {
        return Judged {
            band: Band::of(change),
            change: Some(change),
        };
    }
    if baseline == 0.0 && better == Direction::Lower && value.is_finite() {
        let worse = value > floor.unwrap_or(0.0);
        let change = (value == 0.0).then_some(0.0);
        return Judged {
            band: if worse { Band::Critical } else { Band::None },
            change,
        };
    }
    Judged {
        band: Band::Undefined,
        change: None,
    }
}

/// `value / baseline - 1` where lower is better, `1 - value / baseline` where higher is better.
/// None where the baseline is not positive or the value is negative: a percentage of those would
/// not say what is worse.
pub fn change(value: f64, baseline: f64, better: Direction) -> Option<f64> {
    let comparable = baseline > 0.0 && value >= 0.0 && baseline.is_finite() && value.is_finite();
    let ratio = value / baseline;
    (comparable && ratio.is_finite()).then_some(match better {
        Direction::Lower => ratio - 1.0,
        Direction::Higher => 1.0 - ratio,
    })
}

/// The interval of a value as changes against a baseline, in ascending order, positive being worse:
/// what the samples of one run leave open. The nights' own noise is not in it. None where no
/// percentage can be taken of either end.
pub fn change_interval(
    (low, high): (f64, f64),
    baseline: Option<f64>,
    better: Direction,
) -> Option<[f64; 2]> {
    let baseline = baseline?;
    let (low, high) = (
        change(low, baseline, better)?,
        change(high, baseline, better)?,
    );
    Some([low.min(high), low.max(high)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    const HOUR: i64 = 60 * 60 * 1000;
    const DAY: i64 = 24 * HOUR;

    fn nights(values: &[f64]) -> Vec<Point> {
        (0..)
            .zip(values)
            .map(|(night, &value)| Point {
                time_ms: night * DAY,
                value,
            })
            .collect()
    }

    #[track_caller]
    fn check(value: f64, baseline: f64, better: Direction, band: Band) {
        assert_eq!(judge(value, Some(baseline), better, None).band, band);
    }

    #[test]
    fn an_interval_of_a_value_is_an_interval_of_its_change() {
        let of = |better| change_interval((90.0, 120.0), Some(100.0), better);
        let rounded = |interval: Option<[f64; 2]>| {
            interval.map(|ends| ends.map(|end| (end * 1e9).round() / 1e9))
        };
        assert_eq!(rounded(of(Direction::Lower)), Some([-0.1, 0.2]));
        assert_eq!(rounded(of(Direction::Higher)), Some([-0.2, 0.1]));
        let none = change_interval((90.0, 120.0), None, Direction::Lower);
        assert_eq!(none, None);
        let zero = change_interval((0.0, 1.0), Some(0.0), Direction::Lower);
        assert_eq!(zero, None);
    }

    #[test]
    fn values_on_an_edge_belong_to_the_milder_band_above_and_to_the_band_that_starts_there() {
        let lower = Direction::Lower;
        check(1.2, 1.0, lower, Band::Warning);
        check(1.2000001, 1.0, lower, Band::Critical);
        check(0.11, 0.1, lower, Band::Warning);
        check(0.1099999, 0.1, lower, Band::Info);
        check(1.05, 1.0, lower, Band::Info);
        check(1.0499999, 1.0, lower, Band::None);
        check(0.95, 1.0, lower, Band::Improved);
        check(0.9500001, 1.0, lower, Band::None);
        let higher = Direction::Higher;
        check(0.8, 1.0, higher, Band::Warning);
        check(0.7999999, 1.0, higher, Band::Critical);
        check(9.0, 10.0, higher, Band::Warning);
        check(9.5, 10.0, higher, Band::Info);
        check(10.5, 10.0, higher, Band::Improved);
    }

    #[test]
    fn errors_that_appear_out_of_nothing_are_critical_beyond_the_floor() {
        let appeared = |value, floor| judge(value, Some(0.0), Direction::Lower, floor).band;
        assert_eq!(appeared(0.0, None), Band::None);
        assert_eq!(appeared(1e-9, None), Band::Critical);
        assert_eq!(appeared(0.001, Some(0.001)), Band::None);
        assert_eq!(appeared(0.0011, Some(0.001)), Band::Critical);
        assert_eq!(judge(1.0, Some(0.0), Direction::Lower, None).change, None);
        assert_eq!(
            judge(0.0, Some(0.0), Direction::Lower, None).change,
            Some(0.0)
        );
    }

    #[test]
    fn no_percentage_is_taken_of_what_has_none() {
        check(5.0, 0.0, Direction::Higher, Band::Undefined);
        check(5.0, -5.0, Direction::Lower, Band::Undefined);
        check(-5.0, 5.0, Direction::Lower, Band::Undefined);
        check(-5.0, -4.0, Direction::Lower, Band::Undefined);
        check(f64::NAN, 0.0, Direction::Lower, Band::Undefined);
        check(f64::INFINITY, 1.0, Direction::Lower, Band::Undefined);
        check(1e308, 1e-308, Direction::Lower, Band::Undefined);
    }

    #[test]
    fn fewer_than_three_runs_in_the_window_are_no_baseline() {
        let points = nights(&[1.0, 2.0, 6.0]);
        assert_eq!(
            baseline(&points, 2 * DAY),
            Baseline {
                runs: 2,
                mean: None
            }
        );
        assert_eq!(
            baseline(&points, 3 * DAY),
            Baseline {
                runs: 3,
                mean: Some(3.0)
            }
        );
        assert_eq!(
            baseline(&[], 0),
            Baseline {
                runs: 0,
                mean: None
            }
        );
        assert_eq!(judge(1.0, None, Direction::Lower, None).band, Band::Warming);
    }

    #[test]
    fn the_window_holds_its_start_and_not_its_end() {
        let points = nights(&[1.0; 30]);
        assert_eq!(baseline(&points, 20 * DAY).runs, 7);
        assert_eq!(baseline(&points, 20 * DAY + 1).runs, 7);
        assert_eq!(baseline(&points, 20 * DAY - 1).runs, 7);
        assert_eq!(baseline(&points, 60 * DAY).runs, 0);
    }

    #[test]
    fn a_sum_beyond_the_range_of_numbers_still_has_a_mean() {
        assert_eq!(baseline(&nights(&[1e308; 5]), 5 * DAY).mean, Some(1e308));
    }

    /// The rule in whole numbers: `thousandths` of the unit, no division, no tolerance. Written
    /// from the rule's text and sharing nothing with the code above.
    fn reference(history: &[(i64, i128)], night: usize, better: Direction, floor: i128) -> Band {
        let (now, value) = history[night];
        let (mut sum, mut runs) = (0, 0);
        for (at, other) in history {
            let age = now - at;
            if age > 0 && age <= 7 * 86_400_000 {
                sum += other;
                runs += 1;
            }
        }
        let worse = match better {
            Direction::Lower => value * runs - sum,
            Direction::Higher => sum - value * runs,
        };
        match (runs < 3, sum.cmp(&0), better) {
            (true, _, _) => Band::Warming,
            (_, std::cmp::Ordering::Equal, Direction::Lower) if value > floor => Band::Critical,
            (_, std::cmp::Ordering::Equal, Direction::Lower) => Band::None,
            (_, std::cmp::Ordering::Equal | std::cmp::Ordering::Less, _) => Band::Undefined,
            _ if value < 0 => Band::Undefined,
            _ if 5 * worse > sum => Band::Critical,
            _ if 10 * worse >= sum => Band::Warning,
            _ if 20 * worse >= sum => Band::Info,
            _ if -20 * worse >= sum => Band::Improved,
            _ => Band::None,
        }
    }

    /// What a random history has in it.
    #[derive(Debug, Default, Clone, Copy)]
    struct Has {
        /// Nights without a run.
        gaps: u64,
        /// Nights with several runs.
        several: u64,
        /// The clocks went forward or back in it.
        clock_change: u64,
        /// A run lies within an hour of the far end of a later run's window, so that the clock
        /// decides whether it counts.
        clock_decides: u64,
        /// Values that were put on an edge of the window before them.
        put_on_edge: u64,
        /// Zeros and negative values.
        not_positive: u64,
    }

    /// A history with gaps, several runs a night, an hour lost or won to daylight saving on one of
    /// its nights, zeros, now and then a negative value, and values put exactly on an edge of the
    /// window before them. The runs are timed by a clock on the wall.
    fn random_history(random: &mut Random) -> (Vec<(i64, i128)>, Has) {
        let mut history: Vec<(i64, i128)> = Vec::new();
        let mut has = Has::default();
        let unit = [1, 20, 840, 16_800][random.below(4)];
        let zeros = random.below(8) == 0;
        // In spring the clock is put forward: what it calls three is an hour earlier.
        let (changes_on, moved) = match random.below(3) {
            0 => (i64::MAX, 0),
            1 => (2 + random.below(20) as i64, -HOUR),
            _ => (2 + random.below(20) as i64, HOUR),
        };
        for night in 0..4 + random.below(24) as i64 {
            if random.below(6) == 0 {
                has.gaps += 1;
                continue;
            }
            let clock = if night >= changes_on { moved } else { 0 };
            has.clock_change += u64::from(night == changes_on);
            let runs = 1 + [0, 0, 0, 1, 2][random.below(5)];
            has.several += u64::from(runs > 1);
            for run in 0..runs {
                let now = night * DAY + 3 * HOUR + clock + run * 17 * 60_000;
                let near = |at: i64| (now - at - 7 * DAY).abs() <= HOUR;
                has.clock_decides += u64::from(
                    night >= changes_on
                        && history
                            .iter()
                            .any(|(at, _)| near(*at) && *at < changes_on * DAY),
                );
                let window: Vec<i128> = history
                    .iter()
                    .filter(|(at, _)| (1..=7 * DAY).contains(&(now - at)))
                    .map(|(_, value)| *value)
                    .collect();
                let (sum, runs) = (window.iter().sum::<i128>(), window.len().max(1) as i128);
                let value = match random.below(40) {
                    0 => 0,
                    1 => -unit * random.below(100) as i128,
                    2..=14 => {
                        has.put_on_edge += 1;
                        let percent = [80, 90, 95, 100, 105, 110, 120][random.below(7)];
                        sum * percent / (100 * runs)
                    }
                    _ if zeros => 0,
                    _ => unit * (50 + random.below(60) as i128),
                };
                has.not_positive += u64::from(value <= 0);
                history.push((now, value));
            }
        }
        (history, has)
    }

    #[test]
    fn bands_equal_an_independent_reference_on_100000_random_histories() {
        const EDGES: [f64; 4] = [-0.05, 0.05, 0.1, 0.2];
        const HISTORIES: u64 = 100_000;
        let mut random = Random::new(20);
        let mut on_edge = [[0_u64; 2]; 4];
        let mut seen = std::collections::HashSet::new();
        // In how many histories there was something of it.
        let mut with = [0_u64; 6];
        for case in 0..HISTORIES {
            let (history, has) = random_history(&mut random);
            let way = random.below(2);
            let better = [Direction::Lower, Direction::Higher][way];
            let floor = [0, 0, 900][random.below(3)];
            let all = [
                has.gaps,
                has.several,
                has.clock_change,
                has.clock_decides,
                has.put_on_edge,
                has.not_positive,
            ];
            for (count, found) in with.iter_mut().zip(all) {
                *count += u64::from(found > 0);
            }
            let points: Vec<Point> = history
                .iter()
                .map(|&(time_ms, value)| Point {
                    time_ms,
                    value: value as f64 / 1000.0,
                })
                .collect();
            for (night, point) in points.iter().enumerate() {
                let window = baseline(&points, point.time_ms);
                let got = judge(
                    point.value,
                    window.mean,
                    better,
                    Some(floor as f64 / 1000.0),
                );
                let want = reference(&history, night, better, floor);
                assert_eq!(
                    got.band, want,
                    "case {case}, night {night}: {window:?} {history:?}"
                );
                for (edge, count) in EDGES.iter().zip(&mut on_edge) {
                    let is_on = got.change.is_some_and(|c| (c - edge).abs() < 1e-12);
                    count[way] += u64::from(is_on);
                }
                seen.insert((got.band, way));
            }
        }
        assert_eq!(seen.len(), 14, "every band both ways: {seen:?}");
        let many = |counts: &[u64], least: u64| counts.iter().all(|count| *count >= least);
        assert!(many(&with, HISTORIES / 20), "{with:?}");
        assert!(many(on_edge.as_flattened(), 1_000), "{on_edge:?}");
    }
}
