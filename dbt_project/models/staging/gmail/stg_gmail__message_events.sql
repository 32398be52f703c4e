-- Grain: one row per version of a mail in Gmail's history (docs/providers/google.md).
select
    'raw_gmail.messages/' || _dlt_id as raw_ref,
    *,
    case
        when label_ids ?| array['DRAFT', 'SCHEDULED', 'SPAM', 'CHAT'] then 'ignored'
        else 'message'
    end as outcome,
    case
        when label_ids ? 'DRAFT' then 'a draft: it is unsent'
        when label_ids ? 'SCHEDULED' then 'a scheduled mail: it is not sent yet'
        when label_ids ? 'SPAM' then 'spam, until Gmail''s label goes'
        when label_ids ? 'CHAT' then 'a chat of Google Talk'
    end as reason
from {{ landed('raw_gmail', 'messages') }} as messages
