//! Processor time, the processors that this process may use, and pinning threads to them.

#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// Processor time of the calling thread so far, user and system, in nanoseconds.
pub fn thread_time() -> u64 {
    read(ClockId::ThreadCPUTime)
}

/// Processor time of the whole process so far, user and system, in nanoseconds.
pub fn process_time() -> u64 {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The processors that this process may run on, in rising order: what an affinity mask or a cpuset
/// leaves of the machine. Where the system does not tell, as many as it says can run at once.
pub fn allowed() -> Vec<usize> {
    #[cfg(target_os = "linux")]
    if let Ok(set) = sched_getaffinity(None) {
        let allowed: Vec<usize> = (0..CpuSet::MAX_CPU)
            .filter(|&cpu| set.is_set(cpu))
            .collect();
        if !allowed.is_empty() {
            return allowed;
        }
    }
    (0..std::thread::available_parallelism().map_or(1, usize::from)).collect()
}

/// Binds the calling thread to one processor. False where the system does not offer that or
/// refuses it: figures are then as the scheduler makes them.
pub fn pin(cpu: usize) -> bool {
    #[cfg(target_os = "linux")]
    {
        let mut set = CpuSet::new();
        if cpu < CpuSet::MAX_CPU {
            set.set(cpu);
            return sched_setaffinity(None, &set).is_ok();
        }
        false
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = cpu;
        false
    }
}

/// Asks the kernel to end this thread's sleeps on time: by default Linux may end them 50 us late,
/// which would count as latency of the thing measured.
pub fn sleep_exactly() {
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_thread_uses_processor_time() {
        let before = thread_time();
        let mut sum = 0_u64;
        while thread_time() == before {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(process_time() >= thread_time() - before);
    }

    #[test]
    fn a_thread_may_be_pinned_to_each_allowed_processor() {
        for cpu in allowed() {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    if pin(cpu) {
                        assert_eq!(allowed(), [cpu]);
                    }
                });
            });
        }
    }

    #[test]
    fn a_processor_that_cannot_exist_is_refused() {
        assert!(!pin(usize::MAX));
    }
}
