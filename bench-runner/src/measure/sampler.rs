//! What else the machine did while something was measured: steal, other processes, load, frequency.

use bench_report::report::Conditions;

use super::cpu;

/// Steal above this share of the machine's time disturbs a benchmark, percent.
pub const STEAL_PERCENT: f64 = 2.0;
/// Other processes above this share of the machine's time disturb a benchmark, percent.
pub const OTHERS_PERCENT: f64 = 10.0;
/// A mean frequency below this share of the highest seen in the run disturbs a benchmark.
pub const FREQUENCY_SHARE: f64 = 0.9;
/// Shorter observations than this many clock ticks (10 ms each) of the whole machine say nothing.
const LEAST_TICKS: u64 = 20;

/// Counters of the machine at one moment. What the system does not tell is absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moment {
    ticks: Option<Ticks>,
    own_ns: u64,
    frequency_mhz: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ticks {
    busy: u64,
    steal: u64,
    total: u64,
}

impl Moment {
    /// Reads the counters now.
    pub fn now() -> Self {
        Self {
            ticks: std::fs::read_to_string("/proc/stat")
                .ok()
                .and_then(|text| parse_ticks(&text)),
            own_ns: cpu::process_time(),
            frequency_mhz: frequency_mhz(),
        }
    }
}

/// What was observed between pairs of moments, added up over all rounds of a benchmark.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    busy: u64,
    steal: u64,
    total: u64,
    own_ns: u64,
    lowest_mhz: Option<f64>,
    highest_mhz: Option<f64>,
}

impl Observation {
    /// Adds the time between two moments.
    pub fn add(&mut self, from: Moment, to: Moment) {
        if let (Some(from), Some(to)) = (from.ticks, to.ticks) {
            self.busy += to.busy.saturating_sub(from.busy);
            self.steal += to.steal.saturating_sub(from.steal);
            self.total += to.total.saturating_sub(from.total);
        }
        self.own_ns += to.own_ns.saturating_sub(from.own_ns);
        for mhz in [from.frequency_mhz, to.frequency_mhz].into_iter().flatten() {
            self.lowest_mhz = Some(self.lowest_mhz.map_or(mhz, |lowest| lowest.min(mhz)));
            self.highest_mhz = Some(self.highest_mhz.map_or(mhz, |highest| highest.max(mhz)));
        }
    }

    /// Adds another observation.
    pub fn join(&mut self, other: &Observation) {
        self.busy += other.busy;
        self.steal += other.steal;
        self.total += other.total;
        self.own_ns += other.own_ns;
        for mhz in [other.lowest_mhz, other.highest_mhz].into_iter().flatten() {
            self.lowest_mhz = Some(self.lowest_mhz.map_or(mhz, |lowest| lowest.min(mhz)));
            self.highest_mhz = Some(self.highest_mhz.map_or(mhz, |highest| highest.max(mhz)));
        }
    }

    /// Time that the hypervisor gave to others, percent of the machine's time.
    pub fn steal_percent(&self) -> Option<f64> {
        (self.total >= LEAST_TICKS).then(|| 100.0 * self.steal as f64 / self.total as f64)
    }

    /// Time that other processes of this machine used, percent of the machine's time.
    pub fn others_percent(&self) -> Option<f64> {
        let own_ticks = self.own_ns as f64 / 1e7;
        (self.total >= LEAST_TICKS)
            .then(|| 100.0 * (self.busy as f64 - own_ticks).max(0.0) / self.total as f64)
    }

    /// The conditions of this benchmark, for the report.
    pub fn conditions(&self) -> Conditions {
        Conditions {
            load_1m: load_1m(),
            steal_percent: self.steal_percent(),
            frequency_mhz: self.lowest_mhz,
            ..Conditions::default()
        }
    }

