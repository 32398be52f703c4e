-- Grain: one row per attachment of a message: what is to be fetched, for the media job (pipelines/). What became of it is the job's.
{{ config(
    meta={'forget': 'batch', 'forget_key': 'message_id'},
    indexes=[{'columns': ['message_id']}, {'columns': ['connection_id', 'received_at']}],
    post_hook="{% if not is_incremental() %}grant select on {{ this }} to crm_loader{% endif %}",
) }}
select distinct on (messages.message_id, attachment ->> 'attachment_id')
    messages.message_id,
    attachment ->> 'attachment_id' as attachment_id,
    messages.channel,
    messages.connection_id,
    messages.provider_message_id,
    messages.kind,
    attachment ->> 'content_type' as content_type,
    attachment ->> 'filename' as filename,
    canonical.try_integer(attachment ->> 'size_bytes')::bigint as size_bytes,
    attachment ->> 'state' as state,
    attachment ->> 'reason' as reason,
    nullif(attachment -> 'source', 'null') as source,
    messages.sent_at,
    messages.received_at
from {{ folded_now() }} as messages
cross join lateral jsonb_array_elements(messages.attachments) with ordinality as listed (attachment, position)
where messages.content_order is not null
    and messages.attachments <> '[]'
    and attachment ->> 'attachment_id' is not null
order by messages.message_id, attachment ->> 'attachment_id', position
