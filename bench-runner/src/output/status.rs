//! One line that says how it stands: on a terminal it is always the last one.

use std::io::{IsTerminal as _, Write as _};

use super::wrap::WIDTH;

/// Says how it stands: in place on a terminal, as a line of its own elsewhere.
pub(crate) fn status(line: &str) {
    if !in_place(line) {
        eprintln!("{line}");
    }
}

/// Says how it stands, on a terminal only.
pub(crate) fn passing(line: &str) {
    in_place(line);
}

/// Takes the line away.
pub(crate) fn clear() {
    in_place("");
}

fn in_place(line: &str) -> bool {
    let stderr = std::io::stderr();
    let is_terminal = stderr.is_terminal();
    if is_terminal {
        let line: String = line.chars().take(WIDTH - 1).collect();
        let mut stderr = stderr.lock();
        // A terminal that is gone is nobody to tell.
        let _ = write!(stderr, "\r\u{1b}[2K{line}");
        let _ = stderr.flush();
    }
    is_terminal
}
