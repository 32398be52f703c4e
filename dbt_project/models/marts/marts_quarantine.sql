-- Grain: one row per event in quarantine: what was received, is kept, and was not understood, with the reason.
select raw_ref, channel, connection_id, reason, received_at
from {{ ref('quarantine') }}
