What was not understood, by kind: the channel, and the sentence that says why. Run as crm_app.

-- kinds --
-- Those of which admins want to be told first, the most frequent first; ignored ones stand in the list without an event, too, so that it can be undone.
select
    coalesce(found.channel, ignored.channel) as channel,
    coalesce(found.reason, ignored.reason) as reason,
    coalesce(found.events, 0) as events,
    found.connections,
    found.first_at,
    found.last_at,
    found.newest_ref,
    ignored.decision_id,
    ignored.ignored_at,
    ignored.ignored_by
from (
    select
        held.channel, held.reason, count(*) as events, array_agg(distinct coalesce(connections.name, held.connection_id)) as connections,
        min(held.received_at) as first_at, max(held.received_at) as last_at,
        (array_agg(held.raw_ref order by held.received_at desc, held.raw_ref desc))[1] as newest_ref
    from marts.quarantine as held
    left join crm.connections as connections on connections.connection_id = held.connection_id
    group by held.channel, held.reason
) as found
full join (select * from crm.ignored_kinds where ended_at is null) as ignored
    on ignored.channel = found.channel and ignored.reason = found.reason
order by ignored.decision_id is not null, found.events desc nulls last, 1, 2
limit %(most)s

-- rows_of_kind --
-- Raw rows behind the newest events of a kind, by their table. Everything behind the first separator is the row's id: dlt's ids may hold one too.
select
    split_part(raw_ref, '/', 1) as place,
    array_agg(distinct substr(split_part(raw_ref, '#', 1), length(split_part(raw_ref, '/', 1)) + 2)) as row_ids
from (
    select raw_ref from marts.quarantine
    where channel = %(channel)s and reason = %(reason)s
    order by received_at desc, raw_ref desc
    limit %(most)s
) as newest
group by 1
order by 1

-- read_again --
select raw.read_again(%(row_ids)s::uuid[])

-- is_ignored --
select true from crm.ignored_kinds where channel = %(channel)s and reason = %(reason)s and ended_at is null

-- is_known --
select true from marts.quarantine where channel = %(channel)s and reason = %(reason)s limit 1

-- ignore --
insert into crm.ignored_kinds (kind_id, decision_id, channel, reason, ignored_by)
values (%(kind_id)s, %(decision_id)s, %(channel)s, %(reason)s, %(by)s)
on conflict do nothing
returning kind_id

-- tell_again --
update crm.ignored_kinds set ended_at = now(), ended_by = %(by)s
where channel = %(channel)s and reason = %(reason)s and ended_at is null
