//! When events arrive, in nanoseconds since the start.

const SECOND: u64 = 1_000_000_000;

/// Events at a steady rate for `seconds`: `rate` a second at equal distances.
pub fn steady(rate: u64, seconds: f64) -> Vec<u64> {
    let count = (rate as f64 * seconds).round().max(1.0) as u64;
    (0..count)
        .map(|number| number * SECOND / rate.max(1))
        .collect()
}

/// A burst pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bursts {
    /// Events of the steady stream beneath, a second.
    pub base_rate: u64,
    /// How many spikes, one a second, the first after half a second.
    pub spikes: u64,
    /// Events of a spike.
    pub spike_events: u64,
    /// Time within which the events of a spike arrive, ns.
    pub spike_ns: u64,
}

impl Bursts {
    /// 10,000 events in 5 seconds: five spikes of 1,600 that arrive within 0.1 ms, faster than any
    /// index takes them in, upon 400 events/s.
    pub const SUITE: Bursts = Bursts {
        base_rate: 400,
        spikes: 5,
        spike_events: 1_600,
        spike_ns: 100_000,
    };

    /// When spike `number` begins.
    pub fn spike_start(&self, number: u64) -> u64 {
        number * SECOND + SECOND / 2
    }

    /// All events.
    pub fn events(&self) -> u64 {
        self.spikes * (self.base_rate + self.spike_events)
    }

    /// The arrival times, rising.
    pub fn arrivals(&self) -> Vec<u64> {
        let mut arrivals = steady(self.base_rate, self.spikes as f64);
        for spike in 0..self.spikes {
            let start = self.spike_start(spike);
            let step = |event| start + event * self.spike_ns / self.spike_events.max(1);
            arrivals.extend((0..self.spike_events).map(step));
        }
        arrivals.sort_unstable();
        arrivals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_has_equal_distances() {
        assert_eq!(steady(2_000, 0.002), [0, 500_000, 1_000_000, 1_500_000]);
        assert_eq!(steady(10_000, 1.0).len(), 10_000);
    }

    #[test]
    fn the_suites_burst_is_ten_thousand_events_over_five_seconds() {
        let arrivals = Bursts::SUITE.arrivals();
        assert_eq!(arrivals.len(), 10_000);
        assert_eq!(Bursts::SUITE.events(), 10_000);
        assert!(arrivals.is_sorted());
        assert!(
            arrivals
                .last()
                .is_some_and(|&last| last < 5 * SECOND && last > 4 * SECOND)
        );
        let in_spike = arrivals
            .iter()
            .filter(|&&at| (1_500_000_000..1_500_100_000).contains(&at));
        assert!(in_spike.count() >= 1_600);
    }
}
