//! What a stroke, a fill or a text stands for.
//!
//! Plotters speaks in colours. A role travels through it as one: red is the kind, green an
//! argument, blue a size in tenths of a pixel. The backend turns it back into a class name.

use bench_verdict::verdict::{Band, Evidence};
use plotters::style::RGBColor;
use plotters_backend::BackendColor;

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Horizontal rule of the grid.
    Grid,
    /// Axis line and tick.
    Axis,
    /// Baseline zone, area under a curve.
    Zone,
    /// Middle of the baseline.
    Base,
    /// 10% worse than the baseline.
    Warn,
    /// 20% worse than the baseline.
    Critical,
    /// A line of series colour 1 to 6.
    Line(u8),
    /// One of several lines, 1 to 12: six colours and four kinds of line, each pair once.
    Series(u8),
    /// The line of another revision.
    OldLine,
    /// A dot at each night of a line of colour 1 to 6.
    Dots(u8),
    /// A single filled dot of colour 1 to 6.
    Dot(u8),
    /// A hollow dot of another revision.
    OldDot,
    /// The level between two boundaries.
    Level,
    /// The line of a change point.
    ChangePoint,
    /// The filled wedge on a change point.
    Wedge,
    /// The line of an epoch.
    Epoch,
    /// The double bar or ring on an epoch or a note.
    Glyph,
    /// The line of a note.
    Note,
    /// A bracket or a cursor.
    Cursor,
    /// A span without a run.
    Gap,
    /// A verdict mark of so many tenths of a pixel.
    Mark(Band, Evidence, u8),
    /// Ordinary text.
    Text,
    /// Text in ink, a little heavier.
    Strong,
    /// Text over lines, with a rim of the page's colour.
    Halo,
}

const BANDS: [Band; 7] = [
    Band::Critical,
    Band::Warning,
    Band::Info,
    Band::None,
    Band::Improved,
    Band::Warming,
    Band::Undefined,
];
const EVIDENCES: [Evidence; 6] = [
    Evidence::Confirmed,
    Evidence::Exact,
    Evidence::Likely,
    Evidence::Inconclusive,
    Evidence::Noise,
    Evidence::Incomparable,
];

impl Role {
    /// The colour that carries this role through plotters.
    pub fn color(self) -> RGBColor {
        let (kind, argument, size) = match self {
            Self::Grid => (1, 0, 0),
            Self::Axis => (2, 0, 0),
            Self::Zone => (3, 0, 0),
            Self::Base => (4, 0, 0),
            Self::Warn => (5, 0, 0),
            Self::Critical => (6, 0, 0),
            Self::Line(n) => (7, n, 0),
            Self::OldLine => (8, 0, 0),
            Self::Dots(n) => (9, n, 0),
            Self::Dot(n) => (10, n, 0),
            Self::OldDot => (11, 0, 0),
            Self::Level => (12, 0, 0),
            Self::ChangePoint => (13, 0, 0),
            Self::Wedge => (14, 0, 0),
            Self::Epoch => (15, 0, 0),
            Self::Glyph => (16, 0, 0),
            Self::Note => (17, 0, 0),
            Self::Cursor => (18, 0, 0),
            Self::Gap => (19, 0, 0),
            Self::Mark(band, evidence, size) => (
                20,
                index(&BANDS, &band) << 3 | index(&EVIDENCES, &evidence),
                size,
            ),
            Self::Text => (21, 0, 0),
            Self::Strong => (22, 0, 0),
            Self::Halo => (23, 0, 0),
            Self::Series(n) => (24, n, 0),
        };
        RGBColor(kind, argument, size)
    }

    /// The role that a colour carries; `None` for a colour that no role made.
    pub fn of(color: BackendColor) -> Option<Self> {
        let (kind, argument, size) = color.rgb;
        Some(match kind {
            1 => Self::Grid,
            2 => Self::Axis,
            3 => Self::Zone,
            4 => Self::Base,
            5 => Self::Warn,
            6 => Self::Critical,
            7 => Self::Line(argument),
            8 => Self::OldLine,
            9 => Self::Dots(argument),
            10 => Self::Dot(argument),
            11 => Self::OldDot,
            12 => Self::Level,
            13 => Self::ChangePoint,
            14 => Self::Wedge,
            15 => Self::Epoch,
            16 => Self::Glyph,
            17 => Self::Note,
            18 => Self::Cursor,
            19 => Self::Gap,
            20 => Self::Mark(
                *BANDS.get(usize::from(argument >> 3))?,
                *EVIDENCES.get(usize::from(argument & 7))?,
                size,
            ),
            21 => Self::Text,
            22 => Self::Strong,
            23 => Self::Halo,
            24 => Self::Series(argument),
            _ => return None,
        })
    }

