-- The hot queries of the timeline. They give what marts.timeline gives (a test holds them equal) and never sort more than
-- a page: each identity of the customer is one scan of an index, and the live tail is merged in.

-- timeline_page --
-- One page of a customer's timeline, newest first, strictly before a position; the newest page without one.
with

tail as materialized (

    select * from canonical.live_tail

),

own_links as materialized (

    select identity from crm.identity_links
    where customer_id = %(customer_id)s and ended_at is null

),

-- What a provider told of two identities (canonical.live_aliases), of those that may lead to this customer.
told as (

    select identity, same_as, how, last_at from canonical.same_as
    where identity in (
        select first.identity from canonical.same_as as first where first.same_as in (select identity from own_links)
        union
        select second.identity
        from canonical.same_as as first
        inner join canonical.same_as as second on second.same_as = first.identity
        where first.same_as in (select identity from own_links)
    )

    union all

    select pair ->> 'identity', pair ->> 'same_as', pair ->> 'how', (pair ->> 'at')::timestamptz
    from tail
    cross join lateral jsonb_array_elements(tail.same_as) as pair
    where tail.same_as is not null

    union all

    -- Of an identity in the tail the pairs that are stored count too.
    select stored.identity, stored.same_as, stored.how, stored.last_at
    from canonical.same_as as stored
    where stored.identity in (
        select pair ->> 'identity' from tail cross join lateral jsonb_array_elements(tail.same_as) as pair where tail.same_as is not null
        union
        select pair ->> 'same_as' from tail cross join lateral jsonb_array_elements(tail.same_as) as pair where tail.same_as is not null
    )

),

latest as materialized (

    select distinct on (identity) identity, same_as
    from told
    where how in ('seen together', 'changed user id')
    order by identity, how = 'seen together' desc, last_at desc, same_as collate "C"

),

aliases as materialized (

    select latest.identity, coalesce(further.same_as, latest.same_as) as same_as
    from latest
    left join latest as further on further.identity = latest.same_as

),

links as materialized (

    select identity from own_links

    union

    select aliases.identity
    from aliases
    where aliases.same_as in (select identity from own_links)
        and not exists (select 1 from crm.identity_links as own where own.identity = aliases.identity and own.ended_at is null)

),

live as (

    select person ->> 'identity' as identity, tail.sent_at, tail.message_id
    from tail
    cross join lateral jsonb_array_elements(tail.participants) as person
    where tail.content_order is not null
        and not (person ->> 'is_ours')::boolean
        and person ->> 'identity' in (select identity from links)
        and (tail.sent_at, tail.message_id) < (coalesce(%(before_sent_at)s::timestamptz, 'infinity'), coalesce(%(before_message_id)s::text, ''))

),

stored as (

    select one_identity.*
    from links
    cross join lateral (
        select participants.identity, participants.sent_at, participants.message_id
        from canonical.message_participants as participants
        where participants.identity = links.identity
            and participants.is_first
            and not participants.is_ours
            and (participants.sent_at, participants.message_id) < (coalesce(%(before_sent_at)s::timestamptz, 'infinity'), coalesce(%(before_message_id)s::text, ''))
        order by participants.sent_at desc, participants.message_id desc
        -- As many more as the tail may take away again: taking them away here would cost the order of the index.
        limit %(page_size)s + (select count(*) from tail)
    ) as one_identity
    where not exists (select 1 from tail where tail.message_id = one_identity.message_id)

),

-- A message with two identities of the customer stands once.
page as materialized (

    select min(identity) as identity, sent_at, message_id
    from (select * from stored union all select * from live) as either
    group by sent_at, message_id
    order by sent_at desc, message_id desc
    limit %(page_size)s

),

entries as (

    select page.identity, messages.*
    from page
    inner join canonical.messages as messages using (message_id)
    where not exists (select 1 from tail where tail.message_id = page.message_id)

    union all

    select page.identity, tail.*, null as folded_for, null::jsonb as left_behind
    from page
    inner join tail using (message_id)

),

