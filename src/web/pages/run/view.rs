//! What the template of a stored run shows.

use askama::Template;

use super::facts::{Fact, compared, facts};
use super::sweeps::Sweep;
use super::timelines::Timeline;
use crate::analysis::explain::Row;
use crate::analysis::order;
use crate::analysis::run_report::RunReport;
use crate::analysis::symptom::{Symptom, symptoms};
use crate::domain::{Environment, Judged, Millis, Run, RunId, RunKind, SeriesId};
use crate::text;
use crate::web::pages::annotations::NoteView;
use crate::web::pages::profile::ProfileLink;
use crate::web::pages::rows::{Cell, JudgedView};
use crate::web::pages::verdict::{VerdictView, status_class, status_verb};
use crate::web::pages::{Shell, links};

/// So many rows that left their band are listed before the reader asks for all.
const MOST_FLAGGED: usize = 60;

/// So many reasons of the gate are seen at once.
const MOST_REASONS: usize = 5;

/// A list of more rows is folded: what is plain in it opens.
const FOLDED_ABOVE: usize = 20;

/// So many rows a page, when all are listed: a page of rows stays below 300 kB.
pub(super) const MOST_ROWS: usize = 200;

/// What the page has beside the report.
pub(super) struct Extras {
    pub(super) before: Option<RunId>,
    pub(super) timelines: Vec<Timeline>,
    pub(super) sweeps: Vec<Sweep>,
    pub(super) profiles: Vec<ProfileLink>,
    pub(super) notes: Vec<NoteView>,
    pub(super) shows_all: bool,
    pub(super) only: Option<String>,
    /// Which page of the rows, from 0.
    pub(super) page: usize,
    /// So many rows a page.
    pub(super) most: usize,
    /// A series, and every number behind its verdict.
    pub(super) opened: Option<(SeriesId, Vec<Row>)>,
    pub(super) now: Millis,
}

#[derive(Template)]
#[template(path = "run.html")]
pub(super) struct RunPage {
    shell: Shell,
    id: RunId,
    kind: RunKind,
    is_sample: bool,
    sentence: String,
    mark: Option<VerdictView>,
    of: String,
    commit: String,
    subject: String,
    author: String,
    when: String,
    suite: String,
    gate: String,
    gate_class: &'static str,
    exit_code: u8,
    reasons: Vec<String>,
    /// What has no room beside the other sections, and opens.
    more_reasons: Vec<String>,
    excluded: Option<String>,
    is_dirty: bool,
    environment: String,
    facts: Vec<Fact>,
    /// How it was measured: the runner's options, and the machine's moment.
    conditions: Vec<Fact>,
    compared: String,
    coverage: String,
    benchmarks: Vec<BenchmarkRow>,
    series_total: usize,
    flagged_total: Cell,
    lost_total: Cell,
    losses: Vec<Loss>,
    not_available: Vec<String>,
    flags: Vec<(String, bool)>,
    targets: Vec<TargetLine>,
    timelines: Vec<Timeline>,
    sweeps: Vec<Sweep>,
    /// Where to look first: text and address.
    symptoms: Vec<(String, String)>,
    profiles: Vec<ProfileLink>,
    notes: Vec<NoteView>,
    shows_all: bool,
    only: Option<String>,
    rows_note: String,
    groups: Vec<Group>,
    all_url: String,
    all_count: usize,
    flagged_url: String,
    pages: Vec<(String, String)>,
    before: Option<(RunId, String)>,
}

struct BenchmarkRow {
    name: String,
    url: String,
    rows_url: String,
    mark: Option<VerdictView>,
    series: usize,
    flagged: Cell,
    lost: Cell,
}

/// An expected series without a value.
struct Loss {
    what: String,
    is_failure: bool,
}

/// A target that is missed, or how many are met.
struct TargetLine {
    text: String,
    is_missed: bool,
}

/// Rows under one heading, which opens and closes; none for a list that is not grouped.
struct Group {
    heading: String,
    /// How many of what.
    note: String,
    /// The heading is the benchmark of all rows.
    is_benchmark: bool,
    is_open: bool,
    rows: Vec<RunRow>,
}

