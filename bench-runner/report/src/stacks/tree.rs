//! Sums by call path.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{DEPTH, NAME_CHARS, PATHS, Stacks, StacksError};
use crate::metric::format_count;
use crate::report::limits::ARTIFACT_BYTES;

/// A node's place; 0 is the root, which is called `all`.
pub type NodeId = usize;

/// A frame on its call path. Of each pair, the first is the profile and the second what it is
/// compared with.
#[derive(Debug, Clone, Default)]
pub struct Node {
    pub(super) name: usize,
    /// Hash of the names on its call path.
    pub(super) path: u64,
    /// Its caller; the root is its own.
    pub parent: NodeId,
    /// Frames above it.
    pub depth: usize,
    /// Weight of the frame itself.
    pub own: [u64; 2],
    /// Weight of the frame and all below it.
    pub total: [u64; 2],
    /// Frames below it, by name.
    pub children: Vec<NodeId>,
}

impl Stacks {
    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// Nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.nodes.len() < 2
    }

    /// A node's name.
    pub fn name(&self, id: NodeId) -> &str {
        &self.names[self.nodes[id].name]
    }

    /// Names a call path in URLs: the same in every profile that has it.
    pub fn key(&self, id: NodeId) -> String {
        format!("{:016x}", self.nodes[id].path)
    }

    /// The node of a [`key`](Self::key).
    pub fn find(&self, key: &str) -> Option<NodeId> {
        let path = u64::from_str_radix(key, 16).ok()?;
        self.nodes.iter().position(|node| node.path == path)
    }

    /// A weight's part of its profile's whole, 0 to 1.
    pub fn share(&self, weights: [u64; 2], side: usize) -> f64 {
        weights[side] as f64 / self.nodes[0].total[side].max(1) as f64
    }

    /// How much larger its part became, -1 to 1; 0 where there is nothing to compare with.
    pub fn growth(&self, weights: [u64; 2]) -> f64 {
        match self.is_paired {
            true => self.share(weights, 0) - self.share(weights, 1),
            false => 0.0,
        }
    }

    /// The profile as folded stacks again, in order.
    pub fn folded(&self) -> String {
        let mut text = String::new();
        let mut open: Vec<(NodeId, usize)> = vec![(0, 0)];
        let mut path: Vec<&str> = Vec::new();
        while let Some(&mut (id, ref mut next)) = open.last_mut() {
            let node = &self.nodes[id];
            if *next == 0 && node.own[0] > 0 {
                let stack = if path.is_empty() {
                    "(unnamed)".to_owned()
                } else {
                    path.join(";")
                };
                let _ = writeln!(text, "{stack} {}", node.own[0]);
            }
            if let Some(&child) = node.children.get(*next) {
                *next += 1;
                path.push(self.name(child));
                open.push((child, 0));
            } else {
                open.pop();
                path.pop();
            }
        }
        text
    }
}

