-- Which customers a list holds, for queries that show or export it: a line `--> customers.meant` of another file stands for what is here.

-- meant --
-- Customers whose name holds every word, or who have an identity like one of the patterns, one more than `most`. The longest word is asked by itself: an
-- index answers for one pattern, not for all of many. So is a part of an identity that each like one of the patterns holds; of such parts there are
-- few, and of patterns one a scheme, which no index is to be asked for (`is true`). Who is archived stands in no list, and takes nobody's place. A letter is part of everybody's: each way ends when it has
-- found several of each that is listed, and `is_cut` says that it did.
with

found as materialized (

    (
        select 'by name' as way, customer_id
        from crm.customers
        where folded_name like %(name_pattern)s::text and folded_name like all (%(name_patterns)s::text[]) and archived_at is null
        limit 4 * %(most)s + 1
    )

    union all

    (
        select 'by link' as way, links.customer_id
        from unnest(%(identity_parts)s::text[]) as wanted (part)
        inner join crm.identity_links as links on links.identity ilike wanted.part and links.ended_at is null
        cross join lateral (
            --> customers.standing
        ) as standing
        where (links.identity like any (%(identity_patterns)s::text[])) is true
        limit 4 * %(most)s + 1
    )

    union all

    -- One that leads to another, which is linked.
    (
        select 'by who leads there' as way, links.customer_id
        from unnest(%(identity_parts)s::text[]) as wanted (part)
        inner join canonical.search_people as people on people.identity ilike wanted.part
        cross join lateral (
            select each.customer_id from canonical.customer_identities as each where each.identity = people.identity limit 1
        ) as links
        cross join lateral (
            --> customers.standing
        ) as standing
        where (people.identity like any (%(identity_patterns)s::text[])) is true
        limit 4 * %(most)s + 1
    )

)

select distinct
    customer_id,
    exists (select from found as each group by each.way having count(*) > 4 * %(most)s) as is_cut
from found
limit %(most)s + 1

-- standing --
-- The customer of `links`, where they are not archived. Fenced, so that each is looked up by the key: there may be a few or very many.
select from crm.customers as customers where customers.customer_id = links.customer_id and customers.archived_at is null offset 0

-- named --
-- These customers as a list shows them, in the order that is asked for.
with

matches as materialized (

    select standing.*
    from unnest(%(customer_ids)s::text[]) as asked (customer_id)
    cross join lateral (
        select customers.customer_id, customers.name, customers.created_at
        from crm.customers as customers
        where customers.customer_id = asked.customer_id and customers.archived_at is null
        offset 0
    ) as standing

),

totals as (

    select
        matches.*,
        coalesce(array_agg(identities.identity order by identities.identity) filter (where identities.identity is not null), '{}') as identities,
        min(seen.first_seen_at) as first_at,
        max(seen.last_seen_at) as last_at,
        coalesce(sum(seen.message_count), 0)::bigint as message_count
    from matches
    -- Fenced, so that each customer's are asked for by their id.
    left join lateral (
        select known.identity from canonical.customer_identities as known where known.customer_id = matches.customer_id offset 0
    ) as identities on true
    left join canonical.identities as seen on seen.identity = identities.identity
    group by matches.customer_id, matches.name, matches.created_at

),

page as (

    select *
    from totals
    order by
        case %(sort)s::text when 'latest' then last_at when 'made' then created_at end desc nulls last,
        lower(name), customer_id
    limit %(page_size)s

)

-- is_meant --
-- Whether `meant` would hold the customer `customers`; everybody where nothing is searched for. For walks in an order, which end as soon as
-- a page is full: where more match than are counted, those that come first are found so.
(
    %(is_searched)s::boolean is not true
    or (
        customers.folded_name like %(name_pattern)s::text
        and customers.folded_name like all (%(name_patterns)s::text[])
    )
    or exists (
        select 1
        from canonical.customer_identities as theirs
        where theirs.customer_id = customers.customer_id and theirs.identity like any (%(identity_patterns)s::text[])
    )
)
