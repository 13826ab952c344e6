//! From here to the server.
//!
//! - [`server`]: the server's API, and every way in which it can fail.
//! - [`spool`]: reports that wait on disk, so that none is ever lost.
//! - [`deliver`]: the spool's content, oldest first, with bounded retries.
//! - [`live`]: what is said while a run is being made.

pub mod deliver;
pub mod live;
pub mod server;
pub mod spool;
