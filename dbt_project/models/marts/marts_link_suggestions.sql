-- Grain: one row per identity without a customer and customer whom it may belong to. For a person to decide: nothing is linked by it. What
-- speaks for it was found by the worker (canonical.link_evidence); what was decided since counts at once.
with

evidence as (

    select identity, other, customer_id, kind, score, said, blocker from {{ source('jobs', 'link_evidence') }}
    union all
    select other, identity, null, kind, score, said, blocker from {{ source('jobs', 'link_evidence') }} where other is not null

),

pairs as (

    select
        evidence.identity, coalesce(evidence.customer_id, belonging.customer_id) as customer_id,
        evidence.kind, evidence.score, evidence.said, evidence.blocker
    from evidence
    left join {{ ref('customer_identities') }} as belonging on belonging.identity = evidence.other
    where coalesce(evidence.customer_id, belonging.customer_id) is not null
        and not exists (select from {{ ref('customer_identities') }} as own where own.identity = evidence.identity)
        and not exists (select from {{ source('crm', 'not_customers') }} as marks where marks.identity = evidence.identity and marks.ended_at is null)

)

select
    pairs.identity,
    pairs.customer_id,
    (array_agg(pairs.kind order by pairs.score desc, pairs.kind))[1] as reason,
    jsonb_agg(distinct jsonb_build_object('kind', pairs.kind, 'said', pairs.said, 'score', pairs.score)) as evidence,
    -- Independent signs make each other likelier. Of one source only the best counts.
    least(
        round((1 - exp(sum(ln(1 - case when pairs.stands_alone then pairs.score else pairs.beside end)) filter (where pairs.is_best)))::numeric, 3), 0.999
    )::float8 as score,
    string_agg(distinct pairs.said, '; ') as said,
    -- That others are called so too says nothing against a number that somebody signs with.
    string_agg(distinct pairs.blocker, '; ') filter (where pairs.stands_alone) as blocker
from (
    select
        pairs.*,
        greatest(trusted.beside, pairs.score) as beside,
        -- What is weighed twice is a name.
        coalesce(trusted.beside > trusted.alone, false) is false
        or not bool_or(coalesce(trusted.beside > trusted.alone, false) is false) over (partition by pairs.identity, pairs.customer_id) as stands_alone,
        row_number() over (partition by pairs.identity, pairs.customer_id, trusted.source order by pairs.score desc, pairs.said) = 1 as is_best
    from pairs
    left join {{ evidence_table() }} on trusted.kind = pairs.kind
) as pairs
inner join {{ source('crm', 'customers') }} as customers on customers.customer_id = pairs.customer_id and customers.archived_at is null
where not exists (
    select from {{ source('crm', 'dismissed_suggestions') }} as dismissed
    where dismissed.identity = pairs.identity and dismissed.customer_id = pairs.customer_id and dismissed.ended_at is null
)
group by pairs.identity, pairs.customer_id