/// Reads lines into a tree.
pub(super) struct Builder {
    nodes: Vec<Node>,
    names: Vec<String>,
    by_name: HashMap<String, usize>,
    by_path: HashMap<(NodeId, usize), NodeId>,
    deep: u64,
    crowded: u64,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node {
                path: extend(0xcbf2_9ce4_8422_2325, ""),
                ..Node::default()
            }],
            names: vec!["all".to_owned()],
            by_name: HashMap::new(),
            by_path: HashMap::new(),
            deep: 0,
            crowded: 0,
        }
    }

    pub(super) fn add(&mut self, data: &[u8], side: usize) -> Result<(), StacksError> {
        if data.len() > ARTIFACT_BYTES {
            return Err(StacksError::Size { bytes: data.len() });
        }
        let mut sum = 0_u64;
        for (number, line) in String::from_utf8_lossy(data).lines().enumerate() {
            let number = number + 1;
            let line = line.trim_end();
            if line.is_empty() {
                continue;
            }
            let (stack, weight) = line.rsplit_once(' ').unwrap_or(("", line));
            let is_whole = !weight.is_empty() && weight.bytes().all(|b| b.is_ascii_digit());
            let weight: u64 = match weight.parse() {
                Ok(weight) if is_whole => weight,
                _ => {
                    return Err(StacksError::Weight {
                        line: number,
                        found: weight.chars().take(40).collect(),
                    });
                }
            };
            if stack.trim().is_empty() {
                return Err(StacksError::NoFrame { line: number });
            }
            sum = sum
                .checked_add(weight)
                .filter(|sum| *sum <= i64::MAX as u64)
                .ok_or(StacksError::Overflow { line: number })?;
            let at = self.descend(stack);
            self.nodes[at].own[side] += weight;
        }
        Ok(())
    }

    /// The node of a stack, made where it is new.
    fn descend(&mut self, stack: &str) -> NodeId {
        let mut at = 0;
        for (depth, frame) in stack.split(';').enumerate() {
            if depth == DEPTH {
                self.deep += 1;
                return at;
            }
            let name = self.name(frame);
            at = match self.by_path.get(&(at, name)) {
                Some(&child) => child,
                None if self.nodes.len() > PATHS => {
                    self.crowded += 1;
                    return at;
                }
                None => {
                    let child = self.nodes.len();
                    self.nodes.push(Node {
                        name,
                        path: extend(self.nodes[at].path, &self.names[name]),
                        parent: at,
                        depth: depth + 1,
                        ..Node::default()
                    });
                    self.nodes[at].children.push(child);
                    self.by_path.insert((at, name), child);
                    child
                }
            };
        }
        at
    }

    fn name(&mut self, frame: &str) -> usize {
        if let Some(&known) = self.by_name.get(frame) {
            return known;
        }
        let clean = clean(frame);
        let place = self.names.len();
        self.names.push(clean);
        self.by_name.insert(frame.to_owned(), place);
        place
    }

    pub(super) fn finish(mut self, is_paired: bool) -> Result<Stacks, StacksError> {
        // Children come after their callers, so that one pass backwards adds everything up.
        for id in (0..self.nodes.len()).rev() {
            let Node { own, parent, .. } = self.nodes[id];
            let total = add(self.nodes[id].total, own);
            self.nodes[id].total = total;
            if id != 0 {
                self.nodes[parent].total = add(self.nodes[parent].total, total);
            }
        }
        let names = &self.names;
        let name_of: Vec<usize> = self.nodes.iter().map(|node| node.name).collect();
        for node in &mut self.nodes {
            node.children
                .sort_by(|&one, &other| names[name_of[one]].cmp(&names[name_of[other]]));
        }
        if self.nodes[0].total[0] == 0 || (is_paired && self.nodes[0].total[1] == 0) {
            return Err(StacksError::Empty);
        }
        let mut notes = Vec::new();
        let stacks = |count: u64| match count {
            1 => "1 stack is".to_owned(),
            many => format!("{} stacks are", format_count(many)),
        };
        if self.deep > 0 {
            notes.push(format!(
                "{} deeper than {DEPTH} frames and cut there",
                stacks(self.deep)
            ));
        }
        if self.crowded > 0 {
            notes.push(format!(
                "{} counted for a caller: there are more than {} call paths",
                stacks(self.crowded),
                format_count(PATHS as u64)
            ));
        }
        Ok(Stacks {
            nodes: self.nodes,
            names: self.names,
            notes,
            is_paired,
        })
    }
}

fn add([a, b]: [u64; 2], [c, d]: [u64; 2]) -> [u64; 2] {
    [a + c, b + d]
}

/// FNV-1a, 64 bits, of a path and one more frame: short, the same for ever, and nothing depends on
/// collisions being hard.
fn extend(path: u64, name: &str) -> u64 {
    name.bytes().chain([b';']).fold(path, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A name that shows as it is: no control characters, nothing that turns the direction of writing.
fn clean(frame: &str) -> String {
    let frame = frame.trim();
    if frame.is_empty() {
        return "(unnamed)".to_owned();
    }
    let turns = |c: char| matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut name: String = frame
        .chars()
        .take(NAME_CHARS)
        .map(|c| {
            if c.is_control() || turns(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    if frame.chars().nth(NAME_CHARS).is_some() {
        name.push('…');
    }
    name
}
