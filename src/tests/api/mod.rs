//! The API and the store behind it.

mod guard;
mod live;
mod store;
