//! The trend chart: wide, narrow and small.

mod size;

pub use self::size::Size;
use super::along::Along;
use super::calendar::time_ticks;
use super::canvas::{Anchor, Canvas, Frame, Opening, Plot, draw};
use super::label::{Span, spread, text_width};
use super::lane::{self, ROWS, Wish};
use super::plot::{TrendPlot, XScale, YScale};
use super::role::Role;
use super::scale::{Tick, linear_ticks, log_ticks};
use super::thin::{extremes, first_of_each, within};
use crate::analysis::history::EventKind;
use crate::domain::Millis;
use crate::text;

/// Above this many nights a line has no dots.
const MOST_DOTS: usize = 120;
/// An event's label that has no room is cut to this many letters.
const NOTE_LETTERS: usize = 32;
/// Pixels in which no more than two points of a line are told apart.
const LINE_BUCKET: f64 = 3.0;
/// The same where the chart is one of many.
const SMALL_LINE_BUCKET: f64 = 3.5;
/// Pixels in which a mean of seven nights is one.
const ZONE_BUCKET: f64 = 3.0;
/// The same where the chart is one of many.
const SMALL_ZONE_BUCKET: f64 = 5.0;
/// And what of it is nearly straight is drawn straight, if no point is off by more pixels.
const ZONE_TOLERANCE: f64 = 1.0;

/// The y axis from `range` if given, else around all that is drawn.
pub fn trend(plot: &TrendPlot, size: Size, range: Option<(f64, f64)>) -> String {
    let (width, height) = size.pixels();
    let log = plot.y == YScale::Log;
    let extent = plot.y_extent(size != Size::Small);
    let Some((low, high)) = range.or(extent.map(|e| pad(e, log))) else {
        return nothing(plot, size);
    };
    let ticks = if log {
        log_ticks(low, high, size.most_ticks() + 2)
    } else {
        linear_ticks(low, high, size.most_ticks())
    };
    let mut frame = size.frame();
    let widest = ticks
        .iter()
        .map(|t| text_width(&t.text))
        .fold(0.0, f64::max);
    frame.left = frame.left.max((widest + 9.0).ceil());
    let (x0, x1) = plot.x_range();
    let along = |y: f64| if log { y.ln() } else { y };
    let mut opening = Opening {
        classes: size.classes(),
        width,
        height,
        label: &plot.label,
        desc: if size == Size::Small { "" } else { &plot.desc },
        data: Vec::new(),
    };
    // What the script needs to find a night under the pointer, and a value's height.
    opening.data.push((
        "plot",
        plot_data(frame, (x0, x1), (along(low), along(high)), log),
    ));
    draw(&opening, |canvas| {
        let area = canvas.plot(frame, x0..x1, along(low)..along(high));
        let painter = Painter {
            plot,
            size,
            frame,
            canvas,
            area,
            log,
        };
        painter.y_axis(&ticks);
        painter.gaps();
        painter.zones();
        painter.levels();
        painter.frozen();
        painter.x_axis(f64::from(width));
        painter.events();
        painter.line();
    })
}

/// The frame and the ends of both axes, as the script reads them.
pub(super) fn plot_data(
    frame: Frame,
    (x0, x1): (f64, f64),
    (y0, y1): (f64, f64),
    log: bool,
) -> String {
    let Frame {
        left,
        top,
        right,
        bottom,
    } = frame;
    // Six digits place a value to a hundredth of a pixel.
    format!(
        "{left} {top} {right} {bottom} {x0} {x1} {} {} {}",
        short(y0),
        short(y1),
        u8::from(log)
    )
}

/// Ticks and labels beneath an x axis: dates, or commits where it counts by them.
pub(super) fn x_ticks(
    canvas: &Canvas<'_>,
    area: &Plot<'_>,
    frame: Frame,
    along: &Along,
    width: f64,
) {
    let ticks: Vec<(f64, Option<String>)> = if along.scale == XScale::Commit {
        along
            .commits
            .iter()
            .map(|(at, hash)| (*at, Some(hash.get(..7).unwrap_or(hash).to_owned())))
            .collect()
    } else {
        let (from, to) = along.span();
        if from == to {
            // One night alone: its day.
            let day = (along.at(from), Some(text::day_year(from)));
            return tick_marks(canvas, area, frame, [day], false, width);
        }
        time_ticks(from, to, frame.right - frame.left)
            .into_iter()
            .map(|tick| (along.at(tick.at), tick.text))
            .collect()
    };
    tick_marks(
        canvas,
        area,
        frame,
        ticks,
        along.scale == XScale::Commit,
        width,
    );
}

