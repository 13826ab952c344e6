//! An explanation as the rows of a table.

use bench_report::metric::Direction;

use super::Explanation;
use crate::confirmation::{self, Outcome};
use crate::verdict::Params;
use crate::words::{self, evidence_word, nights, percent, plain};

/// One row: which statement it belongs to, what it is, its value, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `inputs`, `A`, `B`, `C`, `D` or `gate`.
    pub part: &'static str,
    /// Such as `V, weight after clipping`.
    pub label: String,
    /// The number.
    pub value: String,
    /// What it means, or where it came from.
    pub note: String,
}

impl Explanation {
    /// The rows, in the order of the rules. `when` writes a time.
    pub fn rows(&self, when: impl Fn(i64) -> String) -> Vec<Row> {
        let mut rows = Rows(Vec::new());
        self.inputs(&mut rows, &when);
        self.statement_a(&mut rows, &when);
        self.statement_b(&mut rows, &when);
        for cut in &self.change_points {
            let note = format!("run {}, {} deviations", cut.at.run_id, plain(cut.z.abs()));
            let label = format!("boundary {}", when(cut.at.time_ms));
            rows.add("C", label, percent(cut.change), note);
        }
        if self.change_points.is_empty() {
            rows.add("C", "boundaries", "none", "one level up to this night");
        }
        self.statement_d(&mut rows, &when);
        let gate = &self.gate;
        let note = format!("threshold {}", percent(gate.threshold));
        rows.add("gate", "counts", &gate.line, note);
        rows.0
    }

    /// The series as everywhere else: `KVEventConcurrency latency_p99 cpu=2`.
    pub fn name(&self) -> String {
        let params: &Params = &self.params;
        crate::verdict::series_name(&self.benchmark, params, &self.metric)
    }

    fn read(&self, value: f64) -> String {
        words::value(value, &self.unit)
    }

    fn inputs(&self, rows: &mut Rows, when: &dyn Fn(i64) -> String) {
        let count = self.samples.len();
        let note = match self.interval {
            Some([low, high]) => format!(
                "median of {count} samples, 95% {} to {}",
                self.read(low),
                self.read(high)
            ),
            None if count == 1 => "one sample: no median and no interval".to_owned(),
            None => format!("median of {count} samples, too few for an interval"),
        };
        rows.add("inputs", "value", self.read(self.value), note);
        let night = format!("run {}", self.run_id);
        rows.add("inputs", "night", when(self.time_ms), night);
        let note = match (self.is_same, self.stored_hash) {
            (true, _) => "judged again from the stored values: the same".to_owned(),
            (false, Some(stored)) => {
                format!("the stored verdict is of {stored}: it is being judged again")
            }
            (false, None) => "the stored verdict is from before it was kept".to_owned(),
        };
        let rule = format!("rule {}", self.rule);
        rows.add("inputs", "hash", self.inputs_hash.to_string(), note);
        rows.add("inputs", "version", rule, "");
    }

    fn statement_a(&self, rows: &mut Rows, when: &dyn Fn(i64) -> String) {
        let band = &self.band;
        for run in &band.runs {
            let label = format!("run {}", run.run_id);
            rows.add("A", label, self.read(run.value), when(run.time_ms));
        }
        for left in &band.left_out {
            let label = format!("run {}", left.run.run_id);
            let note = format!("{}, left out: {}", when(left.run.time_ms), left.why);
            rows.add("A", label, self.read(left.run.value), note);
        }
        let count = format!("{} runs since {}", band.runs.len(), when(band.from_ms));
        let mean = band.baseline.map_or_else(
            || format!("none below {} runs", band.least_runs),
            |mean| self.read(mean),
        );
        rows.add("A", "baseline, their mean", mean, count);
        let size = band
            .change
            .map_or_else(|| "not available".to_owned(), percent);
        let note = band.interval.map_or_else(String::new, |[low, high]| {
            format!("{} to {} by the samples", percent(low), percent(high))
        });
        rows.add("A", "change", size, note);
        rows.add("A", "band", band.band.word(), "");
    }

