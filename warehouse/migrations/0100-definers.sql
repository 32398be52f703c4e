-- Functions with definer's rights. Each belongs to a role that nobody signs in as and that may do what the function does and no more; it
-- stands in a schema in which nobody but the owner can make or drop anything; and it touches ordinary tables alone. Three roles, by whose
-- tables they touch: whoever owns a table can have code of theirs run by its readers (a view, a policy, a trigger), so a reader must not be
-- worth more than that owner.
--   crm_keeper       tables of the owner: everything in raw, and the secrets of connections
--   crm_pull_reader  tables of crm_loader: histories, jobs.media
--   crm_fold_reader  tables of crm_transformer: canonical.messages
grant usage, create on schema raw to crm_keeper;
grant usage, create on schema crm to crm_keeper, crm_pull_reader, crm_fold_reader;
grant usage on schema jobs to crm_pull_reader;
grant usage on schema canonical, canonical_next to crm_fold_reader;

-- raw ---------------------------------------------------------------------------------------------------------------------

do $do$
declare
    each record;
begin
    for each in
        select oid::regclass as name from pg_class
        where relnamespace = 'raw'::regnamespace and relkind in ('r', 'p')
    loop
        execute format('alter table %s owner to crm_keeper', each.name);
    end loop;
end $do$;
alter function raw.make_partitions(integer) owner to crm_keeper;
alter function raw.make_partitions(integer) set search_path = pg_catalog, pg_temp;
alter function raw.forget_old_keys() owner to crm_keeper;
alter function raw.forget_old_keys() set search_path = pg_catalog, pg_temp;

