-- Grain: one row per report of a mail system and mail that it reports about, found by the Message-ID of the copy that came back. It adds to
-- the mail that did not arrive; the report itself is a message of its own. Either may land first, so each looks for the other.
with

-- Not materialized: each half of the pairs reads its new rows, and finds the other's by an index.
reports as not materialized (

    select * from {{ ref('stg_gmail__message_events') }}
    where outcome = 'message' and reported_message_id is not null

),

sent as not materialized (

    select * from {{ ref('stg_gmail__message_events') }}
    where outcome = 'message' and label_ids ? 'SENT'

),

pairs as (

    {% for later in ['reports', 'sent'] -%}
    select
        reports.raw_ref, reports.id as report_id, reports.envelope -> 'report' as report, reports.pulled_at, reports.history_id,
        reports.parser_version,
        sent.connection_id, sent.id, sent.pulled_at as sent_pulled_at, {{ later }}.transaction_id
    from reports
    inner join sent on sent.connection_id = reports.connection_id and sent.rfc822_message_id = reports.reported_message_id
    {% if not loop.last %}union all{% endif %}

    {% endfor %}
),

told as (

    select
        pairs.*,
        own.mailbox as own_mailbox,
        -- Where it names nobody, it says all the same that somebody was not reached.
        coalesce(
            (
                select jsonb_agg(
                    jsonb_strip_nulls(jsonb_build_object(
                        -- Whom we wrote to, and where a mail system passed it on to.
                        'address', {{ bounded_key("lower(coalesce(recipient ->> 'original', recipient ->> 'address'))") }},
                        'final', {{ bounded_key("lower(recipient ->> 'address')") }},
                        'reason', coalesce(recipient ->> 'reason', recipient ->> 'status')
                    )) order by position
                )
                from jsonb_array_elements(
                    case jsonb_typeof(report -> 'recipients') when 'array' then report -> 'recipients' else '[]' end
                ) with ordinality as listed (recipient, position)
                where recipient ->> 'action' = 'failed'
            ),
            '[{}]'
        ) as failures
    from pairs
    inner join {{ ref('stg_gmail__own_addresses') }} as own using (connection_id)

),

copies as (

    select
        'gmail|' || own_mailbox || '|' || id as message_id,
        'gmail' as channel,
        id as provider_message_id,
        {{ no_content() }},
        null::timestamptz as sent_at,
        null::boolean as sent_at_is_receipt,
        sent_pulled_at as received_at,
        {{ status_order("'failed'") }} as status_order,
        false as is_deleted,
        {{ fact(
            'raw_ref', "'history'", 'pulled_at', "lpad(history_id, 20, '0') || '.' || lpad(parser_version::text, 6, '0')", "'{}'::jsonb",
            report="jsonb_build_object('id', report_id, 'version', lpad(parser_version::text, 6, '0'), 'failed', failures)"
        ) }} as facts,
        null::text as moved_to,
        transaction_id,
        raw_ref
    from told

)

select {{ typed_copy_columns() }} from copies
