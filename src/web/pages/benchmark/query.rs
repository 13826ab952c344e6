//! The state of a benchmark's page: all of it is in the URL.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::chart::{XScale, YScale};
use crate::domain::time::DAY_MS;
use crate::domain::{EnvironmentId, Millis, RunId};
use crate::text;
use crate::web::WebError;
use crate::web::pages::links::{self, encode};

/// What the reader chose. What is absent is chosen for them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// Which metric.
    pub metric: Option<String>,
    /// Which value of each param.
    pub params: BTreeMap<String, String>,
    /// Which machine.
    pub environment: Option<EnvironmentId>,
    /// Runs of all branches; else the main branch's only.
    pub all_branches: bool,
    /// Which time.
    pub range: Range,
    /// How x counts.
    pub x: XScale,
    /// How y counts.
    pub y: YScale,
    /// The night whose curves and distribution are shown; else the newest.
    pub run: Option<RunId>,
    /// The night it is shown against; else one of the week before.
    pub against: Option<RunId>,
    /// How a distribution is shown.
    pub dist: Dist,
    /// Asks for the points of the chart as JSON instead of the page.
    pub wants_points: bool,
}

/// How a distribution is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dist {
    /// Values over percentiles, up to 99.99.
    #[default]
    Percentiles,
    /// How many values lie where.
    Histogram,
    /// How many values are at most so large.
    Cumulative,
}

/// How a distribution may be shown: in the URL, on the page.
pub const DISTS: [(&str, &str, Dist); 3] = [
    ("percentiles", "Percentiles", Dist::Percentiles),
    ("histogram", "Histogram", Dist::Histogram),
    ("ecdf", "ECDF", Dist::Cumulative),
];

/// Which time a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// So many days up to the present.
    Days(i64),
    /// All there is.
    All,
    /// From the first instant of a day to the last of another.
    Between(Millis, Millis),
}

impl Default for Range {
    fn default() -> Self {
        Self::Days(90)
    }
}

/// The ranges that a page offers.
pub const RANGES: [(&str, Range); 5] = [
    ("7d", Range::Days(7)),
    ("30d", Range::Days(30)),
    ("90d", Range::Days(90)),
    ("1y", Range::Days(365)),
    ("all", Range::All),
];

/// How x may count.
pub const XS: [(&str, XScale); 3] = [
    ("commit", XScale::Commit),
    ("date", XScale::Date),
    ("evenly", XScale::Evenly),
];

/// How y may count: in the URL, on the page.
pub const YS: [(&str, &str, YScale); 4] = [
    ("linear", "linear", YScale::Linear),
    ("log", "log", YScale::Log),
    ("first", "% of first", YScale::OfFirst),
    ("baseline", "% of baseline", YScale::OfBaseline),
];

/// More params than this on one series are refused at the upload.
const MOST_PARAMS: usize = 64;

