//! What the template of a profile shows, and how a run's page links to it.

use askama::Template;
use bench_report::report::ArtifactKind;
use bench_report::write::flame::{Flame, Stacks, Style, Weight, draw, percent};

use super::is_stacks;
use crate::domain::{Artifact, Millis, Run, RunId, RunKind};
use crate::text;
use crate::web::pages::{Shell, links as urls};

/// Pixels of the drawing, on a wide screen and on a phone.
const WIDTHS: [u32; 2] = [1_200, 358];
/// Rows of the table.
const ROWS: usize = 25;

/// What is shown.
pub(super) struct Shown {
    pub(super) run: Run,
    pub(super) artifact: Artifact,
    pub(super) against: Option<Run>,
    pub(super) others: Vec<Run>,
    pub(super) frame: Option<String>,
    pub(super) now: Millis,
}

#[derive(Template)]
#[template(path = "profile.html")]
pub(super) struct ProfilePage {
    shell: Shell,
    id: RunId,
    ordinal: u32,
    title: String,
    is_sample: bool,
    /// The run before on its branch: name and page, where only this run is shown.
    before: Option<(RunId, String)>,
    lead: String,
    commit: String,
    when: String,
    total: String,
    benchmark: Option<String>,
    wide: String,
    narrow: String,
    notes: Vec<String>,
    frame: Option<String>,
    own_url: String,
    alone_url: String,
    against: Option<String>,
    others: Vec<Other>,
    rows: Vec<RowView>,
    changes: Vec<ChangeView>,
}

/// A run to compare with.
struct Other {
    url: String,
    text: String,
    is_current: bool,
}

struct RowView {
    name: String,
    own_share: String,
    own: String,
    total_share: String,
    total: String,
}

struct ChangeView {
    name: String,
    share: String,
    was: String,
    points: String,
    grew: bool,
}

/// A file of a run, on the run's page.
pub(crate) struct ProfileLink {
    /// What it shows.
    pub(crate) text: String,
    /// The benchmark it belongs to.
    pub(crate) benchmark: String,
    /// Where it is drawn.
    pub(crate) page: Option<String>,
    /// The same of the run before, and where both are drawn as one.
    pub(crate) against: Option<(RunId, String)>,
    /// Where the file is.
    pub(crate) file: String,
    /// How long that is.
    pub(crate) size: String,
}

impl ProfilePage {
    pub(super) fn new(shell: Shell, stacks: &Stacks, shown: &Shown) -> Self {
        let Shown {
            run,
            artifact,
            against,
            ..
        } = shown;
        let (what, weight) = sort(artifact);
        let page = urls::profile(run.id, artifact.ordinal);
        let own_url = match against {
            Some(other) => format!("{page}?against={}", other.id),
            None => page.clone(),
        };
        let joint = if against.is_some() { '&' } else { '?' };
        let zoom = format!("{own_url}{joint}frame=");
        let title = match against {
            Some(other) => format!("{what}, run {} against run {}", run.id, other.id),
            None => format!("{what} of run {}", run.id),
        };
        let drawn = WIDTHS.map(|width| {
            draw(
                stacks,
                &Flame {
                    title: &title,
                    weight,
                    width,
                    frame: shown.frame.as_deref(),
                    style: Style::Page {
                        zoom: &zoom,
                        home: &own_url,
                    },
                },
            )
        });
        let [wide, narrow] = drawn;
        Self {
            shell,
            id: run.id,
            ordinal: artifact.ordinal,
            lead: lead(weight, against.as_ref()),
            is_sample: run.kind == RunKind::Sample,
            before: shown
                .others
                .iter()
                .find(|other| {
                    other.started_at < run.started_at
                        && other.revision.branch == run.revision.branch
                })
                .filter(|_| against.is_none())
                .map(|other| (other.id, format!("{page}?against={}", other.id))),
            commit: run.revision.short().to_owned(),
            when: text::day_near(run.started_at, shown.now),
            total: weight.text(stacks.total()),
            benchmark: artifact.benchmark.clone(),
            notes: wide.notes,
            frame: wide.frame,
            wide: wide.svg,
            narrow: narrow.svg,
            alone_url: page.clone(),
            against: against.as_ref().map(|other| name_of(other, shown.now)),
            others: shown
                .others
                .iter()
                .map(|other| Other {
                    url: format!("{page}?against={}", other.id),
                    text: name_of(other, shown.now),
                    is_current: against.as_ref().is_some_and(|own| own.id == other.id),
                })
                .collect(),
            rows: stacks
                .top(ROWS)
                .into_iter()
                .filter(|row| row.own > 0)
                .map(|row| RowView {
                    own_share: percent(row.own_share),
                    own: weight.text(row.own),
                    total_share: percent(row.total_share),
                    total: weight.text(row.total),
                    name: row.name,
                })
                .collect(),
            changes: match against {
                Some(_) => changes(stacks),
                None => Vec::new(),
            },
            own_url,
            title,
        }
    }
}

