What reconciliation compares, as the loader: the doors of each message, never its text.

-- known_in_window --
-- Messages of a connection sent in a window, through whichever door.
select message_id
from canonical.doors
where connection_id = %(connection_id)s and sent_at >= %(window_start)s and sent_at < %(window_end)s

-- compare --
-- The doors of each message of a connection in a window. Notices of the provider itself stand in no history.
select
    message_id,
    direction,
    pushed_at is not null as is_pushed,
    pulled_at is not null as is_pulled,
    pushed_at - sent_at > make_interval(secs => %(late_seconds)s) as is_late,
    is_differing,
    is_unavailable,
    sent_at
from canonical.doors
where
    connection_id = %(connection_id)s
    and sent_at >= %(window_start)s
    and sent_at < %(window_end)s
    and kind <> 'system'
order by sort_key

-- spoken_of --
-- Messages that others of the window speak of and that never came.
select message_id, spoken_of
from canonical.referred
where
    channel = %(channel)s
    and (connection_id is null or connection_id = %(connection_id)s)
    and received_at >= %(window_start)s
order by message_id

-- first_delivery --
-- Since when the connection is there: before, no webhook could have brought anything.
select created_at from crm.connections where connection_id = %(connection_id)s
