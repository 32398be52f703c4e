-- Everything about one customer, for them (privacy/access_export.py). Parameters: customers, identities.

-- count --
select count(distinct message_id)
from canonical.message_participants
where identity = any(%(identities)s) and not is_ours

-- messages --
-- Their messages, the oldest first. `others` are addresses of people who are neither they nor we: those are not theirs to be given.
select
    messages.message_id, messages.channel, messages.direction, messages.sent_at, messages.kind, messages.from_address, messages.from_name,
    messages.to_addresses, messages.subject, messages.body, messages.status, messages.is_deleted, messages.revision,
    messages.provider_metadata -> 'call' as call, messages.attachments as listed,
    (
        select its.corrections from crm.open_corrections as its where its.object_type = 'message' and its.object_id = messages.message_id
    ) as corrections,
    coalesce(others.addresses, '{}') as others,
    coalesce(others.names, '{}') as other_names
from (
    select distinct message_id from canonical.message_participants
    where identity = any(%(identities)s) and not is_ours
) as theirs
inner join marts.messages as messages using (message_id)
cross join lateral (
    select
        array_agg(distinct substr(people.identity, strpos(people.identity, ':') + 1)) as addresses,
        array_agg(distinct people.display_name) filter (where people.display_name <> '') as names
    from canonical.message_participants as people
    where people.message_id = messages.message_id and not people.is_ours and people.identity <> all(%(identities)s)
) as others
order by messages.sort_key collate "C"

-- files --
-- What of their messages is stored, by the message.
select
    messages.message_id, attachment ->> 'attachment_id' as attachment_id, attachment ->> 'filename' as filename,
    coalesce(media.sniffed_type, attachment ->> 'content_type') as content_type, media.sha256, media.state, media.reason,
    listed.source ->> 'kind' as source_kind, listed.source ->> 'sha256' as mail_sha256, listed.source ->> 'part_id' as part_id,
    messages.kind, coalesce(connections.settings ->> 'recording_basis', '') <> '' as has_recording_basis
from (
    select distinct message_id from canonical.message_participants
    where identity = any(%(identities)s) and not is_ours
) as theirs
inner join canonical.messages as messages using (message_id)
cross join lateral jsonb_array_elements(messages.attachments) as attachment
left join canonical.attachments as listed on listed.message_id = messages.message_id and listed.attachment_id = attachment ->> 'attachment_id'
left join jobs.media as media on media.message_id = messages.message_id and media.attachment_id = attachment ->> 'attachment_id'
left join crm.connections as connections on connections.connection_id = messages.connection_id
where messages.content_order is not null and messages.removal is distinct from 'unsent'
order by messages.sort_key collate "C", attachment ->> 'attachment_id'

-- identities --
select identity, scheme, value, display_name, first_seen_at, last_seen_at, message_count
from marts.identities where identity = any(%(identities)s) order by identity

-- links --
-- When and why an address was taken for theirs; who of us decided it is not personal information of theirs.
select identity, linked_at, reason, ended_at, end_reason
from crm.identity_links where customer_id = any(%(customers)s) order by linked_at, identity

-- notes --
select body, written_at, ended_at from crm.notes
where object_id = any(%(customers)s) or object_id = any(%(threads)s)
order by written_at

-- threads --
select distinct threads.thread_id
from canonical.threads as threads
where threads.counterpart_identity = any(%(identities)s)

-- shown_to --
-- Who of us was shown something of them, and when.
select actor, role, action, at from crm.events where customer_ids && %(customers)s::text[] order by at, event_id

-- statements --
-- What they say against their name as we have it.
select object_id as customer_id, corrections
from crm.open_corrections
where object_type = 'customer' and object_id = any(%(customers)s)
