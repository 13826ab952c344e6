-- Alerts: one cause of worsenings each, what became of it, and what people said.
-- What the rules derived can be made again from measurement; what people said is the truth itself.

create table alert (
    alert_id integer primary key autoincrement,
    -- Names the cause: machine, suite, its version, first bad commit.
    fingerprint text not null unique,
    environment_id integer not null references environment (environment_id),
    suite text not null,
    suite_version text not null,
    -- Derived from alert_event; kept so that lists by state need not read it.
    state text not null,
    owner text,
    -- Raised with every change.
    version integer not null,
    opened_at integer not null,
    changed_at integer not null,
    -- The suspects: domain::alert::Night as JSON. The runs may have been pruned since.
    first_bad_json text not null,
    last_good_json text
) strict;

-- The alerts of a machine and suite version, when a night brings news.
create index alert_by_epoch on alert (environment_id, suite, suite_version);
-- What is open, the newest first.
create index alert_by_state on alert (state, opened_at);

-- A series in an alert.
create table alert_series (
    alert_id integer not null references alert (alert_id),
    series_id integer not null references series (series_id),
    -- Its place in the order in which the series were confirmed.
    ordinal integer not null,
    since_json text not null,
    last_good_json text,
    -- The first bad night, again, and the night that confirmed it.
    since_at integer not null,
    confirmed_at integer not null,
    confirmed_by text not null,
    frozen_baseline real not null,
    -- Where the last nights' median must come back to.
    back_at real not null,
    change real,
    numbers_json text,
    ended_at integer,
    ended_how text,
    primary key (alert_id, series_id)
) strict, without rowid;

-- The alerts of a run's series.
create index alert_series_by_series on alert_series (series_id, since_at);

-- What happened to an alert, in the order of time.
create table alert_event (
    event_id integer primary key,
    alert_id integer not null references alert (alert_id),
    at integer not null,
    -- Null: the rules. Such rows are derived, all others are what a person said.
    who text,
    what text not null,
    series_id integer references series (series_id),
    text text
) strict;

create index alert_event_by_alert on alert_event (alert_id, at, event_id);

-- Levels that a person or a release accepted: slow change is measured against them from then on,
-- and what was open is over.
create table level (
    level_id integer primary key,
    series_id integer not null references series (series_id),
    -- From when on: the moment when a person accepted it, or the time of a release's run.
    at integer not null,
    who text not null,
    reason text not null,
    -- The release, where one was accepted.
    tag text,
    created_at integer not null
) strict;

create index level_by_series on level (series_id, at);

-- What pairs measured on the night of a run said of a series (analysis::alerts).
create table pair_verdict (
    run_id integer not null references run (run_id),
    series_id integer not null references series (series_id),
    -- Whether they confirm that tonight is worse; denormalised from numbers_json, for replays.
    is_confirmed integer not null,
    is_worse integer not null,
    -- bench_verdict::confirmation::Confirmation.
    numbers_json text not null,
    -- The revision that was compared with.
    against_commit text not null,
    received_at integer not null,
    primary key (run_id, series_id)
) strict, without rowid;

-- What people wrote at a point or a time of a series, or of all.
create table annotation (
    annotation_id integer primary key,
    at integer not null,
    -- Null: all series.
    series_id integer references series (series_id),
    -- The run, where it is about one.
    run_id integer references run (run_id),
    text text not null,
    who text not null,
    created_at integer not null
) strict;

create index annotation_by_time on annotation (at);
