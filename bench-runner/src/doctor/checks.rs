//! What the machine's settings and its present load mean for a measurement.

use bench_report::report::{Conditions, Environment};
use serde::Serialize;

use super::Noise;
use crate::environment;
use crate::measure::clock;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fitness {
    /// As it should be.
    Good,
    /// Not known: the system does not say.
    Unknown,
    /// Figures are noisier than they need be.
    Poor,
    /// Figures are worth nothing.
    Unfit,
}

impl Fitness {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Fitness::Good => "good",
            Fitness::Unknown => "unknown",
            Fitness::Poor => "poor",
            Fitness::Unfit => "unfit",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How it is.
    pub fitness: Fitness,
    /// What was found.
    pub found: String,
    /// What to do about it; empty when nothing needs doing.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub advice: &'static str,
}

/// A reading of the clock above this cost, ns, is a slow clock source.
const SLOW_CLOCK_NS: u64 = 100;
/// Load of others a processor above which they are in the way.
const LOAD_SHARE: f64 = 0.2;
/// Free memory below this is too little for the suite.
const LEAST_MEMORY: u64 = 1 << 30;
/// Noise (see [`Noise`]) above which small changes cannot be seen.
const NOISY: f64 = 0.02;
/// Noise above which nothing can.
const VERY_NOISY: f64 = 0.10;

/// Everything that can be said, in the order of the method.
pub fn findings(environment: &Environment, conditions: &Conditions, noise: &Noise) -> Vec<Finding> {
    vec![
        build(),
        governor(environment),
        turbo(environment),
        smt(environment),
        virtualization(environment),
        processors(environment),
        load(environment, conditions),
        steal(noise),
        memory(conditions),
        clock_cost(clock::reading_cost(), clock::resolution()),
        counters(),
        spread(noise),
        drift(noise),
    ]
}

fn finding(
    what: &'static str,
    fitness: Fitness,
    found: impl Into<String>,
    advice: &'static str,
) -> Finding {
    Finding {
        what,
        fitness,
        found: found.into(),
        advice,
    }
}

fn unknown(what: &'static str) -> Finding {
    finding(what, Fitness::Unknown, "the system does not say", "")
}

fn build() -> Finding {
    if environment::is_optimised() {
        return finding("build", Fitness::Good, "optimised", "");
    }
    let advice = "build with --release (or --profile measure)";
    finding("build", Fitness::Unfit, "without optimisation", advice)
}

fn governor(environment: &Environment) -> Finding {
    match environment.governor.as_deref() {
        None => unknown("frequency governor"),
        Some("performance") => finding("frequency governor", Fitness::Good, "performance", ""),
        Some(other) => {
            let advice = "set it to performance: sudo cpupower frequency-set -g performance";
            finding("frequency governor", Fitness::Poor, other, advice)
        }
    }
}

fn turbo(environment: &Environment) -> Finding {
    match environment.turbo {
        None => unknown("turbo"),
        Some(false) => finding("turbo", Fitness::Good, "off", ""),
        Some(true) => {
            let advice = "switch it off, so that speed does not follow temperature: echo 1 | sudo tee \
                          /sys/devices/system/cpu/intel_pstate/no_turbo, or 0 into cpufreq/boost";
            finding("turbo", Fitness::Poor, "on", advice)
        }
    }
}

fn smt(environment: &Environment) -> Finding {
    match environment.smt {
        None => unknown("hardware threads"),
        Some(false) => finding("hardware threads", Fitness::Good, "one a core", ""),
        Some(true) => {
            let advice = "two share a core and slow each other: switch SMT off, or give the runner whole cores";
            finding("hardware threads", Fitness::Poor, "several a core", advice)
        }
    }
}

fn virtualization(environment: &Environment) -> Finding {
    match environment.virtualization.as_deref() {
        None => unknown("virtualisation"),
        Some("none") => finding("virtualisation", Fitness::Good, "none", ""),
        Some(name) => {
            let advice =
                "neighbours share the hardware: take a dedicated host where small changes matter";
            finding("virtualisation", Fitness::Poor, name, advice)
        }
    }
}

fn processors(environment: &Environment) -> Finding {
    let quota = environment
        .other
        .get("cpu_quota")
        .and_then(serde_json::Value::as_f64);
    match (environment.cpu_count, quota) {
        (None, _) => unknown("processors"),
        (Some(count), Some(quota)) if quota < f64::from(count) => {
            let advice = "a quota stops the program in the middle of a sample: pin whole processors (cpuset) instead";
            finding(
                "processors",
                Fitness::Poor,
                format!("{count}, of which a quota allows {quota}"),
                advice,
            )
        }
        (Some(1), _) => {
            let advice = "nothing can be measured beside anything else: take at least two";
            finding("processors", Fitness::Poor, "1", advice)
        }
        (Some(count), _) => finding("processors", Fitness::Good, count.to_string(), ""),
    }
}

fn load(environment: &Environment, conditions: &Conditions) -> Finding {
    let (Some(load), Some(count)) = (conditions.load_1m, environment.cpu_count) else {
        return unknown("load");
    };
    let found = format!("{load:.2} over the last minute on {count} processors");
    if load > LOAD_SHARE * f64::from(count) {
        let advice = "something else is running: stop it, or wait until it is done";
        return finding("load", Fitness::Poor, found, advice);
    }
    finding("load", Fitness::Good, found, "")
}

