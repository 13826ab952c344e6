//! The sentence that opens a block: the worst thing that is certain, else what was compared.
//!
//! The order is the gate's: what is certainly worse, then what was not measured, then what cannot
//! be told, then what got better, then that all is as before. It is never green by having compared
//! nothing.

use bench_verdict::band::MIN_RUNS;
use bench_verdict::verdict::{Band, Evidence};

use super::{Gate, Headline, Mover};
use crate::analysis::{order, words};
use crate::domain::{Coverage, Environment, JudgedRun, Judgement, Millis, RunKind};

/// A run that began longer ago than this is not tonight's: a nightly job may start late or run
/// long, but the second night without a run is news.
const TONIGHT_MS: i64 = 36 * 60 * 60 * 1000;

/// What the sentence speaks of.
pub(super) struct Subject<'a> {
    /// The machine.
    pub(super) environment: &'a Environment,
    /// The newest night.
    pub(super) night: &'a JudgedRun,
    /// What the gate answered.
    pub(super) gate: &'a Gate,
    /// What left its band.
    pub(super) movers: &'a [Mover],
    /// The present.
    pub(super) now: Millis,
}

/// The sentence of a block.
pub(super) fn headline(subject: &Subject<'_>) -> Headline {
    let (claim, detail) = claim_and_detail(subject);
    let text = if subject.environment.is_sample || subject.night.run.kind == RunKind::Sample {
        format!("Sample data: {}, {detail}", lower_first(&claim))
    } else {
        format!("{claim}: {detail}")
    };
    Headline {
        text,
        mark: mark(subject.night),
    }
}

/// The mark of the worst band that is certain; of an improvement only where nothing else left its
/// band for certain. None where nothing is certain.
pub(crate) fn mark(night: &JudgedRun) -> Option<(Band, Evidence)> {
    let judged = || night.rows.iter().map(|row| &row.judgement);
    // Green beside a sentence that may be red would say the opposite of it.
    let may_be_worse = judged()
        .any(|j| matches!(j.band, Band::Critical | Band::Warning) && j.evidence != Evidence::Noise);
    judged()
        .filter(|j| order::left_band(j) && order::is_certain(j.evidence))
        .map(|j| (j.band, j.evidence))
        .min_by_key(|(band, evidence)| (order::band_rank(*band), order::evidence_rank(*evidence)))
        .filter(|(band, _)| *band != Band::Improved || !may_be_worse)
}

fn claim_and_detail(subject: &Subject<'_>) -> (String, String) {
    let run = &subject.night.run;
    let coverage = &run.coverage;
    let tally = Tally::of(subject.night);
    let measured = format!("{} of {} series", coverage.measured, coverage.expected);

    if let Some(reason) = &run.excluded {
        let day = words::day(run.started_at, subject.now);
        return (format!("The run of {day} was set aside"), reason.clone());
    }
    if tally.total == 0 {
        return (
            when(
                subject,
                "Nothing was measured tonight",
                "Nothing was measured",
            ),
            measured,
        );
    }
    if tally.certain_above > 0 {
        let what = words::counted(
            tally.certain_above,
            "confirmed regression of 10% or more",
            "confirmed regressions of 10% or more",
        );
        let detail = format!("{what}{}{}", since(subject), short(coverage));
        return (
            when(subject, "Main is slower tonight", "Main was slower"),
            detail,
        );
    }
    if subject.gate.status == "fail" {
        let why = subject.gate.reasons.first().cloned().unwrap_or(measured);
        return (
            when(
                subject,
                "Main fails the gate tonight",
                "Main failed the gate",
            ),
            why,
        );
    }
    if !coverage.is_complete() {
        let claim = when(
            subject,
            "Main was not wholly measured tonight",
            "Main was not wholly measured",
        );
        return (claim, format!("{measured}{}", missing(coverage)));
    }
    if run.kind != RunKind::Nightly && run.kind != RunKind::Sample {
        let kind = kind_words(run.kind);
        return (
            "No night of main yet".to_owned(),
            format!("run {}, {kind}, measured {measured}", run.id),
        );
    }
    if tally.warming == tally.total {
        return warming_up(subject, &measured);
    }
    let rest = if tally.warming > 0 {
        format!("; {} warming up", words::series_are(tally.warming))
    } else {
        String::new()
    };
    if tally.certain_info > 0 {
        let claim = when(
            subject,
            "Main is a little slower tonight",
            "Main was a little slower",
        );
        let what = words::counted(
            tally.certain_info,
            "confirmed regression below 10%",
            "confirmed regressions below 10%",
        );
        return (claim, format!("{what}{}{rest}", since(subject)));
    }
    if tally.open_above > 0 {
        let claim = when(
            subject,
            "Main may be slower tonight",
            "Main may have been slower",
        );
        let sure = if tally.open_above == 1 { "not" } else { "none" };
        let what = format!(
            "{} worse by 10% or more, {sure} confirmed",
            words::series_are(tally.open_above)
        );
        return (claim, format!("{what}{rest}"));
    }
    if tally.certain_improved > 0 {
        let claim = when(subject, "Main is faster tonight", "Main was faster");
        let what = words::counted(
            tally.certain_improved,
            "confirmed improvement",
            "confirmed improvements",
        );
        return (claim, format!("{what}, nothing confirmed slower{rest}"));
    }
    let claim = when(
        subject,
        "Main is as fast as last week",
        "Main was as fast as the week before",
    );
    (claim, format!("{measured}, nothing confirmed{rest}"))
}

