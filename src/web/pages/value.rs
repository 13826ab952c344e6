//! Stored values as they read: the unit is text in the store, and bench-report's in people's eyes.

use bench_report::metric::{Op, Scale, Target, Unit};

/// A unit that the store kept as text; one that this version does not know counts as none, so that
/// a newer runner's result still shows its number.
pub fn unit(text: &str) -> Unit {
    text.parse().unwrap_or(Unit::One)
}

/// One scale for the values of a row.
pub fn scale(unit_text: &str, values: impl IntoIterator<Item = f64>) -> Scale {
    Scale::common(unit(unit_text), values)
}

/// A value by itself, such as `263.0 µs`.
pub fn reading(unit_text: &str, value: f64) -> String {
    scale(unit_text, [value]).reading(value).to_string()
}

/// The unit in which a goal, and what is measured against it, is read.
#[derive(Debug, Clone, Copy)]
pub struct GoalScale {
    target: Target,
    scale: Scale,
    /// Units of `scale`'s wire in one stored unit.
    factor: f64,
}

impl GoalScale {
    /// The goal decides the unit. Memory goals set in powers of 1,000 are read in those.
    pub fn new(unit_text: &str, target: Target) -> Self {
        let unit = unit(unit_text);
        let is_decimal = target.value % 1000.0 == 0.0 && target.value % 1024.0 != 0.0;
        let (unit, factor) = match unit {
            Unit::Bytes if is_decimal => (Unit::Megabytes, 1e-6),
            _ => (unit, 1.0),
        };
        Self {
            target,
            scale: Scale::of(unit, target.value * factor),
            factor,
        }
    }

    /// Such as `< 500`: a goal is a round number that somebody chose, and is written as chosen.
    pub fn limit(&self) -> String {
        let sign = match self.target.op {
            Op::Less => "<",
            Op::AtMost => "≤",
            Op::Equal => "=",
            Op::AtLeast => "≥",
            Op::Greater => ">",
        };
        let number = self
            .scale
            .ticks(&[self.target.value * self.factor])
            .concat();
        format!("{sign} {number}")
    }

    /// A stored value's number.
    pub fn number(&self, value: f64) -> String {
        self.scale.number(value * self.factor)
    }

    /// The unit of all of them.
    pub fn unit(&self) -> &'static str {
        self.scale.label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(unit: &str, op: Op, goal: f64, value: f64, expected: &str) {
        let scale = GoalScale::new(unit, Target { op, value: goal });
        let (limit, number, unit) = (scale.limit(), scale.number(value), scale.unit());
        assert_eq!(format!("{limit} | {number} {unit}"), expected);
    }

    #[test]
    fn values_are_read_in_the_unit_of_their_goal() {
        check("ns", Op::Less, 500_000.0, 2_082.0, "< 500 | 2.082 µs");
        check("B", Op::Less, 1e6, 221_000.0, "< 1 | 0.221 MB");
        check("B", Op::Less, 1024.0, 238.0, "< 1,024 | 238 B");
        check(
            "1/s",
            Op::Greater,
            2_000.0,
            414_900.0,
            "> 2,000 | 414,900 1/s",
        );
        check("%", Op::Less, 20.0, 4.1, "< 20 | 4.1 %");
    }

    #[test]
    fn a_unit_of_a_newer_version_shows_its_number() {
        assert_eq!(reading("furlong", 3.5), "3.500");
    }
}
