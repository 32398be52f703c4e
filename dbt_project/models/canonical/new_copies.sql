-- Grain: one row per copy that this fold takes in. A working table. Channel by channel, so that a fold opens only those that something came through.
-- depends_on: {{ ref('new_rows') }}
{{ config(materialized='table', meta={'working': true}) }}
{% for channel in channels() %}
-- of channel {{ channel }}
select {{ copy_columns() | join(', ') }}
from {{ ref('kept_copies') }}
where channel = '{{ channel }}' and {{ 'false' if builds_whole() else is_new() }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
