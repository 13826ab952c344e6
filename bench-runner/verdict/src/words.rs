//! Words and numbers in the sentences that a verdict gives as its reasons.

use bench_report::metric::{Op, Unit};

use crate::verdict::Evidence;

/// At most so many series are named in one reason; the rest are counted.
const NAMED: usize = 5;

/// A fraction as people read it: `+12.3%`, with a real minus sign.
pub fn percent(change: f64) -> String {
    bench_report::metric::format_change(change)
}

/// A value with its unit as people read it: `1.020 µs`. A unit that is not known stands as it is.
pub fn value(value: f64, unit: &str) -> String {
    match Unit::parse(unit) {
        Ok(unit) => bench_report::metric::format_value(value, unit).to_string(),
        Err(_) => format!("{} {unit}", plain(value)),
    }
}

/// A number as a sentence holds it: up to four significant digits, no exponent for common sizes.
pub fn plain(value: f64) -> String {
    let digits = if value == 0.0 {
        0
    } else {
        value.abs().log10().floor() as i32
    };
    if !(-6..=15).contains(&digits) {
        return format!("{value:.3e}");
    }
    let decimals = usize::try_from(3 - digits).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// How a comparison is written.
pub fn symbol(op: Op) -> &'static str {
    match op {
        Op::Less => "<",
        Op::AtMost => "\u{2264}",
        Op::Equal => "=",
        Op::AtLeast => "\u{2265}",
        Op::Greater => ">",
    }
}

/// The word that people and JSON read.
pub fn evidence_word(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Confirmed => "confirmed",
        Evidence::Exact => "exact",
        Evidence::Likely => "likely",
        Evidence::Inconclusive => "inconclusive",
        Evidence::Noise => "noise",
        Evidence::Incomparable => "incomparable",
    }
}

/// `1 night`, `2 nights`.
pub fn nights(count: usize) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} night{ending}")
}

/// Some names, and how many more there are.
pub fn list(names: &[String]) -> String {
    let named = names
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_sentences_keep_four_digits() {
        let texts = [0.0, 1.0, 0.123456, 1234.5, 2e6, 0.95, 1e-9, -3.25].map(plain);
        assert_eq!(
            texts,
            [
                "0", "1", "0.1235", "1234", "2000000", "0.95", "1.000e-9", "-3.25"
            ]
        );
        let texts = [0.1234, -0.05, 0.0001, 0.0].map(percent);
        assert_eq!(texts, ["+12.3%", "\u{2212}5.0%", "0.0%", "0.0%"]);
    }
}
