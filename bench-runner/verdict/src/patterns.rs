//! Rules per pattern: how strict the gate is with the series that a pattern names. Of several that
//! name a series, each value is that of the last one that gives it.

use std::collections::BTreeMap;

use bench_report::metric::Params;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::band::Band;
use crate::gate::strictness::{FailOn, GateOptions};

/// So many patterns at most.
pub const MOST: usize = 200;

/// A text of a pattern has so many bytes at most.
pub const TEXT_BYTES: usize = 500;

/// Patterns, in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Patterns(pub Vec<Pattern>);

/// Names series by globs (`*`: anything, `?`: one letter), and says what holds for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// Glob of the benchmark.
    #[serde(default = "anything")]
    pub benchmark: String,
    /// Glob of the metric.
    #[serde(default = "anything")]
    pub metric: String,
    /// Globs of params that a series must have; others are free.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Glob of the environment's name.
    #[serde(default = "anything")]
    pub environment: String,
    /// A change must exceed it, as a fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// A change's band must reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_on: Option<FailOn>,
    /// A change of less than this, in the metric's unit, does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_effect: Option<f64>,
    /// The gate looks away: shown, and never a reason. `false` takes back an earlier `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<bool>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

fn anything() -> String {
    "*".to_owned()
}

/// The series that a pattern may name.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Its benchmark.
    pub benchmark: &'a str,
    /// Its metric.
    pub metric: &'a str,
    /// Its params.
    pub params: &'a Params,
    /// Its environment's name.
    pub environment: &'a str,
}

/// What holds for a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// How strict the gate is with it.
    pub options: GateOptions,
    /// A change of less than this, in the metric's unit, does not count.
    pub min_effect: Option<f64>,
    /// The gate looks away.
    pub is_ignored: bool,
    /// The places of the patterns that name it, in their order.
    pub by: Vec<usize>,
}

/// Why patterns cannot be taken.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PatternError {
    /// There are too many.
    #[error("there are {0} rules and the limit is {MOST}: give globs that name more series")]
    TooMany(usize),
    /// One of them is wrong.
    #[error("rule {}: {problem}", .at + 1)]
    Wrong {
        /// Its place.
        at: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl Patterns {
    /// Says what is wrong with them, if anything.
    pub fn check(&self) -> Result<(), PatternError> {
        if self.0.len() > MOST {
            return Err(PatternError::TooMany(self.0.len()));
        }
        for (at, pattern) in self.0.iter().enumerate() {
            if let Some(problem) = pattern.problem() {
                return Err(PatternError::Wrong { at, problem });
            }
        }
        Ok(())
    }

    /// What holds for a series where the gate's own options are `options`.
    pub fn effective(&self, series: Named<'_>, options: &GateOptions) -> Effective {
        let mut effective = Effective {
            options: *options,
            min_effect: None,
            is_ignored: false,
            by: Vec::new(),
        };
        let naming = self.0.iter().enumerate().filter(|(_, p)| p.names(series));
        for (at, pattern) in naming {
            effective.by.push(at);
            let options = &mut effective.options;
            options.threshold = pattern.threshold.unwrap_or(options.threshold);
            options.fail_on = pattern.fail_on.unwrap_or(options.fail_on);
            effective.min_effect = pattern.min_effect.or(effective.min_effect);
            effective.is_ignored = pattern.ignored.unwrap_or(effective.is_ignored);
        }
        effective
    }
}

impl Pattern {
    /// Whether it names a series.
    pub fn names(&self, series: Named<'_>) -> bool {
        let has = |(key, glob): (&String, &String)| {
            let value = series.params.get(key);
            value.is_some_and(|value| matches(glob, value))
        };
        matches(&self.benchmark, series.benchmark)
            && matches(&self.metric, series.metric)
            && matches(&self.environment, series.environment)
            && self.params.iter().all(has)
    }

    fn problem(&self) -> Option<String> {
        let params = self.params.iter().flat_map(|(key, glob)| [key, glob]);
        let texts = [&self.benchmark, &self.metric, &self.environment];
        if texts.into_iter().chain(params).any(String::is_empty) {
            return Some("a glob is empty: give * for anything".to_owned());
        }
        let params = self.params.iter().flat_map(|(key, glob)| [key, glob]);
        let longest = texts.into_iter().chain(params).chain([&self.note]);
        let longest = longest.map(String::len).max().unwrap_or_default();
        if longest > TEXT_BYTES {
            return Some(format!(
                "a text has {longest} bytes and the limit is {TEXT_BYTES}"
            ));
        }
        if let Some(threshold) = self.threshold
            && !(0.0..=10.0).contains(&threshold)
        {
            return Some(format!(
                "the threshold is {threshold}: give a fraction from 0 to 10, 0.1 is 10%"
            ));
        }
        if let Some(effect) = self.min_effect
            && !(effect.is_finite() && effect >= 0.0)
        {
            return Some(format!(
                "the least effect is {effect}: give an amount in the metric's unit, 0 or more"
            ));
        }
        let says = self.threshold.is_some()
            || self.fail_on.is_some()
            || self.min_effect.is_some()
            || self.ignored.is_some();
        (!says).then(|| {
            "it says nothing: give a threshold, a band, a least effect, or ignore the series"
                .to_owned()
        })
    }
}

impl Effective {
    /// Whether a change counts as "above": [`GateOptions::is_above`], and not of less than the
    /// least effect.
    pub fn is_above(&self, change: &Change) -> bool {
        let effect = change
            .baseline
            .map(|baseline| (change.value - baseline).abs());
        let is_small = self
            .min_effect
            .zip(effect)
            .is_some_and(|(least, effect)| effect < least);
        !self.is_ignored && !is_small && self.options.is_above(change.band, change.change)
    }

    /// The same of a change against another level than the baseline, whose size alone is known.
    pub fn is_size_above(&self, change: f64, level: Option<f64>) -> bool {
        let least = self.min_effect.zip(level);
        let is_small = least.is_some_and(|(least, level)| (change * level).abs() < least);
        let band = Band::of(change);
        !self.is_ignored && !is_small && self.options.is_above(band, Some(change))
    }
}

/// A change, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Tonight's value.
    pub value: f64,
    /// What it is compared with.
    pub baseline: Option<f64>,
    /// As a fraction, positive being worse.
    pub change: Option<f64>,
    /// Its band.
    pub band: Band,
}

