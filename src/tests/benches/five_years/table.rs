//! Figures beside their goals.

/// All figures so far that have a goal.
#[derive(Debug, Default)]
pub(crate) struct Table {
    met: usize,
    missed: Vec<String>,
}

impl Table {
    /// A figure that must not exceed its goal.
    pub(crate) fn most(&mut self, what: &str, figure: f64, unit: &str, goal: f64) {
        self.line(what, (figure, unit), ("<=", goal), figure <= goal);
    }

    /// A figure that must reach its goal.
    pub(crate) fn least(&mut self, what: &str, figure: f64, unit: &str, goal: f64) {
        self.line(what, (figure, unit), (">=", goal), figure >= goal);
    }

    fn line(&mut self, what: &str, (figure, unit): (f64, &str), goal: (&str, f64), is_met: bool) {
        let says = self.count(what, is_met);
        println!(
            "{what:<64} {figure:>9.2} {unit:<5} {} {:<6} {says}",
            goal.0, goal.1
        );
    }

    /// Counts a goal whose line the caller prints.
    pub(crate) fn count(&mut self, what: &str, is_met: bool) -> &'static str {
        if is_met {
            self.met += 1;
            "met"
        } else {
            self.missed.push(what.to_owned());
            "MISSED"
        }
    }

    /// How many goals are met, and which are not.
    pub(crate) fn sum_up(&self) {
        let all = self.met + self.missed.len();
        println!("\n{} of {all} goals met", self.met);
        for what in &self.missed {
            println!("missed: {what}");
        }
    }
}
