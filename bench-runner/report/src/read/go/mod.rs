//! Go benchmark text, as <https://go.googlesource.com/proposal/+/master/design/14313-benchmark-format.md>
//! describes it, with two things added that real output needs: a benchmark's numbers may stand on a
//! later line than its name, with log lines in between, and a benchmark that failed, was skipped or
//! gave no result is told as such.

mod line;
pub(crate) mod name;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use self::line::{Line, Numbers, Word};
use super::ReadError;
use super::collect::{Draft, Facts, add_sample_as, clean, end_without_result};
use super::units::{Foreign, foreign};
use crate::metric::{Direction, Kind, Unit, unescaped};
use crate::report::limits::TEXT_BYTES;
use crate::report::{Params, Status};

/// The line that begins a run in our own Go text: names after it are escaped.
pub(crate) const OWN_HEADER: &str = "# bench-report 1";

/// Keys beside Go's own that people and tools write above their results.
const KEYS: [&str; 4] = ["commit", "commit-time", "branch", "toolchain"];
/// Keys that our own text carries behind `# `, where benchstat does not see them: it compares only
/// what has equal keys.
const OWN_KEYS: [&str; 6] = [
    "suite-version",
    "repository",
    "runner-version",
    "started",
    "finished",
    "environment",
];

/// Reads Go benchmark text: one run for each package and machine, in the order of the text.
pub(super) fn read(text: &str) -> Result<Vec<Draft>, ReadError> {
    let lines = || {
        text.lines().enumerate().map(|(index, text)| Line {
            number: index + 1,
            text,
        })
    };
    let mut reader = Reader {
        units: units(lines())?,
        ..Reader::default()
    };
    for line in lines() {
        reader.line(line)?;
    }
    let drafts: Vec<_> = reader.runs.into_iter().map(Run::done).collect();
    if drafts.iter().all(|draft| draft.results.is_empty()) {
        return Err(ReadError::Nothing {
            expected: "lines such as `BenchmarkName-8  1000  1050 ns/op`",
        });
    }
    Ok(drafts)
}

/// What is known of a unit by its text: a metric's name, and what it is.
type Units = HashMap<String, (String, Foreign)>;

/// The `Unit` lines of a text; they hold for all of it, wherever they stand.
fn units<'a>(lines: impl Iterator<Item = Line<'a>>) -> Result<Units, ReadError> {
    let mut units = Units::new();
    for line in lines {
        let words: Vec<_> = line.words().collect();
        let [
            Word {
                text: "Unit",
                start: 0,
            },
            unit,
            pairs @ ..,
        ] = words.as_slice()
        else {
            continue;
        };
        let (metric, is) = units
            .entry(unit.text.to_owned())
            .or_insert_with(|| (unit.text.to_owned(), foreign(unit.text)));
        for pair in pairs {
            let Some((key, value)) = pair.text.split_once('=') else {
                return Err(line.expected("key=value", pair.start));
            };
            let refusal = |expected| line.expected(expected, pair.start);
            match key {
                "better" => {
                    is.better = Direction::parse(value)
                        .ok_or_else(|| refusal("better=lower or better=higher"))?;
                }
                "assume" if value == "exact" => is.kind = Kind::Count,
                "kind" => is.kind = Kind::parse(value).ok_or_else(|| refusal("a kind"))?,
                "unit" => {
                    is.unit = Unit::parse(value).map_err(|_| refusal("a known unit"))?;
                    is.kind = is.unit.kind();
                }
                "metric" => *metric = unescaped(value).map_err(|_| refusal("an escaped name"))?,
                // benchstat passes over keys that it does not know, and so do we.
                _ => {}
            }
        }
    }
    Ok(units)
}

/// One run of the text.
#[derive(Default)]
struct Run {
    draft: Draft,
    /// Benchmarks that began, by their names without `-8`.
    begun: BTreeMap<String, (String, Params)>,
    /// Benchmarks that ended in any way, by their names without `-8`.
    ended: BTreeSet<String>,
}

impl Run {
    /// The run, with what began and never ended marked as failed. With `-v` Go prints each name once
    /// more before it runs, without `-8`, and that of a parent before its sub-benchmarks.
    fn done(mut self) -> Draft {
        for (name, (benchmark, params)) in &self.begun {
            let below = format!("{name}/");
            let has_ended = self.ended.contains(name)
                || self
                    .ended
                    .range(below.clone()..)
                    .next()
                    .is_some_and(|ended| ended.starts_with(&below));
            if !has_ended {
                let entry = self.draft.results.benchmark(benchmark, params);
                end_without_result(entry, Status::Failed, "it began and gave no result");
            }
        }
        self.draft
    }
}

#[derive(Default)]
struct Reader {
    units: Units,
    runs: Vec<Run>,
    is_own: bool,
    /// The header lines that stand now.
    header: Header,
    was_header: bool,
    /// The benchmark whose numbers are still to come.
    pending: Option<String>,
    /// The benchmark that failed, was skipped or succeeded, whose log lines follow.
    ending: Option<(String, Params)>,
}

