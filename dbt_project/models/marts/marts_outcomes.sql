-- Grain: one row per event found in raw, with the one thing that became of it. What comes again of what was destroyed is held back by the gate
-- (canonical.kept_copies), and stands here until the sweep takes it out of raw.
select
    events.raw_ref,
    events.channel,
    case when destroyed.raw_ref is not null then 'destroyed' else events.outcome end as outcome,
    events.reason,
    events.connection_id
from {{ ref('events') }} as events
left join (select distinct raw_ref from {{ ref('destroyed_copies') }}) as destroyed on destroyed.raw_ref = events.raw_ref
