-- Retention classes: what is due, and applying it (privacy/retention.py).

-- classes --
select
    class_id, covers, channels, kinds, tag_id,
    (select max(name) from crm.shown_tags as tags where tags.shown_tag_id = classes.tag_id) as tag,
    keep::text as keep, counted_from, action, basis, reason, version, changed_at, changed_by,
    coalesce(approved_version = version, false) as is_approved, approved_by, approved_at,
    is_standing and coalesce(approved_version = version, false) as is_standing
from privacy.retention_classes as classes
order by class_id

-- set_class --
-- A change is a new version, which nobody has approved.
insert into privacy.retention_classes (class_id, covers, channels, kinds, tag_id, keep, counted_from, action, basis, reason, changed_by)
values (
    %(class_id)s, %(covers)s, %(channels)s, %(kinds)s, %(tag_id)s, %(keep)s::interval, %(counted_from)s,
    case %(covers)s when 'events' then 'de-identify' else 'destroy' end, %(basis)s, %(reason)s, %(changed_by)s
)
on conflict (class_id) do update
set covers = excluded.covers, channels = excluded.channels, kinds = excluded.kinds, tag_id = excluded.tag_id, keep = excluded.keep,
    counted_from = excluded.counted_from, action = excluded.action, basis = excluded.basis, reason = excluded.reason,
    changed_by = excluded.changed_by, changed_at = now(), version = retention_classes.version + 1, is_standing = false
returning version

-- tag --
select shown_tag_id from crm.shown_tags where lower(name) = lower(%(name)s) order by shown_tag_id limit 1

-- approve --
update privacy.retention_classes
set approved_version = version, approved_at = now(), approved_by = %(approved_by)s, is_standing = %(is_standing)s
where class_id = %(class_id)s and version = %(version)s and changed_by <> %(approved_by)s
returning version

-- held --
-- Shared: a CTE with every message that an open hold covers.
held as materialized (

    select participants.message_id
    from privacy.holds as holds
    inner join canonical.customer_identities as links on holds.covers = 'customer' and links.customer_id = holds.object_id
    inner join canonical.message_participants as participants on participants.identity = links.identity and not participants.is_ours
    where holds.released_at is null

    union

    select messages.message_id
    from privacy.holds as holds
    inner join canonical.threads as named on holds.covers = 'conversation' and named.thread_id = holds.object_id
    inner join canonical.threads as parts on parts.conversation_id = named.conversation_id
    inner join canonical.messages as messages on messages.channel = parts.channel and messages.thread_key = parts.thread_key
    where holds.released_at is null

    union

    select borne.message_id
    from privacy.holds as holds
    inner join bearing as borne on holds.covers = 'tag' and borne.tag_id = holds.object_id
    where holds.released_at is null

)

-- bearing --
-- Shared: a CTE with every message that bears a tag, itself or by its conversation.
bearing as materialized (

    select tags.shown_tag_id as tag_id, taggings.object_id as message_id
    from crm.taggings as taggings
    inner join crm.shown_tags as tags using (tag_id)
    where taggings.removed_at is null and taggings.object_type = 'message'

    union

    select tags.shown_tag_id, messages.message_id
    from crm.taggings as taggings
    inner join crm.shown_tags as tags using (tag_id)
    inner join canonical.threads as named on named.thread_id = taggings.object_id
    inner join canonical.threads as parts on parts.conversation_id = named.conversation_id
    inner join canonical.messages as messages on messages.channel = parts.channel and messages.thread_key = parts.thread_key
    where taggings.removed_at is null and taggings.object_type = 'conversation'

)

-- due --
-- Shared: CTEs with every message of which its class says that it may go, and whether a hold keeps it.
--> retention.bearing
,
--> retention.held
,

classes as materialized (

    select
        *, case when channels <> '{}' then 1 else 0 end + case when kinds <> '{}' then 1 else 0 end + case when tag_id is not null then 1 else 0 end as asks
    from privacy.retention_classes
    where covers = 'messages'

),

judged as materialized (

    select messages.message_id, messages.channel, messages.sent_at, class.class_id
    from canonical.messages as messages
    left join canonical.threads as threads on threads.thread_id = messages.channel || '|' || messages.thread_key
    left join canonical.conversations as conversations on conversations.conversation_id = threads.conversation_id
    cross join lateral (
        select
            classes.class_id,
            case classes.counted_from when 'sent' then messages.sent_at else coalesce(conversations.last_at, messages.sent_at) end + classes.keep < now() as is_over
        from classes
        where (classes.channels = '{}' or messages.channel = any(classes.channels))
            and (classes.kinds = '{}' or messages.kind = any(classes.kinds))
            and (classes.tag_id is null or exists (
                select from bearing where bearing.tag_id = classes.tag_id and bearing.message_id = messages.message_id
            ))
        order by classes.asks desc, classes.keep desc, classes.class_id
        limit 1
    ) as class
    where messages.content_order is not null
        and messages.sent_at + (select min(keep) from classes) < now()
        and class.is_over

)

