-- Sign-in and sessions. Tokens are never here, only their hashes.

-- user_for_sign_in --
-- One user by the name typed, disabled ones too.
select
    user_name, email, password_hash, password_is_first, disabled_at is not null as is_disabled,
    second_factor is not null as has_factor,
    role = any(%(needed_by)s::text[]) and not second_factor_waived
    and created_at < now() - make_interval(secs => %(set_up_within_seconds)s) as needs_factor
from crm.users
where lower(user_name) = lower(%(user_name)s)

-- record_attempt --
-- An attempt counts before its password is looked at, so that attempts made at once count too.
insert into crm.sign_in_attempts (account_hash, ip) values (%(account_hash)s, %(ip)s)

-- recent_attempts --
-- Attempts of the last minutes: this account from this address, and all from this address. Of a clock that was set back some lie
-- in the future: they hold nobody up until then.
select
    count(*) filter (where account_hash = %(account_hash)s) as of_account,
    count(*) as of_address,
    extract(epoch from now() - min(attempted_at))::integer as oldest_seconds,
    (
        select count(*) from (
            select from crm.sign_in_attempts as anywhere
            where anywhere.account_hash = %(account_hash)s
                and anywhere.attempted_at > now() - make_interval(secs => %(window_seconds)s)
                and anywhere.attempted_at <= clock_timestamp()
            limit 100
        ) as few
    ) as of_account_anywhere
from crm.sign_in_attempts
where ip = %(ip)s
    and attempted_at > now() - make_interval(secs => %(window_seconds)s)
    and attempted_at <= clock_timestamp()

-- forget_attempts --
-- A right password clears the account's own attempts from this address; old ones go with them.
delete from crm.sign_in_attempts
where (account_hash = %(account_hash)s and ip = %(ip)s)
    or attempted_at < now() - make_interval(secs => %(window_seconds)s)

-- add_start --
-- A one-time token that carries a checked password from the form to GET /session/start.
insert into crm.session_starts (token_hash, user_name, expires_at)
values (%(token_hash)s, %(user_name)s, now() + make_interval(secs => %(life_seconds)s))

-- forget_starts --
-- Start tokens that nobody can use any more.
delete from crm.session_starts where expires_at < now() - interval '1 day'

-- use_start --
-- Take the token; the second taker gets no row.
update crm.session_starts
set used_at = now()
where token_hash = %(token_hash)s and used_at is null and expires_at > now()
returning user_name

-- open_session --
-- A session for a user who is not disabled; no row otherwise.
insert into crm.sessions (session_id, token_hash, user_name, expires_at, ip, user_agent)
select
    %(session_id)s, %(token_hash)s, user_name, now() + make_interval(secs => %(life_seconds)s),
    %(ip)s, %(user_agent)s
from crm.users
where user_name = %(user_name)s and disabled_at is null
returning session_id

-- session_now --
-- The session of a token and its user as they are at this moment; no row once it ended in any way.
select
    sessions.session_id,
    users.user_name,
    users.display_name,
    users.role,
    users.only_channels,
    users.only_connections,
    sessions.last_seen_at < now() - interval '30 seconds' as wants_touch,
    extract(epoch from least(
        sessions.expires_at, sessions.last_seen_at + make_interval(secs => %(idle_seconds)s)
    ) - now())::float8 as seconds_left
from crm.sessions
join crm.users using (user_name)
where sessions.token_hash = %(token_hash)s
    and sessions.revoked_at is null
    and sessions.expires_at > now()
    and sessions.last_seen_at > now() - make_interval(secs => %(idle_seconds)s)
    and users.disabled_at is null

-- touch_session --
-- The person did something; a page that only refreshes itself does not call this.
update crm.sessions set last_seen_at = now() where session_id = %(session_id)s

-- revoke_session --
-- End a session; returns whose it was when it had not ended before.
update crm.sessions
set revoked_at = now()
where token_hash = %(token_hash)s and revoked_at is null
returning session_id, user_name, (select role from crm.users where users.user_name = sessions.user_name) as role

-- revoke_one --
-- End one session of this person, of whichever browser; no row where there is none that stands.
update crm.sessions
set revoked_at = now()
where session_id = %(session_id)s and user_name = %(user_name)s and revoked_at is null
returning session_id

-- revoke_others --
-- End every session of this person but one, and what was begun and has not come to a session yet.
with starts as (delete from crm.session_starts where user_name = %(user_name)s)

update crm.sessions
set revoked_at = now()
where user_name = %(user_name)s and session_id is distinct from %(session_id)s and revoked_at is null

-- sessions_of --
-- The sessions of this person that stand, the one used last first.
select session_id, started_at, last_seen_at, ip, user_agent
from crm.sessions
where user_name = %(user_name)s
    and revoked_at is null
    and expires_at > now()
    and last_seen_at > now() - make_interval(secs => %(idle_seconds)s)
order by last_seen_at desc, session_id

-- change_password --
-- Another password in the place of the one that was just checked; no row where that is another one by now.
update crm.users
set password_hash = %(password_hash)s, password_is_first = false, password_set_at = now()
where user_name = %(user_name)s and password_hash = %(former_hash)s and disabled_at is null
returning role

-- factor_of --
-- The second factor of somebody who is not disabled; what it needs to become another one.
select role, second_factor, second_factor_waived from crm.users where user_name = %(user_name)s and disabled_at is null

-- take_code --
-- A code counts once, and none that is older than one that counted; no row where it does not.
update crm.users
set second_factor_step = %(step)s, second_factor = %(renewed)s
where user_name = %(user_name)s and second_factor = %(known)s and (second_factor_step is null or second_factor_step < %(step)s)
returning role

-- use_recovery_code --
update crm.recovery_codes
set used_at = now()
where user_name = %(user_name)s and code_hash = %(code_hash)s and used_at is null
returning user_name

-- set_factor --
update crm.users
set second_factor = %(second_factor)s, second_factor_step = %(step)s
where user_name = %(user_name)s and second_factor is null and disabled_at is null
returning role

-- remove_factor --
update crm.users
set second_factor = null, second_factor_step = null
where user_name = %(user_name)s and (role <> all(%(needed_by)s::text[]) or second_factor_waived)
returning role

-- forget_recovery_codes --
delete from crm.recovery_codes where user_name = %(user_name)s

-- add_recovery_codes --
insert into crm.recovery_codes (user_name, code_hash)
select %(user_name)s, code_hash from unnest(%(hashes)s::bytea[]) as code_hash

-- viewer_standing --
-- Who is signed in in this session, in the middle of what they do; no row once it ended in any way.
select
    users.user_name, users.role, users.only_channels, users.only_connections,
    (sessions.read_after - '0/0')::int8 as read_after
from crm.sessions
join crm.users using (user_name)
where sessions.session_id = %(session_id)s
    and sessions.revoked_at is null
    and sessions.expires_at > now()
    and sessions.last_seen_at > now() - make_interval(secs => %(idle_seconds)s)
    and users.disabled_at is null

-- viewer_held --
-- The same, and neither the session nor the user changes before this transaction ends.
--> sessions.viewer_standing
for share of sessions, users
