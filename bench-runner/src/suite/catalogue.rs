//! The suite as data: what each benchmark measures, its params, its metrics with unit, direction,
//! kind and targets. `list`, the web pages and generated sample histories read it; the plan of a run
//! is made from it.

use bench_report::metric::{Direction, Kind, Op, Params, Target, Unit};
use serde::Serialize;

use super::plant::Operation;
use super::{
    burst_load, concurrency, end_to_end, large_prefix, memory_usage, processing_latency,
    routing_decision, throughput,
};

/// The suite's name in reports.
pub const SUITE: &str = "kv-sync";
/// Changes when results stop being comparable with earlier ones: that starts a new epoch.
pub const SUITE_VERSION: &str = "1";

/// The metric that counts a processor's instructions.
pub const INSTRUCTIONS: &str = "instructions_per_op";

/// One benchmark of the suite.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct BenchmarkInfo {
    /// Such as `KVEventConcurrency`.
    pub name: &'static str,
    /// What it is called in running text.
    pub title: &'static str,
    /// One paragraph: what it measures, and how.
    pub description: &'static str,
    /// What its params mean.
    pub params: &'static [ParamInfo],
    /// The combinations of params that are measured; `cpu` is added where a variant asks for it.
    pub variants: &'static [Variant],
    /// Its metrics.
    pub metrics: &'static [MetricInfo],
}

/// A param of a benchmark.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ParamInfo {
    /// Such as `concurrency`.
    pub name: &'static str,
    /// What its values mean.
    pub about: &'static str,
}

/// One combination of params.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Variant {
    /// Names and values.
    pub params: &'static [(&'static str, &'static str)],
    /// Whether it is measured once for each core count of `--cpu`.
    pub per_cpu: bool,
}

/// One metric of a benchmark.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct MetricInfo {
    /// Such as `latency_p99`.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Which way is better.
    pub better: Direction,
    /// What sort of quantity it is. A [`Kind::Count`] is reported as [`Kind::Ratio`] when two
    /// passes of one run do not agree.
    pub kind: Kind,
    /// What it is, in one line.
    pub about: &'static str,
    /// With which params it is measured.
    pub when: When,
    /// The least amount that matters, in its unit.
    pub floor: Option<f64>,
    /// Its absolute goals: the first whose condition holds is the one.
    pub goals: &'static [Goal],
    /// Whether it is had only by a program that counts its allocations.
    pub needs_counting_allocator: bool,
    /// Whether it is had only where it is asked for (`--instructions`), beside the samples.
    pub needs_instructions: bool,
}

/// A condition on params.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// With all.
    Always,
    /// Where the param has this value.
    Is(&'static str, &'static str),
    /// Where the param is absent or has another value.
    Not(&'static str, &'static str),
}

/// An absolute goal of a metric.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Goal {
    /// With which params it holds.
    pub when: When,
    /// How the value is compared.
    pub op: Op,
    /// The goal, in the metric's unit.
    pub value: f64,
    /// What the performance guide's version 1.0 measured, where it says so.
    pub reference: Option<f64>,
}

/// All benchmarks: the guide's seven in its order, then the way over the network.
pub fn catalogue() -> [&'static BenchmarkInfo; 8] {
    [
        &processing_latency::INFO,
        &throughput::INFO,
        &memory_usage::INFO,
        &concurrency::INFO,
        &large_prefix::INFO,
        &burst_load::INFO,
        &routing_decision::INFO,
        &end_to_end::INFO,
    ]
}

/// The operation whose time a benchmark repeats in a closed loop: what can be planted there. None
/// where the operation waits for events to come, or is one of several in a turn.
pub fn operation_of(benchmark: &str, params: &Params) -> Option<Operation> {
    let rate = params.get("rate").is_none_or(|rate| rate == "max");
    match benchmark {
        name if name == processing_latency::INFO.name => Some(Operation::Apply),
        name if name == throughput::INFO.name && rate => Some(Operation::Apply),
        name if name == concurrency::INFO.name => Some(Operation::Apply),
        name if name == routing_decision::INFO.name => Some(Operation::Lookup),
        _ => None,
    }
}

