//! A series' history with the two revisions of a comparison marked on it.

use bench_report::metric::Scale;
use bench_verdict::verdict::{Band, Evidence};

use super::calendar::time_ticks;
use super::canvas::{Anchor, Frame, Opening, draw};
use super::label::{spread, text_width};
use super::role::Role;
use super::scale::linear_ticks;
use super::thin::thin;
use crate::domain::Millis;

/// One of the two revisions.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// When it was measured.
    pub time: Millis,
    /// Its value, stored unit.
    pub value: f64,
    /// What stands beside it: `base 1,115`.
    pub text: String,
}

/// What the chart shows.
#[derive(Debug, Clone, PartialEq)]
pub struct RevisionsPlot {
    /// The finding in a sentence.
    pub label: String,
    /// The unit of the axis.
    pub scale: Scale,
    /// The main branch's nights: time and value, in the order of time.
    pub nights: Vec<(Millis, f64)>,
    /// The side compared with.
    pub base: Revision,
    /// The side judged.
    pub head: Revision,
    /// The mark that the head wears.
    pub verdict: (Band, Evidence),
}

const HEIGHT: u32 = 158;

/// Draws the chart, `width` pixels wide, with `classes`.
pub fn revisions(of: &RevisionsPlot, width: u32, classes: &str) -> String {
    let shown = |value: f64| of.scale.scaled(value);
    let nights: Vec<(Millis, f64)> = of
        .nights
        .iter()
        .map(|(time, value)| (*time, shown(*value)))
        .filter(|(_, value)| value.is_finite())
        .collect();
    let ends = [&of.base, &of.head];
    let values = || {
        let own = ends.iter().map(|end| shown(end.value));
        nights.iter().map(|night| night.1).chain(own)
    };
    let (mut low, mut high) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    let air = if high > low {
        (high - low) * 0.1
    } else {
        (low.abs() * 0.05).max(f64::MIN_POSITIVE)
    };
    (low, high) = (low - air, high + air);
    let times = || {
        nights
            .iter()
            .map(|n| n.0.0)
            .chain(ends.iter().map(|end| end.time.0))
    };
    let (first, last) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
    let span = (last - first).max(3_600_000);
    let ticks = linear_ticks(low, high, 4);
    let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(text_width).fold(0.0, f64::max);
    let frame = Frame {
        left: (widest(&mut ticks.iter().map(|t| t.text.as_str())) + 9.0)
            .max(40.0)
            .ceil(),
        top: 18.0,
        right: f64::from(width) - widest(&mut ends.iter().map(|end| end.text.as_str())) - 16.0,
        bottom: 136.0,
    };
    let opening = Opening {
        classes,
        width,
        height: HEIGHT,
        label: &of.label,
        ..Opening::default()
    };
    draw(&opening, |canvas| {
        if !(low.is_finite() && high.is_finite()) {
            return;
        }
        let at = |time: Millis| (time.0 - first) as f64;
        let plot = canvas.plot(frame, 0.0..span as f64, low..high);
        canvas.text(
            (frame.left - 6.0, 10.0),
            Anchor::End,
            Role::Strong,
            of.scale.label,
        );
        for tick in &ticks {
            let y = plot.px((0.0, tick.at)).1;
            canvas.path(Role::Grid, [(frame.left, y), (frame.right, y)]);
            canvas.text(
                (frame.left - 6.0, y + 4.0),
                Anchor::End,
                Role::Text,
                &tick.text,
            );
        }
        canvas.path(
            Role::Axis,
            [(frame.left, frame.bottom), (frame.right, frame.bottom)],
        );
        let mut free_from = f64::NEG_INFINITY;
        for tick in time_ticks(Millis(first), Millis(last), frame.right - frame.left) {
            let x = plot.px((at(tick.at), low)).0;
            canvas.path(Role::Axis, [(x, frame.bottom), (x, frame.bottom + 3.0)]);
            let Some(text) = &tick.text else { continue };
            let half = text_width(text) / 2.0;
            if x - half >= free_from && x + half <= f64::from(width) {
                canvas.text((x, frame.bottom + 16.0), Anchor::Middle, Role::Text, text);
                free_from = x + half + 8.0;
            }
        }
        let line: Vec<(f64, f64)> = nights
            .iter()
            .map(|(time, value)| plot.px((at(*time), *value)))
            .collect();
        let drawn = thin(&line, 2.0, |_| false);
        canvas.path(Role::Line(1), drawn.into_iter().map(|i| line[i]));
        let base = plot.px((at(of.base.time), shown(of.base.value)));
        let head = plot.px((at(of.head.time), shown(of.head.value)));
        canvas.path(Role::OldLine, [base, head]);
        canvas.circle(Role::OldDot, base, 4.0);
        match of.verdict.0 {
            Band::None | Band::Warming | Band::Undefined => {
                canvas.circle(Role::Dot(1), head, 4.0);
            }
            band => canvas.mark(Role::Mark(band, of.verdict.1, 110), head),
        }
        let heights = spread(&[base.1, head.1], 13.0, frame.top, frame.bottom);
        for ((end, y), role) in ends.iter().zip(heights).zip([Role::Text, Role::Strong]) {
            canvas.text(
                (frame.right + 10.0, y + 4.0),
                Anchor::Start,
                role,
                &end.text,
            );
        }
    })
}

#[cfg(test)]
mod tests {
    use bench_report::metric::Unit;

    use super::*;
    use crate::chart::fixtures::TONIGHT;

    fn plot(nights: Vec<(Millis, f64)>) -> RevisionsPlot {
        let revision = |ago, value, text: &str| Revision {
            time: TONIGHT.minus_days(ago),
            value,
            text: text.to_owned(),
        };
        RevisionsPlot {
            label: "history".to_owned(),
            scale: Scale::of(Unit::Nanoseconds, 1000.0),
            nights,
            base: revision(1, 1000.0, "base 1.000"),
            head: revision(0, 1200.0, "head 1.200"),
            verdict: (Band::Warning, Evidence::Confirmed),
        }
    }

    #[test]
    fn both_revisions_are_marked_and_named() {
        let nights = (1..30)
            .map(|ago| (TONIGHT.minus_days(30 - ago), 1000.0))
            .collect();
        let svg = revisions(&plot(nights), 560, "x560");
        assert!(
            svg.contains("class=\"dot old\"") && svg.contains("m warning confirmed"),
            "{svg}"
        );
        assert!(
            svg.contains(">base 1.000<") && svg.contains(">head 1.200<"),
            "{svg}"
        );
    }

    #[test]
    fn without_a_night_the_two_stand_alone() {
        let svg = revisions(&plot(Vec::new()), 560, "x560");
        assert!(
            svg.contains("class=\"dot old\"") && !svg.contains("NaN"),
            "{svg}"
        );
    }
}
