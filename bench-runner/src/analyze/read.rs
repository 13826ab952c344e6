//! Rows of `series,time,value[,environment][,better]`, as CSV or as JSON objects.

use std::collections::{BTreeMap, HashMap};

use bench_report::metric::Direction;
use bench_verdict::history::Night;
use bench_verdict::stats::sample::Sample;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::Deserialize;
use thiserror::Error;

/// The columns that must be there.
const REQUIRED: [&str; 3] = ["series", "time", "value"];

/// What is wrong with a history.
#[derive(Debug, Error)]
pub enum ReadError {
    /// No CSV.
    #[error("line {line}: {problem}")]
    Csv {
        /// From 1.
        line: u64,
        /// Such as `found record with 2 fields, but the previous record has 3 fields`.
        problem: String,
    },
    /// No JSON, or not of the expected shape.
    #[error(
        "it is no list of rows such as \
         [{{\"series\": \"a\", \"time\": \"2026-03-01\", \"value\": 1.5}}]: {0}"
    )]
    Json(#[from] serde_json::Error),
    /// A column is missing.
    #[error("line 1: no column `{name}`; a history has series,time,value[,environment][,better]")]
    NoColumn {
        /// Which.
        name: &'static str,
    },
    /// A field cannot be read.
    #[error("row {row}: {column} is `{value}`: give {expected}")]
    Field {
        /// From 1, the heading not counted.
        row: usize,
        /// Which column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// Two rows of one series disagree.
    #[error(
        "row {row}: series `{series}` has {what}; a series has one, give the other its own name"
    )]
    Contradiction {
        /// From 1, the heading not counted.
        row: usize,
        /// Which series.
        series: String,
        /// Such as `both better=lower and better=higher`.
        what: &'static str,
    },
    /// No row at all.
    #[error("there is no row in it: give series,time,value and a row for each measurement")]
    Empty,
}

/// One series, its nights in time order.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// As the rows name it.
    pub id: String,
    /// Which way is better.
    pub better: Direction,
    /// The nights; the value of each is the median of its rows.
    pub nights: Vec<Night>,
}

/// Reads a history. Text that begins with `[` or `{` is JSON: a list of rows, or rows one after
/// the other.
pub fn read(text: &[u8]) -> Result<Vec<Series>, ReadError> {
    let mut rows = Rows::default();
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(ReadError::Empty),
        Some(b'[') => {
            let all: Vec<JsonRow> = serde_json::from_slice(text)?;
            for row in &all {
                rows.add_json(row)?;
            }
        }
        Some(b'{') => {
            for row in serde_json::Deserializer::from_slice(text).into_iter() {
                rows.add_json(&row?)?;
            }
        }
        Some(_) => read_csv(text, &mut rows)?,
    }
    rows.finish()
}

#[derive(Debug, Deserialize)]
struct JsonRow {
    series: String,
    time: String,
    value: f64,
    environment: Option<String>,
    better: Option<String>,
}

struct Row<'a> {
    series: &'a str,
    time: &'a str,
    value: f64,
    /// The value as it stands there.
    text: &'a str,
    environment: &'a str,
    better: &'a str,
}

fn read_csv(text: &[u8], rows: &mut Rows) -> Result<(), ReadError> {
    let csv_error = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        let problem = match error.kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => {
                format!("{len} fields, the heading has {expected_len}")
            }
            csv::ErrorKind::Utf8 { .. } => "it is not UTF-8 text".to_owned(),
            _ => error.to_string(),
        };
        ReadError::Csv { line, problem }
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text);
    let heading = reader.headers().map_err(csv_error)?.clone();
    let column = |name: &str| {
        heading
            .iter()
            .position(|own| own.eq_ignore_ascii_case(name))
    };
    for name in REQUIRED {
        if column(name).is_none() {
            return Err(ReadError::NoColumn { name });
        }
    }
    let places = ["series", "time", "value", "environment", "better"].map(column);
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(csv_error)? {
        let [series, time, value, environment, better] = places.map(|place| {
            place
                .and_then(|place| record.get(place))
                .unwrap_or_default()
        });
        let number = value
            .parse()
            .map_err(|_| rows.field("value", value, "a finite number"))?;
        rows.add(&Row {
            series,
            time,
            value: number,
            text: value,
            environment,
            better,
        })?;
    }
    Ok(())
}

