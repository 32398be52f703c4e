-- What is decided about customers, as crm_app: the only statements that write their tables. Each runs in one transaction with its event.

-- identity_is_known --
-- Whether a message bears this identity, exactly as it is written here.
select 1 from canonical.identities where identity = %(identity)s

-- lock_identities --
-- Two decisions on one identity wait for each other.
select pg_advisory_xact_lock(hashtextextended(identity, 0))
from (select distinct unnest(%(identities)s::text[]) as identity order by 1) as sorted

-- open_links --
-- Whose these identities are.
select links.identity, links.customer_id, links.link_id, links.decision_id, customers.name
from crm.identity_links as links
join crm.customers as customers using (customer_id)
where links.ended_at is null and links.identity = any(%(identities)s::text[])

-- one_customer --
select customer_id, name from crm.customers where customer_id = %(customer_id)s

-- add_customer --
insert into crm.customers (customer_id, name, notes, created_by)
values (%(customer_id)s, %(name)s, %(notes)s, %(created_by)s)

-- open_link --
insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason, evidence)
values (%(link_id)s, %(decision_id)s, %(identity)s, %(customer_id)s, %(linked_by)s, %(reason)s, %(evidence)s)

-- end_link --
update crm.identity_links
set ended_at = now(), ended_by = %(ended_by)s, end_reason = %(end_reason)s
where identity = %(identity)s and ended_at is null
returning link_id, customer_id