fn changes(stacks: &Stacks) -> Vec<ChangeView> {
    let changes = stacks.changes(ROWS).into_iter();
    changes
        .map(|change| ChangeView {
            share: percent(change.share),
            was: percent(change.was),
            points: bench_report::metric::format_change(change.growth())
                .trim_end_matches('%')
                .to_owned(),
            grew: change.growth() > 0.0,
            name: change.name,
        })
        .collect()
}

fn name_of(run: &Run, now: Millis) -> String {
    let short = run.revision.short();
    let branch = run.revision.branch.as_deref().unwrap_or("commit");
    let day = text::day_near(run.started_at, now);
    format!("run {}, {branch} at {short}, {day}", run.id)
}

fn lead(weight: Weight, against: Option<&Run>) -> String {
    let width = match weight {
        Weight::Time => "time",
        Weight::Bytes => "bytes",
        Weight::Objects => "allocations",
    };
    match against {
        None => format!(
            "Callers above, what they call below; as wide as its part of all {width}. A frame is a link: it opens to the full width."
        ),
        Some(other) => format!(
            "As wide as its part of all {width} in this run; coloured by how many points that part grew or shrank since run {}. Parts are compared, not amounts: the two were recorded for unequal lengths.",
            other.id
        ),
    }
}

/// What a profile is of, and what its weights are.
fn sort(file: &Artifact) -> (&'static str, Weight) {
    match ArtifactKind::parse(&file.kind) {
        Some(ArtifactKind::HeapStacks) if file.name.ends_with("objects") => {
            ("Allocations", Weight::Objects)
        }
        Some(ArtifactKind::HeapStacks) => ("Bytes allocated", Weight::Bytes),
        Some(ArtifactKind::LockStacks) => ("Time waited for locks", Weight::Time),
        _ => ("Processor time", Weight::Time),
    }
}

/// The files of a run as its page lists them; `before` are those of the run before it.
pub(crate) fn links(files: &[Artifact], before: &[Artifact]) -> Vec<ProfileLink> {
    let against = |file: &Artifact| {
        let same = |other: &&Artifact| (&other.kind, &other.name) == (&file.kind, &file.name);
        let other = before.iter().find(same)?.run;
        let url = format!("{}?against={other}", urls::profile(file.run, file.ordinal));
        is_stacks(file).then_some((other, url))
    };
    files
        .iter()
        .map(|file| ProfileLink {
            against: against(file),
            text: match ArtifactKind::parse(&file.kind) {
                _ if is_stacks(file) => sort(file).0.to_owned(),
                Some(ArtifactKind::Trace) => "Trace, for ui.perfetto.dev".to_owned(),
                Some(ArtifactKind::Pprof) => format!("{}, for pprof", file.name),
                _ => file.name.clone(),
            },
            benchmark: file.benchmark.clone().unwrap_or_default(),
            page: is_stacks(file).then(|| urls::profile(file.run, file.ordinal)),
            file: urls::artifact(file.run, file.ordinal),
            size: Weight::Bytes.text(file.size),
        })
        .collect()
}
