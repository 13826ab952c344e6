//! Raw samples of two sides, beside each other: each sample a dot, the medians a line.

use bench_report::metric::Scale;

use super::canvas::{Anchor, Canvas, Frame, Opening, Plot, draw};
use super::role::Role;
use super::scale::linear_ticks;

/// What the plot shows.
#[derive(Debug, Clone, PartialEq)]
pub struct StripPlot<'a> {
    /// The finding in a sentence.
    pub label: String,
    /// The unit of the axis.
    pub scale: Scale,
    /// The side compared with: its samples, stored unit.
    pub before: &'a [f64],
    /// The side judged.
    pub after: &'a [f64],
}

const FRAME: Frame = Frame {
    left: 44.0,
    top: 18.0,
    right: 236.0,
    bottom: 136.0,
};
const HEIGHT: u32 = 158;
const WIDTH: u32 = 240;
/// Where the two columns stand, and how far a dot may leave its column.
const COLUMNS: [f64; 2] = [0.25, 0.75];
const REACH: f64 = 0.17;
/// Dots nearer than this many pixels in height share a line.
const LINE: f64 = 5.0;
/// More samples a side are thinned evenly in their order of size; the ends stay.
const MOST: usize = 120;

/// Draws the two columns.
pub fn strip(of: &StripPlot<'_>) -> String {
    let opening = Opening {
        classes: "strip",
        width: WIDTH,
        height: HEIGHT,
        label: &of.label,
        ..Opening::default()
    };
    let sides = [of.before, of.after].map(|samples| thinned(of.scale, samples));
    draw(&opening, |canvas| {
        let all = || sides.iter().flatten().copied();
        let (mut low, mut high) = (
            all().fold(f64::INFINITY, f64::min),
            all().fold(f64::NEG_INFINITY, f64::max),
        );
        if !(low.is_finite() && high.is_finite()) {
            canvas.text(
                (WIDTH as f64 / 2.0, 80.0),
                Anchor::Middle,
                Role::Text,
                "No samples",
            );
            return;
        }
        let air = if high > low {
            (high - low) * 0.08
        } else {
            (low.abs() * 0.05).max(f64::MIN_POSITIVE)
        };
        (low, high) = (low - air, high + air);
        let plot = canvas.plot(FRAME, 0.0..1.0, low..high);
        canvas.text(
            (FRAME.left - 6.0, 10.0),
            Anchor::End,
            Role::Strong,
            of.scale.label,
        );
        for tick in linear_ticks(low, high, 4) {
            let y = plot.px((0.0, tick.at)).1;
            canvas.path(Role::Grid, [(FRAME.left, y), (FRAME.right, y)]);
            canvas.text(
                (FRAME.left - 6.0, y + 4.0),
                Anchor::End,
                Role::Text,
                &tick.text,
            );
        }
        for (side, (samples, column)) in sides.iter().zip(COLUMNS).enumerate() {
            let role = if side == 0 {
                Role::OldDot
            } else {
                Role::Dot(1)
            };
            column_of(canvas, &plot, samples, column, role);
            let name = ["before", "after"][side];
            let at = plot.px((column, low)).0;
            canvas.text((at, FRAME.bottom + 16.0), Anchor::Middle, Role::Text, name);
        }
    })
}

/// In the shown unit, by size.
fn thinned(scale: Scale, samples: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = samples
        .iter()
        .map(|value| scale.scaled(*value))
        .filter(|value| value.is_finite())
        .collect();
    values.sort_by(f64::total_cmp);
    if values.len() <= MOST {
        return values;
    }
    let last = values.len() - 1;
    (0..MOST).map(|i| values[i * last / (MOST - 1)]).collect()
}

/// Dots of one height spread to both sides of their column, the first in its middle.
fn column_of(canvas: &Canvas<'_>, plot: &Plot<'_>, samples: &[f64], column: f64, role: Role) {
    let mut line_y = f64::INFINITY;
    let mut in_line: Vec<(f64, f64)> = Vec::new();
    let flush = |dots: &mut Vec<(f64, f64)>| {
        let step = (2.0 * REACH / dots.len().max(1) as f64).min(0.045);
        for (i, (_, y)) in dots.iter().enumerate() {
            let side = if i % 2 == 0 { 1.0 } else { -1.0 };
            let away = side * step * i.div_ceil(2) as f64;
            let x = plot.px((column + away, 0.0)).0;
            canvas.circle(role, (x, *y), 2.6);
        }
        dots.clear();
    };
    for value in samples {
        let y = plot.px((column, *value)).1;
        if (line_y - y).abs() > LINE {
            flush(&mut in_line);
            line_y = y;
        }
        in_line.push((column, y));
    }
    flush(&mut in_line);
    if let Some(median) = median(samples) {
        let (from, to) = (
            plot.px((column - REACH, median)),
            plot.px((column + REACH, median)),
        );
        canvas.path(Role::Level, [from, to]);
    }
}

fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use bench_report::metric::Unit;

    use super::*;

    fn plot<'a>(before: &'a [f64], after: &'a [f64]) -> StripPlot<'a> {
        StripPlot {
            label: "samples".to_owned(),
            scale: Scale::of(Unit::Nanoseconds, 100.0),
            before,
            after,
        }
    }

    #[test]
    fn every_sample_is_a_dot_and_each_side_has_its_median() {
        let svg = strip(&plot(&[100.0, 101.0, 102.0], &[120.0, 120.0]));
        assert_eq!(svg.matches("class=\"dot old\"").count(), 3);
        assert_eq!(svg.matches("class=\"dot s1\"").count(), 2);
        assert_eq!(svg.matches("class=\"lvl\"").count(), 2);
    }

    #[test]
    fn equal_samples_and_no_samples_are_drawn() {
        assert!(strip(&plot(&[0.0; 4], &[0.0; 4])).contains("<circle"));
        assert!(strip(&plot(&[], &[])).contains("No samples"));
        let many: Vec<f64> = (0..10_000).map(f64::from).collect();
        assert!(strip(&plot(&many, &[])).len() < 20_000);
    }
}
