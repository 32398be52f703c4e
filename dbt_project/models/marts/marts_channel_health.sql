-- Grain: one row per connection. True rather than green: what is not known is null.
with

jobs as (

    select * from {{ source('jobs', 'connection_health') }}

),

fetched as (

    select connection_id, jsonb_object_agg(state, attachments) as media
    from (
        select listed.connection_id, coalesce(media.state, listed.state) as state, count(*) as attachments
        from {{ ref('attachments') }} as listed
        left join {{ source('jobs', 'media') }} as media using (message_id, attachment_id)
        group by 1, 2
    ) as by_state
    group by connection_id

),

quarantined as (

    -- What an admin ignores is counted apart.
    select
        held.connection_id,
        count(*) filter (where ignored.kind_id is null) as events,
        count(*) filter (where ignored.kind_id is not null) as ignored
    from {{ ref('quarantine') }} as held
    left join {{ source('crm', 'ignored_kinds') }} as ignored
        on ignored.channel = held.channel and ignored.reason = held.reason and ignored.ended_at is null
    group by held.connection_id

),

refused as (

    select connection_id, count(*) as refusals
    from {{ source('raw', 'refusals') }}
    where refused_at > now() - interval '1 day'
    group by connection_id

),

-- A status, an edit, a reaction of a message that never came. It names no connection, only the channel.
waiting as (

    select channel, count(*) as messages
    from {{ ref('messages') }}
    where content_order is null and moved_to is null and provider_message_id <> 'watermark'
        -- A status often comes before its message; one that has waited through three pulls is worth a look.
        and received_at < now() - interval '15 minutes'
    group by channel

)

select
    connections.connection_id,
    connections.channel,
    connections.name,
    connections.disabled_at is not null as is_disabled,
    channels.pulls,
    channels.history_note,
    -- door one
    latest.received_at as last_delivery_at,
    coalesce(refused.refusals, 0) as refusals_last_day,
    -- door two
    pulls.last_started_at as last_pull_started_at,
    pulls.last_succeeded_at as last_pull_succeeded_at,
    pulls.error as pull_error,
    pulls.detail as pull_detail,
    watches.last_succeeded_at as last_watch_renewed_at,
    watches.error as watch_error,
    tokens.error as token_error,
    (tokens.detail ->> 'expires_at')::timestamptz as token_expires_at,
    -- what became of what came
    coalesce(quarantined.events, 0) as quarantined_events,
    coalesce(quarantined.ignored, 0) as quarantined_and_ignored,
    coalesce(waiting.messages, 0) as waiting_messages,
    fetched.media,
    -- what both doors say together (pipelines/reconcile.py)
    reconciled.last_succeeded_at as reconciled_at,
    reconciled.error as reconcile_error,
    (reconciled.detail ->> 'window_start')::timestamptz as reconcile_window_start,
    (reconciled.detail ->> 'window_end')::timestamptz as reconcile_window_end,
    (reconciled.detail ->> 'missing')::bigint as missing,
    (reconciled.detail ->> 'extra')::bigint as extra,
    (reconciled.detail ->> 'late')::bigint as late,
    (reconciled.detail ->> 'differing')::bigint as differing,
    (reconciled.detail ->> 'brought_in')::bigint as brought_in,
    reconciled.detail ->> 'unrecoverable' as unrecoverable
from {{ source('crm', 'connections') }} as connections
left join {{ ref('channels') }} as channels using (channel)
left join lateral (
    select deliveries.received_at from {{ source('raw', 'webhook_deliveries') }} as deliveries
    where deliveries.connection_id = connections.connection_id
    order by deliveries.received_at desc
    limit 1
) as latest on true
left join jobs as pulls on pulls.connection_id = connections.connection_id and pulls.job = 'pull'
left join jobs as watches on watches.connection_id = connections.connection_id and watches.job = 'watch'
left join jobs as tokens on tokens.connection_id = connections.connection_id and tokens.job = 'token'
left join jobs as reconciled on reconciled.connection_id = connections.connection_id and reconciled.job = 'reconcile'
left join fetched on fetched.connection_id = connections.connection_id
left join quarantined on quarantined.connection_id = connections.connection_id
left join refused on refused.connection_id = connections.connection_id
left join waiting on waiting.channel = connections.channel
