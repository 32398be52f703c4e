-- Accounting (design.md §5.4): every raw row has at least one event, every event exactly one outcome. Rows are faults.
with

raw_rows as (

    select 'raw.webhook_deliveries/' || delivery_id as raw_ref from {{ source('raw', 'webhook_deliveries') }}
    union all
    select 'raw_twilio_sms.messages/' || _dlt_id from {{ source('raw_twilio_sms', 'messages') }}
    union all
    select 'raw_twilio_sms.removals/' || _dlt_id from {{ source('raw_twilio_sms', 'removals') }}
    union all
    select 'raw_gmail.messages/' || _dlt_id from {{ source('raw_gmail', 'messages') }}
    union all
    select 'raw_gmail.changes/' || _dlt_id from {{ source('raw_gmail', 'changes') }}

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
