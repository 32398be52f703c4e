-- Grain: one row per revision of a message: an edit, an unsend, a removal at the provider; and revision 0, the message as it was first.
-- What was unsent is hidden elsewhere and stands here: who may read this may read that. macros/revisions.sql says which there are.
with

revised as not materialized (

    select message_id, channel, sent_at, body, facts
    from {{ ref('messages') }}
    where revision > 0 and content_order is not null

)

select
    message_id,
    channel,
    0 as revision,
    'original'::text as kind,
    sent_at as revised_at,
    body,
    null::text as raw_ref
from revised

union all

select
    message_id,
    channel,
    place::integer,
    listed ->> 'kind',
    (listed ->> 'at')::timestamptz,
    listed ->> 'body',
    listed ->> 'raw_ref'
from revised
cross join lateral jsonb_array_elements(canonical.revisions_of(facts) -> 'listed') with ordinality as revisions (listed, place)
