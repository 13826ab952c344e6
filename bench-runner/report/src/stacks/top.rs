//! Sums by frame, whatever calls it: the table beside a flame graph.

use super::{NodeId, Stacks};

/// What one frame has, on all call paths together.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its own weight.
    pub own: u64,
    /// Weight of it and of all it calls; a frame that calls itself counts once.
    pub total: u64,
    /// `own` as a part of the whole.
    pub own_share: f64,
    /// `total` as a part of the whole.
    pub total_share: f64,
}

/// How a frame's own part of the whole changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// Its own part of the whole.
    pub share: f64,
    /// What it was.
    pub was: f64,
}

impl Change {
    /// By how much it grew, as a part of the whole.
    pub fn growth(&self) -> f64 {
        self.share - self.was
    }
}

/// Growth that shows with one digit behind the point, as a part of the whole.
const LEAST_GROWTH: f64 = 0.0005;

/// Of a walk over the tree.
enum Step {
    Enter(NodeId),
    Leave(NodeId),
}

impl Stacks {
    /// The frames with the largest own weight, largest first.
    pub fn top(&self, count: usize) -> Vec<Row> {
        let mut own = vec![0_u64; self.names.len()];
        let mut total = vec![0; self.names.len()];
        // How often a name stands on the path at hand.
        let mut open = vec![0_u32; self.names.len()];
        let mut path: Vec<Step> = vec![Step::Enter(0)];
        while let Some(step) = path.pop() {
            match step {
                Step::Enter(id) => {
                    let node = &self.nodes[id];
                    own[node.name] += node.own[0];
                    open[node.name] += 1;
                    if open[node.name] == 1 {
                        total[node.name] += node.total[0];
                    }
                    path.push(Step::Leave(id));
                    path.extend(node.children.iter().copied().map(Step::Enter));
                }
                Step::Leave(id) => open[self.nodes[id].name] -= 1,
            }
        }
        let whole = self.total().max(1) as f64;
        let mut rows: Vec<Row> = (1..self.names.len())
            .filter(|&name| total[name] > 0)
            .map(|name| Row {
                name: self.names[name].clone(),
                own: own[name],
                total: total[name],
                own_share: own[name] as f64 / whole,
                total_share: total[name] as f64 / whole,
            })
            .collect();
        rows.sort_by(|one, other| {
            (other.own, other.total, &one.name).cmp(&(one.own, one.total, &other.name))
        });
        rows.truncate(count);
        rows
    }

    /// The frames whose own part of the whole changed most, either way.
    pub fn changes(&self, count: usize) -> Vec<Change> {
        let mut own = vec![[0_u64; 2]; self.names.len()];
        for node in &self.nodes {
            for (sum, weight) in own[node.name].iter_mut().zip(node.own) {
                *sum += weight;
            }
        }
        let mut changes: Vec<Change> = (1..self.names.len())
            .map(|name| Change {
                name: self.names[name].clone(),
                share: self.share(own[name], 0),
                was: self.share(own[name], 1),
            })
            .filter(|change| change.growth().abs() >= LEAST_GROWTH)
            .collect();
        changes.sort_by(|one, other| {
            let order = other.growth().abs().total_cmp(&one.growth().abs());
            order.then_with(|| one.name.cmp(&other.name))
        });
        changes.truncate(count);
        changes
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_calls_itself_counts_once() {
        let stacks = Stacks::read(b"a;b;a;a 4\na;c 1\nb 5").unwrap();
        let rows: Vec<(String, u64, u64)> = stacks
            .top(9)
            .into_iter()
            .map(|row| (row.name, row.own, row.total))
            .collect();
        let row = |name: &str, own, total| (name.to_owned(), own, total);
        assert_eq!(rows, [row("b", 5, 9), row("a", 4, 5), row("c", 1, 1)]);
        assert_eq!(stacks.top(1)[0].own_share, 0.5);
    }

    #[test]
    fn parts_are_compared_whatever_the_lengths_of_the_profiles() {
        let stacks = Stacks::read_pair(b"a;new 30\na;b 70", b"a;old 200\na;b 800").unwrap();
        let changes: Vec<(String, f64, f64)> = stacks
            .changes(9)
            .into_iter()
            .map(|change| (change.name, change.share, change.was))
            .collect();
        assert_eq!(
            changes,
            [
                ("new".to_owned(), 0.3, 0.0),
                ("old".to_owned(), 0.0, 0.2),
                ("b".to_owned(), 0.7, 0.8),
            ]
        );
    }

    #[test]
    fn equal_profiles_do_not_differ() {
        let stacks = Stacks::read_pair(b"a;b 3\nc 1", b"c 10\na;b 30").unwrap();
        assert_eq!(stacks.changes(9), []);
    }
}
