//! The check of a measured commit: in progress while it is measured, then what it comes to.

use bench_report::metric::{format_change, series_text};
use bench_verdict::verdict::{Band, Evidence};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::marker;
use crate::analysis::compare::{Comparison, Row};
use crate::analysis::verdict::status_word;
use crate::domain::Millis;

/// What the check is called.
pub const NAME: &str = "kvmark";
/// GitHub takes 50 annotations a request.
pub const ANNOTATIONS_A_REQUEST: usize = 50;
/// More is read nowhere.
const ANNOTATIONS: usize = 100;
/// GitHub takes 65,535 characters.
const SUMMARY_LIMIT: usize = 65_000;
/// GitHub takes 140 characters of a commit status.
const DESCRIPTION_LIMIT: usize = 140;

/// What the check of one run should say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckWish {
    /// The run: its check is found again by it.
    pub run_key: String,
    /// The commit.
    pub commit: String,
    /// Where to read on.
    pub page: Option<String>,
    /// How far it is.
    pub state: CheckState,
}

/// How far a measurement is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// It runs.
    Running {
        /// Since then.
        since: Millis,
    },
    /// Its runner fell silent.
    Lost,
    /// It is judged.
    Done(Conclusion),
}

/// What a measurement comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conclusion {
    /// The verdict's status, as its JSON has it.
    pub status: String,
    /// The verdict in a sentence.
    pub title: String,
    /// All of it, in Markdown.
    pub summary: String,
    /// The series that changed.
    pub annotations: Vec<Annotation>,
}

/// One series that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// `failure`, `warning` or `notice`.
    pub level: String,
    /// The series.
    pub title: String,
    /// What happened.
    pub message: String,
}

impl CheckState {
    /// What GitHub calls it.
    fn conclusion(&self) -> Option<&'static str> {
        match self {
            CheckState::Running { .. } => None,
            CheckState::Lost => Some("cancelled"),
            CheckState::Done(done) => Some(match done.status.as_str() {
                "pass" => "success",
                // What cannot be decided does not block a merge, and does not read as passed.
                "inconclusive" | "incomparable" => "neutral",
                _ => "failure",
            }),
        }
    }
}

/// What a comparison comes to; `summary` is all of it in Markdown.
pub fn conclusion(comparison: &Comparison, summary: String) -> Conclusion {
    Conclusion {
        status: status_word(comparison.status).to_owned(),
        title: comparison.sentence.clone(),
        summary,
        annotations: annotations(&comparison.rows),
    }
}

/// The series that got worse for sure, the worst first.
fn annotations(rows: &[Row]) -> Vec<Annotation> {
    let is_sure = |row: &&Row| matches!(row.evidence, Evidence::Confirmed | Evidence::Exact);
    let mut worse: Vec<&Row> = rows
        .iter()
        .filter(is_sure)
        .filter(|row| row.band.severity() > Band::None.severity())
        .collect();
    worse.sort_by(|a, b| {
        let size = |row: &Row| row.change.unwrap_or(f64::INFINITY);
        let severity = b.band.severity().cmp(&a.band.severity());
        severity.then(size(b).total_cmp(&size(a)))
    });
    worse
        .into_iter()
        .take(ANNOTATIONS)
        .map(|row| Annotation {
            level: match row.band {
                Band::Critical => "failure",
                Band::Warning => "warning",
                _ => "notice",
            }
            .to_owned(),
            title: series_text(&row.benchmark, &row.metric, &row.params),
            message: format!(
                "{} ({}), {}",
                row.change
                    .map_or_else(|| "worse than 0".to_owned(), format_change),
                row.band.word(),
                if row.evidence == Evidence::Exact {
                    "exact"
                } else {
                    "confirmed"
                },
            ),
        })
        .collect()
}

/// What makes a new check run.
pub fn create(wish: &CheckWish) -> Value {
    let mut body = update(wish);
    body["head_sha"] = json!(wish.commit);
    body["external_id"] = json!(wish.run_key);
    if let CheckState::Running { since } = wish.state {
        body["started_at"] = json!(since.timestamp().to_string());
    }
    body
}

/// What brings a check run up to date; without annotations, which GitHub adds to those it has.
pub fn update(wish: &CheckWish) -> Value {
    let mut body = json!({"name": NAME, "output": output(wish)});
    if let Some(page) = &wish.page {
        body["details_url"] = json!(page);
    }
    match wish.state.conclusion() {
        None => body["status"] = json!("in_progress"),
        Some(conclusion) => {
            body["status"] = json!("completed");
            body["conclusion"] = json!(conclusion);
        }
    }
    body
}

/// What adds annotations.
pub fn annotate(wish: &CheckWish, annotations: &[Annotation]) -> Value {
    let mut output = output(wish);
    output["annotations"] = annotations
        .iter()
        .map(|annotation| {
            json!({
                // A series lies in no file; this is the path that GitHub's own jobs give then.
                "path": ".github", "start_line": 1, "end_line": 1,
                "annotation_level": annotation.level,
                "title": annotation.title.chars().take(250).collect::<String>(),
                "message": annotation.message,
            })
        })
        .collect();
    json!({"output": output})
}

fn output(wish: &CheckWish) -> Value {
    match &wish.state {
        CheckState::Running { .. } => json!({
            "title": "Measuring",
            "summary": "The benchmarks run now.",
        }),
        CheckState::Lost => json!({
            "title": "The runner fell silent",
            "summary": "Nothing was heard of this run for a while, and no report came: \
                        run the job again.",
        }),
        CheckState::Done(done) => json!({
            "title": done.title.chars().take(250).collect::<String>(),
            "summary": marker::cut(&done.summary, SUMMARY_LIMIT),
        }),
    }
}

/// The same as a commit status: for a token that may not write checks, which only apps may.
pub fn status(wish: &CheckWish) -> Value {
    let (state, description) = match &wish.state {
        CheckState::Running { .. } => ("pending", "measuring".to_owned()),
        CheckState::Lost => ("error", "the runner fell silent".to_owned()),
        CheckState::Done(done) => {
            let state = match wish.state.conclusion() {
                Some("success") => "success",
                Some("failure") => "failure",
                _ => "error",
            };
            (state, done.title.clone())
        }
    };
    let mut body = json!({
        "state": state, "context": NAME,
        "description": description.chars().take(DESCRIPTION_LIMIT).collect::<String>(),
    });
    if let Some(page) = &wish.page {
        body["target_url"] = json!(page);
    }
    body
}
