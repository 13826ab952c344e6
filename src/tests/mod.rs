//! What kvmark promises, seen from outside: a fresh store in a temporary file for each test, the
//! router called without a socket where one is not the point.

#![expect(
    clippy::unwrap_used,
    reason = "a failing unwrap fails the test that it stands in"
)]

mod analysis;
mod api;
mod app;
mod browser;
mod builders;
mod demo;
mod deploy;
mod github;
mod layering;
mod openapi;
mod pages;
mod place;
mod printing;
mod scenario;
mod site;
mod upgrade;
