{# A provider's transport inside twilio_sms: whatsapp, messenger, rcs, or plain sms. #}
{% macro twilio_transport(address) -%}
    coalesce(substring({{ address }} from '^(whatsapp|messenger|rcs|sim):'), 'sms')
{%- endmacro %}
