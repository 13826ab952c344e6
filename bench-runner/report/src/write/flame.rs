//! Folded stacks as a flame graph: SVG without a script. Callers on top, what they call below, width
//! by weight; of two profiles, colour by how each frame's part of the whole changed.
//!
//! Colours are class names: `fr` the root, `fi` the indexer, `fb` the suite around it, `fs` the
//! standard library, `fo` others, `fa` callers above what is looked at; `g1`–`g3` grew, `l1`–`l3`
//! shrank, `g0` neither. A page brings its own styles; [`Style::Whole`] adds some, for a file by itself.

use std::fmt::Write as _;

use crate::metric::{Unit, format_change, format_count, format_value};
use crate::stacks::NodeId;
pub use crate::stacks::{Change, Row, Stacks, StacksError};

/// Height of a row, pixels.
const ROW: f64 = 18.0;
/// Width of a character of a name, pixels: the names are monospaced.
const CHARACTER: f64 = 6.35;
/// Rows that are drawn.
const ROWS: usize = 100;
/// Frames that are drawn: more cannot be told apart, and a page must stay small.
const FRAMES: usize = 1_600;
/// Narrowest frame that is drawn, pixels.
const NARROWEST: f64 = 0.4;
/// Growth of a frame's part of the whole at which its colour gets stronger.
const STEPS: [f64; 3] = [0.002, 0.01, 0.05];

/// What the weights are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Processor time or waiting time, ns.
    Time,
    /// Bytes allocated.
    Bytes,
    /// Allocations.
    Objects,
}

/// Where its colours come from, and whether its frames are links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style<'a> {
    /// A file by itself: styles inside, for light and dark.
    Whole,
    /// Part of a page that has the styles: each frame is a link to this URL, to which the frame's key
    /// is added; without one, `home` leads back to the whole.
    Page {
        /// Such as `/runs/7/profile/0?frame=`.
        zoom: &'a str,
        /// Such as `/runs/7/profile/0`.
        home: &'a str,
    },
}

/// How it is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Flame<'a> {
    /// What it shows, for people who hear it.
    pub title: &'a str,
    /// What the weights are.
    pub weight: Weight,
    /// Pixels.
    pub width: u32,
    /// Key of the frame that fills the width; `None`, or one that is not there: all of them.
    pub frame: Option<&'a str>,
    /// Colours and links.
    pub style: Style<'a>,
}

/// A drawing, and what it leaves out.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// The SVG element.
    pub svg: String,
    /// What is not drawn, as sentences.
    pub notes: Vec<String>,
    /// Name of the frame that fills the width, where it is not all.
    pub frame: Option<String>,
}

impl Weight {
    /// A weight as it reads.
    pub fn text(self, weight: u64) -> String {
        match self {
            Weight::Time => format_value(weight as f64, Unit::Nanoseconds).to_string(),
            Weight::Bytes => format_value(weight as f64, Unit::Bytes).to_string(),
            Weight::Objects if weight == 1 => "1 allocation".to_owned(),
            Weight::Objects => format!("{} allocations", format_count(weight)),
        }
    }
}

/// A part of a whole as it reads.
pub fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// Draws.
pub fn draw(stacks: &Stacks, flame: &Flame<'_>) -> Drawing {
    let focus = flame.frame.and_then(|key| stacks.find(key)).unwrap_or(0);
    let plan = Plan::new(stacks, focus, f64::from(flame.width));
    let height = plan.rows as f64 * ROW;
    let mut out = String::new();
    // An image has no links inside; a group has.
    let (class, role) = match flame.style {
        Style::Whole => ("flame whole", "img"),
        Style::Page { .. } => ("flame", "group"),
    };
    let _ = write!(
        out,
        "<svg class=\"{class}\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" role=\"{role}\" aria-label=\"",
        flame.width
    );
    escape(&mut out, flame.title);
    out.push_str("\"><title>");
    escape(&mut out, flame.title);
    out.push_str("</title>");
    if flame.style == Style::Whole {
        let _ = write!(out, "<style>{WHOLE}</style>");
    }
    for place in &plan.places {
        frame(&mut out, stacks, flame, place, focus);
    }
    out.push_str("</svg>\n");
    Drawing {
        svg: out,
        notes: plan.notes,
        frame: (focus != 0).then(|| stacks.name(focus).to_owned()),
    }
}

