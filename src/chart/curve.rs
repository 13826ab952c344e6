//! A quantity against a parameter (scaling), or against time (the queue of a burst).

use super::canvas::{Anchor, Canvas, Frame, Opening, Plot, draw};
use super::label::{Span, spread, text_width};
use super::role::Role;
use super::scale::{Tick, linear_ticks, log_ticks, named};
use super::thin::thin;

/// A curve over a param with fewer places than this says no more than a table.
pub const LEAST_PLACES: usize = 3;

/// Beyond this ratio of its ends, an axis counts by powers.
const LOG_RATIO: f64 = 20.0;

/// Whether an axis over these values counts by powers; never where one is not above zero.
pub fn wants_log(values: impl Iterator<Item = f64>) -> bool {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for value in values {
        (low, high) = (low.min(value), high.max(value));
    }
    low > 0.0 && low.is_finite() && high / low > LOG_RATIO
}

/// One line of a curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Stands at its right end.
    pub name: String,
    /// Another revision: grey and dashed.
    pub is_old: bool,
    /// In the order of x.
    pub points: Vec<(f64, f64)>,
    /// Marks on points, by index: `Role::Mark`.
    pub marks: Vec<(usize, Role)>,
}

/// How large a curve is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CurveSize {
    /// 380 x 236, a third of a page.
    Third,
    /// 1200 x 250, with its area filled.
    Wide,
    /// 358 x 230, what narrow screens see of a wide one.
    Narrow,
}

/// What a curve draws.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvePlot {
    /// The finding in a sentence.
    pub label: String,
    /// A longer description.
    pub desc: String,
    /// Unit above the y axis.
    pub y_unit: String,
    /// What the x axis counts, with its unit.
    pub x_title: String,
    /// The x axis by powers.
    pub x_log: bool,
    /// The y axis by powers.
    pub y_log: bool,
    /// At most six are told apart.
    pub lines: Vec<Line>,
    /// A point to name: position and text.
    pub note: Option<((f64, f64), String)>,
    /// A span along x to name: its ends and text, a little above the axis.
    pub bracket: Option<((f64, f64), String)>,
}

/// A label among several begins with a piece of its line, this long with the space after it.
const SWATCH: f64 = 14.0;
/// How far above the axis a bracket lies.
const BRACKET_LIFT: f64 = 20.0;
const POINT_BUCKET: f64 = 1.5;
/// Above this many points a line has no dots.
const MOST_DOTS: usize = 24;

impl CurveSize {
    fn pixels(self) -> (u32, u32, &'static str) {
        match self {
            Self::Third => (380, 236, "x380"),
            Self::Wide => (1200, 250, "wide"),
            Self::Narrow => (358, 230, "narrow"),
        }
    }

    fn frame(self) -> Frame {
        match self {
            Self::Third => Frame {
                left: 40.0,
                top: 26.0,
                right: 306.0,
                bottom: 202.0,
            },
            Self::Wide => Frame {
                left: 44.0,
                top: 34.0,
                right: 1188.0,
                bottom: 216.0,
            },
            Self::Narrow => Frame {
                left: 44.0,
                top: 34.0,
                right: 346.0,
                bottom: 196.0,
            },
        }
    }
}

/// Draws it. The y axis starts at zero, unless it counts by powers.
pub fn curve(data: &CurvePlot, size: CurveSize) -> String {
    curve_at(data, size, &[])
}

