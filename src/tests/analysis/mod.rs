//! What the pages and the gate say, from plain values.

mod alerts;
mod bridge;
mod builders;
mod follow;
mod headline;
mod history;
mod judge;
mod movers;
mod noise;
mod promises;
mod run_report;
mod targets;
