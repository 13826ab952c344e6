//! Folded stacks: `outermost;…;innermost weight`, one stack a line, as profilers exchange them.
//!
//! # Layout
//! - here: what is read, with its limits. `tree`: sums by call path. `top`: sums by frame.
//!
//! A file may come from anyone: what is too large is refused, what is too deep or too varied is cut,
//! and every cut is told.

mod top;
mod tree;

pub use top::{Change, Row};
pub use tree::{Node, NodeId};

use thiserror::Error;

use crate::report::limits::ARTIFACT_BYTES;

/// Frames of one stack; what lies deeper is counted for the last of them.
pub const DEPTH: usize = 256;
/// Call paths of one file, both sides of a comparison together; what would be one more is counted
/// for its caller.
pub const PATHS: usize = 200_000;
/// Characters of a frame's name.
pub const NAME_CHARS: usize = 300;

/// Stacks that were read, of one profile or of two.
#[derive(Debug, Clone)]
pub struct Stacks {
    nodes: Vec<Node>,
    names: Vec<String>,
    notes: Vec<String>,
    is_paired: bool,
}

/// Text that is no folded stacks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StacksError {
    /// Too long.
    #[error("the stacks have {bytes} bytes and the limit is {ARTIFACT_BYTES}: thin them")]
    Size {
        /// Bytes.
        bytes: usize,
    },
    /// No weight at a line's end.
    #[error("line {line} ends in {found:?}, where a whole number from 0 is expected")]
    Weight {
        /// Counted from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// A line without frames.
    #[error("line {line} has a weight and no frame before it")]
    NoFrame {
        /// Counted from 1.
        line: usize,
    },
    /// Weights that add up to more than can be counted.
    #[error("the weights up to line {line} add up to more than 2^63")]
    Overflow {
        /// Counted from 1.
        line: usize,
    },
    /// Nothing to show.
    #[error("there is no stack with a weight above 0")]
    Empty,
}

impl Stacks {
    /// Reads one profile.
    pub fn read(data: &[u8]) -> Result<Self, StacksError> {
        let mut reader = tree::Builder::new();
        reader.add(data, 0)?;
        reader.finish(false)
    }

    /// Reads two profiles: `data`, and `against` which it is compared with.
    pub fn read_pair(data: &[u8], against: &[u8]) -> Result<Self, StacksError> {
        let mut reader = tree::Builder::new();
        reader.add(data, 0)?;
        reader.add(against, 1)?;
        reader.finish(true)
    }

    /// Whether this is a comparison of two.
    pub fn is_paired(&self) -> bool {
        self.is_paired
    }

    /// Sum of all weights.
    pub fn total(&self) -> u64 {
        self.nodes[0].total[0]
    }

    /// What was cut while it was read, as sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn equal_stacks_add_up_and_order_does_not_matter() {
        let one = Stacks::read(b"a;b 1\na;c 2\na;b 3\n").unwrap();
        let other = Stacks::read(b"a;c 2\n\na;b 4").unwrap();
        assert_eq!(one.total(), 6);
        assert_eq!(one.folded(), other.folded());
        assert_eq!(one.folded(), "a;b 4\na;c 2\n");
    }

    #[test]
    fn bad_weights_are_refused_with_their_line() {
        let error = |text: &str| Stacks::read(text.as_bytes()).unwrap_err().to_string();
        for (text, says) in [
            ("a;b 1\na;b x\n", "line 2 ends in \"x\""),
            ("a;b -1", "ends in \"-1\""),
            ("a;b 1.5", "ends in \"1.5\""),
            ("a;b NaN", "ends in \"NaN\""),
            ("a;b 99999999999999999999999", "whole number"),
            ("a", "ends in \"a\""),
            (" 12", "no frame before it"),
            ("", "no stack with a weight above 0"),
            ("a 0", "no stack with a weight above 0"),
            (
                "a 9223372036854775807\nb 9223372036854775807",
                "up to line 2",
            ),
        ] {
            assert!(error(text).contains(says), "{text:?}: {}", error(text));
        }
    }

    #[test]
    fn deep_wide_and_long_input_is_cut_and_says_so() {
        let deep = format!("{} 5", vec!["f"; 100_000].join(";"));
        let stacks = Stacks::read(deep.as_bytes()).unwrap();
        assert_eq!(stacks.total(), 5);
        assert_eq!(
            stacks.notes(),
            ["1 stack is deeper than 256 frames and cut there"]
        );

        let wide: String = (0..PATHS + 10).map(|n| format!("f{n} 1\n")).collect();
        let stacks = Stacks::read(wide.as_bytes()).unwrap();
        assert_eq!(stacks.total(), (PATHS + 10) as u64);
        assert!(
            stacks.notes()[0].contains("more than 200,000 call paths"),
            "{:?}",
            stacks.notes()
        );

        let long = format!("{} 1", "n".repeat(100_000));
        assert!(Stacks::read(long.as_bytes()).unwrap().folded().len() < 1_000);
        let huge = vec![b'a'; ARTIFACT_BYTES + 1];
        assert!(matches!(Stacks::read(&huge), Err(StacksError::Size { .. })));
    }

    #[test]
    fn what_would_mislead_the_eye_is_replaced() {
        let stacks = Stacks::read("a\u{202e}b\u{7};\u{2066}c;;d 1".as_bytes()).unwrap();
        assert_eq!(
            stacks.folded(),
            "a\u{fffd}b\u{fffd};\u{fffd}c;(unnamed);d 1\n"
        );
        assert!(Stacks::read(b"\xff\xfe;a 1").is_ok());
    }
}
