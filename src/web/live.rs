//! Runs that are being executed: what their runners say of them, kept in memory until the report
//! is there.
//!
//! The number of a live run is reserved in the store and stays the run's. Time is a parameter: what
//! calls this brings the clock.

use std::collections::VecDeque;
use std::sync::Arc;

use bench_report::report::RunKind;
use dashmap::DashMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::domain::time::DAY_MS;
use crate::domain::{Millis, RunId};

/// A message may have this many bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// So many messages of one run are taken in any second.
pub const PER_SECOND: usize = 4;

/// A run that has said nothing for this long is lost.
pub const LOST_AFTER_MS: i64 = 2 * 60 * 1000;

/// A lost run is remembered for this long, so that its page can say what became of it.
pub const FORGOTTEN_AFTER_MS: i64 = DAY_MS;

/// So many lines of a run's log are kept, the newest.
pub const LOG_LINES: usize = 200;

/// So many live runs are kept at once. A house has a handful; more is a fault or an attack.
pub const RUNS_LIMIT: usize = 64;

const NAME_LIMIT: usize = 200;
const TEXT_LIMIT: usize = 4096;
const BENCHMARKS_LIMIT: usize = 2000;

/// What a runner says, whole, each time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Names the run, as its report will.
    pub run_key: String,
    /// Why it is made.
    pub kind: RunKind,
    /// What is measured, hex.
    #[serde(default)]
    pub commit: Option<String>,
    /// Its branch.
    #[serde(default)]
    pub branch: Option<String>,
    /// The machine's name.
    #[serde(default)]
    pub environment_name: Option<String>,
    /// When the first benchmark began.
    pub started_at: Timestamp,
    /// Series to measure.
    pub total: u32,
    /// Series measured.
    pub done: u32,
    /// What is measured now.
    #[serde(default)]
    pub current: Option<String>,
    /// Benchmark by benchmark, in the order they run.
    #[serde(default)]
    pub benchmarks: Vec<BenchmarkProgress>,
    /// Time left, as the runner guesses.
    #[serde(default)]
    pub eta_seconds: Option<f64>,
    /// The end of its log.
    #[serde(default)]
    pub log: Vec<String>,
}

/// One benchmark of a live run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenchmarkProgress {
    /// Its name.
    pub name: String,
    /// Series measured.
    pub done: u32,
    /// Series to measure.
    pub total: u32,
    /// Where it stands.
    pub state: BenchmarkState,
}

/// Where a benchmark of a live run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BenchmarkState {
    /// Not begun.
    Waiting,
    /// Being measured.
    Running,
    /// Measured.
    Done,
    /// Ended without all its results.
    Failed,
}

/// Where a live run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LiveState {
    /// Its runner was heard within [`LOST_AFTER_MS`].
    Running,
    /// Its runner fell silent.
    Lost,
    /// Its report is stored.
    Complete,
}

/// A run that is being executed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiveRun {
    /// The number that it will keep.
    pub id: RunId,
    /// Where it stands.
    pub state: LiveState,
    /// When its runner was last heard.
    pub heard_at: Millis,
    /// What its runner said last.
    #[serde(flatten)]
    pub progress: Progress,
}

/// Why a message is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The message says what cannot be.
    #[error("{pointer}: {why}")]
    Invalid {
        /// JSON pointer to what is wrong.
        pointer: String,
        /// What is wrong, the limit, what to do.
        why: String,
    },
    /// Too many messages of this run.
    #[error("more than {PER_SECOND} messages in a second: send the newest state a little later")]
    TooOften,
    /// Too many live runs.
    #[error("{RUNS_LIMIT} runs are live already: wait until one has ended, or is forgotten")]
    TooManyRuns,
}

/// All live runs.
#[derive(Debug, Default)]
pub struct LiveRuns {
    by_key: DashMap<String, Entry, ahash::RandomState>,
    newest: watch::Sender<Option<RunId>>,
}

/// Hears of every run that begins.
#[derive(Debug)]
pub struct Started(watch::Receiver<Option<RunId>>);

#[derive(Debug)]
struct Entry {
    /// Times of the last [`PER_SECOND`] messages, the newest last.
    taken: VecDeque<Millis>,
    state: watch::Sender<Arc<LiveRun>>,
}

impl LiveRuns {
    /// The number of a run, if it is known: then no number needs to be reserved for it.
    pub fn id(&self, run_key: &str) -> Option<RunId> {
        self.by_key
            .get(run_key)
            .map(|entry| entry.state.borrow().id)
    }

    /// A live run by its number.
    pub fn run(&self, id: RunId) -> Option<Arc<LiveRun>> {
        self.all().into_iter().find(|run| run.id == id)
    }

