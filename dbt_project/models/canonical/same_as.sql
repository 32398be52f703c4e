-- Grain: one row per pair of identities that a message told to be one, and how: seen together in one contact, a changed number, a
-- changed user id, another spelling. Only `seen together` and `changed user id` count by themselves; the rest are suggestions.
-- depends_on: {{ ref('messages') }}
{{ config(
    unique_key='pair_id',
    indexes=[{'columns': ['pair_id'], 'unique': true}, {'columns': ['identity']}, {'columns': ['same_as']}],
) }}
with

told as (

    select pair, message_id
    from {{ ref('messages') }}
    cross join lateral jsonb_array_elements(same_as) as pair
    where same_as is not null
    {% if is_incremental() %}
        and folded_for = canonical.target_horizon()
    {% endif %}

),

pairs as (

    select
        (pair ->> 'identity') || ' ' || (pair ->> 'same_as') || ' ' || (pair ->> 'how') as pair_id,
        pair ->> 'identity' as identity,
        pair ->> 'same_as' as same_as,
        pair ->> 'how' as how,
        (pair ->> 'at')::timestamptz as first_at,
        (pair ->> 'at')::timestamptz as last_at,
        message_id
    from told

    {% if is_incremental() %}
    union all

    select * from {{ this }}
    where pair_id in (
        select (pair ->> 'identity') || ' ' || (pair ->> 'same_as') || ' ' || (pair ->> 'how') from told
    )
    {% endif %}

)

select
    pair_id,
    min(identity) as identity,
    min(same_as) as same_as,
    min(how) as how,
    min(first_at) as first_at,
    max(last_at) as last_at,
    -- The evidence: some message that told it, the same one after every rebuild.
    min(message_id collate "C") as message_id
from pairs
group by pair_id
