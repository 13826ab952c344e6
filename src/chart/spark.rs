//! 30 nights in a table's row: a line, the baseline zone, a mark on the last night.

use bench_verdict::verdict::Band;

use super::canvas::{Frame, Opening, draw};
use super::role::Role;
use crate::domain::Point;

const FRAME: Frame = Frame {
    left: 2.0,
    top: 6.0,
    right: 160.0,
    bottom: 18.0,
};

/// Draws `points`, given in the order of time, one step a night. `label` says what it shows. Up is
/// what the numbers say, not what is worse: the same way as on the large chart.
pub fn spark(points: &[Point], label: &str) -> String {
    drawn(points, None, label)
}

/// The same against an accepted level, which is dotted: the baseline follows what creeps, and would
/// hide it.
pub fn spark_against(points: &[Point], level: f64, label: &str) -> String {
    drawn(points, Some(level), label)
}

fn drawn(points: &[Point], level: Option<f64>, label: &str) -> String {
    let opening = Opening {
        classes: "sp",
        width: 168,
        height: 24,
        label,
        ..Opening::default()
    };
    let usable: Vec<&Point> = points.iter().filter(|p| p.value.is_finite()).collect();
    draw(&opening, |canvas| {
        let Some(last) = usable.last() else {
            return;
        };
        let bases: Vec<Option<f64>> = usable
            .iter()
            .map(|p| p.judgement.baseline.filter(|b| *b > 0.0 && b.is_finite()))
            .map(|base| base.filter(|_| level.is_none()))
            .collect();
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let edges = bases.iter().flatten().flat_map(|b| [b * 0.95, b * 1.05]);
        for value in usable.iter().map(|p| p.value).chain(edges).chain(level) {
            low = low.min(value);
            high = high.max(value);
        }
        if high <= low {
            let air = if low == 0.0 { 1.0 } else { low.abs() * 0.05 };
            (low, high) = (low - air, high + air);
        }
        let steps = (usable.len() - 1).max(1) as f64;
        let plot = canvas.plot(FRAME, 0.0..steps, low..high);
        let x = |i: usize| if usable.len() == 1 { steps } else { i as f64 };
        let mut start = 0;
        while start < bases.len() {
            let end = (start..bases.len())
                .find(|i| bases[*i].is_none())
                .unwrap_or(bases.len());
            if end > start + 1 {
                let bases: Vec<(f64, f64)> = (start..end)
                    .filter_map(|i| Some((x(i), bases[i]?)))
                    .collect();
                let upper = bases.iter().map(|(x, base)| (*x, base * 1.05));
                let lower = bases.iter().rev().map(|(x, base)| (*x, base * 0.95));
                plot.polygon(Role::Zone, upper.chain(lower).collect());
            }
            start = end + 1;
        }
        let line: Vec<(f64, f64)> = usable
            .iter()
            .enumerate()
            .map(|(i, p)| (x(i), p.value))
            .collect();
        let end = plot.px((x(usable.len() - 1), last.value));
        if let Some(level) = level {
            let y = plot.px((0.0, level)).1;
            canvas.path(Role::Base, [(FRAME.left, y), (FRAME.right, y)]);
        }
        plot.path(Role::Line(1), line);
        match last.judgement.band {
            _ if level.is_some() => canvas.circle(Role::Dot(1), end, 2.0),
            Band::None | Band::Warming | Band::Undefined => canvas.circle(Role::Dot(1), end, 2.0),
            band => canvas.mark(Role::Mark(band, last.judgement.evidence, 80), end),
        }
    })
}

#[cfg(test)]
mod tests {
    use bench_verdict::verdict::Evidence;

    use super::super::fixtures::night;
    use super::*;

    #[test]
    fn the_last_night_carries_its_mark() {
        let points = [
            night(2, 205_000.0, Band::None, Evidence::Noise),
            night(1, 204_000.0, Band::None, Evidence::Noise),
            night(0, 260_000.0, Band::Critical, Evidence::Likely),
        ];
        let svg = spark(&points, "last 3 nights");
        assert!(
            svg.contains("href=\"#critical\" class=\"m critical likely\""),
            "{svg}"
        );
        let quiet = spark(&points[..2], "last 2 nights");
        assert!(
            quiet.contains("class=\"dot s1\"") && !quiet.contains("<use"),
            "{quiet}"
        );
    }

    #[test]
    fn an_accepted_level_is_dotted_and_takes_the_place_of_the_zone() {
        let points = [
            night(1, 204_000.0, Band::None, Evidence::Noise),
            night(0, 209_000.0, Band::Critical, Evidence::Noise),
        ];
        let svg = spark_against(&points, 180_000.0, "last 2 nights");
        assert!(svg.contains("class=\"base\""), "{svg}");
        assert!(
            !svg.contains("class=\"zone\"") && !svg.contains("<use"),
            "{svg}"
        );
        assert!(spark(&points, "last 2 nights").contains("class=\"zone\""));
    }

    #[test]
    fn no_night_draws_an_empty_row_and_one_night_a_dot() {
        assert!(spark(&[], "no night").ends_with("\"></svg>"));
        let one = [night(0, 1.0, Band::Warming, Evidence::Inconclusive)];
        assert!(spark(&one, "1 night").contains("<circle"));
    }
}
