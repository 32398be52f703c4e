-- One customer's identities and decisions, and the list of customers for commands. Read by pages within `reading`, by commands with their event.

-- card_customer --
select
    customer_id, name, notes, created_at, created_by, archived_at, archived_by, merged_into,
    -- What they say against their name.
    (
        select its.corrections from crm.open_corrections as its where its.object_type = 'customer' and its.object_id = customers.customer_id
    ) as corrections
from crm.customers
where customer_id = %(customer_id)s

-- card_identities --
-- Every identity with since when, by whom and why, and how much it brings. One that belongs by a provider's word has no link of its own:
-- `same_as` names the one that it goes with.
select
    known.identity,
    links.linked_at, links.linked_by, links.reason, links.evidence, links.decision_id,
    case when own.link_id is null then aliases.same_as end as same_as,
    coalesce(seen.message_count, 0)::bigint as message_count,
    seen.first_seen_at, seen.last_seen_at, seen.display_name
from canonical.customer_identities as known
left join crm.identity_links as own on own.identity = known.identity and own.ended_at is null
left join canonical.aliases as aliases on aliases.identity = known.identity
left join crm.identity_links as links
    on links.identity = case when own.link_id is null then aliases.same_as else known.identity end and links.ended_at is null
left join canonical.identities as seen on seen.identity = known.identity
where known.customer_id = %(customer_id)s
order by seen.last_seen_at desc nulls last, known.identity
limit %(most)s

-- merged --
-- Customers who were merged into one of these, or into one of those, as an array.
array(
    with recursive gone as (
        select customer_id from crm.customers where merged_into = any(%(customer_ids)s::text[])
        union
        select customers.customer_id from gone join crm.customers as customers on customers.merged_into = gone.customer_id
    )
    select customer_id from gone
)

-- known_by --
-- An address, or the beginning of the id, by which a customer who is named is told from another one of the same name.
coalesce(
    (
        select min(regexp_replace(links.identity, '^[^:]*:', ''))
        from crm.identity_links as links
        where links.customer_id = customers.customer_id and links.ended_at is null
    ),
    left(customers.customer_id, 8)
)

-- card_merged --
select customer_id, name, archived_at as merged_at, archived_by as merged_by
from crm.customers
where customer_id = any(
    --> customer_card.merged
)
order by archived_at desc

-- card_decisions --
-- What was decided about who a customer is, newest first: each decision with what of it concerns identities. Tags, assignment and notes have
-- a history of their own (work.sql).
with

changed as (

    select decision_id, max(change_no) as change_no, count(*) as changes,
        array_agg(distinct object_id) filter (where object_type = 'identity') as identities
    from crm.decision_changes
    where customer_ids @> array[%(customer_id)s::text] and action !~ '^(conversation|message|note|tag)\.'
    group by decision_id
    order by 2 desc
    limit %(most)s

)

select
    decisions.decision_id, decisions.at, decisions.actor, decisions.action, decisions.reason, decisions.undoes,
    undone.action as undoes_action, decisions.undone_at, decisions.undone_by, changed.changes,
    coalesce(changed.identities[:5], '{}') as identities
from changed
join crm.decisions as decisions using (decision_id)
left join crm.decisions as undone on undone.decision_id = decisions.undoes
order by changed.change_no desc

-- list_customers --
-- By name, strictly behind a position.
select
    customers.customer_id, customers.name, customers.archived_at, customers.merged_into,
    counted.identities, counted.message_count, counted.first_at, counted.last_at
from (
    select customer_id, name, archived_at, merged_into
    from crm.customers
    where (archived_at is null or %(archived)s)
        and (%(word)s::text is null or lower(name) like '%%' || %(word)s || '%%')
    order by name, customer_id
    limit %(most)s
) as customers
cross join lateral (
    select
        coalesce(array_agg(links.identity order by links.identity), '{}') as identities,
        coalesce(sum(seen.message_count), 0)::bigint as message_count,
        min(seen.first_seen_at) as first_at, max(seen.last_seen_at) as last_at
    from canonical.customer_identities as links
    left join canonical.identities as seen on seen.identity = links.identity
    where links.customer_id = customers.customer_id
) as counted
order by customers.name, customers.customer_id

-- export_customers --
-- Every customer who is in the lists, with what an import of the same list would read.
select
    customers.customer_id, customers.name, customers.notes,
    coalesce(array_agg(links.identity order by links.identity) filter (where links.identity is not null), '{}') as identities
from crm.customers as customers
left join crm.identity_links as links on links.customer_id = customers.customer_id and links.ended_at is null
where customers.archived_at is null
group by customers.customer_id
order by customers.name, customers.customer_id
