//! `/status`: how this server and its store are.

use std::sync::Mutex;

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use bench_report::metric::{Unit, format_value};

use super::{Place, Reader, Shell, html, links, proof};
use crate::analysis::verdict::RULE;
use crate::domain::{Millis, Run};
use crate::store::{AuditEntry, StoreError};
use crate::text;
use crate::web::{AppState, WebError, auth};

/// For so long the sizes of the tables are not read again: reading them reads the whole file.
const KEPT_MS: i64 = 3_600_000;

/// A store of so many bytes is read while somebody waits.
const SMALL: u64 = 32 << 20;

/// So many uploads are listed.
const UPLOADS: u32 = 15;

/// A run that arrives later than this after its end has waited somewhere.
const LATE_MS: i64 = 15 * 60_000;

/// A nightly machine that was not heard for so long is said to be silent.
const SILENT_MS: i64 = 30 * 3_600_000;

/// When the tables were read, and the bytes of each.
type Read = (Millis, Vec<(String, u64)>);

/// The sizes of the tables, as they were read last.
#[derive(Debug, Default)]
pub struct TableSizes {
    last: Mutex<Option<Read>>,
    reading: tokio::sync::Mutex<()>,
}

impl TableSizes {
    /// When they were read last, and what they were.
    fn get(&self) -> Option<Read> {
        let last = self.last.lock();
        last.unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    async fn read(&self, state: &AppState) -> Result<(), StoreError> {
        // Somebody else reads them already: what he finds is found.
        let Ok(_reading) = self.reading.try_lock() else {
            return Ok(());
        };
        let sizes = state.store.table_sizes().await?;
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = Some((state.now(), sizes));
        Ok(())
    }
}

/// What the tables hold, in the order of the page: a name, and the tables.
const GROUPS: [(&str, &[&str]); 7] = [
    ("raw samples", &["sample_blob"]),
    ("original reports", &["report_blob"]),
    ("published values", &["measurement"]),
    ("verdicts and what they carry", &["verdict", "carried"]),
    ("curves and distributions", &["curve", "histogram"]),
    ("profiles and other files", &["artifact"]),
    (
        "runs, series, machines",
        &[
            "run",
            "run_key",
            "series",
            "environment",
            "pair",
            "run_commit",
        ],
    ),
];

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    shell: Shell,
    sentence: String,
    facts: Vec<(String, String)>,
    versions: Vec<(&'static str, String)>,
    keeping: Vec<Kept>,
    queues: Vec<(&'static str, String)>,
    sizes: Vec<(&'static str, String, String)>,
    sizes_note: String,
    machines: Vec<MachineRow>,
    uploads: Vec<UploadRow>,
}

struct Kept {
    what: &'static str,
    when: Option<String>,
    detail: String,
    command: &'static str,
}

struct MachineRow {
    url: String,
    name: String,
    last: String,
    is_silent: bool,
    /// Its canaries, drawn in a line; empty without any.
    canary: String,
}

struct UploadRow {
    url: String,
    id: String,
    kind: String,
    environment: String,
    ended: String,
    received: String,
    late: Option<String>,
}

/// `GET /status`
pub async fn show(State(state): State<AppState>, reader: Reader) -> Result<Html<String>, WebError> {
    let store = &state.store;
    let now = state.now();
    let sizes = store.sizes().await?;
    let (schema, engine) = store.versions().await?;
    let judging = store.rejudge_count().await?;
    let outbox = store.outbox_counts().await?;
    let backup = store.last_record("store.backup").await?;
    let verified = store.last_record("store.verify").await?;
    let restored = store.last_record("store.restore").await?;
    let open = auth::uploads_are_open(&state).await?;
    let uploads = store.uploads_lately(UPLOADS).await?;
    let (tables, sizes_note) = table_sizes(&state, sizes.bytes, now).await;
    let mut machines: Vec<MachineRow> = Vec::new();
    for machine in store.environments().await? {
        if machine.is_sample || machines.iter().any(|known| known.name == machine.name) {
            continue;
        }
        let proof = proof::load(&state, machine.id, machine.last_seen, now).await?;
        machines.push(MachineRow {
            canary: proof.strip,
            url: links::environment(machine.id),
            last: text::age(machine.last_seen, now),
            is_silent: now.0.saturating_sub(machine.last_seen.0) > SILENT_MS,
            name: machine.name,
        });
    }
    let shell = Shell::of(&state, reader, Place::Status).await?;
    let bytes = |bytes: u64| format_value(bytes as f64, Unit::Bytes).to_string();
    let waiting = judging + outbox.waiting;
    let stored = format!(
        "{}, {}",
        text::plural(sizes.runs, "run", "runs"),
        // A line never ends between a number and its unit.
        bytes(sizes.bytes).replace(' ', "\u{a0}")
    );
    html(&StatusPage {
        sentence: match (waiting, outbox.failing, outbox.refused) {
            (0, 0, 0) => format!("{stored}, nothing is waiting"),
            (_, 0, 0) => format!(
                "{stored}, {}",
                text::plural(waiting, "thing is waiting", "things are waiting")
            ),
            (_, failing, refused) => format!(
                "{stored}; of what goes to GitHub {failing} fail and are tried again, {refused} \
                 are refused"
            ),
        },
        facts: vec![
            (
                "up".to_owned(),
                text::duration(now.0.saturating_sub(state.started.0).max(0)),
            ),
            (
                "store".to_owned(),
                state.config.database.display().to_string(),
            ),
            (
                "uploads".to_owned(),
                if open {
                    "open to anybody on this machine"
                } else {
                    "by token"
                }
                .to_owned(),
            ),
            (
                "running now".to_owned(),
                text::plural(state.live.all().len() as u64, "run", "runs"),
            ),
        ],
        versions: vec![
            ("kvmark", env!("CARGO_PKG_VERSION").to_owned()),
            ("rule", RULE.to_owned()),
            ("schema", schema.to_string()),
            ("SQLite", engine),
        ],
        keeping: vec![
            kept("last backup", "kvmark backup FILE", backup, now),
            kept(
                "last backup found whole",
                "kvmark verify FILE",
                verified,
                now,
            ),
            kept("last restore", "kvmark restore FILE", restored, now),
        ],
        queues: vec![
            ("runs to judge again", judging.to_string()),
            ("deliveries to GitHub that wait", outbox.waiting.to_string()),
            ("of these, tried in vain", outbox.failing.to_string()),
            ("refused by GitHub", outbox.refused.to_string()),
        ],
        sizes: grouped(&tables, bytes),
        sizes_note,
        machines,
        uploads: uploads.iter().map(|run| upload_row(run, now)).collect(),
        shell,
    })
}

/// The sizes, and how old they are. A large store's are read beside the request.
async fn table_sizes(state: &AppState, bytes: u64, now: Millis) -> (Vec<(String, u64)>, String) {
    let cache = &state.table_sizes;
    let is_fresh = |(at, _): &(Millis, _)| now.0.saturating_sub(at.0) < KEPT_MS;
    if !cache.get().as_ref().is_some_and(is_fresh) {
        if bytes <= SMALL {
            if let Err(error) = cache.read(state).await {
                return (Vec::new(), format!("not available: {error}"));
            }
        } else {
            let state = state.clone();
            tokio::spawn(async move {
                if let Err(error) = state.table_sizes.read(&state).await {
                    tracing::warn!(%error, "the sizes of the tables cannot be read");
                }
            });
        }
    }
    match cache.get() {
        Some((at, sizes)) => (sizes, format!("read {}", text::age(at, now))),
        None => (
            Vec::new(),
            "being read, for which the whole file is read: ask again in a moment".to_owned(),
        ),
    }
}

/// Name, bytes and share of each group.
fn grouped(
    tables: &[(String, u64)],
    bytes: impl Fn(u64) -> String,
) -> Vec<(&'static str, String, String)> {
    let total: u64 = tables.iter().map(|(_, bytes)| bytes).sum();
    if total == 0 {
        return Vec::new();
    }
    let of = |names: &[&str]| -> u64 {
        let own = tables
            .iter()
            .filter(|(name, _)| names.contains(&name.as_str()));
        own.map(|(_, bytes)| bytes).sum()
    };
    let mut rows: Vec<(&'static str, u64)> = GROUPS
        .iter()
        .map(|(name, tables)| (*name, of(tables)))
        .collect();
    let known: u64 = rows.iter().map(|(_, bytes)| bytes).sum();
    rows.push(("everything else", total - known));
    rows.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    rows.into_iter()
        .map(|(name, size)| {
            let share = size as f64 / total as f64 * 100.0;
            (name, bytes(size), format!("{share:.1}%"))
        })
        .collect()
}

fn kept(what: &'static str, command: &'static str, entry: Option<AuditEntry>, now: Millis) -> Kept {
    Kept {
        what,
        command,
        when: entry.as_ref().map(|entry| {
            let at = Millis(entry.at);
            format!("{}, {}", text::day_year(at), text::age(at, now))
        }),
        detail: entry.map_or_else(String::new, |entry| {
            format!("{} {}", entry.subject, entry.detail)
                .trim_end()
                .to_owned()
        }),
    }
}

fn upload_row(run: &Run, now: Millis) -> UploadRow {
    let at = |time: Millis| format!("{} {}", text::day_near(time, now), text::clock(time));
    let delay = run.received_at.0.saturating_sub(run.finished_at.0);
    let is_late = delay > LATE_MS
        && !matches!(
            run.kind,
            crate::domain::RunKind::Sample | crate::domain::RunKind::Import
        );
    UploadRow {
        url: links::run(run.id),
        id: run.id.to_string(),
        kind: run.kind.to_string(),
        environment: run.environment_name.clone(),
        ended: at(run.finished_at),
        received: at(run.received_at),
        late: is_late.then(|| {
            format!(
                "{} late: it waited in the runner's spool",
                text::duration(delay)
            )
        }),
    }
}
