-- Grain: one row per POST of the web site.
select
    'raw.webhook_deliveries/' || delivery_id as raw_ref,
    connection_id,
    transaction_id,
    received_at,
    payload,
    case when payload ->> 'id' is null or payload ->> 'text' is null then 'quarantined' else 'message' end as outcome,
    case when payload ->> 'id' is null or payload ->> 'text' is null then coalesce(payload_error, 'a chat message needs an id and a text') end as reason
from {{ landed('raw', 'webhook_deliveries') }} as deliveries
where channel = 'website_chat'
