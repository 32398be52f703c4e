-- A timeline opened at one of its messages: the message, what stands before it and what stands behind it.

-- position_of --
-- Where a message stands on a customer's timeline; no row where it does not.
select min(participants.sort_key collate "C") as sort_key
from canonical.message_participants as participants
inner join canonical.customer_identities as identities using (identity)
where participants.message_id = %(message_id)s
    and identities.customer_id = %(customer_id)s
    and participants.is_first
    and not participants.is_ours
having count(*) > 0

-- timeline_from --
-- A customer's messages from a position on, oldest first: the page behind what timeline_page gives before the same position.
with

page as materialized (

    select min(next.identity) as identity, next.sort_key, next.message_id
    from canonical.customer_identities as identities
    cross join lateral (
        select participants.identity, participants.sort_key, participants.message_id
        from canonical.message_participants as participants
        where participants.identity = identities.identity
            and participants.is_first
            and not participants.is_ours
            and participants.sort_key >= %(position)s
        order by participants.sort_key
        limit %(page_size)s
    ) as next
    where identities.customer_id = %(customer_id)s
    group by next.sort_key, next.message_id
    order by next.sort_key
    limit %(page_size)s

)

--> timeline.entries
order by page.sort_key

-- first_from --
-- The first message of a customer's timeline from a position on: the first of each identity, and the first of those.
select next.sort_key, next.message_id
from canonical.customer_identities as identities
cross join lateral (
    select participants.sort_key, participants.message_id
    from canonical.message_participants as participants
    where participants.identity = identities.identity
        and participants.is_first
        and not participants.is_ours
        and participants.sort_key >= %(position)s
    order by participants.sort_key
    limit 1
) as next
where identities.customer_id = %(customer_id)s
order by next.sort_key
limit 1
