//! Several series in one chart: lines that are told apart by dashes as well as by colour, each
//! named at its right end. No baseline zone: behind several lines it says nothing of any of them.

use std::collections::BTreeMap;

use super::along::Along;
use super::canvas::{Anchor, Canvas, Frame, Opening, Plot, draw};
use super::label::{spread, text_width};
use super::lane::{self, ROWS, Wish};
use super::plot::{TrendPlot, YScale};
use super::role::Role;
use super::scale::{linear_ticks, log_ticks};
use super::thin::thin;
use super::trend::{Size, pad, plot_data, x_ticks};
use crate::analysis::history::{Event, EventKind};
use crate::domain::Millis;

/// So many lines are told apart: six colours and four kinds of line, each pair once.
pub const MOST_LINES: usize = 12;

/// Pixels in which two points of a line are one.
const LINE_BUCKET: f64 = 2.0;
/// Names at the right end take no more than this; longer ones give way to numbers.
const WIDEST_NAMES: f64 = 250.0;
/// A piece of the line before its name, and the air after it.
const SWATCH: f64 = 18.0;
/// The height of a name.
const NAME_HEIGHT: f64 = 13.0;

/// What an overlay draws.
#[derive(Debug, Clone, PartialEq)]
pub struct OverlayPlot {
    /// The finding in a sentence.
    pub label: String,
    /// A longer description.
    pub desc: String,
    /// Unit above the axis.
    pub unit: String,
    /// How y counts.
    pub y: YScale,
    /// The axis of all lines.
    pub along: Along,
    /// Name and nights of each line; the nights in one unit. At most [`MOST_LINES`] are told apart.
    pub lines: Vec<(String, TrendPlot)>,
}

impl OverlayPlot {
    /// The events of all lines: those of one night and kind are one, and say of how many lines.
    pub fn events(&self) -> Vec<Event> {
        let mut by_place: BTreeMap<(Millis, u8), Vec<&Event>> = BTreeMap::new();
        for (_, plot) in &self.lines {
            for event in &plot.events {
                let kind = match event.kind {
                    EventKind::ChangePoint => 0,
                    EventKind::Epoch => 1,
                    EventKind::Annotation => 2,
                };
                by_place.entry((event.time, kind)).or_default().push(event);
            }
        }
        by_place
            .into_values()
            .filter_map(|events| {
                let first = *events.first()?;
                let is_one = events.iter().all(|e| e.label == first.label);
                let label = match (first.kind, events.len()) {
                    (EventKind::ChangePoint, n) if n > 1 => {
                        format!("step in {n} of {}", self.lines.len())
                    }
                    _ if is_one => first.label.clone(),
                    (_, n) => format!("{} and {} more", first.label, n - 1),
                };
                Some(Event {
                    label,
                    ..first.clone()
                })
            })
            .collect()
    }

    fn extent(&self) -> Option<(f64, f64)> {
        let values = self
            .lines
            .iter()
            .flat_map(|(_, plot)| plot.nights.iter().filter_map(|n| n.value));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        (low <= high).then_some((low, high))
    }
}

/// Draws it, wide or narrow.
pub fn overlay(plot: &OverlayPlot, size: Size) -> String {
    let is_narrow = size == Size::Narrow;
    let (width, height, classes) = if is_narrow {
        (358, 290, "narrow")
    } else {
        (1200, 380, "wide")
    };
    let mut opening = Opening {
        classes,
        width,
        height,
        label: &plot.label,
        desc: &plot.desc,
        data: Vec::new(),
    };
    let mut frame = Frame {
        left: 40.0,
        top: 34.0,
        right: f64::from(width) - 12.0,
        bottom: f64::from(height) - 22.0,
    };
    let Some(extent) = plot.extent() else {
        return draw(&opening, |canvas| {
            let ends = [(frame.left, frame.bottom), (frame.right, frame.bottom)];
            canvas.path(Role::Axis, ends);
            let middle = (f64::from(width) / 2.0, f64::from(height) / 2.0);
            canvas.text(middle, Anchor::Middle, Role::Text, "no run in this range");
        });
    };
    let log = plot.y == YScale::Log;
    let (low, high) = pad(extent, log);
    let ticks = if log {
        log_ticks(low, high, 9)
    } else {
        linear_ticks(low, high, 5)
    };
    let widest = ticks.iter().map(|t| text_width(&t.text));
    frame.left = frame.left.max((widest.fold(0.0, f64::max) + 9.0).ceil());
    let names = names(plot, is_narrow);
    let room = names.iter().map(|n| text_width(n)).fold(0.0, f64::max);
    frame.right = f64::from(width) - room - SWATCH - 12.0;
    let scaled = |y: f64| if log { y.ln() } else { y };
    let x = plot.along.range();
    let y = (scaled(low), scaled(high));
    opening.data.push(("plot", plot_data(frame, x, y, log)));
    draw(&opening, |canvas| {
        let area = canvas.plot(frame, x.0..x.1, y.0..y.1);
        for tick in &ticks {
            let y = area.px((x.0, scaled(tick.at))).1;
            canvas.path(Role::Grid, [(frame.left, y), (frame.right, y)]);
            let at = (frame.left - 7.0, y + 4.0);
            canvas.text(at, Anchor::End, Role::Text, &tick.text);
        }
        if text_width(&plot.unit) <= frame.left - 8.0 {
            canvas.text(
                (frame.left - 7.0, 23.0),
                Anchor::End,
                Role::Strong,
                &plot.unit,
            );
        } else {
            canvas.text((0.0, 23.0), Anchor::Start, Role::Strong, &plot.unit);
        }
        canvas.path(
            Role::Axis,
            [(frame.left, frame.bottom), (frame.right, frame.bottom)],
        );
        x_ticks(canvas, &area, frame, &plot.along, f64::from(width));
        let pen = Pen {
            plot,
            canvas,
            area: &area,
            frame,
            log,
            is_narrow,
        };
        pen.gaps();
        pen.events();
        pen.lines(&names);
    })
}