    /// All live runs, the newest first.
    pub fn all(&self) -> Vec<Arc<LiveRun>> {
        let mut all: Vec<Arc<LiveRun>> = self
            .by_key
            .iter()
            .map(|entry| Arc::clone(&entry.state.borrow()))
            .collect();
        all.sort_by_key(|run| std::cmp::Reverse(run.id));
        all
    }

    /// Takes a message of run `id`. Whoever follows the run hears of it.
    pub fn take(&self, id: RunId, progress: Progress, now: Millis) -> Result<(), Refusal> {
        let progress = checked(progress, now)?;
        self.make_room(&progress.run_key, now)?;
        let key = progress.run_key.clone();
        let run = Arc::new(LiveRun {
            id,
            state: LiveState::Running,
            heard_at: now,
            progress,
        });
        let mut entry = self.by_key.entry(key).or_insert_with(|| {
            self.newest.send_replace(Some(id));
            Entry {
                taken: VecDeque::with_capacity(PER_SECOND),
                state: watch::Sender::new(Arc::clone(&run)),
            }
        });
        if entry.taken.len() == PER_SECOND {
            let oldest = entry.taken.front().copied().unwrap_or(Millis(i64::MIN));
            if now.0.saturating_sub(oldest.0) < 1000 {
                return Err(Refusal::TooOften);
            }
            entry.taken.pop_front();
        }
        entry.taken.push_back(now);
        entry.state.send_replace(run);
        Ok(())
    }

    /// Hears of the runs that begin from now on.
    pub fn started(&self) -> Started {
        Started(self.newest.subscribe())
    }

    /// Follows a run: the state as it is, then each later one; a slow follower misses what came in
    /// between and sees the newest.
    pub fn follow(&self, run_key: &str) -> Option<watch::Receiver<Arc<LiveRun>>> {
        self.by_key
            .get(run_key)
            .map(|entry| entry.state.subscribe())
    }

    /// The report of a run is stored: its followers are told, and it is live no more.
    pub fn complete(&self, run_key: &str) {
        if let Some((_, entry)) = self.by_key.remove(run_key) {
            entry.set_state(LiveState::Complete);
        }
    }

    /// Marks runs as lost whose runners fell silent, and forgets the long lost.
    pub fn sweep(&self, now: Millis) {
        self.by_key.retain(|_, entry| {
            let (state, heard_at) = {
                let run = entry.state.borrow();
                (run.state, run.heard_at)
            };
            let silent_ms = now.0.saturating_sub(heard_at.0);
            if state == LiveState::Running && silent_ms >= LOST_AFTER_MS {
                entry.set_state(LiveState::Lost);
            }
            silent_ms < FORGOTTEN_AFTER_MS
        });
    }

    /// A new run needs a place; the longest lost one gives way.
    fn make_room(&self, run_key: &str, now: Millis) -> Result<(), Refusal> {
        if self.by_key.contains_key(run_key) || self.by_key.len() < RUNS_LIMIT {
            return Ok(());
        }
        let lost = self
            .all()
            .into_iter()
            .filter(|run| now.0.saturating_sub(run.heard_at.0) >= LOST_AFTER_MS)
            .min_by_key(|run| run.heard_at)
            .ok_or(Refusal::TooManyRuns)?;
        self.by_key.remove(&lost.progress.run_key);
        Ok(())
    }
}

impl Started {
    /// The next run that begins; of several at once the newest.
    pub async fn next(&mut self) -> RunId {
        loop {
            if self.0.changed().await.is_err() {
                // No run begins any more.
                std::future::pending::<()>().await;
            }
            if let Some(id) = *self.0.borrow_and_update() {
                return id;
            }
        }
    }
}

impl Entry {
    fn set_state(&self, state: LiveState) {
        self.state
            .send_modify(|run| Arc::make_mut(run).state = state);
    }
}

impl LiveRun {
    /// Share of the series that are measured, 0 to 1; 0 before anything is known.
    pub fn share(&self) -> f64 {
        if self.progress.total == 0 {
            0.0
        } else {
            f64::from(self.progress.done) / f64::from(self.progress.total)
        }
    }
}

