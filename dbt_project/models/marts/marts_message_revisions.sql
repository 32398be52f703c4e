-- Grain: one row per revision of a message: an edit, an unsend, a removal at the provider; and revision 0, the message as it was first.
-- What was unsent is hidden elsewhere and stands here: who may read this may read that.
with

revised as (

    select message_id, channel, sent_at, body, facts
    from {{ ref('messages') }}
    where revision > 0 and content_order is not null

),

told as (

    -- One revision told twice, in two deliveries, is one.
    select revised.message_id, revised.channel, value -> 'revision' as revision, min(key collate "C") as raw_ref
    from revised
    cross join lateral jsonb_each(facts)
    where value ? 'revision'
    group by 1, 2, 3

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
    (row_number() over (
        partition by message_id
        order by revision ->> 'at' collate "C", lpad(coalesce(revision ->> 'number', ''), 4, '0'), revision ->> 'body' collate "C", raw_ref
    ))::integer,
    revision ->> 'kind',
    (revision ->> 'at')::timestamptz,
    revision ->> 'body',
    raw_ref
from told
