The one form of identities (migration 0061).

-- normal --
-- Of each its one form, in the order given.
select canonical.normal_identity(written)
from unnest(%(identities)s::text[]) with ordinality as listed (written, place)
order by place
