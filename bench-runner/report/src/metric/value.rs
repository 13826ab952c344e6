//! How a value reads: four digits, a unit that people use, a true minus sign.
//!
//! `212.4`, `46.20`, `1.608`, `1,214`; a time below 10,000 of its unit keeps the unit, so that
//! 1,115 µs and 263.0 µs can be compared at a glance.

use std::fmt;

use super::digits::{grouped, with_decimals};
use super::{Scale, Unit};

/// What stands where a number cannot be had.
pub const NOT_AVAILABLE: &str = "not available";

/// A value as it reads, number and unit apart, so that a table can give each its own column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Such as `18.74`; [`NOT_AVAILABLE`] for what is not a finite number.
    pub number: String,
    /// Such as `µs`; empty for a number without a unit.
    pub unit: &'static str,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            "" => f.write_str(&self.number),
            "%" => write!(f, "{}%", self.number),
            unit => write!(f, "{} {unit}", self.number),
        }
    }
}

/// A value by itself: `18.74 µs`.
pub fn format_value(value: f64, unit: Unit) -> Reading {
    Scale::of(unit, value).reading(value)
}

/// A change as a fraction (0.449) as it reads: `+44.9%`, `−6.4%`, `0.0%`.
pub fn format_change(change: f64) -> String {
    match signed_percent(change) {
        Some(number) => format!("{number}%"),
        None => NOT_AVAILABLE.to_owned(),
    }
}

/// The ends of an interval of changes: `[+26.1, +29.8]`, in percent.
pub fn format_change_interval(low: f64, high: f64) -> String {
    match (signed_percent(low), signed_percent(high)) {
        (Some(low), Some(high)) => format!("[{low}, {high}]"),
        _ => NOT_AVAILABLE.to_owned(),
    }
}

/// A quotient as it reads: `240×`, `4.5×`.
pub fn format_factor(factor: f64) -> String {
    if !factor.is_finite() {
        return NOT_AVAILABLE.to_owned();
    }
    let decimals = if factor.abs() < 9.95 { 1 } else { 0 };
    format!("{}×", with_decimals(factor, decimals))
}

/// A whole number with thousands separators: `1,838,000`.
pub fn format_count(count: u64) -> String {
    grouped(&count.to_string())
}

