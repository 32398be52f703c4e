-- Grain: one row per message, identity and role, live.
with

tail as materialized (

    select * from {{ ref('live_tail') }}

)

select message_id, identity, role, is_ours
from {{ ref('message_participants') }} as stored
where not exists (select 1 from tail where tail.message_id = stored.message_id)

union all

select message_id, identity, role, is_ours
from ({{ participants_of('tail') }}) as live
