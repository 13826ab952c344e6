//! Student's t distribution for whole degrees of freedom.
//!
//! The finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4; the inverse by bisection.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// The probability of a value at or below `t` with `degrees` of freedom.
pub fn cdf(t: f64, degrees: usize) -> f64 {
    let angle = (t / (degrees as f64).sqrt()).atan();
    let (sine, cosine) = angle.sin_cos();
    let odd = degrees % 2 == 1;
    let (mut term, mut sum) = if odd { (cosine, cosine) } else { (1.0, 1.0) };
    let mut k = if odd { 3 } else { 2 };
    while k + 2 <= degrees + usize::from(!odd) && k < degrees {
        term *= cosine * cosine * (k - 1) as f64 / k as f64;
        sum += term;
        k += 2;
    }
    let inside = match (odd, degrees) {
        (true, 1) => angle / FRAC_PI_2,
        (true, _) => FRAC_2_PI * (angle + sine * sum),
        (false, _) => sine * sum,
    };
    0.5 + 0.5 * inside
}

/// The value that a share `p` of the distribution lies below.
pub fn quantile(p: f64, degrees: usize) -> f64 {
    if degrees == 0 || !(p > 0.0 && p < 1.0) {
        return f64::NAN;
    }
    let (mut low, mut high) = (-1.0, 1.0);
    while cdf(low, degrees) > p {
        low *= 2.0;
    }
    while cdf(high, degrees) < p {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if cdf(middle, degrees) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use statrs::distribution::{ContinuousCDF, StudentsT};

    use super::*;

    #[test]
    fn probabilities_agree_with_an_independent_implementation() {
        for degrees in 1..60 {
            let other = StudentsT::new(0.0, 1.0, degrees as f64).unwrap();
            for t in [-40.0, -3.0, -0.7, 0.0, 0.1, 1.0, 2.5, 9.0] {
                let (got, want) = (cdf(t, degrees), other.cdf(t));
                assert!((got - want).abs() < 1e-9, "{degrees} {t}: {got} {want}");
            }
        }
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (degrees, want) in [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (30, 2.042)] {
            let got = quantile(0.975, degrees);
            assert!((got - want).abs() < 5e-4, "{degrees}: {got}");
        }
        assert!(quantile(0.975, 0).is_nan() && quantile(1.0, 5).is_nan());
    }
}
