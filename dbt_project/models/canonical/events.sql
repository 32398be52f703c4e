-- Every event found in raw, with its one outcome. A new channel is one more line here for each door.
{{ config(materialized='view') }}
{% set events = [
    ('twilio_sms', ref('stg_twilio_sms__webhook_events')),
    ('twilio_sms', ref('stg_twilio_sms__history_events')),
    ('gmail', ref('stg_gmail__webhook_events')),
    ('gmail', ref('stg_gmail__message_events')),
    ('gmail', ref('stg_gmail__change_events')),
] %}

{% for channel, relation in events %}
select '{{ channel }}' as channel, connection_id::text as connection_id, raw_ref, outcome, reason, transaction_id from {{ relation }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
