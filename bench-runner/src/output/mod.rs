//! What people see: progress while it runs, a table when it is done.
//!
//! - `progress`: how far it is. `status`: the same as one line. `table`: a run. `paired`: two sides, or one and itself.
//! - `grouped`: columns over several benchmarks. `judged`: words of a verdict. `style`: colour. `wrap`: lines of 80 columns.

mod grouped;
mod judged;
mod paired;
mod progress;
mod status;
mod style;
mod table;
mod wrap;

pub(crate) use grouped::{Line, grouped};
pub(crate) use judged::{judged, meaning};
pub use paired::{compared, with_itself};
pub use progress::Progress;
pub(crate) use progress::rough;
pub(crate) use status::{clear, passing, status};
pub(crate) use style::Meaning;
pub use style::Style;
pub use table::table;
pub use wrap::{WIDTH, hanging, wrapped};
