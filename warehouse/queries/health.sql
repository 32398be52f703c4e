How everything stands at a moment, as facts (warehouse/health.py judges them). Run as crm_app.

-- connections_now --
-- How every connection stands, in the order in which they were made.
select
    health.*,
    watches.ends_at as watch_expires_at,
    connections.paused_at is not null as is_paused,
    connections.created_at,
    connections.created_by,
    connections.settings,
    refusals.last_refused_at,
    newest.sent_at as last_message_at,
    coalesce(alone.inbound, 0) as inbound_by_history_alone,
    coalesce(alone.outbound, 0) as outbound_by_history_alone
from marts.channel_health as health
join crm.connections as connections on connections.connection_id = health.connection_id
left join lateral (
    select to_timestamp(nullif(jobs.detail ->> 'expires_ms', '')::bigint / 1000.0) as ends_at
    from jobs.connection_health as jobs
    where jobs.connection_id = health.connection_id and jobs.job = 'watch'
) as watches on true
left join lateral (
    select max(refused.refused_at) as last_refused_at
    from raw.refusals as refused
    where refused.connection_id = health.connection_id and refused.refused_at > %(now)s::timestamptz - interval '1 day'
) as refusals on true
left join lateral (
    select messages.sent_at
    from canonical.messages as messages
    where
        messages.connection_id = health.connection_id and messages.sent_at <= %(now)s::timestamptz
        and messages.content_order is not null
    order by messages.sent_at desc
    limit 1
) as newest on true
left join lateral (
    -- What came since the last push, long enough ago for a push of its own, and by history alone.
    select
        count(*) filter (where messages.direction = 'inbound') as inbound,
        count(*) filter (where messages.direction = 'outbound') as outbound
    from canonical.messages as messages
    where
        messages.connection_id = health.connection_id
        and messages.sent_at > greatest(health.last_delivery_at, %(now)s::timestamptz - interval '1 day') + interval '1 minute'
        and messages.sent_at < %(now)s::timestamptz - interval '10 minutes'
        and messages.content_order is not null
        and messages.seen_via = '{history}'
) as alone on true
where connections.removed_at is null and (%(connection_id)s::text is null or connections.connection_id = %(connection_id)s)
order by connections.created_at, health.connection_id

-- times --
-- When the messages of the last weeks were sent, by connection: what is usual of it. So many of the newest, in their order.
select connections.connection_id, sent.times
from crm.connections as connections
cross join lateral (
    select array_agg(newest.sent_at order by newest.sent_at) as times
    from (
        select messages.sent_at
        from canonical.messages as messages
        where
            messages.connection_id = connections.connection_id
            and messages.sent_at between %(now)s::timestamptz - interval '8 weeks' and %(now)s::timestamptz
            and messages.content_order is not null
        order by messages.sent_at desc
        limit %(most)s
    ) as newest
) as sent
where connections.removed_at is null and sent.times is not null

-- lag --
-- From the provider's time to the landing of what was pushed in the last day, in seconds, by connection.
select
    connections.connection_id,
    percentile_cont(0.5) within group (order by messages.seconds) as p50,
    percentile_cont(0.95) within group (order by messages.seconds) as p95
from crm.connections as connections
cross join lateral (
    select greatest(extract(epoch from pushed.received_at - pushed.sent_at), 0) as seconds
    from canonical.messages as pushed
    where
        pushed.connection_id = connections.connection_id
        and pushed.sent_at > %(now)s::timestamptz - interval '1 day'
        and pushed.content_order is not null
        and 'webhook' = any(pushed.seen_via)
    order by pushed.sent_at desc
    limit 1000
) as messages
where connections.removed_at is null
group by connections.connection_id

-- house --
-- What is nobody's connection: the fold, the worker and its queue, data checks, the database.
select
    newest.error as fold_error,
    (
        select min(failed.finished_at) from canonical.folds as failed
        where failed.error is not null
            and failed.started_at > coalesce((select max(started_at) from canonical.folds where error is null), '-infinity')
    ) as fold_failing_since,
    watch.missing_since as fold_waiting_since,
    watch.checked_at as fold_watched_at,
    (select folded_at from canonical.fold_state where build = 'live') as folded_at,
    (select built_at from canonical.built) as built_at,
    lately.p95 as fold_seconds_p95,
    workers.last_heartbeat as worker_seen_at,
    queue.waiting as jobs_waiting,
    queue.oldest_at as jobs_oldest_at,
    queue.failed as jobs_failed,
    outside.found as outside,
    checks.failing as checks_failing,
    checks.tested_at as checks_tested_at,
    pg_database_size(current_database()) as database_bytes,
    current_setting('server_version') as server_version,
    clock_timestamp() as database_time
from (select 1) as one
left join lateral (
    select error from canonical.folds where finished_at is not null order by started_at desc limit 1
) as newest on true
left join lateral (select missing_since, checked_at from jobs.fold_watch limit 1) as watch on true
left join lateral (
    select percentile_cont(0.95) within group (order by seconds) as p95
    from (
        select seconds from canonical.folds where error is null and seconds is not null order by started_at desc limit 200
    ) as folds
) as lately on true
left join lateral (select max(last_heartbeat) as last_heartbeat from jobs.procrastinate_workers) as workers on true
left join lateral (
    select
        count(*) filter (where waiting.status = 'todo') as waiting,
        min(coalesce(waiting.scheduled_at, deferred.at)) filter (where waiting.status = 'todo') as oldest_at,
        count(*) filter (where waiting.status = 'failed') as failed
    from jobs.procrastinate_jobs as waiting
    left join lateral (
        select min(events.at) as at from jobs.procrastinate_events as events
        where events.job_id = waiting.id and events.type = 'deferred'
    ) as deferred on waiting.status = 'todo'
    where waiting.status = 'failed' or (waiting.status = 'todo' and coalesce(waiting.scheduled_at, now()) <= now())
) as queue on true
left join lateral (
    -- What was looked at long ago says nothing about now: the worker that looks has stopped, and that is said.
    select jsonb_object_agg(what, jsonb_build_object('problem', problem, 'since', since)) as found
    from jobs.outside
    where problem <> '' and checked_at > now() - interval '1 hour'
) as outside on true
left join lateral (
    select count(*) filter (where status not in ('pass', 'warn')) as failing, max(tested_at) as tested_at
    from jobs.model_tests
) as checks on true

-- arrivals --
-- Messages of the last two days by hour and channel.
select date_trunc('hour', messages.sent_at) as hour, messages.channel, count(*) as messages
from crm.connections as connections
join canonical.messages as messages on messages.connection_id = connections.connection_id
where messages.sent_at > %(now)s::timestamptz - interval '48 hours' and messages.content_order is not null
group by 1, 2
order by 1, 2
