//! What is wrong with a file of another tool.

use std::path::PathBuf;

use thiserror::Error;

use super::Format;
use crate::report::Refusals;

/// A file that could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Something else stands where something was expected.
    #[error("line {line}, column {column}: expected {expected}, found {found}")]
    Syntax {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// Such as `a number`.
        expected: &'static str,
        /// The beginning of what stands there, in backticks, or `the end of the line`.
        found: String,
    },
    /// No JSON, or not of the expected shape.
    #[error("line {line}, column {column}: {problem}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// Such as ``missing field `value` ``.
        problem: String,
        /// The parser's own error. It is no cause beside this one: it says the same.
        json: serde_json::Error,
    },
    /// Well formed, and without a result.
    #[error("there is no result in it: expected {expected}")]
    Nothing {
        /// Such as ``lines such as `BenchmarkName-8  1000  1050 ns/op` ``.
        expected: &'static str,
    },
    /// Not text.
    #[error("line {line}: it is not UTF-8 text")]
    NotText {
        /// From 1.
        line: usize,
    },
    /// Of no format that is known.
    #[error(
        "it is of no known format: say which with `--format`, one of {}",
        Format::LIST
    )]
    UnknownFormat,
    /// One commit, branch or time for several runs.
    #[error(
        "it holds {runs} runs, each with its own commit and time: leave out `--commit` and `--time`"
    )]
    OneOriginForMany {
        /// How many runs.
        runs: usize,
    },
    /// Results of several machines, which are not compared.
    #[error("it holds results of several machines ({names}): export one testbed at a time")]
    ManyMachines {
        /// Their names.
        names: String,
    },
    /// A folder or file that the system does not let us read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of a folder that could not be read.
    #[error("{}: {source}", path.display())]
    In {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<ReadError>,
    },
    /// What was read makes no valid report.
    #[error("what was read makes no valid report: {0}")]
    Refused(#[from] Refusals),
}

impl From<serde_json::Error> for ReadError {
    fn from(json: serde_json::Error) -> ReadError {
        // A value of the wrong type at the very beginning is placed at column 0.
        let (line, column) = (json.line().max(1), json.column().max(1));
        let text = json.to_string();
        let problem = in_words(text.split(" at line ").next().unwrap_or(&text));
        ReadError::Json {
            line,
            column,
            problem,
            json,
        }
    }
}

/// `invalid type: string "x", expected f64` as every other error here has it, and in words that are
/// not those of the program: `expected a number, found string "x"`.
fn in_words(problem: &str) -> String {
    let parts = problem
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.rsplit_once(", expected "));
    let Some((found, expected)) = parts else {
        return problem.to_owned();
    };
    let expected = match expected {
        "f64" | "f32" => "a number",
        "u64" | "u32" | "usize" | "i64" | "i32" => "a whole number",
        "a map" | "map" => "an object",
        "a sequence" | "sequence" => "a list",
        shape if shape.starts_with("struct ") => "an object",
        other => other,
    };
    let found = match found {
        "map" => "an object",
        "sequence" => "a list",
        other => other,
    };
    format!("expected {expected}, found {found}")
}

impl ReadError {
    /// The error of a JSON text that begins on line `first` (from 1) of its file.
    pub(super) fn in_line(self, first: usize) -> ReadError {
        match self {
            ReadError::Json {
                line,
                column,
                problem,
                json,
            } => ReadError::Json {
                line: line + first - 1,
                column,
                problem,
                json,
            },
            other => other,
        }
    }
}
