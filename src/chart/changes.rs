//! Changes one after the other, a step each: the frame that a machine's pairs and its canaries share.

use bench_report::metric::format_change;

use super::canvas::{Anchor, Canvas, Frame, Opening, Plot, draw};
use super::role::Role;
use crate::domain::Millis;
use crate::text;

/// What such a chart looks like.
pub(super) struct Changes<'a> {
    /// Pixels, width and height.
    pub(super) size: (u32, u32),
    /// Classes of the picture.
    pub(super) classes: &'a str,
    /// What it says to those who do not see it.
    pub(super) label: &'a str,
    /// Ends of the scale, as fractions.
    pub(super) range: (f64, f64),
}

/// Draws the axes and the days of the first and the last of `times`; `paint` puts the changes in, the
/// one of the time at `n` in the middle between x = `n` and `n + 1`.
pub(super) fn changes(
    of: &Changes<'_>,
    times: &[Millis],
    paint: impl FnOnce(&Canvas<'_>, &Plot<'_>, Frame),
) -> String {
    let (width, height) = of.size;
    let opening = Opening {
        classes: of.classes,
        width,
        height,
        label: of.label,
        ..Opening::default()
    };
    let frame = Frame {
        left: 52.0,
        top: 12.0,
        right: f64::from(width) - 12.0,
        bottom: f64::from(height) - 28.0,
    };
    draw(&opening, |canvas| {
        let (low, high) = of.range;
        let plot = canvas.plot(frame, 0.0..times.len().max(1) as f64, low..high);
        change_axis(canvas, &plot, frame, of.range);
        paint(canvas, &plot, frame);
        first_and_last(canvas, frame, times.iter().copied());
    })
}

/// Rules and labels of an axis of changes, which has zero in it.
fn change_axis(canvas: &Canvas<'_>, plot: &Plot<'_>, frame: Frame, (low, high): (f64, f64)) {
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
        // Whole percents by construction.
        let name = format_change(change).replace(".0%", "%");
        canvas.text((frame.left - 6.0, y + 4.0), Anchor::End, Role::Text, &name);
    }
}

/// The days of the first and the last of `times`, beneath the ends of an axis that counts.
fn first_and_last(
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
