-- Which runs are sides of pairs, and which commits a run covers: what comparisons and pull requests
-- look for.

-- A run that is one side of a pair.
create table pair (
    run_id integer primary key references run (run_id),
    pair_key text not null,
    side text not null,
    purpose text not null,
    -- The run that the pair confirms or refutes; it need not be here.
    against_run integer,
    -- For each sample, the round in which it was measured.
    rounds_json text not null
) strict;

-- The other side.
create index pair_by_key on pair (pair_key);

-- The commits since the run before, newest first, as the report lists them.
create table run_commit (
    run_id integer not null references run (run_id),
    ordinal integer not null,
    commit_hash text not null,
    subject text not null,
    author text not null,
    primary key (run_id, ordinal)
) strict, without rowid;

-- The runs that cover a commit.
create index run_commit_by_hash on run_commit (commit_hash);

-- The pushes of a pull request.
create index run_by_pull on run (pull, started_at) where pull is not null;
