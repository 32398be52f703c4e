What a list of customers would do (warehouse/customer_plan.py).

-- owned --
-- Whose these identities are.
select links.identity, links.customer_id, customers.name
from crm.identity_links as links
join crm.customers as customers using (customer_id)
where links.ended_at is null and links.identity = any(%(identities)s::text[])
