//! A drawing as a file of its own: with its colours, and with the shapes of the verdict marks, that
//! a page's style sheet and symbols give it otherwise.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::label::text_width;
use super::svg::escape;

/// Which colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// Ink on paper.
    #[default]
    Light,
    /// The other way round.
    Dark,
}

/// Where the colours stand: a file looks like the page.
const STYLE: &str = include_str!("../../static/style.css");

/// The height of a title's line, and how many there may be.
const TITLE_LINE: f64 = 15.0;
const MOST_LINES: usize = 3;

/// A title is written larger and bolder than a label.
const TITLE_SIZE: f64 = 1.25;

/// What `style.css` says of drawings, with the colours by name. A file may be read by what knows no
/// custom property, so they are written out.
const RULES: &str = "text{font:11px -apple-system,Segoe UI,Inter,Roboto,Noto Sans,DejaVu Sans,sans-serif;fill:$ink2}\
.e{text-anchor:end}.c{text-anchor:middle}.k{fill:$ink;font-weight:500}.halo{paint-order:stroke;stroke:$bg;stroke-width:4px}\
.page{fill:$bg}.title{fill:$ink;font-weight:600;font-size:13px}\
.grid,.axis,.base,.t1,.t2,.ln,.lvl,.cp,.ep,.an,.pt,.glyph,.cur{fill:none}\
.grid{stroke:$line}.axis{stroke:$line2}.zone{fill:$band}.base{stroke:$ink3;stroke-dasharray:1 3;stroke-linecap:round}\
.t1{stroke:$warning;stroke-dasharray:2 4;opacity:.6}.t2{stroke:$critical;stroke-dasharray:7 4;opacity:.6}\
.ln{stroke-width:1.5;stroke-linejoin:round}.pt{stroke-width:3.8;stroke-linecap:round}\
.ln.s1,.pt.s1{stroke:$s1}.ln.s2,.pt.s2{stroke:$s2}.ln.s3,.pt.s3{stroke:$s3}.ln.s4,.pt.s4{stroke:$s4}.ln.s5,.pt.s5{stroke:$s5}.ln.s6,.pt.s6{stroke:$s6}\
.dot.s1{fill:$s1}.dot.s2{fill:$s2}.dot.s3{fill:$s3}.dot.s4{fill:$s4}.dot.s5{fill:$s5}.dot.s6{fill:$s6}\
.d2{stroke-dasharray:7 3}.d3{stroke-dasharray:2 2.5}.d4{stroke-dasharray:9 3 2 3}\
.old{stroke:$ink3;stroke-dasharray:4 3}.dot.old{fill:$bg;stroke-width:1.25;stroke-dasharray:none}\
.lvl{stroke:$ink;opacity:.55}.cp{stroke:$ink}.wedge{fill:$ink}.ep{stroke:$ink3;stroke-dasharray:8 3}.an{stroke:$ink3;stroke-dasharray:1.5 2.5}\
.glyph,.cur{stroke:$ink2}.gap{fill:url(#hatch)}.hatch{stroke:$line2}.mk{fill:$bg}\
.m{fill:none;stroke-width:1.4}.m.incomparable{stroke-dasharray:1.5 1.5}.m.noise{opacity:.55}\
.critical{stroke:$critical;color:$critical}.warning{stroke:$warning;color:$warning}.info{stroke:$info;color:$info}.improved{stroke:$improved;color:$improved}";

/// A drawing as an SVG file.
pub fn file(svg: &str, theme: Theme) -> String {
    grid(&[(String::new(), svg.to_owned())], theme)
}