/// The rows so far, by series in the order of their first row.
#[derive(Debug, Default)]
struct Rows {
    count: usize,
    by_id: HashMap<String, usize>,
    series: Vec<Draft>,
    environments: HashMap<String, u64>,
    times: HashMap<String, i64>,
}

#[derive(Debug)]
struct Draft {
    id: String,
    better: Option<Direction>,
    nights: BTreeMap<i64, (u64, Vec<f64>)>,
}

impl Rows {
    fn add_json(&mut self, row: &JsonRow) -> Result<(), ReadError> {
        self.add(&Row {
            series: &row.series,
            time: &row.time,
            value: row.value,
            text: &row.value.to_string(),
            environment: row.environment.as_deref().unwrap_or_default(),
            better: row.better.as_deref().unwrap_or_default(),
        })
    }

    fn add(&mut self, row: &Row<'_>) -> Result<(), ReadError> {
        if row.series.is_empty() {
            return Err(self.field("series", "", "a name"));
        }
        if !row.value.is_finite() {
            return Err(self.field("value", row.text, "a finite number"));
        }
        let time = self.time(row.time)?;
        let better = match row.better {
            "" => None,
            "lower" => Some(Direction::Lower),
            "higher" => Some(Direction::Higher),
            other => return Err(self.field("better", other, "lower or higher")),
        };
        let next = self.environments.len() as u64;
        let epoch = match self.environments.get(row.environment) {
            Some(epoch) => *epoch,
            None => *self
                .environments
                .entry(row.environment.to_owned())
                .or_insert(next),
        };
        self.count += 1;
        let index = match self.by_id.get(row.series) {
            Some(index) => *index,
            None => {
                let id = row.series.to_owned();
                self.by_id.insert(id.clone(), self.series.len());
                self.series.push(Draft {
                    id,
                    better,
                    nights: BTreeMap::new(),
                });
                self.series.len() - 1
            }
        };
        let contradiction = |row: usize, series: &Draft, what| {
            Err(ReadError::Contradiction {
                row,
                series: series.id.clone(),
                what,
            })
        };
        let series = &mut self.series[index];
        match (series.better, better) {
            (Some(own), Some(other)) if own != other => {
                return contradiction(self.count, series, "both better=lower and better=higher");
            }
            (None, Some(_)) => series.better = better,
            _ => {}
        }
        let night = series.nights.entry(time).or_insert((epoch, Vec::new()));
        if night.0 != epoch {
            return contradiction(self.count, series, "two environments at one time");
        }
        night.1.push(row.value);
        Ok(())
    }

    /// RFC 3339, or a date alone: midnight UTC.
    fn time(&mut self, text: &str) -> Result<i64, ReadError> {
        if let Some(time) = self.times.get(text) {
            return Ok(*time);
        }
        let midnight = |date: Date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok();
        let timestamp = text
            .parse::<Timestamp>()
            .ok()
            .or_else(|| text.parse().ok().and_then(midnight));
        let Some(timestamp) = timestamp else {
            let expected = "a time such as 2026-03-01T03:00:00Z, or a date";
            return Err(self.field("time", text, expected));
        };
        let time = timestamp.as_millisecond();
        self.times.insert(text.to_owned(), time);
        Ok(time)
    }

    /// An error about the row that is being read.
    fn field(&self, column: &'static str, value: &str, expected: &'static str) -> ReadError {
        let value = value.chars().take(40).collect();
        ReadError::Field {
            row: self.count + 1,
            column,
            value,
            expected,
        }
    }

