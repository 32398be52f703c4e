-- The lists of work and the panel beside a timeline, as crm_app. What is walked is bounded: whoever waits for an answer within the days that
-- are asked for, longest first (an index of canonical.conversations), what somebody has in hand, what is one's own, and what is due.

-- work --
-- One list, its page and the counts of all, in one statement. `state` is how a conversation stands for a reader: what was put aside is open
-- again when they wrote after that.
with

asking as materialized (

    select conversation_id, threads, channel, counterpart_identity, last_at, last_sort_key, last_direction, message_count
    from canonical.conversations
    where last_direction = 'inbound' and last_at >= %(since)s
    order by last_at
    limit %(most)s + 1

),

-- What came in last, where the longest waiting fill their limit.
arriving as materialized (

    select conversation_id, threads, channel, counterpart_identity, last_at, last_sort_key, last_direction, message_count
    from canonical.conversations
    where last_direction = 'inbound' and last_at >= greatest(%(since)s, %(looked_at)s)
    order by last_at desc
    limit %(most)s + 1

),

in_hand as materialized (

    select conversation_id as place from crm.assignments
    where ended_at is null and state <> 'done'
    order by assigned_at desc
    limit %(most)s + 1

),

-- What is one's own, and what is due soonest, however much others took in hand since.
own as materialized (

    select conversation_id as place from crm.assignments
    where ended_at is null and state <> 'done' and assignee = %(user_name)s
    order by assigned_at desc
    limit %(most)s + 1

),

due as materialized (

    select conversation_id as place from crm.assignments
    where ended_at is null and state <> 'done' and due_at is not null
    order by due_at
    limit %(most)s + 1

),

handled as (

    select
        conversations.conversation_id, conversations.threads, conversations.channel, conversations.counterpart_identity,
        conversations.last_at, conversations.last_sort_key, conversations.last_direction, conversations.message_count
    from (select * from in_hand union select * from own union select * from due) as decided
    --> conversation.of_place

),

either as (

    select * from asking
    union
    select * from arriving
    union
    select * from handled

),

standing as (

    select
        conversations.*,
        stands.assignment_id, stands.assignee, stands.due_at, stands.note, stands.assigned_by, stands.assigned_at,
        --> conversation.state
        as state,
        conversations.last_direction = 'inbound' as is_asking,
        coalesce(seen.seen_key, '') as seen_key
    from either as conversations
    --> conversation.stands
    left join crm.seen_conversations as seen on seen.user_name = %(user_name)s and seen.conversation_id = conversations.conversation_id

),

listed as (

    select
        standing.*,
        assignee = %(user_name)s and state <> 'done' as is_mine,
        assignee is null and state = 'open' as is_unassigned,
        state = 'open' as is_open,
        state = 'waiting' as is_waiting,
        due_at is not null and state <> 'done' as is_due,
        is_asking and last_at >= %(looked_at)s and last_sort_key > seen_key collate "C" and state <> 'done' as is_new
    from standing

),

chosen as (

    select listed.* from listed
    where case %(which)s::text
        when 'mine' then is_mine
        when 'unassigned' then is_unassigned
        when 'open' then is_open
        when 'waiting' then is_waiting
        when 'due' then is_due
        when 'new' then is_new
    end
    order by
        case when %(which)s = 'due' then due_at end,
        case when %(which)s = 'new' then last_at end desc,
        is_asking desc, last_at, conversation_id
    limit %(page_size)s

),

counted as (

    select jsonb_build_object(
        'mine', count(*) filter (where is_mine), 'unassigned', count(*) filter (where is_unassigned),
        'open', count(*) filter (where is_open), 'waiting', count(*) filter (where is_waiting),
        'due', count(*) filter (where is_due), 'overdue', count(*) filter (where is_due and due_at < now()),
        'new', count(*) filter (where is_new)
    ) as counts,
    (select count(*) from asking) > %(most)s or (select count(*) from in_hand) > %(most)s as is_cut
    from listed

)

select
    counted.counts, counted.is_cut,
    conversations.conversation_id, conversations.channel, conversations.counterpart_identity, conversations.last_at, conversations.last_direction, conversations.message_count,
    conversations.last_sort_key, conversations.assignment_id, conversations.assignee, conversations.state, conversations.due_at, conversations.note, conversations.assigned_by,
    owner.customer_id, owner.name, known.display_name,
    newest.kind, newest.status, newest.subject, newest.removal, newest.body, newest.attachments,
    --> conversation.tags
    as tags
from counted
left join chosen as conversations on true
left join lateral (
    select customers.customer_id, customers.name
    from canonical.customer_identities as links
    join crm.customers as customers using (customer_id)
    where links.identity = conversations.counterpart_identity
    limit 1
) as owner on true
left join canonical.identities as known on known.identity = conversations.counterpart_identity
left join lateral (
    -- The key of a message ends in its id. What was taken back stands in no list.
    select
        messages.kind, messages.status, messages.subject, messages.removal,
        case when messages.removal = 'unsent' then null else left(coalesce(messages.revised_body, messages.body), 400) end as body,
        messages.removal is distinct from 'unsent' and jsonb_array_length(coalesce(messages.attachments, '[]')) > 0 as attachments
    from canonical.messages as messages
    where messages.message_id = substr(conversations.last_sort_key, strpos(conversations.last_sort_key, '|') + 1)
) as newest on true
order by
    case when %(which)s = 'due' then conversations.due_at end,
    case when %(which)s = 'new' then conversations.last_at end desc,
    conversations.last_direction = 'inbound' desc, conversations.last_at, conversations.conversation_id

