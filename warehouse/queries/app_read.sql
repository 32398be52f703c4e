-- What pages read, as crm_app. The hot path of one timeline is in timeline.sql.

-- customers_meant --
--> customers.meant

-- customers_found --
-- A page of customers as a list shows them.
--> customers.named
select page.*, recent.channels
from page
cross join lateral (
    -- The channels of each identity's newest messages: a legend, so the newest few are enough.
    select array_agg(distinct split_part(newest.message_id, '|', 1)) as channels
    from unnest(page.identities) as of_customer (identity)
    cross join lateral (
        select participants.message_id
        from canonical.message_participants as participants
        where participants.identity = of_customer.identity and participants.is_first and not participants.is_ours
        order by participants.sort_key desc
        limit 10
    ) as newest
) as recent
order by
    case %(sort)s::text when 'latest' then page.last_at when 'made' then page.created_at end desc nulls last,
    lower(page.name), page.customer_id

-- customers_exported --
-- The same customers for a file, which says nothing of channels.
--> customers.named
select page.*
from page
order by
    case %(sort)s::text when 'latest' then page.last_at when 'made' then page.created_at end desc nulls last,
    lower(page.name), page.customer_id

-- be_patient --
-- A file may take longer than a page, in this transaction.
select set_config('statement_timeout', '60000', true)

-- customers_alike --
-- Customers whose name is written much like what was typed, the most alike first.
select customer_id
from crm.customers
where canonical.search_text(%(typed)s) <%% folded_name and archived_at is null
order by word_similarity(canonical.search_text(%(typed)s), folded_name) desc, lower(name), customer_id
limit %(page_size)s

-- forgive_typos --
-- How much alike is enough, for this transaction: one letter of five.
select set_config('pg_trgm.word_similarity_threshold', '0.45', true)

-- words_of_name --
select array(
    select pieces.piece
    from unnest(string_to_array(btrim(canonical.search_text(%(typed)s)), ' ', '')) as pieces (piece)
    where pieces.piece is not null
) as words

-- customers_by_name --
-- The first of a list by name: of all, or of those who are searched for.
select customer_id
from crm.customers as customers
where archived_at is null
    and
    --> customers.is_meant
order by lower(name), customer_id
limit %(page_size)s

-- customers_made_last --
select customer_id
from crm.customers as customers
where archived_at is null
    and
    --> customers.is_meant
order by created_at desc, customer_id desc
limit %(page_size)s

-- customers_of_latest_contacts --
-- The customers of the so many identities that wrote last, then the customers made last. `is_short`: more contacts would fill the page, because some
-- customers have several.
with

contacts as (

    select owner.customer_id, identities.last_inbound_at as at
    from canonical.identities as identities
    -- Fenced, so that each identity is looked up by its key until there are enough.
    cross join lateral (
        select customers.customer_id
        from canonical.customer_identities as links
        join crm.customers as customers using (customer_id)
        where links.identity = identities.identity
            and customers.archived_at is null
            and
            --> customers.is_meant
        offset 0
    ) as owner
    where identities.last_inbound_key is not null
    order by identities.last_inbound_key desc
    limit %(contacts)s

),

made as (

    select customer_id, created_at
    from crm.customers as customers
    where archived_at is null
        and
        --> customers.is_meant
    order by created_at desc
    limit %(page_size)s

),

either as (

    select customer_id, at as contact_at, null::timestamptz as created_at from contacts
    union all
    select customer_id, null, created_at from made

)

select
    customer_id,
    (select count(*) >= %(contacts)s and count(distinct customer_id) < %(page_size)s from contacts) as is_short
from either
group by customer_id
order by max(contact_at) desc nulls last, max(created_at) desc, customer_id
limit %(page_size)s

-- count_customers --
select count(*) as customers from crm.customers where archived_at is null

-- one_customer --
-- The head of a timeline. No row where there is no such customer.
with

identities as materialized (

    select identity from canonical.customer_identities where customer_id = %(customer_id)s

),