/// Draws it with these ticks along x, and with its own where none are given.
pub fn curve_at(data: &CurvePlot, size: CurveSize, ticks: &[Tick]) -> String {
    let (width, height, classes) = size.pixels();
    let opening = Opening {
        classes,
        width,
        height,
        label: &data.label,
        desc: &data.desc,
        data: Vec::new(),
    };
    let fits = |v: f64, log: bool| v.is_finite() && (!log || v > 0.0);
    let all: Vec<(f64, f64)> = data
        .lines
        .iter()
        .flat_map(|l| l.points.iter().copied())
        .filter(|(x, y)| fits(*x, data.x_log) && fits(*y, data.y_log))
        .collect();
    draw(&opening, |canvas| {
        let mut frame = size.frame();
        let Some(first) = all.first() else {
            let middle = (
                (frame.left + frame.right) / 2.0,
                (frame.top + frame.bottom) / 2.0,
            );
            canvas.path(
                Role::Axis,
                [(frame.left, frame.bottom), (frame.right, frame.bottom)],
            );
            canvas.text(middle, Anchor::Middle, Role::Text, "nothing was measured");
            return;
        };
        let (mut x0, mut x1, mut y0, mut y1) = (first.0, first.0, first.1, first.1);
        for (x, y) in &all {
            (x0, x1) = (x0.min(*x), x1.max(*x));
            (y0, y1) = (y0.min(*y), y1.max(*y));
        }
        if x1 <= x0 {
            (x0, x1) = if data.x_log {
                (x0 / 2.0, x1 * 2.0)
            } else {
                (x0 - 0.5, x1 + 0.5)
            };
        }
        if !data.x_log {
            // A span that all but reaches a round number ends on it.
            let round = up_to_tick(x0, x1, 7);
            x1 = if round - x1 < (x1 - x0) * 0.02 {
                round
            } else {
                x1
            };
        }
        if data.y_log {
            let factor = (y1 / y0).powf(0.06).max(1.05);
            (y0, y1) = (y0 / factor, y1 * factor);
        } else {
            // A quantity that can be zero is shown from zero: heights compare.
            y0 = y0.min(0.0);
            y1 = if y1 > y0 {
                up_to_tick(y0, y1, 5)
            } else {
                y0 + 1.0
            };
        }
        let y_ticks = if data.y_log {
            log_ticks(y0, y1, 9)
        } else {
            linear_ticks(y0, y1, 5)
        };
        let widest = y_ticks
            .iter()
            .map(|t| text_width(&t.text))
            .fold(0.0, f64::max);
        frame.left = frame.left.max((widest + 9.0).ceil());
        let names = data
            .lines
            .iter()
            .map(|l| text_width(&l.name))
            .fold(0.0, f64::max);
        if size == CurveSize::Third {
            let swatch = if data.lines.len() > 1 { SWATCH } else { 0.0 };
            frame.right =
                (f64::from(width) - names - swatch - 10.0).clamp(frame.left + 120.0, 366.0);
        }
        let along_x = |x: f64| if data.x_log { x.ln() } else { x };
        let along_y = |y: f64| if data.y_log { y.ln() } else { y };
        let area = canvas.plot(frame, along_x(x0)..along_x(x1), along_y(y0)..along_y(y1));
        for tick in &y_ticks {
            let y = area.px((along_x(x0), along_y(tick.at))).1;
            let role = if tick.at == 0.0 {
                Role::Axis
            } else {
                Role::Grid
            };
            canvas.path(role, [(frame.left, y), (frame.right, y)]);
            canvas.text(
                (frame.left - 7.0, y + 4.0),
                Anchor::End,
                Role::Text,
                &tick.text,
            );
        }
        let unit_y = if size == CurveSize::Third { 11.0 } else { 22.0 };
        if text_width(&data.y_unit) <= frame.left - 8.0 {
            canvas.text(
                (frame.left - 7.0, unit_y),
                Anchor::End,
                Role::Strong,
                &data.y_unit,
            );
        } else {
            canvas.text((0.0, unit_y), Anchor::Start, Role::Strong, &data.y_unit);
        }
        let pen = Pen {
            data,
            size,
            frame,
            canvas,
            area,
        };
        let air = (x1 - x0) * 1e-6;
        let within = |tick: &&Tick| (x0 - air..=x1 + air).contains(&tick.at);
        let ticks = match ticks {
            [] => x_ticks(data, (x0, x1)),
            given => given.iter().filter(within).cloned().collect(),
        };
        pen.x_axis(&ticks, along_x, f64::from(width));
        pen.lines(along_x, along_y);
        pen.note(along_x, along_y, f64::from(width));
        pen.bracket(along_x, f64::from(width));
    })
}

/// The first tick at or above `high` on an axis from `low`.
fn up_to_tick(low: f64, high: f64, most: usize) -> f64 {
    match linear_ticks(low, high, most).as_slice() {
        [.., before, last] if last.at < high => last.at + (last.at - before.at),
        [.., last] if last.at >= high => last.at,
        _ => high,
    }
}

