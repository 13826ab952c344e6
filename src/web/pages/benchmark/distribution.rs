//! What was recorded in two nights: percentiles, a histogram, a cumulative curve.

use bench_report::metric::{format_change, format_count};

use super::super::percentiles::{self, PERCENTILES};
use super::pair::{Pair, Side};
use super::query::{DISTS, Dist, View};
use super::{Loaded, value};
use crate::analysis::distribution::Distribution;
use crate::chart::curve::{CurvePlot, CurveSize, Line, curve_at, wants_log};

/// Bins of a histogram.
const BINS: usize = 36;
/// Steps of a cumulative curve.
const STEPS: usize = 200;

/// The section.
pub(super) struct DistributionView {
    /// What was recorded.
    pub(super) note: String,
    /// URL, name, and whether it is the one shown.
    pub(super) links: Vec<(String, &'static str, bool)>,
    pub(super) svg: String,
    pub(super) finding: String,
    pub(super) unit: &'static str,
    /// Name of the night, and of the one it is shown against.
    pub(super) names: (String, String),
    pub(super) rows: Vec<PercentileRow>,
}

/// A percentile of both nights.
pub(super) struct PercentileRow {
    pub(super) name: String,
    pub(super) now: String,
    pub(super) before: String,
    pub(super) change: String,
}

/// `None` where the chosen night recorded nothing at these params.
pub(super) fn distribution(
    benchmark: &str,
    view: &View,
    loaded: &Loaded,
) -> Option<DistributionView> {
    let pair = loaded.pair.as_ref()?;
    let metric = &loaded.choice.series.key.metric;
    let (name, unit, head) = percentiles::of_metric(&pair.head.recorded, metric)?;
    let base = pair.base.as_ref().and_then(|side| {
        let found = side
            .recorded
            .iter()
            .find(|(n, u, _)| n == name && u == unit);
        Some((side, &found?.2))
    });
    let both = [Some(head), base.map(|(_, d)| d)];
    let all = || both.iter().flatten();
    let largest = all().map(|d| d.quantile(0.999)).fold(0.0, f64::max);
    let scale = value::scale(unit, [largest]);
    let of = |part: f64| {
        let now = head.knows(part).then(|| head.quantile(part));
        let before = base.and_then(|(_, d)| d.knows(part).then(|| d.quantile(part)));
        (now, before)
    };
    let change = |part: f64| match of(part) {
        (Some(now), Some(before)) if before > 0.0 => Some(now / before - 1.0),
        _ => None,
    };
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| scale.number(v));
    let mut rows: Vec<PercentileRow> = PERCENTILES
        .iter()
        .filter(|(_, part)| head.knows(*part))
        .map(|(name, part)| PercentileRow {
            name: format!("p{name}"),
            now: number(of(*part).0),
            before: number(of(*part).1),
            change: change(*part).map_or_else(String::new, format_change),
        })
        .collect();
    rows.push(PercentileRow {
        name: "largest".to_owned(),
        now: number(Some(head.max())),
        before: number(base.map(|(_, d)| d.max())),
        change: String::new(),
    });
    let finding = match (base, change(0.5), change(0.99)) {
        (Some((side, _)), Some(middle), Some(tail)) => format!(
            "Against {}: the middle {}, p99 {}.",
            side.name,
            format_change(middle),
            format_change(tail)
        ),
        (Some((side, _)), Some(middle), None) => format!(
            "Against {}: the middle {}.",
            side.name,
            format_change(middle)
        ),
        _ => "No other night to compare with recorded it.".to_owned(),
    };
    let mut plot = CurvePlot {
        label: format!("{benchmark} {name}, {}. {finding}", pair.head.name),
        desc: String::new(),
        y_unit: String::new(),
        x_title: String::new(),
        x_log: false,
        y_log: false,
        lines: Vec::new(),
        note: None,
        bracket: None,
    };
    let sides: Vec<(&str, bool, &Distribution)> = base
        .map(|(side, d)| (side.name.as_str(), true, d))
        .into_iter()
        .chain([(pair.head.name.as_str(), false, head)])
        .collect();
    let least = all()
        .map(|d| d.min())
        .fold(f64::INFINITY, f64::min)
        .max(0.5);
    let most = all().map(|d| d.max()).fold(least * 1.001, f64::max);
    plot.lines = sides
        .iter()
        .map(|(name, is_old, d)| Line {
            name: (*name).to_owned(),
            is_old: *is_old,
            points: points(d, view.dist, (least, most), scale.size),
            marks: Vec::new(),
        })
        .collect();
    let mut ticks = Vec::new();
    let with_unit = |text: &str| match scale.label {
        "" => text.to_owned(),
        unit => format!("{text}, {unit}"),
    };
    match view.dist {
        Dist::Percentiles => {
            let values = plot.lines.iter().flat_map(|l| l.points.iter().map(|p| p.1));
            plot.y_log = wants_log(values);
            plot.y_unit = scale.label.to_owned();
            plot.x_title = "percentile".to_owned();
            ticks = percentiles::ticks();
        }
        Dist::Histogram => {
            plot.x_log = true;
            plot.y_unit = "% of values".to_owned();
            plot.x_title = with_unit(&format!("{name} (log)"));
        }
        Dist::Cumulative => {
            plot.x_log = true;
            plot.y_unit = "% at most".to_owned();
            plot.x_title = with_unit(&format!("{name} (log)"));
        }
    }
    Some(DistributionView {
        note: name.to_owned(),
        links: DISTS
            .iter()
            .map(|(_, label, dist)| {
                let target = View {
                    dist: *dist,
                    ..loaded.choice.view(view)
                };
                (target.url(benchmark), *label, view.dist == *dist)
            })
            .collect(),
        svg: curve_at(&plot, CurveSize::Third, &ticks),
        finding: format!("{} values. {finding}", format_count(head.count)),
        unit: scale.label,
        names: (
            pair.head.name.clone(),
            base.map_or_else(String::new, |(side, _)| side.name.clone()),
        ),
        rows,
    })
}

