-- make_correspondence --
-- Invented correspondence, the same for the same numbers: message `n` with its customer, door and time. One customer,
-- 0, has message n where n is a multiple of busy_every up to busy_last; the others share the rest.
create schema bench;

create function bench.correspondence(
    first bigint, last bigint, customers bigint, busy_every bigint, busy_last bigint, seconds_apart double precision, behind bigint
) returns table (
    n bigint, customer bigint, phone text, email text, kind text, sent_at timestamptz, sid text, body text
)
language sql stable as $$
    select
        n,
        customer,
        -- Numbers and domains that are kept for fiction.
        case
            when customer = 0 then '+61491570006'
            else '+61' || (array[2, 3, 7, 8])[1 + mod(customer, 4)] || '5550' || lpad((customer / 4)::text, 4, '0')
        end,
        case when customer = 0 then 'regular@example.net' else 'customer' || customer || '@example.org' end,
        case
            when die < 20 then 'sms_in' when die < 35 then 'sms_out' when die < 45 then 'mail_in' when die < 50 then 'mail_out'
            when die < 65 then 'whatsapp_in' when die < 75 then 'whatsapp_out' when die < 85 then 'call'
            when die < 92 then 'messenger_in' when die < 95 then 'messenger_out' else 'instagram_in'
        end,
        -- The last message, and `behind` further ones to come, end one minute ago.
        date_trunc('second', now() - interval '1 minute' - make_interval(secs => seconds_apart * (behind + last - n))),
        'SM' || lpad(to_hex(n), 32, '0'),
        'Message ' || n || ': ' || (array[
            'is my bike ready? I could come by on Thursday after four.', 'thank you, that was quick!',
            'the rear brake squeals again. Can you have a look at it this week? 🚲', 'yes', 'المفتاح معي، سأصل غدا',
            'your order left our workshop today and should arrive within three working days.',
            'could you send the invoice again, with the ABN of our club on it? Our treasurer asks for it.'
        ])[1 + mod(n, 7)]
    from (
        select
            numbers.n,
            mod(abs(hashint8(numbers.n)::bigint), 100) as die,
            case
                when mod(numbers.n, busy_every) = 0 and numbers.n <= busy_last then 0
                else 1 + mod(abs(hashint8(numbers.n + 7)::bigint), customers)
            end as customer
        from generate_series(first, last) as numbers (n)
    ) as thrown
$$;

-- make_words --
-- Texts in which words are as common as in a natural language (the n-th as often as the first divided by n) and none of the seven above.
create function bench.words(n bigint) returns text
language sql immutable parallel safe as $$
    select string_agg('word' || floor(power(50000, (abs(hashint8extended(n, place)) / 9223372036854775807.0))), ' ')
    from generate_series(1, 6 + mod(abs(hashint8(n)), 19)) as places (place)
$$

-- keep_plain --
alter function bench.correspondence(bigint, bigint, bigint, bigint, bigint, double precision, bigint) rename to plain_correspondence

-- correspond_in_words --
create function bench.correspondence(
    first bigint, last bigint, customers bigint, busy_every bigint, busy_last bigint, seconds_apart double precision, behind bigint
) returns table (
    n bigint, customer bigint, phone text, email text, kind text, sent_at timestamptz, sid text, body text
)
language sql stable as $$
    select n, customer, phone, email, kind, sent_at, sid, bench.words(n)
    from bench.plain_correspondence(first, last, customers, busy_every, busy_last, seconds_apart, behind)
$$

-- past_partitions --
-- Statements that make the months before this one, as a year of use would have.
select format(
    'create table if not exists raw.webhook_deliveries_%%s partition of raw.webhook_deliveries for values from (%%L) to (%%L)',
    to_char(month, 'YYYY_MM'), month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC'
)
from generate_series(
    date_trunc('month', now() at time zone 'UTC') - interval '12 months',
    date_trunc('month', now() at time zone 'UTC') - interval '1 month',
    interval '1 month'
) as month

