-- Grain: one row per outside identity. One that a person linked before it ever wrote is known too; one that belongs to a linked number is
-- linked with it.
select
    identity,
    {{ identity_parts('identity', 'schemes') }},
    seen.display_name,
    linked.customer_id,
    seen.first_seen_at,
    seen.last_seen_at,
    coalesce(seen.message_count, 0)::bigint as message_count,
    seen.last_inbound_at
from {{ ref('identities') }} as seen
full outer join {{ ref('customer_identities') }} as linked using (identity)
left join {{ ref('identity_schemes') }} as schemes on schemes.scheme = split_part(identity, ':', 1)