-- last_look --
select looked_at from crm.last_looks where user_name = %(user_name)s

-- see --
-- This person has seen these conversations, each up to a message.
insert into crm.seen_conversations (user_name, conversation_id, seen_key)
select %(user_name)s, shown.conversation_id, shown.seen_key
from unnest(%(conversation_ids)s::text[], %(seen_keys)s::text[]) as shown (conversation_id, seen_key)
order by shown.conversation_id
on conflict (user_name, conversation_id) do update set
    seen_key = greatest(seen_conversations.seen_key, excluded.seen_key collate "C"), seen_at = excluded.seen_at

-- look --
-- What was sent before is new to this person no more.
insert into crm.last_looks (user_name, looked_at) values (%(user_name)s, %(looked_at)s)
on conflict (user_name) do update set looked_at = greatest(last_looks.looked_at, excluded.looked_at)

-- forget_seen --
-- What is older than what can be new.
delete from crm.seen_conversations where user_name = %(user_name)s and seen_at < %(looked_at)s

-- colleagues --
-- Who may have a conversation.
select user_name, display_name from crm.users where disabled_at is null and role = any(%(roles)s::text[]) order by lower(display_name), user_name

-- tags --
select tag_id, name, colour, description, version from crm.tags
where merged_into is null and removed_at is null
order by lower(name)

-- conversations_of_customer --
-- The newest conversations of a customer, with how each stands and its tags.
--> conversation.columns
from (
    select newest.*
    from canonical.customer_identities as links
    join canonical.conversations as newest on newest.counterpart_identity = links.identity
    where links.customer_id = %(customer_id)s
    order by newest.last_at desc
    limit %(page_size)s
) as conversations
--> conversation.stands
order by conversations.last_at desc, conversations.conversation_id

-- one_conversation --
-- As conversations_of_customer, of one that may be nobody's, with whose it is; by its id or by that of one of its threads.
--> conversation.columns
    , owner.customer_id, owner.name, known.display_name
from canonical.conversations as conversations
--> conversation.stands
left join lateral (
    select customers.customer_id, customers.name
    from canonical.customer_identities as links
    join crm.customers as customers using (customer_id)
    where links.identity = conversations.counterpart_identity
    limit 1
) as owner on true
left join canonical.identities as known on known.identity = conversations.counterpart_identity
where conversations.conversation_id = coalesce(
    (select threads.conversation_id from canonical.threads as threads where threads.thread_id = %(conversation_id)s), %(conversation_id)s
)

-- message_tags --
select distinct tags.name, tags.colour
from crm.taggings as taggings
join crm.shown_tags as tags using (tag_id)
where taggings.object_id = %(message_id)s and taggings.object_type = 'message' and taggings.removed_at is null
order by tags.name

-- notes --
-- Notes on a customer, on those who were merged into them, and on the conversation of these places, newest first.
select note_id, version, object_type, body, written_at, written_by
from crm.notes
where ended_at is null
    and object_id = any(
        %(places)s::text[] || %(customer_id)s::text ||
        --> customer_card.merged
    )
    and (object_type = 'conversation') = (object_id = any(%(places)s::text[]))
order by written_at desc
limit %(page_size)s

-- history --
-- How a customer's conversations were organised, newest first. Who the customer is has a history of its own (customer_card.sql).
with

newest as (

    (
        select change_no, decision_id from crm.decision_changes
        where customer_ids @> array[%(customer_id)s::text] and action ~ '^(conversation|message|note)\.'
        order by change_no desc
        limit %(page_size)s
    )

    union

    (
        select change_no, decision_id from crm.decision_changes
        where object_type = 'conversation' and md5(object_id) = md5(%(conversation_id)s) and object_id = %(conversation_id)s
        order by change_no desc
        limit %(page_size)s
    )

    union

    -- Notes on the conversation, which may be nobody's.
    (
        select changes.change_no, changes.decision_id
        from (
            select distinct note_id from crm.notes
            where object_id = any(%(places)s::text[]) and object_type = 'conversation'
        ) as notes
        join crm.decision_changes as changes
            on changes.object_type = 'note' and md5(changes.object_id) = md5(notes.note_id) and changes.object_id = notes.note_id
        order by changes.change_no desc
        limit %(page_size)s
    )

),

decided as (

    select decision_id, max(change_no) as change_no from newest group by decision_id order by 2 desc limit %(page_size)s

)

select
    decisions.decision_id, decisions.at, decisions.actor, decisions.action, decisions.reason, decisions.undoes, decisions.undone_at,
    decisions.undone_by, undone.action as undoes_action, first.action as change_action, first.data, first.object_type, first.object_id,
    tags.name as tag,
    (select count(*) from (select 1 from crm.decision_changes as all_of where all_of.decision_id = decided.decision_id and all_of.action <> 'tag.create' limit 100) as few) as changes
from decided
join crm.decisions as decisions using (decision_id)
left join crm.decisions as undone on undone.decision_id = decisions.undoes
join crm.decision_changes as first on first.change_no = decided.change_no
left join crm.tags as tags on tags.tag_id = first.data ->> 'tag_id'
order by decided.change_no desc
