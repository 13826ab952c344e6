//! What the template of a comparison shows.

use std::cmp::Reverse;

use askama::Template;
use bench_report::metric::format_change;
use bench_verdict::verdict::Evidence;

use super::facets::{Choice, facets};
use super::opened::Opened;
use super::pick::Candidate;
use super::query::{Open, Show, View};
use super::table::{Group, Shown, shown};
use crate::analysis::compare::{Comparison, Geomean, Row, RowSeries, RunComparison};
use crate::analysis::pull::{BaseChoice, Push};
use crate::analysis::verdict::status_word;
use crate::chart::interval::scale as bar_scale;
use crate::domain::{Millis, Run, SeriesId};
use crate::text;
use crate::web::pages::verdict::{VerdictView, status_class, status_verb};
use crate::web::pages::{Shell, links};
use crate::web::sides::Compared;

/// So many reasons are listed; all of them are in the JSON.
const REASONS: usize = 60;

/// What is compared, and where that is found.
pub(super) struct Subject {
    /// The page without its query.
    pub(super) path: String,
    /// The same as JSON.
    pub(super) json: String,
    /// The same as one file, where both sides were measured.
    pub(super) file: Option<String>,
    /// The pull request on GitHub, or what lies between both commits.
    pub(super) github: Option<String>,
    /// As the reader named them: base, head.
    pub(super) names: (String, String),
    /// The text of the comment.
    pub(super) markdown: String,
    pub(super) pull: Option<PullPart>,
}

/// What a pull request has beside its comparison.
pub(super) struct PullPart {
    pub(super) number: u64,
    pub(super) base: Option<BaseChoice>,
    pub(super) since: Option<String>,
    /// The push that is shown.
    pub(super) current: usize,
    /// Older pushes that are not compared.
    pub(super) earlier: usize,
    pub(super) pushes: Vec<Push>,
}

#[derive(Template)]
#[template(path = "compare.html")]
pub(super) struct ComparePage {
    shell: Shell,
    title: String,
    pull: Option<u64>,
    is_sample: bool,
    mark: Option<VerdictView>,
    sentence: String,
    lead: Lead,
    gate: String,
    gate_class: &'static str,
    exit_code: u8,
    facts: Vec<(String, String)>,
    markdown: String,
    json: String,
    file: Option<String>,
    github: Option<String>,
    names: (String, String),
    recent: Vec<Candidate>,
    reasons: Vec<String>,
    more_reasons: usize,
    since: Option<String>,
    pushes: Vec<PushRow>,
    earlier: usize,
    facets: Vec<(&'static str, Vec<Choice>)>,
    more_facets: Vec<(&'static str, Vec<Choice>)>,
    is_narrowed: bool,
    scale: String,
    groups: Vec<Group>,
    lost: Vec<Lost>,
    lost_note: String,
    not_available: Vec<String>,
    fresh: Vec<String>,
    quiet: Option<Quiet>,
    shown_note: String,
    older: Option<String>,
    newer: Option<String>,
}

/// `Head 7be91d4 against its merge base 9f3c2ab, …`
struct Lead {
    subject: String,
    head: String,
    head_url: String,
    base: String,
    base_url: Option<String>,
    /// What stands after `against`; empty: the base's name.
    base_text: String,
}

struct PushRow {
    number: usize,
    url: String,
    is_current: bool,
    commit: String,
    subject: String,
    status: &'static str,
    class: &'static str,
    slower: usize,
    faster: usize,
    worst: Option<(VerdictView, String, String)>,
    when: String,
}

struct Lost {
    is_failure: bool,
    what: String,
    why: String,
}

/// What did not change, folded.
struct Quiet {
    count: usize,
    text: String,
    url: String,
}

impl ComparePage {
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a different part of the page, and the page is made in one place"
    )]
    pub(super) fn new(
        shell: Shell,
        view: &View,
        subject: Subject,
        sides: Option<&Compared>,
        (compared, head): (&RunComparison, &Run),
        opened: Vec<(SeriesId, Opened)>,
        recent: Vec<Candidate>,
        now: Millis,
    ) -> Self {
        let comparison = &compared.comparison;
        let status = status_word(comparison.status);
        let rows: Vec<(&Row, &RowSeries)> = comparison.rows.iter().zip(&compared.series).collect();
        let Shown {
            groups,
            note,
            older,
            newer,
        } = shown(view, &subject.path, &rows, comparison.threshold, opened);
        let pull = subject.pull.as_ref();
        let mut facets = facets(view, &subject.path, &rows, comparison);
        let more_facets = facets.split_off(facets.len().min(2));
        Self {
            shell,
            title: match pull {
                Some(pull) => format!("Pull request {}", pull.number),
                None => format!("{} … {}", comparison.base.name, comparison.head.name),
            },
            pull: pull.map(|pull| pull.number),
            is_sample: sides.is_some_and(|s| s.head.environment.is_sample),
            mark: mark(comparison),
            sentence: comparison.sentence.clone(),
            lead: lead(comparison, head, pull.and_then(|pull| pull.base.as_ref())),
            gate: status_verb(status).to_owned(),
            gate_class: status_class(status),
            exit_code: comparison.exit_code.code(),
            facts: facts(comparison, sides, head, now),
            markdown: subject.markdown,
            json: subject.json,
            file: subject.file,
            github: subject.github,
            names: subject.names,
            recent,
            more_reasons: comparison.reasons.len().saturating_sub(REASONS),
            reasons: comparison.reasons.iter().take(REASONS).cloned().collect(),
            since: pull.and_then(|pull| pull.since.clone()),
            pushes: pull.map_or_else(Vec::new, |pull| pushes(pull, &subject.path, now)),
            earlier: pull.map_or(0, |pull| pull.earlier),
            facets,
            more_facets,
            is_narrowed: view.is_narrowed(),
            scale: bar_scale(),
            groups,
            lost: lost(comparison),
            lost_note: lost_note(comparison),
            not_available: comparison.coverage.not_available.clone(),
            fresh: comparison.coverage.new.clone(),
            quiet: quiet(view, &subject.path, &rows, comparison.threshold),
            shown_note: note,
            older,
            newer,
        }
    }
}