/// A row that opens.
struct RunRow {
    series_id: SeriesId,
    judged: JudgedView,
    /// Opens it, or closes it.
    url: String,
    /// Every number behind the verdict, where it is open.
    explained: Vec<Row>,
    left_band: bool,
}

impl RunPage {
    pub(super) fn new(
        shell: Shell,
        run: &Run,
        environment: &Environment,
        report: &RunReport,
        extras: Extras,
    ) -> Self {
        let revision = &run.revision;
        let own = links::run(run.id);
        let count = |n: usize| Cell(u32::try_from(n).unwrap_or(u32::MAX));
        let (groups, rows_note, listed) = groups(report, &extras, &own);
        let pages = pages(&own, &extras, report.flagged == 0, listed);
        let coverage = &run.coverage;
        let all = report.gate.reasons.as_slice();
        let most = if all.len() > MOST_REASONS + 1 {
            MOST_REASONS
        } else {
            all.len()
        };
        let (reasons, more_reasons) = all.split_at(most);
        let (facts, conditions) = facts(run, environment, report);
        Self {
            shell,
            id: run.id,
            kind: run.kind,
            is_sample: environment.is_sample || run.kind == RunKind::Sample,
            sentence: report.headline.text.clone(),
            mark: report.headline.mark.map(|(b, e)| VerdictView::new(b, e)),
            of: match (revision.pull, &revision.branch) {
                (Some(pull), _) => format!("pull {pull} at"),
                (None, Some(branch)) => format!("{branch} at"),
                (None, None) => "commit".to_owned(),
            },
            commit: revision.short().to_owned(),
            subject: revision.subject.clone().unwrap_or_default(),
            author: revision
                .author
                .as_deref()
                .map_or_else(String::new, text::initials),
            when: format!(
                "{} {}–{} UTC, {}",
                text::day_near(run.started_at, extras.now),
                text::clock(run.started_at),
                text::clock(run.finished_at),
                text::duration(run.finished_at.0.saturating_sub(run.started_at.0))
            ),
            suite: format!("{} {}", run.suite, run.suite_version),
            gate: status_verb(&report.gate.status).to_owned(),
            gate_class: status_class(&report.gate.status),
            exit_code: report.gate.exit_code,
            reasons: reasons.to_vec(),
            more_reasons: more_reasons.to_vec(),
            excluded: run.excluded.clone(),
            is_dirty: revision.dirty,
            environment: environment.name.clone(),
            facts,
            conditions,
            compared: compared(report, extras.before),
            coverage: format!(
                "{} of {} · {} missing, {} failed, {} new",
                coverage.measured,
                coverage.expected,
                coverage.missing.len(),
                coverage.failed.len(),
                coverage.new.len()
            ),
            benchmarks: report
                .benchmarks
                .iter()
                .map(|b| BenchmarkRow {
                    name: b.name.clone(),
                    url: links::benchmark(&b.name),
                    rows_url: links::run_rows(run.id, &b.name),
                    mark: b
                        .mark
                        .map(|(band, evidence)| VerdictView::new(band, evidence)),
                    series: b.series,
                    flagged: count(b.flagged),
                    lost: count(b.lost),
                })
                .collect(),
            series_total: report.rows.len(),
            flagged_total: count(report.flagged),
            lost_total: count(coverage.missing.len() + coverage.failed.len()),
            losses: losses(run),
            not_available: coverage.not_available.clone(),
            flags: report
                .red_flags
                .iter()
                .map(|f| {
                    let detail = if f.detail.is_empty() {
                        "not available"
                    } else {
                        &f.detail
                    };
                    (format!("{}: {detail}", f.name), f.raised == Some(true))
                })
                .collect(),
            targets: targets(report),
            timelines: extras.timelines,
            sweeps: extras.sweeps,
            profiles: extras.profiles,
            symptoms: links_to_help(&report.rows),
            notes: extras.notes,
            shows_all: extras.shows_all || (report.flagged == 0 && extras.only.is_none()),
            only: extras.only,
            rows_note,
            groups,
            all_url: format!("{own}?show=all#measurements"),
            all_count: report.rows.len(),
            flagged_url: format!("{own}#measurements"),
            pages,
            before: extras.before.map(|id| (id, links::run(id))),
        }
    }
}

