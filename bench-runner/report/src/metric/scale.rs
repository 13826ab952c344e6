//! Which unit a value is shown in: the ladders of units, and one scale for values that stand together.

use super::Unit;
use super::digits::{four_digits, percent_digits, rounded_to_four_digits, with_decimals};
use super::value::{NOT_AVAILABLE, Reading};

/// One unit for all the values of a row, a column or an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    wire: Unit,
    /// What is shown, such as `µs`; empty for a number without a unit.
    pub label: &'static str,
    /// How many of the wire's unit make one of what is shown: 1,000 for ns shown as µs.
    pub size: f64,
}

impl Scale {
    /// The scale on which a value of this size reads best.
    pub fn of(unit: Unit, magnitude: f64) -> Scale {
        let (ladder, in_base) = ladder(unit);
        // Compared as it will read, so that 9,999.7 ns does not read 10,000 ns.
        let base = rounded_to_four_digits(magnitude.abs() * in_base);
        let step = ladder
            .iter()
            .rev()
            .find(|step| base >= step.from)
            .unwrap_or(&ladder[0]);
        Scale {
            wire: unit,
            label: step.label,
            size: step.size / in_base,
        }
    }

    /// The scale for values that stand together: that of the largest. Values that are not finite
    /// are passed over.
    pub fn common(unit: Unit, values: impl IntoIterator<Item = f64>) -> Scale {
        let largest = values
            .into_iter()
            .filter(|value| value.is_finite())
            .fold(0.0, |largest: f64, value| largest.max(value.abs()));
        Scale::of(unit, largest)
    }

    /// The value in what is shown.
    pub fn scaled(self, value: f64) -> f64 {
        value / self.size
    }

    /// The number of a value on this scale.
    pub fn number(self, value: f64) -> String {
        if !value.is_finite() {
            return NOT_AVAILABLE.to_owned();
        }
        if self.wire == Unit::Percent {
            return percent_digits(value);
        }
        if self.size == 1.0 && !self.wire.is_time() && value.fract() == 0.0 {
            return with_decimals(value, 0);
        }
        four_digits(self.scaled(value))
    }

    /// Number and unit of a value on this scale.
    pub fn reading(self, value: f64) -> Reading {
        let unit = if value.is_finite() { self.label } else { "" };
        Reading {
            number: self.number(value),
            unit,
        }
    }

    /// The texts of an axis' ticks (values in the wire's unit): as few decimals as tell them apart
    /// from what they are, `0`, `0.5`, `1`, `1.5`.
    pub fn ticks(self, values: &[f64]) -> Vec<String> {
        let span = values
            .iter()
            .fold(0.0, |span: f64, value| span.max(self.scaled(*value).abs()));
        let text = |value: &f64| {
            let scaled = self.scaled(*value);
            if !scaled.is_finite() {
                return String::new();
            }
            let decimals = (0..=9)
                .find(|decimals| {
                    let power = 10f64.powi(*decimals);
                    ((scaled * power).round() / power - scaled).abs() <= span * 1e-9
                })
                .unwrap_or(9);
            with_decimals(scaled, usize::try_from(decimals).unwrap_or(9))
        };
        values.iter().map(text).collect()
    }
}

/// One step of a ladder of units, in the ladder's base unit.
struct Step {
    label: &'static str,
    size: f64,
    from: f64,
}

const fn step(label: &'static str, size: f64, from: f64) -> Step {
    Step { label, size, from }
}

const KI: f64 = 1024.0;
const MI: f64 = KI * 1024.0;
const GI: f64 = MI * 1024.0;
const TI: f64 = GI * 1024.0;

