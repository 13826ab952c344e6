//! `print!` and its family for output that may be piped into `head`.
//!
//! The standard macros panic once whoever reads is gone. These take their place in the whole crate:
//! a reader that is gone has read enough, and the exit code still says what it would have said.

use std::fmt::Arguments;
use std::io::Write as _;

macro_rules! print {
    ($($part:tt)*) => { $crate::printing::out(format_args!($($part)*)) };
}

macro_rules! println {
    ($($part:tt)*) => { $crate::printing::out(format_args!("{}\n", format_args!($($part)*))) };
}

macro_rules! eprintln {
    ($($part:tt)*) => { $crate::printing::err(format_args!("{}\n", format_args!($($part)*))) };
}

pub(crate) fn out(text: Arguments<'_>) {
    let mut stream = std::io::stdout().lock();
    // Nobody to tell.
    let _ = stream.write_fmt(text).and_then(|()| stream.flush());
}

pub(crate) fn err(text: Arguments<'_>) {
    let _ = std::io::stderr().lock().write_fmt(text);
}
