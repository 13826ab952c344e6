//! How a series is named: benchmark, metric, params.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A benchmark's dimensions, such as `concurrency=100`, in the order of their names.
pub type Params = BTreeMap<String, String>;

/// What names a series within a suite and an environment.
///
/// Its text, `KVEventConcurrency latency_p99 concurrency=100 cpu=2`, is unambiguous and is read
/// back by [`FromStr`]: white space, control characters and `%` inside of a name, and `=` inside of
/// a param's name, are written as `%XX` bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesName {
    /// Such as `KVEventConcurrency`.
    pub benchmark: String,
    /// Such as `latency_p99`.
    pub metric: String,
    /// Such as `concurrency=100 cpu=2`.
    pub params: Params,
}

/// A text that names no series, or no params.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Fewer than two words.
    #[error(
        "{text:?} names no series: give benchmark, metric and params, as in `KVEventConcurrency latency_p99 concurrency=100 cpu=2`"
    )]
    Incomplete {
        /// What was given.
        text: String,
    },
    /// A word that should be a param and has no `=`, or nothing before it.
    #[error("{word:?} is not a param: write `key=value`")]
    NotAParam {
        /// The word.
        word: String,
    },
    /// A param that stands there twice.
    #[error("the param {key:?} is given twice")]
    Repeated {
        /// Its name.
        key: String,
    },
    /// A `%` that starts no escaped byte, or bytes that are no text.
    #[error(
        "{word:?} holds a `%` that starts no escaped character: write `%25` for a percent sign"
    )]
    Escape {
        /// The word.
        word: String,
    },
}

impl fmt::Display for SeriesName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&series_text(&self.benchmark, &self.metric, &self.params))
    }
}

impl FromStr for SeriesName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<SeriesName, NameError> {
        let mut words = text.split_whitespace();
        let (Some(benchmark), Some(metric)) = (words.next(), words.next()) else {
            return Err(NameError::Incomplete {
                text: text.to_owned(),
            });
        };
        Ok(SeriesName {
            benchmark: unescaped(benchmark)?,
            metric: unescaped(metric)?,
            params: params_of(words)?,
        })
    }
}

/// The text of a series, without having to build a [`SeriesName`].
pub fn series_text(benchmark: &str, metric: &str, params: &Params) -> String {
    let mut text = format!("{} {}", escaped(benchmark, ""), escaped(metric, ""));
    if !params.is_empty() {
        text.push(' ');
        text.push_str(&params_text(params));
    }
    text
}

/// The one text of params: sorted by name, `concurrency=100 cpu=2`; empty for none. Escaped as in
/// [`SeriesName`].
pub fn params_text(params: &Params) -> String {
    let words: Vec<_> = params
        .iter()
        .map(|(key, value)| format!("{}={}", escaped(key, "="), escaped(value, "")))
        .collect();
    words.join(" ")
}

/// The params that [`params_text`] wrote.
pub fn parse_params(text: &str) -> Result<Params, NameError> {
    params_of(text.split_whitespace())
}

fn params_of<'a>(words: impl Iterator<Item = &'a str>) -> Result<Params, NameError> {
    let mut params = Params::new();
    for word in words {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) if !key.is_empty() => (unescaped(key)?, unescaped(value)?),
            _ => {
                return Err(NameError::NotAParam {
                    word: word.to_owned(),
                });
            }
        };
        if params.contains_key(&key) {
            return Err(NameError::Repeated { key });
        }
        params.insert(key, value);
    }
    Ok(params)
}

/// `%XX` for each byte of white space, control characters, `%` and the characters of `also`.
pub(crate) fn escaped(text: &str, also: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_whitespace()
            || character.is_control()
            || character == '%'
            || also.contains(character)
        {
            let mut buffer = [0; 4];
            for byte in character.encode_utf8(&mut buffer).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// The text that [`escaped`] wrote.
pub(crate) fn unescaped(word: &str) -> Result<String, NameError> {
    let refusal = || NameError::Escape {
        word: word.to_owned(),
    };
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .ok_or_else(refusal)?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = u8::from_str_radix(digits, 16)
            .ok()
            .filter(|_| is_hex)
            .ok_or_else(refusal)?;
        bytes.push(value);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| refusal())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_series_reads_benchmark_metric_and_params_in_the_order_of_their_names() {
        let given = params(&[("cpu", "2"), ("concurrency", "100")]);
        let text = series_text("KVEventConcurrency", "latency_p99", &given);
        assert_eq!(text, "KVEventConcurrency latency_p99 concurrency=100 cpu=2");
        assert_eq!(series_text("A", "ns/op", &Params::new()), "A ns/op");
        assert_eq!(text.parse::<SeriesName>().unwrap().params, given);
    }

    #[test]
    fn names_that_would_be_ambiguous_are_escaped() {
        assert_eq!(
            params_text(&params(&[("a b", "c=d"), ("e=f", "")])),
            "a%20b=c=d e%3Df="
        );
        assert_eq!(
            series_text("50% full", "m", &Params::new()),
            "50%25%20full m"
        );
    }

    #[test]
    fn a_text_that_names_no_series_is_refused_with_what_to_write() {
        let refusal = |text: &str| text.parse::<SeriesName>().unwrap_err().to_string();
        assert!(refusal("").contains("names no series"));
        assert!(refusal("OnlyBenchmark").contains("names no series"));
        assert_eq!(
            refusal("A m cpu"),
            "\"cpu\" is not a param: write `key=value`"
        );
        assert_eq!(
            refusal("A m =2"),
            "\"=2\" is not a param: write `key=value`"
        );
        assert_eq!(
            refusal("A m cpu=1 cpu=2"),
            "the param \"cpu\" is given twice"
        );
        assert!(refusal("A 50% x=1").contains("%25"));
        assert!(refusal("A m x=%+1").contains("%25"));
        assert!(refusal("A m x=%FF").contains("%25"));
    }

    proptest! {
        #[test]
        fn any_series_is_read_back_from_its_text(
            benchmark in ".{1,20}", metric in ".{1,20}",
            params in prop::collection::btree_map(".{1,10}", ".{0,10}", 0..4),
        ) {
            let series = SeriesName { benchmark, metric, params };
            prop_assert_eq!(series.to_string().parse::<SeriesName>().unwrap(), series);
        }
    }
}
