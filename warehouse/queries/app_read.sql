-- What pages read, as crm_app. The hot path of one timeline is in timeline.sql.

-- The stored counts of canonical.identities trail by a refresh; what is only in the live tail is added here, so that
-- nobody is missing from a list meanwhile. Each query looks up the identities it shows by index, never all of them.

-- WhatsApp tells which phone number belongs to an id of its own (canonical.live_aliases): where the number is linked and
-- the id is not, the id is the customer's too. Here the pairs that are stored count, looked up one identity at a time.

-- customers_found --
-- Customers whose name holds every word, or who have an identity like one of the patterns, or who are named; newest
-- contact first.
with

matches as materialized (

    select customer_id
    from crm.customers
    where cardinality(%(name_patterns)s::text[]) > 0 and lower(name) like all (%(name_patterns)s::text[])

    union

    select customer_id
    from crm.identity_links
    where ended_at is null and identity like any (%(identity_patterns)s::text[])

    union

    select links.customer_id
    from canonical.same_as as pairs
    join crm.identity_links as links on links.identity = canonical.same_person(pairs.identity) and links.ended_at is null
    where pairs.identity like any (%(identity_patterns)s::text[])
        and not exists (select 1 from crm.identity_links as own where own.identity = pairs.identity and own.ended_at is null)

    union

    select unnest(%(customer_ids)s::text[])

    limit %(most)s + 1

),

links as materialized (

    select matches.customer_id, links.identity
    from matches
    join crm.identity_links as links on links.customer_id = matches.customer_id and links.ended_at is null

),

identities as (

    select customer_id, identity from links

    union

    select links.customer_id, people.identity
    from links
    cross join lateral canonical.same_people(links.identity) as people (identity)
    where not exists (select 1 from crm.identity_links as own where own.identity = people.identity and own.ended_at is null)

),

tail as materialized (

    select person ->> 'identity' as identity, tail.message_id, tail.sent_at
    from canonical.live_tail as tail
    cross join lateral jsonb_array_elements(tail.participants) as person
    where tail.content_order is not null and not (person ->> 'is_ours')::boolean

),

fresh as (

    select
        identity,
        min(sent_at) as first_seen_at,
        max(sent_at) as last_seen_at,
        count(distinct message_id) filter (
            where not exists (
                select 1 from canonical.message_participants as stored
                where stored.message_id = tail.message_id and stored.identity = tail.identity
            )
        ) as message_count
    from tail
    group by identity

),

totals as (

    select
        matches.customer_id,
        coalesce(array_agg(identities.identity order by identities.identity) filter (where identities.identity is not null), '{}') as identities,
        least(min(stored.first_seen_at), min(fresh.first_seen_at)) as first_at,
        greatest(max(stored.last_seen_at), max(fresh.last_seen_at)) as last_at,
        coalesce(sum(stored.message_count), 0)::bigint + coalesce(sum(fresh.message_count), 0)::bigint as message_count
    from matches
    left join identities on identities.customer_id = matches.customer_id
    left join canonical.identities as stored on stored.identity = identities.identity
    left join fresh on fresh.identity = identities.identity
    group by matches.customer_id

),

page as (

    select totals.*, customers.name, count(*) over () as matched
    from totals
    join crm.customers as customers using (customer_id)
    order by totals.last_at desc nulls last, customers.name, totals.customer_id
    limit %(page_size)s

)

select page.*, recent.channels
from page
cross join lateral (
    select array_agg(distinct split_part(newest.message_id, '|', 1)) as channels
    from unnest(page.identities) as of_customer (identity)
    cross join lateral (
        (
            select participants.message_id
            from canonical.message_participants as participants
            where participants.identity = of_customer.identity and participants.is_first
            order by participants.sent_at desc
            limit 10
        )
        union all
        select tail.message_id from tail where tail.identity = of_customer.identity
    ) as newest
) as recent
order by page.last_at desc nulls last, page.name, page.customer_id

