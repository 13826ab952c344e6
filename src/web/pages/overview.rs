//! `/`: is main healthy tonight? One block an environment, the worst first.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Html;
use bench_report::metric::{format_change, format_factor};
use bench_verdict::verdict::{Band, Evidence};
use futures::future::try_join_all;

use super::alerts::row::{AlertRow, rows};
use super::creep::{CreepRow, creep_rows};
use super::proof::{self, ProofView};
use super::rows::{Cell, JudgedView, SeriesView};
use super::verdict::{VerdictView, change_class, status_class, status_verb};
use super::{Place, Reader, Shell, html, links, server_url, value};
use crate::analysis::overview::{
    Block, BlockInputs, Counts, Mover, NIGHTS_SHOWN, Night, RedFlag, SPARK_NIGHTS, TargetRow,
    blocks, night as night_of, series_to_draw,
};
use crate::chart::spark::spark;
use crate::domain::alert::AlertState;
use crate::domain::time::DAY_MS;
use crate::domain::{Environment, JudgedRun, Millis, Run, RunId, SeriesId};
use crate::store::{AlertFilter, RunFilter};
use crate::text;
use crate::web::{AppState, WebError};

/// `GET /`
pub async fn show(
    State(state): State<AppState>,
    reader: Reader,
    headers: HeaderMap,
) -> Result<Html<String>, WebError> {
    let shell = Shell::of(&state, reader, Place::Tonight).await?;
    let environments = state.store.environments().await?;
    let inputs = environments.iter().map(|e| load(&state, e.clone()));
    let inputs = try_join_all(inputs).await?;
    let now = state.now();
    let blocks = blocks(&inputs, now);
    if blocks.is_empty() {
        return html(&EmptyPage {
            shell,
            server: server_url(&state, &headers),
        });
    }
    let several = blocks.len() > 1;
    let mut views = Vec::with_capacity(blocks.len());
    for (i, block) in blocks.iter().enumerate() {
        let filter = AlertFilter {
            states: vec![AlertState::Open, AlertState::Acknowledged],
            environment: Some(block.environment.id),
            series: None,
        };
        let active = state.store.alerts(&filter).await?;
        let tonight = inputs
            .iter()
            .find(|one| one.environment.id == block.environment.id);
        let tonight = tonight.and_then(|one| one.tonight.as_ref());
        let mut alerts = rows(&state, &active, &environments).await?;
        for alert in &mut alerts {
            // The block says so already.
            alert.is_sample = false;
        }
        views.push(BlockView {
            alerts,
            creep: match tonight {
                Some(night) => creep_rows(&state.store, &night.rows, night.run.started_at).await?,
                None => Vec::new(),
            },
            proof: proof::load(
                &state,
                block.environment.id,
                block.environment.last_seen,
                now,
            )
            .await?,
            ..BlockView::new(block, i == 0, several, now)
        });
    }
    let blocks = views;
    html(&OverviewPage { shell, blocks })
}

/// What one block is made from.
async fn load(state: &AppState, environment: Environment) -> Result<BlockInputs, WebError> {
    let store = &state.store;
    let mut runs = store
        .latest_main_runs(environment.id, NIGHTS_SHOWN as u32)
        .await?;
    if runs.is_empty() {
        let newest = RunFilter {
            environment: Some(environment.id),
            limit: Some(1),
            ..RunFilter::default()
        };
        runs = store.runs(&newest).await?;
    }
    let mut runs = runs.into_iter();
    let tonight = match runs.next() {
        Some(run) => Some(store.judged(run).await?),
        None => None,
    };
    let earlier = try_join_all(runs.map(|run| earlier(state, run))).await?;
    let alerts = tonight.as_ref().map(standing).unwrap_or_default();
    let points = match &tonight {
        Some(tonight) => {
            let wanted = series_to_draw(tonight, &alerts);
            store
                .recent_points(&wanted, tonight.run.started_at, SPARK_NIGHTS)
                .await?
        }
        None => Vec::new(),
    };
    Ok(BlockInputs {
        environment,
        alerts,
        tonight,
        earlier,
        points,
    })
}