/// What the series that got worse point at, as rows of the help's table.
fn links_to_help(rows: &[Judged]) -> Vec<(String, String)> {
    let link = |(symptom, count): (Symptom, usize)| {
        let series = text::plural(count as u64, "series", "series");
        (
            format!("{} in {series}", symptom.name()),
            format!("/help#{}", symptom.anchor()),
        )
    };
    symptoms(rows).into_iter().map(link).collect()
}

fn losses(run: &Run) -> Vec<Loss> {
    let loss = |is_failure| {
        move |what: &String| Loss {
            what: what.clone(),
            is_failure,
        }
    };
    run.coverage
        .missing
        .iter()
        .map(loss(false))
        .chain(run.coverage.failed.iter().map(loss(true)))
        .collect()
}

fn targets(report: &RunReport) -> Vec<TargetLine> {
    let met = report
        .targets
        .iter()
        .filter(|t| t.met == Some(true))
        .count();
    let absent = report.targets.iter().filter(|t| t.met.is_none()).count();
    let mut text = format!("Targets: {met} of {} met", report.targets.len());
    if absent > 0 {
        text += &format!(", {absent} not available");
    }
    let mut lines = vec![TargetLine {
        text,
        is_missed: false,
    }];
    lines.extend(
        report
            .targets
            .iter()
            .filter(|t| t.met == Some(false))
            .map(|t| TargetLine {
                text: format!("missed: {}, {}", t.name, t.measured_by),
                is_missed: true,
            }),
    );
    lines
}

/// The URL of the rows as the reader sees them, with one thing more or less.
fn rows_url(own: &str, extras: &Extras, page: usize, open: Option<SeriesId>) -> String {
    let mut pairs = Vec::new();
    if let Some(only) = &extras.only {
        pairs.push(format!("benchmark={}", links::encode(only)));
    } else if extras.shows_all {
        pairs.push("show=all".to_owned());
    }
    if page > 0 {
        pairs.push(format!("page={}", page + 1));
    }
    if let Some(open) = open {
        pairs.push(format!("open={open}"));
    }
    let mark = if pairs.is_empty() { "" } else { "?" };
    let place = match open {
        Some(open) => format!("s{open}"),
        None => "measurements".to_owned(),
    };
    format!("{own}{mark}{}#{place}", pairs.join("&"))
}

/// The rows of an explanation, each part named at its first row only.
fn parts_once(rows: &[Row]) -> Vec<Row> {
    let mut before = "";
    let mut out = rows.to_vec();
    for row in &mut out {
        let part = row.part;
        if part == before {
            row.part = "";
        }
        before = part;
    }
    out
}

/// The pages beside this one, where not all rows have room.
fn pages(
    own: &str,
    extras: &Extras,
    nothing_flagged: bool,
    listed: usize,
) -> Vec<(String, String)> {
    let is_list = extras.only.is_some() || extras.shows_all || nothing_flagged;
    if !is_list {
        return Vec::new();
    }
    let mut pages = Vec::new();
    if extras.page > 0 {
        let url = rows_url(own, extras, extras.page - 1, None);
        pages.push((url, "Rows before".to_owned()));
    }
    if listed > (extras.page + 1).saturating_mul(extras.most) {
        let url = rows_url(own, extras, extras.page + 1, None);
        pages.push((url, "More rows".to_owned()));
    }
    pages
}

