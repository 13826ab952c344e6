//! Which series a view means, and which stand beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bench_report::metric::Kind;

use super::query::View;
use super::{by_nature, environments_of};
use crate::chart::curve::LEAST_PLACES;
use crate::domain::time::DAY_MS;
use crate::domain::{Environment, EnvironmentId, Series, SeriesId};
use crate::web::pages::environment_or_unknown;

/// The series of a page, and those beside it.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// The one that is drawn large.
    pub(super) series: Arc<Series>,
    /// Its machine.
    pub(super) machine: Environment,
    /// All series of the benchmark, of all machines.
    pub(super) all: Vec<Arc<Series>>,
    /// The machines that measured the benchmark.
    pub(super) machines: Vec<Environment>,
}

/// Values of a param, in natural order, each with its series.
pub(super) type Along = Vec<(String, Arc<Series>)>;

/// The machine a view means: the one asked for, else the one heard on the last day, real before
/// sample, with the longest history.
pub(super) fn environment_of(
    view: &View,
    all: &[Arc<Series>],
    environments: &[Environment],
) -> Option<EnvironmentId> {
    let asked = view.environment;
    if let Some(asked) = asked.filter(|id| all.iter().any(|s| s.key.environment == *id)) {
        return Some(asked);
    }
    environments_of(all, environments)
        .max_by_key(|e| {
            (
                !e.is_sample,
                e.last_seen.0 / DAY_MS,
                std::cmp::Reverse(e.first_seen),
            )
        })
        .map(|e| e.id)
        .or_else(|| all.first().map(|s| s.key.environment))
}

impl Choice {
    /// `None` where the benchmark has no series. `worst` decides what the view leaves open; else the
    /// first metric does, with the highest value of each param.
    pub(super) fn make(
        view: &View,
        all: &[Arc<Series>],
        environments: &[Environment],
        worst: Option<SeriesId>,
    ) -> Option<Self> {
        let environment = environment_of(view, all, environments)?;
        let here: Vec<&Arc<Series>> = all
            .iter()
            .filter(|s| s.key.environment == environment)
            .collect();
        let wanted = worst.and_then(|id| here.iter().find(|s| s.id == id));
        let metric = view
            .metric
            .as_ref()
            .filter(|m| here.iter().any(|s| s.key.metric == **m))
            .or_else(|| wanted.map(|s| &s.key.metric))
            .or_else(|| {
                let first = here.iter().min_by_key(|s| place(s));
                first.map(|s| &s.key.metric)
            })?;
        // The series that agrees with most of what was asked; then the worst, then the largest.
        let agrees = |s: &Series| {
            let asked = view.params.iter();
            asked
                .filter(|(k, v)| s.key.params.get(*k) == Some(*v))
                .count()
        };
        let series = here
            .iter()
            .filter(|s| s.key.metric == *metric)
            .max_by(|a, b| {
                (agrees(a), worst == Some(a.id))
                    .cmp(&(agrees(b), worst == Some(b.id)))
                    .then_with(|| by_params(a, b))
            })
            .map(|s| Arc::clone(s))?;
        Some(Self {
            machine: environment_or_unknown(environments, environment),
            series,
            machines: environments_of(all, environments).cloned().collect(),
            all: all.to_vec(),
        })
    }

    /// The view with all that was chosen written out.
    pub(super) fn view(&self, view: &View) -> View {
        View {
            metric: Some(self.series.key.metric.clone()),
            params: self.series.key.params.clone(),
            environment: Some(self.series.key.environment),
            wants_points: false,
            ..view.clone()
        }
    }

    /// The machine as the store describes it.
    pub(super) fn environment(&self, environments: &[Environment]) -> Environment {
        environment_or_unknown(environments, self.series.key.environment)
    }

    /// The same series on machines of the same name that were heard last before this one was first:
    /// the machine before it was replaced or set up anew.
    pub(super) fn earlier_machines(
        &self,
        environments: &[Environment],
    ) -> Vec<(Environment, SeriesId)> {
        let key = &self.series.key;
        self.all
            .iter()
            .filter(|s| {
                let other = &s.key;
                other.environment != key.environment
                    && (&other.suite, &other.metric, &other.params, &other.unit)
                        == (&key.suite, &key.metric, &key.params, &key.unit)
            })
            .filter_map(|s| {
                let machine = environments.iter().find(|e| e.id == s.key.environment)?;
                let is_earlier = machine.name == self.machine.name
                    && machine.is_sample == self.machine.is_sample
                    && machine.last_seen <= self.machine.first_seen;
                is_earlier.then(|| (machine.clone(), s.id))
            })
            .collect()
    }

