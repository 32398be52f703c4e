-- Grain: one row per row of Twilio's history: a version of a message, or a message known to be deleted.
{% set cases = [
    ("not (canonical.is_sid(sid, 'SM') or canonical.is_sid(sid, 'MM'))", "quarantined", "'sid is no message SID'"),
    ("account_sid is distinct from connection_account_sid", "quarantined", "'account_sid is not that of the connection'"),
    (twilio_status('status_word') ~ " is null", "quarantined", "'status has a word that is not known'"),
    ("coalesce(direction, '') not in ('inbound', 'outbound-api', 'outbound-call', 'outbound-reply')", "quarantined", "'direction has a word that is not known'"),
    ("true", "message", "null"),
] %}
select
    'raw_twilio_sms.messages/' || messages._dlt_id as raw_ref,
    messages.connection_id::text as connection_id,
    messages.sid::text as message_sid,
    messages.transaction_id,
    messages.pulled_at as received_at,
    messages.payload,
    messages.media,
    {{ verdict_outcome(cases, 'verdict.number') }} as outcome,
    {{ verdict_reason(cases, 'verdict.number') }} as reason
from {{ landed('raw_twilio_sms', 'messages') }} as messages
left join {{ source('crm', 'connections') }} as connections using (connection_id)
cross join lateral (
    select {{ verdict_case(cases) }} as number
    from (
        select payload ->> 'account_sid' as account_sid, payload ->> 'status' as status_word, payload ->> 'direction' as direction, connections.settings ->> 'account_sid' as connection_account_sid
        offset 0
    ) as told
    offset 0
) as verdict

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
