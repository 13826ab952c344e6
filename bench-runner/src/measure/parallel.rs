//! Pinned threads that start together.

use std::sync::Barrier;

use thiserror::Error;

use super::cpu;

/// Why parallel work gave no result.
#[derive(Debug, Error)]
pub enum ParallelError {
    /// The system refused a thread.
    #[error(
        "cannot start thread {index} of {threads}: {source}; raise the limit of processes (ulimit -u) or leave this concurrency out with --bench"
    )]
    Spawn {
        /// Which thread.
        index: usize,
        /// Of how many.
        threads: usize,
        /// What the system said.
        source: std::io::Error,
    },
    /// The measured code panicked.
    #[error("thread {index} panicked: {message}")]
    Panicked {
        /// Which thread.
        index: usize,
        /// With what.
        message: String,
    },
}

/// Runs `work` once for each of `states`, each on a thread of its own, pinned in turn to one of
/// `cpus`; all start together when the last is ready. Returns the results in the order of `states`.
pub fn run<S: Send, T: Send>(
    cpus: &[usize],
    states: &mut [S],
    work: impl Fn(usize, &mut S) -> T + Sync,
) -> Result<Vec<T>, ParallelError> {
    let threads = states.len();
    let (start, work) = (Barrier::new(threads), &work);
    std::thread::scope(|scope| {
        let mut handles = Vec::with_capacity(threads);
        let mut refused = None;
        for (index, state) in states.iter_mut().enumerate() {
            let start = &start;
            let spawned = std::thread::Builder::new()
                .name(format!("worker {index}"))
                .stack_size(512 * 1024)
                .spawn_scoped(scope, move || {
                    if !cpus.is_empty() {
                        cpu::pin(cpus[index % cpus.len()]);
                    }
                    start.wait();
                    work(index, state)
                });
            match spawned {
                Ok(handle) => handles.push(handle),
                Err(source) => {
                    refused = Some(ParallelError::Spawn {
                        index,
                        threads,
                        source,
                    });
                    // Whoever waits must not wait for ever: the places of the missing are taken.
                    for _ in index..threads {
                        scope.spawn(|| start.wait());
                    }
                    break;
                }
            }
        }
        let mut results = Vec::with_capacity(threads);
        let mut failed = refused;
        for (index, handle) in handles.into_iter().enumerate() {
            match handle.join() {
                Ok(result) => results.push(result),
                Err(panic) => {
                    let message = panic_message(panic.as_ref());
                    failed.get_or_insert(ParallelError::Panicked { index, message });
                }
            }
        }
        failed.map_or(Ok(results), Err)
    })
}

/// Runs `work` on a thread of its own, pinned to the first of `cpus`.
pub fn run_one<T: Send>(
    cpus: &[usize],
    work: impl FnOnce() -> T + Send,
) -> Result<T, ParallelError> {
    let mut state = Some(work);
    let mut results = run(cpus, std::slice::from_mut(&mut state), |_, work| {
        let work = work.take().expect("each state is worked on once");
        work()
    })?;
    Ok(results.pop().expect("one state gives one result"))
}

/// What a panic said, for messages.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_states() {
        let mut states: Vec<u64> = (0..20).collect();
        let results = run(&cpu::allowed(), &mut states, |index, state| {
            *state += 100;
            (index as u64, *state)
        });
        let expected: Vec<(u64, u64)> = (0..20).map(|n| (n, n + 100)).collect();
        assert_eq!(results.ok(), Some(expected));
    }

    #[test]
    fn a_panic_is_an_error_that_names_the_thread() {
        let error = run(&[], &mut [0, 1, 2], |index, _| {
            if index == 1 {
                std::panic::resume_unwind(Box::new("planted"));
            }
        })
        .err()
        .map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("thread 1 panicked: planted"));
    }

    #[test]
    fn one_piece_of_work_runs_on_a_thread_of_its_own() {
        let here = std::thread::current().id();
        let there = run_one(&cpu::allowed(), || std::thread::current().id()).ok();
        assert!(there.is_some_and(|there| there != here));
    }
}
