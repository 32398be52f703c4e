-- Grain: one row per event that this fold read, with its outcome. A working table. Channel by channel, as new_copies.
-- depends_on: {{ ref('new_rows') }}
{{ config(materialized='table', meta={'working': true}) }}
{% for channel in channels() %}
-- of channel {{ channel }}
select raw_ref, channel, connection_id, outcome, reason, received_at
from {{ ref('events') }}
where channel = '{{ channel }}' and {{ 'false' if builds_whole() else is_new() }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
