//! Which series prove tonight that the gate can fail, and what is planted in them.

use bench_report::metric::{Kind, SeriesName};
use bench_report::report::{Report, Status};

use super::flagged::options;
use crate::ab::side::{Program, Side};
use crate::suite::operation_of;
use crate::suite::plant::{Effect, Operation, Plant, is_promised};
use crate::workload::random::{Random, derive};

/// By how much the planted side is slower.
pub const SLOWER: f64 = 0.15;
/// Series that are drawn each night.
const DRAWN: usize = 2;

/// One drawn series.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Which.
    pub series: SeriesName,
    /// In which operation the slowdown is planted; none where the benchmark is somebody else's, and
    /// it is planted in what it prints.
    operation: Option<Operation>,
}

/// Draws series of different benchmarks from a report, by its run key.
///
/// Of our own suite they are those that a planted slowdown moves by its own fraction. Of a command
/// of somebody else's they are any times and rates: there the slowdown is planted in the figures
/// that it prints, which proves all that comes after the measuring and nothing of the measuring.
pub fn draw(report: &Report, is_foreign: bool) -> Vec<Drawn> {
    let measured = report
        .benchmarks
        .iter()
        .filter(|benchmark| benchmark.status == Status::Ok);
    let mut all: Vec<Drawn> = Vec::new();
    for benchmark in measured {
        let operation = operation_of(&benchmark.name, &benchmark.params);
        for metric in &benchmark.metrics {
            let positive = metric.samples.iter().all(|sample| *sample > 0.0);
            let usable = match is_foreign {
                true => matches!(metric.kind, Kind::Time | Kind::Rate),
                false => operation.is_some() && is_promised(&metric.name),
            };
            if usable && positive {
                let series = SeriesName {
                    benchmark: benchmark.name.clone(),
                    metric: metric.name.clone(),
                    params: benchmark.params.clone(),
                };
                let operation = operation.filter(|_| !is_foreign);
                all.push(Drawn { series, operation });
            }
        }
    }
    let seed = report.run_key.as_u64_pair();
    Random::new(derive(seed.0, seed.1)).shuffle(&mut all);
    let mut drawn: Vec<Drawn> = Vec::new();
    for one in all {
        let case = |drawn: &Drawn| (drawn.series.benchmark.clone(), drawn.series.params.clone());
        if drawn.len() < DRAWN && drawn.iter().all(|own| case(own) != case(&one)) {
            drawn.push(one);
        }
    }
    drawn
}

impl Drawn {
    /// Tonight's side, narrowed to this series.
    pub fn plain(&self, head: &Side) -> Side {
        let mut side = head.clone();
        if let Program::Runner { options: own, .. } = &mut side.program {
            own.extend(options(std::slice::from_ref(&self.series)));
        }
        side
    }

    /// The same, slower by [`SLOWER`], and how that is said.
    pub fn planted(&self, head: &Side) -> (Side, String) {
        let mut side = self.plain(head);
        match (self.operation, &mut side.program) {
            (Some(operation), Program::Runner { options, .. }) => {
                let effect = Effect::Slower(SLOWER);
                let plant = Plant { operation, effect };
                options.push(format!("--plant={plant}"));
                (side, plant.to_string())
            }
            _ => {
                side.slowed = Some(SLOWER);
                (side, format!("figures={}%", SLOWER * 100.0))
            }
        }
    }
}
