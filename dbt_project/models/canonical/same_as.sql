-- Grain: one row per pair of identities that a message told to be one, and how: seen together in one contact, a changed number, a
-- changed user id, another spelling. Only `seen together` and `changed user id` count by themselves; the rest are suggestions.
{{ config(
    meta={'forget': 'touched_pairs', 'forget_key': 'pair_id'},
    indexes=[{'columns': ['pair_id'], 'unique': true}, {'columns': ['identity']}, {'columns': ['same_as']}],
) }}
-- depends_on: {{ ref('touched_pairs') }}
-- depends_on: {{ ref('messages') }}
-- depends_on: {{ ref('message_participants') }}
select
    pair_id,
    min(identity) as identity,
    min(same_as) as same_as,
    min(how) as how,
    min(first_at) as first_at,
    max(last_at) as last_at,
    -- The evidence: some message that told it, the same one after every rebuild.
    min(message_id collate "C") as message_id
from (
    {{ told_pairs(folded_now()) }}
    {% if is_incremental() %}
    union all

    select * from {{ this }} where pair_id in (select pair_id from {{ ref('touched_pairs') }} where not is_lost)
    union all

    select * from (
        {{ told_pairs('(
            select messages.message_id, messages.same_as
            from ' ~ ref('touched_pairs') ~ ' as lost
            cross join lateral (values (lost.identity), (lost.same_as)) as people (identity)
            inner join ' ~ ref('message_participants') ~ ' as participants
                on participants.identity = people.identity and participants.is_first and not participants.is_ours
            inner join ' ~ ref('messages') ~ ' as messages using (message_id)
            where lost.is_lost
        ) as standing') }}
    ) as counted
    where pair_id in (select pair_id from {{ ref('touched_pairs') }} where is_lost)
    {% endif %}
) as pairs
group by pair_id
