-- Grain: one row per connection.
with

deliveries as (

    select connection_id, max(received_at) as last_delivery_at
    from {{ source('raw', 'webhook_deliveries') }}
    group by connection_id

)

select
    connections.connection_id,
    connections.channel,
    connections.name,
    connections.disabled_at is not null as is_disabled,
    deliveries.last_delivery_at,
    pulls.last_started_at as last_pull_started_at,
    pulls.last_succeeded_at as last_pull_succeeded_at,
    pulls.error as pull_error,
    watches.last_succeeded_at as last_watch_renewed_at,
    watches.error as watch_error,
    channels.history_note
from {{ source('crm', 'connections') }} as connections
left join {{ ref('channels') }} as channels using (channel)
left join deliveries using (connection_id)
left join {{ source('jobs', 'connection_health') }} as pulls
    on pulls.connection_id = connections.connection_id and pulls.job = 'pull'
left join {{ source('jobs', 'connection_health') }} as watches
    on watches.connection_id = connections.connection_id and watches.job = 'watch'
