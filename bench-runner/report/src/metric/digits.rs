//! The digits of a number for people.

/// From here on a number is written with an exponent.
const LONGEST: f64 = 1e15;

pub(super) fn rounded_to_four_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let power = 10f64.powf(3.0 - value.abs().log10().floor());
    let rounded = (value * power).round() / power;
    // A value near the ends of the range has no such power.
    if rounded.is_finite() { rounded } else { value }
}

/// Four digits, the zero before a point counted: `1,214`, `212.4`, `46.20`, `1.608`, `0.214`.
/// What is below 0.1 keeps three significant digits, what is below a millionth an exponent.
pub(super) fn four_digits(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        0.0 => 0,
        _ if size >= LONGEST => return exponent(value),
        _ if size >= 999.95 => 0,
        _ if size >= 99.995 => 1,
        _ if size >= 9.9995 => 2,
        _ if size >= 0.09995 => 3,
        _ if size >= 0.009995 => 4,
        _ if size >= 0.0009995 => 5,
        _ if size >= 0.00009995 => 6,
        _ if size >= 0.000009995 => 7,
        _ if size >= 0.0000009995 => 8,
        _ => return exponent(value),
    };
    with_decimals(value, decimals)
}

/// Percent of 100: one decimal suffices, except where it would turn what is not 0 or 100 into it.
pub(super) fn percent_digits(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || size == 100.0 {
        with_decimals(value, 0)
    } else if size < 0.9995 {
        four_digits(value)
    } else if (99.95..100.0).contains(&size) {
        with_decimals(value, if size < 99.995 { 2 } else { 4 })
    } else {
        with_decimals(value, 1)
    }
}

/// Fixed decimals, thousands separators, true minus sign, and no negative zero.
pub(super) fn with_decimals(value: f64, decimals: usize) -> String {
    if value.abs() >= LONGEST {
        return exponent(value);
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let minus = if value < 0.0 && !is_zero {
        "\u{2212}"
    } else {
        ""
    };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{minus}{}{point}{fraction}", grouped(whole))
}

fn exponent(value: f64) -> String {
    format!("{value:.2e}").replace('-', "\u{2212}")
}

pub(super) fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
