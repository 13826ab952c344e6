//! Instructions of an operation: by the processor's counter where there is one, else by callgrind,
//! else not at all, and then it is said why. Taken twice: figures that differ are no counts.

mod callgrind;

use bench_report::metric::{Kind, Params};
use bench_report::report::{Metric, Report};
use thiserror::Error;

use crate::measure::instructions;
use crate::suite::plant::Operation;
use crate::suite::repeated::{prepare, repeat_counted};
use crate::suite::{INSTRUCTIONS, SampleError, Workloads, catalogue, operation_of};

pub use callgrind::CallgrindError;

/// Operations that are counted.
const OPERATIONS: u64 = 4_096;

/// Why there is no figure.
#[derive(Debug, Error)]
pub enum InstructionsError {
    /// Neither way works.
    #[error("instructions are not available: {counter}; {callgrind}")]
    Neither {
        /// Of the processor.
        counter: instructions::NoCounter,
        /// Of callgrind.
        callgrind: CallgrindError,
    },
    /// The operation cannot be done.
    #[error(transparent)]
    Sample(#[from] SampleError),
}

/// Instructions an operation, twice; and by what they were counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    /// Instructions an operation, once and once more.
    pub per_operation: [f64; 2],
    /// `the processor's counter` or `callgrind`.
    pub by: &'static str,
}

/// Counts an operation.
pub fn count(operation: Operation, workloads: &Workloads) -> Result<Counted, InstructionsError> {
    let by_processor = || -> Result<Result<u64, instructions::NoCounter>, SampleError> {
        let mut repeated = prepare(operation, workloads)?;
        Ok(instructions::count(|| {
            repeat_counted(OPERATIONS, &mut *repeated);
        }))
    };
    let per = |all: u64| all as f64 / OPERATIONS as f64;
    let counter = match (by_processor()?, by_processor()?) {
        (Ok(once), Ok(again)) => {
            return Ok(Counted {
                per_operation: [per(once), per(again)],
                by: "the processor's counter",
            });
        }
        (Err(error), _) | (_, Err(error)) => error,
    };
    let by_callgrind = || callgrind::count(operation, OPERATIONS, workloads.run_seed());
    match by_callgrind().and_then(|once| Ok([once, by_callgrind()?])) {
        Ok(both) => Ok(Counted {
            per_operation: both.map(per),
            by: "callgrind",
        }),
        Err(callgrind) => Err(InstructionsError::Neither { counter, callgrind }),
    }
}

/// Adds the instructions of the benchmarks in a report that have them; gives what is to be told.
pub fn add_to(report: &mut Report, workloads: &Workloads) -> Vec<String> {
    let mut told = Vec::new();
    for benchmark in &mut report.benchmarks {
        let info = catalogue()
            .into_iter()
            .find(|info| info.name == benchmark.name);
        let metric = info.and_then(|info| info.metric(INSTRUCTIONS));
        let has = |params: &Params| metric.filter(|metric| metric.when.holds(params));
        let operation = operation_of(&benchmark.name, &benchmark.params);
        let (Some(metric), Some(operation)) = (has(&benchmark.params), operation) else {
            continue;
        };
        if benchmark.metrics.is_empty() {
            continue;
        }
        match count(operation, workloads) {
            Ok(counted) => {
                let [once, again] = counted.per_operation;
                benchmark.metrics.push(Metric {
                    name: metric.name.to_owned(),
                    unit: metric.unit.as_str().to_owned(),
                    better: metric.better,
                    kind: if once == again {
                        Kind::Count
                    } else {
                        Kind::Ratio
                    },
                    samples: vec![once, again],
                    floor: metric.floor,
                    target: None,
                });
                told.push(format!(
                    "{}: instructions by {}",
                    benchmark.name, counted.by
                ));
            }
            Err(error) => {
                told.push(error.to_string());
                // The next one would fail for the same reason.
                break;
            }
        }
    }
    if told.is_empty() {
        told.push("instructions: none of these benchmarks repeats one operation".to_owned());
    }
    told
}
