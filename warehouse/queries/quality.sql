What the checks look at (quality/): of each row its key, and of what is expected only what is needed to tell; no body, no address, no name. `key` says where
to look. Each is bounded: what is new since the last look, or the newest of all. {…} are filled in by quality/datasets.py.

-- horizon --
-- Rows of transactions before this one are all there.
select pg_snapshot_xmin(pg_current_snapshot())::text

-- looked_at --
-- Up to where each dataset was looked at.
select suite, checked_until::text from jobs.data_suites where checked_until is not null

-- oldest_of_newest --
-- Where the newest rows of a table of raw begin, so many of them being enough.
select transaction_id::text
from {table}
where transaction_id >= {since}::xid8 and transaction_id < {until}::xid8
order by transaction_id desc
offset {most}
limit 1

-- newest_of_table --
-- Whether anything is new in a table of raw.
select exists (select from {table} where transaction_id >= {since}::xid8 and transaction_id < {until}::xid8)

-- newest_of_channel --
-- Whether a channel's webhook brought anything new.
select exists (
    select from (
        select channel
        from raw.webhook_deliveries
        where transaction_id >= {since}::xid8 and transaction_id < {until}::xid8
        order by transaction_id desc
        limit {most}
    ) as newest
    where channel = {channel}
)

-- histories --
-- The tables of a channel's history that stand.
select relname::text
from pg_class
where relnamespace = to_regnamespace(%(schema)s) and relkind = 'r'

-- deliveries --
-- What a channel's webhook brought.
with newest as materialized (
    select delivery_id, received_at, channel, connection_id, delivery_key, method, content_type, payload_error
    from raw.webhook_deliveries
    where transaction_id >= {since}::xid8 and transaction_id < {until}::xid8
    order by transaction_id desc
    limit {most}
)

select
    'raw.webhook_deliveries/' || newest.delivery_id as key,
    nullif(newest.delivery_key, '') as delivery_key,
    newest.connection_id || '|' || newest.delivery_key as key_of_sender,
    coalesce(connections.channel, 'none') as connection_channel,
    newest.method,
    lower(split_part(newest.content_type, ';', 1)) as content_type,
    newest.payload_error is null as is_readable,
    newest.received_at as came_at,
    now() + interval '5 minutes' as latest
from newest
left join crm.connections as connections on connections.connection_id = newest.connection_id
where newest.channel = {channel}

-- events --
-- What became of each event that came, through whichever door.
select raw_ref as key, outcome, outcome <> 'quarantined' as is_understood
from canonical.events
where channel = {channel} and transaction_id >= {since}::xid8 and transaction_id < {until}::xid8
limit {most}

-- history --
-- What a pull loaded into one table.
select
    {name} || '/' || loaded._dlt_id as key,
    loaded._dlt_load_id,
    {columns},
    {row_key} as row_key,
    coalesce(connections.channel, 'none') as connection_channel,
    loaded.{came} as came_at,
    loaded.{came} + interval '5 minutes' as latest_of_provider,
    now() + interval '5 minutes' as latest
from {table} as loaded
left join crm.connections as connections on connections.connection_id = loaded.connection_id
where loaded.transaction_id >= {since}::xid8 and loaded.transaction_id < {until}::xid8
order by loaded.transaction_id desc
limit {most}

-- volumes --
-- Messages of each connection yesterday, beside the same weekday of the eight weeks before. Who wrote in fewer than six of them has no rhythm yet.
with yesterday as (
    select (now() at time zone {zone})::date - 1 as day
),

days as (
    select connections.connection_id, connections.channel, weeks.number, yesterday.day - 7 * weeks.number as day
    from crm.connections as connections
    cross join yesterday
    cross join generate_series(0, 8) as weeks (number)
),

counted as (
    select
        days.connection_id,
        days.channel,
        days.number,
        days.day,
        (
            select count(*)
            from canonical.messages as messages
            where messages.connection_id = days.connection_id
                and messages.content_order is not null
                and messages.sent_at >= days.day::timestamp at time zone {zone}
                and messages.sent_at < (days.day + 1)::timestamp at time zone {zone}
        ) as messages
    from days
)

select
    connection_id || ' ' || max(day)::text as key,
    max(messages) filter (where number = 0) as messages,
    -- Less than a fifth of the least, or more than five times the most, that this day of the week ever had.
    case when min(messages) filter (where number > 0) >= 10 then min(messages) filter (where number > 0) / 5 else 0 end as least,
    greatest(5 * max(messages) filter (where number > 0), 50) as most
from counted
group by connection_id
having count(*) filter (where number > 0 and messages > 0) >= 6

-- messages --
with newest as materialized (
    select message_id
    from {canonical}.messages
    where content_order is not null
    order by folded_in desc
    limit {most}
)

select
    newest.message_id as key,
    shown.message_id is not null as is_shown,
    shown.direction,
    shown.kind,
    shown.status,
    shown.sent_at,
    shown.received_at + interval '1 day' as latest,
    coalesce(jsonb_array_length(shown.raw_refs), 0) as copies,
    coalesce(connections.channel = shown.channel, false) as is_of_its_connection
from newest
left join {marts}.messages as shown on shown.message_id = newest.message_id
left join crm.connections as connections on connections.connection_id = shown.connection_id

-- timeline --
-- Whether what somebody outside took part in stands on a timeline.
with newest as materialized (
    select message_id
    from {canonical}.messages
    where content_order is not null
    order by folded_in desc
    limit {few}
),

outside as materialized (
    select distinct message_id
    from {marts}.message_participants
    where message_id in (select message_id from newest) and not is_ours
)