/// A frame's place, pixels and rows.
struct Place {
    id: NodeId,
    row: usize,
    left: f64,
    width: f64,
}

struct Plan {
    places: Vec<Place>,
    rows: usize,
    notes: Vec<String>,
}

impl Plan {
    fn new(stacks: &Stacks, focus: NodeId, width: f64) -> Self {
        let mut above = Vec::new();
        let mut at = focus;
        while at != 0 {
            at = stacks.node(at).parent;
            above.push(at);
        }
        // Callers above the one that is looked at: the nearest ones, where there are many.
        above.truncate(ROWS / 2);
        above.reverse();
        let whole = |id: NodeId, row| Place {
            id,
            row,
            left: 0.0,
            width,
        };
        let first_row = above.len();
        let mut narrowest = NARROWEST;
        loop {
            let mut places: Vec<Place> = above
                .iter()
                .enumerate()
                .map(|(row, &id)| whole(id, row))
                .collect();
            let (mut narrow, mut deep) = (0_u64, 0_u64);
            let mut open = vec![whole(focus, first_row)];
            while let Some(place) = open.pop() {
                let node = stacks.node(place.id);
                let scale = place.width / node.total[0].max(1) as f64;
                let mut left = place.left;
                for &child in &node.children {
                    let width = stacks.node(child).total[0] as f64 * scale;
                    if width < narrowest {
                        narrow += u64::from(width > 0.0);
                    } else if place.row + 1 >= ROWS {
                        deep += 1;
                    } else {
                        open.push(Place {
                            id: child,
                            row: place.row + 1,
                            left,
                            width,
                        });
                    }
                    left += width;
                }
                places.push(place);
                if places.len() > FRAMES {
                    break;
                }
            }
            if places.len() > FRAMES {
                narrowest *= 2.0;
                continue;
            }
            let rows = places.iter().map(|place| place.row + 1).max().unwrap_or(1);
            let mut notes = stacks.notes().to_vec();
            if narrow > 0 {
                notes.push(format!(
                    "{} too narrow to draw (below {narrowest:.1} pixels), with all that they call",
                    frames(narrow)
                ));
            }
            if deep > 0 {
                notes.push(format!(
                    "{} below row {ROWS} not drawn: choose one above to see further down",
                    frames(deep)
                ));
            }
            return Self {
                places,
                rows,
                notes,
            };
        }
    }
}

fn frames(count: u64) -> String {
    match count {
        1 => "1 frame is".to_owned(),
        many => format!("{} frames are", format_count(many)),
    }
}

fn frame(out: &mut String, stacks: &Stacks, flame: &Flame<'_>, place: &Place, focus: NodeId) {
    let node = stacks.node(place.id);
    let name = stacks.name(place.id);
    let is_above = node.depth < stacks.node(focus).depth;
    let class = match (is_above, stacks.is_paired(), place.id) {
        (true, ..) => "fa",
        (false, _, 0) => "fr",
        (false, true, _) => growth_class(stacks.growth(node.total)),
        (false, false, _) => origin_class(name),
    };
    let link = match flame.style {
        Style::Page { zoom, .. } if place.id != 0 => Some((zoom, stacks.key(place.id))),
        Style::Page { home, .. } => Some((home, String::new())),
        Style::Whole => None,
    };
    if let Some((url, key)) = &link {
        out.push_str("<a href=\"");
        escape(out, url);
        let _ = write!(out, "{key}\">");
    }
    let (x, y) = (place.left, place.row as f64 * ROW);
    // A hair's breadth between neighbours, where they are wide enough to spare it.
    let gap = if place.width > 2.0 { 0.5 } else { 0.0 };
    let _ = write!(out, "<g class=\"{class}\"><title>");
    escape(out, name);
    let _ = write!(
        out,
        " · {}, {} of all",
        flame.weight.text(node.total[0]),
        percent(stacks.share(node.total, 0))
    );
    if node.own[0] > 0 && node.own[0] != node.total[0] {
        let _ = write!(out, " ({} its own)", percent(stacks.share(node.own, 0)));
    }
    if stacks.is_paired() && place.id != 0 {
        let was = stacks.share(node.total, 1);
        let _ = write!(
            out,
            ", was {}: {} points",
            percent(was),
            format_change(stacks.growth(node.total)).trim_end_matches('%')
        );
    }
    let _ = write!(
        out,
        "</title><rect x=\"{x:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"{}\"/>",
        place.width - gap,
        ROW - 1.0
    );
    let room = ((place.width - 6.0) / CHARACTER) as usize;
    if place.width > 6.0 + 3.0 * CHARACTER {
        let _ = write!(out, "<text x=\"{:.1}\" y=\"{}\">", x + 3.0, y + 12.5);
        escape(out, &shortened(name, room));
        out.push_str("</text>");
    }
    out.push_str("</g>");
    if link.is_some() {
        out.push_str("</a>");
    }
}

