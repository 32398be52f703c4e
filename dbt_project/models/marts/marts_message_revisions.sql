-- Grain: one row per revision of a message: an edit, an unsend, a removal at the provider. The message itself keeps
-- what was received first; a revision says what happened to it later, and when.
select
    messages.message_id,
    messages.channel,
    key as raw_ref,
    value #>> '{revision,kind}' as kind,
    (value #>> '{revision,at}')::timestamptz as revised_at,
    value #>> '{revision,body}' as body
from {{ ref('live_messages') }} as messages
cross join lateral jsonb_each(messages.facts)
where messages.revision > 0 and value ? 'revision'
