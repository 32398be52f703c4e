-- Grain: one row per pair of identities that this fold was told of, or a teller of which was destroyed (`is_lost`): that one is counted from
-- the messages that stand. A working table.
{{ config(materialized='table', meta={'working': true}) }}
select pair_id, min(identity) as identity, min(same_as) as same_as, bool_or(is_lost) as is_lost
from (
    select pair_id, identity, same_as, false as is_lost from ({{ told_pairs(ref('batch')) }}) as told

    union all

    select pair_id, identity, same_as, true
    from ({{ told_pairs('(select message_id, former_same_as as same_as from ' ~ ref('batch') ~ ') as destroyed') }}) as told
) as touched
group by pair_id
