-- Grain: one row per sender and address that they asked answers to be sent to, where it is another one. Read from raw each time: the worker
-- asks for it when it looks for suggestions.
select
    'email:' || sender as identity,
    'email:' || address as reply_identity,
    count(distinct id) as mails,
    min(sent_at) as first_at,
    max(sent_at) as last_at
from (
    select
        id,
        {{ plausible_time('canonical.from_epoch_ms(internal_date)', 'pulled_at') }} as sent_at,
        {{ bounded_key(mail_address("envelope -> 'from'")) }} as sender,
        {{ bounded_key(mail_address('entry')) }} as address
    from {{ ref('stg_gmail__message_events') }}
    cross join lateral jsonb_array_elements(
        case jsonb_typeof(envelope -> 'reply_to') when 'array' then envelope -> 'reply_to' else '[]' end
    ) as entry
    where outcome = 'message'
) as told
where sender <> '' and address <> '' and sender <> address
group by sender, address
