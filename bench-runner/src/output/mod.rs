//! What people see: progress while it runs, a table when it is done.

mod progress;
mod table;

pub use progress::Progress;
pub use table::{Style, table};
