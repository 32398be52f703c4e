-- The hot queries of the timeline. What a message looks like to a reader is said once, in canonical.shown_entries; here is how few rows of it are found.

-- entries --
-- What a reader is shown of the messages of a `page`.
select
    entries.*,
    -- What the sender was called elsewhere: a push of Meta names nobody, and its ids say nothing to a reader.
    case when entries.from_name is null and entries.direction = 'inbound' then known.display_name end as known_name,
    (
        select its.corrections from crm.open_corrections as its where its.object_type = 'message' and its.object_id = entries.message_id
    ) as corrections
from page
inner join canonical.shown_entries as entries on entries.message_id = page.message_id and entries.identity = page.identity
left join canonical.identities as known on known.identity = entries.counterpart_identity

-- newest --
-- The newest `most` entries of a customer's timeline as `span`, from one position on and before another: by the index alone. Each identity is
-- one scan of it, which ends as soon as the span is full. All positions lie between '' and '~'.
from (
    select min(newest.identity) as identity, newest.sort_key, newest.message_id
    from canonical.customer_identities as identities
    cross join lateral (
        select participants.identity, participants.sort_key, participants.message_id
        from canonical.message_participants as participants
        where participants.identity = identities.identity
            and participants.is_first
            and not participants.is_ours
            and participants.sort_key >= %(from_key)s
            and participants.sort_key < %(before_key)s
        order by participants.sort_key desc
        limit %(most)s
    ) as newest
    where identities.customer_id = %(customer_id)s
    -- A message with two identities of the customer stands once.
    group by newest.sort_key, newest.message_id
    order by newest.sort_key desc
    limit %(most)s
) as span

-- oldest --
-- The same from the other end: the oldest `most` entries.
from (
    select min(oldest.identity) as identity, oldest.sort_key, oldest.message_id
    from canonical.customer_identities as identities
    cross join lateral (
        select participants.identity, participants.sort_key, participants.message_id
        from canonical.message_participants as participants
        where participants.identity = identities.identity
            and participants.is_first
            and not participants.is_ours
            and participants.sort_key >= %(from_key)s
            and participants.sort_key < %(before_key)s
        order by participants.sort_key
        limit %(most)s
    ) as oldest
    where identities.customer_id = %(customer_id)s
    group by oldest.sort_key, oldest.message_id
    order by oldest.sort_key
    limit %(most)s
) as span

-- timeline_page --
-- One page of a customer's timeline, newest first.
with

page as materialized (

    select span.identity, span.sort_key, span.message_id
    --> timeline.newest

)

--> timeline.entries
order by page.sort_key desc

-- folded_since --
-- How many messages folds behind a number wrote, counted to a limit.
select count(*) as messages
from (select 1 from canonical.messages where folded_in > %(since_fold)s limit %(most)s) as few

-- timeline_changes --
-- Messages of a customer that folds behind a number wrote, in the shape of a page, oldest first: what an open page does not show yet, or
-- not as it is now. Those that no longer stand in the timeline of the customer are not among them. What was folded is found first and then
-- whose it is, whatever the planner expects: a customer may have any number of messages, and folds behind `folded_since` have few.
with

folded as materialized (

    select message_id from canonical.messages where folded_in > %(since_fold)s order by folded_in limit %(most)s

),

page as materialized (

    select distinct on (participants.message_id) participants.identity, participants.message_id, participants.sort_key
    from folded
    inner join canonical.message_participants as participants using (message_id)
    where participants.is_first
        and not participants.is_ours
        and participants.identity = any(
            array(select identities.identity from canonical.customer_identities as identities where identities.customer_id = %(customer_id)s)
        )
    order by participants.message_id, participants.identity
    limit %(page_size)s

)

--> timeline.entries
order by page.sort_key