-- The channels of each identity's newest messages: a legend, so the newest few are enough.
recent as (

    select array_agg(distinct split_part(newest.message_id, '|', 1)) as channels
    from identities
    cross join lateral (
        select participants.message_id
        from canonical.message_participants as participants
        where participants.identity = identities.identity and participants.is_first and not participants.is_ours
        order by participants.sort_key desc
        limit 100
    ) as newest

),

counted as (

    select
        min(first_seen_at) as first_at,
        max(last_seen_at) as last_at,
        coalesce(sum(message_count), 0)::bigint as message_count
    from canonical.identities
    where identity in (select identity from identities)

)

select
    customers.customer_id,
    customers.name,
    coalesce((select array_agg(identity order by identity) from identities), '{}') as identities,
    counted.first_at,
    counted.last_at,
    counted.message_count,
    recent.channels
from crm.customers as customers
cross join counted
cross join recent
where customers.customer_id = %(customer_id)s

-- unassigned --
-- Identities that wrote to us and belong to nobody, newest first, each with its last message; strictly before a position.
with

page as materialized (

    select identity, display_name, last_inbound_at, last_inbound_key, message_count
    from canonical.unassigned_identities
    where last_inbound_key is not null
        and (%(before)s::text is null or last_inbound_key < %(before)s)
    order by last_inbound_key desc
    limit %(page_size)s

)

select
    page.identity,
    page.last_inbound_key,
    page.last_inbound_at,
    page.display_name,
    page.message_count,
    last_message.channel,
    last_message.kind,
    last_message.status,
    last_message.subject,
    last_message.removal,
    -- What was taken back stands in no list.
    case when last_message.removal = 'unsent' then null else left(coalesce(last_message.revised_body, last_message.body), 400) end as body,
    last_message.removal is distinct from 'unsent' and jsonb_array_length(coalesce(last_message.attachments, '[]')) > 0 as attachments
from page
-- The key of a message ends in its id.
left join canonical.messages as last_message on last_message.message_id = substr(page.last_inbound_key, strpos(page.last_inbound_key, '|') + 1)
order by page.last_inbound_key desc

-- count_unassigned --
-- How many identities wait, counted to a limit.
select count(*) as waiting
from (
    select 1
    from canonical.unassigned_identities
    where last_inbound_key is not null
    order by last_inbound_key desc
    limit %(most)s + 1
) as counted

-- never_wrote --
-- Identities that belong to nobody and never wrote: whom we wrote to, or who stood in somebody's To or Cc. Newest first, each with the last
-- message that names it; strictly before a position.
with

page as materialized (

    select identity, display_name, last_inbound_at, last_seen_at, message_count
    from canonical.unassigned_identities
    where last_inbound_key is null
        and (%(before_at)s::timestamptz is null or (last_seen_at, identity) < (%(before_at)s, %(before_identity)s))
    order by last_seen_at desc, identity desc
    limit %(page_size)s

)

select
    page.*,
    last_message.channel,
    last_message.kind,
    last_message.status,
    last_message.subject,
    last_message.removal,
    case when last_message.removal = 'unsent' then null else left(coalesce(last_message.revised_body, last_message.body), 400) end as body,
    last_message.removal is distinct from 'unsent' and jsonb_array_length(coalesce(last_message.attachments, '[]')) > 0 as attachments
from page
cross join lateral (
    select message_id
    from canonical.message_participants as participants
    where participants.identity = page.identity and participants.is_first and not participants.is_ours
    order by participants.sort_key desc
    limit 1
) as newest
left join canonical.messages as last_message using (message_id)
order by page.last_seen_at desc, page.identity desc

-- count_never_wrote --
-- How many these are, counted to a limit.
select count(*) as waiting
from (
    select 1
    from canonical.unassigned_identities
    where last_inbound_key is null
    order by last_seen_at desc, identity desc
    limit %(most)s + 1
) as counted