/// What a header says: kept apart, because a new value of any of them begins a new run.
#[derive(Default, Clone, PartialEq)]
struct Header {
    goos: Option<String>,
    goarch: Option<String>,
    pkg: Option<String>,
    cpu: Option<String>,
    /// Everything else that is known by name.
    notes: BTreeMap<String, String>,
}

impl Reader {
    fn line(&mut self, line: Line<'_>) -> Result<(), ReadError> {
        let was_header = std::mem::take(&mut self.was_header);
        if line.text.trim() == OWN_HEADER {
            self.pending = None;
            self.is_own = true;
            self.header = Header::default();
            self.runs.push(Run::default());
            return Ok(());
        }
        let words: Vec<_> = line.words().collect();
        if self.name_of(&words).is_some() {
            return self.benchmark_line(line, &words);
        }
        if self.pending.is_some() && self.late_numbers(line, &words)? {
            return Ok(());
        }
        if let Some((status, name)) = ending(&words) {
            self.ended(status, name);
            return Ok(());
        }
        if line.text.starts_with([' ', '\t']) {
            self.reason(line.text);
            return Ok(());
        }
        self.ending = None;
        if let Some((is_comment, key, value)) = key_value(line.text) {
            self.was_header = self.header_line(is_comment, key, value, was_header);
            if self.was_header {
                self.pending = None;
            }
        }
        Ok(())
    }

