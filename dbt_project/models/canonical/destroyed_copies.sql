-- Grain: one row per copy that the gate holds back and place in raw that it came from: what came again of what was destroyed, until the
-- sweep takes it out of raw (privacy/sweep.py). Empty at no cost where nothing was destroyed.
{{ config(materialized='view') }}
select copies.message_id, copies.channel, jsonb_object_keys(copies.facts) as raw_ref, copies.transaction_id
from {{ ref('message_copies') }} as copies
where {{ has_tombstones() }} and {{ is_destroyed('copies') }}
