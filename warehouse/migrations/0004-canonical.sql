-- Up to where the incremental tables have taken raw in.
--   processed: every copy of a transaction below it is in the tables; the live tail starts here.
--   target: what the refresh under way is working towards; the same as processed when none is.
-- A copy folded twice changes nothing, so tables may run ahead of processed, never behind it.
create table canonical.horizon (
    only_row boolean primary key default true check (only_row),
    processed xid8 not null,
    target xid8 not null
);
insert into canonical.horizon (processed, target) values ('0', '0');
alter table canonical.horizon owner to crm_transformer;

-- Functions, not subqueries: the planner runs a stable function while it estimates, and so sees how short the tail is.
-- Definer's rights, because a view's functions run as its reader, who may not look into canonical.
create function canonical.processed_horizon() returns xid8
language sql stable parallel safe security definer set search_path = pg_catalog as
    'select processed from canonical.horizon';
create function canonical.target_horizon() returns xid8
language sql stable parallel safe security definer set search_path = pg_catalog as
    'select target from canonical.horizon';

-- One row per refresh, for the page and for the admin.
create table canonical.refreshes (
    started_at timestamptz primary key default clock_timestamp(),
    finished_at timestamptz,
    target xid8 not null,
    error text,
    seconds double precision
);
alter table canonical.refreshes owner to crm_transformer;
grant select on canonical.horizon, canonical.refreshes to crm_app;

-- Which models stand here, by the hash of their files: making views anew drops those that depend on them for a moment,
-- so a program that starts does it only when the models are others. Empty while they are being made.
create table canonical.built (
    only_row boolean primary key default true check (only_row),
    fingerprint text not null,
    built_at timestamptz not null default now()
);
insert into canonical.built (fingerprint) values ('');
alter table canonical.built owner to crm_transformer;

-- The union of JSON objects: the facts of copies are a set keyed by the copy, so order and repetition cannot matter.
create aggregate canonical.merge_objects (jsonb) (
    sfunc = jsonb_concat, stype = jsonb, initcond = '{}', combinefunc = jsonb_concat, parallel = safe
);

-- Casts that cannot fail: what a provider sends must never break a refresh. Null where the text is no such value.
-- Only RFC 2822 and ISO 8601 with an offset are taken: PostgreSQL would also read 'now' or a text without a zone,
-- and those would mean something else at the next rebuild.
create function canonical.try_timestamptz(value text) returns timestamptz
language plpgsql stable parallel safe strict as $$
begin
    if value ~ '^([A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$'
        or value ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$'
    then
        return value::timestamptz;
    end if;
    return null;
exception when others then
    return null;
end $$;

create function canonical.try_integer(value text) returns integer
language sql immutable parallel safe strict as $$
    select case when value ~ '^-?[0-9]{1,9}$' then value::integer end
$$;

-- Milliseconds since 1970, as Google and Meta write them; null where that is not what it is.
create function canonical.from_epoch_ms(value text) returns timestamptz
language sql immutable parallel safe strict as $$
    select case when value ~ '^[0-9]{1,14}$' then to_timestamp(value::numeric / 1000) end
$$;

-- JSON and base64 inside a payload: null where the text is neither.
create function canonical.try_json(value text) returns jsonb
language plpgsql immutable parallel safe strict as $$
begin
    return value::jsonb;
exception when others then
    return null;
end $$;

create function canonical.from_base64(value text) returns text
language plpgsql immutable parallel safe strict as $$
begin
    return convert_from(decode(translate(value, '-_', '+/'), 'base64'), 'UTF8');
exception when others then
    return null;
end $$;
