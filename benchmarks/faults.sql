-- shown --
-- How often each of these stands in the timeline.
select messages.provider_message_id, count(*)
from marts.messages
inner join marts.timeline using (message_id)
where messages.message_id = any(%(message_ids)s)
group by 1

-- landed_twice --
-- Of what was sent again because nobody had answered.
select connection_id || ' ' || delivery_key
from raw.webhook_deliveries
group by connection_id, delivery_key
having count(*) > 1

-- agree --
-- Whether what readers find agrees with itself.
select
    (select count(*) from canonical.messages where content_order is not null)
    = (select coalesce(sum(message_count), 0) from canonical.threads)
    and (select coalesce(sum(message_count), 0) from canonical.threads)
    = (select coalesce(sum(message_count), 0) from canonical.conversations)
    and (select count(*) from canonical.message_participants where is_first and not is_ours)
    = (select coalesce(sum(message_count), 0) from canonical.identities)
    and not exists (
        select from canonical.messages as messages
        where content_order is not null
            and not exists (select from canonical.message_participants as people where people.message_id = messages.message_id)
    )
