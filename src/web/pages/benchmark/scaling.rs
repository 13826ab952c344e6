//! The chosen metric over the values of a param: tonight, and a week of nights before.

use bench_report::metric::{Scale, format_factor};

use super::super::value;
use super::Loaded;
use crate::chart::curve::{CurvePlot, CurveSize, LEAST_PLACES, Line, curve, wants_log};
use crate::chart::role::{Role, deserves_mark};
use crate::domain::Point;
use crate::text;

/// The scaling section.
#[derive(Debug, Clone)]
pub(super) struct Scaling {
    /// Over which param.
    pub(super) param: String,
    /// The chart.
    pub(super) svg: String,
    /// What the curve does, in a sentence.
    pub(super) finding: String,
}

/// `None` where the param has no three numeric values with a night each.
pub(super) fn scaling(loaded: &Loaded) -> Option<Scaling> {
    let (param, along) = loaded.choice.widest_param()?;
    let places: Vec<(f64, &[Point])> = along
        .iter()
        .filter_map(|(text, series)| {
            let at: f64 = text.parse().ok()?;
            let nights = loaded.recent.get(&series.id)?;
            (!nights.is_empty() && at.is_finite()).then_some((at, nights.as_slice()))
        })
        .collect();
    let tonight: Vec<(f64, &Point)> = places
        .iter()
        .filter_map(|(at, nights)| Some((*at, nights.last()?)))
        .collect();
    if tonight.len() < LEAST_PLACES {
        return None;
    }
    // The oldest of the nights at hand, the same for all places.
    let before = places
        .iter()
        .filter_map(|(_, nights)| nights.first())
        .map(|p| p.time)
        .max()?;
    let old: Vec<(f64, &Point)> = places
        .iter()
        .filter_map(|(at, nights)| Some((*at, nights.iter().find(|p| p.time >= before)?)))
        .collect();
    let has_old =
        old.len() == tonight.len() && old.iter().zip(&tonight).all(|(o, t)| o.1.run != t.1.run);
    let key = &loaded.choice.series.key;
    let scale = value::scale(&key.unit, tonight.iter().map(|(_, p)| p.value));
    let mut lines = Vec::new();
    if has_old {
        lines.push(line(text::day(before), true, &old, scale));
    }
    let newest = tonight.iter().map(|(_, p)| p.time).max()?;
    lines.push(line(text::day(newest), false, &tonight, scale));
    let x_log = wants_log(tonight.iter().map(|(x, _)| *x));
    let y_log = wants_log(tonight.iter().map(|(_, p)| p.value));
    let finding = finding(&param, &tonight, scale);
    let plot = CurvePlot {
        label: format!("{} by {param}. {finding}", key.metric),
        desc: String::new(),
        y_unit: if y_log {
            format!("{} (log)", scale.label)
        } else {
            scale.label.to_owned()
        },
        x_title: if x_log {
            format!("{param} (log)")
        } else {
            param.clone()
        },
        x_log,
        y_log,
        lines,
        note: None,
    };
    Some(Scaling {
        svg: curve(&plot, CurveSize::Third),
        param,
        finding,
    })
}

fn line(name: String, is_old: bool, places: &[(f64, &Point)], scale: Scale) -> Line {
    let marks = places
        .iter()
        .enumerate()
        .filter(|(_, (_, p))| !is_old && deserves_mark(p.judgement.band, p.judgement.evidence))
        .map(|(i, (_, p))| (i, Role::Mark(p.judgement.band, p.judgement.evidence, 100)))
        .collect();
    Line {
        name,
        is_old,
        points: places
            .iter()
            .map(|(x, p)| (*x, scale.scaled(p.value)))
            .collect(),
        marks,
    }
}

/// Such as `From 1 to 500 it grows 3.7×, from 0.431 to 1.590 M/s.`
fn finding(param: &str, places: &[(f64, &Point)], scale: Scale) -> String {
    let (Some(first), Some(last)) = (places.first(), places.last()) else {
        return String::new();
    };
    let ends = format!(
        "from {} to {}",
        scale.reading(first.1.value),
        scale.reading(last.1.value)
    );
    let places = format!(
        "From {param} {} to {}",
        crate::chart::scale::named(vec![first.0])[0].text,
        crate::chart::scale::named(vec![last.0])[0].text
    );
    if first.1.value <= 0.0 || last.1.value <= 0.0 {
        return format!("{places} it goes {ends}.");
    }
    let factor = last.1.value / first.1.value;
    if factor >= 1.05 {
        format!("{places} it grows {}, {ends}.", format_factor(factor))
    } else if factor <= 1.0 / 1.05 {
        format!("{places} it falls {}, {ends}.", format_factor(1.0 / factor))
    } else {
        format!("{places} it stays the same, {ends}.")
    }
}
