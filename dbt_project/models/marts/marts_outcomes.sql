-- Grain: one row per event found in raw, with the one thing that became of it.
select raw_ref, channel, outcome, reason, connection_id from {{ ref('events') }}