    /// The name of a benchmark, if the first word is one. Go wants no lower-case letter after
    /// `Benchmark`: a log line may well begin with `Benchmarking`.
    fn name_of<'a>(&self, words: &[Word<'a>]) -> Option<&'a str> {
        let first = words.first().filter(|word| word.start == 0)?;
        let name = first.text.strip_prefix("Benchmark")?;
        let is_go = !name.starts_with(char::is_lowercase) && !name.ends_with(':');
        (self.is_own || is_go).then_some(name)
    }

    fn benchmark_line<'a>(&mut self, line: Line<'a>, words: &[Word<'a>]) -> Result<(), ReadError> {
        let Some(name) = self.name_of(words) else {
            return Ok(());
        };
        // A name that was written before the benchmark failed has the rest of that line behind it.
        if let Some((status, name)) = ending(&words[1..]) {
            self.ended(status, name);
            return Ok(());
        }
        let numbers = line.numbers(&words[1..])?;
        let has_log = words.len() > 1;
        (self.pending, self.ending) = (None, None);
        match numbers {
            Some(numbers) => self.result(name, &numbers),
            None if self.is_own => {
                let at = words.get(1).map_or(line.text.len(), |word| word.start);
                return Err(line.expected("an iteration count", at));
            }
            None => {
                let is_padded = has_log || line.text.ends_with(['\t', ' ']);
                if is_padded {
                    let key = without_cpu(name).to_owned();
                    let place = self.split(name);
                    self.run().begun.entry(key).or_insert(place);
                }
                self.pending = Some(name.to_owned());
            }
        }
        Ok(())
    }

    /// A benchmark failed, was skipped or succeeded; its log lines follow.
    fn ended(&mut self, status: Option<Status>, name: &str) {
        (self.pending, self.ending) = (None, None);
        let (benchmark, params) = self.split(name);
        let run = self.run();
        run.ended.insert(without_cpu(name).to_owned());
        if let Some(status) = status {
            let reason = if status == Status::Skipped {
                "skipped"
            } else {
                "failed"
            };
            end_without_result(
                run.draft.results.benchmark(&benchmark, &params),
                status,
                reason,
            );
            self.ending = Some((benchmark, params));
        }
    }

    /// Numbers of the pending benchmark: the whole line, or what follows log text without an end of
    /// line. True if there were any.
    fn late_numbers<'a>(&mut self, line: Line<'a>, words: &[Word<'a>]) -> Result<bool, ReadError> {
        for (index, word) in words.iter().enumerate() {
            let is_count = word.text.bytes().all(|byte| byte.is_ascii_digit());
            // Go writes a tab after the count; a log line with numbers in it rarely does.
            let has_tab = line.text[word.start + word.text.len()..].starts_with('\t');
            if !is_count || !has_tab {
                continue;
            }
            if let Some(numbers) = line.numbers(&words[index..])? {
                if let Some(name) = self.pending.take() {
                    self.result(&name, &numbers);
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn result(&mut self, name: &str, numbers: &Numbers<'_>) {
        let (benchmark, params) = self.split(name);
        let known: Vec<_> = numbers
            .values
            .iter()
            .map(|(value, unit)| match self.units.get(*unit) {
                Some((metric, is)) => (*value, metric.clone(), *is),
                None => (*value, (*unit).to_owned(), foreign(unit)),
            })
            .collect();
        let run = self.run();
        run.ended.insert(without_cpu(name).to_owned());
        let entry = run.draft.results.benchmark(&benchmark, &params);
        if entry.status != Status::Ok {
            return;
        }
        if entry.iterations == 0 {
            entry.iterations = numbers.iterations;
        }
        for (value, metric, is) in known {
            add_sample_as(entry, &metric, is, value);
        }
    }

    /// A log line of a benchmark that failed or was skipped.
    fn reason(&mut self, text: &str) {
        let Some((benchmark, params)) = self.ending.clone() else {
            return;
        };
        let entry = self.run().draft.results.benchmark(&benchmark, &params);
        let text = clean(text, TEXT_BYTES);
        let reason = match entry.error.as_deref() {
            None | Some("failed" | "skipped") => text,
            Some(before) => clean(&format!("{before}\n{text}"), TEXT_BYTES),
        };
        if !reason.is_empty() {
            entry.error = Some(reason);
        }
    }

    /// Takes a header line; false if it is none. `cpu: 80%` in a log is none: the processor is named
    /// right after the other header lines.
    fn header_line(&mut self, is_comment: bool, key: &str, value: &str, was_header: bool) -> bool {
        let header = &mut self.header;
        match key {
            "goos" => header.goos = Some(value.to_owned()),
            "goarch" => header.goarch = Some(value.to_owned()),
            "pkg" => header.pkg = Some(value.to_owned()),
            "cpu" if was_header => header.cpu = Some(value.to_owned()),
            _ if KEYS.contains(&key) || (is_comment && self.is_own && OWN_KEYS.contains(&key)) => {
                header.notes.insert(key.to_owned(), value.to_owned());
            }
            _ => return false,
        }
        true
    }

    /// The run that a result of now belongs to.
    fn run(&mut self) -> &mut Run {
        let facts = self.header.facts();
        let is_same = self.runs.last().is_some_and(|run| {
            let known = &run.draft.facts;
            known.suite == facts.suite
                && known.environment == facts.environment
                && known.revision == facts.revision
        });
        let is_fresh = self
            .runs
            .last()
            .is_some_and(|run| run.draft.results.is_empty() && run.begun.is_empty());
        if is_fresh {
            if let Some(run) = self.runs.last_mut() {
                run.draft.facts = facts;
            }
        } else if !is_same {
            self.runs.push(Run {
                draft: Draft {
                    facts,
                    ..Draft::default()
                },
                ..Run::default()
            });
        }
        let last = self.runs.len() - 1;
        &mut self.runs[last]
    }

    fn split(&self, name: &str) -> (String, Params) {
        name::split(name, self.is_own)
    }
}

impl Header {
    fn facts(&self) -> Facts {
        let note = |key: &str| self.notes.get(key).cloned();
        let time = |key: &str| {
            self.notes
                .get(key)
                .and_then(|text| text.parse::<Timestamp>().ok())
        };
        let mut facts = Facts {
            suite: self.pkg.clone().unwrap_or_else(|| "go".to_owned()),
            suite_version: note("suite-version"),
            runner: "go test",
            runner_version: note("toolchain").or_else(|| note("runner-version")),
            started_at: time("started"),
            finished_at: time("finished"),
            ..Facts::default()
        };
        facts.revision.commit = note("commit").filter(|commit| is_hash(commit));
        facts.revision.branch = note("branch");
        facts.revision.repository = note("repository");
        facts.revision.committed_at = time("commit-time");
        facts.environment.name = note("environment");
        facts.environment.os = self.goos.clone();
        facts.environment.arch = self
            .goarch
            .as_deref()
            .map(|arch| architecture(arch).to_owned());
        facts.environment.cpu_model = self.cpu.clone();
        facts
    }
}

/// Go's names of architectures, and ours.
pub(crate) const ARCHITECTURES: [(&str, &str); 3] =
    [("amd64", "x86_64"), ("arm64", "aarch64"), ("386", "x86")];

fn architecture(go: &str) -> &str {
    ARCHITECTURES
        .iter()
        .find(|(name, _)| *name == go)
        .map_or(go, |(_, ours)| ours)
}

/// `--- FAIL: BenchmarkName/case-8`, `--- SKIP: …` and `--- BENCH: …`: how it ended, and its name.
fn ending<'a>(words: &[Word<'a>]) -> Option<(Option<Status>, &'a str)> {
    let [dashes, how, name, ..] = words else {
        return None;
    };
    let name = name
        .text
        .strip_prefix("Benchmark")
        .filter(|_| dashes.text == "---")?;
    match how.text {
        "FAIL:" => Some((Some(Status::Failed), name)),
        "SKIP:" => Some((Some(Status::Skipped), name)),
        "BENCH:" => Some((None, name)),
        _ => None,
    }
}

/// `key: value`, and whether it stands behind `# `.
fn key_value(text: &str) -> Option<(bool, &str, &str)> {
    let (is_comment, text) = match text.strip_prefix("# ") {
        Some(comment) => (true, comment),
        None => (false, text),
    };
    let (key, value) = text.split_once(':')?;
    let value = value.trim();
    let is_key = key.starts_with(char::is_lowercase) && !key.contains(char::is_whitespace);
    (is_key && !value.is_empty()).then_some((is_comment, key, value))
}

fn is_hash(text: &str) -> bool {
    (7..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn without_cpu(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((path, cpu)) if name::is_cpu_count(cpu) => path,
        _ => name,
    }
}