    /// What disturbed the measurement, in words; empty when nothing did.
    pub fn disturbances(&self) -> Vec<String> {
        let mut disturbances = Vec::new();
        if let Some(steal) = self.steal_percent().filter(|&steal| steal > STEAL_PERCENT) {
            disturbances.push(format!("steal {steal:.1}%"));
        }
        if let Some(others) = self
            .others_percent()
            .filter(|&others| others > OTHERS_PERCENT)
        {
            disturbances.push(format!("other processes used {others:.0}% of the machine"));
        }
        if let (Some(lowest), Some(highest)) = (self.lowest_mhz, self.highest_mhz)
            && lowest < FREQUENCY_SHARE * highest
        {
            disturbances.push(format!(
                "frequency fell from {highest:.0} to {lowest:.0} MHz"
            ));
        }
        disturbances
    }
}

/// The one-minute load average.
pub fn load_1m() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// The mean frequency of the cores as the frequency driver states it. Virtual machines mostly do
/// not have one; what `/proc/cpuinfo` prints there is a constant and is not believed.
pub fn frequency_mhz() -> Option<f64> {
    let mut sum_khz = 0.0;
    let mut cores = 0;
    for cpu in cpu::allowed() {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
        let Ok(text) = std::fs::read_to_string(path) else {
            continue;
        };
        sum_khz += text.trim().parse::<f64>().ok()?;
        cores += 1;
    }
    (cores > 0).then(|| sum_khz / f64::from(cores) / 1_000.0)
}

/// The first line of `/proc/stat`: user nice system idle iowait irq softirq steal …, in ticks.
fn parse_ticks(text: &str) -> Option<Ticks> {
    let line = text.lines().find(|line| line.starts_with("cpu "))?;
    let fields: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .map_while(|field| field.parse().ok())
        .collect();
    let (busy, idle) = (fields.get(..3)?, fields.get(3..5)?);
    let interrupts = fields.get(5..7).unwrap_or_default();
    let steal = fields.get(7).copied().unwrap_or(0);
    let busy = busy.iter().chain(interrupts).sum();
    Some(Ticks {
        busy,
        steal,
        total: busy + steal + idle.iter().sum::<u64>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(busy: u64, steal: u64, total: u64, own_ns: u64) -> Moment {
        Moment {
            ticks: Some(Ticks { busy, steal, total }),
            own_ns,
            frequency_mhz: None,
        }
    }

    #[test]
    fn reads_the_fields_of_proc_stat() {
        let text = "cpu  100 5 20 1000 30 1 2 40 0 0\ncpu0 1 2 3 4\n";
        assert_eq!(
            parse_ticks(text),
            Some(Ticks {
                busy: 128,
                steal: 40,
                total: 1_198
            })
        );
        assert_eq!(parse_ticks("intr 1 2 3"), None);
        assert_eq!(parse_ticks("cpu  1 2"), None);
    }

    #[test]
    fn own_work_is_no_disturbance_and_that_of_others_is() {
        let mut alone = Observation::default();
        // 100 ticks of 10 ms busy, all of them ours.
        alone.add(moment(0, 0, 0, 0), moment(100, 0, 200, 1_000_000_000));
        assert_eq!(alone.others_percent(), Some(0.0));
        assert!(alone.disturbances().is_empty());

        let mut shared = Observation::default();
        shared.add(moment(0, 0, 0, 0), moment(150, 10, 200, 1_000_000_000));
        assert_eq!(
            shared.disturbances(),
            ["steal 5.0%", "other processes used 25% of the machine"],
        );
    }

    #[test]
    fn too_short_an_observation_says_nothing() {
        let mut short = Observation::default();
        short.add(moment(0, 0, 0, 0), moment(2, 2, 4, 0));
        assert_eq!(short.steal_percent(), None);
        assert!(short.disturbances().is_empty());
    }

    #[test]
    fn a_fall_of_frequency_is_named() {
        let mut observation = Observation::default();
        let at = |mhz| Moment {
            frequency_mhz: Some(mhz),
            ..Moment::default()
        };
        observation.add(at(3_000.0), at(2_000.0));
        assert_eq!(
            observation.disturbances(),
            ["frequency fell from 3000 to 2000 MHz"]
        );
    }
}
