-- Grain: one row per Pub/Sub notification (docs/providers/google.md). No message comes through this door.
with

deliveries as (

    select
        deliveries.*,
        connections.settings ->> 'address' as mailbox,
        canonical.try_json(canonical.from_base64(payload #>> '{message,data}')) as notification
    from {{ landed('raw', 'webhook_deliveries') }} as deliveries
    left join {{ source('crm', 'connections') }} as connections using (connection_id)
    where deliveries.channel = 'gmail'

)

select
    'raw.webhook_deliveries/' || delivery_id as raw_ref,
    connection_id,
    transaction_id,
    received_at,
    case
        when payload_error is not null then 'quarantined'
        -- An error would only bring it back, and there is nothing in it to repair (docs/providers/google.md).
        when notification ->> 'emailAddress' is null then 'ignored'
        when lower(notification ->> 'emailAddress') is distinct from lower(mailbox) then 'ignored'
        else 'system_event'
    end as outcome,
    case
        when payload_error is not null then payload_error
        when notification ->> 'emailAddress' is null then 'the notification names no mailbox'
        when lower(notification ->> 'emailAddress') is distinct from lower(mailbox)
            then 'the notification is for a mailbox that is not the connection''s'
        else 'the mailbox changed: a pull follows'
    end as reason
from deliveries