    /// The metrics of this machine, those that a reader looks for first, each with its series at the
    /// chosen params, or else at the params nearest to them.
    pub(super) fn metrics(&self) -> Vec<Arc<Series>> {
        let mut best: Vec<(&str, Arc<Series>)> = Vec::new();
        for series in self.here() {
            let near = |s: &Series| {
                let chosen = self.series.key.params.iter();
                chosen
                    .filter(|(k, v)| s.key.params.get(*k) == Some(*v))
                    .count()
            };
            match best
                .iter_mut()
                .find(|(metric, _)| *metric == series.key.metric)
            {
                Some(entry) if near(series) > near(&entry.1) => entry.1 = Arc::clone(series),
                Some(_) => {}
                None => best.push((&series.key.metric, Arc::clone(series))),
            }
        }
        best.sort_by_key(|(_, series)| place(series));
        best.into_iter().map(|(_, series)| series).collect()
    }

    /// Every param of the chosen metric with its values, in natural order.
    pub(super) fn params(&self) -> BTreeMap<String, Vec<String>> {
        let mut params: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for series in self
            .here()
            .filter(|s| s.key.metric == self.series.key.metric)
        {
            for (name, value) in &series.key.params {
                let values = params.entry(name.clone()).or_default();
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
        }
        for values in params.values_mut() {
            values.sort_by(|a, b| by_nature(a, b));
        }
        params
    }

    /// The series over the values of one param, the others as chosen.
    pub(super) fn along(&self, param: &str) -> Along {
        let key = &self.series.key;
        let mut along: Along = self
            .here()
            .filter(|s| s.key.metric == key.metric && s.key.unit == key.unit)
            .filter_map(|s| {
                let value = s.key.params.get(param)?;
                let others_agree = s.key.params.len() == key.params.len()
                    && s.key
                        .params
                        .iter()
                        .all(|(k, v)| k == param || key.params.get(k) == Some(v));
                others_agree.then(|| (value.clone(), Arc::clone(s)))
            })
            .collect();
        along.sort_by(|a, b| by_nature(&a.0, &b.0));
        along
    }

    /// The param with the most values beside the chosen one, if it has two at least.
    pub(super) fn widest_param(&self) -> Option<(String, Along)> {
        self.series
            .key
            .params
            .keys()
            .map(|param| (param.clone(), self.along(param)))
            .filter(|(_, values)| values.len() >= 2)
            // Of equals, the first by name.
            .rev()
            .max_by_key(|(_, values)| values.len())
    }

    /// The params with three numeric values or more, each with its series; the longest first.
    pub(super) fn numeric_params(&self) -> Vec<(String, Along)> {
        let is_numeric = |text: &String| text.parse::<f64>().is_ok_and(f64::is_finite);
        let mut params: Vec<(String, Along)> = self
            .series
            .key
            .params
            .keys()
            .map(|param| {
                let mut along = self.along(param);
                along.retain(|(value, _)| is_numeric(value));
                (param.clone(), along)
            })
            .filter(|(_, along)| along.len() >= LEAST_PLACES)
            .collect();
        params.sort_by_key(|(_, along)| std::cmp::Reverse(along.len()));
        params
    }

    /// The series whose last nights the page tells: the metrics, and those along the widest param.
    pub(super) fn companions(&self) -> Vec<Arc<Series>> {
        let mut companions = self.metrics();
        if let Some((_, along)) = self.widest_param() {
            companions.extend(along.into_iter().map(|(_, s)| s));
        }
        companions.sort_by_key(|s| s.id);
        companions.dedup_by_key(|s| s.id);
        companions
    }

    fn here(&self) -> impl Iterator<Item = &Arc<Series>> {
        let environment = self.series.key.environment;
        self.all
            .iter()
            .filter(move |s| s.key.environment == environment)
    }
}

/// Where a metric stands among those of its benchmark: what has a target first, then what is felt
/// (times, rates), what is paid (bytes), and last what explains them.
fn place(series: &Series) -> (bool, u8) {
    let kind = match series.kind {
        Kind::Time => 0,
        Kind::Rate => 1,
        Kind::Bytes => 2,
        Kind::Ratio => 3,
        Kind::Count => 4,
    };
    (series.target.is_none(), kind)
}

fn by_params(a: &Series, b: &Series) -> std::cmp::Ordering {
    let pairs = a.key.params.iter().zip(&b.key.params);
    let mut orders = pairs.map(|((ka, va), (kb, vb))| ka.cmp(kb).then_with(|| by_nature(va, vb)));
    orders
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.key.params.len().cmp(&b.key.params.len()))
}
