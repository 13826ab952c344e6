//! A change with its interval as a bar in a table's row: rows touch, so that zero and the gate run
//! through them as lines. Right is worse.

use std::fmt::Write as _;

use bench_report::metric::{format_change, format_change_interval};
use bench_verdict::verdict::{Band, Evidence};

use super::role::{band_class, evidence_class};
use super::svg::escape;

/// The ends of the scale, as a fraction: what lies beyond ends in a point.
pub const END: f64 = 0.34;

const WIDTH: f64 = 300.0;
const MIDDLE: f64 = WIDTH / 2.0;

/// What a bar shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntervalBar {
    /// Positive is worse; absent: a change from zero.
    pub change: Option<f64>,
    /// 95% interval of it; none of a count, and where the samples are too few.
    pub interval: Option<[f64; 2]>,
    /// Half the width of what noise alone does.
    pub noise_floor: Option<f64>,
    /// The gate's threshold.
    pub threshold: f64,
    /// Its colour.
    pub band: Band,
    /// Its fill.
    pub evidence: Evidence,
}

/// Draws a bar.
pub fn bar(of: &IntervalBar) -> String {
    let mut out = String::with_capacity(420);
    out.push_str("<svg class=\"ivb\" width=\"300\" height=\"30\" viewBox=\"0 0 300 30\" role=\"img\" aria-label=\"");
    escape(&mut out, &label(of));
    out.push_str("\">");
    if let Some(floor) = of.noise_floor.filter(|floor| *floor > 0.0) {
        let (low, high) = (x(-floor), x(floor));
        let _ = write!(
            out,
            "<path class=\"zone\" d=\"M{low:.1} 0H{high:.1}V30H{low:.1}z\"/>"
        );
    }
    let (left, right) = (x(-of.threshold), x(of.threshold));
    if of.threshold < END {
        let _ = write!(
            out,
            "<path class=\"t1\" d=\"M{left:.1} 0V30M{right:.1} 0V30\"/>"
        );
    }
    out.push_str("<path class=\"axis\" d=\"M150 0V30\"/>");
    if let Some(change) = of.change.filter(|change| change.is_finite()) {
        let _ = write!(out, "<g class=\"{}\">", band_class(of.band));
        match of.interval {
            Some([low, high]) => interval(&mut out, of.evidence, low, high, change),
            None => stem(&mut out, of.evidence, change),
        }
        out.push_str("</g>");
    }
    out.push_str("</svg>");
    out
}

/// The scale above a column of bars.
pub fn scale() -> String {
    let mut out = String::from(
        "<svg class=\"ch ivs\" width=\"300\" height=\"16\" viewBox=\"0 0 300 16\" aria-hidden=\"true\">",
    );
    for percent in [-30_i32, -20, -10, 0, 10, 20, 30] {
        let at = x(f64::from(percent) / 100.0);
        let (class, text) = match percent {
            0 => ("c k", "0".to_owned()),
            p if p < 0 => ("c", format!("\u{2212}{}%", -p)),
            p => ("c", format!("+{p}%")),
        };
        let _ = write!(
            out,
            "<text class=\"{class}\" x=\"{at:.1}\" y=\"12\">{text}</text>"
        );
    }
    out.push_str("</svg>");
    out
}

fn label(of: &IntervalBar) -> String {
    let Some(change) = of.change else {
        return "from 0".to_owned();
    };
    match of.interval {
        Some([low, high]) => format!(
            "{}, interval {}",
            format_change(change),
            format_change_interval(low, high)
        ),
        None => format!("{}, no interval", format_change(change)),
    }
}

fn x(change: f64) -> f64 {
    MIDDLE + change.clamp(-END, END) / END * MIDDLE
}

