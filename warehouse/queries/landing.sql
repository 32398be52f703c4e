-- land --
-- A batch of deliveries in one statement, which is one transaction: the keys that are new, their deliveries, and word to
-- whoever listens. Sorted, so that two batches with the same keys wait for each other in one order.
with

incoming as (

    select * from unnest(
        %(delivery_id)b::uuid[], %(received_at)b::timestamptz[], %(channel)b::text[], %(connection_id)b::text[],
        %(delivery_key)b::text[], %(method)b::text[], %(path)b::text[], %(query)b::text[], %(headers)b::text[],
        %(content_type)b::text[], %(body)b::bytea[], %(payload)b::text[], %(payload_error)b::text[],
        %(payload_repaired)b::boolean[]
    ) as t (
        delivery_id, received_at, channel, connection_id, delivery_key, method, path, query, headers, content_type, body,
        payload, payload_error, payload_repaired
    )

),

fresh as (

    insert into raw.delivery_keys (connection_id, delivery_key, delivery_id, received_at)
    select connection_id, delivery_key, delivery_id, received_at
    from incoming
    order by connection_id, delivery_key
    on conflict do nothing
    returning delivery_id

),

landed as (

    insert into raw.webhook_deliveries (
        delivery_id, received_at, channel, connection_id, delivery_key, method, path, query, headers, content_type, body,
        payload, payload_error, payload_repaired
    )
    select
        delivery_id, received_at, channel, connection_id, delivery_key, method, path, query, headers::jsonb, content_type, body,
        payload::jsonb, payload_error, payload_repaired
    from incoming
    where delivery_id in (select delivery_id from fresh)

)

select pg_notify('crm_deliveries', channel || ' ' || connection_id)
from (select distinct channel, connection_id from incoming where delivery_id in (select delivery_id from fresh)) as touched

-- refuse --
insert into raw.refusals (refused_at, channel, connection_id, reason, remote_address, headers, body_start, body_bytes)
values (
    now(), %(channel)s, %(connection_id)s, %(reason)s, %(remote_address)s, %(headers)s, %(body_start)s, %(body_bytes)s
)

-- try_write --
-- A write that is committed, or fails as a delivery would.
select raw.try_write()
