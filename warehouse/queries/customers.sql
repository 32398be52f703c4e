-- Which customers a list holds, for queries that show or export it: a line `--> customers.matching` of another file stands for what is here.

-- matching --
-- Customers whose name holds every word, or who have an identity like one of the patterns, or who are named, in the order that is asked for. The
-- longest word is asked by itself: an index answers for one pattern, not for all of many.
with

meant as (

    select customer_id
    from crm.customers
    where canonical.search_text(name) like %(name_pattern)s::text and canonical.search_text(name) like all (%(name_patterns)s::text[])

    union

    select links.customer_id
    from unnest(%(identity_patterns)s::text[]) as wanted (pattern)
    inner join crm.identity_links as links on links.identity like wanted.pattern and links.ended_at is null

    union

    -- One that leads to another, which is linked.
    select links.customer_id
    from unnest(%(identity_patterns)s::text[]) as wanted (pattern)
    inner join canonical.search_people as people on people.identity like wanted.pattern
    cross join lateral (
        select each.customer_id from canonical.customer_identities as each where each.identity = people.identity limit 1
    ) as links

    union

    select unnest(%(customer_ids)s::text[])

),

-- Who is archived stands in no list, and takes nobody's place.
matches as materialized (

    select customers.customer_id
    from meant
    join crm.customers as customers using (customer_id)
    where customers.archived_at is null
    limit %(most)s + 1

),

totals as (

    select
        matches.customer_id,
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
    group by matches.customer_id

),

page as (

    select totals.*, customers.name, customers.created_at, count(*) over () as matched
    from totals
    join crm.customers as customers using (customer_id)
    order by
        case %(sort)s::text when 'latest' then totals.last_at when 'made' then customers.created_at end desc nulls last,
        lower(customers.name), totals.customer_id
    limit %(page_size)s

)

-- is_meant --
-- Whether `matching` would hold the customer `customers`; everybody where nothing is searched for. For walks in an order, which end as soon as
-- a page is full: where more match than are counted, those that come first are found so.
(
    %(is_searched)s::boolean is not true
    or (
        canonical.search_text(customers.name) like %(name_pattern)s::text
        and canonical.search_text(customers.name) like all (%(name_patterns)s::text[])
    )
    or exists (
        select 1
        from canonical.customer_identities as theirs
        where theirs.customer_id = customers.customer_id and theirs.identity like any (%(identity_patterns)s::text[])
    )
)
