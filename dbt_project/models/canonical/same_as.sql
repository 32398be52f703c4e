-- Grain: one row per pair of identities that a message told to be one, and how: seen together in one contact, a changed number, a
-- changed user id, another spelling. Only `seen together` and `changed user id` count by themselves; the rest are suggestions.
{{ config(
    meta={'forget': 'touched_pairs', 'forget_key': 'pair_id'},
    indexes=[{'columns': ['pair_id'], 'unique': true}, {'columns': ['identity']}, {'columns': ['same_as']}],
) }}
-- depends_on: {{ ref('touched_pairs') }}
-- depends_on: {{ ref('messages') }}
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

    select * from {{ this }} where pair_id in (select pair_id from {{ ref('touched_pairs') }})
    {% endif %}
) as pairs
group by pair_id
