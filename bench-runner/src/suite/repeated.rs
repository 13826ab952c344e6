//! An operation of the index, ready to be repeated where its instructions are counted: fixed keys,
//! fixed seed, one thread, and hashing as on every machine.

use kv_indexer::Matches;

use super::plant::Operation;
use super::subject::Subject;
use super::{SampleError, Workloads};

/// Turns before anything is counted: what is done once is not what an operation costs.
const SETTLED: usize = 4_096;

/// The operation on an index in steady state.
pub fn prepare<'a>(
    operation: Operation,
    workloads: &'a Workloads,
) -> Result<Box<dyn FnMut() + 'a>, SampleError> {
    let subject = Subject::portable_filled(workloads.fleet())?;
    let mut repeated: Box<dyn FnMut() + 'a> = match operation {
        Operation::Apply => {
            let mut replay = workloads.fleet().share(0, 1);
            Box::new(move || {
                let (engine, bytes) = replay.event();
                std::hint::black_box(subject.apply(engine, bytes)).ok();
            })
        }
        Operation::Lookup => {
            let (prompts, mut matches, mut next) = (workloads.prompts(), Matches::new(), 0);
            Box::new(move || {
                subject.lookup(&prompts[next].tokens, &mut matches);
                std::hint::black_box(matches.best());
                next = (next + 1) % prompts.len();
            })
        }
    };
    (0..SETTLED).for_each(|_| repeated());
    Ok(repeated)
}

/// Repeats an operation. A function of its own, which a counter outside the program knows by name.
#[inline(never)]
pub fn repeat_counted(times: u64, operation: &mut dyn FnMut()) {
    // Like no other function: where two are the same, the compiler keeps one of them under both
    // names, and whoever looks for this one may find the other.
    std::hint::black_box("repeat_counted");
    for _ in 0..times {
        operation();
    }
}
