//! Reports in and out of JSON.

use jiff::Timestamp;
use serde::Deserialize;
use serde_path_to_error::Segment;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::limits::DECODED_BYTES;
use super::refusal::{Problem, Refusal, Refusals};
use super::{FORMAT, Report};

impl Report {
    /// Reads and validates a report; `now` is the present, for times that have not come yet.
    ///
    /// Fields that are not known are passed over: a newer runner may say more. Another format
    /// number is refused.
    pub fn parse(json: &[u8], now: Timestamp) -> Result<Report, Refusals> {
        if json.len() > DECODED_BYTES {
            let problem = Problem::Size {
                bytes: json.len(),
                limit: DECODED_BYTES,
            };
            return Err(Refusal {
                pointer: String::new(),
                problem,
            }
            .into());
        }
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let report: Report = serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| refusal(json, error))?;
        if let Err(error) = deserializer.end() {
            return Err(Refusal {
                pointer: String::new(),
                problem: Problem::Json(error),
            }
            .into());
        }
        report.validate(now)?;
        Ok(report)
    }

    /// The report on one line, as it travels. Numbers keep every bit.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self)
            .expect("a report holds only texts, numbers and lists under text keys")
    }

    /// The report for people's eyes.
    pub fn to_json_pretty(&self) -> String {
        let mut json = serde_json::to_string_pretty(self)
            .expect("a report holds only texts, numbers and lists under text keys");
        json.push('\n');
        json
    }

    /// A run key that follows from everything else in the report: what is read twice from the same
    /// file is the same run.
    pub fn content_key(&self) -> Uuid {
        let unkeyed = Report {
            run_key: Uuid::nil(),
            ..self.clone()
        };
        let hash = Sha256::digest(unkeyed.to_json());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

/// Where and why a report could not be read.
fn refusal(json: &[u8], error: serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    // Another format may well have another shape: its number is the better reason.
    if let Some(found) = format_of(json).filter(|format| *format != u64::from(FORMAT)) {
        return Refusal {
            pointer: "/format".to_owned(),
            problem: Problem::Format { found },
        };
    }
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    Refusal {
        pointer,
        problem: Problem::Json(error.into_inner()),
    }
}

fn format_of(json: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct FormatOnly {
        format: u64,
    }
    serde_json::from_slice::<FormatOnly>(json)
        .ok()
        .map(|report| report.format)
}