/// Marks and labels, those that have room. Of `crowded` ticks there can be many more than pixels.
fn tick_marks(
    canvas: &Canvas<'_>,
    area: &Plot<'_>,
    frame: Frame,
    ticks: impl IntoIterator<Item = (f64, Option<String>)>,
    crowded: bool,
    width: f64,
) {
    /// Axes shorter than this, of charts of many, have no ticks without a label.
    const MINOR_FROM: f64 = 200.0;
    let has_minor = frame.right - frame.left >= MINOR_FROM;
    let mut last: Option<Span> = None;
    let mut last_tick = f64::NEG_INFINITY;
    let mut texts = Vec::new();
    for (at, text) in ticks {
        let x = area.px((at, 0.0)).0;
        if crowded && x - last_tick < 3.0 || text.is_none() && !has_minor {
            continue;
        }
        last_tick = x;
        let length = if text.is_some() { 5.0 } else { 3.0 };
        canvas.path(Role::Axis, [(x, frame.bottom), (x, frame.bottom + length)]);
        let Some(text) = text else { continue };
        let half = text_width(&text) / 2.0;
        let span = Span {
            from: x - half,
            to: x + half,
        };
        let free = last.is_none_or(|l| !l.meets(span, 6.0));
        if span.from >= 0.0 && span.to <= width && free {
            texts.push((x, text));
            last = Some(span);
        }
    }
    for (x, text) in texts {
        canvas.text((x, frame.bottom + 17.0), Anchor::Middle, Role::Text, &text);
    }
}

fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// A sentence where there is nothing to draw.
fn nothing(plot: &TrendPlot, size: Size) -> String {
    let (width, height) = size.pixels();
    let opening = Opening {
        classes: size.classes(),
        width,
        height,
        label: &plot.label,
        ..Opening::default()
    };
    draw(&opening, |canvas| {
        let frame = size.frame();
        canvas.path(
            Role::Axis,
            [(frame.left, frame.bottom), (frame.right, frame.bottom)],
        );
        let middle = (
            (frame.left + frame.right) / 2.0,
            (frame.top + frame.bottom) / 2.0,
        );
        canvas.text(middle, Anchor::Middle, Role::Text, "no run in this range");
    })
}

/// A little air above and below.
pub(super) fn pad((low, high): (f64, f64), log: bool) -> (f64, f64) {
    if log && low > 0.0 {
        let factor = (high / low).powf(0.06).max(1.02);
        return (low / factor, high * factor);
    }
    let span = high - low;
    if span > 0.0 {
        let bottom = low - span * 0.06;
        // What never goes below zero gets no room below zero.
        (
            if low >= 0.0 {
                bottom.max(0.0).min(low)
            } else {
                bottom
            },
            high + span * 0.06,
        )
    } else if low == 0.0 {
        (0.0, 1.0)
    } else {
        (low - low.abs() * 0.05, high + high.abs() * 0.05)
    }
}

struct Painter<'p, 'c> {
    plot: &'p TrendPlot,
    size: Size,
    frame: Frame,
    canvas: &'p Canvas<'c>,
    area: Plot<'c>,
    log: bool,
}

