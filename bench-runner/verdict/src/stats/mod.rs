//! Statistics on plain numbers: `&[f64]` in, structs out.
//!
//! One file per method, its source cited at the top. Too little data is not an error: such a
//! function returns `None`.

pub mod order;
pub mod random;
