//! A history as numbers ready to draw.

use bench_report::metric::{Direction, Scale};
use bench_verdict::verdict::{Band, Evidence};

use super::along::Along;
use super::role::deserves_mark;
use crate::analysis::history::{Event, History};
use crate::domain::Millis;

/// How the y axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum YScale {
    /// In the unit.
    #[default]
    Linear,
    /// In the unit, by powers; values at or below zero have no place on it.
    Log,
    /// In percent of the first value shown.
    OfFirst,
    /// In percent of each night's baseline; nights without one have no place on it.
    OfBaseline,
}

/// How the x axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum XScale {
    /// By date.
    #[default]
    Date,
    /// One step a run.
    Evenly,
    /// One step a commit.
    Commit,
}

/// One run on a trend.
#[derive(Debug, Clone, PartialEq)]
pub struct Night {
    /// When.
    pub time: Millis,
    /// In the shown unit; absent where the scale has no place for it.
    pub value: Option<f64>,
    /// The baseline, in the shown unit.
    pub baseline: Option<f64>,
    /// The mark on it.
    pub mark: Option<(Band, Evidence)>,
    /// The verdict, marked or not.
    pub verdict: (Band, Evidence),
}

/// What a trend chart draws.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendPlot {
    /// The finding in a sentence, for who cannot see it.
    pub label: String,
    /// A longer description.
    pub desc: String,
    /// Unit above the axis.
    pub unit: String,
    /// Which way is better.
    pub better: Direction,
    /// In the order of time.
    pub nights: Vec<Night>,
    /// Spans without a run: the runs around them.
    pub gaps: Vec<(Millis, Millis)>,
    /// In the order of time.
    pub events: Vec<Event>,
    /// From, to, value.
    pub levels: Vec<(Millis, Millis, f64)>,
    /// The level before an alert's change: each from its time until the next, the last to the right
    /// edge.
    pub frozen: Vec<(Millis, f64)>,
    /// How y counts.
    pub y: YScale,
    /// The x axis.
    pub along: Along,
}

impl TrendPlot {
    /// The plot of a history in a unit that was chosen for it.
    pub fn new(history: &History, unit: Scale, x: XScale, y: YScale) -> Self {
        let first = history
            .points
            .iter()
            .map(|p| p.value)
            .find(|v| *v > 0.0 && v.is_finite());
        let show = |value: f64, baseline: Option<f64>| -> Option<f64> {
            let shown = match y {
                YScale::Linear => unit.scaled(value),
                YScale::Log if value > 0.0 => unit.scaled(value),
                YScale::Log => return None,
                YScale::OfFirst => value / first? * 100.0,
                YScale::OfBaseline => value / baseline.filter(|b| *b > 0.0)? * 100.0,
            };
            shown.is_finite().then_some(shown)
        };
        let nights = history
            .points
            .iter()
            .map(|p| {
                let baseline = p.judgement.baseline.filter(|b| *b > 0.0 && b.is_finite());
                let verdict = (p.judgement.band, p.judgement.evidence);
                Night {
                    time: p.time,
                    value: show(p.value, baseline),
                    baseline: baseline.and_then(|b| show(b, baseline)),
                    mark: deserves_mark(verdict.0, verdict.1).then_some(verdict),
                    verdict,
                }
            })
            .collect();
        // A level is a number of its span's nights; against moving baselines it says nothing.
        let levels = if y == YScale::OfBaseline {
            Vec::new()
        } else {
            history
                .levels
                .iter()
                .filter_map(|(from, to, value)| Some((*from, *to, show(*value, None)?)))
                .collect()
        };
        let frozen = match y {
            YScale::OfBaseline => Vec::new(),
            _ => {
                let levels = history.frozen.iter();
                levels
                    .filter_map(|&(from, level)| Some((from, show(level, None)?)))
                    .collect()
            }
        };
        Self {
            label: String::new(),
            desc: String::new(),
            unit: match y {
                YScale::Linear | YScale::Log => unit.label.to_owned(),
                YScale::OfFirst => "% of first".to_owned(),
                YScale::OfBaseline => "% of baseline".to_owned(),
            },
            better: history.series.better,
            nights,
            gaps: history.gaps.clone(),
            events: history.events.clone(),
            levels,
            frozen,
            y,
            along: Along::of(history.points.iter(), (history.from, history.to), x),
        }
    }

    /// The same nights on an axis that other charts have, too.
    pub fn on(self, along: Along) -> Self {
        Self { along, ..self }
    }

    /// The factor on a baseline that is worse by `change`: 1.1 for 10% where lower is better, 0.9
    /// where higher is.
    pub fn worse_by(&self, change: f64) -> f64 {
        match self.better {
            Direction::Lower => 1.0 + change,
            Direction::Higher => 1.0 - change,
        }
    }

    /// Where an instant lies on the x axis.
    pub fn x_of(&self, time: Millis) -> f64 {
        self.along.at(time)
    }

    /// The ends of the x axis; never equal.
    pub fn x_range(&self) -> (f64, f64) {
        self.along.range()
    }

    /// The stretches of nights with a baseline, cut at epochs: of each the index range.
    pub fn zones(&self) -> Vec<std::ops::Range<usize>> {
        use crate::analysis::history::EventKind;
        let mut zones = Vec::new();
        let mut start = None;
        for (i, night) in self.nights.iter().enumerate() {
            let cut = i > 0
                && self.events.iter().any(|e| {
                    e.kind == EventKind::Epoch
                        && e.time > self.nights[i - 1].time
                        && e.time <= night.time
                });
            if (cut || night.baseline.is_none())
                && let Some(from) = start.take()
            {
                zones.push(from..i);
            }
            if night.baseline.is_some() && start.is_none() {
                start = Some(i);
            }
        }
        if let Some(from) = start {
            zones.push(from..self.nights.len());
        }
        zones
    }

    /// The stretches of nights that the line joins: cut where a gap lies, or a night has no value.
    pub fn stretches(&self) -> Vec<std::ops::Range<usize>> {
        let mut stretches = Vec::new();
        let mut start = None;
        for (i, night) in self.nights.iter().enumerate() {
            let cut = i > 0
                && self
                    .gaps
                    .iter()
                    .any(|(a, b)| self.nights[i - 1].time >= *a && night.time <= *b && a < b)
                && night.time > self.nights[i - 1].time;
            if (cut || night.value.is_none())
                && let Some(from) = start.take()
            {
                stretches.push(from..i);
            }
            if night.value.is_some() && start.is_none() {
                start = Some(i);
            }
        }
        if let Some(from) = start {
            stretches.push(from..self.nights.len());
        }
        stretches
    }

    /// The values that the y axis must hold: nights, levels, zones and, with `thresholds`, the +10%
    /// and +20% lines. `None` without any night.
    pub fn y_extent(&self, thresholds: bool) -> Option<(f64, f64)> {
        let mut low = f64::INFINITY;
        let mut high = f64::NEG_INFINITY;
        let mut hold = |value: f64| {
            low = low.min(value);
            high = high.max(value);
        };
        for night in &self.nights {
            if let Some(value) = night.value {
                hold(value);
            }
            if let Some(base) = night.baseline {
                hold(base * 0.95);
                hold(base * 1.05);
                if thresholds {
                    hold(base * self.worse_by(0.2));
                }
            }
        }
        for level in &self.levels {
            hold(level.2);
        }
        for (_, level) in &self.frozen {
            hold(*level);
        }
        (low <= high).then_some((low, high))
    }
}
