-- A token that lives for weeks is renewed by the worker, which writes nothing in crm (one writer per schema). This is
-- the one change that it may have made: other secrets for one connection, if nobody else changed them meanwhile, and
-- the event that says so, together.
create function crm.renew_secrets(of_connection text, known bytea, renewed bytea, valid_until timestamptz)
returns boolean language plpgsql security definer set search_path = pg_catalog as $$
begin
    update crm.connections
    set secrets = renewed
    where connection_id = of_connection and secrets = known and length(renewed) > 0;
    if not found then
        return false;
    end if;
    insert into crm.events (event_id, actor, role, action, object_type, object_id, detail)
    select
        replace(gen_random_uuid()::text, '-', ''), 'worker', 'system', 'connection.renew_token', 'connection',
        of_connection, jsonb_build_object('channel', connections.channel, 'valid_until', valid_until)
    from crm.connections
    where connections.connection_id = of_connection;
    return true;
end $$;
revoke execute on function crm.renew_secrets(text, bytea, bytea, timestamptz) from public;
grant execute on function crm.renew_secrets(text, bytea, bytea, timestamptz) to crm_loader;
