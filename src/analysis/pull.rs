//! A pull request: its pushes, each against the right base, and whether the last one fixed it.
//!
//! The right base is the merge base measured in the same interleaved run; else the merge base
//! measured on the same machine; else its nearest measured ancestor there; and what stands in for
//! it is always said. "The last run" is no base.

use std::sync::Arc;

use bench_verdict::comparison::{Side, Sides};
use bench_verdict::exit::Status;
use bench_verdict::gate::GateOptions;
use bench_verdict::verdict::Coverage;
use serde::Serialize;

use super::compare::{Comparison, Row, RunComparison, side_name};
use super::verdict::status_word;
use crate::domain::{Millis, Run, RunId};

/// What a push is compared with, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseKind {
    /// The other side of the same interleaved run.
    Paired,
    /// The merge base, measured apart on the same machine.
    MergeBase,
    /// The nearest ancestor of the merge base that was measured on the same machine.
    Ancestor,
    /// Main's newest run before the push; whether it is an ancestor is not known.
    MainBefore,
}

/// Runs that may be the base of a push; all but the paired one are of its machine and suite
/// version.
#[derive(Debug, Clone, Default)]
pub struct Bases {
    /// The other side of its pair.
    pub paired: Option<Run>,
    /// A run at its merge base.
    pub merge_base: Option<Run>,
    /// The newest run of main that is surely not after the merge base.
    pub ancestor: Option<Run>,
    /// The newest run of main before the push.
    pub main_before: Option<Run>,
}

/// The base that was chosen, and how it is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BaseChoice {
    /// How good it is.
    pub kind: BaseKind,
    /// The run.
    pub run_id: RunId,
    /// Its commit.
    pub commit: String,
    /// A part of a sentence: `against …`.
    pub text: String,
}

/// Chooses the base of a push.
pub fn choose(head: &Run, bases: Bases) -> Option<(Run, BaseChoice)> {
    let named = head.revision.base_commit.as_deref();
    let short = |commit: &str| commit.get(..7).unwrap_or(commit).to_owned();
    let of_base = named.map_or_else(
        || "the merge base (which the report does not name)".to_owned(),
        |commit| format!("the merge base {}", short(commit)),
    );
    let candidates = [
        (BaseKind::Paired, bases.paired),
        (BaseKind::MergeBase, bases.merge_base),
        (BaseKind::Ancestor, bases.ancestor),
        (BaseKind::MainBefore, bases.main_before),
    ];
    let (kind, run) = candidates
        .into_iter()
        .find_map(|(kind, run)| Some((kind, run?)))?;
    let commit = run.revision.commit.clone();
    let at = short(&commit);
    let is_named = named.is_none_or(|named| named == commit);
    let text = match kind {
        BaseKind::Paired if is_named => {
            format!("its merge base {at}, both measured in one interleaved run")
        }
        BaseKind::Paired => {
            format!("{at}, both measured in one interleaved run; {of_base} is another commit")
        }
        BaseKind::MergeBase => format!(
            "its merge base {at}, measured on the same machine in run {}, not interleaved",
            run.id
        ),
        BaseKind::Ancestor => format!(
            "{at}, the nearest ancestor of {of_base} that was measured on this machine (run {})",
            run.id
        ),
        BaseKind::MainBefore => format!(
            "{at}, the newest of main on this machine before the push (run {}): whether it is an \
             ancestor of {of_base} is not known",
            run.id
        ),
    };
    let choice = BaseChoice {
        kind,
        run_id: run.id,
        commit,
        text,
    };
    Some((run, choice))
}

/// One push, compared.
#[derive(Debug, Clone)]
pub struct ComparedPush {
    /// Its run.
    pub run: Run,
    /// What it is compared with; none: nothing could be found.
    pub base: Option<BaseChoice>,
    /// The comparison.
    pub compared: Arc<RunComparison>,
}

/// A push in the list of pushes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Push {
    /// Counted from 1, in the order in which they were measured.
    pub number: usize,
    /// Its run.
    pub run_id: RunId,
    /// Its commit.
    pub commit: String,
    /// First line of the commit's message.
    pub subject: Option<String>,
    /// When it was measured.
    #[serde(skip)]
    pub started_at: Millis,
    /// What the gate says of it.
    pub status: &'static str,
    /// The same as a number.
    pub exit_code: u8,
    /// Series surely slower.
    pub slower: usize,
    /// Series surely faster.
    pub faster: usize,
    /// The row that matters most, if any left its band.
    pub worst: Option<Row>,
    /// What it is compared with.
    pub base: Option<BaseChoice>,
}

/// What a pull request's report says: the comparison of the last push, and the pushes before it.
#[derive(Debug, Clone, Serialize)]
pub struct PullReport {
    /// Its number.
    pub pull: u64,
    /// The last push, compared.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// What the last push is compared with.
    pub base_choice: Option<BaseChoice>,
    /// What the last push did to what the one before it had; none for a first push.
    pub since: Option<String>,
    /// All pushes that were compared, the oldest first.
    pub pushes: Vec<Push>,
}

