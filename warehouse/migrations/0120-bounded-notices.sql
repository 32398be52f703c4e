-- A notice that is too long fails, and with it the statement of whoever decided. What names more than fits says `many` instead, as the notice
-- of a fold does. The server takes less than 8,000 bytes.
create function crm.bounded_notice(named jsonb, otherwise jsonb) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select case when octet_length(named::text) <= 7000 then named::text else otherwise::text end
$$;

create or replace function crm.tell_links() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('crm_changed', crm.bounded_notice(
        case when count(*) <= 100 then jsonb_build_object(
            'identities', jsonb_agg(distinct left(identity, 500)), 'customers', jsonb_agg(distinct customer_id)
        ) end,
        '{"many": true}'
    ))
    from changed
    having count(*) > 0;
    return null;
end $$;

create or replace function crm.tell_customers() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('crm_changed', crm.bounded_notice(
        case when count(*) <= 100 then jsonb_build_object('identities', '[]'::jsonb, 'customers', jsonb_agg(customer_id)) end,
        '{"many": true}'
    ))
    from changed
    having count(*) > 0;
    return null;
end $$;

create or replace function crm.tell_identities() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('crm_changed', crm.bounded_notice(
        case when count(*) <= 100 then jsonb_build_object(
            'identities', jsonb_agg(distinct left(identity, 500)), 'customers', '[]'::jsonb
        ) end,
        '{"many": true}'
    ))
    from changed
    having count(*) > 0;
    return null;
end $$;

create or replace function crm.tell_organised() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('crm_changed', crm.bounded_notice(
        case when count(*) <= 100 then jsonb_build_object(
            'identities', '[]'::jsonb, 'beside', true,
            'customers', to_jsonb(array(
                select distinct unnest(others.customer_ids) from changed as others
                where others.action ~ '^(conversation|message|note|tag)\.'
            )),
            'conversations', coalesce(jsonb_agg(distinct left(object_id, 500)) filter (where object_type = 'conversation'), '[]')
        ) end,
        '{"many": true, "beside": true}'
    ))
    from changed
    where action ~ '^(conversation|message|note|tag)\.'
    having count(*) > 0;
    return null;
end $$;