select outside.message_id as key, exists (select from {marts}.timeline as entries where entries.message_id = outside.message_id) as is_on_timeline
from outside

-- participants --
with newest as materialized (
    select message_id
    from {canonical}.messages
    where content_order is not null
    order by folded_in desc
    limit {most}
)

select
    participants.message_id as key,
    participants.role,
    split_part(participants.identity, ':', 1) as scheme,
    position(':' in participants.identity) > 1 and split_part(participants.identity, ':', 2) <> '' as is_whole
from newest
inner join {marts}.message_participants as participants on participants.message_id = newest.message_id

-- conversations --
-- Their ids may hold a number or an address: the key is the beginning of the SHA-256 of the id.
select
    left(encode(sha256(convert_to(conversation_id, 'UTF8')), 'hex'), 16) as key,
    channel,
    last_direction,
    message_count,
    first_at,
    last_at
from {marts}.conversations
order by last_at desc
limit {most}

-- identities --
-- An identity is a number or an address: the key is the beginning of its SHA-256.
select
    left(encode(sha256(convert_to(identity, 'UTF8')), 'hex'), 16) as key,
    scheme,
    scope is not null and value <> '' as is_whole,
    message_count,
    first_seen_at,
    last_seen_at
from {marts}.identities
limit {most}

-- customers --
select customer_id as key, name ~ '\S' as has_name, message_count, first_at, last_at
from {marts}.customers
limit {most}

-- compared --
-- What was built beside what serves.
select
    counted.key,
    counted.built,
    counted.serving * 9 / 10 as least
from (
    select
        'messages' as key,
        (select count(*) from canonical.messages where content_order is not null) as serving,
        (select count(*) from canonical_next.messages where content_order is not null) as built
    union all
    select 'participants', (select count(*) from canonical.message_participants), (select count(*) from canonical_next.message_participants)
    union all
    select 'conversations', (select count(*) from canonical.conversations), (select count(*) from canonical_next.conversations)
    union all
    select 'identities', (select count(*) from canonical.identities), (select count(*) from canonical_next.identities)
) as counted

-- note_suite --
insert into jobs.data_suites (suite, about, run, rows, checked_at, checked_until)
values (%(suite)s, %(about)s, %(run)s, %(rows)s, now(), %(until)s::xid8)
on conflict (suite) do update set
    about = excluded.about, run = excluded.run, rows = excluded.rows, checked_at = excluded.checked_at,
    checked_until = coalesce(excluded.checked_until, data_suites.checked_until)

-- note_until --
-- Nothing was new in it.
update jobs.data_suites set checked_until = %(until)s::xid8 where suite = %(suite)s

-- forget_rules --
-- Rules that a suite has no longer.
delete from jobs.data_checks where suite = %(suite)s and rule <> all (%(rules)s)

-- forget_suites --
-- Suites that are no more, the comparison before a swap aside.
delete from jobs.data_suites where suite <> all (%(suites)s) and run <> 'build'

-- forget_build --
delete from jobs.data_suites where run = 'build'

-- note_check --
-- After a look at what is new a failure of before stands: the rows that failed were not looked at again. What could not be tried was tried now.
insert into jobs.data_checks as known (suite, rule, severity, status, failures, keys, failing_since, checked_at)
values (%(suite)s, %(rule)s, %(severity)s, %(status)s, %(failures)s, %(keys)s, case when %(status)s <> 'pass' then now() end, now())
on conflict (suite, rule) do update set
    severity = excluded.severity,
    checked_at = excluded.checked_at,
    status = case when %(is_new_only)s and excluded.status = 'pass' and known.status = 'fail' then known.status else excluded.status end,
    failures = case when %(is_new_only)s then known.failures + excluded.failures else excluded.failures end,
    keys = case when %(is_new_only)s then (excluded.keys || known.keys)[1:20] else excluded.keys end,
    failing_since = case
        when %(is_new_only)s and excluded.status = 'pass' and known.status = 'fail' then known.failing_since
        when excluded.status = 'pass' then null
        else coalesce(known.failing_since, now())
    end

-- serving_messages --
-- Whether anybody would miss what serves.
select exists (select from canonical.messages), exists (select from canonical_next.messages)

-- last_look --
-- How long ago anything was looked at.
select coalesce(extract(epoch from now() - max(checked_at)), 1e9)::bigint as seconds_ago from jobs.data_suites

-- failing --
-- For the health page: what is wrong by a rule that is critical, the rule with the most rows first.
select checks.suite, suites.run, checks.rule, checks.failures, checks.keys[1] as key, checks.failing_since, checks.status
from jobs.data_checks as checks
inner join jobs.data_suites as suites using (suite)
where checks.severity = 'critical' and checks.status <> 'pass'
order by suites.run <> 'build', checks.failures desc, checks.suite, checks.rule
limit 10

-- suites --
-- For the page: what was looked at, what failed first.
select
    suites.suite,
    suites.about,
    suites.run,
    suites.rows,
    suites.checked_at,
    count(checks.rule) as rules,
    count(checks.rule) filter (where checks.status <> 'pass') as failing,
    coalesce(bool_or(checks.status <> 'pass' and checks.severity = 'critical'), false) as is_critical
from jobs.data_suites as suites
left join jobs.data_checks as checks using (suite)
group by suites.suite
order by is_critical desc, failing desc, suites.suite

-- failed_checks --
select suite, rule, severity, status, failures, keys, failing_since, checked_at
from jobs.data_checks
where status <> 'pass'
order by severity, suite, rule

-- forget_keys --
-- Whoever is destroyed leaves no key behind; the next look finds those again that stay.
update jobs.data_checks set keys = '{}' where keys <> '{}'
