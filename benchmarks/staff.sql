-- add_users --
insert into crm.users (user_name, display_name, email, role, password_hash)
select 'staff' || n, 'Staff ' || n, 'staff' || n || '@example.com', 'agent', 'no password opens this'
from generate_series(1, %(people)s) as n
on conflict (user_name) do nothing

-- customers --
-- Customers with the phone number that is theirs.
select customers.customer_id, substr(min(links.identity), length('phone:') + 1) as phone
from crm.customers as customers
inner join crm.identity_links as links using (customer_id)
where links.identity like 'phone:%%' and links.ended_at is null
group by customers.customer_id
order by customers.customer_id <> %(first)s, customers.customer_id
limit %(most)s
