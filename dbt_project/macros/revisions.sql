{# What tells whether two texts of one message are the same: blanks at the ends, and how wide a blank is, are no edit. Most texts have only single
   blanks between words, which one look shows. #}
{% macro text_mark(text) -%}
    md5(btrim(case when {{ text }} ~ '\s\s|[^\S ]' then regexp_replace({{ text }}, '\s+', ' ', 'g') else {{ text }} end))
{%- endmacro %}

{# Text that sorts against the time: the earliest of several copies is the greatest. #}
{% macro earliest_first(moment) -%}
    translate({{ sortable_time(moment) }}, '0123456789', '9876543210')
{%- endmacro %}

{# The revisions of a message, from its facts: edits, unsends and removals that were told, and edits that only the history knows.

   A webhook brings a message as it was sent, a history shows it as it is now. So a text of the history that no webhook told, neither as
   the message nor as an edit, is an edit: its webhook was lost, or came without the text. It fills the last edit before it where that one
   came without its text; otherwise it is an edit of its own, from the first pull on that showed it. Of a message that no webhook brought the
   earliest text of the history is the original, unless an edit is older. Nothing of this asks which copy was folded first.

   Words that we made of other fields (`worded`) are compared with nothing.

   listed      [{kind, at, number, body, raw_ref}] in order
   text        what the last edit whose text is known says
   is_untold   the last edit is one whose text nobody told

   A function, made as call_of is (macros/calls.sql): few messages have revisions, and readers list what the fold counted. #}
{% macro create_revisions_of() %}
create or replace function {{ target.database }}.canonical.revisions_of(facts jsonb) returns jsonb
language sql immutable strict parallel safe as $revisions$

    with

    sights as materialized (

        select key as raw_ref, value as fact from jsonb_each(facts)

    ),

    -- One revision told twice, in two deliveries, is one.
    told as materialized (

        select
            revision ->> 'kind' as kind,
            (revision ->> 'at') collate "C" as at,
            lpad(coalesce(revision ->> 'number', ''), 4, '0') collate "C" as number,
            revision ->> 'body' as body,
            min(raw_ref collate "C") as raw_ref
        from (select raw_ref, fact -> 'revision' as revision from sights where fact ? 'revision') as revisions
        group by revision

    ),

    -- Each text of the history, from when on it was seen.
    texts as materialized (

        select distinct on (content) content, at, text, raw_ref
        from (
            select
                fact ->> 'content' as content, (fact ->> 'at') collate "C" as at, (fact ->> 'text') collate "C" as text,
                raw_ref collate "C" as raw_ref
            from sights
            where fact ? 'text' and not exists (select from sights as ours where ours.fact ? 'worded')
        ) as seen
        order by content, at, text, raw_ref

    ),

    unknown as materialized (

        select texts.*
        from texts
        where content not in (select fact ->> 'content' from sights where fact ->> 'via' = 'webhook' and fact ? 'content')
            and content not in (select {{ text_mark('body') }} from told where body is not null)
            and content is distinct from (
                select first.content from texts as first
                where not exists (select from sights where fact ->> 'via' = 'webhook' and fact ? 'content')
                    and not exists (select from told where told.kind = 'edited' and told.at <= first.at)
                order by first.at, first.content collate "C"
                limit 1
            )

    ),

    -- The last edit before the text was seen; the first text behind an edit without one fills it.
    placed as materialized (

        select
            unknown.*,
            before.raw_ref as edit_ref,
            before.raw_ref is not null and before.body is null
                and row_number() over (partition by before.raw_ref order by unknown.at, unknown.content collate "C") = 1 as fills
        from unknown
        left join lateral (
            select told.raw_ref, told.body from told
            where told.kind = 'edited' and told.at <= unknown.at
            order by told.at desc, told.number desc, told.body collate "C" desc nulls last
            limit 1
        ) as before on true

    ),

    listed as materialized (

        select told.kind, told.at, told.number, coalesce(told.body, placed.text) collate "C" as body, told.raw_ref collate "C" as raw_ref
        from told
        left join placed on placed.fills and placed.edit_ref = told.raw_ref

        union all

        select 'edited', at, '0000', text, raw_ref from placed where not fills

    )

    select jsonb_build_object(
        'listed', coalesce(jsonb_agg(
            jsonb_build_object('kind', kind, 'at', at, 'number', number, 'body', body, 'raw_ref', raw_ref) order by at, number, body, raw_ref
        ), '[]'),
        'text', (array_agg(body order by at desc, number desc, body desc) filter (where kind = 'edited' and body is not null))[1],
        'is_untold', coalesce((array_agg(body is null order by at desc, number desc, body desc nulls last) filter (where kind = 'edited'))[1], false)
    )
    from listed
$revisions$
{% endmacro %}