    fn statement_b(&self, rows: &mut Rows, when: &dyn Fn(i64) -> String) {
        if let Some(noise) = &self.noise {
            let note = format!("from the {} before, L", nights(noise.nights));
            rows.add("B", "u, scale", plain(noise.unit), note);
            rows.add(
                "B",
                "V, variance of clipped scores",
                plain(noise.variance),
                "",
            );
            let note = format!("rho {}", plain(noise.rho));
            rows.add("B", "phi, memory", plain(noise.phi), note);
            let real = if noise.weekly.is_some() {
                "real, taken off"
            } else {
                "not real"
            };
            let note = format!("{real}: above {} it is", noise.weekly_limit);
            rows.add("B", "H, weekly rhythm", plain(noise.weekly_h), note);
        }
        if let Some(level) = &self.level {
            let note = format!(
                "median of {}, n_b; as read {}",
                nights(level.nights),
                plain(level.mu)
            );
            rows.add("B", "mu, level before", self.read(level.level), note);
            rows.add(
                "B",
                "m0, offset",
                plain(level.m0),
                "mean clipped score about mu",
            );
        }
        if let Some(night) = &self.night {
            let note = format!("deviations; beyond {} it is likely", night.beyond);
            rows.add("B", "z of this night alone", plain(night.z), note);
            let floor = format!("\u{b1}{:.1}%", 100.0 * night.noise_floor);
            rows.add("B", "noise of one night", floor, "");
            if let Some(least) = night.detectable_change {
                let note = "what a week of nights would confirm";
                rows.add("B", "detectable change", percent(least), note);
            }
        }
        for tail in &self.tails {
            let shape = tail.shape;
            let missing: Vec<&str> = [
                (tail.z.abs() >= tail.threshold, "z too small"),
                (shape.is_large, "step too small"),
                (shape.is_one_sided, "on both sides"),
                (shape.holds_together, "of several levels"),
                (tail.nights > 1, "one night"),
            ]
            .iter()
            .filter(|(fine, _)| !fine)
            .map(|(_, what)| *what)
            .collect();
            let verdict = if tail.confirms {
                "confirms".to_owned()
            } else {
                missing.join(", ")
            };
            rows.add(
                "B",
                format!("k = {}, since {}", tail.nights, when(tail.since.time_ms)),
                format!("z {} of {}", plain(tail.z), plain(tail.threshold)),
                format!(
                    "D {}, step {}: {verdict}",
                    plain(tail.d),
                    percent(tail.change)
                ),
            );
        }
        if let Some(pairs) = &self.pairs {
            let note = format!(
                "{}: {}; m {}, sd {}, se {}; it counts from {} and 4 se on",
                match pairs.outcome {
                    Outcome::Confirmed => "confirmed",
                    Outcome::Refuted => "refuted",
                    Outcome::MorePairs => "more pairs are needed",
                    Outcome::Open => "open, the nights to come decide",
                },
                format_args!("{} pairs with the good revision", pairs.pairs),
                plain(pairs.log_ratio),
                plain(pairs.deviation),
                plain(pairs.error),
                plain(confirmation::LEAST),
            );
            let worse = match self.better {
                Direction::Lower => pairs.log_ratio,
                Direction::Higher => -pairs.log_ratio,
            };
            rows.add("B", "pairs of this night", percent(worse.exp_m1()), note);
        }
        for standing in &self.standing {
            let how = if standing.by_pairs {
                "pairs of that night".to_owned()
            } else {
                format!(
                    "{}, z {} of {}",
                    nights(standing.nights),
                    plain(standing.z),
                    plain(standing.threshold)
                )
            };
            let note = format!(
                "confirmed {} by {how}; the level before {}",
                when(standing.confirmed_ms),
                standing
                    .frozen_baseline
                    .map_or_else(|| "not available".to_owned(), |level| self.read(level)),
            );
            let label = format!("change since {}", when(standing.since_ms));
            rows.add("B", label, percent(standing.change), note);
        }
        rows.add("B", "evidence", evidence_word(self.evidence), &self.why);
    }

    fn statement_d(&self, rows: &mut Rows, when: &dyn Fn(i64) -> String) {
        let Some(creep) = &self.creep else {
            return;
        };
        let note = format!(
            "median of {} since {}",
            nights(creep.first_nights),
            when(creep.since_ms)
        );
        let level = self.read(creep.accepted_level);
        rows.add("D", "accepted level", level, note);
        let reach = creep.reach.map_or_else(
            || "too few nights to tell".to_owned(),
            |reach| format!("noise could do {}", plain(reach)),
        );
        let note = format!(
            "{}; {reach}",
            if creep.is_flagged {
                "flagged"
            } else {
                "not flagged"
            }
        );
        let change = creep
            .since_accepted
            .map_or_else(|| "not available".to_owned(), percent);
        rows.add("D", "change since", change, note);
    }
}

struct Rows(Vec<Row>);

impl Rows {
    fn add(
        &mut self,
        part: &'static str,
        label: impl Into<String>,
        value: impl Into<String>,
        note: impl Into<String>,
    ) {
        self.0.push(Row {
            part,
            label: label.into(),
            value: value.into(),
            note: note.into(),
        });
    }
}