-- preview_messages --
-- Of each class of messages: how many are due, of whom, from when to when; and how many more a hold keeps.
with recursive
--> retention.due
,

people as (

    select
        judged.class_id,
        count(distinct participants.identity) as people,
        count(distinct links.customer_id) as customers,
        (array_agg(distinct links.customer_id) filter (where links.customer_id is not null))[1:50] as customer_ids
    from judged
    inner join canonical.message_participants as participants using (message_id)
    left join canonical.customer_identities as links on links.identity = participants.identity
    where not participants.is_ours and judged.message_id not in (select message_id from held)
    group by judged.class_id

)

select
    judged.class_id,
    count(*) filter (where held.message_id is null) as due,
    count(*) filter (where held.message_id is not null) as held,
    min(judged.sent_at) filter (where held.message_id is null) as oldest,
    max(judged.sent_at) filter (where held.message_id is null) as newest,
    coalesce(max(people.people), 0) as people,
    coalesce(max(people.customers), 0) as customers,
    max(people.customer_ids) as customer_ids
from judged
left join held using (message_id)
left join people using (class_id)
group by judged.class_id

-- due_messages --
-- What is due of a class now and no hold keeps, the oldest first.
with recursive
--> retention.due

select message_id from judged
where class_id = %(class_id)s and message_id not in (select message_id from held)
order by sent_at, message_id

-- not_held --
-- Of these those that no hold keeps, now.
with
--> retention.bearing
,
--> retention.held

select due.message_id
from unnest(%(messages)s::text[]) with ordinality as due (message_id, place)
where due.message_id not in (select message_id from held)
order by place

-- take --
-- A part of what is due, with what belongs to it (privacy.sql).
with recursive judged as materialized (

    select messages.message_id, false as is_shared
    from canonical.messages as messages
    where messages.message_id = any(%(messages)s) and messages.content_order is not null

)

--> privacy.with_what_belongs

-- due_recordings --
-- Stored recordings of calls that are due by a class, unless a hold keeps their message.
with
--> retention.bearing
,
--> retention.held

select media.message_id, media.attachment_id, media.sha256, messages.sent_at, held.message_id is not null as is_held
from jobs.media as media
inner join canonical.messages as messages using (message_id)
inner join privacy.retention_classes as classes on classes.class_id = %(class_id)s
left join held on held.message_id = media.message_id
where media.state = 'stored'
    and messages.sent_at + classes.keep < now()
    and (classes.channels = '{}' or messages.channel = any(classes.channels))
    and messages.kind = any(classes.kinds)
    and (classes.tag_id is null or exists (select from bearing where bearing.tag_id = classes.tag_id and bearing.message_id = media.message_id))
order by messages.sent_at, media.message_id

-- destroy_recordings --
-- The row stays, so that nothing fetches it anew.
update jobs.media as media
set state = 'expired', sha256 = null, size_bytes = null, sniffed_type = null, is_inline = false, next_try_at = null,
    reason = 'destroyed: it was kept for as long as its class says'
from unnest(%(message_ids)s::text[], %(attachment_ids)s::text[]) as due (message_id, attachment_id)
where media.message_id = due.message_id and media.attachment_id = due.attachment_id

-- due_events --
select count(*), min(at), max(at) from crm.events
where at + (select keep from privacy.retention_classes where class_id = %(class_id)s) < now() and redacted_by is null
    and (customer_ids <> '{}' or detail <> '{}') and action <> 'privacy.destroy'

-- de_identify_events --
with touched as materialized (

    select event_id,
        --> privacy.leaf
        as former_leaf
    from crm.events
    where at + (select keep from privacy.retention_classes where class_id = %(class_id)s) < now() and redacted_by is null
        and (customer_ids <> '{}' or detail <> '{}') and action <> 'privacy.destroy'

),

changed as (

    update crm.events
    set customer_ids = '{}', detail = '{"destroyed": true}', redacted_by = %(certificate_id)s,
        object_id = case
            when object_type in ('customer', 'identity', 'message', 'conversation', 'attachment', 'mail')
                then 'destroyed:' || encode(privacy.mark('object|' || object_id), 'hex')
            else object_id
        end
    where event_id in (select event_id from touched)
    returning event_id,
        --> privacy.leaf
        as leaf

)

insert into crm.event_redactions (event_id, certificate_id, former_leaf, leaf)
select event_id, %(certificate_id)s, former_leaf, leaf
from changed
inner join touched using (event_id)
