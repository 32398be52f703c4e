-- visible --
-- Which of these messages a reader sees now.
select message_id from marts.timeline where message_id = any(%(message_ids)s)

-- add_user --
insert into crm.users (user_name, display_name, email, role, password_hash)
values (%(user_name)s, 'Benchmark', 'benchmark@example.com', 'viewer', 'no password opens this')
