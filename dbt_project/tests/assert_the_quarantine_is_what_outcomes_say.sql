-- The quarantine that pages and replays read is kept apart from the outcomes: the two must say the same. Rows are faults.
with

waiting as (

    {{ waiting_rows() }}

)

select raw_ref, 'not in the quarantine' as fault
from {{ ref('marts_outcomes') }}
where outcome = 'quarantined'
    and raw_ref not in (select raw_ref from {{ ref('marts_quarantine') }})
    and split_part(raw_ref, '#', 1) not in (select raw_row from waiting)

union all

select raw_ref, 'in the quarantine, and understood'
from {{ ref('marts_quarantine') }}
where raw_ref not in (select raw_ref from {{ ref('marts_outcomes') }} where outcome = 'quarantined')
