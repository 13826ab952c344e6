//! What was measured, as a table and as JSON.

use crate::fair::middle;
use serde_json::{Value, json};

/// Figures by index.
pub struct Table {
    pub title: String,
    /// The first is ours.
    pub peers: Vec<String>,
    pub is_concurrent: Vec<bool>,
    pub rows: Vec<Row>,
}

/// One figure of every index: the median of its samples.
pub struct Row {
    name: &'static str,
    unit: &'static str,
    samples: Vec<Vec<f64>>,
    wanted: Wanted,
}

/// With whom ours is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// Every peer that has the figure.
    All,
    /// Those that several threads may use.
    Concurrent,
}

/// What must hold.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Nothing,
    /// The best peer's figure is at least so many times ours.
    Ratio(f64, Among),
    /// Our own figure.
    AtMost(f64),
    NoLess(f64),
    Exactly(f64),
}

impl Row {
    pub fn new(name: &'static str, unit: &'static str, samples: Vec<Vec<f64>>) -> Self {
        Self {
            name,
            unit,
            samples,
            wanted: Wanted::Nothing,
        }
    }

    /// The best peer must be at least so many times worse (less is better in all such rows).
    pub fn at_least(self, times: f64, among: Among) -> Self {
        Self {
            wanted: Wanted::Ratio(times, among),
            ..self
        }
    }

    pub fn at_most(self, limit: f64) -> Self {
        Self {
            wanted: Wanted::AtMost(limit),
            ..self
        }
    }

    pub fn no_less(self, limit: f64) -> Self {
        Self {
            wanted: Wanted::NoLess(limit),
            ..self
        }
    }

    pub fn exactly(self, value: f64) -> Self {
        Self {
            wanted: Wanted::Exactly(value),
            ..self
        }
    }

    fn values(&self) -> Vec<Option<f64>> {
        self.samples.iter().map(|samples| middle(samples)).collect()
    }

    /// The best peer's figure over ours.
    fn ratio(&self, is_concurrent: &[bool]) -> Option<f64> {
        let Wanted::Ratio(_, among) = self.wanted else {
            return None;
        };
        let values = self.values();
        let (ours, peers) = values.split_first()?;
        let counts = |place: &usize| among == Among::All || is_concurrent[place + 1];
        let peers = (0..peers.len())
            .filter(counts)
            .filter_map(|place| peers[place]);
        Some(peers.min_by(f64::total_cmp)? / (*ours)?)
    }

    /// Whether what must hold does; `None` where nothing must.
    fn holds(&self, is_concurrent: &[bool]) -> Option<bool> {
        let ours = *self.values().first()?;
        match self.wanted {
            Wanted::Nothing => None,
            // At least as good is "faster" only where it is not equal.
            Wanted::Ratio(times, _) => {
                let ratio = self.ratio(is_concurrent)?;
                Some(if times > 1.0 {
                    ratio >= times
                } else {
                    ratio > 1.0
                })
            }
            Wanted::AtMost(limit) => Some(ours? <= limit),
            Wanted::NoLess(limit) => Some(ours? >= limit),
            Wanted::Exactly(value) => Some(ours? == value),
        }
    }

    fn wanted_text(&self) -> String {
        match self.wanted {
            Wanted::Nothing => String::new(),
            Wanted::Ratio(times, among) => {
                let among = match among {
                    Among::All => "any",
                    Among::Concurrent => "any concurrent",
                };
                match times > 1.0 {
                    true => format!("{times} x better than {among}"),
                    false => format!("better than {among}"),
                }
            }
            Wanted::AtMost(limit) => format!("at most {limit}"),
            Wanted::NoLess(limit) => format!("at least {limit}"),
            Wanted::Exactly(value) => format!("{value}"),
        }
    }
}

impl Table {
    /// Lines of text: a row a figure, a column an index.
    pub fn text(&self) -> String {
        let mut out = format!("\n{}\n", self.title);
        for (place, peer) in self.peers.iter().enumerate() {
            out += &format!("  [{}] {peer}\n", place + 1);
        }
        out += &format!("{:<44}{:>9}", "", "");
        for place in 0..self.peers.len() {
            out += &format!("{:>10}", format!("[{}]", place + 1));
        }
        out += "   ratio  must hold\n";
        for row in &self.rows {
            out += &format!("{:<44}{:>9}", row.name, row.unit);
            for value in row.values() {
                let text = match value {
                    Some(value) if value.abs() >= 1000.0 => format!("{value:.0}"),
                    Some(value) if value.abs() < 10.0 => format!("{value:.2}"),
                    Some(value) => format!("{value:.1}"),
                    None => "-".to_owned(),
                };
                out += &format!("{text:>10}");
            }
            let ratio = row.ratio(&self.is_concurrent);
            let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
            let holds = match row.holds(&self.is_concurrent) {
                Some(true) => "holds",
                Some(false) => "FAILS",
                None => "",
            };
            out += format!("{ratio:>8}  {holds:<6}{}", row.wanted_text()).trim_end();
            out += "\n";
        }
        out
    }

    /// Whether all that must hold does.
    pub fn holds(&self) -> bool {
        self.rows
            .iter()
            .all(|row| row.holds(&self.is_concurrent) != Some(false))
    }

    /// Every sample, the medians, the ratios and what must hold.
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "name": row.name,
                "unit": row.unit,
                "medians": row.values(),
                "samples": row.samples,
                "best_peer_over_ours": row.ratio(&self.is_concurrent),
                "must_hold": row.wanted_text(),
                "holds": row.holds(&self.is_concurrent),
            })
        };
        json!({
            "title": self.title,
            "indexes": self.peers,
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}