-- How far the threads of this page are delivered and read: as counted, or as the tail moves it on (canonical.live_messages).
threads as (

    select
        named.conversation_id,
        max(watermarks.until) filter (where watermarks.word = 'delivered') as delivered_until,
        max(watermarks.until) filter (where watermarks.word = 'read') as read_until
    from (
        select distinct channel || '|' || thread_key as conversation_id, channel, thread_key from entries where direction = 'outbound'
    ) as named
    cross join lateral (
        select
            split_part(mark.status_order, '|', 3) as word,
            case
                when split_part(mark.status_order, '|', 4) = '' then nullif(split_part(mark.status_order, '|', 2), '')::timestamptz
                else coalesce(
                    (
                        select fresh.sent_at from tail as fresh
                        where fresh.message_id = named.channel || '|' || split_part(mark.status_order, '|', 4) and fresh.content_order is not null
                    ),
                    (
                        select known.sent_at from canonical.messages as known
                        where known.message_id = named.channel || '|' || split_part(mark.status_order, '|', 4) and known.content_order is not null
                    )
                )
            end as until
        from (
            select status_order from tail
            where provider_message_id = 'watermark' and channel = named.channel and thread_key = named.thread_key

            union all

            select held.status_order from canonical.messages as held
            where held.message_id in (
                named.channel || '|watermark|' || named.thread_key || '|delivered', named.channel || '|watermark|' || named.thread_key || '|read'
            )
            and not exists (select 1 from tail where tail.message_id = held.message_id)
        ) as mark
    ) as watermarks
    group by named.conversation_id

)

select
    %(customer_id)s::text as customer_id,
    entries.identity,
    entries.sent_at,
    entries.message_id,
    entries.channel,
    entries.connection_id,
    entries.direction,
    entries.from_address,
    coalesce(entries.from_name, entries.told_name) as from_name,
    -- What the sender was called elsewhere: a push of Meta names nobody, and its ids say nothing to a reader.
    case
        when coalesce(entries.from_name, entries.told_name) is null and entries.direction = 'inbound'
            then (select display_name from canonical.identities as known where known.identity = entries.counterpart_identity)
    end as known_name,
    entries.to_addresses,
    entries.counterpart_identity,
    case
        when aliases.same_as is not null
            and entries.thread_key = split_part(entries.thread_key, '|', 1) || '|' || split_part(entries.counterpart_identity, ':', 3)
            then split_part(entries.thread_key, '|', 1) || '|' || regexp_replace(aliases.same_as, '^(phone:|bsuid:[^:]*:)', '')
        else entries.thread_key
    end as thread_key,
    entries.kind,
    entries.subject,
    case when entries.removal = 'unsent' then null else coalesce(entries.revised_body, entries.body) end as body,
    entries.quoted_body,
    case
        when entries.attachments = '[]' or entries.removal = 'unsent' then '[]'::jsonb
        else (
            select jsonb_agg(
                (attachment - 'source') || jsonb_strip_nulls(jsonb_build_object(
                    'state', media.state,
                    'reason', case when media.state is not null then media.reason end,
                    'size_bytes', media.size_bytes,
                    'sniffed_type', media.sniffed_type,
                    'shows_inline', media.is_inline,
                    'width', media.width,
                    'height', media.height
                )) order by position
            )
            from jsonb_array_elements(entries.attachments) with ordinality as listed (attachment, position)
            left join jobs.media as media on media.message_id = entries.message_id and media.attachment_id = attachment ->> 'attachment_id'
        )
    end as attachments,
    case
        when entries.direction <> 'outbound' or entries.is_deleted then entries.status
        when entries.status in ('queued', 'sent', 'failed', 'delivered') and entries.sent_at <= threads.read_until then 'read'
        when entries.status in ('queued', 'sent', 'failed') and entries.sent_at <= threads.delivered_until then 'delivered'
        else entries.status
    end as status,
    entries.reactions,
    entries.revision,
    entries.removal,
    entries.is_deleted,
    entries.in_reply_to,
    entries.seen_via,
    entries.received_at,
    entries.provider_metadata
from entries
left join threads on threads.conversation_id = entries.channel || '|' || entries.thread_key
left join aliases on aliases.identity = entries.counterpart_identity
order by entries.sent_at desc, entries.message_id desc
