-- Grain: one row per message: what a reader is shown of it, whoever's it is. Whose it is costs a search of its own for every row.
{{ config(materialized='view') }}
select
    -- keys
    messages.message_id,
    messages.channel,
    messages.connection_id,
    -- people
    messages.direction,
    messages.from_address,
    coalesce(messages.from_name, messages.told_name) as from_name,
    messages.to_addresses,
    messages.counterpart_identity,
    coalesce(threads.conversation_key, messages.thread_key) as thread_key,
    -- times
    messages.sent_at,
    messages.received_at,
    -- content
    messages.kind,
    messages.subject,
    {{ shown_body('messages') }} as body,
    messages.quoted_body,
    {{ shown_attachments('messages') }} as attachments,
    {{ status_in_thread('messages', 'threads.delivered_until', 'threads.read_until') }} as status,
    messages.reactions,
    messages.revision,
    messages.removal,
    messages.is_deleted,
    coalesce(
        messages.in_reply_to,
        (
            select min(replied.message_id)
            from {{ ref('messages') }} as replied
            where replied.reference_id = messages.in_reply_to_reference
                and replied.channel = messages.channel
                and replied.connection_id = messages.connection_id
        )
    ) as in_reply_to,
    -- provenance
    messages.seen_via,
    messages.provider_message_id,
    messages.provider_metadata,
    messages.sort_key,
    (
        -- Only what was proven to come from the provider is landed; a history is pulled with our own credentials.
        select jsonb_agg(
            jsonb_build_object(
                'raw_ref', key, 'via', value -> 'via', 'at', value -> 'at',
                'signature', case when key like 'raw.webhook_deliveries/%' then 'verified' else 'pulled' end
            ) order by key collate "C"
        )
        from jsonb_each(messages.facts)
    ) as raw_refs
from {{ ref('messages') }} as messages
left join {{ ref('threads') }} as threads on threads.thread_id = messages.channel || '|' || messages.thread_key
where messages.content_order is not null
