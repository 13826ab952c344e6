//! Clocks, an allocator that counts, and what becomes of many samples.

use rustix::time::{ClockId, clock_gettime};
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Counts live bytes.
pub struct Counting;

static LIVE: AtomicI64 = AtomicI64::new(0);

// SAFETY: every call goes to the system's allocator unchanged; only sizes are counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_add(size as i64 - layout.size() as i64, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Live bytes at this moment.
pub fn live_bytes() -> i64 {
    LIVE.load(Relaxed)
}

/// What reading the clock takes, in ns: taken off what it timed.
pub fn clock_ns() -> f64 {
    let start = Instant::now();
    let mut last = start;
    for _ in 0..100_000 {
        last = black_box(Instant::now());
    }
    (last - start).as_nanos() as f64 / 100_000.0
}

/// What this thread has used of a processor.
pub fn thread_cpu() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// What else the machine did for a while: what decides how far a figure by the clock can be believed.
pub struct Window {
    wall: Instant,
    own: Duration,
    machine: Option<Machine>,
}

/// Ticks of all processors since the machine started, as `/proc/stat` counts them.
#[derive(Clone, Copy)]
struct Machine {
    busy: f64,
    stolen: f64,
    all: f64,
}

impl Machine {
    fn now() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/stat").ok()?;
        let first = text.lines().next()?.strip_prefix("cpu ")?;
        // user nice system idle iowait irq softirq steal; what guests use is in user already.
        let ticks: Vec<f64> = first
            .split_whitespace()
            .take(8)
            .map_while(|word| word.parse().ok())
            .collect();
        let [user, nice, system, idle, iowait, irq, softirq, stolen] = *ticks.as_array()?;
        let busy = user + nice + system + irq + softirq;
        Some(Self {
            busy,
            stolen,
            all: busy + idle + iowait + stolen,
        })
    }
}

impl Window {
    pub fn begin() -> Self {
        Self {
            wall: Instant::now(),
            own: process_cpu(),
            machine: Machine::now(),
        }
    }

    /// Processors that other programs kept busy, and processors that the host took away; `None` where
    /// the system does not say.
    pub fn end(self) -> Option<(f64, f64)> {
        let (before, after) = (self.machine?, Machine::now()?);
        let wall = self.wall.elapsed().as_secs_f64();
        let own = (process_cpu() - self.own).as_secs_f64();
        let processors = std::thread::available_parallelism().ok()?.get() as f64;
        let share = |ticks: f64| ticks / (after.all - before.all).max(1.0) * processors;
        let others = share(after.busy - before.busy) - own / wall;
        Some((others.max(0.0), share(after.stolen - before.stolen)))
    }
}

/// What all threads of this process have used of the processors.
fn process_cpu() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

fn duration(time: rustix::time::Timespec) -> Duration {
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}

/// What a piece of work took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// By the clock on the wall.
    pub wall: Duration,
    /// Of a processor, by all threads that did it.
    pub cpu: Duration,
}

/// Times work done by this thread.
pub struct Timer {
    wall: Instant,
    cpu: Duration,
}

impl Timer {
    pub fn start() -> Self {
        Self {
            cpu: thread_cpu(),
            wall: Instant::now(),
        }
    }

    pub fn stop(self) -> Took {
        Took {
            wall: self.wall.elapsed(),
            cpu: thread_cpu() - self.cpu,
        }
    }
}

/// Runs two pieces of work on two threads; the processor time is of both.
pub fn on_two(one: impl FnOnce() + Send, other: impl FnOnce() + Send) -> Took {
    let start = Instant::now();
    let cpu = std::thread::scope(|scope| {
        let timed = |work: Box<dyn FnOnce() + Send + '_>| {
            let timer = Timer::start();
            work();
            timer.stop().cpu
        };
        let one: Box<dyn FnOnce() + Send> = Box::new(one);
        let there = scope.spawn(move || timed(one));
        let here = timed(Box::new(other));
        here + there
            .join()
            .expect("the other thread's work does not panic")
    });
    Took {
        wall: start.elapsed(),
        cpu,
    }
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Single calls, in ns.
#[derive(Clone, Copy, Debug)]
pub struct Calls {
    pub mean: f64,
    pub p99: f64,
    pub longest: f64,
}

impl Calls {
    /// The figures of these samples, the clock's own time taken off each.
    pub fn of(mut samples: Vec<f64>, clock: f64) -> Self {
        samples.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (samples.len() as f64 * share) as usize;
            samples
                .get(place.min(samples.len() - 1))
                .map_or(f64::NAN, |ns| ns - clock)
        };
        Self {
            mean: samples.iter().sum::<f64>() / samples.len() as f64 - clock,
            p99: at(0.99),
            longest: at(1.0),
        }
    }
}
