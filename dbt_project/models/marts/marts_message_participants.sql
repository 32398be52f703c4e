-- Grain: one row per message, identity and role.
select message_id, identity, role, is_ours
from {{ ref('message_participants') }}
