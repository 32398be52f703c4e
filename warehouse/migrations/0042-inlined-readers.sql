-- The functions that read a provider's text were strict, and PostgreSQL never inlines a strict one whose body is a CASE: each call ran a
-- query of its own. Without the word they give null for null as before, and cost an expression.
create or replace function canonical.try_integer(value text) returns integer
language sql immutable parallel safe as $$
    select case when value ~ '^-?[0-9]{1,9}$' then value::integer end
$$;

create or replace function canonical.from_epoch_ms(value text) returns timestamptz
language sql immutable parallel safe as $$
    select case when value ~ '^[0-9]{1,14}$' then to_timestamp(value::numeric / 1000) end
$$;

create or replace function canonical.from_epoch(value text) returns timestamptz
language sql immutable parallel safe as $$
    select case
        when value ~ '^[0-9]{1,11}(\.[0-9]+)?$' then to_timestamp(value::numeric::double precision)
        when value ~ '^[0-9]{12,14}$' then to_timestamp(value::numeric / 1000)
    end
$$;

do $do$
begin
    if current_setting('server_version_num')::integer >= 160000 then
        create or replace function canonical.try_timestamptz(value text) returns timestamptz
        language sql stable parallel safe as $$
            select case
                when (
                    value ~ '^([A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$'
                    or value ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$'
                ) and pg_input_is_valid(value, 'timestamptz')
                then value::timestamptz
            end
        $$;

        create or replace function canonical.try_json(value text) returns jsonb
        language sql immutable parallel safe as $$
            select case when pg_input_is_valid(value, 'jsonb') then value::jsonb end
        $$;
    end if;
end $do$;
