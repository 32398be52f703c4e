-- What of a filter (warehouse/filters.py) stands in queries over messages. A line such as `--> filters.passes` of another file stands for it.

-- passes --
-- Whether the row `entries`, of canonical.shown_entries or marts.messages, passes. Its days are asked for by the query around, over sort keys.
(
    (%(channels)s::text[] is null or entries.channel = any(%(channels)s))
    and (%(directions)s::text[] is null or entries.direction = any(%(directions)s))
    -- What was taken back or away says nothing else.
    and (
        %(statuses)s::text[] is null
        or case when entries.is_deleted then 'deleted' else entries.status end = any(%(statuses)s)
    )
    and (%(kinds)s::text[] is null or entries.kind = any(%(kinds)s))
    and (%(connections)s::text[] is null or entries.connection_id = any(%(connections)s))
    and (%(conversations)s::text[] is null or entries.channel || '|' || entries.thread_key = any(%(conversations)s))
    and (%(has_attachment)s::boolean is null or entries.attachments <> '[]')
    and (
        %(tags)s::text[] is null
        or exists (
            select 1
            from canonical.conversations as conversations
            inner join crm.conversation_tags as tags on tags.conversation_id = any(
                --> conversation.places
            )
            where conversations.conversation_id = entries.channel || '|' || entries.thread_key
                and tags.tag = any(%(tags)s)
                and tags.removed_at is null
        )
        -- Or of the message itself. Ids of messages collate by bytes where they are made; what is decided collates as people write.
        or exists (
            select 1
            from crm.taggings as taggings
            inner join crm.shown_tags as shown using (tag_id)
            where taggings.object_id = entries.message_id collate "default"
                and taggings.object_type = 'message'
                and taggings.removed_at is null
                and shown.name = any(%(tags)s)
        )
    )
    -- One's own conversations, and those that stand so.
    and (
        (%(assignees)s::text[] is null and %(states)s::text[] is null)
        or (
            select
                (%(assignees)s::text[] is null or coalesce(max(stands.assignee), '') = any(%(assignees)s))
                and (
                    %(states)s::text[] is null
                    or case when count(stands.assignee) > 0 then 'assigned' else 'unassigned' end = any(%(states)s)
                )
            from canonical.conversations as conversations
            --> conversation.stands
            where conversations.conversation_id = entries.channel || '|' || entries.thread_key
        )
    )
)
