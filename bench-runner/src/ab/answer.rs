//! What pairs of two sides say, as JSON: what `ab --json` and `aa --json` print. Its numbers are
//! those of the table.
//!
//! | field | |
//! |---|---|
//! | `base`, `head` | what the sides are called: a revision, a command, `A` and `A again` |
//! | `identical` | both are the same program, byte by byte: whatever differs is noise |
//! | `pairs` | rounds made, each a turn of either side |
//! | `ended` | why there are no more: `decided`, `used_up` (rounds or time), `stopped` (by a signal) |
//! | `threshold` | a change beyond it fails, as a fraction |
//! | `within` | of `aa` alone: `{"series", "of"}`, how many series lie within their own interval |
//! | `status`, `exit_code` | what the rows come to. The program's own code is another where sending failed too |
//! | `rows` | every series that both sides have, in the order of their names |
//!
//! A row has the fields of a row of `compare --format json` (see
//! [`bench_verdict::comparison::Row`]), and `pair_noise`: how far apart the sides of a single pair
//! are by noise alone, as a fraction, absent where the series needs no statistics; and `beyond`:
//! whether the interval of the difference leaves out none at all, absent without an interval.

use bench_verdict::comparison::{self, Subject};
use bench_verdict::exit::{ExitCode, Status};
use serde::Serialize;

use super::rounds::{Pairs, Row};

/// What pairs of two sides say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// What the base is called.
    pub base: String,
    /// What the head is called.
    pub head: String,
    /// Both are the same program, byte by byte.
    pub identical: bool,
    /// Rounds made.
    pub pairs: u32,
    /// Why there are no more.
    pub ended: Ended,
    /// A change beyond it fails, as a fraction.
    pub threshold: f64,
    /// How many series differ by no more than their noise; only where a program is measured against
    /// itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// What the rows come to.
    pub status: Option<Status>,
    /// The same as the shell sees it.
    pub exit_code: ExitCode,
    /// Every series that both sides have.
    pub rows: Vec<RowAnswer>,
}

/// Why rounds ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The interval of every series lies on one side of the threshold.
    Decided,
    /// The rounds or the time are used up.
    UsedUp,
    /// Somebody stopped them; what was measured before is whole.
    Stopped,
}

/// Series within their own interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Within {
    /// How many are.
    pub series: usize,
    /// Of how many that have an interval, or that differ without one.
    pub of: usize,
}

/// One series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowAnswer {
    /// As every comparison tells it.
    #[serde(flatten)]
    pub row: comparison::Row,
    /// How far apart the sides of a single pair are by noise alone, as a fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair_noise: Option<f64>,
    /// Whether the interval of the difference leaves out none at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond: Option<bool>,
}

impl Ended {
    /// Why these rounds ended.
    pub fn of(pairs: &Pairs) -> Self {
        match (pairs.decided, pairs.stopped) {
            (true, _) => Ended::Decided,
            (false, true) => Ended::Stopped,
            (false, false) => Ended::UsedUp,
        }
    }

    /// As a sentence says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Ended::Decided => "every series is decided",
            Ended::UsedUp => "the rounds or the time are used up",
            Ended::Stopped => "stopped before every series was decided",
        }
    }
}

impl RowAnswer {
    /// A row as it travels.
    pub fn of(row: &Row) -> Self {
        let subject = Subject {
            benchmark: row.name.benchmark.clone(),
            params: row.name.params.clone(),
            metric: row.name.metric.clone(),
            unit: row.unit.clone(),
            better: row.better,
        };
        Self {
            row: comparison::Row::of(&subject, &row.compared),
            pair_noise: row.noise,
            beyond: row.is_beyond_its_interval(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ab::rounds::tests::noise;

    #[test]
    fn an_answer_has_the_figures_of_the_table_under_the_names_of_a_comparison() {
        let answer = Answer {
            base: "A".to_owned(),
            head: "A again".to_owned(),
            identical: true,
            pairs: 10,
            ended: Ended::UsedUp,
            threshold: 0.1,
            within: Some(Within { series: 1, of: 1 }),
            status: ExitCode::Fine.status(),
            exit_code: ExitCode::Fine,
            rows: vec![RowAnswer::of(&noise(1, 1.0))],
        };
        let json = serde_json::to_string_pretty(&answer);
        insta::assert_snapshot!(json.unwrap_or_default(), @r#"
        {
          "base": "A",
          "head": "A again",
          "identical": true,
          "pairs": 10,
          "ended": "used_up",
          "threshold": 0.1,
          "within": {
            "series": 1,
            "of": 1
          },
          "status": "pass",
          "exit_code": 0,
          "rows": [
            {
              "benchmark": "A",
              "params": {},
              "metric": "latency",
              "unit": "ns",
              "better": "lower",
              "old": {
                "median": 100.247,
                "low": 99.80799999999999,
                "high": 100.63,
                "n": 10
              },
              "new": {
                "median": 100.13499999999999,
                "low": 99.87,
                "high": 100.76799999999999,
                "n": 10
              },
              "change": 0.00017219861239140203,
              "effect": 0.00017219861239140203,
              "interval": [
                -0.004853872445332457,
                0.004711602193620947
              ],
              "p": null,
              "band": "none",
              "evidence": "noise",
              "detectable_change": 0.007227161273263048,
              "noise_floor": 0.005050585957736901,
              "pair_noise": 0.006519295067909254,
              "beyond": false
            }
          ]
        }
        "#);
    }
}