fn interval(out: &mut String, evidence: Evidence, low: f64, high: f64, centre: f64) {
    let shape = outline(low, high);
    let class = evidence_class(evidence);
    let _ = write!(out, "<path class=\"iv {class}\" d=\"{shape}\"/>");
    if evidence == Evidence::Likely {
        let (left, right) = (x(low), x(high));
        let _ = write!(
            out,
            "<path class=\"iv confirmed\" d=\"M{left:.1} 15V20H{right:.1}V15z\"/>"
        );
    }
    let at = x(centre);
    let _ = write!(out, "<path class=\"ivc\" d=\"M{at:.1} 6v18\"/>");
}

/// A rectangle; an end beyond the scale is a point.
fn outline(low: f64, high: f64) -> String {
    let (left, right) = (x(low), x(high).max(x(low) + 1.0));
    let mut shape = String::with_capacity(60);
    if low < -END {
        let _ = write!(
            shape,
            "M{:.1} 10L{left:.1} 15L{:.1} 20",
            left + 6.0,
            left + 6.0
        );
    } else {
        let _ = write!(shape, "M{left:.1} 10V20");
    }
    if high > END {
        let _ = write!(
            shape,
            "H{:.1}L{right:.1} 15L{:.1} 10",
            right - 6.0,
            right - 6.0
        );
    } else {
        let _ = write!(shape, "H{right:.1}V10");
    }
    shape.push('z');
    shape
}

/// No interval: a stem from zero, and a dot; an arrow head where the scale ends.
fn stem(out: &mut String, evidence: Evidence, change: f64) {
    let (at, class) = (x(change), evidence_class(evidence));
    let _ = write!(out, "<path class=\"iv\" d=\"M150 15H{at:.1}\"/>");
    if change.abs() > END {
        let back = if change > 0.0 { at - 7.0 } else { at + 7.0 };
        let _ = write!(
            out,
            "<path class=\"iv {class}\" d=\"M{back:.1} 10L{at:.1} 15L{back:.1} 20z\"/>"
        );
    } else {
        let _ = write!(
            out,
            "<circle class=\"iv {class}\" cx=\"{at:.1}\" cy=\"15\" r=\"3.5\"/>"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAR: IntervalBar = IntervalBar {
        change: Some(0.118),
        interval: Some([0.094, 0.141]),
        noise_floor: Some(0.021),
        threshold: 0.1,
        band: Band::Warning,
        evidence: Evidence::Confirmed,
    };

    #[test]
    fn a_bar_says_its_numbers_and_wears_its_verdict() {
        insta::assert_snapshot!(bar(&BAR), @r#"<svg class="ivb" width="300" height="30" viewBox="0 0 300 30" role="img" aria-label="+11.8%, interval [+9.4, +14.1]"><path class="zone" d="M140.7 0H159.3V30H140.7z"/><path class="t1" d="M105.9 0V30M194.1 0V30"/><path class="axis" d="M150 0V30"/><g class="warning"><path class="iv confirmed" d="M191.5 10V20H212.2V10z"/><path class="ivc" d="M202.1 6v18"/></g></svg>"#);
    }

    #[test]
    fn what_lies_beyond_the_scale_ends_in_a_point_inside_the_drawing() {
        let beyond = bar(&IntervalBar {
            change: Some(-0.9),
            interval: Some([-0.95, 2.0]),
            ..BAR
        });
        assert!(
            beyond.contains("M6.0 10L0.0 15L6.0 20H294.0L300.0 15L294.0 10z"),
            "{beyond}"
        );
        let count = bar(&IntervalBar {
            change: Some(0.5),
            interval: None,
            ..BAR
        });
        assert!(count.contains("L300.0 15L"), "{count}");
    }

    #[test]
    fn a_change_from_zero_and_what_is_not_finite_draw_no_bar() {
        for change in [None, Some(f64::INFINITY), Some(f64::NAN)] {
            let drawn = bar(&IntervalBar { change, ..BAR });
            assert!(
                !drawn.contains("class=\"iv") || drawn.contains("class=\"ivb"),
                "{drawn}"
            );
            assert!(!drawn.contains("NaN") && !drawn.contains("<g"), "{drawn}");
        }
    }
}
