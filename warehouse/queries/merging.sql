-- Decisions that put two people's data together or take it apart, and those about a customer's own row, as crm_app (warehouse/decisions/).

-- hold_customers --
-- Who links an identity to one of them waits until this transaction ends.
select customer_id, name, archived_at, merged_into
from crm.customers
where customer_id = any(%(customer_ids)s::text[])
order by customer_id
for update

-- identities_of_customer --
select identity, evidence
from crm.identity_links
where customer_id = %(customer_id)s and ended_at is null
order by identity
limit %(most)s

-- merge_customer --
update crm.customers
set archived_at = now(), archived_by = %(by)s, merged_into = %(into)s
where customer_id = %(customer_id)s

-- unmerge_customer --
update crm.customers set archived_at = null, archived_by = null, merged_into = null where customer_id = %(customer_id)s

-- rename_customer --
update crm.customers set name = %(name)s where customer_id = %(customer_id)s

-- lock_out_lists --
-- Until the transaction ends no list is imported (customer_import.sql, lock_out_marks); false where one is just now.
select pg_try_advisory_xact_lock_shared(5086, 0) as is_ours

-- mark_not_customer --
insert into crm.not_customers (mark_id, decision_id, identity, reason, marked_by)
values (%(mark_id)s, %(decision_id)s, %(identity)s, %(reason)s, %(by)s)
on conflict (identity) where ended_at is null do nothing
returning mark_id

-- is_marked --
select marked_by, marked_at, reason from crm.not_customers where identity = %(identity)s and ended_at is null

-- goes_to --
-- A customer and whom they were merged into, and so on, each as they are until the transaction ends.
with recursive goes as (
    select customer_id, merged_into from crm.customers where customer_id = %(customer_id)s
    union
    select next.customer_id, next.merged_into from goes join crm.customers as next on next.customer_id = goes.merged_into
)
select customers.customer_id
from crm.customers as customers
where customers.customer_id in (select customer_id from goes)
order by customers.customer_id
for update

-- dismiss_suggestion --
insert into crm.dismissed_suggestions (dismissal_id, decision_id, identity, customer_id, dismissed_by)
values (%(dismissal_id)s, %(decision_id)s, %(identity)s, %(customer_id)s, %(by)s)
on conflict (identity, customer_id) where ended_at is null do nothing
returning dismissal_id

-- restore_suggestion --
update crm.dismissed_suggestions set ended_at = now(), ended_by = %(by)s
where identity = %(identity)s and customer_id = %(customer_id)s and ended_at is null
returning dismissal_id

-- sizes --
-- How much stands under each customer: what somebody weighs before two are put together.
select
    customers.customer_id, customers.name, customers.archived_at, customers.merged_into,
    counted.identities, counted.messages, counted.first_at, counted.last_at
from crm.customers as customers
cross join lateral (
    select
        count(*) as identities, coalesce(sum(seen.message_count), 0)::bigint as messages,
        min(seen.first_seen_at) as first_at, max(seen.last_seen_at) as last_at
    from canonical.customer_identities as links
    left join canonical.identities as seen on seen.identity = links.identity
    where links.customer_id = customers.customer_id
) as counted
where customers.customer_id = any(%(customer_ids)s::text[])

-- size_of_identity --
select message_count as messages, first_seen_at as first_at, last_seen_at as last_at
from canonical.identities
where identity = %(identity)s
