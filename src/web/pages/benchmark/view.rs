//! What the template of a benchmark's page shows.

use askama::Template;
use bench_report::metric::{Direction, format_change};

use super::alerts::{AlertsView, alerts};
use super::distribution::{DistributionView, PairForm, distribution, form};
use super::noise::{NoiseView, noise};
use super::query::{RANGES, Range, View, XS, YS};
use super::scaling::{Scaling, scalings};
use super::{Loaded, MULTIPLES_DAYS, figure};
use crate::analysis::history::History;
use crate::chart::role::deserves_mark;
use crate::chart::trend::{Size, trend};
use crate::chart::{TrendPlot, XScale, YScale};
use crate::domain::time::DAY_MS;
use crate::domain::{Judgement, Millis, Point, Run};
use crate::text;
use crate::web::pages::annotations::{self, NoteView};
use crate::web::pages::figure::{TrendFigure, nights_without_a_run, relative_span};
use crate::web::pages::verdict::{VerdictView, change_class};
use crate::web::pages::{Shell, links, machine_names, value};

/// How many nights the table has.
const TABLE_NIGHTS: usize = 14;

#[derive(Template)]
#[template(path = "benchmark.html")]
pub(super) struct BenchmarkPage {
    shell: Shell,
    name: String,
    /// The first sentence of what it measures and how, and the rest.
    description: (String, String),
    mark: Option<VerdictView>,
    is_sample: bool,
    tabs: Vec<Tab>,
    facets: Vec<Facet>,
    metric: String,
    note: String,
    trend: TrendFigure,
    notes: Vec<NoteView>,
    annotate: String,
    multiples: Option<Multiples>,
    scalings: Vec<Scaling>,
    distribution: Option<DistributionView>,
    noise: Option<NoiseView>,
    alerts: AlertsView,
    pair: Option<PairForm>,
    action: String,
    reproduce: String,
    took: String,
    nights: Vec<NightRow>,
    unit: &'static str,
    /// A sentence above the chart, where it does not show what was asked.
    aside: String,
}

/// A metric with its newest value.
struct Tab {
    url: String,
    name: String,
    is_current: bool,
    /// The mark, where the newest night has one.
    mark: Option<VerdictView>,
    value: String,
    change: String,
    change_class: &'static str,
}

/// A row of choices.
struct Facet {
    name: String,
    choices: Vec<FacetChoice>,
}

struct FacetChoice {
    url: String,
    name: String,
    is_current: bool,
}

struct Multiples {
    param: String,
    note: String,
    items: Vec<Multiple>,
}

struct Multiple {
    url: String,
    name: String,
    is_current: bool,
    value: String,
    change: String,
    change_class: &'static str,
    svg: String,
}

struct NightRow {
    day: String,
    url: String,
    commit: String,
    subject: String,
    value: String,
    baseline: String,
    change: String,
    change_class: &'static str,
    verdict: VerdictView,
}

impl BenchmarkPage {
    pub(super) fn new(shell: Shell, name: &str, view: &View, loaded: &Loaded, now: Millis) -> Self {
        let series = &loaded.choice.series;
        let last = loaded.history.points.last().map(|p| &p.judgement);
        Self {
            shell,
            name: name.to_owned(),
            description: opened(&loaded.description),
            mark: last
                .filter(|j| deserves_mark(j.band, j.evidence))
                .map(|j| VerdictView::new(j.band, j.evidence)),
            is_sample: loaded.choice.machine.is_sample,
            tabs: tabs(name, view, loaded),
            facets: facets(name, view, loaded),
            metric: series.key.metric.clone(),
            note: note(view, loaded),
            trend: figure(name, view, loaded),
            notes: annotations::notes(&loaded.history.notes, now),
            annotate: format!("/annotations?series={}", series.id),
            multiples: multiples(name, view, loaded),
            scalings: scalings(loaded),
            distribution: distribution(name, view, loaded),
            noise: noise(loaded),
            alerts: alerts(loaded, now),
            pair: form(view, loaded),
            action: links::benchmark(name),
            reproduce: reproduce(name, loaded.newest.as_ref(), series.key.params.get("cpu")),
            took: loaded.newest.as_ref().map_or_else(String::new, |run| {
                text::duration(run.finished_at.0.saturating_sub(run.started_at.0))
            }),
            nights: nights(loaded, now),
            unit: loaded.scale.label,
            aside: aside(view, loaded),
        }
    }
}

fn tabs(name: &str, view: &View, loaded: &Loaded) -> Vec<Tab> {
    loaded
        .choice
        .metrics()
        .into_iter()
        .map(|series| {
            let is_current = series.key.metric == loaded.choice.series.key.metric;
            let newest = loaded
                .recent
                .get(&series.id)
                .and_then(|points| points.last());
            let judged = newest.map(|p| p.judgement);
            let target = View {
                metric: Some(series.key.metric.clone()),
                params: series.key.params.clone(),
                ..loaded.choice.view(view)
            };
            Tab {
                url: target.url(name),
                name: series.key.metric.clone(),
                is_current,
                mark: judged
                    .filter(|j| deserves_mark(j.band, j.evidence))
                    .map(|j| VerdictView::new(j.band, j.evidence)),
                value: newest.map_or_else(
                    || "no night yet".to_owned(),
                    |p| value::reading(&series.key.unit, p.value),
                ),
                change: judged
                    .and_then(|j| j.change)
                    .map_or_else(String::new, format_change),
                change_class: judged.map_or("", |j| quiet_class(&j)),
            }
        })
        .collect()
}

