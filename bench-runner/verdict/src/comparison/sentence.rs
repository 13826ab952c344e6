//! The outcome of a comparison in one sentence: what the page, the comment and the terminal begin
//! with.

use super::{Comparison, Row};
use crate::band::Band;
use crate::exit::Status;
use crate::gate::GateOptions;
use crate::verdict::Evidence;

impl Row {
    /// Whether the change is certain: confirmed, or of a count.
    pub fn is_sure(&self) -> bool {
        matches!(self.evidence, Evidence::Confirmed | Evidence::Exact)
    }

    /// Whether the new side is worse, and left the band.
    pub fn is_slower(&self) -> bool {
        self.band.severity() >= Band::Info.severity()
    }

    /// Whether the new side is better, and left the band.
    pub fn is_faster(&self) -> bool {
        self.band == Band::Improved
    }
}

impl Comparison {
    /// How many series are surely slower, and how many surely faster.
    pub fn slower_and_faster(&self) -> (usize, usize) {
        let sure = || self.rows.iter().filter(|row| row.is_sure());
        (
            sure().filter(|row| row.is_slower()).count(),
            sure().filter(|row| row.is_faster()).count(),
        )
    }
}

/// Such as `Slower in 2 series, faster in 5; one slowdown above 10% is confirmed, so the gate
/// fails`.
pub(super) fn sentence(comparison: &Comparison, options: &GateOptions) -> String {
    let rows = &comparison.rows;
    if rows.is_empty() {
        return "Nothing could be compared: the two sides have no series in common".to_owned();
    }
    if comparison.status == Status::Incomparable {
        return format!(
            "Measured in different environments: what {} series differ by says nothing of the code",
            rows.len()
        );
    }
    let (slower, faster) = comparison.slower_and_faster();
    let what = match (slower, faster) {
        (0, 0) => format!(
            "No series changed beyond noise: {} of {} compared",
            comparison.coverage.measured, comparison.coverage.expected
        ),
        (0, faster) => format!("Faster in {faster} series, slower in none"),
        (slower, 0) => format!("Slower in {slower} series, faster in none"),
        (slower, faster) => format!("Slower in {slower} series, faster in {faster}"),
    };
    match outcome(comparison, options) {
        Some(outcome) => format!("{what}; {outcome}"),
        None => what,
    }
}

fn outcome(comparison: &Comparison, options: &GateOptions) -> Option<String> {
    let threshold = share(options.threshold);
    let above = |row: &&Row| options.is_above(row.band, row.change);
    match comparison.status {
        Status::Incomparable => None,
        Status::Pass => {
            let is_slower = comparison.slower_and_faster().0 > 0;
            is_slower
                .then(|| format!("none is slower by more than {threshold}, so the gate passes"))
        }
        Status::Fail => {
            let sure = |row: &&Row| row.is_sure() || !options.noise_guard;
            let count = comparison.rows.iter().filter(above).filter(sure).count();
            Some(match count {
                0 => "the gate fails".to_owned(),
                1 => format!("one slowdown above {threshold} is confirmed, so the gate fails"),
                n => format!("{n} slowdowns above {threshold} are confirmed, so the gate fails"),
            })
        }
        Status::Incomplete => {
            let coverage = &comparison.coverage;
            Some(match coverage.missing.len() + coverage.failed.len() {
                0 => "the comparison is incomplete".to_owned(),
                1 => "one expected series is missing or failed, so it is incomplete".to_owned(),
                n => format!("{n} expected series are missing or failed, so it is incomplete"),
            })
        }
        Status::Inconclusive => {
            let open = |row: &&Row| row.samples_needed.is_some() || (!row.is_sure() && above(row));
            let count = comparison.rows.iter().filter(open).count();
            Some(format!(
                "whether {count} series are above {threshold} cannot be told, so it is inconclusive"
            ))
        }
    }
}

/// A threshold as people write it: `10%`, `7.5%`.
fn share(threshold: f64) -> String {
    let percent = (threshold * 1000.0).round() / 10.0;
    format!("{percent}%")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use bench_report::metric::Direction;

    use crate::compare::{Compared, Question, compare};
    use crate::comparison::{Comparison, Sides, Subject};
    use crate::gate::GateOptions;
    use crate::stats::sample::Sample;
    use crate::verdict::Coverage;

    fn row(name: &str, factor: f64) -> (Subject, Compared) {
        let old: Vec<f64> = (0..8).map(|i| 100.0 + f64::from(i) * 0.2).collect();
        let new: Vec<f64> = old.iter().map(|value| value * factor).collect();
        let subject = Subject {
            benchmark: name.to_owned(),
            params: [].into(),
            metric: "latency".to_owned(),
            unit: "ns".to_owned(),
            better: Direction::Lower,
        };
        let (old, new) = (Sample::new(&old).unwrap(), Sample::new(&new).unwrap());
        (
            subject,
            compare(&old, &new, &Question::new(Direction::Lower)),
        )
    }

    fn judged(rows: &[(Subject, Compared)], missing: &[&str], differ: Option<&str>) -> Comparison {
        let sides = Sides {
            coverage: Coverage {
                expected: rows.len() + missing.len(),
                measured: rows.len(),
                missing: missing.iter().map(|name| (*name).to_owned()).collect(),
                ..Coverage::default()
            },
            environments_differ: differ.map(str::to_owned),
            ..Sides::default()
        };
        Comparison::judge(sides, rows, &GateOptions::default())
    }

    #[test]
    fn the_sentence_says_what_changed_and_what_the_gate_makes_of_it() {
        let rows = [row("A", 1.3), row("B", 1.07), row("C", 0.8), row("D", 1.0)];
        let sentence =
            |rows: &[_], missing: &[&str], differ| judged(rows, missing, differ).sentence;
        assert_eq!(
            sentence(&rows, &[], None),
            "Slower in 2 series, faster in 1; one slowdown above 10% is confirmed, so the gate fails"
        );
        assert_eq!(
            sentence(&rows[1..], &[], None),
            "Slower in 1 series, faster in 1; none is slower by more than 10%, so the gate passes"
        );
        assert_eq!(
            sentence(&rows[2..], &[], None),
            "Faster in 1 series, slower in none"
        );
        assert_eq!(
            sentence(&rows[3..], &[], None),
            "No series changed beyond noise: 1 of 1 compared"
        );
        assert_eq!(
            sentence(&rows[3..], &["E latency"], None),
            "No series changed beyond noise: 1 of 2 compared; one expected series is missing or \
             failed, so it is incomplete"
        );
        assert_eq!(
            sentence(&[], &[], None),
            "Nothing could be compared: the two sides have no series in common"
        );
    }

    #[test]
    fn different_environments_are_incomparable_and_never_a_regression() {
        let rows = [row("A", 1.3), row("B", 0.5)];
        let judged = judged(&rows, &[], Some("CPU is A and B"));
        assert_eq!(judged.exit_code.code(), 5);
        assert_eq!(judged.reasons, ["the environments differ: CPU is A and B"]);
        assert_eq!(
            judged.sentence,
            "Measured in different environments: what 2 series differ by says nothing of the code"
        );
        assert!(!judged.rows[0].is_sure(), "{:?}", judged.rows[0]);
    }
}
