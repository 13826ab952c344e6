//! Is this machine fit to measure? What makes it a poor one, how much noise it has, what to do.

mod answer;
mod checks;
mod probe;

pub use answer::Answer;
pub use checks::{Finding, Fitness, findings};
pub use probe::{Noise, probe};