/// The claim as of tonight, or as of the day when this environment was last measured.
fn when(subject: &Subject<'_>, tonight: &str, before: &str) -> String {
    let started_at = subject.night.run.started_at;
    if subject.now.0.saturating_sub(started_at.0) <= TONIGHT_MS {
        tonight.to_owned()
    } else {
        format!(
            "{before} when last measured, {}",
            words::day(started_at, subject.now)
        )
    }
}

fn warming_up(subject: &Subject<'_>, measured: &str) -> (String, String) {
    let run = &subject.night.run;
    let needs = words::count(MIN_RUNS);
    let nights = subject
        .night
        .rows
        .iter()
        .map(|r| r.judgement.baseline_runs)
        .max()
        .unwrap_or(0);
    if subject.environment.first_seen >= run.started_at {
        let claim = format!("First night of {}", subject.environment.name);
        return (
            claim,
            format!("{measured} measured, a baseline needs {needs} nights"),
        );
    }
    let detail = format!(
        "{measured} measured, {} of the {needs} nights that a baseline needs",
        if nights == 0 {
            "none".to_owned()
        } else {
            words::count(nights as usize)
        },
    );
    (
        when(subject, "Main is warming up", "Main was warming up"),
        detail,
    )
}

/// `, since 23 Nov`, where what is certainly worse did not begin tonight.
fn since(subject: &Subject<'_>) -> String {
    let starts = subject
        .movers
        .iter()
        .filter(|m| {
            let j = &m.judged.judgement;
            order::is_worse(j.band) && order::is_certain(j.evidence)
        })
        .map(|m| m.since);
    let (Some(first), Some(last)) = (starts.clone().min(), starts.max()) else {
        return String::new();
    };
    if first >= subject.night.run.started_at {
        return String::new();
    }
    let oldest = if words::day(first, subject.now) == words::day(last, subject.now) {
        "since"
    } else {
        "the oldest since"
    };
    format!(", {oldest} {}", words::day(first, subject.now))
}

/// `; nine of 180 series have no value`.
fn short(coverage: &Coverage) -> String {
    if coverage.is_complete() {
        return String::new();
    }
    let lost = coverage.missing.len() + coverage.failed.len();
    let have = if lost == 1 { "has" } else { "have" };
    format!(
        "; {} of {} series {have} no value",
        words::count(lost),
        coverage.expected
    )
}

/// `, seven missing, two failed`.
fn missing(coverage: &Coverage) -> String {
    let mut text = String::new();
    if !coverage.missing.is_empty() {
        text += &format!(", {} missing", words::count(coverage.missing.len()));
    }
    if !coverage.failed.is_empty() {
        text += &format!(", {} failed", words::count(coverage.failed.len()));
    }
    text
}

/// How a run came about, inside a sentence.
fn kind_words(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Nightly => "a night of main",
        RunKind::Pull => "of a pull request",
        RunKind::Manual => "made by hand",
        RunKind::Ab => "one side of a comparison",
        RunKind::Aa => "one side of a comparison with itself",
        RunKind::Canary => "a planted slowdown",
        RunKind::Import => "imported",
        RunKind::Sample => "generated",
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// How many rows say what.
#[derive(Default)]
struct Tally {
    total: usize,
    warming: usize,
    certain_above: usize,
    certain_info: usize,
    certain_improved: usize,
    /// Worse by 10% or more, and neither certain nor inside the noise.
    open_above: usize,
}

impl Tally {
    fn of(night: &JudgedRun) -> Self {
        let mut tally = Self {
            total: night.rows.len(),
            ..Self::default()
        };
        for row in &night.rows {
            tally.add(&row.judgement);
        }
        tally
    }

    fn add(&mut self, judgement: &Judgement) {
        let certain = order::is_certain(judgement.evidence);
        match judgement.band {
            Band::Critical | Band::Warning if certain => self.certain_above += 1,
            Band::Critical | Band::Warning if judgement.evidence != Evidence::Noise => {
                self.open_above += 1;
            }
            Band::Info if certain => self.certain_info += 1,
            Band::Improved if certain => self.certain_improved += 1,
            Band::Warming => self.warming += 1,
            _ => {}
        }
    }
}
