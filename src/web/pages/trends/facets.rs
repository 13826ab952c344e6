//! The rows of choices, each with how many series it would leave.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::state::{Branch, Facet, Machine, View};
use crate::domain::{Environment, Series};
use crate::text;
use crate::web::pages::benchmark::by_nature;
use crate::web::pages::benchmark::query::{RANGES, Range, XS, YS};
use crate::web::pages::machine_names;

/// A row with more choices is folded, unless something of it is chosen.
const MOST_OPEN: usize = 16;

/// So many branches beside the main one are offered by name, the newest first.
const MOST_BRANCHES: usize = 6;

/// A row of choices.
pub(super) struct FacetRow {
    pub(super) name: String,
    pub(super) choices: Vec<Choice>,
    /// The row has many choices, and none is made.
    pub(super) is_folded: bool,
}

/// One of them.
pub(super) struct Choice {
    pub(super) url: String,
    pub(super) name: String,
    pub(super) count: Option<usize>,
    pub(super) is_current: bool,
}

/// What the choices are made from.
pub(super) struct Inputs<'a> {
    pub(super) view: &'a View,
    pub(super) all: &'a [Arc<Series>],
    pub(super) environments: &'a [Environment],
    /// Branches of the chosen machines within the range, the newest first, and their runs.
    pub(super) branches: &'a [(String, usize)],
    pub(super) main_branch: &'a str,
}

/// All rows. A choice starts from the first page again.
pub(super) fn facets(inputs: &Inputs<'_>) -> Vec<FacetRow> {
    let Inputs { view, all, .. } = *inputs;
    let view = &View {
        page: 0,
        ..view.clone()
    };
    let mut rows = Vec::new();
    // Another benchmark has other params and metrics: these choices end with it.
    let of_benchmark = |benchmark: Option<String>| View {
        benchmark,
        metric: None,
        params: BTreeMap::new(),
        ..view.clone()
    };
    let counts = counted(view, all, Facet::Benchmark, |s| Some(&s.key.benchmark));
    let current = view.benchmark.as_deref();
    rows.extend(row("benchmark", &counts, current, of_benchmark));

    let of_metric = |metric| View {
        metric,
        ..view.clone()
    };
    let counts = counted(view, all, Facet::Metric, |s| Some(&s.key.metric));
    rows.extend(row("metric", &counts, view.metric.as_deref(), of_metric));

    let mut params: Vec<&String> = all
        .iter()
        .filter(|s| view.holds(s, None))
        .flat_map(|s| s.key.params.keys())
        .chain(view.params.keys())
        .collect();
    params.sort();
    params.dedup();
    for param in params {
        let of_param = |value: Option<String>| {
            let mut target = view.clone();
            match value {
                Some(value) => target.params.insert(param.clone(), value),
                None => target.params.remove(param),
            };
            target
        };
        let counts = counted(view, all, Facet::Param(param), |s| s.key.params.get(param));
        let current = view.params.get(param).map(String::as_str);
        rows.extend(row(param, &counts, current, of_param));
    }
    rows.extend(machines(view, inputs));
    rows.extend(branches(view, inputs));
    rows.push(ranges(view));
    let set = |name: &str, choices| FacetRow {
        name: name.to_owned(),
        choices,
        is_folded: false,
    };
    rows.push(set(
        "x",
        XS.iter()
            .map(|(name, x)| {
                plain(
                    name,
                    view.x == *x,
                    &View {
                        x: *x,
                        ..view.clone()
                    },
                )
            })
            .collect(),
    ));
    rows.push(set(
        "y",
        YS.iter()
            .map(|(_, name, y)| {
                plain(
                    name,
                    view.y == *y,
                    &View {
                        y: *y,
                        ..view.clone()
                    },
                )
            })
            .collect(),
    ));
    rows
}

/// The values of a choice, in natural order, with how many series each would leave.
fn counted<'s>(
    view: &View,
    all: &'s [Arc<Series>],
    but: Facet<'_>,
    value: impl Fn(&'s Series) -> Option<&'s String>,
) -> Vec<(&'s str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for series in all.iter().filter(|s| view.holds(s, Some(but))) {
        if let Some(value) = value(series) {
            *counts.entry(value).or_default() += 1;
        }
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| by_nature(a.0, b.0));
    counts
}

