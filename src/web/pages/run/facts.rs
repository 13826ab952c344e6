//! What is known of a run's machine and of its moment, and what differs from the run before.

use crate::analysis::run_report::{Difference, RunReport};
use crate::domain::{Environment, Run, RunId};
use crate::text;

/// Something known of the machine or its moment.
#[derive(Debug, Clone)]
pub(super) struct Fact {
    pub(super) label: String,
    pub(super) value: String,
    /// What it was in the run before, where it differs.
    pub(super) was: Option<String>,
    /// Several values of one label, one a line.
    pub(super) more: Vec<String>,
}

/// What is known of the machine, and how it measured, with what differs from the run before.
pub(super) fn facts(
    run: &Run,
    environment: &Environment,
    report: &RunReport,
) -> (Vec<Fact>, Vec<Fact>) {
    let known: Vec<&(String, String)> = environment
        .facts
        .iter()
        .chain(&run.options)
        .chain(&run.conditions)
        .collect();
    let difference =
        |label: &str| -> Option<&Difference> { report.differs.iter().find(|d| d.label == label) };
    let mut facts: Vec<Fact> = known
        .iter()
        .map(|(label, value)| Fact {
            label: label.clone(),
            value: value.clone(),
            was: difference(label)
                .map(|d| d.before.clone().unwrap_or_else(|| "not known".to_owned())),
            more: Vec::new(),
        })
        .collect();
    let mut conditions = facts.split_off(environment.facts.len());
    fold_labels(&mut facts);
    fold_labels(&mut conditions);
    for gone in report
        .differs
        .iter()
        .filter(|d| known.iter().all(|k| k.0 != d.label))
    {
        conditions.push(Fact {
            label: gone.label.clone(),
            value: gone
                .now
                .clone()
                .unwrap_or_else(|| "not available".to_owned()),
            more: Vec::new(),
            was: Some(
                gone.before
                    .clone()
                    .unwrap_or_else(|| "not known".to_owned()),
            ),
        });
    }
    (facts, conditions)
}

/// A label that stands there several times, such as what disturbed which benchmark, is one row.
fn fold_labels(facts: &mut Vec<Fact>) {
    let mut folded: Vec<Fact> = Vec::with_capacity(facts.len());
    for fact in facts.drain(..) {
        match folded.iter_mut().find(|known| known.label == fact.label) {
            Some(known) => {
                if known.more.is_empty() {
                    known.more.push(std::mem::take(&mut known.value));
                    known.was = None;
                }
                known.more.push(fact.value);
                known.value = known.more.len().to_string();
            }
            None => folded.push(fact),
        }
    }
    *facts = folded;
}

pub(super) fn compared(report: &RunReport, before: Option<RunId>) -> String {
    match (before, report.differs.len()) {
        (None, _) => "no run before it to compare with".to_owned(),
        (Some(id), 0) => format!("the same as run {id}"),
        (Some(id), n) => format!(
            "{} from run {id}",
            text::plural(n as u64, "difference", "differences")
        ),
    }
}