impl Painter<'_, '_> {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (x, if self.log { y.ln() } else { y })
    }

    fn y_axis(&self, ticks: &[Tick]) {
        let frame = self.frame;
        let y = |tick: &Tick| self.area.px(self.at(0.0, tick.at)).1;
        // Rules first, then texts: rules that follow each other are one path.
        for tick in ticks {
            let y = y(tick);
            self.canvas
                .path(Role::Grid, [(frame.left, y), (frame.right, y)]);
        }
        for tick in ticks {
            let y = y(tick);
            self.canvas.text(
                (frame.left - 7.0, y + 4.0),
                Anchor::End,
                Role::Text,
                &tick.text,
            );
        }
        if self.size == Size::Small || self.plot.unit.is_empty() {
            return;
        }
        let (at, anchor) = if text_width(&self.plot.unit) <= frame.left - 8.0 {
            ((frame.left - 7.0, 23.0), Anchor::End)
        } else {
            ((0.0, 23.0), Anchor::Start)
        };
        self.canvas.text(at, anchor, Role::Strong, &self.plot.unit);
    }

    fn x_axis(&self, width: f64) {
        let frame = self.frame;
        self.canvas.path(
            Role::Axis,
            [(frame.left, frame.bottom), (frame.right, frame.bottom)],
        );
        x_ticks(self.canvas, &self.area, frame, &self.plot.along, width);
    }

    fn gaps(&self) {
        for (from, to) in &self.plot.gaps {
            let a = self
                .area
                .px((self.plot.x_of(*from), 0.0))
                .0
                .max(self.frame.left);
            let b = self
                .area
                .px((self.plot.x_of(*to), 0.0))
                .0
                .min(self.frame.right);
            let inset = (b - a) * 0.1;
            if b - a - 2.0 * inset >= 1.0 {
                self.canvas.rect(
                    Role::Gap,
                    (a + inset, self.frame.top),
                    (b - inset, self.frame.bottom),
                );
            }
        }
    }

    fn zones(&self) {
        let zones = self.plot.zones();
        for zone in &zones {
            let nights = &self.plot.nights[zone.clone()];
            let curve: Vec<(f64, f64)> = nights
                .iter()
                .filter_map(|n| Some((self.plot.x_of(n.time), n.baseline?)))
                .collect();
            let on_screen: Vec<_> = curve
                .iter()
                .map(|p| self.area.px(self.at(p.0, p.1)))
                .collect();
            let bucket = match self.size {
                Size::Small => SMALL_ZONE_BUCKET,
                _ => ZONE_BUCKET,
            };
            let some = first_of_each(&on_screen, bucket);
            let smooth: Vec<_> = some.iter().map(|i| on_screen[*i]).collect();
            let kept = within(&smooth, ZONE_TOLERANCE);
            let kept: Vec<usize> = kept.into_iter().map(|i| some[i]).collect();
            let scaled = |factor: f64| -> Vec<(f64, f64)> {
                kept.iter()
                    .map(|i| self.at(curve[*i].0, curve[*i].1 * factor))
                    .collect()
            };
            let mut outline = scaled(1.05);
            outline.extend(scaled(0.95).into_iter().rev());
            self.area.polygon(Role::Zone, outline);
            if self.size != Size::Small || curve.len() > 1 {
                self.area.path(Role::Base, scaled(1.0));
            }
            if self.size != Size::Small {
                self.area.path(Role::Warn, scaled(self.plot.worse_by(0.1)));
                self.area
                    .path(Role::Critical, scaled(self.plot.worse_by(0.2)));
            }
        }
        if self.size == Size::Small {
            return;
        }
        // The lines are named where they end at the right edge, if they do.
        let last = zones.last().filter(|z| z.end == self.plot.nights.len());
        let base = last
            .and_then(|z| self.plot.nights.get(z.end.wrapping_sub(1)))
            .and_then(|n| n.baseline);
        if let Some(base) = base {
            let mut names = vec![
                ("baseline", base),
                ("+10%", base * self.plot.worse_by(0.1)),
                ("+20%", base * self.plot.worse_by(0.2)),
            ];
            names.extend(self.plot.frozen.last().map(|(_, level)| ("frozen", *level)));
            let wanted: Vec<f64> = names
                .iter()
                .map(|(_, level)| self.area.px(self.at(0.0, *level)).1)
                .collect();
            let placed = spread(&wanted, 13.0, self.frame.top, self.frame.bottom);
            for ((name, _), y) in names.iter().zip(placed) {
                self.canvas.text(
                    (self.frame.right + 8.0, y + 4.0),
                    Anchor::Start,
                    Role::Text,
                    name,
                );
            }
        }
    }

    fn levels(&self) {
        for (from, to, value) in &self.plot.levels {
            let (a, b) = (self.plot.x_of(*from), self.plot.x_of(*to));
            self.area
                .path(Role::Level, vec![self.at(a, *value), self.at(b, *value)]);
        }
    }

    /// The level before an alert's change, as each epoch reads it.
    fn frozen(&self) {
        let frozen = &self.plot.frozen;
        for (place, (from, level)) in frozen.iter().enumerate() {
            let point = |time: Millis| self.area.px(self.at(self.plot.x_of(time), *level));
            let (start, height) = point(*from);
            let next = frozen.get(place + 1).map(|(next, _)| point(*next).0);
            let end = next.unwrap_or(self.frame.right).min(self.frame.right);
            let start = start.max(self.frame.left);
            if start < end {
                self.canvas
                    .path(Role::Level, [(start, height), (end, height)]);
            }
        }
    }

    fn events(&self) {
        let frame = self.frame;
        let inside = |x: f64| x >= frame.left - 0.5 && x <= frame.right + 0.5;
        let wishes: Vec<Wish> = self
            .plot
            .events
            .iter()
            .map(|event| {
                let x = self.area.px((self.plot.x_of(event.time), 0.0)).0;
                Wish {
                    x,
                    kind: event.kind,
                    labels: self.labels(event.kind, &event.label),
                }
            })
            .filter(|wish| inside(wish.x))
            .collect();
        for event in lane::place(&wishes, frame) {
            let x = event.x;
            let row = if self.size == Size::Small {
                16.0
            } else {
                ROWS[event.row]
            };
            let role = match event.kind {
                EventKind::ChangePoint => Role::ChangePoint,
                EventKind::Epoch => Role::Epoch,
                EventKind::Annotation => Role::Note,
            };
            self.canvas.path(role, [(x, row), (x, frame.bottom)]);
            if self.size != Size::Small {
                lane::glyph(self.canvas, event.kind, x, row);
            }
            if let Some((at, anchor, text)) = event.label {
                let role = if event.kind == EventKind::ChangePoint {
                    Role::Strong
                } else {
                    Role::Text
                };
                self.canvas.text((at, row), anchor, role, &text);
            }
        }
    }

    /// The forms of a label, from long to short.
    fn labels(&self, kind: EventKind, label: &str) -> Vec<String> {
        let short = match kind {
            EventKind::ChangePoint => label.strip_prefix("step ").unwrap_or(label).to_owned(),
            EventKind::Epoch => "epoch".to_owned(),
            EventKind::Annotation => "note".to_owned(),
        };
        let mut forms = Vec::new();
        match self.size {
            Size::Wide | Size::Half => {
                forms.push(label.to_owned());
                // A person's text may be longer than a chart is wide: the list beneath has it whole.
                if label.chars().count() > NOTE_LETTERS {
                    let begin: String = label.chars().take(NOTE_LETTERS).collect();
                    forms.push(format!("{}…", begin.trim_end()));
                }
            }
            Size::Narrow => {}
            Size::Small => return forms,
        }
        if !short.is_empty() {
            forms.push(short);
        }
        forms
    }

    fn line(&self) {
        let series = Role::Line(1);
        let nights = &self.plot.nights;
        let mut lone = Vec::new();
        for stretch in self.plot.stretches() {
            let points: Vec<(f64, f64)> = nights[stretch.clone()]
                .iter()
                .filter_map(|n| Some(self.at(self.plot.x_of(n.time), n.value?)))
                .collect();
            let on_screen: Vec<_> = points.iter().map(|p| self.area.px(*p)).collect();
            let is_marked = |i: usize| nights[stretch.start + i].mark.is_some();
            let kept = match self.size {
                Size::Small => extremes(&on_screen, SMALL_LINE_BUCKET, |_| false),
                _ => extremes(&on_screen, LINE_BUCKET, is_marked),
            };
            if kept.len() == 1 {
                lone.push(on_screen[0]);
            }
            self.area
                .path(series, kept.iter().map(|i| points[*i]).collect());
        }
        let all: Vec<_> = nights
            .iter()
            .filter_map(|n| Some(self.area.px(self.at(self.plot.x_of(n.time), n.value?))))
            .collect();
        let has_dots = match self.size {
            Size::Wide => nights.len() <= MOST_DOTS,
            Size::Half => nights.len() <= MOST_DOTS / 2,
            Size::Narrow | Size::Small => false,
        };
        if has_dots {
            self.canvas.path(Role::Dots(1), all);
        } else {
            // A night between two gaps has no line: without a dot it would be unseen.
            self.canvas.path(Role::Dots(1), lone);
        }
        let mark_size = match self.size {
            Size::Wide => 110,
            Size::Narrow | Size::Half => 100,
            Size::Small => 90,
        };
        let marked: Vec<_> = nights
            .iter()
            .filter_map(|n| {
                let (band, evidence) = n.mark?;
                let center = self.area.px(self.at(self.plot.x_of(n.time), n.value?));
                Some((center, Role::Mark(band, evidence, mark_size)))
            })
            .collect();
        // One of many shows tonight's mark only: the rest is on its own page.
        let shown = match self.size {
            Size::Small => marked
                .len()
                .saturating_sub(usize::from(nights.last().is_some_and(|n| n.mark.is_some()))),
            _ => 0,
        };
        for (center, role) in &marked[shown..] {
            self.canvas.mark(*role, *center);
        }
    }
}

#[cfg(test)]
mod tests;
