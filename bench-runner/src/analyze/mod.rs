//! `analyze`: every statement about a history from any source, offline.
//!
//! # Layout
//! - `read`: CSV or JSON rows into series of nights, with an error that names the row.
//! - `answer`: what is said about each series, as it travels.
//! - `table`: the same for people, with a small chart.

mod answer;
mod read;
mod table;

pub use answer::{Answer, SeriesAnswer, answer};
pub use read::{ReadError, Series, read};
pub use table::write;