/// The message within its limits, its texts as plain text.
fn checked(mut progress: Progress, now: Millis) -> Result<Progress, Refusal> {
    let name = |pointer: &str, text: &str| {
        let bytes = text.len();
        (bytes <= NAME_LIMIT)
            .then_some(())
            .ok_or_else(|| Refusal::Invalid {
                pointer: pointer.to_owned(),
                why: format!("{bytes} bytes, at most {NAME_LIMIT} are allowed: shorten the name"),
            })
    };
    let text_of = |text: &Option<String>| text.clone().unwrap_or_default();
    name("/run_key", &progress.run_key)?;
    name("/commit", &text_of(&progress.commit))?;
    name("/branch", &text_of(&progress.branch))?;
    name("/environment_name", &text_of(&progress.environment_name))?;
    done_of("/done", progress.done, progress.total)?;
    if progress.benchmarks.len() > BENCHMARKS_LIMIT {
        return Err(Refusal::Invalid {
            pointer: "/benchmarks".to_owned(),
            why: format!(
                "{} benchmarks, at most {BENCHMARKS_LIMIT} are allowed: run fewer at once",
                progress.benchmarks.len()
            ),
        });
    }
    for (index, benchmark) in progress.benchmarks.iter().enumerate() {
        name(&format!("/benchmarks/{index}/name"), &benchmark.name)?;
        done_of(
            &format!("/benchmarks/{index}/done"),
            benchmark.done,
            benchmark.total,
        )?;
    }
    if Millis::from(progress.started_at).0 > now.0.saturating_add(DAY_MS) {
        return Err(Refusal::Invalid {
            pointer: "/started_at".to_owned(),
            why: format!(
                "{} is more than a day ahead: set the clock",
                progress.started_at
            ),
        });
    }
    if progress
        .eta_seconds
        .is_some_and(|eta| !eta.is_finite() || eta < 0.0)
    {
        return Err(Refusal::Invalid {
            pointer: "/eta_seconds".to_owned(),
            why: "time left cannot be negative: leave it out when it is not known".to_owned(),
        });
    }
    progress.current = progress.current.as_deref().map(plain);
    let skipped = progress.log.len().saturating_sub(LOG_LINES);
    progress.log = progress
        .log
        .iter()
        .skip(skipped)
        .map(|line| plain(line))
        .collect();
    Ok(progress)
}

fn done_of(pointer: &str, done: u32, total: u32) -> Result<(), Refusal> {
    (done <= total)
        .then_some(())
        .ok_or_else(|| Refusal::Invalid {
            pointer: pointer.to_owned(),
            why: format!("{done} of {total} cannot be done: send a total that holds all"),
        })
}

