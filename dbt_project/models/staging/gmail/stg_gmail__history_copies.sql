-- Grain: one row per version of a mail that counts as correspondence.
with

mails as (

    select * from {{ ref('stg_gmail__message_events') }}
    where outcome = 'message'

),

own as materialized (

    select * from {{ ref('stg_gmail__own_addresses') }}

),

-- Who wrote it. Of mail from an own address that the admin named (a web form, a group) it is whom the mail itself names as its author.
authored as (

    select
        mails.*,
        own.mailbox as own_mailbox,
        'gmail|' || own.mailbox || '|' || id as own_message_id,
        author.address as sender,
        author.name as sender_name,
        author.sent_by,
        listed.people
    from mails
    inner join own using (connection_id)
    -- offset 0: evaluated once a mail, although several columns read it.
    cross join lateral (
        select
            nullif({{ bounded_key('told.written') }}, '') as address,
            nullif(coalesce(told.on_behalf, told.sender) ->> 'name', '') as name,
            case when told.on_behalf is not null then told.sender ->> 'address' end as sent_by,
            coalesce(told.on_behalf, envelope -> 'from', 'null') as author
        from (
            select named.*, {{ mail_address('coalesce(named.on_behalf, named.sender)') }} as written
            from (
            select
                nullif(envelope -> 'from', 'null') as sender,
                case when cardinality(own.forwarders) > 0 and {{ mail_address("envelope -> 'from'") }} = any(own.forwarders) then (
                    select entry
                    from jsonb_array_elements(
                        coalesce(nullif(jsonb_build_array(envelope -> 'original_from'), '[null]'), '[]')
                        || coalesce(nullif(envelope -> 'reply_to', 'null'), '[]')
                    ) with ordinality as named (entry, position)
                    where {{ mail_address('entry') }} <> '' and not {{ is_own_address(mail_address('entry'), 'own') }}
                    order by position
                    limit 1
                ) end as on_behalf
            ) as named
            offset 0
        ) as told
        offset 0
    ) as author
    cross join lateral (
        select
        (
            select jsonb_agg(
                jsonb_build_object(
                    'identity', 'email:' || address, 'role', role,
                    'is_ours', {{ is_own_address('address', 'own') }}, 'name', name, 'address', address
                ) order by role_number, position
            )
            from (
                select distinct on (role, address) role, role_number, position, {{ bounded_key('name') }} as name, address
                from (
                    select role, role_number, position, nullif(entry ->> 'name', '') as name, {{ bounded_key('written') }} as address
                    from (
                        select role, role_number, position, entry, {{ mail_address('entry') }} as written
                        from (values ('to', 1), ('cc', 2), ('bcc', 3)) as roles (role, role_number)
                        cross join {{ numbered_elements_of('envelope -> role') }} as listed (entry, position)

                        union all

                        select 'from', 0, 1, author.author, {{ mail_address('author.author') }}
                        offset 0
                    ) as listed
                    offset 0
                ) as named
                where address <> ''
                order by role, address, position
            ) as people
        ) as people
        offset 0
    ) as listed

),

-- Gmail's label says that we sent it. Our own domain as the sender says so only where it went to somebody else: a mail among ourselves,
-- or from a form of ours that names another address for the answer, has come in.
addressed as (

    select
        authored.*,
        label_ids ? 'SENT' or (
            sender_is_ours and goes_outside and not (label_ids ? 'INBOX' and is_answered_elsewhere)
        ) as is_outbound,
        sender is not null and not sender_is_ours as is_from_outside,
        goes_outside
    from authored
    inner join own using (connection_id)
    cross join lateral (
        select
            {{ is_own_address('sender', 'own') }} as sender_is_ours,
            coalesce(people @? '$[*] ? (@.role != "from" && @.is_ours == false)', false) as goes_outside,
            exists (
                select from jsonb_array_elements(case jsonb_typeof(envelope -> 'reply_to') when 'array' then envelope -> 'reply_to' else '[]' end) as entry
                where {{ mail_address('entry') }} <> '' and not {{ is_own_address(mail_address('entry'), 'own') }}
            ) as is_answered_elsewhere
        offset 0
    ) as judged

),

