//! The benchmarks once more, each under a recorder.

use std::rc::Rc;

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
                profile.add(&case.text(), within(symbols.names(stack)), [ns, 1]);
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
                let names = owners(within(symbols.names(&site.stack)));
                profile.add(&case.text(), names, [site.amount, site.count]);
            }
        }
        profile
    }

    /// Where threads waited.
    pub fn locks(&self) -> Profile {
        locks::listen();
        let (mut profile, mut symbols) = (Profile::new(Sort::Locks), Symbols::default());
        for case in self.wanted() {
            sites::WAITS.start();
            let outcome = self.run(case, self.budget);
            let sites = sites::WAITS.stop();
            self.failed(&mut profile, case, outcome);
            for site in sites {
                let mut names = waiters(within(symbols.names(&site.stack)));
                names.extend(site.place.map(|place| locks::frame(place).into()));
                profile.add(&case.text(), names, [site.amount, site.count]);
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

/// A stack from the benchmark on, whichever thread it is of: what starts a pass or a thread is the same
/// for all.
fn within(mut names: Vec<Rc<str>>) -> Vec<Rc<str>> {
    let last = |names: &[Rc<str>], part: &str| names.iter().rposition(|name| name.contains(part));
    // Only at the beginning: a benchmark that starts threads waits for them, and that is its work.
    let first_ones = &names[..names.len().min(4)];
    let ours = last(&names, "bench_runner::profile::pass")
        .or_else(|| last(first_ones, "bench_runner::measure::parallel"));
    if let Some(last) = ours.filter(|last| last + 1 < names.len()) {
        names.drain(..=last);
    }
    names
}

/// A stack without the allocator's own frames, which end every one and say nothing.
fn owners(mut names: Vec<Rc<str>>) -> Vec<Rc<str>> {
    let is_allocator = |name: &str| {
        let name = name.trim_start_matches(['<', '_']);
        let parts = [
            "alloc::alloc::",
            "alloc::raw_vec::",
            "rust_alloc",
            "rust_realloc",
            "rustc::",
            "bench_runner::measure::",
            "backtrace::",
        ];
        parts.iter().any(|part| name.starts_with(part))
    };
    // What was recorded from within the recorder ends in frames that are not the allocator's.
    if let Some(hook) = names
        .iter()
        .position(|name| name.contains("bench_runner::measure::alloc"))
    {
        names.truncate(hook);
    }
    while names.last().is_some_and(|name| is_allocator(name)) {
        names.pop();
    }
    names
}

/// A stack without the frames that timed the wait.
fn waiters(mut names: Vec<Rc<str>>) -> Vec<Rc<str>> {
    if let Some(hook) = names
        .iter()
        .position(|name| name.contains("measure::sites"))
    {
        names.truncate(hook);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(cut: fn(Vec<Rc<str>>) -> Vec<Rc<str>>, names: &[&str]) -> Vec<String> {
        let names = names.iter().map(|&name| name.into()).collect();
        cut(names).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_allocation_belongs_to_whoever_asked_the_allocator() {
        let stack = [
            "bench_runner::suite::x",
            "kv_indexer::index::grow",
            "alloc::vec::Vec::push",
            "<alloc::raw_vec::RawVecInner>::finish_grow",
            "alloc::alloc::alloc",
            "__rustc::__rust_alloc",
            "<bench_runner::measure::alloc::CountingAllocator as core::alloc::GlobalAlloc>::alloc",
            "bench_runner::measure::sites::Recorder::note",
        ];
        assert_eq!(
            kept(owners, &stack),
            [
                "bench_runner::suite::x",
                "kv_indexer::index::grow",
                "alloc::vec::Vec::push"
            ]
        );
    }

    #[test]
    fn a_stack_begins_with_the_benchmark_on_every_thread() {
        let main = [
            "bench_runner::main",
            "bench_runner::profile::pass::Passes::heap",
            "bench_runner::profile::pass::Passes::run",
            "bench_runner::suite::sample",
        ];
        let thread = [
            "bench_runner::measure::parallel::run::{{closure}}",
            "bench_runner::suite::drive::phases",
        ];
        assert_eq!(kept(within, &main), ["bench_runner::suite::sample"]);
        assert_eq!(
            kept(within, &thread),
            ["bench_runner::suite::drive::phases"]
        );
        // A stack of nothing else keeps what it has.
        assert_eq!(kept(within, &thread[..1]).len(), 1);
    }

    #[test]
    fn a_wait_belongs_to_whoever_waits() {
        let stack = [
            "bench_runner::suite::drive::phases",
            "bench_runner::measure::sites::waiting",
            "std::x",
        ];
        assert_eq!(
            kept(waiters, &stack),
            ["bench_runner::suite::drive::phases"]
        );
    }
}
