{# Whether a lower-case mail address is ours. A +tag is dropped on our own domains only (docs/providers/google.md). #}
{% macro is_own_address(address, own) -%}
    coalesce(
        {{ address }} = any({{ own }}.addresses)
        or strpos({{ address }}, '+') > 0 and regexp_replace({{ address }}, '\+[^@]*@', '@') = any({{ own }}.addresses)
        or split_part({{ address }}, '@', 2) = any({{ own }}.domains),
        false
    )
{%- endmacro %}

{# The address of an entry `{name, address}` of an envelope, as identities are written. #}
{% macro mail_address(entry) -%}
    canonical.mail_address({{ entry }} ->> 'address')
{%- endmacro %}

{# What the reports about one mail say together: `to`, whom it did not reach and why, of each report its latest reading; `is_partial`, whether
   it went to others as well. A report may name nobody, or an address that is none of ours to know: then it speaks of the only receiver, where
   there is one. #}
{% macro undelivered(reports, to_addresses) -%}
    case when {{ reports }} is not null then (
        select jsonb_build_object(
            'to', jsonb_agg(failed - 'final' order by failed ->> 'address' collate "C", failed::text collate "C"),
            'is_partial',
                cardinality({{ to_addresses }}) > 1
                and not {{ to_addresses }} <@ (array_agg(failed ->> 'address') || array_agg(failed ->> 'final'))
        )
        from (
            select distinct on (failed ->> 'address') failed
            from (
                select distinct on (report ->> 'id') report
                from jsonb_array_elements({{ reports }}) as report
                order by report ->> 'id', report ->> 'version' collate "C" desc, report::text collate "C"
            ) as latest
            cross join lateral jsonb_array_elements(report -> 'failed') as failed
            order by failed ->> 'address', failed ->> 'reason' collate "C", failed::text collate "C"
        ) as named
        having count(*) > 0
    ) end
{%- endmacro %}
