What somebody with limits sees of each relation that their pages read (app/access/limits.py). A query that reads `canonical.messages` reads the
query `canonical_messages` in its place. `limit_channels` and `limit_connections` are what they are limited to; either is enough.

-- sees --
(rows.channel = any(%(limit_channels)s::text[]) or rows.connection_id = any(%(limit_connections)s::text[]))

-- sees_message --
-- A row of something about a message; the id of a message begins with its channel.
(
    split_part(rows.message_id, '|', 1) = any(%(limit_channels)s::text[])
    or exists (
        select from canonical.messages as whole
        where whole.message_id = rows.message_id and whole.connection_id = any(%(limit_connections)s::text[])
    )
)

-- sees_identity --
-- A row of something about an identity: whom they see a message of, and whom nobody has a message of yet.
(
    exists (
        select from canonical.message_participants as theirs
        where theirs.identity = rows.identity and theirs.is_first and not theirs.is_ours
            and (
                split_part(theirs.message_id, '|', 1) = any(%(limit_channels)s::text[])
                or exists (
                    select from canonical.messages as whole
                    where whole.message_id = theirs.message_id and whole.connection_id = any(%(limit_connections)s::text[])
                )
            )
    )
    or not exists (
        select from canonical.message_participants as any_of where any_of.identity = rows.identity and any_of.is_first and not any_of.is_ours
    )
)

-- sees_object --
-- A row of something about a conversation, by its own id or that of a thread, or about a message; and of anything else.
(
    rows.object_type not in ('conversation', 'message')
    or split_part(rows.object_id, '|', 1) = any(%(limit_channels)s::text[])
    or exists (
        select from canonical.messages as whole
        where whole.message_id = rows.object_id and whole.connection_id = any(%(limit_connections)s::text[])
    )
    or exists (
        select from canonical.threads as threads
        inner join canonical.messages as whole on whole.channel = threads.channel and whole.thread_key = threads.thread_key
        where (threads.thread_id = rows.object_id or threads.conversation_id = rows.object_id)
            and whole.connection_id = any(%(limit_connections)s::text[])
    )
)

-- beyond --
-- Of these customers, who has messages that somebody with limits does not see. The one question that is asked as for everybody: its answer has
-- nothing of a message, nor of which channel it is.
select whose.customer_id
from unnest(%(customer_ids)s::text[]) as whose (customer_id)
where exists (
    select
    from canonical.customer_identities as known
    inner join canonical.message_participants as rows on rows.identity = known.identity and rows.is_first and not rows.is_ours
    where known.customer_id = whose.customer_id and not
        --> limits.sees_message
)
order by whose.customer_id

-- canonical_messages --
select rows.* from canonical.messages as rows where
    --> limits.sees

-- canonical_shown_messages --
select rows.* from canonical.shown_messages as rows where
    --> limits.sees

-- canonical_shown_entries --
select rows.* from canonical.shown_entries as rows where
    --> limits.sees

-- canonical_message_participants --
select rows.* from canonical.message_participants as rows where
    --> limits.sees_message

-- canonical_search_documents --
select rows.* from canonical.search_documents as rows where
    --> limits.sees_message

-- canonical_threads --
select rows.* from canonical.threads as rows
where rows.channel = any(%(limit_channels)s::text[])
    or exists (
        select from canonical.messages as whole
        where whole.channel = rows.channel and whole.thread_key = rows.thread_key and whole.connection_id = any(%(limit_connections)s::text[])
    )

-- canonical_conversations --
select rows.* from canonical.conversations as rows
where rows.channel = any(%(limit_channels)s::text[])
    or exists (
        select from canonical.threads as threads
        inner join canonical.messages as whole on whole.channel = threads.channel and whole.thread_key = threads.thread_key
        where threads.conversation_id = rows.conversation_id and whole.connection_id = any(%(limit_connections)s::text[])
    )

-- counted --
-- The messages of an identity that they see.
from canonical.message_participants as rows
where rows.identity = whose.identity and rows.is_first and not rows.is_ours and
    --> limits.sees_message

-- canonical_identities --
-- Counted anew, from the messages that they see: what a list says of the last message must be of one of those.
select
    whose.identity, whose.display_name, newest.last_seen_at,
    (
        select min(rows.sent_at)
        --> limits.counted
    ) as first_seen_at,
    (
        select count(*)
        --> limits.counted
    ) as message_count,
    wrote.last_inbound_at, wrote.last_inbound_key
from canonical.identities as whose
cross join lateral (
    select rows.sent_at as last_seen_at
    --> limits.counted
    order by rows.sort_key desc
    limit 1
) as newest
left join lateral (
    select rows.sent_at as last_inbound_at, rows.sort_key as last_inbound_key
    --> limits.counted
        and rows.role = 'from'
    order by rows.sort_key desc
    limit 1
) as wrote on true

-- canonical_unassigned_identities --
select theirs.*
from (
    --> limits.canonical_identities
) as theirs
where exists (select from canonical.unassigned_identities as open where open.identity = theirs.identity)

-- canonical_customer_identities --
select rows.* from canonical.customer_identities as rows where
    --> limits.sees_identity

-- canonical_search_people --
select rows.* from canonical.search_people as rows where
    --> limits.sees_identity

-- marts_link_suggestions --
-- What speaks for a suggestion may stand in any message: they get none.
select rows.* from marts.link_suggestions as rows where false

-- crm_identity_links --
select rows.* from crm.identity_links as rows where
    --> limits.sees_identity

-- crm_not_customers --
select rows.* from crm.not_customers as rows where
    --> limits.sees_identity

-- crm_connections --
select rows.* from crm.connections as rows where
    --> limits.sees

-- crm_notes --
select rows.* from crm.notes as rows where
    --> limits.sees_object

-- crm_decision_changes --
select changes.*
from crm.decision_changes as changes
cross join lateral (
    -- What of a note is decided is about what the note is about.
    select
        coalesce(noted.object_type, changes.object_type) as object_type,
        coalesce(noted.object_id, changes.object_id) as object_id,
        case when changes.object_type = 'identity' then changes.object_id end as identity
    from (select 1) as one
    left join lateral (
        select notes.object_type, notes.object_id from crm.notes as notes
        where changes.object_type = 'note' and notes.note_id = changes.object_id
        limit 1
    ) as noted on true
) as rows
where
    --> limits.sees_object
    and
    --> limits.sees_identity
