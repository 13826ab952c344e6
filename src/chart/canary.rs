//! The canaries of a machine, night after night: what was planted must be found, what is equal must
//! not be told apart.

use bench_report::metric::format_change;
use bench_verdict::verdict::{Band, Evidence};

use super::canvas::{Opening, draw};
use super::changes::{Changes, changes};
use super::role::Role;
use crate::domain::Millis;
use crate::text;

/// The planted slowdown, where the scale ends at least.
const PLANTED: f64 = 0.15;

/// One series of one night's canary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planting {
    /// The night.
    pub time: Millis,
    /// Whether a slowdown was planted; else both sides were equal.
    pub is_planted: bool,
    /// What was seen, as a fraction; positive is worse.
    pub change: f64,
    /// Ends of two standard errors about it.
    pub interval: (f64, f64),
    /// Whether it was found, or was not told apart, as it must.
    pub is_right: bool,
}

/// Draws them in the order of time, `width` pixels wide, with `classes`: a dot for what was planted, a
/// ring for equal sides, a mark for what went wrong; lines are two standard errors.
pub fn canary(of: &[Planting], width: u32, classes: &str) -> String {
    let ends = || of.iter().flat_map(|one| [one.interval.0, one.interval.1]);
    let low = ends().fold(-0.05, f64::min) * 1.1;
    let high = ends().fold(PLANTED, f64::max) * 1.1;
    let label = says(of);
    let shape = Changes {
        size: (width, 190),
        classes,
        label: &label,
        range: (low, high),
    };
    let times: Vec<Millis> = of.iter().map(|one| one.time).collect();
    changes(&shape, &times, |canvas, plot, _| {
        for (at, one) in of.iter().enumerate() {
            let x = at as f64 + 0.5;
            let line = if one.is_planted {
                Role::Line(1)
            } else {
                Role::OldLine
            };
            let (from, to) = one.interval;
            canvas.path(line, [plot.px((x, from)), plot.px((x, to))]);
        }
        for (at, one) in of.iter().enumerate() {
            let place = plot.px((at as f64 + 0.5, one.change));
            sign(canvas, one, place, 3.0);
        }
    })
}

/// The same in a line of text: above what was planted, below what was equal, a step a night.
pub fn canary_strip(of: &[Planting]) -> String {
    let label = says(of);
    let opening = Opening {
        classes: "sp",
        width: 168,
        height: 24,
        label: &label,
        ..Opening::default()
    };
    let mut nights: Vec<Millis> = of.iter().map(|one| one.time).collect();
    nights.dedup();
    let step = (160.0 / nights.len().max(1) as f64).min(8.0);
    draw(&opening, |canvas| {
        for one in of {
            let night = nights.iter().position(|time| *time == one.time);
            let x = 4.0 + night.unwrap_or(0) as f64 * step;
            let y = if one.is_planted { 8.0 } else { 17.0 };
            sign(canvas, one, (x, y), (step * 0.35).clamp(1.2, 2.6));
        }
    })
}

fn sign(canvas: &super::canvas::Canvas<'_>, one: &Planting, place: (f64, f64), radius: f64) {
    match (one.is_right, one.is_planted) {
        (true, true) => canvas.circle(Role::Dot(1), place, radius),
        (true, false) => canvas.circle(Role::OldDot, place, radius),
        (false, _) => canvas.mark(
            Role::Mark(
                Band::Critical,
                Evidence::Confirmed,
                if radius < 3.0 { 60 } else { 100 },
            ),
            place,
        ),
    }
}

/// The finding in a sentence.
fn says(of: &[Planting]) -> String {
    let count = |is_planted: bool| {
        let all = of.iter().filter(|one| one.is_planted == is_planted);
        let right = all.clone().filter(|one| one.is_right).count();
        (right, all.count())
    };
    let ((found, planted), (quiet, plain)) = (count(true), count(false));
    let Some(last) = of.last() else {
        return "no canary was measured".to_owned();
    };
    format!(
        "{found} of {planted} planted slowdowns were found, {quiet} of {plain} equal pairs were not \
         told apart; the last, {}: {}",
        text::day_year(last.time),
        format_change(last.change)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::fixtures::TONIGHT;

    fn one(is_planted: bool, is_right: bool) -> Planting {
        let change = if is_planted { 0.148 } else { 0.002 };
        Planting {
            time: TONIGHT,
            is_planted,
            change,
            interval: (change - 0.02, change + 0.02),
            is_right,
        }
    }

    #[test]
    fn planted_and_equal_pairs_differ_by_shape_and_what_went_wrong_is_marked() {
        let right = [one(true, true), one(false, true)];
        for svg in [canary(&right, 560, "wide"), canary_strip(&right)] {
            assert_eq!(svg.matches("class=\"dot s1\"").count(), 1, "{svg}");
            assert_eq!(svg.matches("class=\"dot old\"").count(), 1, "{svg}");
            assert!(!svg.contains("<use"), "{svg}");
            assert!(svg.contains("1 of 1 planted slowdowns were found, 1 of 1 equal pairs"));
        }
        let missed = [one(true, false), one(false, true)];
        for svg in [canary(&missed, 560, "wide"), canary_strip(&missed)] {
            assert!(svg.contains("href=\"#critical\""), "{svg}");
            assert!(svg.contains("0 of 1 planted slowdowns were found"));
        }
        assert!(canary(&[], 560, "wide").contains("no canary was measured"));
    }
}