fn points(
    distribution: &Distribution,
    dist: Dist,
    (least, most): (f64, f64),
    size: f64,
) -> Vec<(f64, f64)> {
    match dist {
        Dist::Percentiles => distribution
            .nines()
            .into_iter()
            .map(|(nines, value)| (nines, value / size))
            .collect(),
        Dist::Cumulative => distribution
            .cumulative(STEPS)
            .into_iter()
            .map(|(value, part)| (value / size, part))
            .collect(),
        Dist::Histogram => distribution
            .bins(least, most, BINS)
            .into_iter()
            .flat_map(|bin| {
                let part = bin.part * 100.0;
                [(bin.from / size, part), (bin.to / size, part)]
            })
            .collect(),
    }
}

/// The two nights, for who chooses others.
pub(super) struct PairForm {
    /// Hidden fields.
    pub(super) kept: Vec<(String, String)>,
    /// Run, name, chosen as the night, chosen as the one before.
    pub(super) nights: Vec<(String, String, bool, bool)>,
}

/// `None` where there are no two nights to choose from.
pub(super) fn form(view: &View, loaded: &Loaded) -> Option<PairForm> {
    let Pair {
        head,
        base,
        offered,
    } = loaded.pair.as_ref()?;
    let base = base.as_ref()?;
    let chosen = View {
        run: None,
        against: None,
        ..loaded.choice.view(view)
    };
    let mut nights: Vec<(String, String, bool, bool)> = offered
        .iter()
        .map(|(run, name)| {
            let is = |side: &Side| side.point.run == *run;
            (run.to_string(), name.clone(), is(head), is(base))
        })
        .collect();
    // A night further back was named by the URL.
    for (side, is_head) in [(head, true), (base, false)] {
        if !offered.iter().any(|(run, _)| *run == side.point.run) {
            let run = side.point.run.to_string();
            nights.push((run, side.name.clone(), is_head, !is_head));
        }
    }
    Some(PairForm {
        kept: chosen.pairs(),
        nights,
    })
}
