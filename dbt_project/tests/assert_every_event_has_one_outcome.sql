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

),

-- Each once: PostgreSQL takes the events for so many that a table of their hashes would get half a gigabyte and files by
-- the hundred thousand, however few there are.
accounted as (

    select distinct split_part(raw_ref, '#', 1) as raw_row from outcomes

)

select raw_rows.raw_ref, 'no event was found in it' as fault
from raw_rows
where not exists (select 1 from accounted where accounted.raw_row = raw_rows.raw_ref)

union all

select raw_ref, 'more than one outcome'
from outcomes
group by raw_ref
having count(*) > 1

union all

select raw_ref, 'no outcome, or no reason for it'
from outcomes
where outcome is null or (outcome in ('ignored', 'quarantined') and reason is null)