fn steal(noise: &Noise) -> Finding {
    match noise.steal_percent {
        None => unknown("steal"),
        Some(steal) => {
            let found = format!("{steal:.1}% of the probe's time");
            if steal > crate::measure::sampler::STEAL_PERCENT {
                let advice =
                    "the hypervisor gives this machine's time to others: take another host";
                return finding("steal", Fitness::Poor, found, advice);
            }
            finding("steal", Fitness::Good, found, "")
        }
    }
}

fn memory(conditions: &Conditions) -> Finding {
    match conditions.memory_available_bytes {
        None => unknown("memory"),
        Some(bytes) => {
            let found = format!("{:.1} GiB available", bytes as f64 / (1_u64 << 30) as f64);
            if bytes < LEAST_MEMORY {
                let advice = "free some: paging would be measured instead of the index";
                return finding("memory", Fitness::Poor, found, advice);
            }
            finding("memory", Fitness::Good, found, "")
        }
    }
}

fn clock_cost(cost: u64, step: u64) -> Finding {
    let found = format!("{cost} ns a reading, in steps of {step} ns");
    if cost > SLOW_CLOCK_NS {
        let advice = "a slow clock source: see /sys/devices/system/clocksource/clocksource0/current_clocksource, best tsc";
        return finding("clock", Fitness::Poor, found, advice);
    }
    finding("clock", Fitness::Good, found, "")
}

/// Hardware counters would count instructions; without them callgrind can.
fn counters() -> Finding {
    let paranoid = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").ok();
    let has_unit = std::path::Path::new("/sys/bus/event_source/devices/cpu").exists();
    match (
        has_unit,
        paranoid.and_then(|text| text.trim().parse::<i32>().ok()),
    ) {
        (true, Some(level)) if level <= 2 => {
            finding("hardware counters", Fitness::Good, "available", "")
        }
        (true, _) => {
            let advice = "allow them: sudo sysctl kernel.perf_event_paranoid=2";
            finding("hardware counters", Fitness::Poor, "forbidden", advice)
        }
        (false, _) => finding(
            "hardware counters",
            Fitness::Unknown,
            "not available on this machine",
            "",
        ),
    }
}

fn spread(noise: &Noise) -> Finding {
    let found = format!("{:.1}% between equal pieces of work", 100.0 * noise.spread);
    graded("noise", noise.spread, found)
}

fn drift(noise: &Noise) -> Finding {
    let found = format!("{:.1}% between one second and another", 100.0 * noise.drift);
    graded("drift", noise.drift, found)
}

fn graded(what: &'static str, amount: f64, found: String) -> Finding {
    let advice = "changes of this size cannot be seen in one run: more --count, longer --benchtime, a quieter machine";
    match amount {
        amount if amount > VERY_NOISY => finding(what, Fitness::Unfit, found, advice),
        amount if amount > NOISY => finding(what, Fitness::Poor, found, advice),
        _ => finding(what, Fitness::Good, found, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Noise = Noise {
        pieces: 1_000,
        spread: 0.005,
        drift: 0.004,
        steal_percent: Some(0.0),
    };

    fn fitness(
        what: &str,
        environment: &Environment,
        conditions: &Conditions,
        noise: &Noise,
    ) -> Option<Fitness> {
        findings(environment, conditions, noise)
            .into_iter()
            .find(|finding| finding.what == what)
            .map(|finding| finding.fitness)
    }

    #[test]
    fn what_is_not_known_is_said_to_be_unknown() {
        let (nothing, here) = (Environment::default(), Conditions::default());
        for what in [
            "frequency governor",
            "turbo",
            "hardware threads",
            "virtualisation",
            "load",
            "memory",
        ] {
            assert_eq!(
                fitness(what, &nothing, &here, &QUIET),
                Some(Fitness::Unknown),
                "{what}"
            );
        }
    }

    #[test]
    fn every_poor_finding_says_what_to_do() {
        let environment = Environment {
            governor: Some("powersave".to_owned()),
            turbo: Some(true),
            smt: Some(true),
            virtualization: Some("qemu".to_owned()),
            cpu_count: Some(1),
            ..Environment::default()
        };
        let conditions = Conditions {
            load_1m: Some(3.0),
            memory_available_bytes: Some(1 << 20),
            ..Conditions::default()
        };
        let noise = Noise {
            pieces: 1_000,
            spread: 0.3,
            drift: 0.05,
            steal_percent: Some(9.0),
        };
        let findings = findings(&environment, &conditions, &noise);
        assert!(
            findings
                .iter()
                .filter(|finding| finding.fitness >= Fitness::Poor)
                .count()
                >= 9
        );
        for finding in findings {
            assert!(
                finding.fitness < Fitness::Poor || !finding.advice.is_empty(),
                "{finding:?}"
            );
        }
    }

    #[test]
    fn noise_is_graded_by_what_it_hides() {
        let (nothing, here) = (Environment::default(), Conditions::default());
        let of = |spread| fitness("noise", &nothing, &here, &Noise { spread, ..QUIET });
        assert_eq!(of(0.01), Some(Fitness::Good));
        assert_eq!(of(0.05), Some(Fitness::Poor));
        assert_eq!(of(0.20), Some(Fitness::Unfit));
    }
}
