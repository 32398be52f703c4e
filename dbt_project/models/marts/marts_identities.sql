-- Grain: one row per outside identity, live: the stored counts and the messages that are only in the tail yet.
with

tail as materialized (

    select * from {{ ref('live_tail') }}

),

tail_participants as (

    select live.*
    from ({{ participants_of('tail') }}) as live
    where is_first and not is_ours

),

-- Of the tail only what the stored counts do not hold already.
fresh as (

    select
        identity,
        (array_agg(display_name order by sent_at desc, message_id desc) filter (where display_name is not null))[1] as display_name,
        min(sent_at) as first_seen_at,
        max(sent_at) as last_seen_at,
        max(sent_at) filter (where role = 'from') as last_inbound_at,
        count(*) filter (
            where not exists (
                select 1 from {{ ref('message_participants') }} as stored
                where stored.message_id = tail_participants.message_id and stored.identity = tail_participants.identity
            )
        ) as message_count
    from tail_participants
    group by identity

),

combined as (

    select
        identity,
        coalesce(fresh.display_name, stored.display_name) as display_name,
        least(stored.first_seen_at, fresh.first_seen_at) as first_seen_at,
        greatest(stored.last_seen_at, fresh.last_seen_at) as last_seen_at,
        greatest(stored.last_inbound_at, fresh.last_inbound_at) as last_inbound_at,
        coalesce(stored.message_count, 0) + coalesce(fresh.message_count, 0) as message_count
    from {{ ref('identities') }} as stored
    full outer join fresh using (identity)

),

-- An identity that a person linked before it ever wrote is known too; one that belongs to a linked number is linked with it.
linked as (

    select links.identity, links.customer_id
    from {{ open_links() }} as links

)

select
    identity,
    {{ identity_parts('identity') }},
    combined.display_name,
    linked.customer_id,
    combined.first_seen_at,
    combined.last_seen_at,
    coalesce(combined.message_count, 0)::bigint as message_count,
    combined.last_inbound_at
from combined
full outer join linked using (identity)
