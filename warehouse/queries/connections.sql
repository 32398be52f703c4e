-- add_connection --
insert into crm.connections (connection_id, channel, name, settings, secrets, signing, created_by)
values (%(connection_id)s, %(channel)s, %(name)s, %(settings)s, %(secrets)s, %(signing)s, %(created_by)s)

-- one_connection --
select connection_id, channel, name, settings, secrets, disabled_at
from crm.connections
where connection_id = %(connection_id)s and removed_at is null

-- all_connections --
select connection_id, channel, name, settings, secrets, disabled_at
from crm.connections
where removed_at is null
order by created_at, connection_id

-- set_disabled --
-- An already disabled connection keeps the time at which it was disabled.
update crm.connections
set disabled_at = case when %(disabled)s then coalesce(disabled_at, now()) end
where connection_id = %(connection_id)s and removed_at is null

-- set_paused --
update crm.connections
set paused_at = case when %(paused)s then coalesce(paused_at, now()) end
where connection_id = %(connection_id)s and removed_at is null

-- rename_connection --
update crm.connections
set name = %(name)s
where connection_id = %(connection_id)s and removed_at is null

-- remove_connection --
update crm.connections
set removed_at = now(), disabled_at = coalesce(disabled_at, now()), secrets = '', signing = null
where connection_id = %(connection_id)s and removed_at is null

-- replace_connection_values --
update crm.connections
set settings = %(settings)s, secrets = %(secrets)s, signing = %(signing)s
where connection_id = %(connection_id)s and removed_at is null

-- one_to_verify --
-- For the receiver, which reads no other secret.
select connection_id, channel, name, settings, signing as secrets, disabled_at
from crm.connections
where connection_id = %(connection_id)s and removed_at is null

-- all_to_verify --
-- What a receiver that starts knows before anything comes.
select connection_id, channel, name, settings, signing as secrets, disabled_at
from crm.connections
where removed_at is null

-- without_signing --
select connection_id, channel, name, settings, secrets, disabled_at
from crm.connections
where signing is null and removed_at is null

-- set_signing --
update crm.connections set signing = %(signing)s where connection_id = %(connection_id)s
