-- A raw reference is a place and an id: everything behind the first separator is the id, because dlt's ids may hold one too.
create or replace function canonical.raw_row(raw_ref text) returns table (
    body bytea, content_type text, headers jsonb, received_at timestamptz, connection_id text, signature text
)
language plpgsql stable security definer set search_path = pg_catalog as $$
declare
    place text := split_part(split_part(raw_ref, '#', 1), '/', 1);
    row_id text := substr(split_part(raw_ref, '#', 1), length(place) + 2);
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
