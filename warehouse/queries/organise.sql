-- How people organise: tags, assignment, notes. Run by warehouse/decisions/ as crm_app, in one transaction with the ledger and the event.

-- conversation_of --
-- The conversation that an id leads to: its own, that of one of its threads, or one under which something was decided once. Its places are
-- those of now; the first, a thread, is where decisions are kept.
with

found as (

    select conversation_id, 1 as place from canonical.conversations where conversation_id = %(id)s

    union all

    select conversation_id, 2 from canonical.threads where thread_id = %(id)s

    union all

    select threads.conversation_id, 3
    from crm.conversation_ids as former
    join canonical.threads as threads on threads.thread_id = former.thread_id
    where former.conversation_id = %(id)s

    order by place
    limit 1

)

select
    conversations.conversation_id, conversations.last_sort_key as newest_key,
    --> conversation.places
    as places,
    coalesce((
        select array_agg(distinct links.customer_id) from canonical.customer_identities as links
        where links.identity = conversations.counterpart_identity
    ), '{}') as customer_ids
from found
join canonical.conversations as conversations using (conversation_id)

-- message_of --
-- A message that is shown, and whose it is.
select
    messages.message_id,
    coalesce((
        select array_agg(distinct links.customer_id)
        from canonical.message_participants as people
        cross join lateral (
            select known.customer_id from canonical.customer_identities as known where known.identity = people.identity offset 0
        ) as links
        where people.message_id = messages.message_id and not people.is_ours
    ), '{}') as customer_ids
from canonical.messages as messages
where messages.message_id = %(id)s and messages.content_order is not null

-- keep_conversation_id --
insert into crm.conversation_ids (conversation_id, thread_id) values (%(conversation_id)s, %(thread_id)s) on conflict do nothing

-- active_user --
select user_name, display_name from crm.users where user_name = %(user_name)s and disabled_at is null

-- tag_named --
select tag_id, name, colour, description, version
from crm.tags
where lower(name) = lower(%(name)s) and merged_into is null and removed_at is null

-- tag_by_id --
select tag_id, name, colour, description, version, merged_into, removed_at from crm.tags where tag_id = %(tag_id)s

-- count_tags --
select count(*) as tags from crm.tags where merged_into is null and removed_at is null

-- add_tag --
insert into crm.tags (tag_id, name, colour, description, created_by)
values (%(tag_id)s, %(name)s, %(colour)s, %(description)s, %(created_by)s)

-- change_tag --
update crm.tags
set name = %(name)s, colour = %(colour)s, description = %(description)s, version = version + 1
where tag_id = %(tag_id)s

-- hold_tags --
-- As they stand until the transaction ends.
select tag_id, name from crm.tags
where lower(name) in (select lower(wanted) from unnest(%(names)s::text[]) as wanted) and merged_into is null and removed_at is null
order by tag_id
for share

-- hold_tag_by_id --
-- A merged one too: what bears it shows the other.
select tag_id from crm.tags where tag_id = %(tag_id)s and removed_at is null for share

-- hold_tag_alone --
select tag_id from crm.tags where tag_id = %(tag_id)s for update

-- merge_tag --
-- With those that were merged into it before; `former` is what each led to.
update crm.tags as tags set merged_into = %(into)s, version = version + 1
from (select tag_id, merged_into as former from crm.tags where tag_id = %(tag_id)s or merged_into = %(tag_id)s for update) as before
where tags.tag_id = before.tag_id
returning tags.tag_id, before.former

-- lead_tag --
update crm.tags set merged_into = %(into)s, version = version + 1 where tag_id = %(tag_id)s

-- lead_tag_back --
update crm.tags set merged_into = %(into)s, version = version + 1 where tag_id = %(tag_id)s and merged_into = %(from_tag)s

-- remove_tag --
update crm.tags set removed_at = now(), version = version + 1 where tag_id = %(tag_id)s

-- restore_tag --
update crm.tags set removed_at = null, version = version + 1 where tag_id = %(tag_id)s

-- tag_is_used --
select 1 from crm.taggings where tag_id = %(tag_id)s and removed_at is null
union all
select 1 from crm.tags where merged_into = %(tag_id)s
limit 1

-- taggings_of --
-- The open taggings of a conversation (by any of its places) or a message, with the tag that each shows.
select taggings.tag_id, taggings.object_id, shown.shown_tag_id, shown.name
from crm.taggings as taggings
join crm.shown_tags as shown using (tag_id)
where taggings.removed_at is null
    and taggings.object_type = %(object_type)s
    and taggings.object_id = any(%(object_ids)s::text[])
order by taggings.tagged_at

-- open_tagging --
insert into crm.taggings (tagging_id, tag_id, object_type, object_id, tagged_by)
values (%(tagging_id)s, %(tag_id)s, %(object_type)s, %(object_id)s, %(tagged_by)s)
on conflict do nothing
returning tagging_id

-- end_tagging --
update crm.taggings set removed_at = now(), removed_by = %(removed_by)s
where tag_id = %(tag_id)s and object_type = %(object_type)s and object_id = %(object_id)s and removed_at is null
returning tagging_id

-- standing_of --
-- How a conversation stands: the latest of what was decided of its places.
select
    assignment_id, assignee, state, due_at, note, until_key, assigned_at, assigned_by
from crm.assignments
where conversation_id = any(%(places)s::text[]) and ended_at is null
order by assigned_at desc, assignment_id
limit 1

-- state_in_force --
-- The state in which readers see a conversation at this moment.
select
    --> conversation.state
    as state
from canonical.conversations as conversations
--> conversation.stands
where conversations.conversation_id = %(conversation_id)s

-- end_assignment --
update crm.assignments set ended_at = now(), ended_by = %(ended_by)s where conversation_id = %(thread_id)s and ended_at is null

-- open_assignment --
insert into crm.assignments
    (assignment_id, conversation_id, assignee, state, due_at, note, until_key, assigned_by, assigned_at)
values (
    %(assignment_id)s, %(thread_id)s, %(assignee)s, %(state)s, %(due_at)s, %(note)s, %(until_key)s,
    %(assigned_by)s, coalesce(%(assigned_at)s::timestamptz, clock_timestamp())
)

-- note_now --
-- A note's latest version, also where it was taken away.
select note_id, version, object_type, object_id, body, written_by, written_at, ended_at, ended_by
from crm.notes
where note_id = %(note_id)s
order by version desc
limit 1

-- note_version --
select body from crm.notes where note_id = %(note_id)s and version = %(version)s

-- open_note --
insert into crm.notes (note_id, version, object_type, object_id, body, written_by)
values (%(note_id)s, %(version)s, %(object_type)s, %(object_id)s, %(body)s, %(written_by)s)

-- end_note --
update crm.notes set ended_at = now(), ended_by = %(ended_by)s where note_id = %(note_id)s and ended_at is null

-- customer_exists --
select 1 from crm.customers where customer_id = %(customer_id)s
