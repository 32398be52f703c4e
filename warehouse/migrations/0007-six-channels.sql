-- What the models of six channels need beyond those of two.

-- Seconds or milliseconds since 1970, as number or text: Meta writes both (docs/providers/README.md). Below 10^11 they are seconds.
create function canonical.from_epoch(value text) returns timestamptz
language sql immutable parallel safe strict as $$
    select case
        when value ~ '^[0-9]{1,11}(\.[0-9]+)?$' then to_timestamp(value::numeric::double precision)
        when value ~ '^[0-9]{12,14}$' then to_timestamp(value::numeric / 1000)
    end
$$;

-- The values of a JSON array, none where it is something else: what a provider sends must never break a refresh.
create function canonical.elements(value jsonb) returns setof jsonb
language sql immutable parallel safe strict rows 2 as $$
    select jsonb_array_elements(case jsonb_typeof(value) when 'array' then value else '[]' end)
$$;

-- The media job reads which attachments there are; nothing else of canonical is its business.
grant usage on schema canonical to crm_loader;

-- Provenance: the exact bytes behind a raw reference (`raw.webhook_deliveries/<id>#…` or `raw_<channel>.<table>/<row>`).
-- For a delivery the body as it was received and what its signature proved; for a row of a history the row as it was loaded.
create function canonical.raw_row(raw_ref text) returns table (
    body bytea, content_type text, headers jsonb, received_at timestamptz, connection_id text, signature text
)
language plpgsql stable security definer set search_path = pg_catalog as $$
declare
    place text := split_part(split_part(raw_ref, '#', 1), '/', 1);
    row_id text := split_part(split_part(raw_ref, '#', 1), '/', 2);
begin
    if place = 'raw.webhook_deliveries' then
        -- The id is compared as text where it is no UUID, so that a wrong reference finds nothing instead of failing.
        if row_id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
            return;
        end if;
        return query
            select deliveries.body, deliveries.content_type, deliveries.headers, deliveries.received_at,
                deliveries.connection_id, 'verified before it was landed'
            from raw.webhook_deliveries as deliveries
            where deliveries.delivery_id = row_id::uuid;
    elsif place ~ '^raw_[a-z_]+\.[a-z_]+$' and to_regclass(place) is not null then
        return query execute format(
            'select convert_to(loaded::text, ''UTF8''), ''application/json'', ''{}''::jsonb,'
            ' coalesce(loaded ->> ''pulled_at'', loaded ->> ''noticed_at'')::timestamptz,'
            ' loaded ->> ''connection_id'', ''pulled with our credentials'''
            ' from %s as found cross join lateral to_jsonb(found) as loaded where found._dlt_id = $1',
            to_regclass(place)
        ) using row_id;
    end if;
end $$;
revoke execute on function canonical.raw_row(text) from public;
grant execute on function canonical.raw_row(text) to crm_app, crm_loader;

-- From PostgreSQL 16 on a text can be asked whether it is a value before it is cast; an exception handler costs a subtransaction each time.
do $do$
begin
    if current_setting('server_version_num')::integer >= 160000 then
        create or replace function canonical.try_timestamptz(value text) returns timestamptz
        language sql stable parallel safe strict as $$
            select case
                when (
                    value ~ '^([A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$'
                    or value ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$'
                ) and pg_input_is_valid(value, 'timestamptz')
                then value::timestamptz
            end
        $$;

        create or replace function canonical.try_json(value text) returns jsonb
        language sql immutable parallel safe strict as $$
            select case when pg_input_is_valid(value, 'jsonb') then value::jsonb end
        $$;
    end if;
end $do$;
