Users and their sessions (warehouse/users.py), run as crm_app.

-- add_user --
insert into crm.users (
    user_name, display_name, email, role, password_hash, password_is_first, password_set_at, second_factor_waived
)
values (
    %(user_name)s, %(display_name)s, %(email)s, %(role)s, %(password_hash)s, %(password_is_first)s, now(), %(is_demonstration)s
)
on conflict (user_name) do nothing

-- list_users --
-- With when each was here last, and in how many sessions they are signed in now.
select
    users.user_name, users.display_name, users.email, users.role, users.created_at, users.disabled_at,
    users.only_channels, users.only_connections,
    sessions.last_seen_at, sessions.open_sessions
from crm.users as users
left join lateral (
    select
        max(last_seen_at) as last_seen_at,
        count(*) filter (
            where revoked_at is null and expires_at > now() and last_seen_at > now() - interval '12 hours'
        ) as open_sessions
    from crm.sessions
    where sessions.user_name = users.user_name
) as sessions on true
order by users.user_name

-- enable_user --
update crm.users
set disabled_at = null
where user_name = %(user_name)s
returning role

-- other_admins --
-- Whether somebody else may do everything; whoever asks holds them all until the end.
select user_name
from crm.users
where role = 'admin' and disabled_at is null and user_name <> %(user_name)s
for update

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

-- limits_before --
-- What somebody was limited to, and which of these connections there are not. They stay who they are meanwhile.
select
    users.role, users.only_channels, users.only_connections,
    array(
        select wanted from unnest(%(connections)s::text[]) as wanted
        where not exists (select from crm.connections where connection_id = wanted and removed_at is null)
        order by wanted
    ) as unknown
from crm.users as users
where users.user_name = %(user_name)s
for update of users

-- set_limits --
update crm.users
set only_channels = %(channels)s::text[], only_connections = %(connections)s::text[]
where user_name = %(user_name)s

-- connections_to_choose --
select connection_id, channel, name from crm.connections where removed_at is null order by channel, name, connection_id

-- set_password --
update crm.users
set password_hash = %(password_hash)s, password_is_first = %(password_is_first)s, password_set_at = now()
where user_name = %(user_name)s

-- forget_factor --
-- Of somebody who has lost it: they set up another one.
with codes as (delete from crm.recovery_codes where user_name = %(user_name)s)

update crm.users
set second_factor = null, second_factor_step = null
where user_name = %(user_name)s and second_factor is not null

-- waive_factor --
-- Of the demonstration's people, who are nobody's.
update crm.users set second_factor_waived = true where user_name = any(%(user_names)s::text[]) and not second_factor_waived

-- about_user --
-- What everybody knows of a user, and nobody's password may be.
select user_name, display_name, email from crm.users where user_name = %(user_name)s

-- revoke_sessions --
update crm.sessions
set revoked_at = now()
where user_name = %(user_name)s and revoked_at is null

-- forget_session_starts --
delete from crm.session_starts where user_name = %(user_name)s
