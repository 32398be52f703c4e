What admins ask of providers on pages: asked and used by crm_app, answered by crm_loader (warehouse/connection_requests.py).

-- ask --
insert into crm.connection_requests (request_id, kind, channel, connection_id, asked_by, settings, options, pasted)
values (
    %(request_id)s, %(kind)s, %(channel)s, %(connection_id)s, %(asked_by)s, %(settings)s, %(options)s, %(pasted)s
)

-- channel_of --
select channel from crm.connections where connection_id = %(connection_id)s and removed_at is null

-- one_to_answer --
-- Once: whoever comes second finds nothing.
select request_id, kind, channel, connection_id, asked_by, settings, options, pasted
from crm.connection_requests
where request_id = %(request_id)s and answered_at is null

-- answer --
update crm.connection_requests
set
    answered_at = now(), problem = %(problem)s, answer = %(answer)s, pasted = null,
    secrets = %(secrets)s, signing = %(signing)s
where request_id = %(request_id)s and answered_at is null

-- unanswered --
-- What a worker that was away finds; who asked before that has gone away by now.
select request_id
from crm.connection_requests
where answered_at is null and asked_at > now() - interval '10 minutes'
order by asked_at

-- waits_too_long --
update crm.connection_requests set overdue_at = now() where request_id = %(request_id)s

-- forget_old --
-- What was pasted and never saved, and what Meta is told once, is forgotten after a day; what was asked after a month.
with forgotten as (
    delete from crm.connection_requests where asked_at < now() - interval '30 days'
)
update crm.connection_requests
set pasted = null, secrets = null, signing = null, answer = answer - 'verify_token'
where asked_at between now() - interval '30 days' and now() - interval '1 day'
    and (pasted is not null or secrets is not null or answer ? 'verify_token')

-- one_request --
-- As the page shows it; of the secrets only whether there is something to save.
select
    request_id, kind, channel, connection_id, asked_by, asked_at, answered_at, problem, answer, options, used_at,
    overdue_at, secrets is not null as is_to_save
from crm.connection_requests
where request_id = %(request_id)s

-- newest_of_connection --
select
    request_id, kind, channel, connection_id, asked_by, asked_at, answered_at, problem, answer, options, used_at,
    overdue_at, false as is_to_save
from crm.connection_requests
where connection_id = %(connection_id)s and kind = %(kind)s
order by asked_at desc
limit 1

-- save_new --
-- The connection of a check that its own admin saves.
insert into crm.connections (connection_id, channel, name, settings, secrets, signing, created_by)
select
    answer ->> 'connection_id', channel, %(name)s, answer -> 'settings', secrets, signing, asked_by
from crm.connection_requests
where
    request_id = %(request_id)s and kind = 'check' and connection_id is null and asked_by = %(asked_by)s
    and used_at is null and problem is null and secrets is not null
returning connection_id, channel, settings

-- save_changed --
-- Nothing where the secrets are others by now than those that were checked, a renewed token for example.
update crm.connections as connections
set settings = requests.answer -> 'settings', secrets = requests.secrets, signing = requests.signing
from crm.connection_requests as requests
where
    requests.request_id = %(request_id)s and requests.kind = 'check' and requests.asked_by = %(asked_by)s
    and requests.used_at is null and requests.problem is null and requests.secrets is not null
    and connections.connection_id = requests.connection_id and connections.removed_at is null
    and encode(sha256(connections.secrets), 'hex') = requests.answer ->> 'made_of'
returning connections.connection_id, connections.channel, requests.answer -> 'changed' as changed

-- used --
update crm.connection_requests
set used_at = now(), secrets = null, signing = null
where request_id = %(request_id)s

-- worker_lives --
select exists (
    select from jobs.procrastinate_workers where last_heartbeat > now() - interval '1 minute'
)
