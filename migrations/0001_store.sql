-- The first schema: environments, runs, series, measurements, verdicts, files, tokens, audit.
-- Times are milliseconds since 1970 UTC. A column named `..._json` holds JSON text.

-- A machine's fingerprint. Series of different environments never compare.
create table environment (
    environment_id integer primary key,
    fingerprint text not null unique,
    name text not null,
    -- Pairs of label and value, in the order of a page.
    facts_json text not null,
    is_sample integer not null,
    first_seen integer not null,
    last_seen integer not null
) strict;

-- The number of every run, given once: a live run has its number before its report is here.
create table run_key (
    run_id integer primary key autoincrement,
    run_key text not null unique
) strict;

-- One report without its measurements.
create table run (
    run_id integer primary key references run_key (run_id),
    -- SHA-256 of the decoded report: the same key with another body is a conflict.
    report_sha256 blob not null,
    kind text not null,
    suite text not null,
    suite_version text not null,
    environment_id integer not null references environment (environment_id),
    repository text,
    commit_hash text not null,
    branch text,
    tag text,
    parent text,
    base_commit text,
    pull integer,
    committed_at integer,
    subject text,
    author text,
    is_dirty integer not null,
    started_at integer not null,
    finished_at integer not null,
    received_at integer not null,
    options_json text not null,
    conditions_json text not null,
    binary_sha256 text,
    -- Derived from the report and the last complete nightly before it; kept because later nights
    -- and retirements must not change what was said.
    coverage_json text not null,
    -- Denormalised from coverage_json: finds the last complete nightly by index.
    is_complete integer not null,
    -- Why a person took the run out of the baselines.
    excluded text
) strict;

-- Lists of runs, newest first; the runs of the days after a late one.
create index run_by_time on run (started_at, run_id);
-- The newest main-branch run of an environment, its last complete nightly, its baseline runs.
create index run_by_environment on run (environment_id, branch, started_at, run_id);
-- The run of a commit, for comparisons.
create index run_by_commit on run (commit_hash, started_at);

-- What a line on a chart is. Identity here, values in measurement.
create table series (
    series_id integer primary key,
    environment_id integer not null references environment (environment_id),
    suite text not null,
    benchmark text not null,
    -- A JSON object, keys in order.
    params_json text not null,
    metric text not null,
    unit text not null,
    -- Of the newest run that measured it:
    better text not null,
    kind text not null,
    floor real,
    target_op text,
    target_value real,
    -- Since when, and why, it is expected no more.
    retired_at integer,
    retired_reason text,
    unique (environment_id, suite, benchmark, metric, params_json, unit)
) strict;

-- All series of a benchmark over all environments.
create index series_by_benchmark on series (benchmark, metric);

-- One series in one run. Clustered by series and time: a trend is one range scan.
-- started_at repeats run.started_at for that.
create table measurement (
    series_id integer not null references series (series_id),
    started_at integer not null,
    run_id integer not null references run (run_id),
    -- Median of the samples.
    value real not null,
    sample_count integer not null,
    -- Ends of the 95% interval of the median; null below 6 samples.
    low real,
    high real,
    primary key (series_id, started_at, run_id)
) strict, without rowid;

-- What is said of a measurement: derived, one row for each measurement. Clustered by run: a run's
-- page is one range scan, and it is the list of a run's series.
create table verdict (
    run_id integer not null references run (run_id),
    series_id integer not null references series (series_id),
    baseline real,
    baseline_runs integer not null,
    change real,
    -- Codes of store/code.rs.
    band integer not null,
    evidence integer not null,
    primary key (run_id, series_id)
) strict, without rowid;

-- All raw samples of a run, by column, zstd (store/samples.rs). Verdicts are rebuilt from it.
create table sample_blob (
    run_id integer primary key references run (run_id),
    data blob not null
) strict;

-- The report as it came (decoded), zstd.
create table report_blob (
    run_id integer primary key references run (run_id),
    size integer not null,
    data blob not null
) strict;

-- Values of a benchmark over time or over another axis; points as JSON, zstd.
create table curve (
    run_id integer not null references run (run_id),
    ordinal integer not null,
    benchmark text not null,
    params_json text not null,
    name text not null,
    x text not null,
    y text not null,
    data blob not null,
    primary key (run_id, ordinal)
) strict;

-- Whole distributions, HdrHistogram V2 bytes.
create table histogram (
    run_id integer not null references run (run_id),
    ordinal integer not null,
    benchmark text not null,
    params_json text not null,
    name text not null,
    unit text not null,
    data blob not null,
    primary key (run_id, ordinal)
) strict;

-- Profiles and other files of a run, zstd.
create table artifact (
    artifact_id integer primary key,
    run_id integer not null references run (run_id),
    ordinal integer not null,
    name text not null,
    kind text not null,
    benchmark text,
    size integer not null,
    data blob not null,
    unique (run_id, ordinal)
) strict;

-- Who may do what. Never deleted, only revoked: that a token has ever existed closes open uploads.
create table token (
    token_id integer primary key,
    -- SHA-256 of the token's 32 random bytes; the token itself is never stored.
    hash blob not null unique,
    scope text not null,
    -- Kinds of run that an upload token may send, comma-separated; null: all.
    kinds text,
    note text,
    created_at integer not null,
    revoked_at integer
) strict;

-- What people changed, and why. Only ever added to.
create table audit (
    audit_id integer primary key,
    at integer not null,
    who text not null,
    action text not null,
    subject text not null,
    detail text not null
) strict;

-- The history of one thing.
create index audit_by_subject on audit (subject, audit_id);
