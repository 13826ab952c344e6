//! Rounds over all cases, interleaved: each round takes one sample of every case, in a new order.
//! What drifts meanwhile (temperature, neighbours) then enters every case alike, and its samples
//! are spread over the whole run.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use super::gather::Gathered;
use super::plan::Case;
use crate::measure::parallel::panic_message;
use crate::measure::sampler::Moment;
use crate::suite::{Context, Sample, SampleError, Stop, Workloads, sample};
use crate::workload::random::{Random, derive};

/// Takes samples: the suite, or a double of it.
pub trait Executor {
    /// One sample of a case, in a round counted from 0.
    fn sample(&self, case: &Case, round: u32) -> Result<Sample, SampleError>;
}

/// The suite itself.
#[derive(Debug)]
pub struct SuiteExecutor<'a> {
    /// The streams.
    pub workloads: &'a Workloads,
    /// How long a sample is.
    pub settings: &'a super::plan::Settings,
    /// Asks to stop.
    pub stop: &'a Stop,
}

impl Executor for SuiteExecutor<'_> {
    fn sample(&self, case: &Case, round: u32) -> Result<Sample, SampleError> {
        let context = Context {
            workloads: self.workloads,
            budget: self.settings.benchtime.budget,
            warmup: self.settings.warmup,
            cpus: &case.cpus,
            verify_counts: round == 0,
            profiled: false,
            stop: self.stop,
            plant: self.settings.plant,
        };
        sample(case.info, &case.params, &context)
    }
}

/// Hears what happens, between measurements and never during one.
pub trait Observer {
    /// A sample is about to be taken.
    fn starting(&mut self, _state: &State<'_>) {}
    /// A sample was taken, or failed.
    fn sampled(&mut self, _state: &State<'_>) {}
}

/// Where a session stands.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// What was measured so far.
    pub gathered: &'a Gathered,
    /// The case at hand.
    pub case: usize,
    /// The round at hand, from 0.
    pub round: u32,
    /// Samples done, failed ones too.
    pub done: usize,
    /// Samples to be done.
    pub total: usize,
    /// Time left, as far as what was measured tells.
    pub left: Option<Duration>,
}

impl State<'_> {
    /// The case at hand.
    pub fn current(&self) -> &Case {
        self.gathered
            .cases()
            .nth(self.case)
            .expect("the case at hand is one of the plan's")
    }

    /// Where it stands, in words: `KVEventConcurrency concurrency=10 cpu=1 round 2/6`.
    pub fn text(&self) -> String {
        let count = self.gathered.settings().count;
        format!("{} round {}/{count}", self.current().text(), self.round + 1)
    }
}

/// Measures everything; returns whether it came to its end. A case that fails gives no further
/// samples, the others go on.
pub fn run(
    gathered: &mut Gathered,
    executor: &impl Executor,
    stop: &Stop,
    observers: &mut [&mut dyn Observer],
) -> bool {
    let settings = gathered.settings().clone();
    let measurable: Vec<usize> = gathered
        .cases()
        .enumerate()
        .filter_map(|(number, case)| case.skipped.is_none().then_some(number))
        .collect();
    let total = measurable.len() * settings.count as usize;
    let mut pace = Pace::new(gathered.cases().len());
    let mut done = 0;
    for round in 0..settings.count {
        let mut order = measurable.clone();
        Random::new(derive(settings.seed, u64::from(round))).shuffle(&mut order);
        for (place, &case) in order.iter().enumerate() {
            if stop.is_asked() {
                return false;
            }
            if gathered.failure(case).is_some() {
                done += 1;
                continue;
            }
            let left = pace.left(&order[place..], &measurable, settings.count - round - 1);
            let state = State {
                gathered,
                case,
                round,
                done,
                total,
                left,
            };
            observers
                .iter_mut()
                .for_each(|observer| observer.starting(&state));
            let start = Instant::now();
            match take(gathered, executor, case, round) {
                Err(SampleError::Stopped) => return false,
                Err(error) => gathered.fail(case, error.to_string()),
                Ok(()) => pace.took(case, start.elapsed()),
            }
            done += 1;
            let left = pace.left(&order[place + 1..], &measurable, settings.count - round - 1);
            let state = State {
                gathered,
                case,
                round,
                done,
                total,
                left,
            };
            observers
                .iter_mut()
                .for_each(|observer| observer.sampled(&state));
        }
    }
    true
}

/// Takes one sample; a panic of the measured code is its failure, not ours.
fn take(
    gathered: &mut Gathered,
    executor: &impl Executor,
    case: usize,
    round: u32,
) -> Result<(), SampleError> {
    let planned = gathered
        .cases()
        .nth(case)
        .expect("the plan names only its own cases");
    let from = Moment::now();
    let sample = std::panic::catch_unwind(AssertUnwindSafe(|| executor.sample(planned, round)))
        .unwrap_or_else(|panic| {
            let message = panic_message(panic.as_ref());
            Err(crate::measure::parallel::ParallelError::Panicked { index: 0, message }.into())
        })?;
    gathered.add(case, sample, from, Moment::now());
    Ok(())
}

/// How long a sample of each case takes.
struct Pace {
    took: Vec<Option<Duration>>,
}

impl Pace {
    fn new(cases: usize) -> Self {
        Self {
            took: vec![None; cases],
        }
    }

