//! What is measured: unit, direction, kind, target.

use serde::{Deserialize, Serialize};

/// Which way a metric gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Less is better: latency, bytes, errors.
    Lower,
    /// More is better: events per second, hit rate.
    Higher,
}

/// What sort of quantity a metric is; decides how it is compared and how it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A duration.
    Time,
    /// Something per second.
    Rate,
    /// Deterministic: the same code and seed give the same number, so any change is real.
    Count,
    /// An amount of memory.
    Bytes,
    /// A quotient, or a number with noise that is none of the above.
    Ratio,
}

/// The comparison of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Op {
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    AtMost,
    /// `=`
    #[serde(rename = "=")]
    Equal,
    /// `>=`
    #[serde(rename = ">=")]
    AtLeast,
    /// `>`
    #[serde(rename = ">")]
    Greater,
}

/// An absolute goal, in the unit of its metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// How the value is compared with the goal.
    pub op: Op,
    /// The goal.
    pub value: f64,
}

impl Target {
    /// Whether `value` meets the target. NaN meets none.
    pub fn is_met_by(&self, value: f64) -> bool {
        match self.op {
            Op::Less => value < self.value,
            Op::AtMost => value <= self.value,
            Op::Equal => value == self.value,
            Op::AtLeast => value >= self.value,
            Op::Greater => value > self.value,
        }
    }
}
