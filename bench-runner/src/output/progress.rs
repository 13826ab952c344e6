//! Progress on the terminal, drawn between measurements and never during one.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::collect::session::{Observer, State};

/// A bar on a terminal; where standard error is none, a line a round.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    round: Option<u32>,
}

impl Progress {
    /// Progress on standard error.
    pub fn on_stderr() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            // No ticking thread: the bar moves when a sample is done, at no cost in between.
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let template = "{bar:24} {pos}/{len}  {msg}";
            bar.set_style(
                ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar()),
            );
            bar
        });
        Self { bar, round: None }
    }

    /// Takes the bar off the terminal.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Progress {
    fn starting(&mut self, state: &State<'_>) {
        let left = state
            .left
            .map_or_else(String::new, |left| format!("  about {} left", rough(left)));
        if let Some(bar) = &self.bar {
            bar.set_length(state.total as u64);
            bar.set_position(state.done as u64);
            bar.set_message(format!("{}{left}", state.text()));
            bar.tick();
        } else if self.round != Some(state.round) {
            self.round = Some(state.round);
            eprintln!(
                "round {}/{}, {} of {} samples done{left}",
                state.round + 1,
                state.gathered.settings().count,
                state.done,
                state.total,
            );
        }
    }
}

/// A time as people say it.
pub(crate) fn rough(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=99 => format!("{seconds} s"),
        seconds @ 100..=5_999 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{:.1} h", seconds as f64 / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_told_in_the_unit_that_people_use() {
        let read = |seconds| rough(Duration::from_secs(seconds));
        assert_eq!(read(0), "0 s");
        assert_eq!(read(99), "99 s");
        assert_eq!(read(101), "2 min");
        assert_eq!(read(9_000), "2.5 h");
    }
}