const TIME: &[Step] = &[
    step("ns", 1.0, 0.0),
    step("µs", 1e3, 1e4),
    step("ms", 1e6, 1e7),
    step("s", 1e9, 1e10),
];
const BINARY: &[Step] = &[
    step("B", 1.0, 0.0),
    step("KiB", KI, 1e4),
    step("MiB", MI, MI),
    step("GiB", GI, GI),
    step("TiB", TI, TI),
];
const DECIMAL: &[Step] = &[
    step("B", 1.0, 0.0),
    step("kB", 1e3, 1e4),
    step("MB", 1e6, 1e6),
    step("GB", 1e9, 1e9),
    step("TB", 1e12, 1e12),
];
const RATE: &[Step] = &[
    step("1/s", 1.0, 0.0),
    step("k/s", 1e3, 1e4),
    step("M/s", 1e6, 1e6),
    step("G/s", 1e9, 1e9),
];
const BINARY_RATE: &[Step] = &[
    step("B/s", 1.0, 0.0),
    step("KiB/s", KI, 1e4),
    step("MiB/s", MI, MI),
    step("GiB/s", GI, GI),
    step("TiB/s", TI, TI),
];
const DECIMAL_RATE: &[Step] = &[
    step("B/s", 1.0, 0.0),
    step("kB/s", 1e3, 1e4),
    step("MB/s", 1e6, 1e6),
    step("GB/s", 1e9, 1e9),
    step("TB/s", 1e12, 1e12),
];
const GROWTH: &[Step] = &[
    step("B/h", 1.0, 0.0),
    step("KiB/h", KI, 1e4),
    step("MiB/h", MI, MI),
    step("GiB/h", GI, GI),
];
const PERCENT: &[Step] = &[step("%", 1.0, 0.0)];
const ONE: &[Step] = &[step("", 1.0, 0.0)];
const PER_OPERATION: &[Step] = &[step("1/op", 1.0, 0.0)];
const EVENTS: &[Step] = &[step("events", 1.0, 0.0)];
const ITEMS: &[Step] = &[step("items", 1.0, 0.0)];
const BLOCKS: &[Step] = &[step("blocks", 1.0, 0.0)];
const TOKENS: &[Step] = &[step("tokens", 1.0, 0.0)];
const CORES: &[Step] = &[step("cores", 1.0, 0.0)];
const MEGAHERTZ: &[Step] = &[step("MHz", 1.0, 0.0)];

/// The ladder of a unit, and how many of the ladder's base unit it makes.
fn ladder(unit: Unit) -> (&'static [Step], f64) {
    match unit {
        Unit::Nanoseconds => (TIME, 1.0),
        Unit::Microseconds => (TIME, 1e3),
        Unit::Milliseconds => (TIME, 1e6),
        Unit::Seconds => (TIME, 1e9),
        Unit::Bytes => (BINARY, 1.0),
        Unit::Kibibytes => (BINARY, KI),
        Unit::Mebibytes => (BINARY, MI),
        Unit::Gibibytes => (BINARY, GI),
        Unit::Kilobytes => (DECIMAL, 1e3),
        Unit::Megabytes => (DECIMAL, 1e6),
        Unit::Gigabytes => (DECIMAL, 1e9),
        Unit::PerSecond => (RATE, 1.0),
        Unit::BytesPerSecond => (BINARY_RATE, 1.0),
        Unit::MegabytesPerSecond => (DECIMAL_RATE, 1e6),
        Unit::BytesPerHour => (GROWTH, 1.0),
        Unit::Percent => (PERCENT, 1.0),
        Unit::One => (ONE, 1.0),
        Unit::PerOperation => (PER_OPERATION, 1.0),
        Unit::Events => (EVENTS, 1.0),
        Unit::Items => (ITEMS, 1.0),
        Unit::Blocks => (BLOCKS, 1.0),
        Unit::Tokens => (TOKENS, 1.0),
        Unit::Cores => (CORES, 1.0),
        Unit::Megahertz => (MEGAHERTZ, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_stand_together_share_the_unit_of_the_largest() {
        let scale = Scale::common(Unit::Nanoseconds, [2_224.0, 500_000.0, f64::NAN]);
        assert_eq!((scale.label, scale.size), ("µs", 1_000.0));
        assert_eq!(scale.number(2_224.0), "2.224");
        assert_eq!(scale.number(500_000.0), "500.0");
        assert_eq!(scale.reading(f64::NAN).to_string(), NOT_AVAILABLE);
        assert_eq!(Scale::common(Unit::Nanoseconds, []).label, "ns");
        assert_eq!(Scale::common(Unit::Microseconds, [30.0]).size, 1.0);
        assert_eq!(Scale::common(Unit::Megabytes, [0.5]).label, "kB");
    }

    #[test]
    fn ticks_have_no_more_decimals_than_they_need() {
        let scale = Scale::common(Unit::PerSecond, [2_000_000.0]);
        let ticks = scale.ticks(&[0.0, 500_000.0, 1_000_000.0, 1_500_000.0, 2_000_000.0]);
        assert_eq!(
            (ticks.join(" "), scale.label),
            ("0 0.5 1 1.5 2".to_owned(), "M/s")
        );
        let scale = Scale::common(Unit::Microseconds, [1_400.0]);
        assert_eq!(
            scale.ticks(&[1_000.0, 1_200.0, 1_400.0]).join(" "),
            "1,000 1,200 1,400"
        );
        let scale = Scale::common(Unit::One, [0.3]);
        assert_eq!(
            scale.ticks(&[0.1, 0.1 + 0.1, 0.1 + 0.2]).join(" "),
            "0.1 0.2 0.3"
        );
        assert!(scale.ticks(&[]).is_empty());
    }
}
