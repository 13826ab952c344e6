-- What is to be said on GitHub: one row for each thing there that is ours (an issue of a cause, a
-- pull request's comment, a check of a run). A row holds what should stand there, so a newer wish
-- replaces one that was not delivered yet, and a delivered row remembers what was said last.
create table github_outbox (
    -- github::Intent::key, such as `issue 3f2a9c…`, `comment 12` or `check <run key>`.
    key text primary key,
    -- github::Intent as JSON.
    intent text not null,
    -- Raised with every new intent: the delivery of an older one does not count as done.
    mark integer not null,
    -- `waiting`, `done`, or `refused`: GitHub will never take this intent; only a new one helps.
    state text not null,
    -- What GitHub calls it, once known.
    number integer,
    -- Deliveries of this intent that failed.
    attempts integer not null,
    -- Not to be tried before.
    next_at integer not null,
    last_error text,
    changed_at integer not null
) strict;

-- What is due, oldest first.
create index github_outbox_by_due on github_outbox (state, next_at);