/// The worst confirmed band; of a comparison that only got better, that.
fn mark(comparison: &Comparison) -> Option<VerdictView> {
    let sure = || comparison.rows.iter().filter(|row| row.is_sure());
    let worst = sure()
        .filter(|row| row.is_slower())
        .max_by_key(|row| row.band.severity());
    let row = worst.or_else(|| sure().find(|row| row.is_faster()))?;
    Some(VerdictView::new(row.band, row.evidence))
}

fn lead(comparison: &Comparison, head: &Run, choice: Option<&BaseChoice>) -> Lead {
    let base = &comparison.base;
    Lead {
        subject: head.revision.subject.clone().unwrap_or_default(),
        head: comparison.head.name.clone(),
        head_url: links::run(head.id),
        base: base.name.clone(),
        base_url: base.run_id.map(|id| links::run(crate::domain::RunId(id))),
        base_text: choice.map_or_else(String::new, |choice| choice.text.clone()),
    }
}

fn facts(
    comparison: &Comparison,
    sides: Option<&Compared>,
    head: &Run,
    now: Millis,
) -> Vec<(String, String)> {
    let coverage = &comparison.coverage;
    let lost = match (coverage.missing.len(), coverage.failed.len()) {
        (0, 0) => " series compared".to_owned(),
        (missing, failed) => {
            format!(" series compared: {missing} missing, {failed} failed")
        }
    };
    let mut facts = vec![(
        format!("{} of {}", coverage.measured, coverage.expected),
        lost,
    )];
    let rounds = sides
        .and_then(|sides| sides.head.pair.as_ref())
        .filter(|_| comparison.paired)
        .map(|pair| {
            let mut rounds = pair.rounds.clone();
            rounds.sort_unstable();
            rounds.dedup();
            rounds.len()
        });
    let plain = |text: String| (String::new(), text);
    facts.push(plain(match rounds {
        Some(rounds) => format!("paired, {}", text::plural(rounds as u64, "round", "rounds")),
        None => "not paired: one side after the other".to_owned(),
    }));
    facts.push(plain(format!(
        "{}, {} {} UTC, {}",
        head.environment_name,
        text::day_near(head.started_at, now),
        text::clock(head.started_at),
        text::duration(head.finished_at.0.saturating_sub(head.started_at.0))
    )));
    // The units that most rows have; all of them are in the Markdown.
    let rows_of = |unit: &str| {
        comparison
            .rows
            .iter()
            .filter(|row| row.unit == unit)
            .count()
    };
    let mut units: Vec<&Geomean> = comparison.geomean.iter().collect();
    units.sort_by_key(|mean| Reverse(rows_of(&mean.unit)));
    let means: Vec<String> = units
        .into_iter()
        .take(2)
        .filter(|mean| mean.change.is_some())
        .map(Geomean::to_string)
        .collect();
    if !means.is_empty() {
        facts.push((
            means.join(", "),
            " geometric mean of after ÷ before".to_owned(),
        ));
    }
    facts
}