/// The measured places if they are few, else round numbers.
fn x_ticks(data: &CurvePlot, (x0, x1): (f64, f64)) -> Vec<Tick> {
    let mut places: Vec<f64> = data
        .lines
        .iter()
        .flat_map(|l| l.points.iter().map(|p| p.0))
        .collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    if places.len() <= 7 {
        return named(places);
    }
    if data.x_log {
        log_ticks(x0, x1, 8)
    } else {
        linear_ticks(x0, x1, 7)
    }
}

struct Pen<'p, 'c> {
    data: &'p CurvePlot,
    size: CurveSize,
    frame: Frame,
    canvas: &'p Canvas<'c>,
    area: Plot<'c>,
}

impl Pen<'_, '_> {
    fn x_axis(&self, ticks: &[Tick], along: impl Fn(f64) -> f64, width: f64) {
        let frame = self.frame;
        self.canvas.path(
            Role::Axis,
            [(frame.left, frame.bottom), (frame.right, frame.bottom)],
        );
        let mut last: Option<Span> = None;
        for tick in ticks {
            let x = self.area.px((along(tick.at), 0.0)).0;
            self.canvas
                .path(Role::Axis, [(x, frame.bottom), (x, frame.bottom + 4.0)]);
            let half = text_width(&tick.text) / 2.0;
            // The last label moves in rather than out of the drawing.
            let middle = x.min(width - half);
            let span = Span {
                from: middle - half,
                to: middle + half,
            };
            if last.is_none_or(|l| !l.meets(span, 4.0)) {
                self.canvas.text(
                    (middle, frame.bottom + 16.0),
                    Anchor::Middle,
                    Role::Text,
                    &tick.text,
                );
                last = Some(span);
            }
        }
        let middle = (frame.left + frame.right) / 2.0;
        self.canvas.text(
            (middle, frame.bottom + 30.0),
            Anchor::Middle,
            Role::Text,
            &self.data.x_title,
        );
    }

    fn lines(&self, along_x: impl Fn(f64) -> f64, along_y: impl Fn(f64) -> f64) {
        let frame = self.frame;
        let mut ends = Vec::new();
        let mut marks = Vec::new();
        let mut colour = 0_u8;
        for line in &self.data.lines {
            let points: Vec<(usize, (f64, f64))> = line
                .points
                .iter()
                .map(|(x, y)| (along_x(*x), along_y(*y)))
                .enumerate()
                .filter(|(_, (x, y))| x.is_finite() && y.is_finite())
                .collect();
            let on_screen: Vec<_> = points.iter().map(|(_, p)| self.area.px(*p)).collect();
            let Some(end) = on_screen.last() else {
                continue;
            };
            let kept = thin(&on_screen, POINT_BUCKET, |i| {
                line.marks.iter().any(|(m, _)| *m == points[i].0)
            });
            let path: Vec<_> = kept.iter().map(|i| on_screen[*i]).collect();
            if self.size != CurveSize::Third && !line.is_old {
                let (first, last) = (on_screen[0], *end);
                let mut outline = path.clone();
                outline.extend([(last.0, frame.bottom), (first.0, frame.bottom)]);
                self.canvas.polygon(Role::Zone, outline);
            }
            let role = if line.is_old {
                Role::OldLine
            } else {
                colour += 1;
                Role::Line(colour)
            };
            self.canvas.path(role, path);
            if points.len() <= MOST_DOTS {
                let dot = if line.is_old {
                    Role::OldDot
                } else {
                    Role::Dot(colour)
                };
                for point in &on_screen {
                    self.canvas.circle(dot, *point, 3.0);
                }
            }
            for (index, role) in &line.marks {
                if let Some(at) = points.iter().position(|(i, _)| i == index) {
                    marks.push((on_screen[at], *role));
                }
            }
            if !line.name.is_empty() {
                ends.push((end.1, role, line));
            }
        }
        for (at, role) in marks {
            self.canvas.mark(role, at);
        }
        if self.size == CurveSize::Third {
            let wanted: Vec<f64> = ends.iter().map(|(y, ..)| *y).collect();
            let placed = spread(&wanted, 14.0, frame.top, frame.bottom);
            for ((_, role, line), y) in ends.iter().zip(placed) {
                let text = if line.is_old {
                    Role::Text
                } else {
                    Role::Strong
                };
                let mut x = frame.right + 7.0;
                if ends.len() > 1 {
                    self.canvas.path(*role, [(x, y), (x + SWATCH - 4.0, y)]);
                    x += SWATCH;
                }
                self.canvas
                    .text((x, y + 4.0), Anchor::Start, text, &line.name);
            }
        }
    }