/// Several drawings of one size with a title each, in rows, as an SVG file.
pub fn grid(drawings: &[(String, String)], theme: Theme) -> String {
    /// Between two drawings, and around all.
    const AIR: f64 = 12.0;
    /// Beneath a title.
    const BENEATH: f64 = 3.0;
    /// The widest that a row becomes.
    const WIDEST: f64 = 1240.0;
    let sizes: Vec<(f64, f64)> = drawings.iter().map(|(_, svg)| size(svg)).collect();
    let (width, height) = sizes
        .iter()
        .fold((0.0_f64, 0.0_f64), |a, b| (a.0.max(b.0), a.1.max(b.1)));
    let titles: Vec<Vec<String>> = drawings.iter().map(|(t, _)| lines(t, width)).collect();
    let title = match titles.iter().map(Vec::len).max() {
        None | Some(0) => 0.0,
        Some(lines) => lines as f64 * TITLE_LINE + BENEATH,
    };
    let columns = ((WIDEST / (width + AIR)).floor() as usize).clamp(1, drawings.len().max(1));
    let rows = drawings.len().div_ceil(columns).max(1);
    let whole_width = AIR + columns as f64 * (width + AIR);
    let whole_height = AIR + rows as f64 * (height + title + AIR);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole_width} {whole_height}\" \
         width=\"{whole_width}\" height=\"{whole_height}\"><style>"
    );
    out.push_str(&coloured(RULES, theme));
    out.push_str("</style>");
    let mut body = format!("<path class=\"page\" d=\"M0 0h{whole_width}v{whole_height}H0z\"/>");
    for (i, ((_, svg), name)) in drawings.iter().zip(&titles).enumerate() {
        let x = AIR + (i % columns) as f64 * (width + AIR);
        let y = AIR + (i / columns) as f64 * (height + title + AIR);
        for (line, name) in (0_u8..).zip(name) {
            let y = y + 12.0 + f64::from(line) * TITLE_LINE;
            let _ = write!(body, "<text class=\"title\" x=\"{x}\" y=\"{y}\">");
            escape(&mut body, name);
            body.push_str("</text>");
        }
        let place = format!("<svg x=\"{x}\" y=\"{}\" ", y + title);
        body.push_str(&svg.replacen("<svg ", &place, 1));
    }
    let (body, shapes) = with_shapes(&body);
    let _ = write!(out, "<defs>{shapes}</defs>{body}</svg>");
    out
}

/// A title in as many lines as its drawing's width asks for, up to [`MOST_LINES`]; what does not fit
/// ends in `…`.
fn lines(title: &str, width: f64) -> Vec<String> {
    let fits = |text: &str| text_width(text) * TITLE_SIZE <= width;
    let cut = |text: &str| {
        let mut text = text.to_owned();
        while !fits(&format!("{text}…")) && text.pop().is_some() {}
        format!("{}…", text.trim_end())
    };
    let mut lines: Vec<String> = Vec::new();
    for word in title.split_whitespace() {
        let is_full = lines.len() == MOST_LINES;
        match lines.last_mut() {
            Some(line) if fits(&format!("{line} {word}")) => {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) if is_full => {
                *line = cut(&format!("{line} {word}"));
                return lines;
            }
            _ if fits(word) => lines.push(word.to_owned()),
            _ => lines.push(cut(word)),
        }
    }
    lines
}

/// The size that a drawing's own element states.
fn size(svg: &str) -> (f64, f64) {
    let number = |name: &str| {
        let rest = svg.split_once(name)?.1;
        rest.split_once('"')?.0.parse().ok()
    };
    (
        number(" width=\"").unwrap_or(0.0),
        number(" height=\"").unwrap_or(0.0),
    )
}

/// The classes of evidence that fill a shape, and what they fill: all of it, its lower half, nothing.
const FILLS: [(&str, &str, &str); 5] = [
    ("confirmed", "currentColor", "none"),
    ("likely", "none", "currentColor"),
    ("inconclusive", "none", "none"),
    ("noise", "none", "none"),
    ("incomparable", "none", "none"),
];

/// The drawings with their marks, and the shapes of those. A page fills a shape by a custom property,
/// which many readers of files do not know; so each pair of band and evidence has a shape of its own.
fn with_shapes(drawings: &str) -> (String, String) {
    const SHAPES: &str = include_str!("../../templates/_symbols.html");
    let all = SHAPES
        .split_once("<defs>")
        .and_then(|(_, rest)| rest.split_once("</defs>"))
        .map_or("", |(shapes, _)| shapes);
    let mut body = drawings.to_owned();
    let mut shapes = String::new();
    for line in all.lines() {
        let Some(band) = line.split('"').nth(1) else {
            continue;
        };
        if line.starts_with("<pattern") {
            shapes.push_str(line);
            continue;
        }
        for (evidence, whole, half) in FILLS {
            let mark = format!("<use href=\"#{band}\" class=\"m {band} {evidence}\"");
            if !body.contains(&mark) {
                continue;
            }
            let id = format!("{band}-{evidence}");
            let own = format!("<use href=\"#{id}\" class=\"m {band} {evidence}\"");
            body = body.replace(&mark, &own);
            let half = format!("fill=\"{half}\" stroke=\"none\"");
            let shape = line
                .replace(&format!("id=\"{band}\""), &format!("id=\"{id}\""))
                .replace("class=\"mo\"", &format!("fill=\"{whole}\""))
                .replace("class=\"mh\"", &half);
            shapes.push_str(&shape);
        }
    }
    (body, shapes)
}

