-- Grain: one row per message of the web site's chat, as its webhook tells it.
with

read as not materialized (

    select
        events.*,
        connections.settings ->> 'address' as our_address,
        payload ->> 'from' as from_address,
        payload ->> 'visitor' as visitor,
        payload ->> 'from' = connections.settings ->> 'address' as is_outbound,
        {{ plausible_time("canonical.try_timestamptz(payload ->> 'at')", 'received_at') }} as provider_time
    from {{ ref('stg_website_chat__webhook_events') }} as events
    inner join {{ source('crm', 'connections') }} as connections using (connection_id)
    where outcome = 'message'

),

messages as not materialized (

    select
        read.*,
        case when is_outbound then 'outbound' else 'inbound' end as direction,
        payload ->> 'name' as from_name,
        array[case when is_outbound then visitor else our_address end] as to_addresses,
        'email:' || lower(visitor) as counterpart_identity,
        our_address || '|' || visitor as thread_key,
        'text'::text as kind,
        null::text as subject,
        payload ->> 'text' as body,
        null::text as quoted_body,
        '[]'::jsonb as attachments,
        jsonb_build_array(
            jsonb_build_object(
                'identity', 'email:' || lower(visitor), 'role', case when is_outbound then 'to' else 'from' end,
                'is_ours', false, 'name', null, 'address', visitor
            ),
            jsonb_build_object(
                'identity', 'email:' || lower(our_address), 'role', case when is_outbound then 'from' else 'to' end,
                'is_ours', true, 'name', null, 'address', our_address
            )
        ) as participants,
        null::text as in_reply_to,
        null::text as reference_id,
        null::text as in_reply_to_reference
    from read

),

copies as (

    select
        'website_chat|' || (payload ->> 'id') as message_id,
        'website_chat' as channel,
        payload ->> 'id' as provider_message_id,
        {{ content_order("'1'", "''") }} as content_order,
        {{ content_columns() | join(', ') }},
        coalesce(provider_time, received_at) as sent_at,
        provider_time is null as sent_at_is_receipt,
        received_at,
        {{ status_order("case when is_outbound then 'sent' else 'received' end") }} as status_order,
        false as is_deleted,
        {{ fact('raw_ref', "'webhook'", 'received_at', "''", "'{}'::jsonb", content='md5(body)') }} as facts,
        null::text as moved_to,
        transaction_id,
        raw_ref
    from messages

)

select {{ typed_copy_columns() }} from copies
