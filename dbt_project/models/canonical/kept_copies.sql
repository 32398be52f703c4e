-- Every copy but those of what was destroyed (macros/tombstones.sql). The one gate: the fold and the rebuild read copies here and nowhere else.
{{ config(materialized='view') }}
select {{ copy_columns() | join(', ') }}
from {{ ref('message_copies') }} as copies
where not {{ is_destroyed('copies') }}
