-- Grain: one row per raw row that this fold takes in, per row that was just set aside, and per message or raw row that was destroyed and
-- is to be forgotten. A working table. The raw tables are those that the
-- models declare as sources, so that a new channel needs no word here.
{{ config(materialized='table', meta={'working': true}) }}
{% if builds_whole() %}
select
    null::text as raw_table, null::text as row_id, null::text as load_id, null::text as channel, null::text as connection_id,
    null::timestamptz as received_at, null::xid8 as transaction_id, null::boolean as is_set_aside
where false
{% else %}
select
    'raw.webhook_deliveries' as raw_table, delivery_id::text as row_id, delivery_id::text as load_id, channel, connection_id, received_at,
    transaction_id, false as is_set_aside
from raw.webhook_deliveries as deliveries
where {{ is_new() }} and {{ is_not_set_aside('raw.webhook_deliveries', 'delivery_id::text') }}

{% for table in graph.sources.values() | sort(attribute='unique_id')
    if table.source_name.startswith('raw_') and table.config.get('meta', {}).get('accounted', true) %}
union all

select
    '{{ table.source_name }}.{{ table.name }}', _dlt_id::text, _dlt_load_id::text, '{{ table.source_name.removeprefix('raw_') }}', connection_id::text,
    null::timestamptz, transaction_id, false
from {{ table.schema }}.{{ table.identifier }} as history
where {{ is_new() }} and {{ is_not_set_aside(table.source_name ~ '.' ~ table.name, '_dlt_id') }}

{% endfor %}
union all

select raw_table, row_id, row_id, channel, connection_id, received_at, transaction_id, true
from canonical.set_aside
where reason is not null and {{ is_new() }}

union all

select 'privacy.forgetting', key, kind, channel, null, null, transaction_id, false
from privacy.forgetting as forgetting
where {{ is_new() }} and {{ is_not_set_aside('privacy.forgetting', 'key') }}
{% endif %}