/// What the list of nights says of an earlier one. Nothing changes it but a write that touches it.
async fn earlier(state: &AppState, run: Run) -> Result<Night, WebError> {
    let (stamp, id) = (state.store.stamp(run.id), run.id);
    if let Some(night) = state.nights.get(&stamp, &id) {
        return Ok(night);
    }
    let night = night_of(&state.store.judged(run).await?);
    state.nights.keep(stamp, id, night.clone());
    Ok(night)
}

/// The alerts that stand against a night, by series.
fn standing(night: &JudgedRun) -> Vec<(SeriesId, i64)> {
    let rows = night.rows.iter();
    rows.filter_map(|row| Some((row.series.id, row.standing?.alert.0)))
        .collect()
}

#[derive(Template)]
#[template(path = "empty.html")]
struct EmptyPage {
    shell: Shell,
    server: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
    blocks: Vec<BlockView>,
}

/// One environment.
struct BlockView {
    /// The first has the page's `h1`.
    is_first: bool,
    /// Names its environment above the sentence: where there are several, or it is sample data.
    is_named: bool,
    is_sample: bool,
    environment: String,
    sentence: String,
    mark: Option<VerdictView>,
    coverage: String,
    coverage_note: String,
    gate: String,
    exit_code: u8,
    reasons: Vec<String>,
    run_id: String,
    run_url: String,
    branch: String,
    commit: String,
    subject: String,
    when: String,
    took: String,
    /// The runner's heartbeat and the canary.
    proof: ProofView,
    /// How old the newest night is, where that is older than a night should be.
    stale: String,
    total: u32,
    bands: Vec<BandRow>,
    quiet: Vec<QuietRow>,
    nights: Vec<NightRow>,
    targets: Vec<TargetView>,
    targets_note: String,
    /// Whether none of them was measured: another suite's night.
    targets_folded: bool,
    flags: Vec<FlagView>,
    flags_note: String,
    movers: Vec<MoverView>,
    movers_note: String,
    alerts: Vec<AlertRow>,
    creep: Vec<CreepRow>,
}

/// A band that a series can leave its baseline for.
struct BandRow {
    verdict: VerdictView,
    range: &'static str,
    confirmed: Cell,
    likely: Cell,
    inconclusive: Cell,
    noise: Cell,
    all: u32,
}

/// A band without evidence.
struct QuietRow {
    verdict: VerdictView,
    note: &'static str,
    all: u32,
}