/// Makes the report of a pull request from its pushes, which are in the order of time. None
/// without a push.
pub fn report(pull: u64, pushes: &[ComparedPush], earlier: usize) -> Option<PullReport> {
    let last = pushes.last()?;
    let list: Vec<Push> = (earlier + 1..)
        .zip(pushes)
        .map(|(number, push)| push_of(number, push))
        .collect();
    Some(PullReport {
        pull,
        comparison: last.compared.comparison.clone(),
        base_choice: last.base.clone(),
        since: since(&list),
        pushes: list,
    })
}

impl PullReport {
    /// The report as Markdown: the text of the comment. `link` is the page's address, if the server
    /// knows one.
    pub fn markdown(&self, link: Option<&str>) -> String {
        let mut lines = Vec::new();
        lines.push(match &self.base_choice {
            Some(choice) => format!("Compared with {}.", choice.text),
            None => "No base of this pull request was measured on this machine.".to_owned(),
        });
        lines.extend(self.since.iter().map(|since| format!("{since}.")));
        if let Some(link) = link {
            lines.push(format!("[All rows, samples and history]({link})"));
        }
        super::compare::markdown(&self.comparison, &lines)
    }
}

fn push_of(number: usize, push: &ComparedPush) -> Push {
    let comparison = &push.compared.comparison;
    let (slower, faster) = comparison.slower_and_faster();
    let revision = &push.run.revision;
    Push {
        number,
        run_id: push.run.id,
        commit: revision.commit.clone(),
        subject: revision.subject.clone(),
        started_at: push.run.started_at,
        status: status_word(comparison.status),
        exit_code: comparison.exit_code.code(),
        slower,
        faster,
        worst: worst(&comparison.rows),
        base: push.base.clone(),
    }
}

/// The surest of the worst: confirmed before likely, then the largest.
fn worst(rows: &[Row]) -> Option<Row> {
    let left = |row: &&Row| row.is_slower();
    let size = |row: &Row| row.change.unwrap_or(f64::INFINITY);
    rows.iter()
        .filter(left)
        .max_by(|a, b| (b.evidence.cmp(&a.evidence)).then(size(a).total_cmp(&size(b))))
        .cloned()
}

/// What the last push did.
fn since(pushes: &[Push]) -> Option<String> {
    let (last, before) = pushes.split_last()?;
    let previous = before.last()?;
    let fail = status_word(Status::Fail);
    let failed: Vec<&Push> = before.iter().filter(|push| push.status == fail).collect();
    Some(match (last.status == fail, failed.last()) {
        (false, Some(push)) if last.exit_code == 0 => format!(
            "The last push fixed it: push {} failed the gate, push {} passes",
            push.number, last.number
        ),
        (false, Some(push)) => format!(
            "Push {} failed the gate; whether push {} fixed it is not decided",
            push.number, last.number
        ),
        (true, Some(_)) if previous.status == fail => format!(
            "The last push did not fix it: slower series went {}",
            counts(pushes)
        ),
        (true, _) => format!(
            "The last push made it slower: push {} did not fail the gate",
            previous.number
        ),
        (false, None) => format!(
            "No push failed the gate: slower series went {}",
            counts(pushes)
        ),
    })
}

/// `5, 4, 2`
fn counts(pushes: &[Push]) -> String {
    let counts: Vec<String> = pushes.iter().map(|push| push.slower.to_string()).collect();
    counts.join(", ")
}

/// What is said of a push that nothing can be compared with: incomplete, never green.
pub fn without_base(head: &Run, series: usize, options: &GateOptions) -> RunComparison {
    let side = |name: String| Side {
        name,
        ..Side::default()
    };
    let named = head.revision.base_commit.as_deref();
    let base = named.map_or_else(
        || "no base".to_owned(),
        |commit| commit.get(..7).unwrap_or(commit).to_owned(),
    );
    let sides = Sides {
        base: side(base.clone()),
        head: Side {
            run_id: Some(head.id.0),
            commit: Some(head.revision.commit.clone()),
            branch: head.revision.branch.clone(),
            environment: Some(head.environment_name.clone()),
            started_at: Some(head.started_at.timestamp().to_string()),
            ..side(side_name(head))
        },
        coverage: Coverage {
            expected: series,
            ..Coverage::default()
        },
        ..Sides::default()
    };
    let mut comparison = Comparison::judge(sides, &[], options);
    let what = format!(
        "neither the merge base ({base}) nor an ancestor of it was measured on {}",
        head.environment_name
    );
    comparison.sentence = format!("Nothing to compare with: {what}");
    comparison.reasons.insert(0, what);
    RunComparison {
        comparison,
        series: Vec::new(),
    }
}
