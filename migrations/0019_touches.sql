-- Which folders each commit that a run covers changes, as the report says: a list of names. Empty where
-- it does not say, and in runs from before this migration.
alter table run_commit add column touches_json text not null default '[]';
