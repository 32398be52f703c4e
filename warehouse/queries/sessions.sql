-- Sign-in and sessions. Tokens are never here, only their hashes.

-- user_for_sign_in --
-- One user by the name typed, disabled ones too.
select user_name, password_hash, disabled_at is not null as is_disabled
from crm.users
where lower(user_name) = lower(%(user_name)s)

-- record_attempt --
-- An attempt counts before its password is looked at, so that attempts made at once count too.
insert into crm.sign_in_attempts (account_hash, ip) values (%(account_hash)s, %(ip)s)

-- recent_attempts --
-- Attempts of the last minutes: this account from this address, and all from this address.
select
    count(*) filter (where account_hash = %(account_hash)s) as of_account,
    count(*) as of_address,
    extract(epoch from now() - min(attempted_at))::integer as oldest_seconds,
    (
        select count(*) from (
            select from crm.sign_in_attempts as anywhere
            where anywhere.account_hash = %(account_hash)s and anywhere.attempted_at > now() - make_interval(secs => %(window_seconds)s)
            limit 100
        ) as few
    ) as of_account_anywhere
from crm.sign_in_attempts
where ip = %(ip)s and attempted_at > now() - make_interval(secs => %(window_seconds)s)

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

-- viewer_standing --
-- Who is signed in in this session, in the middle of what they do; no row once it ended in any way.
select users.user_name, users.role
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
