-- Views that people keep under a name.

-- listed --
-- Whoever is signed in: their own, and what is shared, by name.
select view_id, name, page, query, owner, is_shared, version
from crm.saved_views
where removed_at is null and (owner = %(user_name)s or is_shared)
order by is_shared, lower(name), view_id

-- by_id --
select view_id, name, page, query, owner, is_shared, version, removed_at from crm.saved_views where view_id = %(view_id)s

-- named --
-- The view of a name in the list in which it stands: that of all, or that of one person.
select view_id
from crm.saved_views
where removed_at is null and lower(name) = lower(%(name)s) and is_shared = %(is_shared)s and (is_shared or owner = %(owner)s)

-- count_of --
select count(*) as views from crm.saved_views where owner = %(owner)s and removed_at is null

-- add --
insert into crm.saved_views (view_id, name, page, query, owner, is_shared)
values (%(view_id)s, %(name)s, %(page)s, %(query)s, %(owner)s, %(is_shared)s)

-- change --
update crm.saved_views set name = %(name)s, is_shared = %(is_shared)s, version = version + 1 where view_id = %(view_id)s

-- remove --
update crm.saved_views set removed_at = now(), version = version + 1 where view_id = %(view_id)s

-- restore --
update crm.saved_views set removed_at = null, version = version + 1 where view_id = %(view_id)s