/// The tokens of `style.css`: name, light, dark; the longest names first.
static TOKENS: LazyLock<Vec<(&str, &str, &str)>> = LazyLock::new(|| {
    let mut tokens: Vec<(&str, &str, &str)> = STYLE
        .split("--")
        .filter_map(|part| {
            let (name, rest) = part.split_once(":light-dark(")?;
            let (light, rest) = rest.split_once(',')?;
            Some((name, light, rest.split_once(')')?.0))
        })
        .collect();
    tokens.sort_by_key(|(name, ..)| std::cmp::Reverse(name.len()));
    tokens
});

/// The colour of a token.
pub fn colour(name: &str, theme: Theme) -> &'static str {
    let token = TOKENS.iter().find(|(known, ..)| *known == name);
    token.map_or("#000", |(_, light, dark)| match theme {
        Theme::Light => light,
        Theme::Dark => dark,
    })
}

fn coloured(rules: &str, theme: Theme) -> String {
    let mut out = rules.to_owned();
    for (name, ..) in TOKENS.iter() {
        out = out.replace(&format!("${name}"), colour(name, theme));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::role::every_role;

    #[test]
    fn every_colour_is_that_of_the_page() {
        assert_eq!(colour("bg", Theme::Light), "#fff");
        assert_eq!(colour("s2", Theme::Dark), "#d0720d");
        for theme in [Theme::Light, Theme::Dark] {
            let rules = coloured(RULES, theme);
            assert!(!rules.contains('$'), "{rules}");
        }
    }

    #[test]
    fn every_class_of_a_drawing_has_a_rule() {
        for role in every_role() {
            for class in role.classes().split(' ').filter(|class| !class.is_empty()) {
                assert!(RULES.contains(&format!(".{class}")), "{class}");
            }
        }
    }

    #[test]
    fn a_title_stays_within_its_drawing() {
        let name = "KVEventConcurrency events_per_second concurrency=100 cpu=2";
        assert_eq!(lines(name, 1000.0), [name]);
        assert_eq!(
            lines(name, 200.0),
            [
                "KVEventConcurrency",
                "events_per_second",
                "concurrency=100 cpu=2"
            ]
        );
        let short = lines(name, 110.0);
        assert_eq!(short.len(), 3, "{short:?}");
        for line in &short {
            assert!(text_width(line) * TITLE_SIZE <= 110.0, "{short:?}");
        }
        assert!(lines("", 100.0).is_empty());
    }

    #[test]
    fn a_file_stands_alone_and_names_stay_text() {
        let svg = "<svg class=\"ch\" width=\"232\" height=\"118\"><use href=\"#critical\" class=\"m critical likely\" x=\"1\"/></svg>";
        let file = grid(
            &[
                ("<b>&".to_owned(), svg.to_owned()),
                ("two".to_owned(), svg.to_owned()),
            ],
            Theme::Light,
        );
        assert!(file.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
        assert!(file.contains("&lt;b&gt;&amp;"));
        assert_eq!(file.matches("<symbol id=\"critical-likely\"").count(), 1);
        assert_eq!(file.matches("<use href=\"#critical-likely\"").count(), 2);
        assert!(!file.contains("<symbol id=\"improved"));
        assert!(!file.contains("var("), "{file}");
        assert!(file.contains("<svg x=\"12\" y=\"30\" class=\"ch\""));
        assert!(file.contains("<svg x=\"256\" y=\"30\" class=\"ch\""));
    }
}
