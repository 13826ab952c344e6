//! What `doctor --json` prints. Its words and numbers are those of the table.
//!
//! | field | |
//! |---|---|
//! | `fit` | whether figures of this machine are worth something |
//! | `exit_code` | 0 where it is fit, else 3 |
//! | `sentence` | the last line of the table |
//! | `findings` | `{"what", "fitness", "found", "advice"}`, in the order of the table; `fitness` is `good`, `unknown`, `poor` or `unfit`, `advice` is absent where nothing needs doing |
//! | `noise` | what the probe saw: `pieces` of equal work; `spread` and `drift` as fractions; `steal_percent`, null where the system does not say |
//! | `environment`, `conditions` | what identifies the machine and what only describes the moment, as in a report |

use bench_report::report::{Conditions, Environment};
use bench_verdict::exit::ExitCode;
use serde::Serialize;

use super::{Finding, Fitness, Noise};

/// What was found on a machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// Whether figures of this machine are worth something.
    pub fit: bool,
    /// The same as the shell sees it.
    pub exit_code: ExitCode,
    /// What all of it comes to.
    pub sentence: String,
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
    /// What the probe saw.
    pub noise: Noise,
    /// What identifies the machine.
    pub environment: Environment,
    /// What only describes the moment.
    pub conditions: Conditions,
}

impl Answer {
    /// What findings come to.
    pub fn new(
        findings: Vec<Finding>,
        noise: Noise,
        environment: Environment,
        conditions: Conditions,
    ) -> Self {
        let count = |fitness| {
            let of = findings.iter().filter(|finding| finding.fitness == fitness);
            of.count()
        };
        let (unfit, poor) = (count(Fitness::Unfit), count(Fitness::Poor));
        let exit_code = match unfit {
            0 => ExitCode::Fine,
            _ => ExitCode::Inconclusive,
        };
        Self {
            fit: unfit == 0,
            exit_code,
            sentence: sentence(unfit, poor),
            findings,
            noise,
            environment,
            conditions,
        }
    }
}

fn sentence(unfit: usize, poor: usize) -> String {
    match (unfit, poor) {
        (0, 0) => "This machine is fit to measure.".to_owned(),
        (0, 1) => "Fit, with one thing that makes it noisier than it need be.".to_owned(),
        (0, poor) => format!("Fit, with {poor} things that make it noisier than it need be."),
        (1, _) => "Not fit: one thing makes its figures worth nothing.".to_owned(),
        (unfit, _) => format!("Not fit: {unfit} things make its figures worth nothing."),
    }
}
