//! Statistics on plain numbers: `&[f64]` in, structs out.
//!
//! One file per method, its source cited at the top. Too little data is not an error: such a
//! function returns `None`.

pub mod autocorrelation;
pub mod bootstrap;
#[cfg(test)]
pub(crate) mod degenerate;
pub mod e_divisive;
pub mod geomean;
pub mod hodges_lehmann;
pub mod kruskal_wallis;
pub mod mann_whitney;
pub mod noise;
pub mod normal;
pub mod order;
pub mod paired;
pub mod random;
pub mod robust;
pub mod running;
pub mod sample;
pub mod segment;
pub mod signed_rank;
pub mod student;
pub mod summary;
pub mod theil_sen;
