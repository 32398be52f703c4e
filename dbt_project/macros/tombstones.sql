{# What was destroyed stays destroyed: every copy of a message passes these tombstones before it is folded (canonical/kept_copies.sql), whichever
   door it came through again, and so do a replay, a rebuild and the accounting. A tombstone is a keyed hash (migration 0180): nothing tells
   from it what it was. #}

{# Whether anything was ever destroyed. Asked first, once a statement: most warehouses have no tombstone, and then a copy costs nothing here. #}
{% macro has_tombstones() -%} (select exists (select from privacy.tombstones)) {%- endmacro %}

{# The mark of a text, as privacy.mark() gives it: HMAC-SHA256 under the key of this warehouse. #}
{% macro mark_of(text) -%}
    sha256(
        (select outer_pad from privacy.tombstone_key)
        || sha256((select inner_pad from privacy.tombstone_key) || convert_to({{ text }}, 'UTF8'))
    )
{%- endmacro %}

{# Whether a copy is of something that was destroyed. One that only says which message it belongs to goes with that one. Of the receipts of a
   thread those up to the last that was destroyed: the thread may go on. #}
{% macro is_destroyed(copy) -%}
    case when {{ has_tombstones() }} then exists (
        select from privacy.tombstones as tombstones
        where tombstones.mark in ({{ mark_of(copy ~ '.message_id') }}, {{ mark_of(copy ~ '.moved_to') }})
            and (tombstones.until is null or {{ copy }}.status_order collate "C" <= tombstones.until)
    ) else false end
{%- endmacro %}

{# What stands in a list of a delivery where the entry of somebody was cut out who was destroyed (privacy/deliveries.py). #}
{% macro is_cut_out(item) -%} {{ item }} = jsonb '{"destroyed": true}' {%- endmacro %}
