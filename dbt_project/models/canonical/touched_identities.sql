-- Grain: one row per outside identity that this fold touches, with what it adds to it. Where a message left the identity or moved
-- (`is_recounted`), it is counted from its participants. Read before the participants are put. A working table.
{{ config(materialized='table', meta={'working': true}) }}
with

now_there as (

    select identity, message_id, role, display_name, sent_at, sort_key
    from ({{ participants_of(ref('batch')) }}) as participants
    where is_first and not is_ours

),

were_there as (

    {% if builds_whole() %}
    select * from now_there where false
    {% else %}
    select stored.identity, stored.message_id, stored.role, stored.display_name, stored.sent_at, stored.sort_key
    from {{ ref('batch') }} as batch
    inner join {{ stored('message_participants') }} as stored using (message_id)
    where stored.is_first and not stored.is_ours
    {% endif %}

),

differences as (

    select coalesce(now_there.identity, were_there.identity) as identity, now_there.role, now_there.display_name, now_there.sent_at, now_there.sort_key,
        now_there.identity is not null as is_added, were_there.identity is not null as is_removed
    from now_there
    full outer join were_there using (identity, message_id)
    where (now_there.role, now_there.display_name, now_there.sent_at, now_there.sort_key)
        is distinct from (were_there.role, were_there.display_name, were_there.sent_at, were_there.sort_key)

)

select identity, bool_or(is_removed) as is_recounted, {{ counts_of_identity(where='is_added') }}
from differences
group by identity