-- customers_of_latest_contacts --
-- The customers of the identities that wrote last, then the customers made last; the list before anything is searched.
with

contacts as (

    (
        select identity, last_inbound_at as at
        from canonical.identities
        where last_inbound_at is not null
        order by last_inbound_at desc
        limit 10 * %(page_size)s
    )

    union all

    select person ->> 'identity', tail.sent_at
    from canonical.live_tail as tail
    cross join lateral jsonb_array_elements(tail.participants) as person
    where tail.content_order is not null and person ->> 'role' = 'from'

),

either as (

    select links.customer_id, contacts.at as contact_at, null::timestamptz as created_at
    from contacts
    join crm.identity_links as links
        on links.identity in (contacts.identity, canonical.same_person(contacts.identity)) and links.ended_at is null

    union all

    (select customer_id, null, created_at from crm.customers order by created_at desc limit %(page_size)s)

)

select customer_id
from either
group by customer_id
order by max(contact_at) desc nulls last, max(created_at) desc, customer_id
limit %(page_size)s

-- count_customers --
select count(*) as customers from crm.customers

-- one_customer --
-- The head of a timeline. No row where there is no such customer.
with

own_links as materialized (

    select identity from crm.identity_links
    where customer_id = %(customer_id)s and ended_at is null

),

links as materialized (

    select identity from own_links

    union

    select people.identity
    from own_links
    cross join lateral canonical.same_people(own_links.identity) as people (identity)
    where not exists (select 1 from crm.identity_links as own where own.identity = people.identity and own.ended_at is null)

),

tail as materialized (

    select tail.message_id, tail.sent_at, person ->> 'identity' as identity
    from canonical.live_tail as tail
    cross join lateral jsonb_array_elements(tail.participants) as person
    where tail.content_order is not null
        and not (person ->> 'is_ours')::boolean
        and person ->> 'identity' in (select identity from links)

),

fresh as (

    select
        min(tail.sent_at) as first_seen_at,
        max(tail.sent_at) as last_seen_at,
        count(distinct tail.message_id) filter (
            where not exists (
                select 1 from canonical.message_participants as stored
                where stored.message_id = tail.message_id and stored.identity = tail.identity
            )
        ) as message_count
    from tail

),

stored as (

    select
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        coalesce(sum(message_count), 0)::bigint as message_count
    from canonical.identities
    where identity in (select identity from links)

),

-- The channels of each identity's newest messages: a legend, so the newest few are enough.
recent as (

    select array_agg(distinct split_part(newest.message_id, '|', 1)) as channels
    from links
    cross join lateral (
        (
            select participants.message_id
            from canonical.message_participants as participants
            where participants.identity = links.identity and participants.is_first
            order by participants.sent_at desc
            limit 100
        )
        union all
        select tail.message_id from tail where tail.identity = links.identity
    ) as newest

)

select
    customers.customer_id,
    customers.name,
    coalesce((select array_agg(identity order by identity) from links), '{}') as identities,
    least(stored.first_seen_at, fresh.first_seen_at) as first_at,
    greatest(stored.last_seen_at, fresh.last_seen_at) as last_at,
    stored.message_count + fresh.message_count as message_count,
    recent.channels
from crm.customers as customers
cross join stored
cross join fresh
cross join recent
where customers.customer_id = %(customer_id)s

-- unassigned --
-- Identities that wrote to us and belong to nobody, newest first, each with its last message; strictly before a position.
with

tail as materialized (

    select * from canonical.live_tail
    where content_order is not null

),

tail_people as materialized (

    select person ->> 'identity' as identity, coalesce(person ->> 'name', tail.told_name) as display_name, tail.sent_at, tail.message_id
    from tail
    cross join lateral jsonb_array_elements(tail.participants) as person
    where person ->> 'role' = 'from' and not (person ->> 'is_ours')::boolean and person ->> 'identity' is not null

),

