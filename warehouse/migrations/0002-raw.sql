-- Door one: every accepted POST, exactly as it came. Partitioned by month from the first day.
create table raw.webhook_deliveries (
    delivery_id uuid not null,
    received_at timestamptz not null,
    channel text not null,
    connection_id text not null,
    delivery_key text not null,
    method text not null,
    path text not null,
    query text not null,
    headers jsonb not null,
    content_type text not null,
    body bytea not null,
    -- The body as JSON, or null with payload_error saying why not.
    payload jsonb,
    payload_error text,
    -- Whether NUL characters, lone surrogates or invalid UTF-8 were replaced by U+FFFD in payload; body is untouched.
    payload_repaired boolean not null default false,
    -- A sequence is not a commit order, a transaction horizon is: see canonical.horizon.
    transaction_id xid8 not null default pg_current_xact_id(),
    primary key (received_at, delivery_id)
) partition by range (received_at);

create table raw.webhook_deliveries_default partition of raw.webhook_deliveries default;

create index webhook_deliveries_transaction_id on raw.webhook_deliveries (transaction_id);
create index webhook_deliveries_delivery_id on raw.webhook_deliveries (delivery_id);

-- A key unique over all partitions, which a partitioned table cannot promise by itself.
create table raw.delivery_keys (
    connection_id text not null,
    delivery_key text not null,
    delivery_id uuid not null,
    received_at timestamptz not null,
    primary key (connection_id, delivery_key)
);
create index delivery_keys_received_at on raw.delivery_keys (received_at);

-- A bounded sample of what was refused, for the admin; the receiver limits the rate, a job the age.
create table raw.refusals (
    refused_at timestamptz not null,
    channel text not null,
    connection_id text not null,
    reason text not null,
    remote_address text,
    headers jsonb not null,
    body_start bytea not null,
    body_bytes bigint not null
);
create index refusals_refused_at on raw.refusals (refused_at);

grant insert on raw.webhook_deliveries, raw.delivery_keys, raw.refusals to crm_receiver;
-- RETURNING, which tells new keys from seen ones, reads this one column and nothing else.
grant select (delivery_id) on raw.delivery_keys to crm_receiver;
grant select on raw.webhook_deliveries to crm_transformer;
grant select (refused_at, channel, connection_id, reason, remote_address, body_bytes) on raw.refusals to crm_transformer, crm_app;

-- Make the partitions of this month and of the months ahead. Rows that the default partition caught
-- meanwhile are moved into the new partition in the same transaction.
create function raw.make_partitions(months_ahead integer default 3) returns integer
language plpgsql security definer set search_path = pg_catalog, raw as $$
declare
    month timestamptz;
    partition_name text;
    made integer := 0;
begin
    -- One maker at a time: two workers may run the job at once.
    perform pg_advisory_xact_lock(hashtext('raw.make_partitions'));
    for month in
        select generate_series(
            date_trunc('month', now() at time zone 'UTC'),
            date_trunc('month', now() at time zone 'UTC') + make_interval(months => months_ahead),
            interval '1 month'
        ) at time zone 'UTC'
    loop
        partition_name := 'webhook_deliveries_' || to_char(month at time zone 'UTC', 'YYYY_MM');
        continue when to_regclass('raw.' || partition_name) is not null;
        execute format('create table raw.%I (like raw.webhook_deliveries including defaults including constraints)', partition_name);
        execute format(
            'with moved as (delete from raw.webhook_deliveries_default where received_at >= %L and received_at < %L returning *)
             insert into raw.%I select * from moved',
            month, (month at time zone 'UTC' + interval '1 month') at time zone 'UTC', partition_name
        );
        execute format(
            'alter table raw.webhook_deliveries attach partition raw.%I for values from (%L) to (%L)',
            partition_name, month, (month at time zone 'UTC' + interval '1 month') at time zone 'UTC'
        );
        made := made + 1;
    end loop;
    return made;
end $$;
revoke execute on function raw.make_partitions(integer) from public;
grant execute on function raw.make_partitions(integer) to crm_loader;

do $$ begin perform raw.make_partitions(); end $$;

-- What may go: delivery keys once no sender retries any more (the longest retries for 7 days), and old refusals.
create function raw.forget_old_keys() returns bigint
language sql security definer set search_path = pg_catalog, raw as $$
    with keys as (
        delete from raw.delivery_keys where received_at < now() - interval '40 days' returning 1
    ),
    refused as (
        delete from raw.refusals where refused_at < now() - interval '30 days' returning 1
    )
    select (select count(*) from keys) + (select count(*) from refused)
$$;
revoke execute on function raw.forget_old_keys() from public;
grant execute on function raw.forget_old_keys() to crm_loader;
