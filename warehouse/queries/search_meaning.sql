-- What a query means: its words as the index holds them, and whom and which threads its operators mean now.

-- words_of --
-- The words of what was typed, in order, each as the index holds it.
select
    typed.position,
    pieces.piece,
    canonical.search_is_unspaced(pieces.piece) as is_unspaced,
    canonical.search_words(' ' || pieces.piece || ' ') as words
from unnest(%(texts)s::text[]) with ordinality as typed (text, position)
cross join lateral unnest(string_to_array(btrim(canonical.search_text(typed.text)), ' ', '')) with ordinality as pieces (piece, place)
where pieces.piece is not null and pieces.piece <> chr(2)
order by typed.position, pieces.place

-- identities_of_customers --
select customer_id, identity from canonical.customer_identities where customer_id = any (%(customer_ids)s::text[]) order by identity limit %(most)s + 1

-- identities_meant --
-- Whose identity, or whose name as they or we write it, holds what was typed: patterns for each. Each way ends at the limit.
select identity
from (
    (
        select people.identity
        from unnest(%(identity_parts)s::text[]) as wanted (part)
        cross join lateral (
            select each.identity
            from canonical.search_people as each
            where each.identity ilike wanted.part and (each.identity like any (%(identity_patterns)s::text[])) is true
            limit %(most)s + 1
        ) as people
    )

    union all

    (
        select identity from canonical.search_people
        where name like %(name_pattern)s::text and name like all (%(name_patterns)s::text[])
        limit %(most)s + 1
    )

    union all

    (
        select links.identity
        from crm.customers as customers
        cross join lateral (
            select of_customer.identity from canonical.customer_identities as of_customer where of_customer.customer_id = customers.customer_id limit %(most)s + 1
        ) as links
        where customers.folded_name like %(name_pattern)s::text and customers.folded_name like all (%(name_patterns)s::text[])
        limit %(most)s + 1
    )
) as meant
group by identity
limit %(most)s + 1

-- customers_meant --
select customer_id from crm.customers
where folded_name like %(name_pattern)s::text and folded_name like all (%(name_patterns)s::text[])
limit %(most)s + 1

-- threads_tagged --
select unnest(conversations.threads) as thread
from (
    select tags.conversation_id as place from crm.conversation_tags as tags
    where tags.removed_at is null and lower(tags.tag) = lower(%(value)s)
) as decided
--> conversation.of_place
limit %(most)s + 1

-- messages_tagged --
-- The newest first: of more than are looked through the oldest are left out.
select bearing.message_id
from (
    select distinct taggings.object_id as message_id
    from crm.shown_tags as shown
    inner join crm.taggings as taggings using (tag_id)
    where lower(shown.name) = lower(%(value)s) and taggings.object_type = 'message' and taggings.removed_at is null
) as bearing
cross join lateral (
    select documents.sort_key from canonical.search_documents as documents where documents.message_id = bearing.message_id limit 1
) as placed
order by placed.sort_key desc
limit %(most)s + 1

-- threads_assigned --
-- Of conversations that stand so now, whatever was decided of one of their places before.
select unnest(conversations.threads) as thread
from (
    select assignments.conversation_id as place from crm.assignments as assignments
    where assignments.ended_at is null and lower(assignments.assignee) = lower(%(value)s)
) as decided
--> conversation.of_place
--> conversation.stands
where lower(stands.assignee) = lower(%(value)s)
limit %(most)s + 1