fn pushes(pull: &PullPart, path: &str, now: Millis) -> Vec<PushRow> {
    let count = pull.pushes.len();
    let rows = pull
        .pushes
        .iter()
        .enumerate()
        .rev()
        .map(|(at, push)| PushRow {
            number: push.number,
            url: if at + 1 == count {
                path.to_owned()
            } else {
                format!("{path}?push={}", push.number)
            },
            is_current: push.number == pull.current,
            commit: push.commit.get(..7).unwrap_or(&push.commit).to_owned(),
            subject: push.subject.clone().unwrap_or_default(),
            status: push.status,
            class: status_class(push.status),
            slower: push.slower,
            faster: push.faster,
            worst: push.worst.as_ref().map(|row| {
                (
                    VerdictView::new(row.band, row.evidence),
                    row.change
                        .map_or_else(|| "from 0".to_owned(), format_change),
                    bench_report::metric::series_text(&row.benchmark, &row.metric, &row.params),
                )
            }),
            when: format!(
                "{} {}",
                text::day_near(push.started_at, now),
                text::clock(push.started_at)
            ),
        });
    rows.collect()
}

fn lost(comparison: &Comparison) -> Vec<Lost> {
    let coverage = &comparison.coverage;
    let failed = coverage.failed.iter().map(|text| {
        let (what, why) = text.split_once(": ").unwrap_or((text, ""));
        Lost {
            is_failure: true,
            what: what.to_owned(),
            why: why.to_owned(),
        }
    });
    let missing = coverage.missing.iter().map(|what| Lost {
        is_failure: false,
        what: what.clone(),
        why: String::new(),
    });
    failed.chain(missing).collect()
}

fn lost_note(comparison: &Comparison) -> String {
    let coverage = &comparison.coverage;
    format!(
        "{}: coverage is incomplete; by itself this is exit 4",
        coverage.missing.len() + coverage.failed.len()
    )
}

/// What did not change: how many, and how small a change each could have shown.
fn quiet(view: &View, path: &str, rows: &[(&Row, &RowSeries)], threshold: f64) -> Option<Quiet> {
    if view.show != Show::Changed {
        return None;
    }
    let quiet = || {
        rows.iter()
            .filter(|(row, series)| view.is_of(row, series) && !view.show.takes(row))
            .map(|(row, _)| row)
    };
    let count = quiet().count();
    // A count shows any change.
    let seen = || {
        quiet()
            .filter(|row| row.evidence != Evidence::Exact)
            .filter_map(|row| row.detectable_change)
    };
    let (low, high) = (
        seen().fold(f64::INFINITY, f64::min),
        seen().fold(0.0, f64::max),
    );
    let text = if low.is_finite() {
        let below = if high <= threshold {
            ", all below the gate"
        } else {
            ""
        };
        format!(
            "The smallest change they could have shown is {:.1}–{:.1}%{below}",
            low * 100.0,
            high * 100.0
        )
    } else {
        String::new()
    };
    let all = View {
        show: Show::All,
        open: Open::None,
        page: 1,
        ..view.clone()
    };
    (count > 0).then(|| Quiet {
        count,
        text,
        url: format!("{}#series", all.url(path)),
    })
}
