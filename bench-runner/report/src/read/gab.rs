//! The history that github-action-benchmark keeps in `data.js`:
//! <https://github.com/benchmark-action/github-action-benchmark>. One run for each entry, with the
//! commit and the time that it names. The range (`± 22`) is no sample and is left out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::ReadError;
use super::collect::{Draft, Facts, add_sample_as, clean};
use super::go::name::split;
use super::units::foreign;
use crate::metric::Direction;
use crate::report::limits::TEXT_BYTES;
use crate::report::{Benchmark, Params, Revision};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    #[serde(default)]
    repo_url: String,
    entries: BTreeMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    commit: Commit,
    /// Milliseconds since 1970.
    date: i64,
    #[serde(default)]
    tool: String,
    benches: Vec<Bench>,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default)]
    author: Person,
}

#[derive(Deserialize, Default)]
struct Person {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    username: Option<String>,
}

#[derive(Deserialize)]
struct Bench {
    name: String,
    value: f64,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    extra: String,
}

/// Reads the assignment of `data.js`, or the JSON in it.
pub(super) fn read(text: &str) -> Result<Vec<Draft>, ReadError> {
    const EXPECTED: &str = "`window.BENCHMARK_DATA = {\"entries\": {\"suite\": [{\"commit\", \"date\", \"benches\"}]}}`";
    let start = text
        .find('{')
        .ok_or(ReadError::Nothing { expected: EXPECTED })?;
    let json = text[start..].trim_end().trim_end_matches(';');
    let line = text[..start].lines().count().max(1);
    let data: Data =
        serde_json::from_str(json).map_err(|error| ReadError::from(error).in_line(line))?;
    let repository = repository(&data.repo_url);
    let mut drafts = Vec::new();
    for (suite, entries) in data.entries {
        for entry in entries {
            drafts.push(draft(&suite, repository.as_ref(), entry));
        }
    }
    if drafts.iter().all(|draft| draft.results.is_empty()) {
        return Err(ReadError::Nothing { expected: EXPECTED });
    }
    Ok(drafts)
}

fn draft(suite: &str, repository: Option<&String>, entry: Entry) -> Draft {
    let Commit {
        id,
        message,
        timestamp,
        author,
    } = entry.commit;
    let revision = Revision {
        repository: repository.cloned(),
        commit: Some(id),
        committed_at: timestamp,
        subject: message
            .lines()
            .next()
            .map(|subject| clean(subject, TEXT_BYTES)),
        author: author
            .name
            .or(author.username)
            .map(|author| clean(&author, TEXT_BYTES)),
        ..Revision::default()
    };
    let facts = Facts {
        suite: suite.to_owned(),
        runner: "github-action-benchmark",
        revision,
        started_at: Timestamp::from_millisecond(entry.date).ok(),
        ..Facts::default()
    };
    let mut draft = Draft {
        facts,
        ..Draft::default()
    };
    for bench in &entry.benches {
        let mut is = foreign(&bench.unit);
        match entry.tool.as_str() {
            "customBiggerIsBetter" => is.better = Direction::Higher,
            "customSmallerIsBetter" => is.better = Direction::Lower,
            _ => {}
        }
        let metric = if bench.unit.trim().is_empty() {
            "value"
        } else {
            &bench.unit
        };
        if entry.tool == "go" {
            let benchmark = go_benchmark(&mut draft, bench);
            // The first metric stands there twice: under the name alone, and under `name - unit`.
            if benchmark.metrics.iter().all(|known| known.name != metric) {
                add_sample_as(benchmark, metric, is, bench.value);
            }
        } else {
            let benchmark = draft.results.benchmark(&bench.name, &Params::new());
            add_sample_as(benchmark, metric, is, bench.value);
        }
    }
    draft
}

/// The benchmark of a Go result: `BenchmarkName/case - B/op`, with `1000 times` and `8 procs` beside it.
fn go_benchmark<'a>(draft: &'a mut Draft, bench: &Bench) -> &'a mut Benchmark {
    let name = bench
        .name
        .strip_suffix(&format!(" - {}", bench.unit))
        .unwrap_or(&bench.name);
    let (benchmark, mut params) = split(name.strip_prefix("Benchmark").unwrap_or(name), false);
    let number = |what: &str| {
        bench
            .extra
            .lines()
            .find_map(|line| line.trim().strip_suffix(what))
            .map(str::trim)
    };
    if let Some(cpu) = number("procs") {
        params.insert("cpu".to_owned(), cpu.to_owned());
    }
    let iterations = number("times").and_then(|times| times.parse().ok());
    let benchmark = draft.results.benchmark(&benchmark, &params);
    benchmark.iterations = iterations.unwrap_or(benchmark.iterations);
    benchmark
}

/// `owner/name` of `https://github.com/owner/name`.
fn repository(url: &str) -> Option<String> {
    let (_, path) = url.trim_end_matches('/').split_once("://")?;
    let (_host, name) = path.split_once('/')?;
    name.contains('/').then(|| name.to_owned())
}
