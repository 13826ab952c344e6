-- Runs that must be judged again, because the history before them changed: a run came late, or a
-- person took one out. Written in the transaction that changes the history, so that a stop of the
-- server forgets none.
create table rejudge (
    run_id integer primary key references run (run_id),
    -- Raised with every new reason: what is judged from an older history does not count as done.
    mark integer not null
) strict;