/// The rows that the reader asked for, what they are, and how many there are on all pages.
fn groups(report: &RunReport, extras: &Extras, own: &str) -> (Vec<Group>, String, usize) {
    let total = report.rows.len();
    let view = |row: &Judged| {
        let id = row.series.id;
        let opened = extras.opened.as_ref().filter(|(open, _)| *open == id);
        RunRow {
            series_id: id,
            judged: JudgedView::new(row),
            url: rows_url(own, extras, extras.page, opened.is_none().then_some(id)),
            explained: opened.map_or_else(Vec::new, |(_, rows)| parts_once(rows)),
            left_band: order::left_band(&row.judgement),
        }
    };
    let on_page = |rows: Vec<&Judged>| -> (Vec<RunRow>, String) {
        let first = extras.page.saturating_mul(extras.most);
        let listed = rows.len();
        let rows: Vec<RunRow> = rows
            .into_iter()
            .skip(first)
            .take(extras.most)
            .map(view)
            .collect();
        let note = match listed > extras.most {
            true => format!("{} to {} of ", first + 1, first + rows.len()),
            false => String::new(),
        };
        (rows, note)
    };
    if let Some(only) = &extras.only {
        let rows: Vec<&Judged> = report
            .rows
            .iter()
            .filter(|row| row.series.key.benchmark == *only)
            .collect();
        let listed = rows.len();
        let (rows, part) = on_page(rows);
        let note = format!("{part}{listed} of {total}, of {only}, worst first");
        return (vec![whole(rows)], note, listed);
    }
    if extras.shows_all || report.flagged == 0 {
        let mut rows: Vec<&Judged> = report.rows.iter().collect();
        rows.sort_by(|a, b| a.series.key.cmp(&b.series.key));
        let (rows, part) = on_page(rows);
        let mut groups: Vec<Group> = Vec::new();
        for row in rows {
            let benchmark = row.judged.series.benchmark.clone();
            match groups.last_mut() {
                Some(group) if group.heading == benchmark => group.rows.push(row),
                _ => groups.push(Group {
                    heading: benchmark,
                    is_benchmark: true,
                    ..whole(vec![row])
                }),
            }
        }
        for group in &mut groups {
            let left = group.rows.iter().filter(|row| row.left_band).count();
            group.note = text::plural(group.rows.len() as u64, "series", "series");
            if left > 0 {
                group.note += &format!(", {left} left the band");
            }
        }
        fold(&mut groups, |_| true);
        let note = match (report.flagged, part.is_empty()) {
            (0, true) => {
                format!("none of {total} left its band; all of them, benchmark by benchmark")
            }
            (0, false) => {
                format!("none of {total} left its band; {part}them, benchmark by benchmark")
            }
            (_, true) => format!("all {total}, benchmark by benchmark"),
            (_, false) => format!("{part}{total}, benchmark by benchmark"),
        };
        return (groups, note, total);
    }
    let rows: Vec<RunRow> = report
        .rows
        .iter()
        .filter(|row| order::left_band(&row.judgement))
        .take(MOST_FLAGGED)
        .map(view)
        .collect();
    let shown = rows.len();
    let note = match report.flagged {
        0 => format!("none of {total} left its band"),
        flagged if shown < flagged => {
            format!("{flagged} of {total} left their band; the worst {shown}")
        }
        flagged => format!("{flagged} of {total} left their band, worst first"),
    };
    if shown <= FOLDED_ABOVE {
        return (vec![whole(rows)], note, shown);
    }
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let band = row.judged.verdict.word;
        match groups.last_mut() {
            Some(group) if group.heading == band => group.rows.push(row),
            _ => groups.push(Group {
                heading: band.to_owned(),
                ..whole(vec![row])
            }),
        }
    }
    for group in &mut groups {
        group.note = text::plural(group.rows.len() as u64, "series", "series");
    }
    // The least that a band holds is 10%: what is below waits.
    fold(&mut groups, |group| {
        !matches!(group.heading.as_str(), "critical" | "warning")
    });
    (groups, note, shown)
}

/// Rows without a heading.
fn whole(rows: Vec<RunRow>) -> Group {
    Group {
        heading: String::new(),
        note: String::new(),
        is_benchmark: false,
        is_open: true,
        rows,
    }
}

/// Closes the groups that are plain where there are many rows; one that has the opened row stays open.
fn fold(groups: &mut [Group], is_plain: impl Fn(&Group) -> bool) {
    let rows: usize = groups.iter().map(|group| group.rows.len()).sum();
    if rows <= FOLDED_ABOVE || groups.len() < 2 {
        return;
    }
    for group in groups {
        let has_opened = group.rows.iter().any(|row| !row.explained.is_empty());
        group.is_open = has_opened || !is_plain(group);
    }
}
