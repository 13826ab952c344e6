//! `print!` and its family for output that may be piped into `head`.
//!
//! The standard macros panic once whoever reads is gone. These take their place in both programs, by
//! `#[macro_use(…)] extern crate bench_report`: a reader that is gone has read enough, and the exit
//! code still says what it would have said.

use std::fmt::Arguments;
use std::io::Write as _;

/// As the standard one, but a closed pipe ends nothing.
#[macro_export]
macro_rules! print {
    ($($part:tt)*) => { $crate::printing::out(format_args!($($part)*)) };
}

/// As the standard one, but a closed pipe ends nothing.
#[macro_export]
macro_rules! println {
    () => { $crate::printing::out(format_args!("\n")) };
    ($($part:tt)*) => { $crate::printing::out(format_args!("{}\n", format_args!($($part)*))) };
}

/// As the standard one, but a closed pipe ends nothing.
#[macro_export]
macro_rules! eprintln {
    ($($part:tt)*) => { $crate::printing::err(format_args!("{}\n", format_args!($($part)*))) };
}

/// Writes to standard output, at once.
pub fn out(text: Arguments<'_>) {
    let mut stream = std::io::stdout().lock();
    // Nobody to tell.
    let _ = stream.write_fmt(text).and_then(|()| stream.flush());
}

/// Writes to standard error.
pub fn err(text: Arguments<'_>) {
    let _ = std::io::stderr().lock().write_fmt(text);
}
