-- Grain: one row per version of a mail that counts as correspondence.
with

mails as (

    select * from {{ ref('stg_gmail__message_events') }}
    where outcome = 'message'

),

own as materialized (

    select * from {{ ref('stg_gmail__own_addresses') }}

),

addressed as (

    select
        mails.*,
        own.mailbox as own_mailbox,
        nullif(lower(trim(envelope #>> '{from,address}')), '') as sender,
        {{ is_own_address("lower(trim(envelope #>> '{from,address}'))", 'own') }} or label_ids ? 'SENT' as is_outbound,
        listed.people
    from mails
    inner join own using (connection_id)
    -- offset 0: evaluated once a mail, although several columns read it.
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
                select distinct on (role, address)
                    role, role_number, position, nullif(entry ->> 'name', '') as name, lower(trim(entry ->> 'address')) as address
                from (values ('from', 0), ('to', 1), ('cc', 2), ('bcc', 3)) as roles (role, role_number)
                cross join lateral jsonb_array_elements(
                    case jsonb_typeof(envelope -> role)
                        when 'array' then envelope -> role
                        when 'object' then jsonb_build_array(envelope -> role)
                        else '[]'
                    end
                ) with ordinality as listed (entry, position)
                where trim(entry ->> 'address') <> ''
                order by role, address, position
            ) as people
        ) as people
        offset 0
    ) as listed

),

messages as (

    select
        addressed.*,
        -- people
        case when is_outbound then 'outbound' else 'inbound' end as direction,
        sender as from_address,
        nullif(envelope #>> '{from,name}', '') as from_name,
        array(
            select person ->> 'address' from jsonb_array_elements(people) with ordinality as listed (person, position)
            where person ->> 'role' <> 'from'
            group by person ->> 'address'
            order by min(position)
        ) as to_addresses,
        case
            when not is_outbound then 'email:' || sender
            else (
                select person ->> 'identity' from jsonb_array_elements(people) with ordinality as listed (person, position)
                where person ->> 'role' <> 'from' and not (person ->> 'is_ours')::boolean
                order by position limit 1
            )
        end as counterpart_identity,
        own_mailbox || '|' || thread_id as thread_key,
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
                        'source', jsonb_build_object('kind', 'mail_part', 'sha256', raw_sha256, 'part_id', item -> 'part_id')
                    ) order by position
                )
                from jsonb_array_elements(case jsonb_typeof(attachments) when 'array' then attachments else '[]' end)
                    with ordinality as listed (item, position)
            ),
            '[]'
        ) as attachments_listed,
        -- A mail with SENT whose From is unknown to us is outbound all the same, and its sender is one of us.
        case
            when is_outbound then (
                select jsonb_agg(
                    case when person ->> 'role' = 'from' then person || '{"is_ours": true}' else person end order by position
                )
                from jsonb_array_elements(people) with ordinality as listed (person, position)
            )
            else people
        end as participants,
        null::text as in_reply_to,
        nullif(envelope ->> 'message_id', '') as reference_id,
        nullif(envelope ->> 'in_reply_to', '') as in_reply_to_reference,
        -- times
        {{ plausible_time('canonical.from_epoch_ms(internal_date)', 'pulled_at') }} as provider_time,
        lpad(history_id, 20, '0') as label_version,
        jsonb_strip_nulls(jsonb_build_object(
            'labels', label_ids,
            'trashed', case when label_ids ? 'TRASH' then true else false end,
            'rfc822_message_id', nullif(envelope ->> 'message_id', ''),
            'list_id', nullif(envelope ->> 'list_id', ''),
            'reply_to', nullif(envelope -> 'reply_to', '[]'),
            'delivered_to', nullif(envelope -> 'delivered_to', '[]'),
            'is_bulk', case when (envelope ->> 'is_bulk')::boolean then true end,
            'is_automatic', case when (envelope ->> 'is_automatic')::boolean then true end,
            'is_bounce', case when (envelope ->> 'is_bounce')::boolean then true end,
            'date_header', nullif(envelope ->> 'date', ''),
            'body_format', body_format,
            'raw_sha256', raw_sha256,
            'raw_size_bytes', raw_size_bytes,
            'parse_notes', nullif(parse_notes, '[]'),
            'implausible_time', {{ implausible_time('canonical.from_epoch_ms(internal_date)', 'pulled_at') }}
        )) as metadata
    from addressed

),

contract as (

    select
        id, own_mailbox, raw_ref, pulled_at, transaction_id, parser_version, provider_time, label_version, metadata, is_outbound,
        connection_id, direction, from_address, from_name, to_addresses, counterpart_identity, thread_key, kind, subject,
        body, quoted_body, attachments_listed as attachments, coalesce(participants, '[]') as participants, in_reply_to,
        reference_id, in_reply_to_reference
    from messages

),

copies as (

    select
        'gmail|' || own_mailbox || '|' || id as message_id,
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
        transaction_id
    from contract

)

select {{ typed_copy_columns() }} from copies
