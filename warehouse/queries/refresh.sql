-- set_target --
-- Everything that a finished transaction below the oldest running one has written is in reach: a row with a smaller
-- sequence number may commit later, a row with a smaller transaction id than this horizon may not.
update canonical.horizon
set target = greatest(processed, pg_snapshot_xmin(pg_current_snapshot()))
returning target::text as target

-- finish --
update canonical.horizon set processed = target

-- is_built --
select fingerprint = %(fingerprint)s as is_built from canonical.built

-- set_built --
update canonical.built set fingerprint = %(fingerprint)s, built_at = now()

-- begin_refresh --
insert into canonical.refreshes (target) select target from canonical.horizon returning started_at

-- end_refresh --
update canonical.refreshes
set finished_at = clock_timestamp(),
    error = %(error)s,
    seconds = extract(epoch from clock_timestamp() - started_at)
where started_at = %(started_at)s

-- forget_refreshes --
delete from canonical.refreshes
where started_at < now() - interval '7 days'
    and started_at < (select max(started_at) from canonical.refreshes where error is null and finished_at is not null)

-- is_processed --
select processed >= %(transaction_id)s::xid8 as is_processed from canonical.horizon

-- current_transaction --
select pg_current_xact_id()::text as transaction_id

-- hash_of_messages --
-- One number for the whole table: equal rows in any order give equal sums. folded_for and left_behind are left out, they name the refresh
-- and not the message.
select
    count(*) as rows,
    coalesce(sum(hashtextextended((to_jsonb(messages) - array['folded_for', 'left_behind'])::text, 0)::numeric), 0)::text as hash
from canonical.messages as messages