/// A name in so many characters: its end says most, so that `crate::module::` goes first.
fn shortened(name: &str, room: usize) -> String {
    let length = name.chars().count();
    if length <= room {
        return name.to_owned();
    }
    let mut rest = name;
    while let Some((_, behind)) = rest.split_once("::") {
        if behind.is_empty() || rest.starts_with('<') {
            break;
        }
        rest = behind;
        if rest.chars().count() <= room {
            return rest.to_owned();
        }
    }
    let kept: String = rest.chars().take(room.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// The class of a frame by whose code it is.
fn origin_class(name: &str) -> &'static str {
    let name = name.trim_start_matches(['<', '&', '(']);
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if begins(&["kv_indexer"]) {
        "fi"
    } else if begins(&["bench_runner", "KV"]) {
        "fb"
    } else if begins(&[
        "std::",
        "core::",
        "alloc::",
        "dyn core::",
        "__rust",
        "hashbrown::",
    ]) {
        "fs"
    } else {
        "fo"
    }
}

fn growth_class(growth: f64) -> &'static str {
    let step = STEPS.iter().filter(|step| growth.abs() >= **step).count();
    match (step, growth > 0.0) {
        (0, _) => "g0",
        (1, true) => "g1",
        (2, true) => "g2",
        (_, true) => "g3",
        (1, false) => "l1",
        (2, false) => "l2",
        (_, false) => "l3",
    }
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML has no way to write other control characters.
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// Styles of a file by itself.
const WHOLE: &str = "svg{color-scheme:light dark;background:light-dark(#fff,#0f1114)}\
text{font:10.5px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:light-dark(#16181d,#e7e9ec);pointer-events:none}\
.fr rect,.fa rect{fill:light-dark(#e6e8ec,#23272d)}.fi rect{fill:light-dark(#c5cff2,#24416b)}.fb rect{fill:light-dark(#f0dcc4,#5a3a12)}\
.fs rect{fill:light-dark(#cfe9e3,#1b4a45)}.fo rect{fill:light-dark(#e8e2c4,#45421c)}g:hover rect{stroke:light-dark(#16181d,#e7e9ec)}";

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn flame<'a>(frame: Option<&'a str>, style: Style<'a>) -> Flame<'a> {
        Flame {
            title: "Processor time",
            weight: Weight::Time,
            width: 400,
            frame,
            style,
        }
    }

    const PAGE: Style<'_> = Style::Page {
        zoom: "/runs/7/profile/0?frame=",
        home: "/runs/7/profile/0",
    };

    #[test]
    fn a_small_profile_looks_like_this() {
        let stacks = Stacks::read(b"KVEvent;kv_indexer::apply 3000\nKVEvent;std::x 1000").unwrap();
        let drawing = draw(&stacks, &flame(None, PAGE));
        assert_eq!(drawing.notes, [""; 0]);
        insta::assert_snapshot!(drawing.svg.replace("<a ", "\n<a "), @r#"
        <svg class="flame" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 54" role="group" aria-label="Processor time"><title>Processor time</title>
        <a href="/runs/7/profile/0"><g class="fr"><title>all · 4,000 ns, 100.0% of all</title><rect x="0.0" y="0" width="399.5" height="17"/><text x="3.0" y="12.5">all</text></g></a>
        <a href="/runs/7/profile/0?frame=84178e77a76cff62"><g class="fb"><title>KVEvent · 4,000 ns, 100.0% of all</title><rect x="0.0" y="18" width="399.5" height="17"/><text x="3.0" y="30.5">KVEvent</text></g></a>
        <a href="/runs/7/profile/0?frame=07e36650f092f2de"><g class="fs"><title>std::x · 1,000 ns, 25.0% of all</title><rect x="300.0" y="36" width="99.5" height="17"/><text x="303.0" y="48.5">std::x</text></g></a>
        <a href="/runs/7/profile/0?frame=2bdb380b7dddb34a"><g class="fi"><title>kv_indexer::apply · 3,000 ns, 75.0% of all</title><rect x="0.0" y="36" width="299.5" height="17"/><text x="3.0" y="48.5">kv_indexer::apply</text></g></a></svg>
        "#);
    }

    #[test]
    fn a_key_zooms_to_its_frame_below_its_callers() {
        let stacks = Stacks::read(b"a;b;c 10\na;d 90").unwrap();
        let b = (0..stacks.len())
            .find(|&id| stacks.name(id) == "b")
            .unwrap();
        let key = stacks.key(b);
        let drawing = draw(&stacks, &flame(Some(&key), PAGE));
        assert_eq!(drawing.frame.as_deref(), Some("b"));
        assert_eq!(
            drawing.svg.matches("width=\"399.5\"").count(),
            4,
            "{}",
            drawing.svg
        );
        assert!(!drawing.svg.contains(">d<"));
        // The same path has the same key in another profile; one that is not there shows all.
        assert_eq!(Stacks::read(b"z 1\na;b 5").unwrap().find(&key), Some(3));
        let drawing = draw(&stacks, &flame(Some("nonsense"), PAGE));
        assert_eq!(drawing.frame, None);
    }

    #[test]
    fn markup_in_names_and_titles_stays_text() {
        let hostile = "<script>alert(1)</script>;\"onload='x'&amp 5";
        let stacks = Stacks::read(hostile.as_bytes()).unwrap();
        let mut flame = flame(None, Style::Whole);
        flame.title = "</title><script>";
        let svg = draw(&stacks, &flame).svg;
        assert!(
            !svg.contains("<script") && !svg.contains("\"onload"),
            "{svg}"
        );
        assert!(svg.contains("&lt;script&gt;alert(1)"), "{svg}");
    }

    #[test]
    fn what_is_too_much_to_draw_is_left_out_and_told() {
        let wide: String = (0..20_000)
            .map(|n| format!("a;f{n} {}\n", 1 + n % 7))
            .collect();
        let drawing = draw(&Stacks::read(wide.as_bytes()).unwrap(), &flame(None, PAGE));
        assert!(drawing.svg.len() < 1_000_000, "{}", drawing.svg.len());
        assert!(
            drawing.notes[0].contains("20,000 frames are too narrow"),
            "{:?}",
            drawing.notes
        );
        let deep = format!("{} 1", vec!["f"; 200].join(";"));
        let drawing = draw(&Stacks::read(deep.as_bytes()).unwrap(), &flame(None, PAGE));
        assert!(
            drawing.notes[0].contains("below row 100"),
            "{:?}",
            drawing.notes
        );
    }

    #[test]
    fn colour_says_which_way_a_frame_went() {
        let stacks = Stacks::read_pair(b"a;up 60\na;down 40", b"a;up 30\na;down 70").unwrap();
        let svg = draw(&stacks, &flame(None, PAGE)).svg;
        assert!(svg.contains("<g class=\"g3\"><title>up"), "{svg}");
        assert!(svg.contains("<g class=\"l3\"><title>down"), "{svg}");
        assert!(svg.contains("<g class=\"g0\"><title>a "), "{svg}");
        assert!(svg.contains("was 30.0%: +30.0 points"), "{svg}");
    }

    #[test]
    fn a_name_is_shortened_from_its_front() {
        assert_eq!(shortened("kv_indexer::index::apply", 14), "index::apply");
        assert_eq!(shortened("kv_indexer::index::apply", 5), "apply");
        assert_eq!(shortened("kv_indexer::index::apply", 4), "app…");
        assert_eq!(shortened("short", 9), "short");
    }
}
