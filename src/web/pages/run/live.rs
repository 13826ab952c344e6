//! A run that is being executed: how far it is, and the end of its log.

use askama::Template;

use crate::domain::Millis;
use crate::text;
use crate::web::live::{BenchmarkState, LiveRun, LiveState};
use crate::web::pages::{Shell, links};

#[derive(Template)]
#[template(path = "live.html")]
pub(super) struct LivePage {
    shell: Shell,
    sentence: String,
    is_lost: bool,
    facts: Vec<String>,
    done: u32,
    total: u32,
    benchmarks: Vec<BenchmarkRow>,
    log: String,
    events: String,
}

struct BenchmarkRow {
    name: String,
    done: u32,
    total: u32,
    state: &'static str,
    class: &'static str,
    is_current: bool,
}

impl LivePage {
    pub(super) fn new(mut shell: Shell, run: &LiveRun, now: Millis) -> Self {
        let progress = &run.progress;
        // The page says it itself.
        let own = links::run(run.id);
        shell.notices.retain(|n| n.url.as_ref() != Some(&own));
        let is_lost = run.state == LiveState::Lost;
        let left = progress
            .eta_seconds
            .filter(|s| s.is_finite() && *s >= 0.0)
            .map(|s| format!(", about {} left", text::duration((s * 1000.0) as i64)));
        let sentence = if is_lost {
            format!(
                "Run {} is lost: {} of {} series, and nothing heard for {}",
                run.id,
                progress.done,
                progress.total,
                text::duration(now.0.saturating_sub(run.heard_at.0))
            )
        } else {
            format!(
                "Run {} is running: {} of {} series{}",
                run.id,
                progress.done,
                progress.total,
                left.unwrap_or_default()
            )
        };
        let started = Millis::from(progress.started_at);
        let mut facts = vec![match &progress.branch {
            Some(branch) => format!("{}, {branch}", progress.kind),
            None => progress.kind.to_string(),
        }];
        facts.extend(
            progress
                .commit
                .as_ref()
                .map(|c| c.get(..7).unwrap_or(c).to_owned()),
        );
        facts.push(match &progress.environment_name {
            Some(name) => format!(
                "{name}, started {}, {}",
                text::day_clock(started),
                text::age(started, now)
            ),
            None => format!(
                "started {}, {}",
                text::day_clock(started),
                text::age(started, now)
            ),
        });
        let failed = progress
            .benchmarks
            .iter()
            .filter(|b| b.state == BenchmarkState::Failed)
            .count();
        facts.push(match failed {
            0 => "no failure yet".to_owned(),
            n => text::plural(n as u64, "benchmark failed", "benchmarks failed"),
        });
        Self {
            shell,
            sentence,
            is_lost,
            facts,
            done: progress.done.min(progress.total),
            total: progress.total.max(1),
            benchmarks: progress
                .benchmarks
                .iter()
                .map(|b| {
                    let (state, class) = match b.state {
                        BenchmarkState::Waiting => ("waiting", "faint"),
                        BenchmarkState::Running => ("running", ""),
                        BenchmarkState::Done => ("measured", "dim"),
                        BenchmarkState::Failed => ("failed", "critical"),
                    };
                    BenchmarkRow {
                        name: b.name.clone(),
                        done: b.done,
                        total: b.total,
                        state,
                        class,
                        is_current: b.state == BenchmarkState::Running,
                    }
                })
                .collect(),
            log: progress.log.join("\n"),
            events: format!("/api/v1/live/{}/events", links::encode(&progress.run_key)),
        }
    }
}
