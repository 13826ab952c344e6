-- Statement D: slow change against the accepted level. Null where too little is known, and in
-- verdicts from before this migration until they are made again (kvmark rebuild).

-- The median of the accepted level's first nights.
alter table verdict add column accepted_level real;
-- The change since then, where it is more than noise; of nightly runs of main only.
alter table verdict add column creep real;