struct NightRow {
    is_tonight: bool,
    day: String,
    iso: String,
    status: String,
    status_class: &'static str,
    counts: [(Cell, &'static str); 4],
    measured: String,
    is_complete: bool,
    commit: String,
    url: String,
}

struct TargetView {
    name: &'static str,
    measured_by: String,
    limit: String,
    reference: String,
    baseline: String,
    value: Option<String>,
    why_not: String,
    unit: &'static str,
    margin: String,
    is_missed: bool,
    change: String,
    change_class: &'static str,
    verdict: Option<VerdictView>,
}

struct FlagView {
    name: &'static str,
    detail: String,
    is_raised: bool,
}

struct MoverView {
    row: JudgedView,
    spark: String,
    since: String,
    alert: Option<i64>,
    /// How many more moved with it, where they are listed.
    others: Option<(String, String)>,
}

impl BlockView {
    fn new(block: &Block, is_first: bool, several: bool, now: Millis) -> Self {
        let run = &block.run;
        let coverage = &run.coverage;
        let lost = coverage.missing.len() + coverage.failed.len();
        let age = now.0.saturating_sub(run.started_at.0);
        Self {
            proof: ProofView::default(),
            is_first,
            is_named: several || block.environment.is_sample,
            is_sample: block.environment.is_sample,
            environment: block.environment.name.clone(),
            sentence: block.headline.text.clone(),
            mark: block.headline.mark.map(|(b, e)| VerdictView::new(b, e)),
            coverage: format!("{} of {}", coverage.measured, coverage.expected),
            coverage_note: match lost {
                0 => String::new(),
                _ => format!(
                    ", {} missing, {} failed",
                    coverage.missing.len(),
                    coverage.failed.len()
                ),
            },
            gate: status_verb(&block.gate.status).to_owned(),
            exit_code: block.gate.exit_code,
            reasons: block.gate.reasons.clone(),
            run_id: run.id.to_string(),
            run_url: links::run(run.id),
            branch: run
                .revision
                .branch
                .clone()
                .unwrap_or_else(|| "no branch".to_owned()),
            commit: run.revision.short().to_owned(),
            subject: run.revision.subject.clone().unwrap_or_default(),
            when: text::day_clock(run.started_at),
            took: text::duration(run.finished_at.0.saturating_sub(run.started_at.0)),
            // A night and a half: one night was missed.
            stale: if age > DAY_MS * 3 / 2 {
                text::age(run.started_at, now)
            } else {
                String::new()
            },
            total: block.counts.total,
            bands: bands(&block.counts),
            quiet: quiet(&block.counts),
            nights: block
                .nights
                .iter()
                .enumerate()
                .map(|(i, n)| night(n, i == 0))
                .collect(),
            targets: block.targets.iter().map(target).collect(),
            targets_note: targets_note(&block.targets),
            targets_folded: block.targets.iter().all(|row| row.value.is_none()),
            flags: block.red_flags.iter().map(flag).collect(),
            flags_note: flags_note(&block.red_flags),
            movers: block
                .movers
                .iter()
                .map(|m| mover(m, run.id, run.started_at))
                .collect(),
            movers_note: movers_note(block),
            alerts: Vec::new(),
            creep: Vec::new(),
        }
    }
}

fn bands(counts: &Counts) -> Vec<BandRow> {
    [
        (Band::Critical, "> 20%"),
        (Band::Warning, "10–20%"),
        (Band::Info, "5–10%"),
        (Band::Improved, "≤ −5%"),
    ]
    .into_iter()
    .map(|(band, range)| BandRow {
        verdict: VerdictView::new(band, Evidence::Confirmed),
        range,
        confirmed: Cell(counts.of(band, Evidence::Confirmed) + counts.of(band, Evidence::Exact)),
        likely: Cell(counts.of(band, Evidence::Likely)),
        inconclusive: Cell(
            counts.of(band, Evidence::Inconclusive) + counts.of(band, Evidence::Incomparable),
        ),
        noise: Cell(counts.of(band, Evidence::Noise)),
        all: counts.of_band(band),
    })
    .collect()
}

fn quiet(counts: &Counts) -> Vec<QuietRow> {
    [
        (Band::None, ""),
        (Band::Warming, "< 3 nights"),
        (Band::Undefined, "baseline of zero or another sign"),
    ]
    .into_iter()
    .map(|(band, note)| QuietRow {
        verdict: VerdictView::new(band, Evidence::Inconclusive),
        note,
        all: counts.of_band(band),
    })
    .filter(|row| row.all > 0 || row.note.is_empty())
    .collect()
}

fn night(night: &Night, is_tonight: bool) -> NightRow {
    let run = &night.run;
    let of = |band| Cell(night.counts.of_band(band));
    NightRow {
        is_tonight,
        day: text::weekday(run.started_at),
        iso: text::iso(run.started_at),
        status: night.status.clone(),
        status_class: status_class(&night.status),
        counts: [
            (of(Band::Critical), "critical"),
            (of(Band::Warning), "warning"),
            (of(Band::Info), "info"),
            (of(Band::Improved), "improved"),
        ],
        measured: format!("{} of {}", run.coverage.measured, run.coverage.expected),
        is_complete: run.coverage.is_complete(),
        commit: run.revision.short().to_owned(),
        url: links::run(run.id),
    }
}

fn target(row: &TargetRow) -> TargetView {
    // The goal decides the unit: tonight's value is read against it.
    let goal = value::GoalScale::new(&row.unit, row.target);
    let dash = || "–".to_owned();
    let change = row.judgement.and_then(|j| j.change);
    TargetView {
        name: row.name,
        measured_by: row.measured_by.clone(),
        limit: goal.limit(),
        reference: row.reference.map_or_else(dash, |v| goal.number(v)),
        baseline: row.baseline.map_or_else(dash, |v| goal.number(v)),
        value: row.value.map(|v| goal.number(v)),
        why_not: row.why_not.clone().unwrap_or_default(),
        unit: goal.unit(),
        margin: row.margin.map_or_else(dash, format_factor),
        is_missed: row.met == Some(false),
        change: change.map_or_else(dash, format_change),
        change_class: row.judgement.map_or("", |j| change_class(j.band)),
        verdict: row.judgement.map(|j| VerdictView::new(j.band, j.evidence)),
    }
}

fn targets_note(rows: &[TargetRow]) -> String {
    let met = rows.iter().filter(|r| r.met == Some(true)).count();
    let absent = rows.iter().filter(|r| r.met.is_none()).count();
    let mut note = format!("{met} of {} met", rows.len());
    if absent > 0 {
        note += &format!(", {absent} not available");
    }
    note
}

fn flag(flag: &RedFlag) -> FlagView {
    FlagView {
        name: flag.name,
        detail: match flag.raised {
            None if flag.detail.is_empty() => "not available".to_owned(),
            _ => flag.detail.clone(),
        },
        is_raised: flag.raised == Some(true),
    }
}

fn flags_note(flags: &[RedFlag]) -> String {
    let raised = flags.iter().filter(|f| f.raised == Some(true)).count();
    let absent = flags.iter().filter(|f| f.raised.is_none()).count();
    let mut note = match raised {
        0 => format!("none of {}", flags.len()),
        n => format!("{n} of {}", flags.len()),
    };
    if absent > 0 {
        note += &format!(", {absent} not available");
    }
    note
}

/// `41 series left their band, 29 of them in these 10 rows`.
fn movers_note(block: &Block) -> String {
    if block.movers.is_empty() {
        let cells = &block.counts.cells;
        let is_warming = !cells.is_empty() && cells.iter().all(|c| c.0 == Band::Warming);
        return match is_warming {
            true => "no series has a baseline yet: three nights make one".to_owned(),
            false => "no series left its band".to_owned(),
        };
    }
    let total = block.movers_total;
    let standing: usize = block.movers.iter().map(|mover| 1 + mover.others).sum();
    let series = text::plural(total as u64, "series", "series");
    let rows = text::plural(block.movers.len() as u64, "row", "rows");
    match standing < total {
        true => format!("{series} left their band, the worst {standing} in {rows}"),
        false if block.movers.len() < total => format!("{series} left their band, in {rows}"),
        false => format!("{series} left their band"),
    }
}

fn mover(mover: &Mover, run: RunId, tonight: Millis) -> MoverView {
    let series = SeriesView::new(&mover.judged.series);
    let nights = text::plural(mover.points.len() as u64, "night", "nights");
    let label = format!(
        "{} {} {}: last {nights}",
        series.benchmark, series.metric, series.params
    );
    MoverView {
        row: JudgedView::new(&mover.judged),
        spark: spark(&mover.points, &label),
        since: if mover.since == tonight {
            "tonight".to_owned()
        } else {
            text::day_near(mover.since, tonight)
        },
        alert: mover.alert,
        others: (mover.others > 0).then(|| {
            let url = match mover.alert {
                Some(id) => format!("/alerts/{id}"),
                None => links::run_rows(run, &mover.judged.series.key.benchmark),
            };
            (format!("and {} more", mover.others), url)
        }),
    }
}