/// What stands at the right ends: names, or numbers where names would take too much of the width.
fn names(plot: &OverlayPlot, is_narrow: bool) -> Vec<String> {
    let most = if is_narrow { 60.0 } else { WIDEST_NAMES };
    let fit = plot.lines.iter().all(|(name, _)| text_width(name) <= most);
    let numbered = |(i, (name, _)): (usize, &(String, TrendPlot))| match fit {
        true => name.clone(),
        false => (i + 1).to_string(),
    };
    plot.lines.iter().enumerate().map(numbered).collect()
}

struct Pen<'p, 'c> {
    plot: &'p OverlayPlot,
    canvas: &'p Canvas<'c>,
    area: &'p Plot<'c>,
    frame: Frame,
    log: bool,
    is_narrow: bool,
}

impl Pen<'_, '_> {
    fn at(&self, time: Millis, value: f64) -> (f64, f64) {
        let y = if self.log { value.ln() } else { value };
        self.area.px((self.plot.along.at(time), y))
    }

    /// Spans in which no line has a night.
    fn gaps(&self) {
        let mut lines = self.plot.lines.iter();
        let Some((_, first)) = lines.next() else {
            return;
        };
        let mut common = first.gaps.clone();
        for (_, plot) in lines {
            common.retain(|gap| plot.gaps.contains(gap));
        }
        for (from, to) in common {
            let x = |time| self.area.px((self.plot.along.at(time), 0.0)).0;
            let (a, b) = (x(from).max(self.frame.left), x(to).min(self.frame.right));
            let inset = (b - a) * 0.1;
            if b - a - 2.0 * inset >= 1.0 {
                let corners = [(a + inset, self.frame.top), (b - inset, self.frame.bottom)];
                self.canvas.rect(Role::Gap, corners[0], corners[1]);
            }
        }
    }

    fn events(&self) {
        let events = self.plot.events();
        let wishes: Vec<Wish> = events
            .iter()
            .map(|event| Wish {
                x: self.area.px((self.plot.along.at(event.time), 0.0)).0,
                kind: event.kind,
                labels: if self.is_narrow {
                    Vec::new()
                } else {
                    vec![event.label.clone()]
                },
            })
            .filter(|wish| wish.x >= self.frame.left - 0.5 && wish.x <= self.frame.right + 0.5)
            .collect();
        for event in lane::place(&wishes, self.frame) {
            let (x, row) = (event.x, ROWS[event.row]);
            let role = match event.kind {
                EventKind::ChangePoint => Role::ChangePoint,
                EventKind::Epoch => Role::Epoch,
                EventKind::Annotation => Role::Note,
            };
            lane::glyph(self.canvas, event.kind, x, row);
            self.canvas.path(role, [(x, row), (x, self.frame.bottom)]);
            if let Some((at, anchor, text)) = event.label {
                self.canvas.text((at, row), anchor, Role::Text, &text);
            }
        }
    }

