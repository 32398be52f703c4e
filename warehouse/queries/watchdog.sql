What landed against what was folded, as the loader (worker/watchdog.py). By the ledger of folded rows, not by the fold's own snapshot.

-- watched --
select folded_until from jobs.fold_watch

-- deliveries_not_folded --
-- Deliveries between a moment that is settled and one that a fold must have reached. A receipt is noted a little before its commit, so the
-- settled moment is looked at again for a while.
select count(*) as missing, min(landed.received_at) as missing_since
from raw.webhook_deliveries as landed
where landed.received_at >= greatest(%(from_at)s::timestamptz - interval '5 minutes', now() - interval '47 hours')
    and landed.received_at < %(until_at)s
    and not exists (
        select from canonical.folded_lately as folded
        where folded.raw_table = 'raw.webhook_deliveries' and folded.row_id = landed.delivery_id::text
    )

-- histories --
-- The tables of histories that the models which stand fold; the programs that fill them are a second of dlt away.
select tables ->> 'schema' as schema, tables ->> 'name' as name
from canonical.built cross join jsonb_array_elements(built.statements -> 'raw_tables') as tables
where (tables ->> 'is_accounted')::boolean and tables ->> 'schema' = any(%(schemas)s)

-- load_is_folded --
select exists (
    select from canonical.folded_lately where raw_table = %(raw_table)s and row_id = %(load_id)s
) as is_folded

-- connected_to --
-- Connections that are not disabled, without their secrets: where their providers answer.
select connection_id, channel, name, settings from crm.connections where disabled_at is null order by created_at, connection_id

-- note_outside --
-- Written where it is news, and now and then; pages are told where it is news.
insert into jobs.outside as known (what, problem, since)
values (%(what)s, %(problem)s::text, case when %(problem)s::text <> '' then now() end)
on conflict (what) do update
set
    checked_at = now(), problem = excluded.problem,
    since = case when excluded.problem <> '' then coalesce(known.since, now()) end
where known.problem <> excluded.problem or known.checked_at < now() - interval '1 minute'

-- note_watch --
-- Every look is written: a trigger tells pages of it, which take a worker that is silent for dead.
insert into jobs.fold_watch (folded_until, missing, missing_since)
values (%(folded_until)s, %(missing)s, %(missing_since)s)
on conflict (only_row) do update
set checked_at = now(), folded_until = excluded.folded_until, missing = excluded.missing, missing_since = excluded.missing_since
