//! The plotters backend: SVG elements with class names, in tenths of a pixel.

use std::convert::Infallible;
use std::fmt::Write as _;

use plotters_backend::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::label::text_width;
use super::role::{Role, evidence_class, symbol};

/// Writes into a string. One plotters pixel is a tenth of an SVG pixel.
pub struct SvgBackend<'a> {
    out: &'a mut String,
    size: (u32, u32),
    /// The role of the path that ends the output, if it may be gone on with.
    open: Option<Role>,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl<'a> SvgBackend<'a> {
    /// A backend of `width` x `height` SVG pixels that appends to `out`.
    pub fn new(out: &'a mut String, width: u32, height: u32) -> Self {
        Self {
            out,
            size: (width * 10, height * 10),
            open: None,
        }
    }

    /// Opens an element with its class; a colour of no role has none.
    fn open(&mut self, element: &str, color: BackendColor) {
        self.open = None;
        let classes = Role::of(color).map_or("", Role::classes);
        self.out.push('<');
        self.out.push_str(element);
        if !classes.is_empty() {
            self.attribute("class", classes);
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.begin(name);
        self.out.push_str(value);
        self.out.push('"');
    }

    fn number(&mut self, name: &str, tenths: i32) {
        self.begin(name);
        tenth(self.out, tenths);
        self.out.push('"');
    }

    fn begin(&mut self, name: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
    }

    fn mark(&mut self, (x, y): BackendCoord, role: Role) {
        let Role::Mark(band, evidence, size) = role else {
            return;
        };
        let size = i32::from(size);
        self.open = None;
        self.out.push_str("<circle class=\"mk\"");
        self.number("cx", x);
        self.number("cy", y);
        self.number("r", size * 72 / 100);
        let shape = symbol(band);
        let _ = write!(
            self.out,
            "/><use href=\"#{shape}\" class=\"m {} {}\"",
            super::role::band_class(band),
            evidence_class(evidence)
        );
        self.number("x", x - size / 2);
        self.number("y", y - size / 2);
        self.number("width", size);
        self.number("height", size);
        self.out.push_str("/>");
    }
}

impl DrawingBackend for SvgBackend<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    /// A point is a verdict mark: the one shape that SVG draws by reference.
    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        if let Some(role) = Role::of(color) {
            self.mark(point, role);
        }
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        _fill: bool,
    ) -> Drawn {
        self.open("rect", style.color());
        self.number("x", upper_left.0);
        self.number("y", upper_left.1);
        self.number("width", bottom_right.0 - upper_left.0);
        self.number("height", bottom_right.1 - upper_left.1);
        self.out.push_str("/>");
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        // Rules and ticks that follow each other are one path of several parts.
        let role = Role::of(style.color());
        let joins = matches!(role, Some(Role::Grid | Role::Axis)) && role == self.open;
        if joins && self.out.ends_with("\"/>") {
            self.out.truncate(self.out.len() - 3);
        } else {
            self.open("path", style.color());
            self.out.push_str(" d=\"");
        }
        self.open = role;
        if matches!(role, Some(Role::Dots(_))) {
            dots(self.out, path);
        } else {
            polyline(self.out, path);
        }
        self.out.push_str("\"/>");
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Drawn {
        self.open("circle", style.color());
        self.number("cx", center.0);
        self.number("cy", center.1);
        self.number("r", i32::try_from(radius).unwrap_or(i32::MAX));
        self.out.push_str("/>");
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> Drawn {
        self.open("path", style.color());
        self.out.push_str(" d=\"");
        polyline(self.out, vert);
        self.out.push_str("z\"/>");
        Ok(())
    }

    /// `pos` is the left end, middle or right end of the text's baseline.
    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        pos: BackendCoord,
    ) -> Drawn {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => "c",
            HPos::Right => "e",
        };
        let kind = Role::of(style.color()).map_or("", Role::classes);
        self.open = None;
        self.out.push_str("<text");
        self.number("x", pos.0);
        self.number("y", pos.1);
        match (anchor, kind) {
            ("", "") => {}
            ("", one) | (one, "") => self.attribute("class", one),
            (a, b) => self.attribute("class", &format!("{a} {b}")),
        }
        self.out.push('>');
        escape(self.out, text);
        self.out.push_str("</text>");
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        _style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok(((text_width(text) * 10.0).ceil() as u32, 110))
    }
}

