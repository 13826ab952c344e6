//! What kvmark promises, seen from outside.

#![expect(
    clippy::unwrap_used,
    reason = "a failing unwrap fails the test that it stands in"
)]

mod analysis;