    fn lines(&self, names: &[String]) {
        let mut ends = Vec::new();
        let mut marks = Vec::new();
        for (i, (_, plot)) in self.plot.lines.iter().enumerate() {
            let number = u8::try_from(i % MOST_LINES + 1).unwrap_or(1);
            let role = Role::Series(number);
            let mut lone = Vec::new();
            for stretch in plot.stretches() {
                let points: Vec<_> = plot.nights[stretch]
                    .iter()
                    .filter_map(|n| Some(self.at(n.time, n.value?)))
                    .collect();
                let kept = thin(&points, LINE_BUCKET, |_| false);
                if kept.len() == 1 {
                    lone.push(points[0]);
                }
                self.canvas.path(role, kept.iter().map(|i| points[*i]));
            }
            // A night between two gaps has no line: without a dot it would be unseen.
            self.canvas.path(Role::Dots((number - 1) % 6 + 1), lone);
            let last = plot.nights.iter().rev().find_map(|n| Some((n, n.value?)));
            if let Some((night, value)) = last {
                let end = self.at(night.time, value);
                ends.push((i, role, end.1));
                if let Some((band, evidence)) = night.mark {
                    marks.push((end, Role::Mark(band, evidence, 100)));
                }
            }
        }
        for (at, role) in marks {
            self.canvas.mark(role, at);
        }
        let wanted: Vec<f64> = ends.iter().map(|(.., y)| *y).collect();
        let placed = spread(&wanted, NAME_HEIGHT, self.frame.top, self.frame.bottom);
        for ((i, role, _), y) in ends.iter().zip(placed) {
            let x = self.frame.right + 7.0;
            self.canvas.path(*role, [(x, y), (x + SWATCH - 4.0, y)]);
            let at = (x + SWATCH, y + 4.0);
            self.canvas.text(at, Anchor::Start, Role::Text, &names[*i]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::XScale;
    use crate::chart::fixtures::{TONIGHT, history, night};
    use bench_report::metric::{Scale, Unit};
    use bench_verdict::verdict::{Band, Evidence};

    fn plot(names: &[&str], step: bool) -> OverlayPlot {
        let mut lines = Vec::new();
        let mut nights = Vec::new();
        for (i, name) in names.iter().enumerate() {
            let points: Vec<_> = (0..60)
                .rev()
                .map(|ago| {
                    let noise = f64::from((ago * 37 % 11) as i32) * 0.002;
                    let level = if step && ago < 20 { 1.3 } else { 1.0 };
                    let value = 200_000.0 * (i + 1) as f64 * (level + noise);
                    night(ago, value, Band::None, Evidence::Noise)
                })
                .collect();
            let history = history(points, 60);
            let scale = Scale::of(Unit::Nanoseconds, 1e6);
            nights.extend(history.points.clone());
            let plot = TrendPlot::new(&history, scale, XScale::Date, YScale::Linear);
            lines.push(((*name).to_owned(), plot));
        }
        let span = (TONIGHT.minus_days(60), TONIGHT);
        OverlayPlot {
            label: "two".to_owned(),
            desc: String::new(),
            unit: "µs".to_owned(),
            y: YScale::Linear,
            along: Along::of(nights.iter(), span, XScale::Date),
            lines,
        }
    }

    #[test]
    fn twelve_lines_differ_by_more_than_colour() {
        let names: Vec<String> = (0..12).map(|i| format!("cpu={i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let svg = overlay(&plot(&names, false), Size::Wide);
        let mut classes = std::collections::BTreeSet::new();
        for number in 1..=12 {
            let class = Role::Series(number).classes();
            assert!(svg.contains(&format!("class=\"{class}\"")), "{class}");
            classes.insert(class);
        }
        assert_eq!(classes.len(), 12);
        assert!(!svg.contains("class=\"zone\""));
        for name in names {
            assert!(svg.contains(&format!(">{name}</text>")), "{name}");
        }
    }

    #[test]
    fn steps_of_one_night_are_one_event() {
        let events = plot(&["a", "b", "c"], true).events();
        let labels: Vec<&str> = events.iter().map(|e| e.label.as_str()).collect();
        assert_eq!(labels, ["step in 3 of 3"]);
    }

    #[test]
    fn long_names_give_way_to_numbers() {
        let long = "prefix_length=".repeat(6);
        let svg = overlay(&plot(&[&long, "b"], false), Size::Wide);
        assert!(!svg.contains(&format!(">{long}</text>")));
        assert!(svg.contains(">1</text>") && svg.contains(">2</text>"));
    }

    #[test]
    fn no_night_draws_a_sentence() {
        for size in [Size::Wide, Size::Narrow] {
            let svg = overlay(&plot(&[], false), size);
            assert!(svg.contains("no run in this range"));
        }
    }
}
