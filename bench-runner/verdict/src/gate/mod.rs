//! What turns CI red: from judged series, coverage and rules to a status, an exit code and the
//! reasons for both.
//!
//! Fail-closed: nothing compared, nothing measured or nothing expected to be there is never green,
//! and neither is a series that is still warming up.

pub mod strictness;

pub use self::strictness::{DEFAULT_THRESHOLD, FailOn, GateOptions};
use crate::band::{self, Band};
use crate::exit::{ExitCode, Reasons, Status};
use crate::patterns::{Change, Effective, Patterns};
use crate::verdict::{Counts, Coverage, Decided, Evidence, RuleResult, SeriesVerdict, Verdict};
use crate::words::{self, evidence_word, list, percent, symbol};

/// Everything that the gate looks at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GateInput {
    /// What should have been measured, and what was.
    pub coverage: Coverage,
    /// The series that were measured, judged.
    pub series: Vec<SeriesVerdict>,
    /// The absolute rules.
    pub rules: Vec<RuleResult>,
    /// How strict the gate is with which series, beside its own options.
    pub patterns: Patterns,
    /// Warning signs; they are passed on and fail nothing.
    pub red_flags: Vec<String>,
    /// Set when the night's canary missed its planted slowdown or hit the plain pair: what it did.
    pub canary_missed: Option<String>,
    /// Alerts that were open when their epoch ended and that nothing carries on to this one.
    pub left_open: Vec<LeftOpen>,
    /// Set when the two named sides were measured in different environments: what differs.
    pub environments_differ: Option<String>,
}

/// An alert that a run cannot be measured against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOpen {
    /// Its number.
    pub alert_id: i64,
    /// The day of its epoch's last night, for people.
    pub ended_on: String,
}

/// Judges a run.
pub fn gate(input: GateInput, options: &GateOptions) -> Verdict {
    let counts = Counts::of(input.series.iter().map(|series| series.band));
    let mut reasons = Reasons::default();
    regressions(&input, options, &mut reasons);
    incomplete(&input, &counts, options, &mut reasons);
    if let Some(what) = &input.environments_differ {
        reasons.add(
            ExitCode::Incomparable,
            format!("the environments differ: {what}"),
        );
    }
    inconclusive(&input, options, &mut reasons);
    let exit_code = reasons.exit_code();
    Verdict {
        status: exit_code.status().unwrap_or(Status::Fail),
        exit_code,
        reasons: reasons.texts(),
        threshold: options.threshold,
        fail_on: options.fail_on,
        rule: crate::RULE.to_owned(),
        rejudged: false,
        coverage: input.coverage,
        counts,
        rules: input.rules,
        red_flags: input.red_flags,
        series: input.series,
    }
}

/// What fails: exit 1.
fn regressions(input: &GateInput, options: &GateOptions, reasons: &mut Reasons) {
    let fail = ExitCode::Regression;
    for series in &input.series {
        let own = input.patterns.effective(series.into(), options);
        if own.is_ignored {
            continue;
        }
        let name = series.name();
        // (a) An alert stays red against the level before it, however long it has been open.
        if let Some(alert) = series.alert_id
            && let Some(size) = frozen_size(series, &own)
        {
            reasons.add(
                fail,
                format!("{name}: {size} against the level before alert {alert}, and not fixed"),
            );
        }
        // (b) Tonight. What a person has decided of fails no more, while the baseline shows it.
        if own.is_above(&series.into()) {
            let sure = matches!(series.evidence, Evidence::Confirmed | Evidence::Exact)
                && series.decided.is_none();
            let text = || format!("{name}: {} ({})", size_of(series), series.band.word());
            if sure {
                reasons.add(
                    fail,
                    format!("{}, {}", text(), evidence_word(series.evidence)),
                );
            } else if !options.noise_guard {
                reasons.add(fail, text());
            }
        }
        // (c) Slow change since the accepted level.
        if let Some(creep) = series.creep
            && own.is_size_above(creep, series.accepted_level)
        {
            let size = percent(creep);
            reasons.add(
                fail,
                format!("{name}: crept by {size} since its accepted level"),
            );
        }
        // (d) A target that the baseline met.
        if let Some(target) = series.target
            && !target.met
            && let Some(baseline) = series.baseline
            && (bench_report::metric::Target {
                op: target.op,
                value: target.value,
            })
            .is_met_by(baseline)
        {
            let read = |value| words::value(value, &series.unit);
            reasons.add(
                fail,
                format!(
                    "{name}: misses its target {} {} with {}; the baseline met it with {}",
                    symbol(target.op),
                    read(target.value),
                    read(series.value),
                    read(baseline),
                ),
            );
        }
    }
    // (d) The absolute rules.
    for rule in input.rules.iter().filter(|rule| !rule.met) {
        let read = |value| words::value(value, &rule.unit);
        let (value, limit, op) = (read(rule.value), read(rule.limit), symbol(rule.op));
        reasons.add(
            fail,
            format!("{}: {value}, must be {op} {limit}", rule.name),
        );
    }
}

