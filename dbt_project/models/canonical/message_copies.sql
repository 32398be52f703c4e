-- Every copy of every message, through every door. A new channel is one more line here for each door.
-- The hooks make what the fold calls for calls of many parts and for messages with revisions.
{{ config(materialized='view', pre_hook=["{{ create_call_of() }}", "{{ create_revisions_of() }}"]) }}
{% set copies = [
    ref('stg_twilio_sms__webhook_copies'),
    ref('stg_twilio_sms__history_copies'),
    ref('stg_gmail__history_copies'),
    ref('stg_gmail__change_copies'),
    ref('stg_gmail__report_copies'),
    ref('stg_twilio_voice__webhook_copies'),
    ref('stg_twilio_voice__history_copies'),
    ref('stg_whatsapp__webhook_copies'),
    ref('stg_instagram__webhook_copies'),
    ref('stg_instagram__history_copies'),
    ref('stg_messenger__webhook_copies'),
    ref('stg_messenger__history_copies'),
] %}

{% for copy in copies %}
select {{ copy_columns() | join(', ') }} from {{ copy }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
