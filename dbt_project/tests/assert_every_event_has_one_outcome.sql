-- Accounting: every raw row has at least one event, every event exactly one outcome. Rows are faults.
-- The raw tables are those that the models declare as sources, so that a new channel is accounted for without a word here.
with

raw_rows as (

    select 'raw.webhook_deliveries/' || delivery_id as raw_ref from {{ source('raw', 'webhook_deliveries') }}
    {% for table in graph.sources.values() | sort(attribute='unique_id')
        if table.source_name.startswith('raw_') and table.config.get('meta', {}).get('accounted', true) %}
    union all
    select '{{ table.source_name }}.{{ table.name }}/' || _dlt_id from {{ source(table.source_name, table.name) }}
    {% endfor %}

),

outcomes as (

    select * from {{ ref('marts_outcomes') }}

)

select raw_rows.raw_ref, 'no event was found in it' as fault
from raw_rows
where not exists (select 1 from outcomes where split_part(outcomes.raw_ref, '#', 1) = raw_rows.raw_ref)

union all

select raw_ref, 'more than one outcome'
from outcomes
group by raw_ref
having count(*) > 1

union all

select raw_ref, 'no outcome, or no reason for it'
from outcomes
where outcome is null or (outcome in ('ignored', 'quarantined') and reason is null)
