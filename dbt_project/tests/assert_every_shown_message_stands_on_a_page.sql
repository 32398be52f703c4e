-- Every message that is shown has somebody outside under whom it is found: a timeline is a scan of their identity, and who belongs to no
-- customer waits in the queue.
select messages.message_id
from {{ ref('messages') }} as messages
where messages.content_order is not null
    and not coalesce(messages.participants @? '$[*] ? (@.is_ours == false && @.identity != null)', false)
