//! Who may import whom. Downward only.

/// A module of the web app and what it may import: other modules, or parts of the shared crates.
/// Everyone may import the [`VOCABULARY`]; `*` is everything but the runner.
pub(super) struct Layer {
    pub(super) name: &'static str,
    pub(super) may: &'static [&'static str],
}

const fn layer(name: &'static str, may: &'static [&'static str]) -> Layer {
    Layer { name, may }
}

/// The modules of `src/`, from the top down.
pub(super) const APP_LAYERS: &[Layer] = &[
    layer("main", &["*"]),
    layer("lib", &["*"]),
    layer("command", &["*"]),
    layer("demo", &["*", "bench_runner"]),
    layer("site", &["web", "config"]),
    // A request may leave work to the jobs beside it; a job knows no request.
    layer("web", WEB),
    layer("jobs", JOBS),
    layer(
        "github",
        &[
            "analysis",
            "text",
            "domain",
            "config",
            "bench_report::write",
            "bench_verdict::band",
            "bench_verdict::markdown::escaped",
        ],
    ),
    layer("chart", &["analysis", "text", "domain"]),
    layer("ingest", &["domain", "bench_report"]),
    layer("analysis", &["domain", "bench_verdict"]),
    layer("store", &["domain"]),
    layer("text", &["domain"]),
    layer("config", &["domain"]),
    layer("domain", &[]),
    // The build script.
    layer("build", &[]),
];

const WEB: &[&str] = &[
    "jobs",
    "ingest",
    "store",
    "analysis",
    "chart",
    "github",
    "text",
    "domain",
    "config",
    "bench_report::write",
];

const JOBS: &[&str] = &[
    "ingest",
    "store",
    "analysis",
    "chart",
    "github",
    "text",
    "domain",
    "config",
    "bench_report::write",
];

/// The shared crates, of which a layer sees only what its row says.
pub(super) const APP_CRATES: &[&str] = &["bench_report", "bench_verdict", "kv_indexer"];

/// What `domain` is made of, and with it whoever sees `domain`: the words for what is measured, the
/// one-word enums of the wire (which say nothing of its shape), what a verdict can be
/// and what the gate can be asked.
pub(super) const VOCABULARY: &[&str] = &[
    "bench_report::metric",
    "bench_report::report::RunKind",
    "bench_report::report::Status",
    "bench_report::report::Side",
    "bench_report::report::Purpose",
    "bench_report::report::ArtifactKind",
    "bench_verdict::verdict",
    "bench_verdict::confirmation::Answer",
    "bench_verdict::confirmation::Confirmation",
    "bench_verdict::confirmation::Outcome",
    "bench_verdict::regression::By",
    "bench_verdict::regression::How",
    "bench_verdict::regression::News",
    "bench_verdict::regression::Numbers",
    "bench_verdict::gate::FailOn",
    "bench_verdict::gate::GateOptions",
];

/// Outside crates of which one layer hides the details from all others.
pub(super) const ONLY_IN: &[(&str, &str)] = &[
    ("sqlx", "store"),
    ("axum", "web"),
    ("askama", "web"),
    ("tower", "web"),
    ("tower_http", "web"),
    ("plotters", "chart"),
    ("plotters_backend", "chart"),
    ("resvg", "chart"),
    ("ureq", "github"),
];

/// The crates below the web app: their sources, and what each may import of ours.
pub(super) const CRATES: &[(&str, &[&str])] = &[
    (
        "bench-runner/src",
        &[
            "bench_runner",
            "bench_report",
            "bench_verdict",
            "kv_indexer",
            "kv_indexer_counted",
        ],
    ),
    ("bench-runner/report/src", &["bench_report"]),
    (
        "bench-runner/verdict/src",
        &["bench_verdict", "bench_report::metric"],
    ),
    ("bench-runner/indexer/src", &["kv_indexer"]),
];

/// The crate that judges, which is the same everywhere because it sees nothing but numbers.
pub(super) struct Pure {
    pub(super) folder: &'static str,
    /// Plain statistics: no name, no unit, no date, no direction.
    pub(super) stats: &'static str,
    pub(super) never: &'static [&'static str],
    pub(super) never_in_stats: &'static [&'static str],
}

pub(super) const PURE_CRATE: Pure = Pure {
    folder: "bench-runner/verdict/src",
    stats: "bench-runner/verdict/src/stats/",
    never: &[
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::io",
        "std::time::Instant",
        "std::time::SystemTime",
        "jiff::Zoned::now",
        "jiff::Timestamp::now",
        "Timestamp::now",
        "Zoned::now",
        "sqlx",
        "axum",
        "ureq",
        "tokio",
        "rand",
        "getrandom",
    ],
    never_in_stats: &[
        "bench_report",
        "jiff",
        "serde_json",
        "crate::band",
        "crate::evidence",
        "crate::gate",
        "crate::verdict",
    ],
};
