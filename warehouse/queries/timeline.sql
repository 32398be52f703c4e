-- The hot queries of the timeline. What a message looks like to a reader is said once, in marts.timeline; here is how few rows of it are found.

-- entries --
-- What a reader is shown of the messages of a `page`.
select
    entries.*,
    -- What the sender was called elsewhere: a push of Meta names nobody, and its ids say nothing to a reader.
    case when entries.from_name is null and entries.direction = 'inbound' then known.display_name end as known_name
from page
inner join marts.timeline as entries on entries.message_id = page.message_id and entries.identity = page.identity
left join canonical.identities as known on known.identity = entries.counterpart_identity

-- timeline_page --
-- One page of a customer's timeline, newest first, strictly before a position; the newest page without one. Each identity is one scan of an
-- index, which ends as soon as the page is full.
with

page as materialized (

    select min(newest.identity) as identity, newest.sort_key, newest.message_id
    from canonical.customer_identities as identities
    cross join lateral (
        select participants.identity, participants.sort_key, participants.message_id
        from canonical.message_participants as participants
        where participants.identity = identities.identity
            and participants.is_first
            and not participants.is_ours
            and (%(before)s::text is null or participants.sort_key < %(before)s)
        order by participants.sort_key desc
        limit %(page_size)s
    ) as newest
    where identities.customer_id = %(customer_id)s
    -- A message with two identities of the customer stands once.
    group by newest.sort_key, newest.message_id
    order by newest.sort_key desc
    limit %(page_size)s

)

--> timeline.entries
order by page.sort_key desc

-- timeline_changes --
-- Messages of a customer that folds behind a number wrote, in the shape of a page, oldest first: what an open page does not show yet, or
-- not as it is now. Those that no longer stand in the timeline of the customer are not among them.
with

page as materialized (

    select distinct on (participants.message_id) participants.identity, participants.message_id, participants.sort_key
    from canonical.messages as messages
    inner join canonical.message_participants as participants using (message_id)
    inner join canonical.customer_identities as identities on identities.identity = participants.identity
    where messages.folded_in > %(since_fold)s
        and identities.customer_id = %(customer_id)s
        and participants.is_first
        and not participants.is_ours
    order by participants.message_id, participants.identity
    limit %(page_size)s

)

--> timeline.entries
order by page.sort_key
