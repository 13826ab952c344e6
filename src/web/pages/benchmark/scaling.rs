//! The chosen metric over the values of its params, in two nights.

use bench_report::metric::{Scale, format_factor};

use super::super::value;
use super::Loaded;
use super::choice::Along;
use super::pair::{Pair, Side};
use crate::chart::curve::{CurvePlot, CurveSize, LEAST_PLACES, Line, curve, wants_log};
use crate::chart::role::{Role, deserves_mark};
use crate::domain::Point;

/// A scaling curve.
#[derive(Debug, Clone)]
pub(super) struct Scaling {
    /// Over which param.
    pub(super) param: String,
    /// The chart.
    pub(super) svg: String,
    /// What the curve does, in a sentence.
    pub(super) finding: String,
}

/// A curve over each param that has three numeric values or more; the longest first.
pub(super) fn scalings(loaded: &Loaded) -> Vec<Scaling> {
    let Some(pair) = &loaded.pair else {
        return Vec::new();
    };
    let params = loaded.choice.numeric_params();
    params
        .iter()
        .filter_map(|(param, along)| scaling(param, along, pair, loaded))
        .collect()
}

fn scaling(param: &str, along: &Along, pair: &Pair, loaded: &Loaded) -> Option<Scaling> {
    let places = |side: &Side| -> Vec<(f64, Point)> {
        along
            .iter()
            .filter_map(|(text, series)| {
                let at = text.parse().ok().filter(|at: &f64| at.is_finite())?;
                Some((at, side.values.get(&series.id)?.clone()))
            })
            .collect()
    };
    let head = places(&pair.head);
    if head.len() < LEAST_PLACES {
        return None;
    }
    let base = pair.base.as_ref().map(|side| (side, places(side)));
    let base = base.filter(|(_, places)| places.len() >= LEAST_PLACES);
    let key = &loaded.choice.series.key;
    let scale = value::scale(&key.unit, head.iter().map(|(_, p)| p.value));
    let mut lines = Vec::new();
    if let Some((side, places)) = &base {
        lines.push(line(side.name.clone(), true, places, scale));
    }
    lines.push(line(pair.head.name.clone(), false, &head, scale));
    let x_log = wants_log(head.iter().map(|(x, _)| *x));
    let y_log = wants_log(head.iter().map(|(_, p)| p.value));
    let finding = finding(param, &head, scale);
    let logged = |text: &str, log: bool| match log {
        true => format!("{text} (log)"),
        false => text.to_owned(),
    };
    let plot = CurvePlot {
        label: format!("{} by {param}. {finding}", key.metric),
        desc: String::new(),
        y_unit: logged(scale.label, y_log),
        x_title: logged(param, x_log),
        x_log,
        y_log,
        lines,
        note: None,
        bracket: None,
    };
    Some(Scaling {
        svg: curve(&plot, CurveSize::Third),
        param: param.to_owned(),
        finding,
    })
}

fn line(name: String, is_old: bool, places: &[(f64, Point)], scale: Scale) -> Line {
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
fn finding(param: &str, places: &[(f64, Point)], scale: Scale) -> String {
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
