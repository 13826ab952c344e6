//! Which rows of a comparison are shown: all of it is in the URL.

use std::fmt::Write as _;

use bench_report::metric::Kind;
use bench_verdict::verdict::Band;

use crate::analysis::compare::sections::Section;
use crate::analysis::compare::{Row, RowSeries};
use crate::domain::SeriesId;
use crate::web::WebError;
use crate::web::pages::links::encode;

/// Which rows, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Show {
    /// Every row.
    All,
    /// All but what did not change.
    #[default]
    Changed,
    /// Worse, surely or likely.
    Slower,
    /// Better, surely or likely.
    Faster,
    /// What could not be decided.
    Inconclusive,
    /// What has no row.
    Missing,
}

impl Show {
    pub(super) const ALL: [(Show, &'static str, &'static str); 6] = [
        (Show::All, "all", "all"),
        (Show::Changed, "changed", "changed or unclear"),
        (Show::Slower, "slower", "slower"),
        (Show::Faster, "faster", "faster"),
        (Show::Inconclusive, "inconclusive", "inconclusive"),
        (Show::Missing, "missing", "missing"),
    ];

    pub(super) fn takes(self, row: &Row) -> bool {
        let section = Section::of(row);
        let moved = matches!(
            section,
            Section::Counts | Section::Slower | Section::SlowerLikely | Section::Faster
        );
        match self {
            Show::All => true,
            Show::Changed => section.is_news(),
            Show::Slower => moved && row.change.is_none_or(|change| change > 0.0),
            Show::Faster => moved && row.change.is_some_and(|change| change < 0.0),
            Show::Inconclusive => section == Section::Inconclusive,
            Show::Missing => false,
        }
    }
}

/// Which row is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Open {
    /// The first that is surely slower.
    #[default]
    Worst,
    /// None.
    None,
    /// This one.
    Series(SeriesId),
}

/// The state of the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct View {
    pub(super) show: Show,
    pub(super) kind: Option<Kind>,
    pub(super) benchmark: Option<String>,
    pub(super) metric: Option<String>,
    pub(super) band: Option<Band>,
    pub(super) open: Open,
    /// Pages of rows, from 1; 0: all of them on one, with what changed opened.
    pub(super) page: usize,
    /// Which push of a pull request, by number; the last one where none is given.
    pub(super) push: Option<usize>,
}

impl View {
    pub(super) fn read(pairs: &[(String, String)]) -> Result<View, WebError> {
        let mut view = View {
            page: 1,
            ..View::default()
        };
        for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            let refuse = |choices: &str| {
                WebError::bad_request(format!("{key} is {value:?}: give one of {choices}"))
            };
            match key.as_str() {
                "show" => {
                    view.show = Show::ALL
                        .iter()
                        .find(|(_, word, _)| word == value)
                        .map(|(show, _, _)| *show)
                        .ok_or_else(|| {
                            refuse("all, changed, slower, faster, inconclusive, missing")
                        })?;
                }
                "kind" => {
                    view.kind =
                        Some(word(value).ok_or_else(|| refuse("time, rate, count, bytes, ratio"))?);
                }
                "band" => {
                    view.band = Some(
                        word(value)
                            .ok_or_else(|| refuse("critical, warning, info, none, improved"))?,
                    );
                }
                "benchmark" => view.benchmark = Some(value.clone()),
                "metric" => view.metric = Some(value.clone()),
                "open" if value == "none" => view.open = Open::None,
                "open" => {
                    let id = value
                        .parse()
                        .map_err(|_| refuse("none, or a series' number"))?;
                    view.open = Open::Series(SeriesId(id));
                }
                "page" if value == "all" => view.page = 0,
                "page" => {
                    view.page = value
                        .parse()
                        .ok()
                        .filter(|page| (1..=1000).contains(page))
                        .ok_or_else(|| refuse("1 to 1000"))?;
                }
                "push" => {
                    view.push = Some(value.parse().map_err(|_| refuse("the number of a push"))?);
                }
                _ => {}
            }
        }
        Ok(view)
    }

    /// Whether a row is of the kind, benchmark, metric and band that are asked for.
    pub(super) fn is_of(&self, row: &Row, series: &RowSeries) -> bool {
        self.kind.is_none_or(|kind| kind == series.head.kind)
            && self.band.is_none_or(|band| band == row.band)
            && self
                .benchmark
                .as_ref()
                .is_none_or(|name| *name == row.benchmark)
            && self.metric.as_ref().is_none_or(|name| *name == row.metric)
    }

    /// Whether a benchmark, a metric or a band is asked for.
    pub(super) fn is_narrowed(&self) -> bool {
        self.band.is_some() || self.benchmark.is_some() || self.metric.is_some()
    }

    /// The URL of this state of the page at `path`.
    pub(super) fn url(&self, path: &str) -> String {
        let mut url = path.to_owned();
        let mut sign = '?';
        let mut put = |key: &str, value: &str| {
            let _ = write!(url, "{sign}{key}={}", encode(value));
            sign = '&';
        };
        if let Some(push) = self.push {
            put("push", &push.to_string());
        }
        if self.show != Show::default() {
            let word = Show::ALL.iter().find(|(show, _, _)| *show == self.show);
            put("show", word.map_or("", |(_, word, _)| word));
        }
        if let Some(kind) = self.kind {
            put("kind", kind_word(kind));
        }
        if let Some(band) = self.band {
            put("band", band.word());
        }
        if let Some(benchmark) = &self.benchmark {
            put("benchmark", benchmark);
        }
        if let Some(metric) = &self.metric {
            put("metric", metric);
        }
        match self.page {
            0 => put("page", "all"),
            1 => {}
            page => put("page", &page.to_string()),
        }
        match self.open {
            Open::Worst => {}
            Open::None => put("open", "none"),
            Open::Series(id) => put("open", &id.to_string()),
        }
        url
    }
}

/// A value by the word that JSON has for it.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::from(text)).ok()
}

/// The word of a kind.
pub(super) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Time => "time",
        Kind::Rate => "rate",
        Kind::Count => "count",
        Kind::Bytes => "bytes",
        Kind::Ratio => "ratio",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_of_the_page_comes_back_from_its_url() {
        let view = View {
            show: Show::Slower,
            kind: Some(Kind::Time),
            benchmark: Some("a/b c".to_owned()),
            metric: Some("p99".to_owned()),
            band: Some(Band::Critical),
            open: Open::Series(SeriesId(7)),
            page: 3,
            push: Some(2),
        };
        let url = view.url("/compare/1...2");
        assert_eq!(
            url,
            "/compare/1...2?push=2&show=slower&kind=time&band=critical&benchmark=a%2Fb%20c\
             &metric=p99&page=3&open=7"
        );
        let pairs = [
            ("push", "2"),
            ("show", "slower"),
            ("kind", "time"),
            ("band", "critical"),
            ("benchmark", "a/b c"),
            ("metric", "p99"),
            ("page", "3"),
            ("open", "7"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(View::read(&pairs).ok(), Some(view));
        let bad = [("show".to_owned(), "nothing".to_owned())];
        assert!(View::read(&bad).is_err());
    }
}