impl BenchmarkInfo {
    /// All combinations of params for these core counts.
    pub fn cases(&self, cpus: &[u32]) -> Vec<Params> {
        let mut cases = Vec::new();
        for variant in self.variants {
            let params = || -> Params {
                let own = variant.params.iter();
                own.map(|&(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            };
            if !variant.per_cpu {
                cases.push(params());
                continue;
            }
            for cpu in cpus {
                let mut params = params();
                params.insert("cpu".to_owned(), cpu.to_string());
                cases.push(params);
            }
        }
        cases
    }

    /// The metrics that are measured with these params.
    pub fn metrics_of(&self, params: &Params) -> impl Iterator<Item = &'static MetricInfo> {
        self.metrics
            .iter()
            .filter(|metric| metric.when.holds(params))
    }

    /// The metric of that name.
    pub fn metric(&self, name: &str) -> Option<&'static MetricInfo> {
        self.metrics.iter().find(|metric| metric.name == name)
    }
}

impl MetricInfo {
    /// The goal with these params.
    pub fn goal(&self, params: &Params) -> Option<&'static Goal> {
        self.goals.iter().find(|goal| goal.when.holds(params))
    }

    /// The goal with these params, as reports carry it.
    pub fn target(&self, params: &Params) -> Option<Target> {
        self.goal(params).map(|goal| Target {
            op: goal.op,
            value: goal.value,
        })
    }

    /// The same metric with goals.
    pub(super) const fn goals(mut self, goals: &'static [Goal]) -> Self {
        self.goals = goals;
        self
    }

    /// The same metric, measured only where the condition holds.
    pub(super) const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// The same metric with the least amount that matters.
    pub(super) const fn floor(mut self, floor: f64) -> Self {
        self.floor = Some(floor);
        self
    }

    /// The same metric, better when higher.
    pub(super) const fn higher(mut self) -> Self {
        self.better = Direction::Higher;
        self
    }

    const fn new(name: &'static str, unit: Unit, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            unit,
            better: Direction::Lower,
            kind,
            about,
            when: When::Always,
            floor: None,
            goals: &[],
            needs_counting_allocator: false,
            needs_instructions: false,
        }
    }

    /// A duration in ns.
    pub(super) const fn time(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Unit::Nanoseconds, Kind::Time, about)
    }

    /// Something a second; more is better.
    pub(super) const fn rate(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Unit::PerSecond, Kind::Rate, about).higher()
    }

    /// A number with noise.
    pub(super) const fn ratio(name: &'static str, unit: Unit, about: &'static str) -> Self {
        Self::new(name, unit, Kind::Ratio, about)
    }

    /// A number that the same code and seed give again.
    pub(super) const fn count(name: &'static str, unit: Unit, about: &'static str) -> Self {
        Self::new(name, unit, Kind::Count, about)
    }

    /// Instructions of an operation; they are the same with any number of processors.
    pub(super) const fn instructions() -> Self {
        let about = "instructions for one, where they are asked for and can be counted";
        let mut metric = Self::new(INSTRUCTIONS, Unit::PerOperation, Kind::Count, about);
        metric.needs_instructions = true;
        metric.when(When::Is("cpu", "1")).floor(1.0)
    }

    /// A count by the counting allocator.
    pub(super) const fn allocated(name: &'static str, unit: Unit, about: &'static str) -> Self {
        let mut metric = Self::new(name, unit, Kind::Count, about);
        metric.needs_counting_allocator = true;
        metric
    }
}

impl Goal {
    /// A goal with all params.
    pub(super) const fn new(op: Op, value: f64) -> Self {
        Self {
            when: When::Always,
            op,
            value,
            reference: None,
        }
    }

