-- A timeline of which only some is shown. A page looks through no more than `most` entries of each identity, newest first: by the index up to
-- there, and each message that it needs by its key.

-- shown --
-- What a reader is shown of a message that was `found`.
select
    found.*,
    -- Asked for by its key, once for each row that is shown.
    case when found.from_name is null and found.direction = 'inbound' then (
        select known.display_name from canonical.identities as known where known.identity = found.counterpart_identity
    ) end as known_name,
    (
        select its.corrections from crm.open_corrections as its where its.object_type = 'message' and its.object_id = found.message_id
    ) as corrections

-- passing --
-- Of a `span` of a timeline what passes, as `found`. Fenced, so that messages are looked up one by one until the page is full.
cross join lateral (
    select entries.*
    from canonical.shown_entries as entries
    where entries.message_id = span.message_id and entries.identity = span.identity
        and
        --> filters.passes
    offset 0
) as found

-- filtered_page --
-- One page of what passes, newest first.
--> timeline_filtered.shown
--> timeline.newest
--> timeline_filtered.passing
order by span.sort_key desc
limit %(page_size)s

-- filtered_from --
-- One page of what passes, oldest first.
--> timeline_filtered.shown
--> timeline.oldest
--> timeline_filtered.passing
order by span.sort_key
limit %(page_size)s

-- filtered_count --
-- How many of the newest `most` entries pass, how many there are, and the position of the oldest of them. `examined` reaches `most` where
-- there may be more behind.
select
    count(*) as examined,
    count(found.message_id) as passed,
    min(span.sort_key) as oldest_key
--> timeline.newest
left join lateral (
    select entries.message_id
    from canonical.shown_entries as entries
    where entries.message_id = span.message_id and entries.identity = span.identity
        and
        --> filters.passes
    offset 0
) as found on true

-- filtered_changes --
-- Which of these messages pass.
select entries.message_id
from canonical.shown_entries as entries
where entries.message_id = any(%(message_ids)s::text[])
    and entries.identity = any(
        array(select identities.identity from canonical.customer_identities as identities where identities.customer_id = %(customer_id)s)
    )
    and (%(since)s::timestamptz is null or entries.sent_at >= %(since)s)
    and (%(until)s::timestamptz is null or entries.sent_at < %(until)s)
    and
    --> filters.passes

-- filter_choices --
-- What there is to choose from for one customer: connections, the tags and assignees of the newest conversations, and the tags of the newest
-- messages.
with

mine as materialized (

    select
        --> conversation.places
        as places
    from canonical.customer_identities as identities
    inner join canonical.conversations as conversations on conversations.counterpart_identity = identities.identity
    where identities.customer_id = %(customer_id)s
    order by conversations.last_at desc
    limit 200

),

newest as materialized (

    select messages.message_id
    from canonical.customer_identities as identities
    cross join lateral (
        select participants.message_id
        from canonical.message_participants as participants
        where participants.identity = identities.identity and participants.is_first and not participants.is_ours
        order by participants.sort_key desc
        limit 500
    ) as messages
    where identities.customer_id = %(customer_id)s
    limit 2000

)

select
    (select coalesce(jsonb_object_agg(connection_id, name), '{}') from crm.connections) as connections,
    array(
        select tags.tag
        from mine
        inner join crm.conversation_tags as tags on tags.conversation_id = any(mine.places)
        where tags.removed_at is null
        union
        select shown.name
        from newest
        inner join crm.taggings as taggings on taggings.object_id = newest.message_id collate "default"
        inner join crm.shown_tags as shown using (tag_id)
        where taggings.object_type = 'message' and taggings.removed_at is null
        order by 1
    ) as tags,
    array(
        select distinct assignments.assignee
        from mine
        inner join crm.assignments as assignments on assignments.conversation_id = any(mine.places)
        where assignments.ended_at is null and assignments.assignee is not null
        order by 1
    ) as assignees

-- timeline_total --
-- How many messages the whole timeline has, counted to a limit.
select count(distinct newest.message_id) as messages
from canonical.customer_identities as identities
cross join lateral (
    select participants.message_id
    from canonical.message_participants as participants
    where participants.identity = identities.identity and participants.is_first and not participants.is_ours
    limit %(most)s
) as newest
where identities.customer_id = %(customer_id)s
