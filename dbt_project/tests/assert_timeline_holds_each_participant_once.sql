-- A message is in the timeline once for each outside participant, no more and no less. Rows are faults.
with

expected as (

    select distinct message_id, identity from {{ ref('marts_message_participants') }}
    where not is_ours

),

found as (

    select message_id, identity, count(*) as times from {{ ref('marts_timeline') }}
    group by message_id, identity

)

select message_id, identity, coalesce(found.times, 0) as times
from expected
full outer join found using (message_id, identity)
where found.times is distinct from 1 or expected.message_id is null
