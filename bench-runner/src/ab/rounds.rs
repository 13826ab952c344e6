//! Pairs in ABBA order, until they decide.
//!
//! A round is one turn of each side. Rounds come in twos, the second with the sides the other way
//! round; which side begins is drawn anew each time. So a drift that is a straight line over four
//! turns cancels, and no rhythm of the machine can favour a side.

use std::collections::BTreeMap;
use std::time::Duration;

use bench_report::metric::{Direction, Kind, SeriesName};
use bench_report::report::Report;
use bench_verdict::band::Band;
use bench_verdict::compare::{Compared, Question, compare, compare_paired};
use bench_verdict::stats::paired::{self, PairedRatio};
use bench_verdict::stats::sample::Sample;
use bench_verdict::verdict::Evidence;

use super::side::{Figures, SideError, Turn};
use crate::workload::random::{Random, derive};

/// Rounds before which nothing is decided: an interval needs so many pairs.
pub const LEAST_ROUNDS: u32 = 8;

/// Rounds end only by an interval of this level. A series is looked at every second round until it
/// is decided, so that an interval of 95% would be wrong at one of the looks too often.
const LOOK_ALPHA: f64 = 0.01;

/// The standard deviation of normal noise over its median absolute deviation.
const NORMAL_MAD: f64 = 1.4826;

/// What is told of a ratio is its 95% interval.
const RATIO_ALPHA: f64 = 0.05;

/// How rounds are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Rounds at most.
    pub rounds: u32,
    /// A change beyond this matters, as a fraction.
    pub threshold: f64,
    /// Draws the order.
    pub seed: u64,
    /// Whether both sides are one and the same program.
    pub identical: bool,
    /// Whether rounds end once every series is decided.
    pub early: bool,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub struct Pairs {
    /// Rounds done.
    pub rounds: u32,
    /// Whether rounds ended because every series was decided.
    pub decided: bool,
    /// Whether rounds ended because somebody stopped them; what was measured before is whole.
    pub stopped: bool,
    /// How long they took, where the caller says so.
    pub took: Duration,
    /// The first report of each side, base and head, where they gave any.
    pub first_reports: [Option<Report>; 2],
    series: BTreeMap<SeriesName, Both>,
}

#[derive(Debug)]
struct Both {
    figures: Figures,
    base: Vec<f64>,
    head: Vec<f64>,
}

/// One series compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which.
    pub name: SeriesName,
    /// Its unit, as the report has it.
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// How the sides compare.
    pub compared: Compared,
    /// How far apart the sides of one pair are by noise alone, as a fraction: the standard deviation
    /// of the pairs' ratios, by their median absolute deviation. None where there are no ratios.
    pub noise: Option<f64>,
}

/// Takes turns until every series is decided or the budget is used up. `turn(true)` is a turn of
/// the head; `after` hears after each round how it stands, and says whether to go on.
pub fn run(
    budget: Budget,
    turn: impl FnMut(bool) -> Result<Turn, SideError>,
    after: impl FnMut(&Pairs) -> bool,
) -> Result<Pairs, SideError> {
    let mut pairs = Pairs::default();
    go_on(&mut pairs, budget, turn, after)?;
    Ok(pairs)
}

/// As [`run`], after rounds that were made already.
pub fn go_on(
    pairs: &mut Pairs,
    budget: Budget,
    mut turn: impl FnMut(bool) -> Result<Turn, SideError>,
    mut after: impl FnMut(&Pairs) -> bool,
) -> Result<(), SideError> {
    while pairs.rounds < budget.rounds {
        let head_first = head_first(budget.seed, pairs.rounds);
        let turns = turn(head_first).and_then(|one| Ok((one, turn(!head_first)?)));
        let (one, other) = match turns {
            Err(SideError::Stopped(_)) => {
                pairs.stopped = true;
                break;
            }
            turns => turns?,
        };
        let (base, head) = if head_first {
            (other, one)
        } else {
            (one, other)
        };
        pairs.add(base, head);
        // Two rounds belong together: the order is balanced after an even number.
        let balanced = pairs.rounds.is_multiple_of(2) && pairs.rounds >= LEAST_ROUNDS;
        pairs.decided = budget.early && balanced && pairs.undecided(&budget).is_empty();
        if !after(pairs) || pairs.decided {
            break;
        }
    }
    Ok(())
}

/// Whether the head begins a round. The second round of two mirrors the first.
fn head_first(seed: u64, round: u32) -> bool {
    let drawn = Random::new(derive(seed, u64::from(round / 2))).bits() & 1 == 1;
    drawn != (round % 2 == 1)
}

