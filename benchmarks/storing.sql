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
            when die < 40 then 'sms_in' when die < 70 then 'sms_out' when die < 90 then 'mail_in' else 'mail_out'
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
values
    (%(sms_connection)s::text, 'twilio_sms', 'Benchmark SMS', jsonb_build_object('account_sid', %(account_sid)s::text), '', 'benchmark'),
    (%(mail_connection)s::text, 'gmail', 'Benchmark mail', jsonb_build_object('address', %(mailbox)s::text, 'own_domains', 'shop.example.com'), '', 'benchmark')

-- add_customers --
-- Two of three customers are known, the third part stays unassigned; customer 0 is known by phone and mail.
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
cross join lateral (values ('phone:' || phone), ('email:' || email)) as known (identity)

-- store_deliveries --
-- What the receiver lands: incoming messages, and a status for every third outgoing one.
with

posts as (

    select
        md5('delivery ' || n)::uuid as delivery_id,
        sent_at + interval '1 second' as received_at,
        case
            when kind = 'sms_in' then jsonb_build_object(
                'ToCountry', 'AU', 'ToState', '', 'SmsMessageSid', sid, 'NumMedia', '0', 'SmsSid', sid, 'SmsStatus', 'received',
                'Body', body, 'FromCountry', 'AU', 'To', %(our_number)s::text, 'NumSegments', '1', 'MessageSid', sid,
                'AccountSid', %(account_sid)s::text, 'From', phone, 'ApiVersion', '2010-04-01'
            )
            else jsonb_build_object(
                'SmsSid', sid, 'SmsStatus', 'delivered', 'MessageStatus', 'delivered', 'To', phone, 'MessageSid', sid,
                'AccountSid', %(account_sid)s::text, 'From', %(our_number)s::text, 'ApiVersion', '2010-04-01'
            )
        end as payload
    from bench.correspondence(%(first)s, %(last)s, %(customers)s, %(busy_every)s, %(busy_last)s, %(seconds_apart)s, %(behind)s)
    where kind = 'sms_in' or (kind = 'sms_out' and mod(n, 3) = 0)

),

keyed as (

    insert into raw.delivery_keys (connection_id, delivery_key, delivery_id, received_at)
    select %(sms_connection)s::text, encode(sha256(payload::text::bytea), 'hex'), delivery_id, received_at
    from posts
    -- Older ones are forgotten, see raw.forget_old_keys.
    where received_at > now() - interval '40 days'

)

insert into raw.webhook_deliveries (
    delivery_id, received_at, channel, connection_id, delivery_key, method, path, query, headers, content_type, body, payload
)
select
    delivery_id, received_at, 'twilio_sms', %(sms_connection)s::text, encode(sha256(payload::text::bytea), 'hex'), 'POST',
    '/webhooks/twilio_sms/' || %(sms_connection)s::text, '',
    jsonb_build_object(
        'host', 'crm.example.com', 'user-agent', 'TwilioProxy/1.1', 'accept', '*/*', 'i-twilio-idempotency-token', delivery_id,
        'content-type', 'application/x-www-form-urlencoded; charset=UTF-8', 'x-twilio-signature', md5(delivery_id::text)
    ),
    'application/x-www-form-urlencoded', convert_to(payload::text, 'UTF8'), payload
from posts

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