messages as (

    select
        addressed.*,
        -- people
        case when is_outbound then 'outbound' else 'inbound' end as direction,
        sender as from_address,
        {{ bounded_key("coalesce(sender_name, case when sender is null then nullif(envelope ->> 'from_text', '') end)") }} as from_name,
        array(
            select person ->> 'address' from jsonb_array_elements(people) with ordinality as listed (person, position)
            where person ->> 'role' <> 'from'
            group by person ->> 'address'
            order by min(position)
        ) as to_addresses,
        -- Whoever cannot be told stands for this one mail, so that it waits in the queue like a stranger's.
        case
            when is_outbound and goes_outside then (
                select person ->> 'identity' from jsonb_array_elements(people) with ordinality as listed (person, position)
                where person ->> 'role' <> 'from' and not (person ->> 'is_ours')::boolean
                order by position limit 1
            )
            when not is_outbound and is_from_outside then 'email:' || sender
            else {{ nobody('own_message_id') }}
        end as counterpart_identity,
        own_mailbox || '|' || {{ bounded_key('thread_id') }} as thread_key,
        -- content
        'email'::text as kind,
        nullif(envelope ->> 'subject', '') as subject,
        coalesce(body_text, '') as body,
        body_quoted as quoted_body,
        coalesce(
            (
                select jsonb_agg(
                    jsonb_build_object(
                        'attachment_id', id || '|' || (item ->> 'part_id'),
                        'content_type', item ->> 'content_type', 'filename', item ->> 'filename',
                        'size_bytes', item -> 'size_bytes', 'state', 'stored', 'is_inline', item -> 'is_inline',
                        'content_id', item -> 'content_id', 'mail', item -> 'mail', 'event', item -> 'event', 'cards', item -> 'cards',
                        'source', jsonb_build_object('kind', 'mail_part', 'sha256', raw_sha256, 'part_id', item -> 'part_id')
                    ) order by position
                )
                from jsonb_array_elements(case jsonb_typeof(attachments) when 'array' then attachments else '[]' end)
                    with ordinality as listed (item, position)
            ),
            '[]'
        ) as attachments_listed,
        -- A mail with SENT whose From is unknown to us is outbound all the same, and its sender is one of us.
        (
            case
                when is_outbound then (
                    select jsonb_agg(
                        case when person ->> 'role' = 'from' then person || '{"is_ours": true}' else person end order by position
                    )
                    from jsonb_array_elements(people) with ordinality as listed (person, position)
                )
                else coalesce(people, '[]')
            end
        ) || case
            when case when is_outbound then not goes_outside else not is_from_outside end then
                jsonb_build_array(jsonb_build_object(
                    'identity', {{ nobody('own_message_id') }}, 'role', 'from', 'is_ours', false,
                    'name', {{ bounded_key("coalesce(sender_name, envelope ->> 'from_text')") }}, 'address', null
                ))
            else '[]'
        end as participants,
        null::text as in_reply_to,
        {{ bounded_key("nullif(envelope ->> 'message_id', '')") }} as reference_id,
        -- What a mail system reports about is what its report answers.
        {{ bounded_key("coalesce(nullif(envelope #>> '{report,message_id}', ''), nullif(envelope ->> 'in_reply_to', ''))") }} as in_reply_to_reference,
        -- times
        {{ plausible_time('canonical.from_epoch_ms(internal_date)', 'pulled_at') }} as provider_time,
        -- A better parser says what an earlier one said otherwise; so that it can take something back, what is not so is false.
        lpad(history_id, 20, '0') || '.' || lpad(parser_version::text, 6, '0') as label_version,
        {{ object_of_texts([
            ('rfc822_message_id', "nullif(envelope ->> 'message_id', '')"),
            ('list_id', "nullif(envelope ->> 'list_id', '')"),
            ('sent_by', 'sent_by'),
            ('whole_name', whole_name('sender_name')),
            ('date_header', "nullif(envelope ->> 'date', '')"),
            ('body_format', 'body_format'),
            ('raw_sha256', 'raw_sha256'),
            ('implausible_time', implausible_time('canonical.from_epoch_ms(internal_date)', 'pulled_at')),
        ]) }} || jsonb_build_object(
            'labels', label_ids,
            'reply_to', nullif(envelope -> 'reply_to', '[]'),
            'delivered_to', nullif(envelope -> 'delivered_to', '[]'),
            'report', nullif(envelope -> 'report', 'null'),
            'cc', nullif(envelope -> 'cc', '[]'),
            'bcc', nullif(envelope -> 'bcc', '[]'),
            'raw_size_bytes', raw_size_bytes,
            'parse_notes', parse_notes
        ) || case
            -- Of most none of these holds.
            when label_ids ? 'TRASH' or 'true' in (
                envelope ->> 'is_bulk', envelope ->> 'is_automatic', envelope ->> 'is_auto_reply', envelope ->> 'is_bounce'
            ) then jsonb_build_object(
                'trashed', case when label_ids ? 'TRASH' then true else false end,
                'is_bulk', coalesce(envelope -> 'is_bulk' = 'true', false),
                'is_automatic', coalesce(envelope -> 'is_automatic' = 'true', false),
                'is_auto_reply', coalesce(envelope -> 'is_auto_reply' = 'true', false),
                'is_bounce', coalesce(envelope -> 'is_bounce' = 'true', false)
            )
            else jsonb '{"trashed": false, "is_bulk": false, "is_automatic": false, "is_auto_reply": false, "is_bounce": false}'
        end as metadata
    from addressed

),

contract as (

    select
        id, own_message_id, raw_ref, pulled_at, transaction_id, parser_version, provider_time, label_version, metadata, is_outbound,
        connection_id, direction, from_address, from_name, to_addresses, counterpart_identity, thread_key, kind, subject,
        body, quoted_body, attachments_listed as attachments, coalesce(participants, '[]') as participants, in_reply_to,
        reference_id, in_reply_to_reference
    from messages

),

copies as (

    select
        own_message_id as message_id,
        'gmail' as channel,
        id as provider_message_id,
        {{ content_order("'1'", "lpad(parser_version::text, 6, '0')") }} as content_order,
        {{ content_columns() | join(',\n        ') }},
        coalesce(provider_time, pulled_at) as sent_at,
        provider_time is null as sent_at_is_receipt,
        pulled_at as received_at,
        {{ status_order("case when is_outbound then 'sent' else 'received' end") }} as status_order,
        false as is_deleted,
        {{ fact('raw_ref', "'history'", 'pulled_at', 'label_version', 'metadata', content='md5(body)') }} as facts,
        null::text as moved_to,
        transaction_id,
        raw_ref
    from contract

)

select {{ typed_copy_columns() }} from copies
