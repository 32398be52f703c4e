-- Grain: one row per version of a message in the transcript.
select
    'raw_website_chat.messages/' || _dlt_id as raw_ref,
    connection_id::text as connection_id,
    transaction_id,
    pulled_at as received_at,
    payload,
    case when payload ->> 'text' is null then 'quarantined' else 'message' end as outcome,
    case when payload ->> 'text' is null then 'a chat message needs a text' end as reason
from {{ landed('raw_website_chat', 'messages') }} as history
