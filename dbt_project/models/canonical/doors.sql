-- Grain: one row per message: through which doors the message itself came (not only a receipt of it), when, and whether the doors agree.
-- What reconciliation compares (pipelines/reconcile.py).
{{ config(materialized='view', post_hook="grant select on {{ this }} to crm_loader") }}
select
    messages.message_id,
    messages.channel,
    messages.connection_id,
    messages.provider_message_id,
    messages.direction,
    messages.kind,
    messages.sent_at,
    messages.sort_key,
    messages.received_at,
    messages.is_deleted,
    sights.pushed_at,
    sights.pulled_at,
    sights.contents > 1 as is_differing,
    coalesce((messages.provider_metadata ->> 'direction_unknown')::boolean, false) as is_unavailable
from {{ ref('messages') }} as messages
cross join lateral (
    select
        min((value ->> 'at')::timestamptz) filter (where value ->> 'via' = 'webhook') as pushed_at,
        min((value ->> 'at')::timestamptz) filter (where value ->> 'via' = 'history') as pulled_at,
        count(distinct value ->> 'content') as contents
    from jsonb_each(messages.facts)
    -- A receipt, an edit, a reaction is no sight of the message.
    where value ?| array['content', 'parts']
) as sights
where messages.content_order is not null
