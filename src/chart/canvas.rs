//! One drawing: pixels, texts and marks, and data coordinates through plotters.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::ops::Range;

use plotters::coord::types::RangedCoordf64;
use plotters::coord::{CoordTranslate, Shift};
use plotters::drawing::DrawingArea;
use plotters::element::{
    Circle, CoordMapper, Drawable, PathElement, PointCollection, Polygon, Rectangle, Text,
};
use plotters::prelude::{Cartesian2d, IntoDrawingArea};
use plotters::style::{Color, FontFamily, FontStyle, TextStyle};
use plotters_backend::text_anchor::{HPos, Pos, VPos};

use super::role::Role;
use super::svg::{SvgBackend, escape};

/// A point in pixels, from the upper left.
pub type Px = (f64, f64);

/// Where a text's position lies on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its left end.
    Start,
    /// In its middle.
    Middle,
    /// At its right end.
    End,
}

/// What the `<svg>` element says of the drawing.
#[derive(Debug, Clone, Default)]
pub struct Opening<'a> {
    /// Classes beside `ch`.
    pub classes: &'a str,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What it shows and finds, in a sentence; read by screen readers.
    pub label: &'a str,
    /// A longer description; none if empty.
    pub desc: &'a str,
    /// Further attributes: name without `data-`, and value.
    pub data: Vec<(&'static str, String)>,
}

/// Draws into one SVG element and returns it.
pub fn draw(opening: &Opening<'_>, paint: impl FnOnce(&Canvas<'_>)) -> String {
    let mut out = String::with_capacity(8 * 1024);
    let (width, height) = (opening.width, opening.height);
    out.push_str("<svg class=\"ch");
    if !opening.classes.is_empty() {
        out.push(' ');
        escape(&mut out, opening.classes);
    }
    let _ = write!(
        out,
        "\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\""
    );
    escape(&mut out, opening.label);
    out.push('"');
    for (name, value) in &opening.data {
        let _ = write!(out, " data-{name}=\"");
        escape(&mut out, value);
        out.push('"');
    }
    out.push('>');
    if !opening.desc.is_empty() {
        out.push_str("<desc>");
        escape(&mut out, opening.desc);
        out.push_str("</desc>");
    }
    {
        let root = SvgBackend::new(&mut out, width, height).into_drawing_area();
        paint(&Canvas { root });
    }
    out.push_str("</svg>");
    out
}

/// A drawing in the making.
pub struct Canvas<'a> {
    root: DrawingArea<SvgBackend<'a>, Shift>,
}

impl<'a> Canvas<'a> {
    /// A text whose baseline starts, has its middle or ends at `at`.
    pub fn text(&self, at: Px, anchor: Anchor, role: Role, text: &str) {
        let pos = Pos::new(
            match anchor {
                Anchor::Start => HPos::Left,
                Anchor::Middle => HPos::Center,
                Anchor::End => HPos::Right,
            },
            VPos::Bottom,
        );
        let style = TextStyle {
            font: (FontFamily::SansSerif, 110.0, FontStyle::Normal).into(),
            color: role.color().to_backend_color(),
            pos,
        };
        put(&self.root, &Text::new(text, tenths(at), style));
    }

    /// An open line through `points`.
    pub fn path(&self, role: Role, points: impl IntoIterator<Item = Px>) {
        let points: Vec<_> = points.into_iter().map(tenths).collect();
        if !points.is_empty() {
            put(&self.root, &PathElement::new(points, role.color()));
        }
    }

    /// A filled shape.
    pub fn polygon(&self, role: Role, points: impl IntoIterator<Item = Px>) {
        let points: Vec<_> = points.into_iter().map(tenths).collect();
        put(&self.root, &Polygon::new(points, role.color()));
    }

    /// A rectangle between two corners.
    pub fn rect(&self, role: Role, upper_left: Px, lower_right: Px) {
        let corners = [tenths(upper_left), tenths(lower_right)];
        put(&self.root, &Rectangle::new(corners, role.color()));
    }

    /// A circle.
    pub fn circle(&self, role: Role, center: Px, radius: f64) {
        let radius = (radius * 10.0).round() as u32;
        put(
            &self.root,
            &Circle::new(tenths(center), radius, role.color()),
        );
    }

    /// A verdict mark.
    pub fn mark(&self, role: Role, center: Px) {
        let (x, y) = tenths(center);
        expect_drawn(self.root.draw_pixel((x, y), &role.color()));
    }

    /// Data coordinates inside `frame`. `x` and `y` may run either way, but not be empty.
    pub fn plot(&self, frame: Frame, x: Range<f64>, y: Range<f64>) -> Plot<'a> {
        let (left, top) = tenths((frame.left, frame.top));
        let (right, bottom) = tenths((frame.right, frame.bottom));
        let coordinates =
            Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(x, y, (left..right, bottom..top));
        Plot {
            area: self.root.apply_coord_spec(coordinates),
        }
    }
}

/// The rectangle of a plot, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Left end of the x axis.
    pub left: f64,
    /// Upper end of the y axis.
    pub top: f64,
    /// Right end of the x axis.
    pub right: f64,
    /// The x axis.
    pub bottom: f64,
}

/// An area with data coordinates.
pub struct Plot<'a> {
    area: DrawingArea<SvgBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
}

impl Plot<'_> {
    /// Where a data point lies, in pixels.
    pub fn px(&self, point: (f64, f64)) -> Px {
        let (x, y) = self.area.map_coordinate(&point);
        (f64::from(x) / 10.0, f64::from(y) / 10.0)
    }

    /// An open line through data points.
    pub fn path(&self, role: Role, points: Vec<(f64, f64)>) {
        if !points.is_empty() {
            put(&self.area, &PathElement::new(points, role.color()));
        }
    }

    /// A filled shape of data points.
    pub fn polygon(&self, role: Role, points: Vec<(f64, f64)>) {
        put(&self.area, &Polygon::new(points, role.color()));
    }
}

fn put<'e, E, B, CT>(area: &DrawingArea<SvgBackend<'_>, CT>, element: &'e E)
where
    B: CoordMapper,
    CT: CoordTranslate,
    &'e E: PointCollection<'e, CT::From, B>,
    for<'b> E: Drawable<SvgBackend<'b>, B>,
{
    expect_drawn(area.draw(element));
}

fn expect_drawn(drawn: Result<(), plotters::drawing::DrawingAreaErrorKind<Infallible>>) {
    drawn.expect("the backend writes to memory, and one thread at a time draws on it");
}

fn tenths((x, y): Px) -> (i32, i32) {
    // `as` cuts what is beyond a screen's reach, and makes 0 of NaN: nothing can panic here.
    ((x * 10.0).round() as i32, (y * 10.0).round() as i32)
}
