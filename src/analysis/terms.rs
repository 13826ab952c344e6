//! The numbers that the pages' explanations name: those that judge, so that prose cannot drift.

pub use bench_verdict::RULE;
pub use bench_verdict::band::{CRITICAL_ABOVE, INFO_FROM, MIN_RUNS, WARNING_FROM, WINDOW_MS};
pub use bench_verdict::gate::DEFAULT_THRESHOLD;
pub use bench_verdict::rules::{
    ERROR_RATE_MAX, MEMORY_SHARE_MAX, P99_LATENCY_MAX_NS, RED_CPU_SHARE, RED_ERROR_RATE,
    RED_MEMORY_GROWTH, RED_P99_OVER_P50, THROUGHPUT_MIN_PER_SECOND,
};
pub use bench_verdict::stats::summary::MIN_SAMPLES;
