-- Grain: one row per attachment of a message, live.
select
    messages.message_id || '|' || (attachment ->> 'attachment_id') as attachment_key,
    messages.message_id,
    messages.channel,
    attachment ->> 'attachment_id' as attachment_id,
    attachment ->> 'content_type' as content_type,
    attachment ->> 'filename' as filename,
    canonical.try_integer(attachment ->> 'size_bytes')::bigint as size_bytes,
    attachment ->> 'state' as state,
    messages.sent_at
from {{ ref('live_messages') }} as messages
cross join lateral jsonb_array_elements(messages.attachments) as attachment
