-- Grain: one row per change of labels, or removal, of one mail. It has no content: it adds to a mail that is held.
with

changes as (

    select
        changes.*,
        own.mailbox as own_mailbox,
        lpad(history_id, 20, '0') as label_version
    from {{ ref('stg_gmail__change_events') }} as changes
    inner join {{ ref('stg_gmail__own_addresses') }} as own using (connection_id)
    where changes.outcome in ('status', 'revision')

),

copies as (

    select
        'gmail|' || own_mailbox || '|' || id as message_id,
        'gmail' as channel,
        id as provider_message_id,
        {{ no_content() }},
        null::timestamptz as sent_at,
        null::boolean as sent_at_is_receipt,
        pulled_at as received_at,
        case when outcome = 'revision' then {{ status_order("'deleted'") }} end as status_order,
        outcome = 'revision' as is_deleted,
        {{ fact(
            'raw_ref', "'history'", 'pulled_at', 'label_version',
            "case when outcome = 'status' and jsonb_typeof(label_ids) = 'array' then jsonb_build_object('labels', label_ids, 'trashed', label_ids ? 'TRASH') end",
            revision="case when outcome = 'revision' then jsonb_build_object('kind', 'removed at the provider', 'at', " ~ sortable_time('pulled_at') ~ ") end"
        ) }} as facts,
        null::text as moved_to,
        transaction_id,
        raw_ref
    from changes

)

select {{ typed_copy_columns() }} from copies
