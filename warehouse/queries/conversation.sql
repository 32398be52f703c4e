-- How a conversation stands, for queries over `conversations` (a row of canonical.conversations, or one with its columns). A line such as
-- `--> conversation.stands` of another file stands for what is here.

-- places --
-- Where something may have been decided of it: its threads, and its own id, under which decisions of former days stand. As marts.conversations has it.
conversations.threads || conversations.conversation_id

-- of_place --
-- The conversation, as `conversations`, of a row `decided` with such a `place`.
cross join lateral (
    select threads.conversation_id from canonical.threads as threads where threads.thread_id = decided.place
    union all
    select named.conversation_id from canonical.conversations as named where named.conversation_id = decided.place
    limit 1
) as placed
join canonical.conversations as conversations on conversations.conversation_id = placed.conversation_id

-- stands --
-- What was decided last of it.
left join lateral (
    select assignment_id, assignee, state, due_at, note, until_key, assigned_by, assigned_at
    from crm.assignments as rows
    where rows.conversation_id = any(
        --> conversation.places
    ) and rows.ended_at is null
    order by rows.assigned_at desc, rows.assignment_id
    limit 1
) as stands on true

-- state --
-- How it stands for a reader: what was put aside is open again when they wrote after that.
case
    when stands.state is null then 'open'
    when conversations.last_direction = 'inbound' and conversations.last_sort_key > stands.until_key then 'open'
    else stands.state
end

-- tags --
-- Its tags, as an array of names and colours.
coalesce((
    select jsonb_agg(jsonb_build_object('name', shown.name, 'colour', shown.colour) order by shown.name)
    from (
        select distinct tags.name, tags.colour
        from crm.taggings as taggings
        join crm.shown_tags as tags using (tag_id)
        where taggings.object_id = any(
            --> conversation.places
        ) and taggings.object_type = 'conversation' and taggings.removed_at is null
    ) as shown
), '[]')

-- columns --
-- What a panel or a list shows of it, with `stands` beside it.
select
    conversations.conversation_id, conversations.channel, conversations.counterpart_identity, conversations.last_at, conversations.last_sort_key,
    conversations.last_direction, conversations.message_count,
    --> conversation.places
    as places,
    stands.assignment_id, stands.assignee, stands.due_at, stands.note, stands.assigned_by, stands.assigned_at,
    --> conversation.state
    as state,
    --> conversation.tags
    as tags
