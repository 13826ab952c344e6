//! A machine's control chart: what identical programs differed by, pair after pair.

use bench_report::metric::format_change;

use super::canvas::{Anchor, Canvas, Frame, Opening, Plot, draw};
use super::role::Role;
use crate::analysis::identical::Identical;
use crate::domain::Millis;
use crate::text;

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
    let opening = Opening {
        classes,
        width,
        height: 170,
        label: &label,
        ..Opening::default()
    };
    let frame = Frame {
        left: 52.0,
        top: 12.0,
        right: f64::from(width) - 12.0,
        bottom: 142.0,
    };
    draw(&opening, |canvas| {
        let count = pairs.len().max(1) as f64;
        let plot = canvas.plot(frame, 0.0..count, -reach..reach);
        change_axis(canvas, &plot, frame, (-reach, reach));
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
        first_and_last(canvas, frame, pairs.iter().map(|pair| pair.time));
    })
}

/// Rules and labels of an axis of changes, which has zero in it.
pub(super) fn change_axis(
    canvas: &Canvas<'_>,
    plot: &Plot<'_>,
    frame: Frame,
    (low, high): (f64, f64),
) {
    let step = match (high - low) / 2.0 {
        reach if reach > 0.25 => 0.2,
        reach if reach > 0.12 => 0.1,
        _ => 0.05,
    };
    for tick in (low / step).ceil() as i32..=(high / step).floor() as i32 {
        let change = f64::from(tick) * step;
        let y = plot.px((0.0, change)).1;
        let role = if tick == 0 { Role::Axis } else { Role::Grid };
        canvas.path(role, [(frame.left, y), (frame.right, y)]);
        let name = format_change(change);
        canvas.text((frame.left - 6.0, y + 4.0), Anchor::End, Role::Text, &name);
    }
}

/// The days of the first and the last of `times`, beneath the ends of an axis that counts.
pub(super) fn first_and_last(
    canvas: &Canvas<'_>,
    frame: Frame,
    mut times: impl DoubleEndedIterator<Item = Millis>,
) {
    let beneath = frame.bottom + 18.0;
    if let Some(first) = times.next() {
        let day = text::day(first);
        canvas.text((frame.left, beneath), Anchor::Start, Role::Text, &day);
    }
    if let Some(last) = times.next_back() {
        let day = text::day(last);
        canvas.text((frame.right, beneath), Anchor::End, Role::Text, &day);
    }
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
