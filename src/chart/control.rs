//! A machine's control chart: what identical programs differed by, pair after pair.

use bench_report::metric::format_change;

use super::changes::{Changes, changes};
use super::role::Role;
use crate::analysis::identical::Identical;
use crate::domain::Millis;

/// The scale ends here at least, as a fraction.
const LEAST: f64 = 0.06;

/// The gate's threshold: noise that reaches it would turn a gate red without evidence.
const GATE: f64 = 0.1;

/// Draws the pairs in the order given, `width` pixels wide, with `classes`.
pub fn control(pairs: &[Identical], width: u32, classes: &str) -> String {
    let reach = pairs
        .iter()
        .flat_map(|pair| [pair.low.abs(), pair.high.abs()])
        .fold(LEAST, f64::max)
        * 1.1;
    let label = pairs.last().map_or_else(
        || "no pair of identical programs".to_owned(),
        |last| {
            format!(
                "{} pairs of identical programs; of the last, nine of ten series lie between {} and {}",
                pairs.len(),
                format_change(last.low),
                format_change(last.high)
            )
        },
    );
    let shape = Changes {
        size: (width, 170),
        classes,
        label: &label,
        range: (-reach, reach),
    };
    let times: Vec<Millis> = pairs.iter().map(|pair| pair.time).collect();
    changes(&shape, &times, |canvas, plot, frame| {
        if reach > GATE {
            for gate in [-GATE, GATE] {
                let y = plot.px((0.0, gate)).1;
                canvas.path(Role::Warn, [(frame.left, y), (frame.right, y)]);
            }
        }
        for (at, pair) in pairs.iter().enumerate() {
            let x = at as f64 + 0.5;
            canvas.path(
                Role::Line(1),
                [plot.px((x, pair.low)), plot.px((x, pair.high))],
            );
            canvas.circle(Role::Dot(1), plot.px((x, pair.middle)), 3.0);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::fixtures::TONIGHT;
    use crate::domain::RunId;

    fn pair(high: f64) -> Identical {
        Identical {
            run: RunId(7),
            time: TONIGHT,
            series: 40,
            middle: 0.001,
            low: -0.02,
            high,
            largest: ("A latency".to_owned(), high),
        }
    }

    #[test]
    fn each_pair_is_a_span_with_its_middle_and_the_gate_shows_where_it_is_in_reach() {
        let quiet = control(&[pair(0.02), pair(0.03)], 560, "wide");
        assert_eq!(quiet.matches("class=\"ln s1\"").count(), 2);
        assert_eq!(quiet.matches("class=\"dot s1\"").count(), 2);
        assert!(!quiet.contains("class=\"t1\""), "{quiet}");
        assert!(control(&[pair(0.3)], 560, "wide").contains("class=\"t1\""));
    }
}
