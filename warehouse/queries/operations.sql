Queries of the command line, run as crm_app.

-- models_serve --
-- Whether the models can be read and a process folds; the lock that is tried is given back at once.
select statements is not null and not pg_try_advisory_xact_lock(hashtext('crm fold leader')) from canonical.built

-- worker_seen_since --
-- Whether a worker has registered itself at this time or later.
select exists (select 1 from jobs.procrastinate_workers where last_heartbeat >= %(since)s)

-- fold_lives --
-- Whether a process folds: it holds this lock (transform/fold.py); ours is given back at once.
select not pg_try_advisory_xact_lock(hashtext('crm fold leader'))

-- replace_connection_values --
update crm.connections
set settings = %(settings)s, secrets = %(secrets)s, signing = %(signing)s
where connection_id = %(connection_id)s

-- list_connections --
select
    connections.connection_id,
    connections.channel,
    connections.name,
    connections.created_at,
    connections.disabled_at,
    health.job,
    health.last_succeeded_at,
    health.error
from crm.connections
left join lateral (
    select job, last_succeeded_at, error
    from jobs.connection_health
    where connection_health.connection_id = connections.connection_id
    order by job = 'pull' desc
    limit 1
) as health on true
order by connections.created_at, connections.connection_id

-- add_user --
insert into crm.users (user_name, display_name, email, role, password_hash)
values (%(user_name)s, %(display_name)s, %(email)s, %(role)s, %(password_hash)s)
on conflict (user_name) do nothing

-- list_users --
select user_name, display_name, email, role, created_at, disabled_at
from crm.users
order by user_name

-- disable_user --
update crm.users
set disabled_at = coalesce(disabled_at, now())
where user_name = %(user_name)s
returning role

-- set_user_role --
update crm.users
set role = %(role)s
from (select user_name, role from crm.users where user_name = %(user_name)s for update) as before
where users.user_name = before.user_name
returning before.role as role_before

-- set_password --
update crm.users
set password_hash = %(password_hash)s
where user_name = %(user_name)s

-- revoke_sessions --
update crm.sessions
set revoked_at = now()
where user_name = %(user_name)s and revoked_at is null

-- forget_session_starts --
delete from crm.session_starts where user_name = %(user_name)s

-- count_messages_by_connection --
-- Of the table behind marts.messages: whose each is says nothing here.
select connection_id, count(*) as messages
from canonical.messages
where connection_id = any(%(connection_ids)s::text[]) and content_order is not null
group by connection_id