    /// The classes of `style.css`; a mark's are of its band and evidence.
    pub fn classes(self) -> &'static str {
        const LINES: [&str; 6] = ["ln s1", "ln s2", "ln s3", "ln s4", "ln s5", "ln s6"];
        const DOTS: [&str; 6] = ["pt s1", "pt s2", "pt s3", "pt s4", "pt s5", "pt s6"];
        const DOT: [&str; 6] = ["dot s1", "dot s2", "dot s3", "dot s4", "dot s5", "dot s6"];
        const SERIES: [&str; 12] = [
            "ln s1", "ln s2 d2", "ln s3 d3", "ln s4 d4", "ln s5", "ln s6 d2", "ln s1 d3",
            "ln s2 d4", "ln s3", "ln s4 d2", "ln s5 d3", "ln s6 d4",
        ];
        let colour = |names: &[&'static str; 6], n: u8| {
            names[usize::from(n.saturating_sub(1)) % names.len()]
        };
        match self {
            Self::Grid => "grid",
            Self::Axis => "axis",
            Self::Zone => "zone",
            Self::Base => "base",
            Self::Warn => "t1",
            Self::Critical => "t2",
            Self::Line(n) => colour(&LINES, n),
            Self::Series(n) => SERIES[usize::from(n.saturating_sub(1)) % SERIES.len()],
            Self::OldLine => "ln old",
            Self::Dots(n) => colour(&DOTS, n),
            Self::Dot(n) => colour(&DOT, n),
            Self::OldDot => "dot old",
            Self::Level => "lvl",
            Self::ChangePoint => "cp",
            Self::Wedge => "wedge",
            Self::Epoch => "ep",
            Self::Glyph => "glyph",
            Self::Note => "an",
            Self::Cursor => "cur",
            Self::Gap => "gap",
            Self::Mark(..) => "mk",
            Self::Text => "",
            Self::Strong => "k",
            Self::Halo => "k halo",
        }
    }
}

/// The name of a band in classes and symbols.
pub fn band_class(band: Band) -> &'static str {
    match band {
        Band::Critical => "critical",
        Band::Warning => "warning",
        Band::Info => "info",
        Band::None => "none",
        Band::Improved => "improved",
        Band::Warming => "warming",
        Band::Undefined => "undefined",
    }
}

/// The name of an evidence in classes. An exact count is as sure as a confirmed change.
pub fn evidence_class(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Confirmed | Evidence::Exact => "confirmed",
        Evidence::Likely => "likely",
        Evidence::Inconclusive => "inconclusive",
        Evidence::Noise => "noise",
        Evidence::Incomparable => "incomparable",
    }
}

/// The symbol that draws a band's shape.
pub fn symbol(band: Band) -> &'static str {
    match band {
        Band::Undefined => "missing",
        other => band_class(other),
    }
}

/// Whether a night deserves a mark on a chart: it left its band, and evidence says more than
/// noise, or it is above +10% whatever evidence says.
pub fn deserves_mark(band: Band, evidence: Evidence) -> bool {
    match band {
        Band::None | Band::Warming | Band::Undefined => false,
        Band::Critical | Band::Warning => true,
        Band::Info | Band::Improved => matches!(
            evidence,
            Evidence::Confirmed | Evidence::Exact | Evidence::Likely
        ),
    }
}

fn index<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter()
        .position(|x| x == one)
        .and_then(|i| u8::try_from(i).ok())
        .unwrap_or(0)
}

/// Each role once; those with a number with their highest, and every mark.
#[cfg(test)]
pub(super) fn every_role() -> Vec<Role> {
    let marks = BANDS.iter().flat_map(|band| {
        let of = |evidence: &Evidence| Role::Mark(*band, *evidence, 110);
        EVIDENCES.iter().map(of)
    });
    let roles = [
        Role::Grid,
        Role::Axis,
        Role::Zone,
        Role::Base,
        Role::Warn,
        Role::Critical,
        Role::Line(6),
        Role::Series(12),
        Role::OldLine,
        Role::Dots(6),
        Role::Dot(6),
        Role::OldDot,
        Role::Level,
        Role::ChangePoint,
        Role::Wedge,
        Role::Epoch,
        Role::Glyph,
        Role::Note,
        Role::Cursor,
        Role::Gap,
        Role::Text,
        Role::Strong,
        Role::Halo,
    ];
    roles.into_iter().chain(marks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::Color;

    #[test]
    fn every_role_survives_its_trip_through_plotters() {
        let roles = every_role();
        for role in roles {
            assert_eq!(Role::of(role.color().to_backend_color()), Some(role));
        }
    }

    #[test]
    fn a_colour_of_no_role_is_none() {
        assert_eq!(Role::of(RGBColor(255, 0, 0).to_backend_color()), None);
    }
}
