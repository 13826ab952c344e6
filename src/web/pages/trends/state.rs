//! What the reader of the trends chose: all of it is in the URL.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::chart::{XScale, YScale};
use crate::domain::{EnvironmentId, Series};
use crate::web::WebError;
use crate::web::pages::benchmark::query::{Range, day, scales, x_scale, y_scale};
use crate::web::pages::links::encode;

/// More params than this on one series are refused at the upload.
const MOST_PARAMS: usize = 64;

/// What the reader chose. What is absent is chosen for them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct View {
    pub(super) benchmark: Option<String>,
    pub(super) metric: Option<String>,
    pub(super) params: BTreeMap<String, String>,
    pub(super) machine: Machine,
    pub(super) branch: Branch,
    pub(super) range: Range,
    pub(super) x: XScale,
    pub(super) y: YScale,
    /// All series in one chart, not each in its own.
    pub(super) overlay: bool,
    /// Which page of the series, from 0.
    pub(super) page: usize,
    /// Asks for the nights as the script reads them.
    pub(super) wants_points: bool,
}

/// Whose series.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Machine {
    /// The machine that is heard of most lately.
    #[default]
    Newest,
    /// That one.
    One(EnvironmentId),
    /// Every machine's.
    All,
}

/// Runs of which branch.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Branch {
    /// The main one.
    #[default]
    Main,
    /// Every branch.
    All,
    /// That one.
    One(String),
}

/// What a choice is about, to leave it out of the question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Facet<'a> {
    Benchmark,
    Metric,
    Machine,
    Param(&'a str),
}

impl View {
    /// Reads the query of a URL. Unknown names are passed over; a value that cannot be is an error
    /// that says what can.
    pub(super) fn read(pairs: &[(String, String)]) -> Result<Self, WebError> {
        let mut view = Self::default();
        let (mut from, mut to) = (None, None);
        // A form sends what is not filled in as nothing.
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "benchmark" => view.benchmark = Some(value.clone()),
                "metric" => view.metric = Some(value.clone()),
                "environment" if value == "all" => view.machine = Machine::All,
                "environment" => {
                    let id = value.parse().map_err(|_| {
                        WebError::bad_request(format!(
                            "environment={value:?} is no environment: give its number, or all"
                        ))
                    })?;
                    view.machine = Machine::One(EnvironmentId(id));
                }
                "branch" if value == "all" => view.branch = Branch::All,
                "branch" => view.branch = Branch::One(value.clone()),
                "range" => view.range = Range::read(value)?,
                "from" => from = Some(day("from", value)?),
                "to" => to = Some(day("to", value)?),
                "x" => view.x = x_scale(value)?,
                "y" => view.y = y_scale(value)?,
                "show" => view.overlay = value == "overlay",
                "page" => {
                    let page: usize = value.parse().map_err(|_| {
                        WebError::bad_request(format!("page={value:?} is no number from 1"))
                    })?;
                    view.page = page.saturating_sub(1);
                }
                "points" => view.wants_points = true,
                _ => {
                    if let Some(param) = name.strip_prefix("param.")
                        && view.params.len() < MOST_PARAMS
                    {
                        view.params.insert(param.to_owned(), value.clone());
                    }
                }
            }
        }
        if let Some(range) = Range::between(from, to)? {
            view.range = range;
        }
        Ok(view)
    }

    /// The pairs of this view's URL, without those of its range.
    fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: String| pairs.push((name.to_owned(), value));
        if let Some(benchmark) = &self.benchmark {
            add("benchmark", benchmark.clone());
        }
        if let Some(metric) = &self.metric {
            add("metric", metric.clone());
        }
        for (name, value) in &self.params {
            add(&format!("param.{name}"), value.clone());
        }
        match self.machine {
            Machine::Newest => {}
            Machine::One(id) => add("environment", id.to_string()),
            Machine::All => add("environment", "all".to_owned()),
        }
        match &self.branch {
            Branch::Main => {}
            Branch::All => add("branch", "all".to_owned()),
            Branch::One(name) => add("branch", name.clone()),
        }
        for (name, value) in scales(self.x, self.y) {
            add(name, value);
        }
        if self.overlay {
            add("show", "overlay".to_owned());
        }
        pairs
    }

    /// What a form that chooses the days must send along.
    pub(super) fn kept_by_a_form(&self) -> Vec<(String, String)> {
        self.pairs()
    }

    pub(super) fn url(&self) -> String {
        let mut pairs = self.pairs();
        let range = self.range.pairs().into_iter();
        pairs.extend(range.map(|(name, value)| (name.to_owned(), value)));
        if self.page > 0 {
            pairs.push(("page".to_owned(), (self.page + 1).to_string()));
        }
        if self.wants_points {
            pairs.push(("points".to_owned(), "1".to_owned()));
        }
        let mut url = "/trends".to_owned();
        for (i, (name, value)) in pairs.iter().enumerate() {
            let mark = if i == 0 { '?' } else { '&' };
            let _ = write!(url, "{mark}{}={}", encode(name), encode(value));
        }
        url
    }

    /// Whether a series is among what was chosen, leaving one choice out of the question.
    pub(super) fn holds(&self, series: &Series, but: Option<Facet<'_>>) -> bool {
        let key = &series.key;
        let asks = |facet| but != Some(facet);
        let is_of_machine = match self.machine {
            Machine::One(id) => key.environment == id,
            Machine::Newest | Machine::All => true,
        };
        let agrees = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|w| w == is);
        (!asks(Facet::Machine) || is_of_machine)
            && (!asks(Facet::Benchmark) || agrees(&self.benchmark, &key.benchmark))
            && (!asks(Facet::Metric) || agrees(&self.metric, &key.metric))
            && self.params.iter().all(|(name, value)| {
                !asks(Facet::Param(name)) || key.params.get(name) == Some(value)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> View {
        let pairs: Vec<(String, String)> = query
            .split('&')
            .filter_map(|p| p.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        View::read(&pairs).expect("it reads")
    }

    #[test]
    fn the_whole_view_survives_its_url() {
        let query = "benchmark=a&metric=p99&param.cpu=8&environment=3&branch=topic&x=commit&y=log\
                     &show=overlay&from=2026-01-02&to=2026-03-04&page=2&points=1";
        assert_eq!(read(query).url(), format!("/trends?{query}"));
        assert_eq!(
            read("environment=all&branch=all").url(),
            "/trends?environment=all&branch=all"
        );
    }

    #[test]
    fn an_empty_field_of_a_form_chooses_nothing() {
        assert_eq!(read("from=&to=&benchmark="), View::default());
        assert_eq!(View::default().url(), "/trends");
    }
}
