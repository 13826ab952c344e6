//! `compare`: two files, side by side, with the numbers of benchstat and what they can decide.
//!
//! # Layout
//! - `side`: a file of any known format as one side.
//! - `pair`: what both sides have, compared.
//! - `unit`: how benchstat names and scales units.
//! - `table`: for the terminal. `csv`: benchstat's own columns.

mod csv;
mod pair;
mod side;
mod table;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failing unwrap fails the test")]
mod tests;
mod unit;

pub use csv::{Csv, to_csv};
pub use pair::{Pair, PairError, Paired, compare};
pub use side::{LoadError, Measured, Side, load};
pub use table::to_table;
