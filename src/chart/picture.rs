//! A drawing as a picture: PNG of what [`super::standalone`] writes, for where SVG is not shown.
//!
//! The letters come from fonts that are part of the program, so a picture looks the same on every
//! machine, and on one without any font. They are those of Western European languages and Greek; a
//! letter that they lack is left out.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

/// Pixels of a picture for each of its drawing's, so that it is sharp on screens that have two.
const SCALE: f32 = 2.0;

/// The largest picture; a drawing that would become larger is drawn with fewer pixels for each of
/// its own. 16 MB while it is drawn.
const MOST_PIXELS: f32 = 4.0e6;

/// Regular for axes, medium for names and values, semi-bold for titles.
const FONTS: [&[u8]; 3] = [
    include_bytes!("../../static/fonts/Inter-Regular.otf"),
    include_bytes!("../../static/fonts/Inter-Medium.otf"),
    include_bytes!("../../static/fonts/Inter-SemiBold.otf"),
];

static LETTERS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut letters = fontdb::Database::new();
    for font in FONTS {
        letters.load_font_data(font.to_vec());
    }
    letters.set_sans_serif_family("Inter");
    Arc::new(letters)
});

/// Why there is no picture. The drawing is our own, so none of it is the caller's doing.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The drawing does not read as SVG.
    #[error("the drawing does not read as SVG")]
    Drawing(#[from] resvg::usvg::Error),
    /// It has no area.
    #[error("the drawing is {0} x {1} pixels")]
    Size(u32, u32),
    /// It could not be packed.
    #[error("the picture could not be packed")]
    Packing(String),
}

/// The PNG of an SVG file that stands alone.
pub fn png(file: &str) -> Result<Vec<u8>, PictureError> {
    let options = Options {
        font_family: "Inter".to_owned(),
        fontdb: LETTERS.clone(),
        ..Options::default()
    };
    let drawing = Tree::from_str(file, &options)?;
    let size = drawing.size();
    let scale = SCALE.min((MOST_PIXELS / (size.width() * size.height())).sqrt());
    let pixels = |length: f32| (length * scale).round() as u32;
    let (width, height) = (pixels(size.width()), pixels(size.height()));
    let mut picture = Pixmap::new(width, height).ok_or(PictureError::Size(width, height))?;
    let mut target = picture.as_mut();
    resvg::render(&drawing, Transform::from_scale(scale, scale), &mut target);
    picture
        .encode_png()
        .map_err(|error| PictureError::Packing(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::chart::standalone::{Theme, colour, file};

    fn picture(drawing: &str, theme: Theme) -> Pixmap {
        Pixmap::decode_png(&png(&file(drawing, theme)).unwrap()).unwrap()
    }

    /// The colours of a picture as style sheets write them.
    fn colours(picture: &Pixmap) -> std::collections::HashSet<String> {
        let pixels = picture.pixels().iter();
        pixels
            .map(|p| format!("#{:02x}{:02x}{:02x}", p.red(), p.green(), p.blue()))
            .collect()
    }

    /// `#fff` as `#ffffff`.
    fn long(colour: &str) -> String {
        let digits: Vec<char> = colour.trim_start_matches('#').chars().collect();
        match digits.as_slice() {
            [r, g, b] => format!("#{r}{r}{g}{g}{b}{b}"),
            _ => colour.to_owned(),
        }
    }

    const DRAWING: &str = "<svg class=\"ch\" width=\"100\" height=\"50\" viewBox=\"0 0 100 50\">\
        <path class=\"ln s1\" d=\"M0 20h100\"/><text x=\"5\" y=\"45\" class=\"k\">µs</text>\
        <use href=\"#critical\" class=\"m critical confirmed\" x=\"40\" y=\"5\" width=\"20\" height=\"20\"/></svg>";

    #[test]
    fn lines_and_marks_have_the_colours_of_the_page() {
        for theme in [Theme::Light, Theme::Dark] {
            let found = colours(&picture(DRAWING, theme));
            for name in ["bg", "s1", "critical"] {
                let wanted = long(colour(name, theme));
                assert!(found.contains(&wanted), "{name}: {wanted}");
            }
        }
    }

    #[test]
    fn letters_are_drawn_without_a_font_of_the_machine() {
        let without = DRAWING.replace("µs", "");
        let pixels = |drawing: &str| picture(drawing, Theme::Light).pixels().to_vec();
        let (with, without) = (pixels(DRAWING), pixels(&without));
        let different = with.iter().zip(&without).filter(|(a, b)| a != b).count();
        assert!(different > 50, "{different} pixels of letters");
    }

    #[test]
    fn pictures_have_two_pixels_for_one_up_to_their_limit() {
        let small = picture(DRAWING, Theme::Light);
        // 12 pixels of air around the drawing.
        assert_eq!((small.width(), small.height()), (2 * 124, 2 * 74));
        let large = DRAWING.replace("height=\"50\"", "height=\"90000\"");
        let large = picture(&large, Theme::Light);
        assert!(large.width() * large.height() <= 4_100_000);
    }

    #[test]
    fn what_is_no_drawing_is_an_error() {
        assert!(matches!(png("<svg"), Err(PictureError::Drawing(_))));
    }
}