/// The class of a change beside a value: grey where nothing happened.
fn quiet_class(judged: &Judgement) -> &'static str {
    match change_class(judged.band) {
        "" => "none",
        class => class,
    }
}

fn facets(name: &str, view: &View, loaded: &Loaded) -> Vec<Facet> {
    let chosen = loaded.choice.view(view);
    let choice = |target: View, label: &str, is_current: bool| FacetChoice {
        url: target.url(name),
        name: label.to_owned(),
        is_current,
    };
    let mut facets = Vec::new();
    for (param, values) in loaded.choice.params() {
        let current = chosen.params.get(&param);
        let choices = values
            .iter()
            .map(|value| {
                let mut target = chosen.clone();
                target.params.insert(param.clone(), value.clone());
                choice(target, value, current == Some(value))
            })
            .collect();
        facets.push(Facet {
            name: param.clone(),
            choices,
        });
    }
    let machines = &loaded.choice.machines;
    facets.push(Facet {
        name: "environment".to_owned(),
        choices: machines
            .iter()
            .zip(machine_names(machines))
            .map(|(machine, name)| {
                let target = View {
                    environment: Some(machine.id),
                    ..chosen.clone()
                };
                choice(target, &name, machine.id == loaded.choice.machine.id)
            })
            .collect(),
    });
    facets.push(Facet {
        name: "branch".to_owned(),
        choices: [(false, "main"), (true, "all")]
            .into_iter()
            .map(|(all_branches, label)| {
                let target = View {
                    all_branches,
                    ..chosen.clone()
                };
                choice(target, label, view.all_branches == all_branches)
            })
            .collect(),
    });
    let mut ranges: Vec<FacetChoice> = RANGES
        .iter()
        .map(|(label, range)| {
            choice(
                View {
                    range: *range,
                    ..chosen.clone()
                },
                label,
                view.range == *range,
            )
        })
        .collect();
    if let Range::Between(..) = view.range {
        let label = format!(
            "{} to {}",
            text::iso_day(loaded.history.from),
            text::iso_day(loaded.history.to)
        );
        ranges.push(choice(chosen.clone(), &label, true));
    }
    facets.push(Facet {
        name: "range".to_owned(),
        choices: ranges,
    });
    facets.push(Facet {
        name: "x".to_owned(),
        choices: XS
            .iter()
            .map(|(label, x)| {
                choice(
                    View {
                        x: *x,
                        ..chosen.clone()
                    },
                    label,
                    view.x == *x,
                )
            })
            .collect(),
    });
    facets.push(Facet {
        name: "y".to_owned(),
        choices: YS
            .iter()
            .map(|(_, label, y)| {
                choice(
                    View {
                        y: *y,
                        ..chosen.clone()
                    },
                    label,
                    view.y == *y,
                )
            })
            .collect(),
    });
    facets
}

/// Such as `µs, lower is better · concurrency=100 cpu=8 · ci-a · main · 87 nights, 3 without a run`.
fn note(view: &View, loaded: &Loaded) -> String {
    let series = &loaded.choice.series;
    let history = &loaded.history;
    let mut parts = Vec::new();
    let better = match series.better {
        Direction::Lower => "lower is better",
        Direction::Higher => "higher is better",
    };
    parts.push(match loaded.scale.label {
        "" => better.to_owned(),
        unit => format!("{unit}, {better}"),
    });
    let params = series.params_text();
    if !params.is_empty() {
        parts.push(params);
    }
    parts.push(loaded.choice.machine.name.clone());
    parts.push(
        if view.all_branches {
            "all branches"
        } else {
            "main"
        }
        .to_owned(),
    );
    let nights = text::plural(history.points.len() as u64, "night", "nights");
    parts.push(match nights_without_a_run(&history.gaps) {
        0 => nights,
        missing => format!("{nights}, {missing} without a run"),
    });
    parts.join(" · ")
}

/// What was asked for and is not there.
fn aside(view: &View, loaded: &Loaded) -> String {
    let key = &loaded.choice.series.key;
    let mut missing: Vec<String> = Vec::new();
    if let Some(metric) = view.metric.as_ref().filter(|m| **m != key.metric) {
        missing.push(metric.clone());
    }
    for (name, value) in &view.params {
        if key.params.get(name) != Some(value) {
            missing.push(format!("{name}={value}"));
        }
    }
    if let Some(asked) = view.environment.filter(|e| *e != key.environment) {
        missing.push(format!("environment {asked}"));
    }
    if missing.is_empty() {
        return loaded.widened.unwrap_or_default().to_owned();
    }
    format!(
        "No series of this benchmark has {}; shown is the nearest one that exists.",
        missing.join(", ")
    )
}

