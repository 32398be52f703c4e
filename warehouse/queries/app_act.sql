-- What people decide, as crm_app. Each runs in one transaction with its event.

-- add_customer --
insert into crm.customers (customer_id, name, created_by)
values (%(customer_id)s, %(name)s, %(created_by)s)

-- customer_name --
select name from crm.customers where customer_id = %(customer_id)s

-- open_link --
-- No row where the identity has an open link already: someone else was faster.
insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason, evidence)
values (%(link_id)s, %(decision_id)s, %(identity)s, %(customer_id)s, %(linked_by)s, %(reason)s, %(evidence)s)
on conflict (identity) where ended_at is null do nothing
returning link_id

-- linked_to --
-- Who holds the open link of an identity.
select links.customer_id, customers.name
from crm.identity_links as links
join crm.customers as customers using (customer_id)
where links.identity = %(identity)s and links.ended_at is null