    fn finish(self) -> Result<Vec<Series>, ReadError> {
        if self.series.is_empty() {
            return Err(ReadError::Empty);
        }
        let night = |(time_ms, (epoch, values)): (i64, (u64, Vec<f64>))| {
            let value = Sample::new(&values).ok()?.median();
            Some(Night {
                time_ms,
                value,
                epoch,
            })
        };
        Ok(self
            .series
            .into_iter()
            .map(|draft| Series {
                id: draft.id,
                better: draft.better.unwrap_or(Direction::Lower),
                nights: draft.nights.into_iter().filter_map(night).collect(),
            })
            .collect())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, message: &str) {
        assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), message);
    }

    #[test]
    fn rows_of_one_time_are_samples_of_one_night() {
        let text = "series,time,value,environment,better\n\
                    b,2026-03-02T03:00:00Z,10,m1,higher\n\
                    a,2026-03-01,5,m1,\n\
                    b,2026-03-01T03:00:00Z,3,m1,higher\n\
                    b,2026-03-02T03:00:00Z,30,m1,higher\n\
                    b,2026-03-02T03:00:00Z,20,m1,\n\
                    b,2026-03-03T03:00:00Z,7,m2,\n";
        let series = read(text.as_bytes()).unwrap();
        assert_eq!(
            series
                .iter()
                .map(|series| series.id.as_str())
                .collect::<Vec<_>>(),
            ["b", "a"]
        );
        assert_eq!(series[0].better, Direction::Higher);
        assert_eq!(series[1].better, Direction::Lower);
        let nights: Vec<(f64, u64)> = series[0]
            .nights
            .iter()
            .map(|night| (night.value, night.epoch))
            .collect();
        assert_eq!(nights, [(3.0, 0), (20.0, 0), (7.0, 1)]);
    }

    #[test]
    fn json_lists_and_lines_say_the_same_as_csv() {
        let csv = read(b"time,value,series\n2026-03-01,1.5,x\n2026-03-02,2,x\n").unwrap();
        let list = r#"[{"series":"x","time":"2026-03-01","value":1.5},
                       {"series":"x","time":"2026-03-02T00:00:00Z","value":2,"better":"lower"}]"#;
        assert_eq!(read(list.as_bytes()).unwrap(), csv);
        let lines = list.trim_matches(['[', ']']).replace("},", "}\n");
        assert_eq!(read(lines.as_bytes()).unwrap(), csv);
    }

    #[test]
    fn what_cannot_be_read_is_named_by_row_and_column() {
        let empty = "there is no row in it: give series,time,value and a row for each measurement";
        refused("", empty);
        refused("series,time,value\n", empty);
        refused(
            "series,value\nx,1\n",
            "line 1: no column `time`; a history has series,time,value[,environment][,better]",
        );
        refused(
            "series,time,value\nx,2026-03-01,1\nx,yesterday,1\n",
            "row 2: time is `yesterday`: give a time such as 2026-03-01T03:00:00Z, or a date",
        );
        refused(
            "series,time,value\nx,2026-03-01,NaN\n",
            "row 1: value is `NaN`: give a finite number",
        );
        refused(
            "[{\"series\": \"x\"}]",
            "it is no list of rows such as \
             [{\"series\": \"a\", \"time\": \"2026-03-01\", \"value\": 1.5}]: missing field `time` at line 1 \
             column 16",
        );
        refused(
            "series,time,value\nx,2026-03-01,1e400\n",
            "row 1: value is `1e400`: give a finite number",
        );
        refused(
            "series,time,value\n,2026-03-01,1\n",
            "row 1: series is ``: give a name",
        );
        refused(
            "series,time,value\nx,2026-03-01,fast\n",
            "row 1: value is `fast`: give a finite number",
        );
        refused(
            "series,time,value\nx,2026-03-01\n",
            "line 2: 2 fields, the heading has 3",
        );
        refused(
            "series,time,value,better\nx,2026-03-01,1,bigger\n",
            "row 1: better is `bigger`: give lower or higher",
        );
        refused(
            "series,time,value,better\nx,2026-03-01,1,lower\nx,2026-03-02,1,higher\n",
            "row 2: series `x` has both better=lower and better=higher; a series has one, give the \
             other its own name",
        );
        refused(
            "series,time,value,environment\nx,2026-03-01,1,a\nx,2026-03-01,1,b\n",
            "row 2: series `x` has two environments at one time; a series has one, give the other \
             its own name",
        );
    }
}
