-- Grain: one row per event in quarantine, live: what was received, is kept, and was not understood, with the reason.
select held.raw_ref, held.channel, held.connection_id, held.reason, held.received_at
from {{ ref('quarantine') }} as held
where not exists (
    select 1 from {{ source('raw', 'webhook_deliveries') }} as again
    where again.transaction_id >= canonical.processed_horizon()
        and split_part(held.raw_ref, '#', 1) = 'raw.webhook_deliveries/' || again.delivery_id
)

union all

select raw_ref, channel, connection_id, reason, received_at
from {{ ref('events') }}
where transaction_id >= canonical.processed_horizon() and outcome = 'quarantined'
    and raw_ref not in (select raw_ref from {{ ref('quarantine') }} where raw_ref not like 'raw.webhook_deliveries/%')
