-- Grain: one row per message and outside participant, live.
with

tail as materialized (

    select * from {{ ref('live_tail') }}

),

participants as (

    select message_id, identity
    from {{ ref('message_participants') }} as stored
    where is_first and not is_ours
        and not exists (select 1 from tail where tail.message_id = stored.message_id)

    union all

    select message_id, identity
    from ({{ participants_of('tail') }}) as live
    where is_first and not is_ours

)

select
    links.customer_id,
    participants.identity,
    {{ timeline_columns('messages') }}
from participants
inner join {{ ref('live_messages') }} as messages using (message_id)
left join {{ open_links() }} as links on links.identity = participants.identity
