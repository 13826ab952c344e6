//! What people see: progress while it runs, a table when it is done.
//!
//! - `progress`: how far it is. `status`: the same as one line. `table`: a run. `paired`: two sides, or one and itself.
//! - `grouped`: columns over several benchmarks. `style`: colour. `wrap`: lines of 80 columns.

mod grouped;
mod paired;
mod progress;
mod status;
mod style;
mod table;
mod wrap;

pub use paired::{compared, with_itself};
pub use progress::Progress;
pub(crate) use progress::rough;
pub(crate) use status::{clear, passing, status};
pub use style::Style;
pub use table::table;
pub use wrap::{WIDTH, hanging, wrapped};
