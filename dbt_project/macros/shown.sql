{# What a reader is shown of a message, in one place: the newest edit, nothing of what was unsent, attachments with what became of them. #}

{% macro shown_body(message) -%}
    case when {{ message }}.removal = 'unsent' then null else coalesce({{ message }}.revised_body, {{ message }}.body) end
{%- endmacro %}

{# The attachments with their state: as the media job left them (jobs.media), otherwise as the models know them. Where to fetch them
   from stays inside. #}
{% macro shown_attachments(message) -%}
    case
        when {{ message }}.attachments = '[]' or {{ message }}.removal = 'unsent' then '[]'::jsonb
        else (
            select jsonb_agg(
                (attachment - 'source') || jsonb_strip_nulls(jsonb_build_object(
                    'state', media.state,
                    'reason', case when media.state is not null then media.reason end,
                    'size_bytes', media.size_bytes,
                    'sniffed_type', media.sniffed_type,
                    'shows_inline', media.is_inline,
                    'width', media.width,
                    'height', media.height
                )) order by position
            )
            from jsonb_array_elements({{ message }}.attachments) with ordinality as listed (attachment, position)
            left join {{ source('jobs', 'media') }} as media
                on media.message_id = {{ message }}.message_id and media.attachment_id = attachment ->> 'attachment_id'
        )
    end
{%- endmacro %}
