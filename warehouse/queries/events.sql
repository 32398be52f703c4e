-- record_event --
insert into crm.events (event_id, actor, role, action, object_type, object_id, customer_ids, detail, session_id, ip)
values (
    %(event_id)s, %(actor)s, %(role)s, %(action)s, %(object_type)s, %(object_id)s,
    %(customer_ids)s, %(detail)s, %(session_id)s, %(ip)s
)

-- planned_for_what_is_asked --
-- Which index is right depends on who is asked for: a plan that is kept for anybody reads the whole log.
select set_config('plan_cache_mode', 'force_custom_plan', true)

-- customer_with_merged --
-- A customer, and whoever was merged into them: who saw one of these saw this person.
select customer_id from unnest(
    %(customer_ids)s::text[]
    ||
    --> customer_card.merged
) as customer_id

-- found_events --
-- What passes, newest first, below a place in the list.
select event_id, at, actor, role, action, object_type, object_id, customer_ids, detail, session_id, ip
from crm.events
where
    (%(person)s::text is null or actor = %(person)s::text)
    and (%(customer_ids)s::text[] is null or customer_ids && %(customer_ids)s::text[])
    and (%(action)s::text is null or action = %(action)s::text)
    and (%(since)s::timestamptz is null or at >= %(since)s::timestamptz)
    and (%(until)s::timestamptz is null or at < %(until)s::timestamptz)
    and (%(before_at)s::timestamptz is null or (at, event_id) < (%(before_at)s::timestamptz, %(before_id)s::text))
    and (%(but)s::text is null or event_id <> %(but)s::text)
order by at desc, event_id desc
limit %(most)s::bigint

-- known_actors --
-- Who ever did something, each found by the index behind the one before, in so many steps at most.
with recursive known (value, number) as (
    (select actor, 1 from crm.events order by actor limit 1)
    union all
    select (select actor from crm.events where actor > known.value order by actor limit 1), known.number + 1
    from known
    where known.value is not null and known.number < %(most)s
)

select value from known where value is not null

-- known_actions --
-- What was ever done, in the same way.
with recursive known (value, number) as (
    (select action, 1 from crm.events order by action limit 1)
    union all
    select (select action from crm.events where action > known.value order by action limit 1), known.number + 1
    from known
    where known.value is not null and known.number < %(most)s
)

select value from known where value is not null

-- names_of_customers --
-- Who is asked for, and two of one name, with what tells them apart.
select
    customers.customer_id,
    customers.name || case
        when customers.customer_id = any(%(asked)s::text[]) or count(*) over (partition by lower(customers.name)) > 1 then ' (' ||
            --> customer_card.known_by
            || ')'
        else ''
    end as name
from crm.customers as customers
where customers.customer_id = any(%(customer_ids)s::text[])

-- seal_events --
select crm.seal_events()

-- heads_after --
-- The heads of the chain behind this one, oldest first.
select seal_no, sealed_at, events, encode(head, 'hex') from crm.event_seals where seal_no > %(seal_no)s order by seal_no

-- one_head --
select encode(head, 'hex') from crm.event_seals where seal_no = %(seal_no)s

-- seals --
-- Every seal in its order, with what its head was made of.
select seal_no, extract(epoch from sealed_at)::text, to_jsonb(event_ids)::text, leaves, former_head, head
from crm.event_seals
order by seal_no

-- seal_times --
-- When each run of seals was made, and the first transaction that it did not know of; those restored from elsewhere do not say.
select distinct extract(epoch from sealed_at)::float8, pg_snapshot_xmax(snapshot)::text::bigint
from crm.event_seals
where snapshot is not null
order by 1

-- sealed_events --
-- What stands in the log under these ids, in their order: as it is sealed (the text of which the leaf is the hash, as 0171-event-seals.sql
-- has it), and when it says that it was written. Null where there is none.
select
    case when events.event_id is not null then jsonb_build_array(
        events.event_id, extract(epoch from at), actor, role, action, object_type, object_id, customer_ids, detail, session_id, ip
    )::text end,
    extract(epoch from at)::float8, transaction_id::text::bigint
from unnest(%(event_ids)s::text[]) with ordinality as sealed (event_id, place)
left join crm.events using (event_id)
order by place

-- looked_up_one_by_one --
-- Of a piece of the log each event is found by its id: to read all of it for every piece would take hours.
select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)

-- redactions --
-- What was taken out of these events when somebody was destroyed (0180-privacy.sql): their hashes before and after, and by which certificate.
select event_id, former_leaf, leaf, certificate_id
from crm.event_redactions
where event_id = any(%(event_ids)s::text[])

-- certified --
-- Whether the event of this certificate proves all that was taken out by it.
select exists (
    select from crm.events
    where
        object_type = 'certificate' and object_id = %(certificate_id)s
        and detail ->> 'redactions' = (
            --> privacy.redactions_of
        )
)

-- unsealed_events --
-- Events that no seal holds, oldest first: when each says that it was written, by which transaction, and whether the last seal should
-- have seen it.
with last_seal as (select snapshot from crm.event_seals order by seal_no desc limit 1)

select
    event_id, extract(epoch from at)::float8, transaction_id::text::bigint,
    coalesce(
        (select snapshot from last_seal) is not null
        and pg_snapshot_xmax((select snapshot from last_seal)) <= pg_snapshot_xmax(pg_current_snapshot())
        and (transaction_id is null or pg_visible_in_snapshot(transaction_id, (select snapshot from last_seal))),
        false
    ),
    transaction_id >= pg_snapshot_xmax(pg_current_snapshot())
    and transaction_id is distinct from pg_current_xact_id_if_assigned()
from crm.events
where
    not exists (
        select from crm.event_seals cross join unnest(event_ids) as sealed (event_id) where sealed.event_id = events.event_id
    )
order by at, event_id

-- count_events --
select count(*), extract(epoch from clock_timestamp())::float8 from crm.events

-- sealed_twice --
select sealed.event_id, max(seal_no)
from crm.event_seals
cross join unnest(event_ids) as sealed (event_id)
group by sealed.event_id
having count(*) > 1
order by max(seal_no), sealed.event_id
limit 1

-- read_log --
select file, position from crm.read_logs where place = %(place)s

-- note_statements --
select crm.note_statements(
    %(place)s, %(from_file)s, %(from_position)s, %(to_file)s, %(to_position)s, %(statements)s::jsonb
)

-- statements_are_collected --
-- Whether what analysts ask is brought here: by a worker beside an embedded server, some seconds ago.
select exists (select from crm.read_logs where read_at > now() - interval '3 minutes') as are_collected