impl View {
    /// Reads the query of a URL. Unknown names are passed over; a value that cannot be is an error
    /// that says what can.
    pub fn read(pairs: &[(String, String)]) -> Result<Self, WebError> {
        let mut view = Self::default();
        let (mut from, mut to) = (None, None);
        for (name, value) in pairs {
            match name.as_str() {
                "metric" => view.metric = Some(value.clone()),
                "environment" => {
                    let id = value.parse().map_err(|_| {
                        WebError::bad_request(format!(
                            "environment={value:?} is no environment: give its number"
                        ))
                    })?;
                    view.environment = Some(EnvironmentId(id));
                }
                "branch" => view.all_branches = value == "all",
                "range" => view.range = Range::read(value)?,
                "x" => view.x = x_scale(value)?,
                "y" => view.y = y_scale(value)?,
                "from" => from = Some(day("from", value)?),
                "to" => to = Some(day("to", value)?),
                "run" => view.run = Some(run("run", value)?),
                "against" => view.against = Some(run("against", value)?),
                "dist" => {
                    view.dist = known("dist", value, DISTS.iter().map(|(k, _, d)| (*k, *d)))?;
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

    /// The URL of this view of a benchmark.
    pub fn url(&self, benchmark: &str) -> String {
        let mut url = links::benchmark(benchmark);
        for (i, (name, value)) in self.pairs().iter().enumerate() {
            let mark = if i == 0 { '?' } else { '&' };
            let _ = write!(url, "{mark}{}={}", encode(name), encode(value));
        }
        url
    }

    /// The names and values of the URL's query.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: String| pairs.push((name.to_owned(), value));
        if let Some(metric) = &self.metric {
            add("metric", metric.clone());
        }
        for (name, value) in &self.params {
            add(&format!("param.{name}"), value.clone());
        }
        if let Some(environment) = self.environment {
            add("environment", environment.to_string());
        }
        if self.all_branches {
            add("branch", "all".to_owned());
        }
        let axes = scales(self.x, self.y);
        for (name, value) in self.range.pairs().into_iter().chain(axes) {
            add(name, value);
        }
        if let Some(run) = self.run {
            add("run", run.to_string());
        }
        if let Some(against) = self.against {
            add("against", against.to_string());
        }
        if self.dist != Dist::default()
            && let Some((name, ..)) = DISTS.iter().find(|(.., d)| *d == self.dist)
        {
            add("dist", (*name).to_owned());
        }
        if self.wants_points {
            add("points", "1".to_owned());
        }
        pairs
    }

    /// First and last instant to ask the store for.
    pub fn span(&self, now: Millis) -> (Millis, Millis) {
        self.range.span(now)
    }
}

impl Range {
    /// The range that `range=` names.
    pub fn read(value: &str) -> Result<Self, WebError> {
        known("range", value, RANGES.iter().copied())
    }

    /// The range between the days that `from=` and `to=` name, of which one may be absent.
    pub fn between(from: Option<Millis>, to: Option<Millis>) -> Result<Option<Self>, WebError> {
        if from.is_none() && to.is_none() {
            return Ok(None);
        }
        let from = from.unwrap_or(Millis(0));
        let to = to.map_or(Millis(i64::MAX), |t| Millis(t.0 + DAY_MS - 1));
        if from > to {
            return Err(WebError::bad_request(
                "from is later than to: give them in the order of time",
            ));
        }
        Ok(Some(Self::Between(from, to)))
    }

    /// As the pairs of a URL; none for the usual one.
    pub fn pairs(self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        match self {
            Self::Between(from, to) => {
                if from.0 > 0 {
                    pairs.push(("from", text::iso_day(from)));
                }
                if to.0 < i64::MAX {
                    pairs.push(("to", text::iso_day(to)));
                }
            }
            range if range == Self::default() => {}
            range => {
                let named = RANGES.iter().find(|(_, r)| *r == range);
                pairs.extend(named.map(|(name, _)| ("range", (*name).to_owned())));
            }
        }
        pairs
    }

    /// First and last instant to ask the store for.
    pub fn span(self, now: Millis) -> (Millis, Millis) {
        match self {
            Self::Days(days) => (now.minus_days(days), now),
            Self::All => (Millis(0), now),
            Self::Between(from, to) => (from, to.min(now)),
        }
    }
}

/// How both axes count, as the pairs of a URL; none for what is usual.
pub(in crate::web) fn scales(x: XScale, y: YScale) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    if let Some((name, _)) = XS.iter().find(|(_, s)| *s == x && x != XScale::default()) {
        pairs.push(("x", (*name).to_owned()));
    }
    if let Some((name, ..)) = YS.iter().find(|(.., s)| *s == y && y != YScale::default()) {
        pairs.push(("y", (*name).to_owned()));
    }
    pairs
}

/// How x counts, by its name in a URL.
pub(in crate::web) fn x_scale(value: &str) -> Result<XScale, WebError> {
    known("x", value, XS.iter().copied())
}

/// How y counts, by its name in a URL.
pub(in crate::web) fn y_scale(value: &str) -> Result<YScale, WebError> {
    known("y", value, YS.iter().map(|(k, _, y)| (*k, *y)))
}

fn run(name: &str, value: &str) -> Result<RunId, WebError> {
    let number = value.parse().map(RunId);
    number
        .map_err(|_| WebError::bad_request(format!("{name}={value:?} is no run: give its number")))
}

fn known<T: Copy>(
    name: &str,
    value: &str,
    mut choices: impl Iterator<Item = (&'static str, T)> + Clone,
) -> Result<T, WebError> {
    let all: Vec<&str> = choices.clone().map(|(key, _)| key).collect();
    choices
        .find(|(key, _)| *key == value)
        .map(|(_, chosen)| chosen)
        .ok_or_else(|| {
            WebError::bad_request(format!(
                "{name}={value:?} is not known: give one of {}",
                all.join(", ")
            ))
        })
}

/// The first instant of the day that a URL names.
pub(in crate::web) fn day(name: &str, value: &str) -> Result<Millis, WebError> {
    text::parse_iso_day(value).ok_or_else(|| {
        WebError::bad_request(format!(
            "{name}={value:?} is no day: write it as 2026-11-24"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<View, String> {
        let pairs: Vec<(String, String)> = query
            .split('&')
            .filter_map(|p| p.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        View::read(&pairs).map_err(|e| e.to_string())
    }

    #[test]
    fn a_view_survives_its_url() {
        let query = "metric=p99&param.cpu=8&environment=3&branch=all&from=2026-01-02&to=2026-03-04&x=evenly&y=log&run=7&against=3&dist=ecdf";
        let view = read(query).expect("it reads");
        assert_eq!(view.url("b"), format!("/benchmarks/b?{query}"));
    }

    #[test]
    fn the_usual_view_has_a_short_url() {
        assert_eq!(View::default().url("a/b"), "/benchmarks/a%2Fb");
        assert_eq!(
            read("range=90d&x=date&y=linear").expect("it reads"),
            View::default()
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        assert_eq!(
            read("range=2w").expect_err("unknown"),
            "range=\"2w\" is not known: give one of 7d, 30d, 90d, 1y, all"
        );
        assert_eq!(
            read("from=yesterday").expect_err("no day"),
            "from=\"yesterday\" is no day: write it as 2026-11-24"
        );
        assert!(read("from=2026-02-01&to=2026-01-01").is_err());
        assert!(read("environment=x").is_err());
    }
}
