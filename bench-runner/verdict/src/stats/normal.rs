//! The standard normal distribution.
//!
//! The middle: the Taylor series of Marsaglia, "Evaluating the normal distribution", Journal of
//! Statistical Software 11(4), 2004. The tails: the continued fraction of Abramowitz and Stegun,
//! 26.2.14. The inverse: their 26.2.23, polished by Newton's method.

use std::f64::consts::PI;

/// Beyond this the continued fraction is the more exact one.
const TAIL_FROM: f64 = 4.0;

/// Terms of the continued fraction; at [`TAIL_FROM`] forty give all digits.
const TAIL_TERMS: u32 = 40;

/// The probability of a value at or below `x`.
pub fn cdf(x: f64) -> f64 {
    if x.is_nan() {
        f64::NAN
    } else if x < -TAIL_FROM {
        upper_tail(-x)
    } else if x > TAIL_FROM {
        1.0 - upper_tail(x)
    } else {
        let (mut term, mut sum, mut before, mut odd) = (x, x, 0.0, 1.0);
        while sum != before {
            before = sum;
            odd += 2.0;
            term *= x * x / odd;
            sum += term;
        }
        0.5 + sum * density(x)
    }
}

/// The value that a share `p` of the distribution lies below. Infinite at 0 and 1.
pub fn quantile(p: f64) -> f64 {
    if !(p > 0.0 && p < 1.0) {
        return match p {
            0.0 => f64::NEG_INFINITY,
            1.0 => f64::INFINITY,
            _ => f64::NAN,
        };
    }
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    let t = (-2.0 * p.ln()).sqrt();
    let above = 2.515517 + t * (0.802853 + t * 0.010328);
    let below = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    let mut x = above / below - t;
    for _ in 0..4 {
        let step = (cdf(x) - p) / density(x);
        x -= step / (1.0 + 0.5 * x * step);
    }
    x
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

fn upper_tail(x: f64) -> f64 {
    let mut fraction = x;
    for term in (1..=TAIL_TERMS).rev() {
        fraction = x + f64::from(term) / fraction;
    }
    density(x) / fraction
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use statrs::distribution::{ContinuousCDF, Normal};

    use super::*;

    #[test]
    fn probabilities_agree_with_an_independent_implementation() {
        let normal = Normal::new(0.0, 1.0).unwrap();
        for step in -300..=300 {
            let x = f64::from(step) / 30.0;
            let (got, want) = (cdf(x), normal.cdf(x));
            assert!((got - want).abs() <= 1e-9 * want, "{x}: {got} {want}");
        }
        // 0.5 erfc(-x / sqrt 2) of the C library.
        assert!((cdf(-0.733_333_333_333_333_3) - 0.231_677_574_634_798_3).abs() < 1e-16);
        assert_eq!((cdf(f64::NEG_INFINITY), cdf(f64::INFINITY)), (0.0, 1.0));
    }

    #[test]
    fn the_quantile_undoes_the_probability() {
        for p in [1e-12, 1e-6, 0.001, 0.025, 0.3, 0.5, 0.7, 0.975, 0.999_999] {
            assert!((cdf(quantile(p)) / p - 1.0).abs() < 1e-9, "{p}");
        }
        assert!((quantile(0.975) - 1.959963984540054).abs() < 1e-12);
        assert_eq!(
            (quantile(0.0), quantile(1.0)),
            (f64::NEG_INFINITY, f64::INFINITY)
        );
        assert!(quantile(1.5).is_nan() && cdf(f64::NAN).is_nan());
    }
}