-- One delivery as it was received.
create function raw.delivery(of_delivery uuid) returns table (
    body bytea, content_type text, headers jsonb, received_at timestamptz, connection_id text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select deliveries.body, deliveries.content_type, deliveries.headers, deliveries.received_at, deliveries.connection_id
    from raw.webhook_deliveries as deliveries
    where deliveries.delivery_id = of_delivery
$$;
alter function raw.delivery(uuid) owner to crm_keeper;
revoke execute on function raw.delivery(uuid) from public;
grant execute on function raw.delivery(uuid) to crm_app, crm_loader;

-- Histories ---------------------------------------------------------------------------------------------------------------

-- One row of a history as it was loaded. Only of an ordinary table without policies, rules or types of its own: nothing else is read here.
create function crm.history_row(place text, row_id text) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    found jsonb;
    relation oid;
begin
    if place !~ '^raw_[a-z_]+\.[a-z_]+$' then
        return null;
    end if;
    -- Only now: PostgreSQL 15 fails on what is no name at all.
    relation := to_regclass(place);
    if not exists (
        select from pg_class
        where pg_class.oid = relation and relkind = 'r' and not relrowsecurity and not relhasrules and not relhassubclass
    ) or exists (
        select from pg_attribute
        inner join pg_type on pg_type.oid = atttypid
        where attrelid = relation and attnum > 0 and not attisdropped and (typnamespace <> 'pg_catalog'::regnamespace or typtype <> 'b')
    ) then
        return null;
    end if;
    execute format('select to_jsonb(stored) from only %s as stored where stored._dlt_id = $1', relation::regclass) into found using row_id;
    return found;
end $$;
alter function crm.history_row(text, text) owner to crm_pull_reader;
revoke execute on function crm.history_row(text, text) from public;
grant execute on function crm.history_row(text, text) to crm_app, crm_loader;

-- The exact bytes behind a raw reference: with the caller's rights, which end at the two functions above.
drop function canonical.raw_row(text);
create function crm.raw_row(raw_ref text) returns table (
    body bytea, content_type text, headers jsonb, received_at timestamptz, connection_id text, signature text
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    place text := split_part(split_part(raw_ref, '#', 1), '/', 1);
    -- Everything behind the first separator is the id, because dlt's ids may hold one too.
    row_id text := substr(split_part(raw_ref, '#', 1), length(place) + 2);
begin
    if place = 'raw.webhook_deliveries' then
        -- The id is compared as text where it is no UUID, so that a wrong reference finds nothing instead of failing.
        if row_id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
            return;
        end if;
        return query select found.*, 'verified before it was landed' from raw.delivery(row_id::uuid) as found;
    else
        return query
            select convert_to(loaded::text, 'UTF8'), 'application/json', '{}'::jsonb,
                coalesce(loaded ->> 'pulled_at', loaded ->> 'noticed_at')::timestamptz,
                loaded ->> 'connection_id', 'pulled with our credentials'
            from crm.history_row(place, row_id) as loaded
            where loaded is not null;
    end if;
end $$;
revoke execute on function crm.raw_row(text) from public;
grant execute on function crm.raw_row(text) to crm_app, crm_loader;

-- Files -------------------------------------------------------------------------------------------------------------------

grant select (message_id, attachment_id, state), update (state, reason, attempts, first_tried_at, next_try_at) on jobs.media to crm_pull_reader;
drop function jobs.retry_media(text, text);
-- Whoever wants another try at an attachment tells the worker as a fold does. The app decides, and writes nothing in the schema jobs itself.
create function crm.retry_media(of_message text, of_attachment text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update only jobs.media
    set state = 'waiting', reason = null, attempts = 0, first_tried_at = null, next_try_at = now()
    where message_id = of_message and attachment_id = of_attachment and state <> 'stored';
    if not found then
        return false;
    end if;
    perform pg_notify('crm_changed', '{"identities": [], "attachments": true}');
    return true;
end $$;
alter function crm.retry_media(text, text) owner to crm_pull_reader;
revoke execute on function crm.retry_media(text, text) from public;
grant execute on function crm.retry_media(text, text) to crm_loader, crm_app;

-- Edits -------------------------------------------------------------------------------------------------------------------

drop function canonical.untold_edits(text, integer);
grant select on all tables in schema canonical to crm_fold_reader;
alter default privileges for role crm_transformer in schema canonical grant select on tables to crm_fold_reader;
alter default privileges for role crm_transformer in schema canonical_next grant select on tables to crm_fold_reader;
-- Messages of the last days that were edited and whose new text no webhook told: which, and which edit. The loader asks the
-- provider for them; of the messages themselves it reads nothing. Empty while the models are being made.
create function crm.untold_edits(of_connection text, most integer)
returns table (provider_message_id text, edit text)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (
        select from pg_class
        where pg_class.oid = to_regclass('canonical.messages') and relkind = 'r' and not relrowsecurity and not relhasrules
    ) then
        return;
    end if;
    return query
    select messages.provider_message_id::text, messages.revision::text
    from only canonical.messages as messages
    where
        messages.connection_id = of_connection
        and messages.received_at > now() - interval '8 days'
        and messages.provider_metadata ->> 'edit_untold' = 'true'
    order by messages.received_at desc
    limit most;
exception
    -- A rebuild moved the table away in between. A column that is missing would be a fault of ours, and says so.
    when undefined_table then return;
end $$;
alter function crm.untold_edits(text, integer) owner to crm_fold_reader;
revoke all on function crm.untold_edits(text, integer) from public;
grant execute on function crm.untold_edits(text, integer) to crm_loader;

-- Secrets -----------------------------------------------------------------------------------------------------------------

grant select (connection_id, channel, secrets), update (secrets) on crm.connections to crm_keeper;
grant insert on crm.events to crm_keeper;
alter function crm.renew_secrets(text, bytea, bytea, timestamptz) owner to crm_keeper;
alter function crm.renew_secrets(text, bytea, bytea, timestamptz) set search_path = pg_catalog, pg_temp;

-- The receiver opens what proves a delivery, under a key of its own, and no other secret of a connection.
alter table crm.connections add column signing bytea;
revoke select on crm.connections from crm_receiver;
grant select (connection_id, channel, name, settings, signing, created_at, disabled_at) on crm.connections to crm_receiver;

-- To be given a function they had to be able to make one. From here on only the owner can in this schema.
revoke create on schema crm from crm_keeper, crm_pull_reader, crm_fold_reader;
