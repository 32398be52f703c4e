From a message back to what was received.

-- raw_row --
select body, content_type, headers, received_at, connection_id, signature
from crm.raw_row(%(raw_ref)s)
where body is not null
