-- Grain: one row per message and outside participant, live.
with

tail as materialized (

    select * from {{ ref('live_tail') }}

),

{{ live_threads('tail') }},

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

    select
        stored.identity,
        {{ timeline_columns(
            'stored',
            status_in_thread(
                'stored',
                'case when moved.conversation_id is null then threads.delivered_until else moved.delivered_until end',
                'case when moved.conversation_id is null then threads.read_until else moved.read_until end'
            ),
            thread_with_alias('stored', 'aliases.same_as')
        ) }}
    from stored
    left join {{ ref('conversations') }} as threads
        on threads.conversation_id = stored.channel || '|' || stored.thread_key and stored.direction = 'outbound'
    left join live_threads as moved on moved.conversation_id = stored.channel || '|' || stored.thread_key
    left join {{ ref('live_aliases') }} as aliases on aliases.identity = stored.counterpart_identity

    union all

    select
        live.identity,
        {{ timeline_columns(
            'live', status_in_thread('live', 'moved.delivered_until', 'moved.read_until'), thread_with_alias('live', 'aliases.same_as')
        ) }}
    from live
    left join live_threads as moved on moved.conversation_id = live.channel || '|' || live.thread_key
    left join {{ ref('live_aliases') }} as aliases on aliases.identity = live.counterpart_identity

)

select
    links.customer_id,
    entries.identity,
    {%- for column in timeline_names() %}
    entries.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from entries
left join {{ open_links() }} as links on links.identity = entries.identity
