-- Rules per pattern: how strict the gate is with which series. Every version that was ever saved;
-- the newest is in force. Only ever added to.
create table rule_version (
    version integer primary key,
    -- bench_verdict::patterns::Patterns.
    rules_json text not null,
    reason text not null,
    who text not null,
    at integer not null
) strict;