-- warehouse_state --
-- How the fold stands: its newest error, since when none succeeded, and since when something waits for it.
select
    newest.error,
    (
        select min(failed.finished_at) from canonical.folds as failed
        where failed.error is not null
            and failed.started_at > coalesce((select max(started_at) from canonical.folds where error is null), '-infinity')
    ) as failing_since,
    -- As the worker found it, by the ledger of what was folded.
    (select missing_since from jobs.fold_watch) as waiting_since
from (select 1) as one
left join lateral (
    select error from canonical.folds where finished_at is not null order by started_at desc limit 1
) as newest on true

-- playable_connections --
-- Connections whose recorded calls may be played, because they say how callers learn of the recording.
select connection_id
from crm.connections
where channel = 'twilio_voice' and settings ->> 'recording_basis' <> ''

-- one_message --
-- One message as the timeline shows it, and whose it is. No row where there is none.
select
    messages.*,
    (select known.customer_id from canonical.customer_identities as known where known.identity = messages.counterpart_identity limit 1) as customer_id,
    (select its.corrections from crm.open_corrections as its where its.object_type = 'message' and its.object_id = messages.message_id) as corrections
from canonical.shown_messages as messages
where messages.message_id = %(message_id)s

-- customers_of_message --
-- Whose message it is: the customers of its outside participants, each with an address that tells namesakes apart.
select customers.customer_id, customers.name, min(people.identity) as identity
from canonical.message_participants as people
cross join lateral (
    select known.customer_id from canonical.customer_identities as known where known.identity = people.identity limit 1
) as identities
join crm.customers as customers using (customer_id)
where people.message_id = %(message_id)s and not people.is_ours
group by customers.customer_id, customers.name
order by customers.name, customers.customer_id

-- message_sources --
-- The raw rows behind a message, in the order of their receipt. A row that was destroyed has no receipt any more.
select
    source ->> 'raw_ref' as raw_ref,
    source ->> 'via' as via,
    raw_row.received_at,
    raw_row.signature
from canonical.shown_messages as messages
cross join lateral jsonb_array_elements(messages.raw_refs) as source
left join lateral crm.raw_row(source ->> 'raw_ref') as raw_row on true
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
from canonical.messages as messages
cross join lateral jsonb_array_elements(messages.attachments) with ordinality as listed (attachment, position)
left join jobs.media as media
    on media.message_id = messages.message_id and media.attachment_id = attachment ->> 'attachment_id'
where messages.message_id = %(message_id)s and messages.content_order is not null

-- quarantined --
-- Quarantined events of a kind or, where none is named, of those that nobody ignores; newest first, strictly before a position.
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
    and case
        when %(channel)s::text is null
            then not exists (
                select from crm.ignored_kinds as ignored
                where ignored.channel = held.channel and ignored.reason = held.reason and ignored.ended_at is null
            )
        else held.channel = %(channel)s and held.reason = %(reason)s
    end
order by held.received_at desc, held.raw_ref desc
limit %(page_size)s

-- count_quarantined --
-- How many events of a kind, or of those that nobody ignores, are in quarantine, counted to a limit.
select count(*) as quarantined
from (
    select 1 from marts.quarantine as held
    where case
        when %(channel)s::text is null
            then not exists (
                select from crm.ignored_kinds as ignored
                where ignored.channel = held.channel and ignored.reason = held.reason and ignored.ended_at is null
            )
        else held.channel = %(channel)s and held.reason = %(reason)s
    end
    limit %(most)s + 1
) as counted

-- model_tests --
-- What dbt's data tests found at their last run, the worst first.
select test, status, failures, tested_at
from jobs.model_tests
order by status = 'pass', failures desc, test

-- raw_of_message --
-- Whether this raw row is one of those behind the message; a reference may leave out which event of it.
select true as belongs
from canonical.shown_messages as messages
cross join lateral jsonb_array_elements(messages.raw_refs) as source
where messages.message_id = %(message_id)s
    and split_part(source ->> 'raw_ref', '#', 1) = split_part(%(raw_ref)s, '#', 1)
limit 1

-- raw_in_quarantine --
-- Whether this raw row is in quarantine at this moment.
select true as belongs from marts.quarantine where raw_ref = %(raw_ref)s limit 1