-- add_connections --
insert into crm.connections (connection_id, channel, name, settings, secrets, created_by)
select connection_id, channel, 'Benchmark', settings, '', 'benchmark'
from (
    values
        (%(sms_connection)s::text, 'twilio_sms', jsonb_build_object('account_sid', %(account_sid)s::text)),
        (%(mail_connection)s::text, 'gmail', jsonb_build_object('address', %(mailbox)s::text, 'own_domains', 'shop.example.com')),
        (%(voice_connection)s::text, 'twilio_voice', jsonb_build_object('account_sid', %(account_sid)s::text)),
        (
            %(whatsapp_connection)s::text, 'whatsapp',
            jsonb_build_object('phone_number_id', %(phone_number_id)s::text, 'business_account_id', %(business_account_id)s::text)
        ),
        (%(messenger_connection)s::text, 'messenger', jsonb_build_object('page_id', %(page_id)s::text)),
        (%(instagram_connection)s::text, 'instagram', jsonb_build_object('account_id', %(account_id)s::text))
) as connections (connection_id, channel, settings)

-- add_customers --
-- Two of three customers are known by phone and mail, the third part stays unassigned; customer 0 is known on every channel.
with

people as (

    select
        customer,
        'customer-' || customer as customer_id,
        case
            when customer = 0 then '+61491570006'
            else '+61' || (array[2, 3, 7, 8])[1 + mod(customer, 4)] || '5550' || lpad((customer / 4)::text, 4, '0')
        end as phone,
        case when customer = 0 then 'regular@example.net' else 'customer' || customer || '@example.org' end as email
    from generate_series(0, %(customers)s::bigint) as numbers (customer)
    where mod(customer, 3) <> 2

),

added as (

    insert into crm.customers (customer_id, name, created_by)
    select customer_id, 'Customer ' || customer, 'benchmark' from people

)

insert into crm.identity_links (link_id, decision_id, identity, customer_id, linked_by, reason)
select md5(identity), md5(customer_id), identity, customer_id, 'benchmark', 'made for the benchmark'
from people
cross join lateral (
    values
        ('phone:' || phone), ('email:' || email),
        (case when customer = 0 then 'psid:' || %(page_id)s::text || ':7000000000000000' end),
        (case when customer = 0 then 'igsid:' || %(account_id)s::text || ':7000000000000000' end)
) as known (identity)
where identity is not null

-- store_deliveries --
-- What the receivers land: incoming messages, and what tells of outgoing ones. A call is one callback for itself, and for every third
-- one more for the leg that was dialled; an outgoing message of WhatsApp is an echo and a status; of every third message to
-- Messenger a receipt says how far its thread was read.
with

messages as (

    select
        messages.*,
        ltrim(phone, '+') as digits,
        'AU.' || 1000000000 + customer as user_id,
        (7000000000000000 + customer)::text as person,
        extract(epoch from sent_at)::bigint as seconds,
        'CA' || lpad(to_hex(n), 32, '0') as call_sid
    from bench.correspondence(%(first)s, %(last)s, %(customers)s, %(busy_every)s, %(busy_last)s, %(seconds_apart)s, %(behind)s) as messages

),