/// `M` and relative steps: half as long as absolute coordinates.
fn polyline(out: &mut String, path: impl IntoIterator<Item = BackendCoord>) {
    let mut last: Option<BackendCoord> = None;
    let mut command = ' ';
    for (x, y) in path {
        match last {
            None => {
                out.push('M');
                tenth(out, x);
                separated(out, y);
            }
            Some((px, py)) => {
                let (dx, dy) = (x - px, y - py);
                match (dx, dy) {
                    (_, 0) => {
                        out.push('h');
                        tenth(out, dx);
                        command = 'h';
                    }
                    (0, _) => {
                        out.push('v');
                        tenth(out, dy);
                        command = 'v';
                    }
                    _ => {
                        if command == 'l' {
                            separated(out, dx);
                        } else {
                            out.push('l');
                            tenth(out, dx);
                        }
                        separated(out, dy);
                        command = 'l';
                    }
                }
            }
        }
        last = Some((x, y));
    }
}

/// Subpaths of no length: round line caps make each a dot.
fn dots(out: &mut String, path: impl IntoIterator<Item = BackendCoord>) {
    let mut last: Option<BackendCoord> = None;
    for (x, y) in path {
        match last {
            None => {
                out.push('M');
                tenth(out, x);
                separated(out, y);
            }
            Some((px, py)) => {
                out.push('m');
                tenth(out, x - px);
                separated(out, y - py);
            }
        }
        out.push_str("h0");
        last = Some((x, y));
    }
}

/// A number after another one: a minus sign separates by itself.
fn separated(out: &mut String, tenths: i32) {
    if tenths >= 0 {
        out.push(' ');
    }
    tenth(out, tenths);
}

/// Tenths of a pixel as SVG reads them, as short as they can be: `12.5`, `-.3`, `4`.
fn tenth(out: &mut String, tenths: i32) {
    if tenths < 0 {
        out.push('-');
    }
    let size = tenths.unsigned_abs();
    let (whole, rest) = (size / 10, size % 10);
    if whole > 0 || rest == 0 {
        digits(out, whole);
    }
    if rest > 0 {
        out.push('.');
        digits(out, rest);
    }
}

/// Numbers of a few digits, thousands a chart: the formatter would take several times as long.
fn digits(out: &mut String, number: u32) {
    if number >= 10 {
        digits(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// Text as XML text or attribute value.
pub fn escape(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML 1.0 has no way to write these; they are shown as what they are: unknown.
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_tenth(tenths: i32, expected: &str) {
        let mut out = String::new();
        tenth(&mut out, tenths);
        assert_eq!(out, expected);
    }

    #[test]
    fn tenths_are_written_short() {
        check_tenth(0, "0");
        check_tenth(5, ".5");
        check_tenth(-3, "-.3");
        check_tenth(-120, "-12");
        check_tenth(1234, "123.4");
        check_tenth(i32::MIN, "-214748364.8");
    }

    #[test]
    fn a_path_is_written_in_relative_steps() {
        let mut out = String::new();
        polyline(
            &mut out,
            [
                (400, 2629),
                (523, 2552),
                (600, 2552),
                (600, 2560),
                (610, 2570),
                (620, 2581),
            ],
        );
        assert_eq!(out, "M40 262.9l12.3-7.7h7.7v.8l1 1 1 1.1");
    }

    #[test]
    fn markup_in_text_stays_text() {
        let mut out = String::new();
        escape(&mut out, "<script>alert(1)</script> & \"x\" 'y' \u{7}");
        assert_eq!(
            out,
            "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot; &#39;y&#39; \u{fffd}"
        );
    }
}