fn multiples(name: &str, view: &View, loaded: &Loaded) -> Option<Multiples> {
    let (param, histories) = loaded.multiples.as_ref()?;
    let scale = loaded.scale;
    let plots: Vec<(TrendPlot, Option<f64>)> = histories
        .iter()
        .map(|(value, history)| {
            let own = value::scale(
                &history.series.key.unit,
                history.points.iter().map(|p| p.value),
            );
            let mut plot = TrendPlot::new(history, own, XScale::Date, YScale::Linear);
            plot.label = multiple_label(param, value, history);
            let centre = plot.nights.last().and_then(|n| n.baseline.or(n.value));
            (plot, centre.filter(|c| *c > 0.0))
        })
        .collect();
    let span = relative_span(plots.iter().map(|(plot, centre)| (plot, *centre)));
    let items = histories
        .iter()
        .zip(&plots)
        .map(|((value, history), (plot, centre))| {
            let mut target = loaded.choice.view(view);
            target.params.insert(param.clone(), value.clone());
            let newest: Option<&Point> = history.points.last();
            let range = centre.map(|c| (c * (1.0 + span.0), c * (1.0 + span.1)));
            Multiple {
                url: target.url(name),
                name: value.clone(),
                is_current: loaded.choice.series.key.params.get(param) == Some(value),
                value: newest.map_or_else(
                    || "no night yet".to_owned(),
                    |p| value::reading(&history.series.key.unit, p.value),
                ),
                change: newest
                    .and_then(|p| p.judgement.change)
                    .map_or_else(String::new, format_change),
                change_class: newest.map_or("", |p| quiet_class(&p.judgement)),
                svg: trend(plot, Size::Small, range),
            }
        })
        .collect();
    let mut note = loaded.choice.series.key.metric.clone();
    if !scale.label.is_empty() {
        note += " · same relative span everywhere, so slopes compare";
    }
    if loaded.history.to.0 - loaded.history.from.0 > MULTIPLES_DAYS * DAY_MS {
        note += " · the last year";
    }
    if loaded.multiples_left_out > 0 {
        note += &format!(" · {} more by the links above", loaded.multiples_left_out);
    }
    Some(Multiples {
        param: param.clone(),
        note,
        items,
    })
}

fn multiple_label(param: &str, value: &str, history: &History) -> String {
    let key = &history.series.key;
    match history.points.last() {
        Some(last) => format!(
            "{} at {param}={value}: {}{}",
            key.metric,
            value::reading(&key.unit, last.value),
            last.judgement.change.map_or_else(String::new, |c| format!(
                ", {} against its baseline",
                format_change(c)
            ))
        ),
        None => format!("{} at {param}={value}: no run in this range", key.metric),
    }
}

fn nights(loaded: &Loaded, now: Millis) -> Vec<NightRow> {
    let dash = || "–".to_owned();
    loaded
        .history
        .points
        .iter()
        .rev()
        .take(TABLE_NIGHTS)
        .map(|point| {
            let judged = &point.judgement;
            NightRow {
                day: text::day_near(point.time, now),
                url: links::run(point.run),
                commit: point
                    .of
                    .commit
                    .get(..7)
                    .unwrap_or(&point.of.commit)
                    .to_owned(),
                subject: point.of.subject.as_deref().unwrap_or_default().to_owned(),
                value: loaded.scale.number(point.value),
                baseline: judged
                    .baseline
                    .map_or_else(dash, |b| loaded.scale.number(b)),
                change: judged.change.map_or_else(dash, format_change),
                change_class: change_class(judged.band),
                verdict: VerdictView::new(judged.band, judged.evidence),
            }
        })
        .collect()
}

/// The command that measures this again as the newest run did.
fn reproduce(name: &str, newest: Option<&Run>, cpu: Option<&String>) -> String {
    let mut command = format!(
        "bench-runner run --bench {}",
        quoted(&format!("^{}$", escaped(name)))
    );
    if let Some(cpu) = cpu {
        command += &format!(" --cpu {}", quoted(cpu));
    }
    let option = |label: &str| {
        newest?
            .options
            .iter()
            .find(|o| o.0 == label)
            .map(|o| quoted(&o.1))
    };
    if option("Form").is_some_and(|form| form == "quick") {
        command += " --quick";
    }
    let mut more = Vec::new();
    for (label, flag) in [
        ("Count", "--count"),
        ("Benchtime", "--benchtime"),
        ("Warm-up", "--warmup"),
        ("Seed", "--seed"),
    ] {
        if let Some(value) = option(label) {
            more.push(format!("{flag} {value}"));
        }
    }
    if !more.is_empty() {
        command += &format!(" \\\n  {}", more.join(" "));
    }
    command
}

/// A regular expression's special letters, escaped.
fn escaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// A word of a shell command, quoted where it must be.
fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty()
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-,:/=%@+".contains(&b));
    if is_plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A text as its first sentence and the rest of it.
fn opened(text: &str) -> (String, String) {
    match text.split_once(". ") {
        Some((first, rest)) => (format!("{first}."), rest.to_owned()),
        None => (text.to_owned(), String::new()),
    }
}
