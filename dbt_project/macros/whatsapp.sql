{# A wa_id or phone as WhatsApp writes it, as an identity. Argentine and Brazilian numbers are left as they are, and their other spelling is
   a suggestion (whatsapp_spelling). #}
{% macro whatsapp_identity(wa_id) -%}
    (select {{ whatsapp_phone('digits') }} from (select {{ digits_of(wa_id) }} as digits offset 0) as written)
{%- endmacro %}

{# The same of digits alone. #}
{% macro whatsapp_phone(digits) -%}
    case
        -- What canonical.phone_number would say first, without a pattern.
        when length({{ digits }}) between 7 and 15 and left({{ digits }}, 1) <> '0' and left({{ digits }}, 3) not in ('610', '521') then 'phone:+' || {{ digits }}
        else 'phone:' || canonical.phone_number('+' || {{ digits }}, null)
    end
{%- endmacro %}

{% macro digits_of(text) -%}
    case when ltrim({{ text }}, '0123456789') = '' then {{ text }} else regexp_replace({{ text }}, '[^0-9]', '', 'g') end
{%- endmacro %}

{# The other spelling of a Brazilian or Argentine mobile number, as a pair of identities for a person to judge; null for all others. #}
{% macro whatsapp_spelling(identity, at) -%}
    case
        when {{ identity }} ~ '^phone:\+55[0-9]{2}[6-9][0-9]{7}$' then jsonb_build_object(
            'identity', {{ identity }}, 'same_as', substr({{ identity }}, 1, 11) || '9' || substr({{ identity }}, 12),
            'how', 'Brazilian ninth digit', 'at', {{ at }})
        when {{ identity }} ~ '^phone:\+549[0-9]{10}$' then jsonb_build_object(
            'identity', {{ identity }}, 'same_as', 'phone:+54' || substr({{ identity }}, 11), 'how', 'Argentine mobile prefix', 'at', {{ at }})
    end
{%- endmacro %}

{# Kind, body, attachment, metadata of one WhatsApp message object with its `type` (docs/providers/whatsapp.md): of a message, an echo, an edit,
   a message of the history. #}
{% macro whatsapp_content(message) %}
        select
            case type
                when 'text' then 'text'
                when 'image' then 'media' when 'video' then 'media' when 'audio' then 'media' when 'document' then 'media' when 'sticker' then 'media'
                when 'media_placeholder' then 'media'
                when 'location' then 'location'
                when 'contacts' then 'contacts'
                when 'interactive' then case when is_unknown_interactive then 'unsupported' else 'interactive' end
                when 'button' then 'interactive' when 'order' then 'interactive' when 'template' then 'interactive'
                when 'system' then 'system' when 'request_welcome' then 'system'
                else 'unsupported'
            end as kind,
            case type
                when 'text' then coalesce(object ->> 'body', '')
                when 'image' then coalesce(object ->> 'caption', '') when 'video' then coalesce(object ->> 'caption', '')
                when 'document' then coalesce(object ->> 'caption', '')
                when 'audio' then '' when 'sticker' then '' when 'media_placeholder' then ''
                when 'location' then concat_ws(E'\n', nullif(object ->> 'name', ''), nullif(object ->> 'address', ''))
                when 'contacts' then coalesce({{ whatsapp_contact_lines("message -> 'contacts'") }}, '')
                when 'button' then coalesce(object ->> 'text', object ->> 'payload', '')
                when 'interactive' then case object ->> 'type'
                    when 'button_reply' then object #>> '{button_reply,title}'
                    when 'list_reply' then concat_ws(E'\n', object #>> '{list_reply,title}', nullif(object #>> '{list_reply,description}', ''))
                    when 'nfm_reply' then coalesce(object #>> '{nfm_reply,body}', object #>> '{nfm_reply,name}')
                    when 'call_permission_reply' then 'Calls: ' || coalesce(object #>> '{call_permission_reply,response}', 'no answer')
                    else object #>> '{body,text}'
                end
                when 'order' then concat_ws(
                    E'\n', {{ order_lines("object -> 'product_items'", "item ->> 'quantity'", "item ->> 'product_retailer_id'") }}, nullif(object ->> 'text', '')
                )
                when 'template' then object ->> 'name'
                when 'system' then coalesce(object ->> 'body', replace(object ->> 'type', '_', ' '))
                when 'request_welcome' then 'Opened the chat for the first time'
            end as body,
            case when type in ('image', 'video', 'audio', 'document', 'sticker') and object ->> 'id' <> '' then jsonb_build_array(jsonb_build_object(
                'attachment_id', {{ bounded_key("object ->> 'id'") }}, 'content_type', object ->> 'mime_type', 'filename', object ->> 'filename', 'size_bytes', null,
                'state', 'waiting',
                'source', jsonb_strip_nulls(jsonb_build_object('kind', 'graph_media', 'media_id', object ->> 'id', 'sha256', object ->> 'sha256'))
            )) else '[]' end as attachments,
            -- Most are a text and nothing else.
            case when type = 'text' and object - 'body' = '{}' and not message ?| array['context', 'referral', 'errors', 'history_context', 'group_id'] then '{}'
            else jsonb_strip_nulls(jsonb_build_object(
                'voice_note', case when object ->> 'voice' = 'true' then true end,
                'animated', case when object ->> 'animated' = 'true' then true end,
                'forwarded', case when message #>> '{context,forwarded}' = 'true' or message #>> '{context,frequently_forwarded}' = 'true' then true end,
                'frequently_forwarded', case when message #>> '{context,frequently_forwarded}' = 'true' then true end,
                'referred_product_id', message #>> '{context,referred_product,product_retailer_id}',
                'referral', {{ referral_words("message -> 'referral'") }},
                'location', case when type = 'location' then jsonb_strip_nulls(jsonb_build_object(
                    'latitude', object -> 'latitude', 'longitude', object -> 'longitude', 'name', object -> 'name', 'address', object -> 'address'
                )) end,
                'contacts', case when type = 'contacts' then message -> 'contacts' end,
                'button_payload', coalesce(object #>> '{button_reply,id}', object #>> '{list_reply,id}', case when type = 'button' then object ->> 'payload' end),
                'flow_response', object #> '{nfm_reply,response_json}',
                'order', case when type = 'order' then object end,
                'system', case when type = 'system' then object ->> 'type' end,
                'unsupported', case
                    when is_unknown_interactive then coalesce(object ->> 'type', 'interactive')
                    when type in ('unsupported', 'unknown', 'errors') then coalesce(message #>> '{unsupported,type}', message #>> '{errors,0,title}', 'unknown')
                    when type = 'media_placeholder' then null
                    when type not in (
                        'text', 'image', 'video', 'audio', 'document', 'sticker', 'location', 'contacts', 'button', 'interactive', 'order', 'template',
                        'system', 'request_welcome'
                    ) then type
                end,
                'missing', case when type = 'media_placeholder' then 'the file of a message from the history, which may follow' end,
                'error_code', message #>> '{errors,0,code}',
                'error_message', {{ whatsapp_error('message') }},
                'history_status', message #>> '{history_context,status}',
                'group_id', message ->> 'group_id'
            )) end as metadata
        from (
            select
                *,
                -- What somebody answered by means that we do not know has no words to show.
                type = 'interactive' and coalesce(object ->> 'type', '') not in ('button_reply', 'list_reply', 'nfm_reply', 'call_permission_reply')
                    and object #>> '{body,text}' is null as is_unknown_interactive
            from (
                select
                    message,
                    coalesce(message ->> 'type', 'unknown') as type,
                    case jsonb_typeof(message -> (message ->> 'type')) when 'object' then message -> (message ->> 'type') else '{}' end as object
                from (select {{ message }} as message offset 0) as told
                offset 0
            ) as read
            offset 0
        ) as typed
{% endmacro %}

{% macro whatsapp_contact_lines(contacts) -%}
    (
        select string_agg(
            concat_ws(
                ' ',
                coalesce(contact #>> '{name,formatted_name}', substring(contact ->> 'vcard' from 'FN:([^\r\n]*)')),
                (select string_agg(phone ->> 'phone', ' ') from canonical.elements(contact -> 'phones') as phone),
                (select string_agg(email ->> 'email', ' ') from canonical.elements(contact -> 'emails') as email)
            ), E'\n' order by number
        )
        from canonical.elements({{ contacts }}) with ordinality as listed (contact, number)
    )
{%- endmacro %}

{# What can become of an event (macros/verdict.sql). #}
{% macro whatsapp_cases(administration) %}
    {{ return([
        ("payload_error is not null", "quarantined", "payload_error"),
        (is_cut_out('item'), "destroyed", "null"),
        ("place = '' and field is not null and value is not null", "ignored", "'a test of the dashboard: it stands in no envelope and names no account of ours'"),
        ("place = ''", "quarantined", "'the body has no entries'"),
        ("account_id is null", "quarantined", "'an entry is no object with an id'"),
        ("field is null", "quarantined", "'a change is no object with a field'"),
        ("part = 'change' and field ~ " ~ administration, "ignored", "'field ' || field || ' is administration'"),
        ("part = 'change' and field = 'consumer_profile'", "ignored", "'field consumer_profile tells of a profile and is no correspondence'"),
        ("part = 'change' and jsonb_typeof(value) is distinct from 'object'", "quarantined", "'a change of field ' || field || ' is no object with fields'"),
        ("part = 'change' and is_correspondence", "quarantined", "'a change of field ' || field || ' holds nothing that is known: ' || coalesce((select string_agg(key, ', ' order by key) from jsonb_object_keys(value) as key where key not in ('messaging_product', 'metadata', 'contacts')), 'it is empty')"),
        ("part = 'malformed'", "quarantined", "(item #>> '{}') || ' of a change is no list'"),
        ("part = 'unknown list'", "quarantined", "'a change of field ' || field || ' holds a list that is not known: ' || left(item #>> '{}', 60)"),
        ("part = 'change'", "quarantined", "'field ' || field || ' is not known'"),
        ("jsonb_typeof(item) is distinct from 'object'", "quarantined", "'a ' || part || ' is no object with fields'"),
        ("owner_id is null", "quarantined", "'the phone number and the business account are those of no connection'"),
        ("part in ('message', 'status', 'echo', 'call', 'history message') and number_connection_id is null", "quarantined", "'the phone number is that of no connection'"),
        ("event in ('message', 'system', 'edit', 'revoke', 'reaction', 'status', 'call') and coalesce(item_id, '') = ''", "quarantined", "'a ' || event || ' without an id'"),
        ("event = 'message' and part = 'message' and field <> 'history' and coalesce(nullif(item ->> 'from', ''), item ->> 'from_user_id', '') = '' and not " ~ has_one_contact(), "quarantined", "'a message that names no sender'"),
        ("event = 'message' and part = 'echo' and coalesce(nullif(item ->> 'to', ''), nullif(item ->> 'to_user_id', '')) is null", "quarantined", "'an echo that names no recipient'"),
        ("event = 'message' and part = 'history message' and coalesce(nullif(thread_id, ''), nullif(item ->> 'to', ''), nullif(item ->> 'to_user_id', '')) is null and (coalesce(item ->> 'from', '') = '' or regexp_replace(item ->> 'from', '[^0-9]', '', 'g') = regexp_replace(display_phone_number, '[^0-9]', '', 'g'))", "quarantined", "'a message of the history that names nobody but ourselves'"),
        ("event = 'call' and part = 'call' and coalesce(item ->> 'event', '') not in ('connect', 'terminate') and not " ~ is_whatsapp_call_file(), "quarantined", "'the call has a word that is not known: ' || left(coalesce(item ->> 'event', 'none'), 40)"),
        ("event = 'call' and part = 'status' and coalesce(item ->> 'status', '') not in ('RINGING', 'ACCEPTED', 'REJECTED')", "quarantined", "'the status of a call has a word that is not known: ' || left(coalesce(item ->> 'status', 'none'), 40)"),
        ("event = 'call' and " ~ is_whatsapp_call_file() ~ " and coalesce(" ~ whatsapp_call_file() ~ " ->> 'id', '') = ''", "quarantined", "'a recording or a transcript of a call without its file'"),
        ("part = 'history message' and upper(item #>> '{history_context,status}') not in ('PENDING', 'SENT', 'DELIVERED', 'READ', 'PLAYED', 'ERROR')", "quarantined", "'a message of the history whose status is a word that is not known: ' || left(item #>> '{history_context,status}', 40)"),
        ("event = 'call' and part = 'call' and item ->> 'event' in ('connect', 'terminate') and coalesce(nullif(item ->> case when item ->> 'direction' = 'BUSINESS_INITIATED' then 'to' else 'from' end, ''), nullif(item ->> case when item ->> 'direction' = 'BUSINESS_INITIATED' then 'to_user_id' else 'from_user_id' end, '')) is null", "quarantined", "'a call that names nobody at the other end'"),
        ("event = 'edit' and coalesce(item #>> '{edit,original_message_id}', '') = ''", "quarantined", "'an edit that names no message'"),
        ("event = 'revoke' and coalesce(item #>> '{revoke,original_message_id}', '') = ''", "quarantined", "'a revoke that names no message'"),
        ("event = 'reaction' and coalesce(item #>> '{reaction,message_id}', '') = ''", "quarantined", "'a reaction that names no message'"),
        ("event = 'status' and item ->> 'status' not in ('sent', 'delivered', 'read', 'played', 'failed', 'deleted')", "quarantined", "'the status has a word that is not known: ' || left(coalesce(item ->> 'status', 'none'), 40)"),
        ("event = 'status' and item ->> 'status' is null", "quarantined", "'a status without a word'"),
        ("event = 'status' and coalesce(" ~ digits_of("item ->> 'recipient_id'") ~ " = " ~ digits_of('display_phone_number') ~ ", false)", "ignored", "'a status of what was written to us'"),
        ("event = 'user id' and coalesce(item #>> '{user_id,current}', '') = ''", "quarantined", "'a change of a user id without the new one'"),
        ("event = 'message'", "message", "null"),
        ("event = 'call' and part = 'call'", "message", "null"),
        ("event in ('status', 'call')", "status", "null"),
        ("event in ('edit', 'revoke')", "revision", "null"),
        ("event = 'reaction'", "reaction", "null"),
        ("event = 'error'", "system_event", "'WhatsApp reports: ' || coalesce(item ->> 'title', 'an error') || coalesce(' (' || (item ->> 'code') || ')', '')"),
        ("event = 'history'", "system_event", "'progress of the history: ' || coalesce(item #>> '{metadata,progress}', '?') || ' %'"),
        ("event = 'contact book'", "system_event", "'the app''s contact book: ' || coalesce(item ->> 'action', 'changed')"),
        ("event = 'user id'", "system_event", "'changed user id'"),
        ("event = 'preference'", "system_event", "'preference: ' || coalesce(item ->> 'value', '?') || ' ' || coalesce(item ->> 'category', '')"),
        ("event = 'system'", "system_event", "replace(coalesce(item #>> '{system,type}', type), '_', ' ')"),
        ("true", "quarantined", "'not understood'"),
    ]) }}
{% endmacro %}

{# Two identities that were told to be one, for a fact's same_as. `how` is a word. #}
{% macro same_person(identity, same_as, how) -%}
    {{ object_of_texts([('identity', identity), ('same_as', same_as), ('how', "'" ~ how ~ "'"), ('at', 'event_at')]) }}
{%- endmacro %}

{# Why something failed: the details where they are told, the title is the same for many reasons. #}
{% macro whatsapp_error(holder) -%}
    coalesce({{ holder }} #>> '{errors,0,error_data,details}', {{ holder }} #>> '{errors,0,message}', {{ holder }} #>> '{errors,0,title}')
{%- endmacro %}

{# A recording or a transcript of a call. Meta's page says `call_transcription_available`, and what it sends was seen to say
   `call_transcript_available` (docs/providers/whatsapp.md). #}
{% macro is_whatsapp_call_file() -%}
    (part = 'call' and coalesce(item ->> 'event', '') in ('call_recording_available', 'call_transcription_available', 'call_transcript_available'))
{%- endmacro %}

{# Its file. #}
{% macro whatsapp_call_file() -%}
    coalesce(item #> '{call_recording,audio}', item #> '{call_transcript,document}', item #> '{call_transcription,document}')
{%- endmacro %}

{# A message without a sender that comes with exactly one contact is that contact's. #}
{% macro has_one_contact() -%}
    (case jsonb_typeof(contacts) when 'array' then jsonb_array_length(contacts) else 0 end = 1
        and coalesce(contacts #>> '{0,wa_id}', contacts #>> '{0,user_id}', '') <> '')
{%- endmacro %}
