-- What a verdict is sure of, and what it was judged from. Null where too little is known, and in
-- verdicts from before this migration until they are made again (kvmark rebuild).

-- What noise alone does to one night, as a fraction.
alter table verdict add column noise_floor real;
-- The smallest step that a week of nights would confirm, as a fraction.
alter table verdict add column detectable_change real;
-- The first 64 bits of the hash of all inputs, as a signed number.
alter table verdict add column inputs_hash integer;

-- The memory that the measuring process may use: a rule of the gate is held against it.
alter table run add column memory_limit_bytes integer;
