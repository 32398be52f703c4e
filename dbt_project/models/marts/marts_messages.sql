-- Grain: one row per message, live.
select
    -- keys
    messages.message_id,
    messages.channel,
    messages.connection_id,
    -- people
    messages.direction,
    messages.from_address,
    messages.from_name,
    messages.to_addresses,
    messages.counterpart_identity,
    links.customer_id,
    messages.thread_key,
    -- times
    messages.sent_at,
    messages.received_at,
    -- content
    messages.kind,
    messages.subject,
    messages.body,
    messages.quoted_body,
    messages.attachments,
    messages.status,
    messages.reactions,
    messages.revision,
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
    (
        select jsonb_agg(jsonb_build_object('raw_ref', key, 'via', value -> 'via', 'at', value -> 'at') order by key collate "C")
        from jsonb_each(messages.facts)
    ) as raw_refs
from {{ ref('live_messages') }} as messages
left join {{ open_links() }} as links on links.identity = messages.counterpart_identity
