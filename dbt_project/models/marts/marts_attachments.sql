-- Grain: one row per attachment of a message, with what became of it.
select
    messages.message_id || '|' || (attachment ->> 'attachment_id') as attachment_key,
    messages.message_id,
    messages.channel,
    messages.connection_id,
    attachment ->> 'attachment_id' as attachment_id,
    attachment ->> 'content_type' as content_type,
    media.sniffed_type,
    attachment ->> 'filename' as filename,
    coalesce(media.size_bytes, canonical.try_integer(attachment ->> 'size_bytes')::bigint) as size_bytes,
    coalesce(media.state, attachment ->> 'state') as state,
    case when media.state is not null then media.reason else attachment ->> 'reason' end as reason,
    media.sha256,
    messages.sent_at
from {{ ref('messages') }} as messages
cross join lateral jsonb_array_elements(messages.attachments) as attachment
left join {{ source('jobs', 'media') }} as media
    on media.message_id = messages.message_id and media.attachment_id = attachment ->> 'attachment_id'
where messages.content_order is not null
