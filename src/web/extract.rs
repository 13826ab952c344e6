//! Paths and queries that fail in our words.

use std::str::FromStr;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::{self, Deserialize, Deserializer};

use super::WebError;
use crate::domain::{Millis, SeriesId};

/// As axum's, with a 404 for what does not read as a path of ours.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(AxumPath), rejection(WebError))]
pub struct Path<T>(pub T);

/// As axum's, with a 400 that says what is wrong.
#[derive(Debug, Clone, Copy, FromRequestParts)]
#[from_request(via(AxumQuery), rejection(WebError))]
pub struct Query<T>(pub T);

impl From<PathRejection> for WebError {
    fn from(rejection: PathRejection) -> Self {
        Self::not_found("page", format_args!("here: {}", rejection.body_text()))
    }
}

impl From<QueryRejection> for WebError {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

/// An instant in a query: RFC 3339, a date (its first moment, UTC) or milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub Millis);

impl FromStr for Instant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(ms) = text.parse::<i64>() {
            return Ok(Self(Millis(ms)));
        }
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self(time.into()));
        }
        // Not `parse`, which would take the date of a time without an offset.
        let midnight = Date::strptime("%Y-%m-%d", text)
            .and_then(|date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)));
        match midnight {
            Ok(time) => Ok(Self(time.into())),
            Err(_) => Err(format!(
                "{text:?} is no time: give 2026-01-31, 2026-01-31T06:00:00Z or milliseconds since 1970"
            )),
        }
    }
}

/// Numbers of series in a URL, such as `3,4,5`.
pub fn series_ids(text: &str) -> Result<Vec<SeriesId>, WebError> {
    let numbers: Result<Vec<i64>, _> = text.split(',').map(str::parse).collect();
    match numbers {
        Ok(numbers) => Ok(numbers.into_iter().map(SeriesId).collect()),
        Err(_) => Err(WebError::bad_request(format!(
            "{text:?} are no series: give numbers as /api/v1/series shows them, such as 3,4,5"
        ))),
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_dates_times_or_milliseconds() {
        for (text, ms) in [
            ("0", 0),
            ("-5", -5),
            ("1970-01-02", 86_400_000),
            ("1970-01-01T00:00:01.5Z", 1_500),
            ("1970-01-01T01:00:00+01:00", 0),
        ] {
            assert_eq!(text.parse(), Ok(Instant(Millis(ms))), "{text}");
        }
        for bad in ["", "yesterday", "2026-02-30", "2026-01-31T06:00:00"] {
            assert!(bad.parse::<Instant>().is_err(), "{bad}");
        }
    }
}
