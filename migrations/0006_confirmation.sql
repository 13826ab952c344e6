-- Pairs measured on the night of a run: what confirms or refutes what it flagged, and the canary.

-- The two reports of a pair, as they came.
create table confirmation (
    confirmation_id integer primary key,
    run_id integer not null references run (run_id),
    pair_key text not null unique,
    -- confirm, canary (something was planted in the head) or aa (identical sides).
    purpose text not null,
    -- What was planted.
    planted text,
    -- The revision of the base.
    base_commit text not null,
    -- SHA-256 of the body: the same pair with another body is a conflict.
    sha256 blob not null,
    received_at integer not null,
    -- {"base": report, "head": report}, zstd.
    data blob not null
) strict;

-- The pairs of a run.
create index confirmation_by_run on confirmation (run_id);

-- What its pairs say of a series of the run: derived from the reports and the identical pairs that
-- came before.
create table confirmation_series (
    confirmation_id integer not null references confirmation (confirmation_id),
    series_id integer not null references series (series_id),
    -- bench_verdict::confirmation::Confirmation.
    numbers_json text not null,
    -- ln(head / base) of each pair.
    ratios_json text not null,
    primary key (confirmation_id, series_id)
) strict, without rowid;

-- The identical pairs of a series.
create index confirmation_series_by_series on confirmation_series (series_id);

-- What the runner of a night is asked to measure again, in pairs with an earlier revision.
create table ask (
    run_id integer not null references run (run_id),
    series_id integer not null references series (series_id),
    -- The run whose revision is the good side.
    against_run integer not null references run (run_id),
    why text not null,
    primary key (run_id, series_id)
) strict, without rowid;