/// A row of values and `all`; none where there is nothing to choose.
fn row(
    name: &str,
    counts: &[(&str, usize)],
    current: Option<&str>,
    target: impl Fn(Option<String>) -> View,
) -> Option<FacetRow> {
    if counts.len() < 2 && current.is_none() {
        return None;
    }
    let mut choices = vec![plain("all", current.is_none(), &target(None))];
    choices.extend(counts.iter().map(|(value, count)| Choice {
        count: Some(*count),
        ..plain(
            value,
            current == Some(*value),
            &target(Some((*value).to_owned())),
        )
    }));
    Some(FacetRow {
        name: name.to_owned(),
        is_folded: choices.len() > MOST_OPEN && current.is_none(),
        choices,
    })
}

fn plain(name: &str, is_current: bool, target: &View) -> Choice {
    Choice {
        url: target.url(),
        name: name.to_owned(),
        count: None,
        is_current,
    }
}

fn machines(view: &View, inputs: &Inputs<'_>) -> Option<FacetRow> {
    let machines = inputs.environments;
    let mut choices = Vec::new();
    if machines.len() > 1 {
        let everywhere = View {
            machine: Machine::All,
            ..view.clone()
        };
        choices.push(plain("all", view.machine == Machine::All, &everywhere));
    }
    for (machine, name) in machines.iter().zip(machine_names(machines)) {
        let target = View {
            machine: Machine::One(machine.id),
            ..view.clone()
        };
        let held = inputs.all.iter().filter(|s| target.holds(s, None));
        let is_current = view.machine == target.machine;
        choices.push(Choice {
            count: Some(held.count()),
            ..plain(&name, is_current, &target)
        });
    }
    (!choices.is_empty()).then(|| FacetRow {
        name: "environment".to_owned(),
        is_folded: choices.len() > MOST_OPEN,
        choices,
    })
}

/// Branches with their runs: which series a branch has is known only by reading all of them.
fn branches(view: &View, inputs: &Inputs<'_>) -> Option<FacetRow> {
    let of = |branch| View {
        branch,
        ..view.clone()
    };
    let runs = |name: &str| {
        let found = inputs.branches.iter().find(|(branch, _)| branch == name);
        Some(found.map_or(0, |(_, runs)| *runs))
    };
    let main = Choice {
        count: runs(inputs.main_branch),
        ..plain(
            inputs.main_branch,
            view.branch == Branch::Main,
            &of(Branch::Main),
        )
    };
    let every = Choice {
        count: Some(inputs.branches.iter().map(|(_, runs)| runs).sum()),
        ..plain("all", view.branch == Branch::All, &of(Branch::All))
    };
    let mut choices = vec![every, main];
    let others = inputs.branches.iter().map(|(name, _)| name.as_str());
    let mut others: Vec<&str> = others
        .filter(|name| *name != inputs.main_branch)
        .take(MOST_BRANCHES)
        .collect();
    if let Branch::One(chosen) = &view.branch
        && !others.contains(&chosen.as_str())
    {
        others.push(chosen);
    }
    choices.extend(others.into_iter().map(|name| {
        let branch = Branch::One(name.to_owned());
        Choice {
            count: runs(name),
            ..plain(name, view.branch == branch, &of(branch.clone()))
        }
    }));
    (inputs.branches.len() > 1 || view.branch != Branch::Main).then(|| FacetRow {
        name: "branch (runs)".to_owned(),
        choices,
        is_folded: false,
    })
}

fn ranges(view: &View) -> FacetRow {
    let mut choices: Vec<Choice> = RANGES
        .iter()
        .map(|(name, range)| {
            let target = View {
                range: *range,
                ..view.clone()
            };
            plain(name, view.range == *range, &target)
        })
        .collect();
    if let Range::Between(from, to) = view.range {
        let from = if from.0 > 0 {
            text::iso_day(from)
        } else {
            "the first".to_owned()
        };
        let to = if to.0 < i64::MAX {
            text::iso_day(to)
        } else {
            "the last".to_owned()
        };
        choices.push(plain(&format!("{from} to {to}"), true, view));
    }
    FacetRow {
        name: "range".to_owned(),
        choices,
        is_folded: false,
    }
}