waiting as (

    (
        select identity from canonical.identities
        where last_inbound_at is not null
            -- An identity that is in the tail too may stand later than its stored time says.
            and (last_inbound_at, identity) < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_identity)s::text, ''))
            and not exists (select 1 from crm.identity_links as links where links.identity = identities.identity and links.ended_at is null)
            and not exists (
                select 1 from crm.identity_links as links where links.identity = canonical.same_person(identities.identity) and links.ended_at is null
            )
        order by last_inbound_at desc, identity desc
        limit %(page_size)s
    )

    union

    select identity from tail_people
    where not exists (select 1 from crm.identity_links as links where links.identity = tail_people.identity and links.ended_at is null)
        and not exists (
            select 1 from crm.identity_links as links where links.identity = canonical.same_person(tail_people.identity) and links.ended_at is null
        )

),

last_messages as (

    select waiting.identity, newest.sent_at, newest.message_id
    from waiting
    cross join lateral (
        (
            select sent_at, message_id from canonical.message_participants as stored
            where stored.identity = waiting.identity and stored.role = 'from'
                and not exists (select 1 from tail where tail.message_id = stored.message_id)
            order by sent_at desc, message_id desc
            limit 1
        )
        union all
        select sent_at, message_id from tail_people
        where tail_people.identity = waiting.identity
        order by sent_at desc, message_id desc
        limit 1
    ) as newest

),

page as (

    select * from last_messages
    where (sent_at, identity) < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_identity)s::text, ''))
    order by sent_at desc, identity desc
    limit %(page_size)s

)

select
    page.identity,
    page.sent_at as last_inbound_at,
    coalesce(
        (select display_name from tail_people where tail_people.identity = page.identity and display_name is not null order by sent_at desc limit 1),
        stored.display_name
    ) as display_name,
    coalesce(stored.message_count, 0) + (
        select count(distinct tail_people.message_id) from tail_people
        where tail_people.identity = page.identity
            and not exists (
                select 1 from canonical.message_participants as known
                where known.message_id = tail_people.message_id and known.identity = page.identity
            )
    ) as message_count,
    last_message.channel,
    last_message.kind,
    last_message.status,
    last_message.subject,
    last_message.removal,
    -- What was taken back stands in no list.
    case when last_message.removal = 'unsent' then null else left(coalesce(last_message.revised_body, last_message.body), 400) end as body,
    last_message.removal is distinct from 'unsent' and jsonb_array_length(coalesce(last_message.attachments, '[]')) > 0 as attachments
from page
left join canonical.identities as stored using (identity)
left join lateral (
    select channel, kind, status, subject, body, revised_body, removal, attachments from tail where tail.message_id = page.message_id
    union all
    select channel, kind, status, subject, body, revised_body, removal, attachments from canonical.messages as messages
    where messages.message_id = page.message_id
        and not exists (select 1 from tail where tail.message_id = page.message_id)
) as last_message on true
order by page.sent_at desc, page.identity desc

-- count_unassigned --
-- How many identities wait, counted to a limit.
select count(*) as waiting
from (
    select 1
    from canonical.identities as identities
    where last_inbound_at is not null
        and not exists (select 1 from crm.identity_links as links where links.identity = identities.identity and links.ended_at is null)
        and not exists (
            select 1 from crm.identity_links as links where links.identity = canonical.same_person(identities.identity) and links.ended_at is null
        )
    limit %(most)s + 1
) as counted

-- warehouse_state --
-- How the models stand: the newest finished refresh, since when none succeeded, and since when a new message waits for one.
select
    newest.error,
    (
        select min(failed.finished_at) from canonical.refreshes as failed
        where failed.error is not null
            and failed.started_at > coalesce(
                (select max(started_at) from canonical.refreshes where error is null and finished_at is not null), '-infinity'
            )
    ) as failing_since,
    (
        select min(tail.received_at) from canonical.live_tail as tail
        where not exists (select 1 from canonical.messages as stored where stored.message_id = tail.message_id)
    ) as waiting_since
from (select 1) as one
left join lateral (
    select error from canonical.refreshes where finished_at is not null order by started_at desc limit 1
) as newest on true