/// A line as text: without terminal sequences and other control characters, [`TEXT_LIMIT`] bytes
/// at most.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len().min(TEXT_LIMIT));
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            // ESC [ parameters, then one final letter from @ to ~ (ECMA-48, 5.4).
            if letters.next_if_eq(&'[').is_some() {
                letters.by_ref().find(|c| ('\u{40}'..='\u{7e}').contains(c));
            }
        } else if letter == '\t' {
            text.push(' ');
        } else if !letter.is_control() {
            if text.len() + letter.len_utf8() > TEXT_LIMIT {
                break;
            }
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_483_800_000);

    fn progress(run_key: &str) -> Progress {
        Progress {
            run_key: run_key.to_owned(),
            kind: RunKind::Nightly,
            commit: Some("c0ffee".to_owned()),
            branch: Some("main".to_owned()),
            environment_name: None,
            started_at: NOW.timestamp(),
            total: 180,
            done: 112,
            current: Some("KVEventConcurrency concurrency=100".to_owned()),
            benchmarks: vec![BenchmarkProgress {
                name: "KVEventConcurrency".to_owned(),
                done: 50,
                total: 64,
                state: BenchmarkState::Running,
            }],
            eta_seconds: Some(840.0),
            log: Vec::new(),
        }
    }

    fn after(ms: i64) -> Millis {
        Millis(NOW.0 + ms)
    }

    #[test]
    fn four_messages_in_any_second_are_taken_and_a_fifth_is_not() {
        let live = LiveRuns::default();
        let take = |ms| live.take(RunId(7), progress("a"), after(ms));
        for ms in [0, 100, 200, 999] {
            take(ms).unwrap();
        }
        assert_eq!(take(999), Err(Refusal::TooOften));
        take(1000).unwrap();
        assert_eq!(take(1001), Err(Refusal::TooOften));
        take(1100).unwrap();
        live.take(RunId(8), progress("b"), after(1101)).unwrap();
    }

    #[test]
    fn a_silent_run_is_lost_comes_back_and_is_forgotten_in_the_end() {
        let live = LiveRuns::default();
        live.take(RunId(7), progress("a"), NOW).unwrap();
        let state = || live.run(RunId(7)).map(|run| run.state);
        live.sweep(after(LOST_AFTER_MS - 1));
        assert_eq!(state(), Some(LiveState::Running));
        live.sweep(after(LOST_AFTER_MS));
        assert_eq!(state(), Some(LiveState::Lost));
        live.take(RunId(7), progress("a"), after(LOST_AFTER_MS + 1))
            .unwrap();
        assert_eq!(state(), Some(LiveState::Running));
        live.sweep(after(LOST_AFTER_MS + 1 + FORGOTTEN_AFTER_MS));
        assert_eq!(state(), None);
    }

    #[test]
    fn followers_see_the_newest_state_and_the_end() {
        let live = LiveRuns::default();
        live.take(RunId(7), progress("a"), NOW).unwrap();
        let mut follower = live.follow("a").unwrap();
        assert_eq!(follower.borrow_and_update().progress.done, 112);
        for (done, ms) in [(113, 300), (114, 600)] {
            live.take(
                RunId(7),
                Progress {
                    done,
                    ..progress("a")
                },
                after(ms),
            )
            .unwrap();
        }
        assert_eq!(follower.borrow_and_update().progress.done, 114);
        live.complete("a");
        assert_eq!(follower.borrow_and_update().state, LiveState::Complete);
        assert!(live.all().is_empty() && live.follow("a").is_none());
    }

    #[test]
    fn a_full_house_lets_the_longest_lost_go_first() {
        let live = LiveRuns::default();
        for n in 0..i64::try_from(RUNS_LIMIT).unwrap() {
            live.take(RunId(n), progress(&n.to_string()), after(n))
                .unwrap();
        }
        let late = |ms| live.take(RunId(900), progress("late"), after(ms));
        assert_eq!(late(LOST_AFTER_MS - 1), Err(Refusal::TooManyRuns));
        late(LOST_AFTER_MS + 5).unwrap();
        assert_eq!(live.id("0"), None);
        assert_eq!(live.id("1"), Some(RunId(1)));
        assert_eq!(live.id("late"), Some(RunId(900)));
    }

    #[test]
    fn the_log_is_plain_text_and_its_end() {
        let log = (0..LOG_LINES + 3).map(|n| format!("\u{1b}[1;32mline\u{1b}[0m\t{n}\u{7}\r"));
        let live = LiveRuns::default();
        let message = Progress {
            log: log.collect(),
            ..progress("a")
        };
        live.take(RunId(7), message, NOW).unwrap();
        let kept = &live.run(RunId(7)).unwrap().progress.log;
        assert_eq!(kept.len(), LOG_LINES);
        assert_eq!(kept.first().unwrap(), "line 3");
        assert_eq!(plain("<script>\u{1b}]0;t\u{1b}[x"), "<script>]0;t");
        assert_eq!(plain(&"ä".repeat(4000)).len(), TEXT_LIMIT);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        let live = LiveRuns::default();
        let check = |message: Progress, pointer: &str| {
            let refused = live.take(RunId(7), message, NOW).unwrap_err();
            assert!(
                refused.to_string().starts_with(&format!("{pointer}: ")),
                "{refused}"
            );
        };
        check(
            Progress {
                done: 181,
                ..progress("a")
            },
            "/done",
        );
        check(
            Progress {
                branch: Some("b".repeat(201)),
                ..progress("a")
            },
            "/branch",
        );
        check(
            Progress {
                eta_seconds: Some(-1.0),
                ..progress("a")
            },
            "/eta_seconds",
        );
        let ahead = after(DAY_MS + 1000).timestamp();
        check(
            Progress {
                started_at: ahead,
                ..progress("a")
            },
            "/started_at",
        );
        let mut unfit = progress("a");
        unfit.benchmarks[0].done = 65;
        check(unfit, "/benchmarks/0/done");
        assert!(live.all().is_empty());
    }

    #[test]
    fn the_message_of_the_runner_reads_as_documented() {
        let message: Progress = serde_json::from_str(
            r#"{"run_key":"k","kind":"pull","commit":"ab","branch":"x","environment_name":"ci-a",
                "started_at":"2026-11-24T06:12:00Z","total":2,"done":1,"current":"B p=1",
                "benchmarks":[{"name":"B","done":1,"total":2,"state":"running"}],
                "eta_seconds":3.5,"log":["a"]}"#,
        )
        .unwrap();
        assert_eq!(message.benchmarks[0].state, BenchmarkState::Running);
        let least = r#"{"run_key":"k","kind":"manual","started_at":"2026-11-24T06:12:00Z",
                        "total":0,"done":0}"#;
        let least: Progress = serde_json::from_str(least).unwrap();
        let run = LiveRun {
            id: RunId(3),
            state: LiveState::Running,
            heard_at: NOW,
            progress: least,
        };
        assert_eq!(run.share(), 0.0);
        let json = serde_json::to_value(&run).unwrap();
        assert_eq!(
            (json["id"].as_i64(), json["state"].as_str()),
            (Some(3), Some("running"))
        );
        assert_eq!(json["run_key"], "k");
    }
}
