-- deliveries_to_replay --
-- Deliveries by id, by time, or all those with an event in quarantine; a null asks for no such limit.
select delivery_id, received_at, content_type, query, body
from raw.webhook_deliveries as deliveries
where (%(delivery_id)s::uuid is null or delivery_id = %(delivery_id)s::uuid)
    and (%(since)s::timestamptz is null or received_at >= %(since)s)
    and (
        not %(quarantined)s
        or 'raw.webhook_deliveries/' || delivery_id in (
            -- As it was when the models read it: what a new connection or a new model would understand is there still.
            select split_part(raw_ref, '#', 1) from marts.quarantine where raw_ref like 'raw.webhook_deliveries/%%'
        )
    )
order by received_at, delivery_id

-- replay_delivery --
-- A new transaction id makes the delivery new again, so the next fold takes it in. Its body never changes.
update raw.webhook_deliveries
set payload = %(payload)s::jsonb,
    payload_error = %(payload_error)s,
    payload_repaired = %(payload_repaired)s,
    transaction_id = pg_current_xact_id()
where received_at = %(received_at)s and delivery_id = %(delivery_id)s

-- quarantined_history --
-- Everything behind the first separator is the row's id: dlt's ids may hold one too.
select
    split_part(raw_ref, '/', 1) as history_table,
    array_agg(substr(split_part(raw_ref, '#', 1), length(split_part(raw_ref, '/', 1)) + 2)) as row_ids
from marts.quarantine
where raw_ref not like 'raw.webhook_deliveries/%%'
group by 1
order by 1

-- forget_set_aside --
delete from canonical.set_aside
