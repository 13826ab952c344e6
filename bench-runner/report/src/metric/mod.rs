//! What is measured: unit, direction, kind, target; how a series is named and how a value reads.

mod digits;
mod scale;
mod series;
mod unit;
mod value;

pub use scale::Scale;
pub use series::{NameError, Params, SeriesName, params_text, parse_params, series_text};
pub(crate) use series::{escaped, unescaped};
pub use unit::{Unit, UnknownUnit};
pub use value::{
    NOT_AVAILABLE, Reading, format_change, format_change_interval, format_count, format_factor,
    format_value,
};

use serde::{Deserialize, Serialize};

use crate::words::words;

/// Which way a metric gets better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Less is better: latency, bytes, errors.
    Lower,
    /// More is better: events per second, hit rate.
    Higher,
}

words!(Direction { Lower => "lower", Higher => "higher" });

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

words!(Kind {
    Time => "time",
    Rate => "rate",
    Count => "count",
    Bytes => "bytes",
    Ratio => "ratio",
});

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

words!(Op { Less => "<", AtMost => "<=", Equal => "=", AtLeast => ">=", Greater => ">" });

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_on_its_edge_only_where_the_op_says_so() {
        let met = |op, value| Target { op, value: 1.0 }.is_met_by(value);
        assert!(met(Op::Less, 0.9) && !met(Op::Less, 1.0));
        assert!(met(Op::AtMost, 1.0) && !met(Op::AtMost, 1.1));
        assert!(met(Op::Equal, 1.0) && !met(Op::Equal, 0.9));
        assert!(met(Op::AtLeast, 1.0) && !met(Op::AtLeast, 0.9));
        assert!(met(Op::Greater, 1.1) && !met(Op::Greater, 1.0));
        for op in [Op::Less, Op::AtMost, Op::Equal, Op::AtLeast, Op::Greater] {
            assert!(!met(op, f64::NAN));
        }
    }
}