-- playable_connections --
-- Connections whose recorded calls may be played, because they say how callers learn of the recording.
select connection_id
from crm.connections
where channel = 'twilio_voice' and settings ->> 'recording_basis' <> ''

-- one_message --
-- One message as the timeline shows it, live. No row where there is none.
select messages.*, live.quoted_body
from marts.messages as messages
join canonical.live_messages as live on live.message_id = messages.message_id
where messages.message_id = %(message_id)s

-- customers_of_message --
-- Whose message it is: the customers of its outside participants.
with

people as (

    select distinct identity from marts.message_participants
    where message_id = %(message_id)s and not is_ours

),

links as (

    select links.customer_id
    from people
    join crm.identity_links as links on links.identity = people.identity and links.ended_at is null

    union

    select links.customer_id
    from people
    join crm.identity_links as links on links.identity = canonical.same_person(people.identity) and links.ended_at is null
    where not exists (select 1 from crm.identity_links as own where own.identity = people.identity and own.ended_at is null)

)

select customers.customer_id, customers.name
from links
join crm.customers as customers using (customer_id)
order by customers.name, customers.customer_id

-- message_sources --
-- The raw rows behind a message, in the order of their receipt. A row that was destroyed has no receipt any more.
select
    source ->> 'raw_ref' as raw_ref,
    source ->> 'via' as via,
    raw_row.received_at,
    raw_row.signature
from marts.messages as messages
cross join lateral jsonb_array_elements(messages.raw_refs) as source
left join lateral canonical.raw_row(source ->> 'raw_ref') as raw_row on true
where messages.message_id = %(message_id)s
order by raw_row.received_at, raw_ref

-- message_revisions --
-- Every version of a message, the original first.
select revision, kind, revised_at, body, raw_ref
from marts.message_revisions
where message_id = %(message_id)s
order by revision, revised_at, raw_ref

-- original_attachments --
-- The attachments that came with a message, also where it was unsent since, with what became of them.
select coalesce(
    jsonb_agg(
        (attachment - 'source') || jsonb_strip_nulls(jsonb_build_object(
            'state', media.state,
            'reason', case when media.state is not null then media.reason end,
            'size_bytes', media.size_bytes,
            'sniffed_type', media.sniffed_type,
            'shows_inline', media.is_inline,
            'width', media.width,
            'height', media.height
        )) order by position
    ),
    '[]'
) as attachments
from canonical.live_messages as messages
cross join lateral jsonb_array_elements(messages.attachments) with ordinality as listed (attachment, position)
left join jobs.media as media
    on media.message_id = messages.message_id and media.attachment_id = attachment ->> 'attachment_id'
where messages.message_id = %(message_id)s

-- connections_now --
-- How every connection stands, in the order in which they were made.
select health.*, watches.ends_at as watch_expires_at
from marts.channel_health as health
join crm.connections as connections on connections.connection_id = health.connection_id
left join lateral (
    select to_timestamp(nullif(jobs.detail ->> 'expires_ms', '')::bigint / 1000.0) as ends_at
    from jobs.connection_health as jobs
    where jobs.connection_id = health.connection_id and jobs.job = 'watch'
) as watches on true
order by connections.created_at, health.connection_id

-- quarantined --
-- Quarantined events, newest first, strictly before a position.
select
    held.raw_ref,
    held.channel,
    held.connection_id,
    held.reason,
    held.received_at,
    connections.name as connection_name
from marts.quarantine as held
left join crm.connections as connections on connections.connection_id = held.connection_id
where (held.received_at, held.raw_ref)
    < (coalesce(%(before_at)s::timestamptz, 'infinity'), coalesce(%(before_ref)s::text, ''))
order by held.received_at desc, held.raw_ref desc
limit %(page_size)s

-- count_quarantined --
-- How many events are in quarantine, counted to a limit.
select count(*) as quarantined
from (select 1 from marts.quarantine limit %(most)s + 1) as counted
