-- A measurement and what is said of it in one row, in two thirds of the room; the run's time is the
-- run's. What the tables of before hold is brought over when the store is opened (store/older.rs):
-- packing is no business of SQL.
alter table measurement rename to old_measurement;
alter table verdict rename to old_verdict;

-- One series in one run. Clustered by series: a trend is one range scan.
create table measurement (
    series_id integer not null references series (series_id),
    run_id integer not null references run (run_id),
    -- Median of the samples.
    value real not null,
    -- How many samples, their interval, and the verdict (store/packed.rs).
    data blob not null,
    primary key (series_id, run_id)
) strict, without rowid;

-- Which series a run measured, and how many of them have which band and evidence: where its rows
-- are, and what lists of runs show.
create table run_series (
    run_id integer primary key references run (run_id),
    -- store/listed.rs, zstd.
    data blob not null
) strict;
