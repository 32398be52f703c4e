-- Grain: one row per event in quarantine: received, kept, and not understood. Small; a replay after a fix takes rows out again.
-- The hooks see to that: a delivery that is read again may hold other events than before, a row of a history may be understood now.
{{ config(
    unique_key='raw_ref',
    indexes=[{'columns': ['raw_ref'], 'unique': true}, {'columns': ['connection_id']}],
    pre_hook="{% if is_incremental() %}delete from {{ this }} as held using {{ source('raw', 'webhook_deliveries') }} as deliveries where deliveries.transaction_id >= canonical.processed_horizon() and deliveries.transaction_id < canonical.target_horizon() and split_part(held.raw_ref, '#', 1) = 'raw.webhook_deliveries/' || deliveries.delivery_id{% endif %}",
    post_hook="delete from {{ this }} where outcome <> 'quarantined'",
) }}
select raw_ref, channel, connection_id, outcome, reason, received_at
from {{ ref('events') }}
where transaction_id < canonical.target_horizon()
{% if is_incremental() %}
    and transaction_id >= canonical.processed_horizon()
    and (outcome = 'quarantined' or raw_ref in (select raw_ref from {{ this }}))
{% else %}
    and outcome = 'quarantined'
{% endif %}
