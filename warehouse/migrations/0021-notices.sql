-- Open pages are told what changed (app/news.py) instead of asking. Folds and decisions tell it in 0012; here is the rest. Whoever writes, the notice goes with the transaction.

-- A session that ended, a user who was disabled or has another role: what they have open closes.
create function crm.tell_people() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    if tg_table_name = 'sessions' then
        perform pg_notify('crm_people', jsonb_build_object('session', coalesce(new.session_id, old.session_id))::text);
    else
        perform pg_notify('crm_people', jsonb_build_object('user', coalesce(new.user_name, old.user_name))::text);
    end if;
    return null;
end $$;
create trigger session_ends_are_told after update of revoked_at, expires_at on crm.sessions
    for each row when (new.revoked_at is distinct from old.revoked_at or new.expires_at is distinct from old.expires_at)
    execute function crm.tell_people();
create trigger session_removals_are_told after delete on crm.sessions
    for each row execute function crm.tell_people();
create trigger user_rights_are_told after update of role, disabled_at on crm.users
    for each row when (new.role is distinct from old.role or new.disabled_at is distinct from old.disabled_at)
    execute function crm.tell_people();

-- How connections stand.
create function crm.tell_health() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    perform pg_notify('crm_health', '');
    return null;
end $$;
create trigger health_is_told after insert or update or delete on jobs.connection_health
    for each statement execute function crm.tell_health();
create trigger connections_are_told after insert or update or delete on crm.connections
    for each statement execute function crm.tell_health();
