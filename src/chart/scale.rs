//! Value axes: where ticks stand and what they say.

use bench_report::metric::{Scale, Unit};

/// A tick: where it stands, and its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// In data coordinates.
    pub at: f64,
    /// What stands beside it.
    pub text: String,
}

/// Ticks at multiples of 1, 2, 2.5 or 5 times a power of ten, at most `most`, within `low..=high`.
/// Empty if the range is empty or not finite.
pub fn linear_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 || most == 0 {
        return Vec::new();
    }
    let mut power = 10f64.powf((span / most as f64).log10().floor());
    loop {
        for factor in [1.0, 2.0, 2.5, 5.0] {
            let step = factor * power;
            let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
            let count = last - first + 1.0;
            if count <= most as f64 {
                let count = count.max(0.0) as usize;
                return named((0..count).map(|i| (first + i as f64) * step).collect());
            }
        }
        power *= 10.0;
        if !power.is_finite() {
            return Vec::new();
        }
    }
}

/// Ticks at 1, 2 and 5 times powers of ten within `low..=high`, both above zero; when these are
/// more than `most`, at 1 and then at every second, third … power only. Falls back to
/// [`linear_ticks`] where the range holds fewer than two.
pub fn log_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    if !(low > 0.0 && high > low && high.is_finite()) {
        return Vec::new();
    }
    let powers = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
    let within = |value: &f64| *value >= low * (1.0 - 1e-9) && *value <= high * (1.0 + 1e-9);
    let make = |factors: &[f64], every: usize| -> Vec<f64> {
        powers
            .clone()
            .filter(|p| p.rem_euclid(every as i32) == 0)
            .flat_map(|p| factors.iter().map(move |f| f * 10f64.powi(p)))
            .filter(within)
            .collect()
    };
    let mut values = make(&[1.0, 2.0, 5.0], 1);
    let mut every = 1;
    while values.len() > most.max(2) {
        values = make(&[1.0], every);
        every += 1;
    }
    if values.len() < 2 {
        return linear_ticks(low, high, most);
    }
    named(values)
}

/// Ticks with their texts, in as few digits as tell them apart.
pub fn named(values: Vec<f64>) -> Vec<Tick> {
    let texts = Scale::of(Unit::One, 1.0).ticks(&values);
    values
        .into_iter()
        .zip(texts)
        .map(|(at, text)| Tick { at, text })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ticks: &[Tick], expected: &str) {
        let texts: Vec<_> = ticks.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(texts.join(" "), expected);
    }

    #[test]
    fn linear_steps_are_1_2_25_or_5() {
        check(&linear_ticks(188.0, 285.0, 5), "200 220 240 260 280");
        check(&linear_ticks(0.0, 2.2, 5), "0 0.5 1 1.5 2");
        check(&linear_ticks(14.2, 18.0, 3), "16 18");
    }

    #[test]
    fn linear_ticks_never_exceed_the_most() {
        check(&linear_ticks(14.0, 18.4, 3), "14 16 18");
        check(&linear_ticks(0.0012, 0.0049, 4), "0.002 0.003 0.004");
        check(&linear_ticks(-8.0, 12.0, 5), "−5 0 5 10");
        check(&linear_ticks(880.0, 1450.0, 3), "1,000 1,200 1,400");
    }

    #[test]
    fn an_empty_range_has_no_ticks() {
        check(&linear_ticks(1.0, 1.0, 5), "");
        check(&linear_ticks(f64::NAN, 1.0, 5), "");
        check(&log_ticks(0.0, 1.0, 5), "");
    }

    #[test]
    fn log_ticks_are_1_2_5() {
        check(&log_ticks(18.0, 2400.0, 7), "20 50 100 200 500 1,000 2,000");
        check(&log_ticks(0.5, 1e6, 6), "1 100 10,000 1,000,000");
        check(&log_ticks(0.05, 0.6, 5), "0.05 0.1 0.2 0.5");
    }

    #[test]
    fn a_narrow_log_range_counts_in_even_steps() {
        check(&log_ticks(205.0, 290.0, 4), "220 240 260 280");
    }
}
