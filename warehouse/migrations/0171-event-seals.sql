-- That the log of events was changed can be proven: events are sealed in batches, each seal is chained to the one before it, and the
-- heads of the chain are also written outside of the database (warehouse/audit.py, which checks them without a function of this schema).
grant usage, create on schema crm to crm_sealer;

-- By which transaction an event was written says which of them a seal has not seen yet: neither ids nor times are an order of commits.
-- Added and only then given its default, so that no row of today is written again: those have none, and the first seal takes them.
alter table crm.events add column transaction_id xid8;
alter table crm.events alter column transaction_id set default pg_current_xact_id();
create index events_transaction_id on crm.events (transaction_id);

create table crm.event_seals (
    seal_no bigint primary key,
    sealed_at timestamptz not null,
    events integer not null,
    event_ids text[] not null,
    -- The SHA-256 of each of them, one behind the other.
    leaves bytea not null,
    former_head bytea not null,
    head bytea not null,
    -- What the sealing saw. Null where a backup was restored: transaction ids mean nothing there.
    snapshot pg_snapshot
);
-- Hashes cannot be made smaller.
alter table crm.event_seals alter column leaves set storage external;

create function crm.refuse_seal_change() returns trigger language plpgsql as $$
begin
    raise exception 'crm.event_seals is append-only: % is refused', tg_op;
end $$;
create trigger event_seals_append_only before update or delete or truncate on crm.event_seals
    for each statement execute function crm.refuse_seal_change();

grant select on crm.events to crm_sealer;
grant select, insert on crm.event_seals to crm_sealer;
grant select on crm.event_seals to crm_app;
grant select (seal_no, sealed_at, events, head) on crm.event_seals to crm_loader;

-- Seals whatever was committed and no seal holds; returns how many events that were. Of a seal, in text:
--   leaf   SHA-256 of the event's columns as one JSON array (when it was written in seconds since 1970)
--   head   SHA-256 of the former head, the seal's number, time and event ids as text, and the leaves
create function crm.seal_events(most integer default 5000) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    former record;
    batch record;
    seen pg_snapshot;
    is_known boolean;
    moment timestamptz;
    next_no bigint;
    next_head bytea;
    sealed integer := 0;
begin
    -- One at a time, whichever process of whichever machine: each sees what the one before it has sealed.
    perform pg_advisory_xact_lock(hashtext('crm.event_seals'));
    select seal_no, head, snapshot into former from crm.event_seals order by seal_no desc limit 1;
    next_no := coalesce(former.seal_no, 0);
    next_head := coalesce(former.head, decode(repeat('00', 32), 'hex'));
    seen := pg_current_snapshot();
    moment := clock_timestamp();
    -- A snapshot of the future is another cluster's.
    is_known := former.snapshot is not null and pg_snapshot_xmax(former.snapshot) <= pg_snapshot_xmax(seen);
    for batch in
        select
            array_agg(event_id order by place) as event_ids,
            string_agg(leaf, ''::bytea order by place) as leaves,
            count(*)::integer as events
        from (
            select
                event_id,
                sha256(convert_to(jsonb_build_array(
                    event_id, extract(epoch from at), actor, role, action, object_type, object_id, customer_ids, detail, session_id, ip
                )::text, 'UTF8')) as leaf,
                row_number() over (order by at, event_id) - 1 as place
            from (
                select * from crm.events
                where
                    is_known
                    and transaction_id >= pg_snapshot_xmin(former.snapshot)
                    and not pg_visible_in_snapshot(transaction_id, former.snapshot)
                    and pg_visible_in_snapshot(transaction_id, seen)
                union all
                -- The first seal of all, and the first behind a restore.
                select * from crm.events
                where
                    not is_known
                    and (transaction_id is null or pg_visible_in_snapshot(transaction_id, seen))
                    and not exists (
                        select from crm.event_seals cross join unnest(event_ids) as held (event_id)
                        where held.event_id = events.event_id
                    )
            ) as new_events
        ) as hashed
        group by place / most
        order by place / most
    loop
        next_no := next_no + 1;
        insert into crm.event_seals (seal_no, sealed_at, events, event_ids, leaves, former_head, head, snapshot)
        values (
            next_no, moment, batch.events, batch.event_ids, batch.leaves, next_head,
            sha256(
                next_head
                || convert_to(format('%s %s %s', next_no, extract(epoch from moment), to_jsonb(batch.event_ids)), 'UTF8')
                || batch.leaves
            ),
            seen
        )
        returning head into next_head;
        sealed := sealed + batch.events;
    end loop;
    return sealed;
end $$;
alter function crm.seal_events(integer) owner to crm_sealer;
revoke execute on function crm.seal_events(integer) from public;
grant execute on function crm.seal_events(integer) to crm_loader, crm_app;
revoke create on schema crm from crm_sealer;