impl Pairs {
    /// The series of which more rounds could say something else: those whose interval does not lie
    /// whole on one side of the threshold, in either direction, and that need statistics.
    pub fn undecided(&self, budget: &Budget) -> Vec<&SeriesName> {
        let threshold = budget.threshold;
        let is_decided = |both: &Both| {
            if both.is_exact() {
                return true;
            }
            let Some(pairs) = paired::Pairs::new(&both.base, &both.head) else {
                // No ratios (zeros): nothing that more rounds make narrower.
                return both.is_constant();
            };
            pairs.ratio(LOOK_ALPHA).interval.is_some_and(|ends| {
                let sign = match both.figures.better {
                    Direction::Lower => 1.0,
                    Direction::Higher => -1.0,
                };
                let [one, other] = ends.map(|end| sign * end.exp_m1());
                let (low, high) = (one.min(other), one.max(other));
                let within = low > -threshold && high < threshold;
                within || low > threshold || high < -threshold
            })
        };
        let undecided = self.series.iter().filter(|(_, both)| !is_decided(both));
        undecided.map(|(name, _)| name).collect()
    }

    fn add(&mut self, base: Turn, mut head: Turn) {
        self.rounds += 1;
        if self.first_reports.iter().all(Option::is_none) {
            self.first_reports = [base.report, head.report];
        }
        for (name, figures) in base.figures {
            let Some(other) = head.figures.remove(&name) else {
                continue;
            };
            let (one, two) = (middle(&figures.samples), middle(&other.samples));
            let both = self.series.entry(name).or_insert_with(|| Both {
                figures,
                base: Vec::new(),
                head: Vec::new(),
            });
            both.base.push(one);
            both.head.push(two);
        }
    }

    /// Every series that both sides have, compared.
    pub fn rows(&self, budget: &Budget) -> Vec<Row> {
        let rows = self.series.iter().filter_map(|(name, both)| {
            let question = Question {
                better: both.figures.better,
                exact: both.is_exact(),
                identical: budget.identical,
                floor: both.figures.floor,
                threshold: budget.threshold,
            };
            let paired = (!question.exact)
                .then(|| compare_paired(&both.base, &both.head, &question))
                .flatten();
            // What has no ratios (zeros) or needs no statistics is compared side by side.
            let compared = match paired {
                Some(compared) => compared,
                None => {
                    let (base, head) =
                        (Sample::new(&both.base).ok()?, Sample::new(&both.head).ok()?);
                    compare(&base, &head, &question)
                }
            };
            let pairs = paired::Pairs::new(&both.base, &both.head);
            let deviation = |pairs: paired::Pairs| (NORMAL_MAD * pairs.deviation()).exp_m1();
            Some(Row {
                name: name.clone(),
                unit: both.figures.unit.clone(),
                better: both.figures.better,
                compared,
                noise: pairs.filter(|_| !question.exact).map(deviation),
            })
        });
        rows.collect()
    }

    /// Keeps only these series.
    pub fn keep(&mut self, series: &[SeriesName]) {
        self.series.retain(|name, _| series.contains(name));
    }

    /// The ratio of head to base of the series of that name, and which way is better; none where
    /// the sides do not have it or have no ratio.
    pub fn ratio_of(&self, series: &str) -> Option<(Direction, PairedRatio)> {
        let (_, both) = self
            .series
            .iter()
            .find(|(name, _)| name.to_string() == series)?;
        let pairs = paired::Pairs::new(&both.base, &both.head)?;
        Some((both.figures.better, pairs.ratio(RATIO_ALPHA)))
    }

    /// The samples of both sides, in the order of the rounds.
    pub fn samples(&self) -> impl Iterator<Item = (&SeriesName, &Figures, &[f64], &[f64])> {
        self.series.iter().map(|(name, both)| {
            (
                name,
                &both.figures,
                both.base.as_slice(),
                both.head.as_slice(),
            )
        })
    }
}

impl Both {
    /// A count that is the same each time needs no statistics.
    fn is_exact(&self) -> bool {
        self.figures.kind == Kind::Count && self.is_constant()
    }

    fn is_constant(&self) -> bool {
        let same = |side: &[f64]| side.windows(2).all(|pair| pair[0] == pair[1]);
        same(&self.base) && same(&self.head)
    }
}

impl Row {
    /// Whether the interval of the difference leaves out none at all; None where there is no
    /// interval. What needs no statistics and differs is beyond, too.
    pub fn is_beyond_its_interval(&self) -> Option<bool> {
        let compared = &self.compared;
        let differs = compared.change.is_some_and(|change| change != 0.0);
        match compared.interval {
            Some([low, high]) => Some(low > 0.0 || high < 0.0),
            None => (differs && self.noise.is_none()).then_some(true),
        }
    }

    /// Whether it is worse, surely, by more than the threshold. Below the mildest band's edge that is
    /// a change whose interval excludes none at all.
    pub fn is_regression(&self, threshold: f64) -> bool {
        let sure = match self.compared.evidence {
            Evidence::Confirmed | Evidence::Exact => true,
            Evidence::Likely => self.compared.band == Band::None,
            _ => false,
        };
        sure && self
            .compared
            .change
            .is_some_and(|change| change > threshold)
    }
}

