//! Events that arrive when a schedule says, whether or not the receiver is ready.
//!
//! A closed loop stops asking while it waits, so a stall of a second counts once. Here every event
//! has an intended time, and its latency runs from that time until it is done: a stall counts for
//! every event that would have arrived meanwhile (no coordinated omission). There is no sending
//! thread that could itself be late: an event is waiting from its intended time on.

use super::clock::Clock;
use super::histogram::Latencies;

/// When each event was due and when it was done, both in ns since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served<'a> {
    /// Intended times, rising.
    pub due: &'a [u64],
    /// Times of completion, in the same order.
    pub done: Vec<u64>,
}

/// Runs `operation(i)` for each intended time in `due` (ns from the start, rising), none before its
/// time, in order. Sleeps while nothing is due. Ends early when `stop` says so.
pub fn serve<'a>(
    clock: &impl Clock,
    due: &'a [u64],
    mut stop: impl FnMut() -> bool,
    mut operation: impl FnMut(usize),
) -> Served<'a> {
    let mut done = Vec::with_capacity(due.len());
    let start = clock.now();
    for (index, &at) in due.iter().enumerate() {
        if clock.now() - start < at {
            if stop() {
                break;
            }
            clock.sleep_until(start + at);
        }
        operation(index);
        done.push(clock.now() - start);
    }
    Served {
        due: &due[..done.len()],
        done,
    }
}

impl Served<'_> {
    /// Latency of each event, from its intended time until it was done.
    pub fn latencies(&self) -> Latencies {
        let mut latencies = Latencies::new();
        for (due, done) in self.due.iter().zip(&self.done) {
            latencies.record(done.saturating_sub(*due));
        }
        latencies
    }

    /// How many events were waiting or being served just after each arrival and each completion:
    /// `(ns since the start, depth)`, in the order of time.
    pub fn queue_depth(&self) -> Vec<(u64, u64)> {
        let mut depths = Vec::with_capacity(2 * self.due.len());
        let (mut arrived, mut served) = (0, 0);
        while served < self.done.len() {
            let next_done = self.done[served];
            match self.due.get(arrived) {
                Some(&at) if at <= next_done => {
                    arrived += 1;
                    depths.push((at, (arrived - served) as u64));
                }
                _ => {
                    served += 1;
                    depths.push((next_done, (arrived - served) as u64));
                }
            }
        }
        depths
    }

    /// When the queue that `from` fell into was empty for the first time: the completion, at or
    /// after `from`, after which no event that had arrived was still waiting. `None` if never.
    pub fn empty_after(&self, from: u64) -> Option<u64> {
        (0..self.done.len())
            .filter(|&index| self.done[index] >= from)
            .find(|&index| {
                self.due
                    .get(index + 1)
                    .is_none_or(|&next| next > self.done[index])
            })
            .map(|index| self.done[index])
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::Manual;
    use super::*;

    /// Every event costs 10 ns, the one at index 2 stalls for 1,000 ns.
    fn stalled(due: &[u64]) -> Served<'_> {
        let clock = Manual::default();
        serve(
            &clock,
            due,
            || false,
            |index| clock.advance(if index == 2 { 1_000 } else { 10 }),
        )
    }

    #[test]
    fn a_stall_counts_as_waiting_for_every_event_that_was_due_meanwhile() {
        let due: Vec<u64> = (0..10).map(|n| n * 100).collect();
        let served = stalled(&due);
        // The stall runs from 200 to 1,200; the event due at 300 is done at 1,210.
        assert_eq!(served.done[2], 1_200);
        assert_eq!(served.done[3] - due[3], 910);
        assert_eq!(served.done[9] - due[9], 1_270 - 900);
        // A closed loop would have seen one slow operation in ten; here eight of ten waited.
        let slow = served
            .done
            .iter()
            .zip(&due)
            .filter(|(done, due)| *done - *due > 10)
            .count();
        assert_eq!(slow, 8);
    }

    #[test]
    fn no_event_is_served_before_it_is_due() {
        let due = [0, 500, 5_000];
        let served = stalled(&due);
        assert!(served.done.iter().zip(&due).all(|(done, due)| done >= due));
        assert_eq!(served.done, [10, 510, 6_000]);
    }

    #[test]
    fn queue_depth_rises_with_arrivals_and_falls_with_completions() {
        let due = [0, 0, 0, 100];
        let clock = Manual::default();
        let served = serve(&clock, &due, || false, |_| clock.advance(20));
        assert_eq!(
            served.queue_depth(),
            [
                (0, 1),
                (0, 2),
                (0, 3),
                (20, 2),
                (40, 1),
                (60, 0),
                (100, 1),
                (120, 0)
            ],
        );
        assert_eq!(served.empty_after(0), Some(60));
        assert_eq!(served.empty_after(61), Some(120));
        assert_eq!(served.empty_after(121), None);
    }

    #[test]
    fn asked_to_stop_it_keeps_what_was_served() {
        let due = [0, 100, 200, 300];
        let clock = Manual::default();
        let served = serve(&clock, &due, || clock.now() >= 150, |_| clock.advance(60));
        assert_eq!(served.done.len(), served.due.len());
        assert_eq!(served.due, [0, 100]);
    }
}