    /// The same goal, only where the condition holds.
    pub(super) const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// The same goal with what version 1.0 measured.
    pub(super) const fn reference(mut self, value: f64) -> Self {
        self.reference = Some(value);
        self
    }
}

impl When {
    /// Whether the params meet the condition.
    pub fn holds(self, params: &Params) -> bool {
        let is = |name: &str, value: &str| params.get(name).is_some_and(|own| own == value);
        match self {
            When::Always => true,
            When::Is(name, value) => is(name, value),
            When::Not(name, value) => !is(name, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_text_says_something() {
        let mut names = Vec::new();
        for benchmark in catalogue() {
            names.push(benchmark.name.to_owned());
            assert!(benchmark.description.len() > 200, "{}", benchmark.name);
            for metric in benchmark.metrics {
                assert!(
                    metric.about.len() > 10,
                    "{} {}",
                    benchmark.name,
                    metric.name
                );
                names.push(format!("{} {}", benchmark.name, metric.name));
            }
        }
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn every_param_that_varies_is_explained() {
        for benchmark in catalogue() {
            for case in benchmark.cases(&[1, 2]) {
                for name in case.keys() {
                    assert!(
                        benchmark.params.iter().any(|param| param.name == name),
                        "{} {name}",
                        benchmark.name,
                    );
                }
                assert!(benchmark.metrics_of(&case).next().is_some());
            }
        }
    }

    #[test]
    fn the_guides_targets_and_references_stand_where_they_are_measured() {
        let goal = |benchmark: &str, metric: &str, params: &[(&str, &str)]| {
            let params: Params = params
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let benchmark = catalogue()
                .into_iter()
                .find(|info| info.name == benchmark)?;
            let metric = benchmark.metric(metric)?;
            metric
                .when
                .holds(&params)
                .then(|| metric.goal(&params))
                .flatten()
                .map(|goal| (goal.op.as_str(), goal.value, goal.reference))
        };
        let cpu = |count| [("cpu", count)];
        let latency = "KVEventProcessingLatency";
        assert_eq!(
            goal(latency, "latency_mean", &cpu("1")),
            Some(("<", 1e6, None))
        );
        assert_eq!(
            goal(latency, "latency_p50", &cpu("1")),
            Some(("<", 5e5, Some(4.5e5)))
        );
        assert_eq!(
            goal(latency, "latency_p99", &cpu("2")),
            Some(("<", 1e6, Some(9.5e5)))
        );
        let throughput = "KVEventThroughput";
        let at = |cpu| [("rate", "max"), ("cpu", cpu)];
        let rate = "events_per_second";
        assert_eq!(
            goal(throughput, rate, &at("1")),
            Some((">", 2_000.0, Some(2_200.0)))
        );
        assert_eq!(
            goal(throughput, rate, &at("2")),
            Some((">", 10_000.0, None))
        );
        assert_eq!(
            goal(throughput, rate, &at("8")),
            Some((">", 10_000.0, Some(12_000.0)))
        );
        let normal = [("rate", "2000")];
        assert_eq!(
            goal(throughput, "cpu_percent", &normal),
            Some(("<", 20.0, None))
        );
        let items = [("items", "100000")];
        let memory = "KVEventMemoryUsage";
        assert_eq!(
            goal(memory, "bytes_per_item", &items),
            Some(("<", 1_024.0, None))
        );
        assert_eq!(
            goal(memory, "heap_per_1k_events", &items),
            Some(("<", 1e6, Some(8e5)))
        );
        let routing = "KVEventRoutingDecision";
        assert_eq!(
            goal(routing, "latency_mean", &cpu("1")),
            Some(("<", 1e5, Some(8.5e4)))
        );
        assert_eq!(
            goal(routing, "visible_p99", &cpu("1")),
            Some(("<", 5e6, None))
        );
    }
}
