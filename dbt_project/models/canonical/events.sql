-- Every event found in raw, with its one outcome. A new channel is one more line here for each door: its relation, and the column
-- that says when its rows came.
{{ config(materialized='view') }}
{% set events = [
    ('twilio_sms', ref('stg_twilio_sms__webhook_events'), 'received_at'),
    ('twilio_sms', ref('stg_twilio_sms__history_events'), 'received_at'),
    ('gmail', ref('stg_gmail__webhook_events'), 'received_at'),
    ('gmail', ref('stg_gmail__message_events'), 'pulled_at'),
    ('gmail', ref('stg_gmail__change_events'), 'pulled_at'),
    ('twilio_voice', ref('stg_twilio_voice__webhook_events'), 'received_at'),
    ('twilio_voice', ref('stg_twilio_voice__history_events'), 'received_at'),
    ('whatsapp', ref('stg_whatsapp__webhook_events'), 'received_at'),
    ('instagram', ref('stg_instagram__webhook_events'), 'received_at'),
    ('instagram', ref('stg_instagram__history_events'), 'received_at'),
    ('messenger', ref('stg_messenger__webhook_events'), 'received_at'),
    ('messenger', ref('stg_messenger__history_events'), 'received_at'),
] %}

{% for channel, relation, came in events %}
select
    '{{ channel }}' as channel, connection_id::text as connection_id, raw_ref, outcome, reason, {{ came }} as received_at, transaction_id
from {{ relation }}
union all
{% endfor %}
-- What the database could not fold at all, as the fold found it alone.
select
    channel, connection_id, raw_table || '/' || row_id as raw_ref, 'quarantined', 'the database could not take it in: ' || reason,
    received_at, transaction_id
from canonical.set_aside
where reason is not null
