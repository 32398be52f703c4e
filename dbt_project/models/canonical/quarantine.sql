-- Grain: one row per event in quarantine: received, kept, and not understood. Small; a replay after a fix takes rows out again: a row of raw that
-- is read again loses what it had here, because it may hold other events than before.
{{ config(
    meta={'forget': 'reread_rows', 'forget_key': 'raw_row'},
    indexes=[{'columns': ['raw_ref'], 'unique': true}, {'columns': ['raw_row']}, {'columns': ['connection_id']}, {'columns': ['received_at']}],
) }}
-- depends_on: {{ ref('reread_rows') }}
select split_part(raw_ref, '#', 1) as raw_row, raw_ref, channel, connection_id, outcome, reason, received_at
{% if is_incremental() %}
from {{ ref('touched_events') }}
where outcome = 'quarantined'
{% else %}
-- depends_on: {{ ref('touched_events') }}
from {{ ref('events') }}
where outcome = 'quarantined' and {{ is_within_target() }}
{% endif %}
