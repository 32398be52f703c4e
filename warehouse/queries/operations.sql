Queries of the command line, run as crm_app.

-- models_serve --
-- Whether the models can be read and a process folds; the lock that is tried is given back at once.
select statements is not null and not pg_try_advisory_xact_lock(hashtext('crm fold leader')) from canonical.built

-- fold_lives --
-- Whether a process folds: it holds this lock (transform/fold.py); ours is given back at once.
select not pg_try_advisory_xact_lock(hashtext('crm fold leader'))

-- list_connections --
select
    connections.connection_id,
    connections.channel,
    connections.name,
    connections.created_at,
    connections.disabled_at,
    health.job,
    health.last_succeeded_at,
    health.error
from crm.connections
left join lateral (
    select job, last_succeeded_at, error
    from jobs.connection_health
    where connection_health.connection_id = connections.connection_id
    order by job = 'pull' desc
    limit 1
) as health on true
where connections.removed_at is null
order by connections.created_at, connections.connection_id

-- count_messages_by_connection --
-- Of the table behind marts.messages: whose each is says nothing here.
select connection_id, count(*) as messages
from canonical.messages
where connection_id = any(%(connection_ids)s::text[]) and content_order is not null
group by connection_id
