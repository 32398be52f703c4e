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

    select span.identity, span.sort_key, span.message_id
    --> timeline.oldest

)

--> timeline.entries
order by page.sort_key

-- first_from --
-- Where the first message of a customer's timeline from a position on stands: the first of each identity, and the first of those.
select span.message_id
--> timeline.oldest
