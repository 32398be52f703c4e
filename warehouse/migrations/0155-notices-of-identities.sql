-- The notice of a decision on identities is said in one place, for links and for marks alike (0120 said it twice).
create function crm.identities_notice(identities text[], customers text[]) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select crm.bounded_notice(
        case when cardinality(identities) <= 100 then jsonb_build_object(
            'identities', (select jsonb_agg(distinct left(identity, 500)) from unnest(identities) as identity),
            'customers', coalesce((select jsonb_agg(distinct customer_id) from unnest(customers) as customer_id), '[]')
        ) end,
        '{"many": true}'
    )
$$;

create or replace function crm.tell_links() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('crm_changed', crm.identities_notice(array_agg(identity), array_agg(customer_id)))
    from changed
    having count(*) > 0;
    return null;
end $$;

create or replace function crm.tell_identities() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_notify('crm_changed', crm.identities_notice(array_agg(identity), '{}'))
    from changed
    having count(*) > 0;
    return null;
end $$;