/// Whether the whole of `text` matches a glob of `*` (anything, nothing too) and `?` (one letter).
pub fn matches(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut g, mut t) = (0, 0);
    // Where the last star stands, and what it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[t] => {
                g += 1;
                t += 1;
            }
            _ => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    (g, t) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(json: &str) -> Pattern {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    fn effective(patterns: &[&str], metric: &str, cpu: &str) -> Effective {
        let patterns = Patterns(patterns.iter().map(|json| pattern(json)).collect());
        let params = Params::from([("cpu".to_owned(), cpu.to_owned())]);
        let named = Named {
            benchmark: "KVEventConcurrency",
            metric,
            params: &params,
            environment: "ci-a",
        };
        patterns.effective(named, &GateOptions::default())
    }

    #[test]
    fn globs_match_whole_texts() {
        for (glob, text, is) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("KV*", "KVEventConcurrency", true),
            ("*latency*", "latency_p99", true),
            ("latency_p??", "latency_p99", true),
            ("latency_p??", "latency_p999", false),
            ("a*b*c", "axxbxxbc", true),
            ("a*b*c", "axxbxx", false),
            ("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches(glob, text), is, "{glob:?} on {text:?}");
        }
    }

    #[test]
    fn the_last_pattern_that_gives_a_value_gives_it() {
        let patterns = [
            r#"{"threshold": 0.2, "ignored": true}"#,
            r#"{"metric": "latency_*", "ignored": false, "min_effect": 50}"#,
            r#"{"metric": "latency_*", "params": {"cpu": "1*"}, "threshold": 0.3, "fail_on": "critical"}"#,
            r#"{"environment": "ci-b", "threshold": 0.01}"#,
        ];
        let other = effective(&patterns, "events_per_second", "16");
        assert!(other.is_ignored && other.by == [0], "{other:?}");
        let two = effective(&patterns, "latency_p99", "2");
        assert_eq!((two.options.threshold, two.min_effect), (0.2, Some(50.0)));
        assert_eq!((two.is_ignored, two.by.as_slice()), (false, &[0, 1][..]));
        let sixteen = effective(&patterns, "latency_p99", "16");
        assert_eq!(sixteen.options.threshold, 0.3);
        assert_eq!(sixteen.options.fail_on, FailOn::Critical);
        assert_eq!(sixteen.by, [0, 1, 2]);
        assert_eq!(
            effective(&[], "latency_p99", "2").options,
            GateOptions::default()
        );
    }

    #[test]
    fn a_change_below_the_least_effect_is_not_above() {
        let above = |patterns: &[&str], value: f64| {
            effective(patterns, "latency_p99", "2").is_above(&Change {
                value,
                baseline: Some(100.0),
                change: Some(value / 100.0 - 1.0),
                band: Band::of(value / 100.0 - 1.0),
            })
        };
        assert!(above(&[], 115.0));
        assert!(above(&[r#"{"min_effect": 15}"#], 115.0));
        assert!(!above(&[r#"{"min_effect": 15.1}"#], 115.0));
        assert!(!above(&[r#"{"ignored": true}"#], 500.0));
        assert!(
            !above(&[r#"{"threshold": 0.05}"#], 106.0),
            "its band is info"
        );
        let strict = r#"{"threshold": 0.05, "fail_on": "info"}"#;
        assert!(above(&[strict], 106.0));
        assert!(!above(&[strict], 104.0));
        let alert = effective(&[r#"{"min_effect": 15}"#], "latency_p99", "2");
        assert!(alert.is_size_above(0.2, Some(100.0)));
        assert!(!alert.is_size_above(0.14, Some(100.0)));
    }

    #[test]
    fn wrong_patterns_are_refused_with_their_place() {
        let check = |json: &str| {
            let patterns = vec![pattern(r#"{"threshold": 0.2}"#), pattern(json)];
            let checked = Patterns(patterns).check();
            checked.map_err(|error| error.to_string())
        };
        let says = |json: &str, what: &str| {
            let error = check(json).err().unwrap_or_default();
            assert!(
                error.starts_with("rule 2: ") && error.contains(what),
                "{error}"
            );
        };
        says("{}", "says nothing");
        says(r#"{"threshold": -0.1}"#, "the threshold is -0.1");
        says(r#"{"threshold": 11}"#, "from 0 to 10");
        says(r#"{"min_effect": -1}"#, "the least effect is -1");
        says(
            r#"{"benchmark": "", "ignored": true}"#,
            "give * for anything",
        );
        assert_eq!(check(r#"{"ignored": true}"#), Ok(()));
        let many = Patterns(vec![pattern(r#"{"ignored": true}"#); MOST + 1]);
        assert_eq!(many.check(), Err(PatternError::TooMany(MOST + 1)));
        assert!(serde_json::from_str::<Pattern>(r#"{"treshold": 1}"#).is_err());
    }
}