    fn note(&self, along_x: impl Fn(f64) -> f64, along_y: impl Fn(f64) -> f64, width: f64) {
        let Some(((x, y), text)) = &self.data.note else {
            return;
        };
        let at = self.area.px((along_x(*x), along_y(*y)));
        self.canvas.circle(Role::Dot(1), at, 3.0);
        let (start, anchor) = if at.0 + 11.0 + text_width(text) <= width {
            (at.0 + 11.0, Anchor::Start)
        } else {
            (at.0 - 11.0, Anchor::End)
        };
        self.canvas
            .text((start, at.1 + 4.0), anchor, Role::Halo, text);
    }

    fn bracket(&self, along_x: impl Fn(f64) -> f64, width: f64) {
        let Some(((from, to), text)) = &self.data.bracket else {
            return;
        };
        let [from, to] = [from, to].map(|x| self.area.px((along_x(*x), 0.0)).0);
        let y = self.frame.bottom - BRACKET_LIFT;
        let path = |points: [(f64, f64); 2]| self.canvas.path(Role::Cursor, points);
        path([(from, y), (to, y)]);
        for end in [from, to] {
            path([(end, y - 4.0), (end, y + 4.0)]);
        }
        let (start, anchor) = if to + 7.0 + text_width(text) <= width {
            (to + 7.0, Anchor::Start)
        } else {
            (from - 7.0, Anchor::End)
        };
        self.canvas.text((start, y + 4.0), anchor, Role::Halo, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(name: &str, points: Vec<(f64, f64)>) -> CurvePlot {
        CurvePlot {
            label: "Throughput by concurrency".to_owned(),
            desc: String::new(),
            y_unit: "M/s".to_owned(),
            x_title: "concurrency (log)".to_owned(),
            x_log: true,
            y_log: false,
            lines: vec![Line {
                name: name.to_owned(),
                is_old: false,
                points,
                marks: Vec::new(),
            }],
            note: None,
            bracket: None,
        }
    }

    #[test]
    fn a_bracket_is_named_beside_it_and_on_its_other_side_where_there_is_no_room() {
        let mut plot = plot("", (0..=10).map(|i| (f64::from(i), 1.0)).collect());
        plot.x_log = false;
        plot.bracket = Some(((1.0, 2.0), "drained in 1 s".to_owned()));
        let svg = curve(&plot, CurveSize::Wide);
        assert!(svg.contains("drained in 1 s"), "{svg}");
        assert!(!svg.contains("class=\"e k halo\""), "{svg}");
        plot.bracket = Some(((8.0, 10.0), "drained in 2 s".to_owned()));
        assert!(
            curve(&plot, CurveSize::Wide).contains("class=\"e k halo\""),
            "{svg}"
        );
    }

    #[test]
    fn the_measured_places_are_the_ticks() {
        let points = vec![(1.0, 0.43), (10.0, 1.2), (100.0, 1.6), (500.0, 1.59)];
        let svg = curve(&plot("tonight", points), CurveSize::Third);
        for tick in [">1<", ">10<", ">100<", ">500<", ">0<", ">2<"] {
            assert!(svg.contains(tick), "{tick} is missing in {svg}");
        }
    }

    #[test]
    fn markup_in_a_name_stays_text() {
        let svg = curve(
            &plot("<script>alert(1)</script>", vec![(1.0, 1.0), (2.0, 3.0)]),
            CurveSize::Third,
        );
        assert!(svg.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(!svg.contains("<script"));
    }

    #[test]
    fn no_point_draws_a_sentence() {
        assert!(curve(&plot("", Vec::new()), CurveSize::Wide).contains("nothing was measured"));
        let bad = plot("", vec![(f64::NAN, 1.0), (-1.0, 2.0)]);
        assert!(curve(&bad, CurveSize::Third).contains("nothing was measured"));
    }
}
