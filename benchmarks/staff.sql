-- add_users --
insert into crm.users (user_name, display_name, email, role, password_hash)
select 'staff' || n, 'Staff ' || n, 'staff' || n || '@example.com', 'agent', 'no password opens this'
from generate_series(1, %(people)s) as n

-- customers --
select customer_id from crm.customers order by customer_id <> %(first)s, customer_id limit %(most)s