posts as (

    select n, 1 as part, sent_at, 'twilio_sms' as channel, %(sms_connection)s::text as connection_id, jsonb_build_object(
        'ToCountry', 'AU', 'ToState', '', 'SmsMessageSid', sid, 'NumMedia', '0', 'SmsSid', sid, 'SmsStatus', 'received',
        'Body', body, 'FromCountry', 'AU', 'To', %(our_number)s::text, 'NumSegments', '1', 'MessageSid', sid,
        'AccountSid', %(account_sid)s::text, 'From', phone, 'ApiVersion', '2010-04-01'
    ) as payload
    from messages where kind = 'sms_in'

    union all

    select n, 1, sent_at, 'twilio_sms', %(sms_connection)s::text, jsonb_build_object(
        'SmsSid', sid, 'SmsStatus', 'delivered', 'MessageStatus', 'delivered', 'To', phone, 'MessageSid', sid,
        'AccountSid', %(account_sid)s::text, 'From', %(our_number)s::text, 'ApiVersion', '2010-04-01'
    )
    from messages where kind = 'sms_out' and mod(n, 3) = 0

    union all

    select n, part, sent_at, 'twilio_voice', %(voice_connection)s::text, jsonb_build_object(
        'AccountSid', %(account_sid)s::text, 'ApiVersion', '2010-04-01', 'CallStatus', 'completed', 'CallDuration', '60',
        'CallbackSource', 'call-progress-events', 'SequenceNumber', '0', 'From', phone, 'FromCountry', 'AU',
        'To', case part when 1 then %(our_number)s::text else '+61491570159' end,
        'Direction', case part when 1 then 'inbound' else 'outbound-dial' end,
        'CallSid', case part when 1 then call_sid else 'CA' || md5(call_sid) end,
        'Timestamp', to_char(sent_at at time zone 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS +0000')
    ) || case part when 1 then '{}' else jsonb_build_object('ParentCallSid', call_sid) end
    from messages cross join (values (1), (2)) as parts (part)
    where kind = 'call' and (part = 1 or mod(n, 3) = 0)

    union all

    select n, part, sent_at, 'whatsapp', %(whatsapp_connection)s::text, jsonb_build_object('object', 'whatsapp_business_account', 'entry', jsonb_build_array(
        jsonb_build_object('id', %(business_account_id)s::text, 'changes', jsonb_build_array(jsonb_build_object(
            'field', case when kind = 'whatsapp_out' and part = 1 then 'smb_message_echoes' else 'messages' end,
            'value', jsonb_build_object(
                'messaging_product', 'whatsapp',
                'metadata', jsonb_build_object('display_phone_number', ltrim(%(our_number)s::text, '+'), 'phone_number_id', %(phone_number_id)s::text),
                'contacts', jsonb_build_array(jsonb_build_object('profile', jsonb_build_object('name', 'Customer ' || customer), 'wa_id', digits, 'user_id', user_id)),
                case when kind = 'whatsapp_in' then 'messages' when part = 1 then 'message_echoes' else 'statuses' end,
                jsonb_build_array(jsonb_build_object('id', 'wamid.' || n || '=', 'timestamp', seconds::text) || case
                    when kind = 'whatsapp_in' then jsonb_build_object('from', digits, 'from_user_id', user_id, 'type', 'text', 'text', jsonb_build_object('body', body))
                    when part = 1 then jsonb_build_object('from', ltrim(%(our_number)s::text, '+'), 'to', digits, 'type', 'text', 'text', jsonb_build_object('body', body))
                    else jsonb_build_object('status', 'read', 'recipient_id', digits, 'recipient_user_id', user_id)
                end)
            )
        )))
    ))
    from messages cross join (values (1), (2)) as parts (part)
    where kind = 'whatsapp_in' and part = 1 or kind = 'whatsapp_out'

    union all

    select n, part, sent_at, channel, case channel when 'messenger' then %(messenger_connection)s::text else %(instagram_connection)s::text end,
        jsonb_build_object('object', case channel when 'messenger' then 'page' else 'instagram' end, 'entry', jsonb_build_array(
            jsonb_build_object('id', account, 'time', seconds * 1000, 'messaging', jsonb_build_array(jsonb_build_object(
                'sender', jsonb_build_object('id', case when kind = 'messenger_out' and part = 1 then account else person end),
                'recipient', jsonb_build_object('id', case when kind = 'messenger_out' and part = 1 then person else account end),
                'timestamp', seconds * 1000
            ) || case
                when part = 2 then jsonb_build_object('read', jsonb_build_object('watermark', seconds * 1000))
                when kind = 'messenger_out' then jsonb_build_object('message', jsonb_build_object('mid', 'm_' || n, 'text', body, 'is_echo', true))
                else jsonb_build_object('message', jsonb_build_object('mid', 'm_' || n, 'text', body))
            end))
        ))
    from (
        select *, case when kind like 'messenger%%' then 'messenger' else 'instagram' end as channel,
            case when kind like 'messenger%%' then %(page_id)s::text else %(account_id)s::text end as account
        from messages where kind in ('messenger_in', 'messenger_out', 'instagram_in')
    ) as chats
    cross join (values (1), (2)) as parts (part)
    where part = 1 or kind = 'messenger_out' and mod(n, 3) = 0

),

deliveries as (

    select
        md5('delivery ' || n || ' ' || part)::uuid as delivery_id, sent_at + make_interval(secs => part) as received_at, channel, connection_id, payload,
        encode(sha256(payload::text::bytea), 'hex') as delivery_key,
        case when channel like 'twilio%%' then 'application/x-www-form-urlencoded' else 'application/json' end as content_type
    from posts

),

keyed as (

    insert into raw.delivery_keys (connection_id, delivery_key, delivery_id, received_at)
    select connection_id, delivery_key, delivery_id, received_at
    from deliveries
    -- Older ones are forgotten, see raw.forget_old_keys.
    where received_at > now() - interval '40 days'

)

insert into raw.webhook_deliveries (
    delivery_id, received_at, channel, connection_id, delivery_key, method, path, query, headers, content_type, body, payload
)
select
    delivery_id, received_at, channel, connection_id, delivery_key, 'POST', '/webhooks/' || channel || '/' || connection_id, '',
    jsonb_build_object(
        'host', 'crm.example.com', 'user-agent', 'benchmark', 'accept', '*/*', 'i-twilio-idempotency-token', delivery_id,
        'content-type', content_type, 'x-hub-signature-256', md5(delivery_id::text)
    ),
    content_type, convert_to(payload::text, 'UTF8'), payload
from deliveries

-- store_sms_history --
-- What a pull loads: every outgoing message, and every second incoming one, which the webhook brought too.
insert into raw_twilio_sms.messages (connection_id, sid, version, payload, media, sent_at, pulled_at, _dlt_load_id, _dlt_id)
select
    %(sms_connection)s::text, sid, encode(sha256(sid::bytea), 'hex'),
    jsonb_build_object(
        'sid', sid, 'account_sid', %(account_sid)s::text, 'body', body, 'num_media', '0', 'num_segments', '1', 'price', '-0.0515',
        'price_unit', 'USD', 'api_version', '2010-04-01', 'error_code', null, 'error_message', null,
        'messaging_service_sid', null, 'uri', '/2010-04-01/Accounts/' || %(account_sid)s::text || '/Messages/' || sid || '.json',
        'from', case when kind = 'sms_in' then phone else %(our_number)s::text end,
        'to', case when kind = 'sms_in' then %(our_number)s::text else phone end,
        'direction', case when kind = 'sms_in' then 'inbound' else 'outbound-api' end,
        'status', case when kind = 'sms_in' then 'received' else 'sent' end,
        'date_created', to_char(sent_at at time zone 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS +0000'),
        'date_sent', to_char(sent_at at time zone 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS +0000'),
        'date_updated', to_char(sent_at at time zone 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS +0000')
    ),
    '[]', sent_at, sent_at + interval '5 minutes', 'benchmark', md5('history ' || n)
from bench.correspondence(%(first)s, %(last)s, %(customers)s, %(busy_every)s, %(busy_last)s, %(seconds_apart)s, %(behind)s)
where kind = 'sms_out' or (kind = 'sms_in' and mod(n, 2) = 0)

-- store_mails --
-- What a pull of Gmail loads, a fifth of it in threads of several messages.
insert into raw_gmail.messages (
    connection_id, mailbox, id, thread_id, history_id, label_ids, internal_date, size_estimate, version, raw_sha256,
    raw_size_bytes, envelope, body_text, body_quoted, body_format, attachments, parser_version, parse_notes, pulled_at,
    _dlt_load_id, _dlt_id
)
select
    %(mail_connection)s::text, %(mailbox)s::text, lpad(to_hex(n), 16, '0'), lpad(to_hex(n / 5), 16, '0'), (1000 + n)::text,
    case when kind = 'mail_in' then '["INBOX"]' else '["SENT"]' end::jsonb, (extract(epoch from sent_at) * 1000)::bigint::text,
    4000, encode(sha256(('mail ' || n)::bytea), 'hex'), encode(sha256(('raw ' || n)::bytea), 'hex'), 4000,
    jsonb_build_object(
        'from', jsonb_build_object('name', 'Sender', 'address', case when kind = 'mail_in' then email else %(mailbox)s::text end),
        'to', jsonb_build_array(
            jsonb_build_object('name', null, 'address', case when kind = 'mail_in' then %(mailbox)s::text else email end)
        ),
        'cc', '[]'::jsonb, 'bcc', '[]'::jsonb, 'reply_to', '[]'::jsonb, 'subject', 'Order ' || n / 5,
        'message_id', '<' || n || '@mail.example.org>', 'references', '[]'::jsonb, 'is_bulk', false, 'is_automatic', false,
        'is_bounce', false,
        'in_reply_to', case when mod(n, 5) > 0 then '<' || n - 1 || '@mail.example.org>' end
    ),
    repeat(body || E'\n\n', 6), case when mod(n, 5) > 0 then repeat('> ' || body || E'\n', 4) end, 'plain', '[]', 1, '[]',
    sent_at + interval '10 seconds', 'benchmark', md5('mail row ' || n)
from bench.correspondence(%(first)s, %(last)s, %(customers)s, %(busy_every)s, %(busy_last)s, %(seconds_apart)s, %(behind)s)
where kind in ('mail_in', 'mail_out')

-- count_messages --
select count(*) from canonical.messages where content_order is not null

-- analyze --
vacuum analyze
