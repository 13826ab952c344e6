-- Which runs have a profile of one sort: what a profile's page offers for a comparison.
create index artifact_by_sort on artifact (kind, name, run_id);