/// What was not measured, or could not be compared: exit 4.
fn incomplete(input: &GateInput, counts: &Counts, options: &GateOptions, reasons: &mut Reasons) {
    let (code, coverage) = (ExitCode::Incomplete, &input.coverage);
    for (names, what) in [(&coverage.missing, "missing"), (&coverage.failed, "failed")] {
        if !names.is_empty() {
            let of = coverage.expected.max(names.len());
            // What is missing may be there under another name.
            let new = match coverage.new.is_empty() || what != "missing" {
                true => String::new(),
                false => format!("; new: {}", list(&coverage.new)),
            };
            let text = format!(
                "{} of {of} expected series {what}: {}{new}",
                names.len(),
                list(names)
            );
            reasons.add(code, text);
        }
    }
    let is_ignored = |series: &SeriesVerdict| {
        let own = input.patterns.effective(series.into(), options);
        own.is_ignored
    };
    let all_ignored = !input.series.is_empty() && input.series.iter().all(is_ignored);
    if all_ignored || (counts.compared() == 0 && counts.warming == 0) {
        let text = if input.series.is_empty() {
            "nothing was compared: no series in common"
        } else if all_ignored {
            "nothing was compared: the rules ignore every series"
        } else {
            "nothing was compared: no series has a baseline that a percentage can be taken of"
        };
        reasons.add(code, text);
    } else if coverage.measured < coverage.expected
        && coverage.missing.is_empty()
        && coverage.failed.is_empty()
    {
        let (measured, expected) = (coverage.measured, coverage.expected);
        reasons.add(
            code,
            format!("{measured} of {expected} expected series measured"),
        );
    }
}

/// What the data cannot decide: exit 3.
fn inconclusive(input: &GateInput, options: &GateOptions, reasons: &mut Reasons) {
    let code = ExitCode::Inconclusive;
    let is_ignored = |series: &SeriesVerdict| {
        let own = input.patterns.effective(series.into(), options);
        own.is_ignored
    };
    let warming: Vec<String> = names(input, |series| {
        series.band == Band::Warming && !is_ignored(series)
    });
    if !warming.is_empty() {
        let text = format!(
            "{} series warming up (fewer than {} runs in the 7 days before): {}",
            warming.len(),
            band::MIN_RUNS,
            list(&warming)
        );
        reasons.add(code, text);
    }
    if !options.noise_guard {
        return;
    }
    for left in &input.left_open {
        let (alert, day) = (left.alert_id, &left.ended_on);
        reasons.add(
            code,
            format!(
                "alert {alert} is open and its epoch ended on {day}, so nothing here is measured \
                 against it: carry it on with `bench-runner bridge`, accept it or dismiss it"
            ),
        );
    }
    if let Some(what) = &input.canary_missed {
        reasons.add(code, format!("canary: {what}"));
    }
    for series in &input.series {
        let own = input.patterns.effective(series.into(), options);
        if own.is_ignored {
            continue;
        }
        let above = own.is_above(&series.into());
        let name = series.name();
        if let Some(decided) = series.decided
            && above
        {
            if let Some(size) = size_beyond(series, &decided, &own) {
                reasons.add(
                    code,
                    format!(
                        "{name}: {size} against the level of alert {}, which was let be, and not confirmed",
                        decided.alert_id
                    ),
                );
            }
            continue;
        }
        match (series.samples_needed, series.evidence) {
            (_, Evidence::Confirmed | Evidence::Exact) => {}
            (Some(needed), _) => reasons.add(
                code,
                format!(
                    "{name}: {} sample{} a side cannot decide, {needed} are needed",
                    series.samples,
                    if series.samples == 1 { "" } else { "s" },
                ),
            ),
            (None, Evidence::Likely) if above => {
                let size = size_of(series);
                reasons.add(code, format!("{name}: {size}, likely and not confirmed"));
            }
            // That the environments differ is said once, not for each series.
            (None, Evidence::Incomparable) if input.environments_differ.is_some() => {}
            (None, Evidence::Inconclusive | Evidence::Incomparable) if above => {
                let size = size_of(series);
                reasons.add(
                    code,
                    format!("{name}: {size}, too little history to confirm it"),
                );
            }
            (None, _) => {}
        }
    }
}

fn names(input: &GateInput, wanted: impl Fn(&SeriesVerdict) -> bool) -> Vec<String> {
    input
        .series
        .iter()
        .filter(|series| wanted(series))
        .map(SeriesVerdict::name)
        .collect()
}

/// How far a series lies from the level before its alert, where that is above. A level of zero has
/// no percentage: whatever is worse than it is above.
fn frozen_size(series: &SeriesVerdict, own: &Effective) -> Option<String> {
    if let Some(change) = series.frozen_change {
        let is_above = own.is_size_above(change, series.frozen_baseline);
        return is_above.then(|| percent(change));
    }
    let (level, floor) = (series.frozen_baseline, series.floor);
    let judged = band::judge(series.value, level, series.better, floor);
    let is_zero = series.frozen_baseline == Some(0.0);
    let from_zero = Change {
        value: series.value,
        baseline: series.frozen_baseline,
        change: None,
        band: judged.band,
    };
    (is_zero && own.is_above(&from_zero)).then(|| words::value(series.value, &series.unit))
}

/// How far tonight lies from a level that a person has accepted or dismissed, where that is above.
fn size_beyond(series: &SeriesVerdict, decided: &Decided, own: &Effective) -> Option<String> {
    let level = Some(decided.level?);
    let judged = band::judge(series.value, level, series.better, series.floor);
    let from_level = Change {
        value: series.value,
        baseline: decided.level,
        change: judged.change,
        band: judged.band,
    };
    let is_above = own.is_above(&from_level);
    is_above.then(|| judged.change.map_or_else(String::new, percent))
}

fn size_of(series: &SeriesVerdict) -> String {
    series.change.map_or_else(
        || {
            let value = words::value(series.value, &series.unit);
            format!("{value} where the baseline is 0")
        },
        |change| format!("{} against its baseline", percent(change)),
    )
}

#[cfg(test)]
mod tests;
