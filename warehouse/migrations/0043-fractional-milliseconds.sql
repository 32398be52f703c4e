-- Some programs write milliseconds as a float (`1795760000000.0`): a time all the same.
create or replace function canonical.from_epoch(value text) returns timestamptz
language sql immutable parallel safe as $$
    select case
        when value ~ '^[0-9]{1,11}(\.[0-9]+)?$' then to_timestamp(value::numeric::double precision)
        when value ~ '^[0-9]{12,14}(\.[0-9]{1,9})?$' then to_timestamp(trunc(value::numeric) / 1000)
    end
$$;
