//! How benchstat names and scales units: `ns/op` becomes `sec/op`, `MB/s` becomes `B/s`; bytes grow
//! by Ki and Mi, the rest by k, M and m, µ, n (golang/perf, `benchunit`).

use super::side::Measured;

/// A unit as benchstat shows it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    /// Such as `sec/op`.
    pub(super) unit: String,
    /// What samples are multiplied by.
    factor: f64,
    /// Whether it grows by powers of 1024.
    is_binary: bool,
}

/// The unit of a series. Of Go text the metric's name is the unit; other metrics are followed by
/// the unit of their samples. A series of zeros keeps its unit, as benchstat keeps it.
pub(super) fn shown(measured: &Measured) -> Shown {
    let is_zero = measured.samples.iter().all(|sample| *sample == 0.0);
    let text = go_unit(measured);
    let (unit, factor) = if is_zero { (text, 1.0) } else { tidied(&text) };
    let is_binary = is_binary(&unit);
    Shown {
        unit,
        factor,
        is_binary,
    }
}

fn go_unit(measured: &Measured) -> String {
    let (metric, unit) = (&measured.metric, &measured.unit);
    let is_unit = metric.contains('/') || unit == "1" || metric.ends_with(unit.as_str());
    match unit.as_str() {
        _ if is_unit => metric.clone(),
        "1/s" => format!("{metric}/s"),
        "1/op" => format!("{metric}/op"),
        "B" if metric.contains("bytes") => metric.clone(),
        "%" => format!("{metric}-percent"),
        unit => format!("{metric}-{unit}"),
    }
}

/// The words of a unit, each with whether it stands below the line.
fn words(unit: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut below = false;
    let mut from = 0;
    unit.split_inclusive(['*', '/', '-', ' ']).map(move |part| {
        let word = part.trim_end_matches(['*', '/', '-', ' ']);
        let found = (from, word, below);
        from += part.len();
        match part.chars().last() {
            Some('/') => below = true,
            Some('*') => below = false,
            _ => {}
        }
        found
    })
}

fn tidied(unit: &str) -> (String, f64) {
    let (mut tidy, mut factor) = (String::new(), 1.0);
    let mut copied = 0;
    for (at, word, below) in words(unit) {
        let (other, times) = match word {
            "ns" if !below => ("sec", 1e-9),
            "MB" if !below => ("B", 1e6),
            _ => continue,
        };
        tidy.push_str(&unit[copied..at]);
        tidy.push_str(other);
        copied = at + word.len();
        factor *= times;
    }
    tidy.push_str(&unit[copied..]);
    (tidy, factor)
}

fn is_binary(unit: &str) -> bool {
    words(unit).any(|(_, word, below)| !below && matches!(word, "B" | "bytes"))
}

impl Shown {
    /// A sample in this unit.
    pub(super) fn value(&self, sample: f64) -> f64 {
        if self.factor == 1.0 {
            sample
        } else {
            sample * self.factor
        }
    }

    /// Values in one scale, which shows at least three digits of the smallest but zero.
    pub(super) fn texts(&self, values: &[f64]) -> Vec<String> {
        let (size, prefix, decimals) = self.scale(values);
        values
            .iter()
            .map(|value| format!("{:.decimals$}{prefix}", value / size))
            .collect()
    }

    fn scale(&self, values: &[f64]) -> (f64, &'static str, usize) {
        const SI: [(f64, &str); 8] = [
            (1e12, "T"),
            (1e9, "G"),
            (1e6, "M"),
            (1e3, "k"),
            (1.0, ""),
            (1e-3, "m"),
            (1e-6, "µ"),
            (1e-9, "n"),
        ];
        const IEC: [(f64, &str); 5] = [
            (1_099_511_627_776.0, "Ti"),
            (1_073_741_824.0, "Gi"),
            (1_048_576.0, "Mi"),
            (1_024.0, "Ki"),
            (1.0, ""),
        ];
        let least = values
            .iter()
            .map(|value| value.abs())
            .filter(|value| *value > 0.0)
            .fold(f64::INFINITY, f64::min);
        if !least.is_finite() {
            return (1.0, "", 3);
        }
        let factors: &[(f64, &str)] = if self.is_binary { &IEC } else { &SI };
        for &(size, prefix) in factors {
            for (edge, decimals) in [(99.995, 1), (9.9995, 2), (0.99995, 3)] {
                if least >= edge * size {
                    return (size, prefix, decimals);
                }
            }
        }
        let (size, prefix) = factors.last().copied().unwrap_or((1.0, ""));
        let digits = -(least / size).log10().floor();
        (size, prefix, (digits as usize + 3).min(10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_and_megabytes_above_the_line_are_tidied() {
        assert_eq!(tidied("ns/op"), ("sec/op".to_owned(), 1e-9));
        assert_eq!(tidied("MB/s"), ("B/s".to_owned(), 1e6));
        assert_eq!(tidied("p99-ns"), ("p99-sec".to_owned(), 1e-9));
        assert_eq!(tidied("B/ns"), ("B/ns".to_owned(), 1.0));
        assert_eq!(tidied("latency_ns"), ("latency_ns".to_owned(), 1.0));
        assert!(is_binary("B/op") && is_binary("binary-bytes") && !is_binary("op/B"));
    }

    #[track_caller]
    fn check(is_binary: bool, values: &[f64], expected: &[&str]) {
        let shown = Shown {
            unit: String::new(),
            factor: 1.0,
            is_binary,
        };
        assert_eq!(shown.texts(values), expected);
    }

    #[test]
    fn the_smallest_value_keeps_three_digits() {
        check(false, &[2.497e-3, 2.241e-3], &["2.497m", "2.241m"]);
        check(false, &[96.56, 87.75], &["96.56", "87.75"]);
        check(false, &[1e-6, 9e-7], &["1000.0n", "900.0n"]);
        check(false, &[0.0, 16.0], &["0.00", "16.00"]);
        check(false, &[0.0], &["0.000"]);
        check(true, &[4096.0], &["4.000Ki"]);
        check(true, &[1000.0, 900.0], &["1000.0", "900.0"]);
        check(false, &[5.614e-10], &["0.5614n"]);
        check(false, &[3.1e-12], &["0.003100n"]);
    }
}