/// Signed percent of a fraction, without the sign for percent; `None` for what is not finite.
fn signed_percent(change: f64) -> Option<String> {
    let percent = change * 100.0;
    if !percent.is_finite() {
        return None;
    }
    let decimals = if percent.abs() < 999.95 { 1 } else { 0 };
    let number = with_decimals(percent, decimals);
    let sign = if percent > 0.0 && number != "0.0" {
        "+"
    } else {
        ""
    };
    Some(format!("{sign}{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64, unit: Unit, expected: &str) {
        assert_eq!(format_value(value, unit).to_string(), expected);
    }

    #[test]
    fn times_read_in_four_digits_of_the_unit_that_fits() {
        check(18_740.0, Unit::Nanoseconds, "18.74 µs");
        check(1_214.0, Unit::Nanoseconds, "1,214 ns");
        check(837.5, Unit::Nanoseconds, "837.5 ns");
        check(890.0, Unit::Nanoseconds, "890.0 ns");
        check(263.0, Unit::Microseconds, "263.0 µs");
        check(1_115.2, Unit::Microseconds, "1,115 µs");
        check(46.2, Unit::Milliseconds, "46.20 ms");
        check(281_600_000.0, Unit::Nanoseconds, "281.6 ms");
        check(93.17e9, Unit::Nanoseconds, "93.17 s");
        check(0.05, Unit::Seconds, "50.00 ms");
        check(0.6119, Unit::Nanoseconds, "0.612 ns");
        check(0.003101, Unit::Nanoseconds, "0.00310 ns");
        check(3.1e-9, Unit::Nanoseconds, "3.10e−9 ns");
        check(0.0, Unit::Nanoseconds, "0 ns");
        check(
            1e300,
            Unit::Seconds,
            &format!("{} s", format_value(1e300, Unit::One).number),
        );
    }

    #[test]
    fn a_value_that_rounds_up_to_the_next_unit_reads_in_it() {
        check(9_999.4, Unit::Nanoseconds, "9,999 ns");
        check(9_999.7, Unit::Nanoseconds, "10.00 µs");
        check(999.96, Unit::Nanoseconds, "1,000 ns");
        check(99.996, Unit::Nanoseconds, "100.0 ns");
        check(9.9996, Unit::Nanoseconds, "10.00 ns");
    }

    #[test]
    fn bytes_read_in_powers_of_1024_unless_given_in_powers_of_1000() {
        check(226.0, Unit::Bytes, "226 B");
        check(226.4, Unit::Bytes, "226.4 B");
        check(1_024.0, Unit::Bytes, "1,024 B");
        check(20_480.0, Unit::Bytes, "20.00 KiB");
        check(138_203_000.0, Unit::Bytes, "131.8 MiB");
        check(8.1 * 1_073_741_824.0, Unit::Bytes, "8.100 GiB");
        check(1.943, Unit::Megabytes, "1.943 MB");
        check(0.000_214, Unit::Megabytes, "214.0 B");
        check(2_048.0, Unit::Megabytes, "2.048 GB");
        check(6_693_724.38, Unit::MegabytesPerSecond, "6.694 TB/s");
        check(1_640_000.0, Unit::BytesPerSecond, "1.564 MiB/s");
    }

    #[test]
    fn rates_and_percent_read_as_people_say_them() {
        check(2_200.0, Unit::PerSecond, "2,200 1/s");
        check(12_000.0, Unit::PerSecond, "12.00 k/s");
        check(414_900.0, Unit::PerSecond, "414.9 k/s");
        check(1_608_000.0, Unit::PerSecond, "1.608 M/s");
        check(1.634e9, Unit::PerSecond, "1.634 G/s");
        check(4.13, Unit::Percent, "4.1%");
        check(20.0, Unit::Percent, "20.0%");
        check(0.1, Unit::Percent, "0.100%");
        check(0.0, Unit::Percent, "0%");
        check(100.0, Unit::Percent, "100%");
        check(99.97, Unit::Percent, "99.97%");
        check(87.32, Unit::Percent, "87.3%");
        check(250.0, Unit::Percent, "250.0%");
    }

    #[test]
    fn plain_numbers_read_without_decimals_when_they_are_whole() {
        check(4.0, Unit::One, "4");
        check(3.571, Unit::PerOperation, "3.571 1/op");
        check(3.0, Unit::PerOperation, "3 1/op");
        check(18_412.0, Unit::One, "18,412");
        check(1_982.0, Unit::Events, "1,982 events");
        check(-12.5, Unit::One, "−12.50");
        check(-0.0, Unit::One, "0");
        check(7.62, Unit::Cores, "7.620 cores");
    }

    #[test]
    fn what_is_not_a_number_reads_not_available() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for unit in Unit::ALL {
                check(value, unit, NOT_AVAILABLE);
            }
            assert_eq!(format_change(value), NOT_AVAILABLE);
            assert_eq!(format_factor(value), NOT_AVAILABLE);
            assert_eq!(format_change_interval(0.0, value), NOT_AVAILABLE);
        }
    }

    #[test]
    fn changes_carry_a_sign_that_is_a_minus_and_not_a_hyphen() {
        for (change, expected) in [
            (0.449, "+44.9%"),
            (-0.064, "−6.4%"),
            (0.0, "0.0%"),
            (0.0004, "0.0%"),
            (-0.0004, "0.0%"),
            (0.0005, "+0.1%"),
            (12.345, "+1,234%"),
            (-0.9999, "−100.0%"),
        ] {
            assert_eq!(format_change(change), expected, "{change}");
        }
        assert_eq!(format_change_interval(0.261, 0.298), "[+26.1, +29.8]");
        assert_eq!(format_change_interval(-0.223, -0.189), "[−22.3, −18.9]");
        assert_eq!(format_factor(240.2), "240×");
        assert_eq!(format_factor(4.5), "4.5×");
        assert_eq!(format_factor(9.96), "10×");
        assert_eq!(format_count(1_838_000), "1,838,000");
        assert_eq!(format_count(0), "0");
    }
}
