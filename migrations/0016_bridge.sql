-- Alerts of an ended epoch, carried on over bridging runs to the epoch after it. Derived.

-- domain::alert::Bridged as JSON; null where nothing bridges.
alter table alert_series add column bridge_json text;
-- Denormalised from bridge_json: finds the alerts that a machine's runs are measured against.
alter table alert_series add column bridge_environment_id integer
    references environment (environment_id);

create index alert_series_by_bridge on alert_series (bridge_environment_id)
    where bridge_environment_id is not null;
