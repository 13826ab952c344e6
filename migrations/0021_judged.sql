-- How often a run was judged, by which rules, and what is still to be done after it.

-- The version of the rules that said what is said of a run (bench_verdict::RULE). Null before this
-- migration: such runs are judged again in the background, as those of older rules are.
alter table run add column rule text;
-- 0: not yet, 1: once, 2: something else was said of it later. A run of before is taken as judged
-- once.
alter table run add column judged integer not null default 1;

-- Epochs that came to have a night, a bridging run or other verdicts while there were alerts of the
-- epochs beside them, which must be looked at again. Written in the transaction that brings what is
-- new, so that a stop of the server forgets none.
create table beside (
    environment_id integer not null references environment (environment_id),
    suite text not null,
    suite_version text not null,
    -- Raised with every new reason: what was looked at before it does not count as done.
    mark integer not null,
    -- Nights since this time are new, and nothing else; null: a bridging run or verdicts, too.
    night integer,
    primary key (environment_id, suite, suite_version)
) strict, without rowid;
