-- Grain: one row per row of Twilio's history: a version of a message, or a message known to be deleted.
select
    'raw_twilio_sms.messages/' || messages._dlt_id as raw_ref,
    messages.connection_id::text as connection_id,
    messages.sid::text as message_sid,
    messages.transaction_id,
    messages.pulled_at as received_at,
    messages.payload,
    messages.media,
    case
        when sid !~ '^(SM|MM)[0-9a-f]{32}$' then 'quarantined'
        when payload ->> 'account_sid' is distinct from connections.settings ->> 'account_sid' then 'quarantined'
        when {{ twilio_status("payload ->> 'status'") }} is null then 'quarantined'
        else 'message'
    end as outcome,
    case
        when sid !~ '^(SM|MM)[0-9a-f]{32}$' then 'sid is no message SID'
        when payload ->> 'account_sid' is distinct from connections.settings ->> 'account_sid'
            then 'account_sid is not that of the connection'
        when {{ twilio_status("payload ->> 'status'") }} is null then 'status has a word that is not known'
    end as reason
from {{ landed('raw_twilio_sms', 'messages') }} as messages
left join {{ source('crm', 'connections') }} as connections using (connection_id)

union all

select
    'raw_twilio_sms.removals/' || _dlt_id,
    connection_id::text,
    sid::text,
    transaction_id,
    noticed_at,
    null,
    null,
    'revision',
    null
from {{ landed('raw_twilio_sms', 'removals') }} as removals