fn middle(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    let lower = sorted
        .get(sorted.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(f64::NAN);
    f64::midpoint(lower, upper)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(crate) mod tests {
    use bench_report::metric::Params;

    use super::*;
    use crate::interrupt::Stopped;

    const BUDGET: Budget = Budget {
        rounds: 40,
        threshold: 0.05,
        seed: 3,
        identical: false,
        early: true,
    };

    fn figures(value: f64, kind: Kind) -> Turn {
        let name = SeriesName {
            benchmark: "A".to_owned(),
            metric: "latency".to_owned(),
            params: Params::new(),
        };
        let (unit, better) = ("ns".to_owned(), Direction::Lower);
        let figures = Figures {
            unit,
            better,
            kind,
            floor: None,
            samples: vec![value],
        };
        Turn {
            figures: BTreeMap::from([(name, figures)]),
            report: None,
        }
    }

    /// Ten pairs of one program with itself, with 1% of noise; on this machine the second costs
    /// `factor` times as much.
    pub(crate) fn noise(seed: u64, factor: f64) -> Row {
        let budget = Budget {
            rounds: 10,
            seed,
            identical: true,
            early: false,
            ..BUDGET
        };
        let mut random = Random::new(seed);
        let turn = |is_head: bool| {
            let noise = 1.0 + 0.02 * (random.below(1_000) as f64 / 1_000.0 - 0.5);
            let factor = if is_head { factor } else { 1.0 };
            Ok(figures(100.0 * noise * factor, Kind::Time))
        };
        run(budget, turn, |_| true).unwrap().rows(&budget).remove(0)
    }

    /// A machine that drifts by 1% a turn and has 1% of noise; the head costs `factor` times as
    /// much.
    fn measured(factor: f64, budget: Budget) -> (Pairs, Vec<bool>) {
        let mut random = Random::new(9);
        let (mut turns, mut order) = (0, Vec::new());
        let pairs = run(
            budget,
            |is_head| {
                turns += 1;
                order.push(is_head);
                let noise = 1.0 + 0.02 * (random.below(1_000) as f64 / 1_000.0 - 0.5);
                let level = 100.0 * (1.0 + 0.01 * f64::from(turns)) * noise;
                Ok(figures(
                    if is_head { level * factor } else { level },
                    Kind::Time,
                ))
            },
            |_| true,
        );
        (pairs.unwrap(), order)
    }

    #[test]
    fn a_slower_head_is_found_through_drift_and_rounds_stop_early() {
        let (pairs, _) = measured(1.15, BUDGET);
        let row = &pairs.rows(&BUDGET)[0];
        assert!(row.is_regression(0.05), "{row:?}");
        assert!(
            row.compared
                .change
                .is_some_and(|change| (change - 0.15).abs() < 0.02)
        );
        assert!(
            pairs.decided && pairs.rounds < BUDGET.rounds,
            "{}",
            pairs.rounds
        );
    }

    #[test]
    fn equal_sides_are_told_equal_and_rounds_stop_early() {
        let (pairs, _) = measured(1.0, BUDGET);
        let row = &pairs.rows(&BUDGET)[0];
        assert!(!row.is_regression(0.05), "{row:?}");
        assert!(
            pairs.decided && pairs.rounds < BUDGET.rounds,
            "{}",
            pairs.rounds
        );
    }

    #[test]
    fn the_order_is_abba_and_both_sides_begin_as_often() {
        let (_, order) = measured(
            1.0,
            Budget {
                threshold: 1e-9,
                ..BUDGET
            },
        );
        assert_eq!(order.len(), 80);
        for four in order.chunks(4) {
            assert_eq!((four[0], four[1]), (four[3], four[2]));
            assert_ne!(four[0], four[1]);
        }
        assert!(order.chunks(4).any(|four| four[0]) && order.chunks(4).any(|four| !four[0]));
    }

    #[test]
    fn the_same_program_never_regresses() {
        let budget = Budget {
            identical: true,
            ..BUDGET
        };
        let (pairs, _) = measured(1.3, budget);
        assert_eq!(pairs.rows(&budget)[0].compared.evidence, Evidence::Noise);
    }

    #[test]
    fn a_count_needs_no_statistics() {
        let count = |is_head: bool| Ok(figures(if is_head { 11.0 } else { 10.0 }, Kind::Count));
        let pairs = run(BUDGET, count, |_| true).unwrap();
        let row = &pairs.rows(&BUDGET)[0];
        assert_eq!(row.compared.evidence, Evidence::Exact);
        assert!(row.is_regression(0.05) && pairs.rounds == LEAST_ROUNDS);
    }

    #[test]
    fn what_was_measured_before_somebody_stopped_it_is_kept() {
        let mut turns = 0;
        let stopped = |_: bool| {
            turns += 1;
            match turns {
                8 => Err(SideError::Stopped(Stopped)),
                _ => Ok(figures(f64::from(turns), Kind::Time)),
            }
        };
        let pairs = run(BUDGET, stopped, |_| true).unwrap();
        assert!(pairs.stopped && !pairs.decided);
        assert_eq!(pairs.rounds, 3);
        assert_eq!(pairs.rows(&BUDGET)[0].compared.old.n, 3);
    }

    #[test]
    fn asked_to_stop_it_stops_after_the_round() {
        let zero = |_| Ok(figures(0.0, Kind::Ratio));
        let pairs = run(BUDGET, zero, |pairs| pairs.rounds < 3).unwrap();
        assert_eq!((pairs.rounds, pairs.decided), (3, false));
    }
}
