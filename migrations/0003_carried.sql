-- What the judging of one machine and suite version carries from night to night: of every series
-- the last nights and the detector's state. Derived: made again from measurement where it is
-- missing.
create table carried (
    environment_id integer not null references environment (environment_id),
    suite text not null,
    suite_version text not null,
    -- The newest night in it. It is of use only while that is the newest baseline run.
    run_id integer not null references run (run_id),
    -- analysis::carried::Carried, zstd.
    data blob not null,
    primary key (environment_id, suite, suite_version)
) strict, without rowid;