    fn took(&mut self, case: usize, time: Duration) {
        self.took[case] = Some(time);
    }

    /// Time for the rest of this round and so many whole rounds; a case that was not measured yet
    /// counts as the mean of those that were. `None` before anything was measured.
    fn left(&self, rest: &[usize], all: &[usize], rounds: u32) -> Option<Duration> {
        let known: Vec<Duration> = self.took.iter().flatten().copied().collect();
        let mean = known
            .iter()
            .sum::<Duration>()
            .checked_div(u32::try_from(known.len()).ok()?)?;
        let sum = |cases: &[usize]| -> Duration {
            cases
                .iter()
                .map(|&case| self.took[case].unwrap_or(mean))
                .sum()
        };
        Some(sum(rest) + sum(all) * rounds)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use bench_report::report::Status;
    use jiff::Timestamp;

    use super::super::gather::tests::{gathered, sample};
    use super::*;

    /// Answers as told and notes what it was asked.
    struct Double<F> {
        asked: RefCell<Vec<(String, u32)>>,
        answer: F,
    }

    impl<F: Fn(&Case, u32) -> Result<Sample, SampleError>> Executor for Double<F> {
        fn sample(&self, case: &Case, round: u32) -> Result<Sample, SampleError> {
            self.asked.borrow_mut().push((case.text(), round));
            (self.answer)(case, round)
        }
    }

    fn double<F: Fn(&Case, u32) -> Result<Sample, SampleError>>(answer: F) -> Double<F> {
        Double {
            asked: RefCell::default(),
            answer,
        }
    }

    #[test]
    fn every_round_takes_one_sample_of_every_case_in_a_new_order() {
        let mut gathered = gathered(Some("KVEventConcurrency"), &[0, 1]);
        let double = double(|_, _| Ok(sample(1.0)));
        assert!(run(&mut gathered, &double, &Stop::default(), &mut []));
        let asked = double.asked.into_inner();
        assert_eq!(asked.len(), 3 * 10);
        let rounds: Vec<Vec<&String>> = asked
            .chunks(10)
            .enumerate()
            .map(|(round, chunk)| {
                assert!(chunk.iter().all(|ask| ask.1 == round as u32));
                chunk.iter().map(|ask| &ask.0).collect()
            })
            .collect();
        assert_ne!(rounds[0], rounds[1]);
        let mut sorted = rounds.clone();
        sorted.iter_mut().for_each(|round| round.sort());
        assert_eq!(sorted[0], sorted[2]);
    }

    #[test]
    fn a_case_that_fails_is_left_alone_and_the_others_go_on() {
        let mut gathered = gathered(Some("KVEventMemoryUsage"), &[0]);
        let double = double(|case, round| {
            if case.params["items"] == "10000" && round == 1 {
                return Err(SampleError::NeverVisible(5));
            }
            Ok(sample(1.0))
        });
        assert!(run(&mut gathered, &double, &Stop::default(), &mut []));
        assert_eq!(double.asked.borrow().len(), 3 + 2 + 3);
        assert_eq!((gathered.sample_count(0), gathered.sample_count(1)), (3, 1));
        assert!(
            gathered
                .failure(1)
                .is_some_and(|error| error.contains("not visible"))
        );
    }

    #[test]
    fn a_panic_of_the_measured_code_is_a_failure_of_its_benchmark() {
        let mut gathered = gathered(Some("KVEventBurstLoad"), &[0]);
        let double = double(|_, _| std::panic::resume_unwind(Box::new("planted")));
        assert!(run(&mut gathered, &double, &Stop::default(), &mut []));
        let report = gathered.report(Timestamp::now(), false);
        assert_eq!(report.benchmarks[0].status, Status::Failed);
        assert!(
            report.benchmarks[0]
                .error
                .as_ref()
                .is_some_and(|error| error.contains("planted"))
        );
    }

    #[test]
    fn what_was_measured_before_a_stop_is_kept() {
        let mut gathered = gathered(Some("ProcessingLatency"), &[0, 1, 2, 3]);
        let stop = Stop::default();
        let double = double(|_, round| {
            if round == 1 {
                stop.ask();
            }
            Ok(sample(1.0))
        });
        assert!(!run(&mut gathered, &double, &stop, &mut []));
        let samples: usize = (0..3).map(|case| gathered.sample_count(case)).sum();
        assert_eq!(samples, 4);
        let report = gathered.report(Timestamp::now(), true);
        let refusal = report.validate(Timestamp::now()).err();
        assert!(refusal.is_none(), "{refusal:?}");
    }

    #[test]
    fn time_left_shrinks_to_nothing() {
        struct Left(Vec<Option<Duration>>);
        impl Observer for Left {
            fn sampled(&mut self, state: &State<'_>) {
                self.0.push(state.left);
            }
        }
        let mut gathered = gathered(Some("KVEventMemoryUsage"), &[0]);
        let mut left = Left(Vec::new());
        let double = double(|_, _| Ok(sample(1.0)));
        run(&mut gathered, &double, &Stop::default(), &mut [&mut left]);
        assert_eq!(left.0.len(), 9);
        assert_eq!(left.0.last(), Some(&Some(Duration::ZERO)));
        assert!(left.0[0].is_some());
    }
}
