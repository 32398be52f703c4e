{# Twilio's word as ours (docs/providers/twilio.md); null where the word is not known. #}
{% macro twilio_status(word) -%}
    case {{ word }}
        when 'queued' then 'queued' when 'accepted' then 'queued' when 'scheduled' then 'queued' when 'sending' then 'queued'
        when 'sent' then 'sent' when 'delivered' then 'delivered' when 'partially_delivered' then 'delivered'
        when 'read' then 'read' when 'failed' then 'failed' when 'undelivered' then 'failed' when 'canceled' then 'failed'
        when 'receiving' then 'received' when 'received' then 'received'
    end
{%- endmacro %}

{# How complete a copy of a Twilio message is. Text beats none: an empty body in the history where the webhook had
   text is a redaction at the provider, and the record keeps what was received (docs/providers/twilio.md). #}
{% macro twilio_completeness() -%}
    (case when body <> '' then '1' else '0' end || lpad(jsonb_array_length(attachments)::text, 2, '0'))
{%- endmacro %}
