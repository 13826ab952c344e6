//! kvmark.
fn main() {}
