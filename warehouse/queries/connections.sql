-- add_connection --
insert into crm.connections (connection_id, channel, name, settings, secrets, signing, created_by)
values (%(connection_id)s, %(channel)s, %(name)s, %(settings)s, %(secrets)s, %(signing)s, %(created_by)s)

-- one_connection --
select connection_id, channel, name, settings, secrets, disabled_at
from crm.connections
where connection_id = %(connection_id)s

-- all_connections --
select connection_id, channel, name, settings, secrets, disabled_at
from crm.connections
order by created_at, connection_id

-- set_disabled --
-- An already disabled connection keeps the time at which it was disabled.
update crm.connections
set disabled_at = case when %(disabled)s then coalesce(disabled_at, now()) end
where connection_id = %(connection_id)s

-- one_to_verify --
-- For the receiver, which reads no other secret.
select connection_id, channel, name, settings, signing as secrets, disabled_at
from crm.connections
where connection_id = %(connection_id)s

-- all_to_verify --
-- What a receiver that starts knows before anything comes.
select connection_id, channel, name, settings, signing as secrets, disabled_at
from crm.connections

-- without_signing --
select connection_id, channel, name, settings, secrets, disabled_at
from crm.connections
where signing is null

-- set_signing --
update crm.connections set signing = %(signing)s where connection_id = %(connection_id)s
