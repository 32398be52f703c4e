-- Grain: one row per message and outside participant, live.
with

tail as materialized (

    select * from {{ ref('live_tail') }}

),

-- Stored rows and the tail are joined to their participants apart, before the union: each by its own index.
stored as (

    select participants.identity, messages.*
    from {{ ref('message_participants') }} as participants
    inner join {{ ref('messages') }} as messages using (message_id)
    where participants.is_first and not participants.is_ours
        and messages.content_order is not null
        and not exists (select 1 from tail where tail.message_id = participants.message_id)

),

live as (

    select participants.identity, messages.*
    from ({{ participants_of('tail') }}) as participants
    inner join tail as messages using (message_id)
    where participants.is_first and not participants.is_ours

),

entries as (

    select identity, {{ timeline_columns('stored') }} from stored

    union all

    select identity, {{ timeline_columns('live') }} from live

)

select
    links.customer_id,
    entries.identity,
    {{ timeline_columns('entries') }}
from entries
left join {{ open_links() }} as links on links.identity = entries.identity
