//! The benchmarks once more, each under a recorder.

use bench_report::metric::format_count;

use super::trace::{Trace, Written, room};
use super::{Profile, ProfileError, Sort, locks};
use crate::collect::plan::Case;
use crate::measure::looping::Budget;
use crate::measure::symbols::Symbols;
use crate::measure::{sites, spans, ticks};
use crate::suite::plant::Plant;
use crate::suite::{Context, SampleError, Stop, Workloads, sample};

/// Operations of a pass whose recorder is told of each.
const COUNTED: Budget = Budget::Count(4_096);
/// Operations of a pass for a trace.
const TRACED: Budget = Budget::Count(1_024);

/// What passes are made of.
#[derive(Debug)]
pub struct Passes<'a> {
    /// The benchmarks.
    pub cases: Vec<&'a Case>,
    /// The streams, as they were measured.
    pub workloads: &'a Workloads,
    /// How long a benchmark is profiled by time.
    pub budget: Budget,
    /// What is planted, as in the measuring.
    pub plant: Option<Plant>,
    /// Asks to stop; what was recorded until then is kept.
    pub stop: &'a Stop,
}

impl Passes<'_> {
    /// The benchmark, where there is only one.
    pub fn benchmark(&self) -> Option<&'static str> {
        let first = self.cases.first()?.info.name;
        let all = self.cases.iter().all(|case| case.info.name == first);
        all.then_some(first)
    }

    /// Where processor time went.
    pub fn cpu(&self) -> Result<Profile, ProfileError> {
        let (mut profile, mut symbols) = (Profile::new(Sort::Cpu), Symbols::default());
        let (mut ticked, mut lost) = (0, 0);
        for case in self.wanted() {
            let (outcome, ticks) = ticks::record(|| self.run(case, self.budget))?;
            self.failed(&mut profile, case, outcome);
            lost += ticks.lost;
            ticked += ticks.stacks.len();
            // Each tick stands for its part of the processor time, to the nanosecond.
            let count = ticks.stacks.len() as u64;
            for (number, stack) in (0_u64..).zip(&ticks.stacks) {
                let up_to = |number: u64| {
                    let part = u128::from(ticks.cpu_ns) * u128::from(number);
                    (part / u128::from(count.max(1))) as u64
                };
                let ns = up_to(number + 1) - up_to(number);
                profile.add(&case.text(), symbols.names(stack), [ns, 1]);
            }
        }
        profile.note(format!("{} stacks were taken", format_count(ticked as u64)));
        if lost > 0 {
            profile.note(format!("{} more had no room", format_count(lost as u64)));
        }
        Ok(profile)
    }

    /// Where memory was allocated: every allocation.
    pub fn heap(&self) -> Profile {
        let (mut profile, mut symbols) = (Profile::new(Sort::Heap), Symbols::default());
        for case in self.wanted() {
            sites::HEAP.start();
            let outcome = self.run(case, COUNTED);
            let sites = sites::HEAP.stop();
            self.failed(&mut profile, case, outcome);
            for site in sites {
                let names = symbols.names(&site.stack);
                // The allocator's own frames end every stack and say nothing.
                let is_hook = |name: &&std::rc::Rc<str>| {
                    let ends = [
                        "measure::sites",
                        "measure::alloc",
                        "__rust_alloc",
                        "__rust_realloc",
                    ];
                    !ends.iter().any(|end| name.contains(end))
                };
                let names = names.iter().take_while(is_hook).cloned().collect();
                profile.add(&case.text(), names, [site.amount, site.count]);
            }
        }
        profile
    }

    /// Where threads waited.
    pub fn locks(&self) -> Profile {
        let (mut profile, mut symbols) = (Profile::new(Sort::Locks), Symbols::default());
        for case in self.wanted() {
            locks::start();
            sites::WAITS.start();
            let outcome = self.run(case, self.budget);
            let (own, indexer) = (sites::WAITS.stop(), locks::stop());
            self.failed(&mut profile, case, outcome);
            for site in own {
                let names = symbols.names(&site.stack);
                let is_hook = |name: &&std::rc::Rc<str>| !name.contains("measure::sites");
                let names = names.iter().take_while(is_hook).cloned().collect();
                profile.add(&case.text(), names, [site.amount, site.count]);
            }
            for waits in indexer {
                let frames = vec![waits.thread.as_str().into(), waits.place.as_str().into()];
                profile.add(&case.text(), frames, [waits.ns, waits.count]);
            }
        }
        profile
    }

    /// What each thread did when.
    pub fn trace(&self) -> Written {
        locks::listen();
        let mut trace = Trace::default();
        for (number, case) in self.wanted().enumerate() {
            spans::start(room(self.cases.len()));
            // A benchmark that fails has its spans up to there.
            let _ = self.run(case, TRACED);
            trace.add(number, &case.text(), spans::stop());
        }
        trace.finish()
    }

    fn wanted(&self) -> impl Iterator<Item = &Case> {
        let measurable = self.cases.iter().copied();
        measurable
            .filter(|case| case.skipped.is_none())
            .take_while(|_| !self.stop.is_asked())
    }

    fn run(&self, case: &Case, budget: Budget) -> Result<(), SampleError> {
        let context = Context {
            workloads: self.workloads,
            budget,
            warmup: std::time::Duration::ZERO,
            cpus: &case.cpus,
            verify_counts: false,
            profiled: true,
            plant: self.plant,
            stop: self.stop,
        };
        sample(case.info, &case.params, &context).map(drop)
    }

    fn failed(&self, profile: &mut Profile, case: &Case, outcome: Result<(), SampleError>) {
        if let Err(error) = outcome {
            profile.note(format!("{}: {error}", case.text()));
        }
    }
}
