//! The API and the store behind it.

mod access;
mod guard;
mod keep;
mod runs;
mod series;
mod socket;
mod store;
mod upload;
